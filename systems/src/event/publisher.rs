//! `Publisher`: the parameter by which a system publishes.
//!
//! Invariant: what is published has a place in the line when the call returns, or the call refuses it: nothing is
//! lost and nobody waits. A system that has events held publishes nothing more until they have had their frame, so
//! its own order holds.

use super::bus::{Bus, Sheet};
use bevy_ecs::system::SystemParam;
use bevy_ecs::world::{FromWorld, World};
use diptych_components::event::{Channel, Event, Held, ToObject, Topic};
use diptych_engine::prelude::*;
use diptych_engine::{Phase, Site};
use std::fmt;
use std::sync::Arc;

/// Publishes events, which are heard in the next frame. Only systems of the wave can have it.
///
/// ```
/// use diptych_engine::prelude::*;
/// use diptych_systems::event::{self, Channel, Publisher, Subscriber};
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Sum(i64);
/// fn count(clock: Clock, mut bus: Publisher) {
///     bus.publish(Channel::A, 50, clock.frame() as i64).expect("one event a frame");
/// }
/// fn add(heard: Subscriber, mut sums: Query<Next<Sum>>) {
///     let more: i64 = heard.on(Channel::A, 50).into_iter().filter_map(|event| event.data::<i64>()).sum();
///     sums.par_rows(|mut sum| sum.set(Sum(sum.prev().0 + more)));
/// }
/// # struct Events;
/// # impl Plugin for Events {
/// #     fn name(&self) -> &'static str { "events" }
/// #     fn build(self, registrar: &mut Registrar) -> Result<()> {
/// #         event::register(registrar, event::EVENTS_A_FRAME).map(|_| ())
/// #     }
/// # }
/// let mut engine = Engine::in_memory()
///     .plugin(Events)
///     .state::<Sum>("sum", 1)
///     .system("count", count)
///     .system("add", add)
///     .setup("sum", |structure| { structure.spawn((Sum(0),)); })
///     .build()?;
/// engine.run(Pace::frames(4))?;
/// // 1, 2 and 3 have been heard; 4 will be in the next frame.
/// assert_eq!(engine.view().single::<Sum>().map(|sum| sum.0), Some(6));
/// # Ok::<(), Error>(())
/// ```
#[derive(SystemParam)]
pub struct Publisher<'w, 's> {
    desk: Local<'s, Desk>,
    held: Query<'w, 's, Prev<Held>>,
}

/// What a system's publisher keeps.
#[derive(Debug)]
struct Desk {
    bus: Bus,
    sheet: Arc<Sheet>,
    /// Which emptying of the sheets `waits` holds for. Frames are no measure of it: a rollback makes some of them again.
    looked: Option<u64>,
    /// Whether events of this system are held.
    waits: bool,
}

impl FromWorld for Desk {
    fn from_world(world: &mut World) -> Self {
        let site = Site::from_world(world);
        assert!(
            site.phase() == Phase::Wave,
            "names a Publisher in the phase {:?}; events are gathered in the wave: register it with .system(..)",
            site.phase()
        );
        let bus = bus_of(world, "Publisher");
        let sheet = bus.sheet(site.name());
        Self { bus, sheet, looked: None, waits: false }
    }
}

/// The world's bus.
pub(super) fn bus_of(world: &World, parameter: &str) -> Bus {
    let Some(bus) = world.get_resource::<Bus>() else {
        panic!("names a {parameter}, and nothing brings events: register them with `event::register`");
    };
    bus.clone()
}

/// Why an event was not published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotPublished {
    /// The system has published this many in this frame, the limit, or has events of earlier frames in line. Try
    /// again in the next frame.
    Full {
        /// Events a frame.
        limit: u32,
    },
    /// What is published on the execution channel is run in the publisher's session, and a system has none.
    Execution,
}

impl fmt::Display for NotPublished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { limit } => {
                write!(f, "the queue of events is full, at {limit} a frame: publish again in the next frame")
            }
            Self::Execution => f.write_str(
                "systems cannot publish on the execution channel: there is no session to run it in",
            ),
        }
    }
}

impl std::error::Error for NotPublished {}

/// A value that was not published, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused<T> {
    /// What was to be published.
    pub value: T,
    /// Why it was not.
    pub why: NotPublished,
}

impl<T> fmt::Display for Refused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.why, f)
    }
}

impl<T: fmt::Debug> std::error::Error for Refused<T> {}

impl fmt::Debug for Publisher<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Publisher").field(&self.desk.sheet.origin).finish()
    }
}

impl Publisher<'_, '_> {
    /// Publishes `value` on a topic.
    ///
    /// # Errors
    /// When the queue has no room for this system, or the channel is the one of scripts.
    #[inline]
    pub fn publish(
        &mut self,
        channel: Channel,
        topic: u16,
        value: impl ToObject,
    ) -> Result<(), NotPublished> {
        if channel == Channel::Execution {
            return Err(NotPublished::Execution);
        }
        let Self { desk, held } = self;
        let desk: &mut Desk = desk;
        let round = Some(desk.bus.rounds());
        if desk.looked != round {
            desk.look(round, held);
        }
        let limit = desk.bus.limit();
        let mut events = desk.sheet.events.lock();
        if desk.waits || events.len() >= limit as usize {
            return Err(NotPublished::Full { limit });
        }
        let sequence = events.len() as u64;
        let topic = Topic::new(channel, topic);
        events.push(Event::new(topic, &value.to_object(), desk.sheet.origin.clone(), sequence));
        Ok(())
    }

    /// The same, and gives a refused value back.
    ///
    /// # Errors
    /// As [`publish`](Self::publish).
    #[inline]
    pub fn try_publish<T: ToObject>(
        &mut self,
        channel: Channel,
        topic: u16,
        value: T,
    ) -> Result<(), Refused<T>> {
        self.publish(channel, topic, &value).map_err(|why| Refused { value, why })
    }
}

impl Desk {
    /// Finds out whether events of this system are held.
    fn look(&mut self, round: Option<u64>, held: &Query<'_, '_, Prev<Held>>) {
        self.waits = held.iter().any(|held| held.holds(&self.sheet.origin));
        self.looked = round;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event;

    /// How many events a system publishes in a frame, and how many it could.
    #[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
    #[repr(C)]
    struct Will(u32, u32);

    struct Wills;

    impl Plugin for Wills {
        fn name(&self) -> &'static str {
            "wills"
        }

        fn build(self, registrar: &mut Registrar) -> Result<()> {
            event::register(registrar, 2)?;
            let publish = |mut wills: Query<Next<Will>>, mut bus: Publisher| {
                wills.iter_mut().for_each(|mut will| {
                    let Will(wanted, _) = *will.prev();
                    let done = (0..wanted).filter(|_| bus.publish(Channel::A, 1, 7_i64).is_ok()).count();
                    will.set(Will(wanted, done as u32));
                });
            };
            let set = |applier: &mut diptych_engine::Applier<'_, '_>, wanted: u32| {
                let id = applier.ids::<Will>()[0];
                assert!(applier.set(id, Will(wanted, 0)));
            };
            registrar
                .state::<Will>("will", 1)
                .input::<u32>("wanted", 1, set)
                .system("will.publish", publish)
                // It comes first and takes the room of a frame.
                .system("crowd", |mut bus: Publisher| while bus.publish(Channel::B, 2, 1_i64).is_ok() {})
                .setup("will", |structure: &mut Structure<'_, '_>| {
                    structure.spawn((Will(0, 0),));
                });
            Ok(())
        }
    }

    /// Claim: whether a system's events wait is looked at anew when a frame is made again after a rollback.
    #[test]
    fn rollbacks_leave_nothing_behind() {
        let build = || {
            let engine = Engine::in_memory().rollback(8).plugin(Wills).build();
            engine.unwrap_or_else(|error| panic!("{error}"))
        };
        let want = |engine: &mut Engine, wanted: u32| {
            engine.inputs().send("test", &wanted).unwrap_or_else(|error| panic!("{error}"));
            engine.step().unwrap_or_else(|error| panic!("{error}"));
        };
        // In frame 3 its events wait, and it could publish none.
        let (mut engine, mut other) = (build(), build());
        [2, 2, 0].into_iter().for_each(|wanted| want(&mut engine, wanted));
        assert_eq!(engine.view().single::<Will>(), Some(&Will(0, 0)));
        engine.rollback_to(0).unwrap_or_else(|error| panic!("{error}"));
        for engine in [&mut engine, &mut other] {
            [0, 2].into_iter().for_each(|wanted| want(engine, wanted));
            engine.step().unwrap_or_else(|error| panic!("{error}"));
        }
        assert_eq!(engine.view().single::<Will>(), other.view().single::<Will>());
        assert_eq!(engine.digest(), other.digest());
    }
}
