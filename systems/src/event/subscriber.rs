//! `Subscriber`: the parameter by which a system hears what was published.
//!
//! Invariant: it reads the committed frame only, so any number of systems hear the same events in the same order,
//! each event once. A system that skips frames (`every`, a control) misses what was said in them.

use super::bus::Bus;
use super::publisher::bus_of;
use bevy_ecs::system::SystemParam;
use bevy_ecs::world::{FromWorld, World};
use diptych_components::event::{Channel, Event, Topic, TopicMail, Unheard};
use diptych_engine::prelude::*;
use diptych_engine::{Phase, Site};
use std::fmt;
use std::iter::Chain;
use std::slice::Iter;

/// Hears events. Only systems of the wave can have it; to subscribe is to look.
///
/// See [`Publisher`](super::Publisher) for an example.
#[derive(SystemParam)]
pub struct Subscriber<'w, 's> {
    ear: Local<'s, Ear>,
    topics: Query<'w, 's, (Entity, Prev<Topic>, Prev<Unheard>)>,
    mails: Query<'w, 's, (Prev<Topic>, Prev<TopicMail>, Prev<Unheard>)>,
    changes: Changes<'w, 's, TopicMail>,
}

/// What a system's subscriber keeps.
#[derive(Debug)]
struct Ear {
    bus: Bus,
    /// Whether the system rests in still frames, and hears later what was said in them.
    rests: bool,
}

impl FromWorld for Ear {
    fn from_world(world: &mut World) -> Self {
        let site = Site::from_world(world);
        assert!(
            site.phase() == Phase::Wave,
            "names a Subscriber in the phase {:?}; events are heard in the wave: register it with .system(..)",
            site.phase()
        );
        let bus = bus_of(world, "Subscriber");
        let rests = !site.is_answering();
        if rests {
            bus.note_resting();
        }
        Self { bus, rests }
    }
}

impl fmt::Debug for Subscriber<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all()).finish()
    }
}

impl Subscriber<'_, '_> {
    /// What there is to hear on a topic, in order.
    #[must_use]
    pub fn on(&self, channel: Channel, topic: u16) -> Heard<'_> {
        let entity = self.ear.bus.entity(Topic::new(channel, topic), &self.topics);
        entity.and_then(|entity| self.of(entity)).map_or(Heard::default(), |(_, heard)| heard)
    }

    /// What there is to hear on any topic, by channel and number; costs what there is, not what topics exist.
    #[must_use]
    pub fn all(&self) -> Vec<(Topic, Heard<'_>)> {
        let mut entities = self.changes.entities();
        if self.ear.rests {
            entities.extend(&self.ear.bus.index(&self.topics).backlog);
            entities.sort_unstable();
            entities.dedup();
        }
        let mut all: Vec<_> = entities.into_iter().filter_map(|entity| self.of(entity)).collect();
        all.retain(|(_, heard)| !heard.is_empty());
        all.sort_unstable_by_key(|(topic, _)| *topic);
        all
    }

    fn of(&self, entity: Entity) -> Option<(Topic, Heard<'_>)> {
        let (topic, mail, unheard) = self.mails.get(entity).ok()?;
        let earlier: &[Event] = if self.ear.rests { &unheard.0 } else { &[] };
        Some((*topic, Heard { earlier, last: &mail.0 }))
    }
}

/// Events to be heard, in order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heard<'a> {
    /// From before the last frame, where that was still.
    earlier: &'a [Event],
    last: &'a [Event],
}

impl<'a> Heard<'a> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.earlier.len() + self.last.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One after the other.
    #[inline]
    pub fn iter(&self) -> Chain<Iter<'a, Event>, Iter<'a, Event>> {
        self.earlier.iter().chain(self.last)
    }
}

impl<'a> IntoIterator for Heard<'a> {
    type Item = &'a Event;
    type IntoIter = Chain<Iter<'a, Event>, Iter<'a, Event>>;

    #[inline]
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
