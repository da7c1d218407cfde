//! What lanes are given to do, and what becomes of it.

use super::mirror::{Place, Seat};
use super::request::{Operation, To};
use bevy_ecs::entity::Entity;
use diptych_components::principal::Principal;
use diptych_components::script::{Rest, Suspended};
use diptych_components::slp::Object;
use diptych_engine::Id;
use std::sync::Arc;

/// What a lane does for a session.
#[derive(Debug)]
pub(super) enum Work {
    /// All forms of a script.
    Run(Object),
    /// A handler's body, with the event's data.
    Hear(Object, u16, Object),
    /// What was published to a processor: text, or an object.
    Execute(u16, Object),
    /// One operation.
    Do(Operation),
    /// A script goes on; apart, so that all other work is small.
    GoOn(Box<(Roused, Wake)>),
}

/// A script that was at rest.
#[derive(Debug)]
pub(super) struct Roused {
    pub(super) id: Id,
    pub(super) entity: Entity,
    pub(super) machine: Arc<[u8]>,
    pub(super) deadline: u64,
    pub(super) rest: Rest,
    pub(super) awaits: Arc<[Place]>,
}

impl Roused {
    /// As it lies in the world.
    pub(super) fn as_stored(&self, session: &Arc<str>) -> Suspended {
        let Self { machine, deadline, rest, awaits, .. } = self;
        let (machine, awaits) = (machine.clone(), awaits.clone());
        Suspended { session: session.clone(), rest: *rest, deadline: *deadline, awaits, machine }
    }
}

/// Why a script goes on.
#[derive(Debug)]
pub(super) enum Wake {
    /// Events it awaits, each with the place of its await.
    Events(Vec<(usize, Object)>),
    /// Its await gave up after so many seconds.
    TimedOut(f64, Place),
    /// It may.
    Ready,
}

/// For whom something is done.
#[derive(Debug)]
pub(super) struct Who {
    pub(super) seat: Arc<Seat>,
    pub(super) principal: Option<Arc<Principal>>,
    /// Whether events of the session still wait for a slot.
    pub(super) held: bool,
}

/// One piece of work, in a session.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) who: Who,
    pub(super) work: Work,
    pub(super) to: Option<To>,
}

/// A handler that is to hear.
#[derive(Debug)]
pub(super) struct Hearer {
    pub(super) who: Who,
    pub(super) body: Object,
}

/// Events of one topic, and handlers each of which hears all of them: as much memory as the sum of the two, not as
/// their product.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) topic: u16,
    pub(super) handlers: Vec<Hearer>,
    pub(super) events: Arc<[Object]>,
}

/// What became of a job.
#[derive(Debug)]
pub(super) enum Ended {
    /// It has its result.
    Done(Object),
    /// It rests.
    Rests(Suspended),
    /// It has not been touched and rests as before.
    Stays(Suspended),
}

/// A job's end.
#[derive(Debug)]
pub(super) struct End {
    pub(super) seat: Arc<Seat>,
    /// The script that went on, and where it is stored.
    pub(super) script: Option<(Id, Entity)>,
    pub(super) to: Option<To>,
    pub(super) ended: Ended,
    /// Whether it has published.
    pub(super) published: bool,
}
