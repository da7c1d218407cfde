//! What comes from outside, done.
//!
//! Invariant: it changes what an owner will find as its previous value, and nothing where it cannot be done: then the log
//! says why, and the world goes on.

use diptych_components::agent::{
    Command, Ear, Grant, Heartbeat, IMAGE_BYTES_MAX, NOBODY, RawVad, Rules, Status, TASKS_MAX, Task,
    TaskTally, TaskText, ToolCall, ToolResult, Utterance, VisionFrame, VisionRing,
};
use diptych_engine::prelude::*;
use diptych_engine::{Applier, State};

/// Why a command is not done that names nobody.
const NOBODY_THERE: &str = "it names nobody whom it could be done to";

/// Does it.
pub fn apply_command(applier: &mut Applier<'_, '_>, command: Command) {
    if let Err(why) = carry_out(applier, command) {
        tracing::warn!(source = applier.source(), why, "a command to agents is dropped");
    }
}

fn carry_out(applier: &mut Applier<'_, '_>, command: Command) -> Result<(), String> {
    let frame = applier.frame();
    let is_known = match command {
        Command::Hear(agent, line) => change(applier, agent, |ear: &Ear| {
            let mut next = ear.clone();
            next.push(line);
            next
        }),
        Command::Level(agent, level) => change(applier, agent, |_: &RawVad| RawVad { level, frame }),
        Command::See(agent, image) => {
            let is_known = applier.get::<VisionRing>(Id::from_bits(agent)).is_some();
            if is_known && image.reference.is_empty() {
                return Err(format!(
                    "its image has no reference, or one of more than {IMAGE_BYTES_MAX} bytes"
                ));
            }
            if is_known {
                applier.spawn((VisionFrame { agent, frame, image },));
            }
            is_known
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
        Command::Do(priority, task) => return add_task(applier, Task::new(priority, frame), task),
        Command::Cancel(utterance) => change(applier, utterance, |said: &Utterance| match said.is_over() {
            true => *said,
            false => said.with(Status::Cancelled, frame),
        }),
    };
    if is_known { Ok(()) } else { Err(NOBODY_THERE.to_owned()) }
}

/// Adds a task, if it has room.
fn add_task(applier: &mut Applier<'_, '_>, task: Task, text: TaskText) -> Result<(), String> {
    let Some(&world) = applier.ids::<TaskTally>().first() else { return Err(NOBODY_THERE.to_owned()) };
    let is_staged = applier.get::<Rules>(world).is_some_and(|rules| rules.is_staged == 1);
    let tally = applier.get::<TaskTally>(world).copied().unwrap_or_default();
    if !tally.has_room(is_staged) {
        applier.set(world, TaskTally { crowded_out: tally.crowded_out + 1, ..tally });
        return Err(format!("there are {} tasks, and the limit is {TASKS_MAX}", tally.tasks));
    }
    applier.set(world, TaskTally { tasks: tally.tasks + 1, ..tally });
    applier.spawn((task, text));
    Ok(())
}

/// Sets what an entity holds, if it does.
fn change<T: State>(applier: &mut Applier<'_, '_>, target: u64, next: impl FnOnce(&T) -> T) -> bool {
    let target = Id::from_bits(target);
    match applier.get::<T>(target).map(next) {
        Some(next) => applier.set(target, next),
        None => false,
    }
}
