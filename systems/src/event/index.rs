//! From a topic to its entity, beside the world.
//!
//! Invariant: it follows from the committed topics alone, so it is not stored; whoever needs it first makes it.
//! Left out: the events.

use bevy_ecs::entity::Entity;
use diptych_components::event::{Topic, Unheard};
use diptych_engine::prelude::*;

/// Numbers of topics in a page.
const PAGE: usize = 256;
/// Keys of topics are below channel code 8.
const PAGES: usize = (8 << 16) / PAGE;
/// No topic at this place of a page.
const NOBODY: u32 = u32::MAX;

/// All topics, as a query sees them.
pub(super) type Topics<'w, 's> = Query<'w, 's, (Entity, Prev<Topic>, Prev<Unheard>)>;

/// A topic that exists, or will after this commit.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) topic: Topic,
    /// `None` until it is spawned.
    pub(super) entity: Option<Entity>,
    /// Events of the frame being made.
    pub(super) arrived: u32,
    /// Which of the frame's lists they go to.
    pub(super) batch: u32,
}

/// Which entity is which topic.
#[derive(Debug, Default)]
pub(super) struct Index {
    is_ready: bool,
    pages: Vec<Option<Box<[u32; PAGE]>>>,
    pub(super) entries: Vec<Entry>,
    /// Topics with unheard events.
    pub(super) backlog: Vec<Entity>,
    /// How many those are, in all.
    pub(super) unheard: usize,
}

impl Index {
    /// Makes it, at the first look into a world.
    #[inline]
    pub(super) fn make_ready(&mut self, topics: &Topics<'_, '_>) {
        if !self.is_ready {
            self.fill(topics);
        }
    }

    #[cold]
    fn fill(&mut self, topics: &Topics<'_, '_>) {
        *self = Self { is_ready: true, ..Self::default() };
        self.pages.resize_with(PAGES, || None);
        for (entity, topic, unheard) in topics {
            let place = self.place(*topic);
            let entry = &mut self.entries[place as usize];
            // Of two entities the first is the topic; nothing here makes a second.
            if entry.entity.is_some() {
                continue;
            }
            entry.entity = Some(entity);
            if !unheard.0.is_empty() {
                self.backlog.push(entity);
                self.unheard += unheard.0.len();
            }
        }
    }

    /// The entity of a topic.
    #[inline]
    pub(super) fn entity(&self, topic: Topic) -> Option<Entity> {
        let key = topic.key() as usize;
        let place = self.pages.get(key / PAGE)?.as_ref()?[key % PAGE];
        self.entries.get(place as usize)?.entity
    }

    /// The place of a topic's entry, which is made where there is none.
    #[inline]
    pub(super) fn place(&mut self, topic: Topic) -> u32 {
        let key = topic.key() as usize;
        let page = self.pages[key / PAGE].get_or_insert_with(|| Box::new([NOBODY; PAGE]));
        let place = &mut page[key % PAGE];
        if *place == NOBODY {
            *place = self.entries.len() as u32;
            self.entries.push(Entry { topic, entity: None, arrived: 0, batch: 0 });
        }
        *place
    }
}
