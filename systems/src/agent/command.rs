//! What comes from outside, done.
//!
//! Invariant: it changes what an owner will find as its previous value, and nothing where it names nobody: then it says
//! so in the log, and the world goes on.

use diptych_components::agent::{
    Command, Ear, Grant, Heartbeat, NOBODY, RawVad, Status, Task, ToolCall, ToolResult, Utterance,
    VisionFrame, VisionRing,
};
use diptych_engine::prelude::*;
use diptych_engine::{Applier, State};

/// Does it.
pub fn apply_command(applier: &mut Applier<'_, '_>, command: Command) {
    let frame = applier.frame();
    let done = match command {
        Command::Hear(agent, line) => change(applier, agent, |ear: &Ear| {
            let mut next = ear.clone();
            next.push(line);
            next
        }),
        Command::Level(agent, level) => change(applier, agent, |_: &RawVad| RawVad { level, frame }),
        Command::See(agent, image) => {
            let agent_id = Id::from_bits(agent);
            let is_known = applier.get::<VisionRing>(agent_id).is_some();
            // One that was too long has become none on its way.
            let fits = !image.reference.is_empty();
            if is_known && fits {
                applier.spawn((VisionFrame { agent, frame, image },));
            }
            is_known && fits
        }
        Command::Beat(agent, beat) => {
            change(applier, agent, |_: &Heartbeat| Heartbeat { last_seen: frame, ..beat })
        }
        Command::Allow(agent, grant) => change(applier, agent, |_: &Grant| grant),
        Command::Use(agent, tool) => {
            let is_known = applier.get::<Grant>(Id::from_bits(agent)).is_some();
            if is_known {
                applier.spawn((ToolCall::new(agent, NOBODY, frame), tool, ToolResult::default()));
            }
            is_known
        }
        Command::Do(priority, task) => {
            applier.spawn((Task::new(priority, frame), task));
            true
        }
        Command::Cancel(utterance) => change(applier, utterance, |said: &Utterance| match said.is_over() {
            true => *said,
            false => said.with(Status::Cancelled, frame),
        }),
    };
    if !done {
        tracing::warn!(
            source = applier.source(),
            "a command names nobody whom it could be done to, and is dropped"
        );
    }
}

/// Sets what an entity holds, if it does.
fn change<T: State>(applier: &mut Applier<'_, '_>, target: u64, next: impl FnOnce(&T) -> T) -> bool {
    let target = Id::from_bits(target);
    match applier.get::<T>(target).map(next) {
        Some(next) => applier.set(target, next),
        None => false,
    }
}
