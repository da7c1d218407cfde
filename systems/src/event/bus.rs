//! What is on its way from publishers to topics, and the index of topics; scratch, all of it.
//!
//! Invariant: within the wave each sheet has one writer, its system; the derive phase empties all of them. So
//! between two frames there is nothing in here that a restart could lose.

use super::index::{Index, Topics};
use bevy_ecs::entity::Entity;
use bevy_ecs::prelude::Resource;
use diptych_components::event::{Event, Origin, Topic};
use diptych_engine::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use diptych_engine::sync::{Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Events that have a place in a frame, unless said otherwise.
pub const EVENTS_A_FRAME: u32 = 1000;
/// What can be said otherwise, at most.
pub const EVENTS_A_FRAME_MAX: u32 = 1 << 24;

/// The way of events into a world; cheap to clone.
#[derive(Clone, Debug, Resource)]
pub struct Bus(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limit: u32,
    /// By the names of the systems.
    sheets: Mutex<BTreeMap<Arc<str>, Arc<Sheet>>>,
    scripts: Mutex<Vec<Event>>,
    index: Mutex<Index>,
    /// How often the sheets were emptied.
    rounds: AtomicU64,
    /// Whether a system subscribes that rests in still frames.
    has_resting: AtomicBool,
}

/// What one system publishes in a frame, in order.
#[derive(Debug)]
pub(super) struct Sheet {
    pub(super) origin: Arc<Origin>,
    pub(super) events: Mutex<Vec<Event>>,
}

impl Bus {
    pub(super) fn new(limit: u32) -> Self {
        Self(Arc::new(Inner {
            limit,
            sheets: Mutex::default(),
            scripts: Mutex::default(),
            index: Mutex::default(),
            rounds: AtomicU64::new(0),
            has_resting: AtomicBool::new(false),
        }))
    }

    /// Events that have a place in a frame.
    #[must_use]
    pub fn limit(&self) -> u32 {
        self.0.limit
    }

    /// Takes what scripts have published in the frame being made, during its wave: all of it is delivered or held.
    /// The order of the list does not matter where publisher and sequence tell every two events apart.
    pub fn hand_over(&self, mut events: Vec<Event>) {
        let mut scripts = self.0.scripts.lock();
        if scripts.is_empty() {
            *scripts = events;
        } else {
            scripts.append(&mut events);
        }
    }

    /// The sheet of a system.
    pub(super) fn sheet(&self, system: &Arc<str>) -> Arc<Sheet> {
        let mut sheets = self.0.sheets.lock();
        let fresh = || {
            let origin = Arc::new(Origin::System { name: system.clone() });
            Arc::new(Sheet { origin, events: Mutex::default() })
        };
        sheets.entry(system.clone()).or_insert_with(fresh).clone()
    }

    /// Adds what was published in this frame to the line, in order; the sheets are empty then.
    pub(super) fn drain(&self, line: &mut Vec<Event>) {
        let held = line.len();
        line.append(&mut self.0.scripts.lock());
        line[held..].sort_by(|a, b| {
            let same = Arc::ptr_eq(a.origin(), b.origin());
            if same { a.sequence().cmp(&b.sequence()) } else { a.order().cmp(&b.order()) }
        });
        for sheet in self.0.sheets.lock().values() {
            line.append(&mut sheet.events.lock());
        }
        // Relaxed: no wave runs, and the pool's own handing over comes before the next one.
        self.0.rounds.fetch_add(1, Ordering::Relaxed);
    }

    /// How often the sheets were emptied: another number in each frame that is made.
    pub(super) fn rounds(&self) -> u64 {
        self.0.rounds.load(Ordering::Relaxed)
    }

    /// Notes a subscriber that rests in still frames.
    pub(super) fn note_resting(&self) {
        self.0.has_resting.store(true, Ordering::Relaxed);
    }

    /// Whether there is one. It is the same in every frame: subscribers are made by the build.
    pub(super) fn has_resting(&self) -> bool {
        // Relaxed: the build is over before the first frame begins.
        self.0.has_resting.load(Ordering::Relaxed)
    }

    /// The index, made where it was not.
    pub(super) fn index(&self, topics: &Topics<'_, '_>) -> MutexGuard<'_, Index> {
        let mut index = self.0.index.lock();
        index.make_ready(topics);
        index
    }

    /// The entity of a topic.
    pub(super) fn entity(&self, topic: Topic, topics: &Topics<'_, '_>) -> Option<Entity> {
        self.index(topics).entity(topic)
    }
}
