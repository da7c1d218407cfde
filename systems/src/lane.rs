//! Lanes: sessions at work. Every scope is a lane, or has its place in one; lanes run in parallel, sessions of one
//! scope in order.
//!
//! One system, `runtime.lanes`, takes what has arrived, what is due and what was published in the last frame, runs it
//! by lanes in the wave, and writes what came of it; `runtime.answers` gives the answers out after the commit. Both
//! run in still frames as well.
//!
//! Invariant: what a frame makes follows from the committed world, the requests in their order of arrival and the
//! step of world time; never from how lanes fall on threads. A lane reads the committed index through its own
//! writes; nobody else sees these before the commit.

mod codec;
mod collect;
mod floor;
mod host;
mod job;
mod memo;
mod mirror;
mod record;
mod request;
mod work;
mod write;

pub use codec::{HandlerCodec, PrincipalCodec, SessionCodec, SuspendedCodec, WindowCodec};
pub use collect::REQUEST_BYTES_A_FRAME;
pub use floor::{Figures, Floor, LOG_BYTES_MAX, LOG_LINES_MAX, REQUESTS_A_FRAME, Settings};
pub use host::{BYTES_A_FRAME, BYTES_A_STEP, HOLDS_MAX, KEYS_A_STEP};
pub use request::{Answer, Answers, Ask, Change, Operation, Request, To};
pub use write::REST_BYTES_A_FRAME;

use crate::event::{Channel, Held, Subscriber, Topic};
use bevy_ecs::entity::Entity;
use collect::Agenda;
use diptych_components::kv;
use diptych_components::principal::{Principal, Window};
use diptych_components::script::Suspended;
use diptych_engine::prelude::*;
use diptych_engine::{Registrar, par_each_weighted};
use floor::Ledger;
use job::{Hall, Lane};
use record::Recorder;
use std::collections::BTreeSet;
use std::sync::Arc;
use work::Job;

/// The system that all rows of the runtime are reserved to, and its observer.
const LANES: &str = "runtime.lanes";
/// The name under which requests stand in the log of inputs.
const INTAKE: &str = "runtime.requests";
/// What everybody else does instead of commanding such rows.
const INSTEAD: &str = "use a session, or a client's requests for principals";

/// The rows that lanes write.
#[derive(bevy_ecs::system::SystemParam)]
pub(crate) struct Rows<'w, 's> {
    values: Query<'w, 's, Next<kv::Value>>,
    principals: Query<'w, 's, (Next<Principal>, Next<Window>)>,
    scripts: Query<'w, 's, Next<Suspended>>,
    structure: Structure<'w, 's>,
}

/// Registers the state of the runtime, its events and its systems.
///
/// # Errors
/// When a setting is out of its bounds.
///
/// # Panics
/// When the floor is another engine's.
pub fn register(registrar: &mut Registrar, floor: &Arc<Floor>) -> Result<()> {
    floor.connect(crate::event::register(registrar, floor.settings.events)?, registrar.intake(INTAKE, 1));
    registrar
        .state_with::<kv::Key, crate::kv::KeyCodec>("kv.key", 1)
        .state_with::<kv::Value, crate::kv::ValueCodec>("kv.value", 1)
        .state_with::<Principal, PrincipalCodec>("principal.record", 1)
        .state_with::<Window, WindowCodec>("principal.window", 1)
        .state_with::<diptych_components::session::Session, SessionCodec>("session.record", 1)
        .state_with::<diptych_components::script::Handler, HandlerCodec>("event.handler", 1)
        .state_with::<Suspended, SuspendedCodec>("script.suspended", 1)
        .observer(LANES, floor.clone());
    // What the floor knows of these rows it learns from what the lanes write.
    registrar
        .reserve::<kv::Key>(LANES, INSTEAD)
        .reserve::<kv::Value>(LANES, INSTEAD)
        .reserve::<Principal>(LANES, INSTEAD)
        .reserve::<Window>(LANES, INSTEAD)
        .reserve::<diptych_components::session::Session>(LANES, INSTEAD)
        .reserve::<diptych_components::script::Handler>(LANES, INSTEAD)
        .reserve::<Suspended>(LANES, INSTEAD);
    let (lanes, answers) = (floor.clone(), floor.clone());
    let mut kept = Kept::default();
    let run = move |rows: Rows<'_, '_>,
                    heard: Subscriber<'_, '_>,
                    held: Query<'_, '_, Prev<Held>>,
                    clock: Clock| {
        run(&lanes, &mut kept, rows, &heard, &held, clock);
    };
    registrar.system(LANES, run.answering());
    let answer = move |held: Query<'_, '_, Prev<Held>>, clock: Clock| {
        answers.give_out(clock.committed(), || sessions_that_wait(&held));
    };
    registrar.late("runtime.answers", answer.answering());
    Ok(())
}

/// What is kept from frame to frame for its memory.
#[derive(Default)]
struct Kept {
    lanes: Vec<Lane>,
    /// Empty between frames.
    jobs: Vec<Job>,
}

/// Sessions with events in line.
fn sessions_that_wait(held: &Query<'_, '_, Prev<Held>>) -> BTreeSet<Arc<str>> {
    held.iter().flat_map(|held| held.sessions().map(|(_, session)| Arc::from(session))).collect()
}

fn run(
    floor: &Floor,
    kept: &mut Kept,
    mut rows: Rows<'_, '_>,
    heard: &Subscriber<'_, '_>,
    held: &Query<'_, '_, Prev<Held>>,
    clock: Clock,
) {
    let mut ledger = floor.ledger();
    let mail = heard.all();
    if ledger.is_idle(clock.step()) && mail.is_empty() {
        return;
    }
    let waiting = sessions_that_wait(held);
    let in_line = held.iter().map(|held| held.events().len()).sum();
    let terms = floor.terms(clock, in_line);
    let Kept { lanes, jobs } = kept;
    let mut agenda = Agenda { jobs: core::mem::take(jobs), ..Agenda::default() };
    let machine = |entity: Entity| rows.scripts.get(entity).ok().map(|row| row.machine.clone());
    let place = |topic: Topic| (topic.channel().unwrap_or(Channel::Execution).code(), topic.number());
    let mail: Vec<_> = mail.into_iter().map(|(topic, heard)| (place(topic), heard)).collect();
    let may_publish = |session: &str| terms.slots > 0 && !waiting.contains(session);
    agenda.wake(&mut ledger.mirror, &mail, &machine, floor.settings.patience, terms.step, may_publish);
    let Ledger { mirror, backlog, .. } = &mut *ledger;
    if backlog.is_empty() || !floor.intake().is_kept() {
        agenda.take(backlog, mirror, terms.step, None);
    } else {
        floor.intake().note(|out| agenda.take(backlog, mirror, terms.step, Some(Recorder::new(out))));
    }
    let count = agenda.deal(mirror, lanes, &waiting);
    *jobs = core::mem::take(&mut agenda.jobs);
    {
        let index = floor.index();
        let hall = Hall {
            // Never nothing: in each frame each lane gets on by one command.
            terms: terms.shared_by(count),
            handlers: &mirror.handlers,
            index: &index,
            empty: crate::kv::Scope::default(),
            commands: &floor.commands,
            limits: floor.settings.scripts,
            patience: Floor::steps(clock, floor.settings.patience),
        };
        par_each_weighted(&mut lanes[..count], Lane::weight, |_, lane| lane.run(&hall));
    }
    write::write(floor, &mut ledger, &mut lanes[..count], agenda, &mut rows);
    floor.show(&ledger);
}
