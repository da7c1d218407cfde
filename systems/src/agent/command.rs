//! What comes from outside, done.
//!
//! Invariant: it changes what an owner will find as its previous value, and nothing where it cannot be done: then the log
//! says why, and the world goes on.

use super::memory::sha256_of;
use diptych_components::agent::{
    CALLS_MAX, Command, Ear, Grant, Heartbeat, IMAGE_BYTES_MAX, MemoryNode, NOBODY, NodeKind, PromptTemplate,
    PromptUse, RawVad, Rules, Status, TASKS_MAX, TEMPLATES_MAX, Task, TaskTally, TaskText, ToolCall,
    ToolResult, ToolText, Utterance, Values, VisionFrame, VisionRing, excess,
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
        Command::Use(agent, tool) => return add_call(applier, ToolCall::new(agent, NOBODY, frame), tool),
        Command::Do(priority, task) => return add_task(applier, Task::new(priority, frame), task),
        Command::Cancel(utterance) => change(applier, utterance, |said: &Utterance| match said.is_over() {
            true => *said,
            false => said.with(Status::Cancelled, frame),
        }),
        Command::Template(template, code) => return keep_template(applier, template, code),
        Command::Prompt(agent, name, values) => {
            let chosen = choose_prompt(applier, &name, values)?;
            change(applier, agent, |_: &PromptUse| chosen)
        }
    };
    if is_known { Ok(()) } else { Err(NOBODY_THERE.to_owned()) }
}

/// Adds a call of a tool, if whose it is may have any, and it has room.
fn add_call(applier: &mut Applier<'_, '_>, call: ToolCall, text: ToolText) -> Result<(), String> {
    let world = applier.ids::<TaskTally>().first().copied();
    let (Some(world), Some(_)) = (world, applier.get::<Grant>(Id::from_bits(call.agent))) else {
        return Err(NOBODY_THERE.to_owned());
    };
    let tally = applier.get::<TaskTally>(world).copied().unwrap_or_default();
    if tally.calls >= CALLS_MAX {
        applier.set(world, TaskTally { crowded_out: tally.crowded_out + 1, ..tally });
        return Err(format!("there are {} calls of tools, and the limit is {CALLS_MAX}", tally.calls));
    }
    applier.set(world, TaskTally { calls: tally.calls + 1, ..tally });
    applier.spawn((call, text, ToolResult::default()));
    Ok(())
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

/// Stores a template of prompts and its code, in place of one of the same name.
fn keep_template(
    applier: &mut Applier<'_, '_>,
    template: PromptTemplate,
    code: String,
) -> Result<(), String> {
    template.check(&code).map_err(|error| error.to_string())?;
    let sha256 = sha256_of(&code).map_err(|error| error.to_string())?;
    let old = template_named(applier, &template.name);
    if old.is_none() && applier.ids::<PromptTemplate>().len() >= TEMPLATES_MAX {
        return Err(format!("there are {TEMPLATES_MAX} prompt templates, which is the limit"));
    }
    let held = old.and_then(|old| applier.get::<PromptTemplate>(old)).map(|old| Id::from_bits(old.code_ref));
    let node = held.and_then(|held| Some((held, applier.get::<MemoryNode>(held)?.clone())));
    let code_ref = match node {
        Some((id, node)) => {
            applier.set(id, MemoryNode { text: code, version: node.version + 1, sha256, ..node });
            id.bits()
        }
        None => {
            let (kind, parents, children) = (NodeKind::Prompt, Vec::new(), Vec::new());
            let node = MemoryNode { kind, text: code, parents, children, version: 1, sha256 };
            applier.spawn((node,)).id.bits()
        }
    };
    let template = PromptTemplate { code_ref, ..template };
    match old {
        Some(old) => {
            applier.set(old, template);
        }
        None => {
            applier.spawn((template,));
        }
    }
    Ok(())
}

/// The template of this name with these values, or none for no name.
fn choose_prompt(applier: &Applier<'_, '_>, name: &str, values: Values) -> Result<PromptUse, String> {
    if name.is_empty() {
        return Ok(PromptUse::default());
    }
    let template =
        template_named(applier, name).ok_or_else(|| format!("there is no prompt template {name}"))?;
    if let Some(why) = excess(&values) {
        return Err(format!("the values for the prompt template {name} pass a limit: {why}"));
    }
    let slots = applier.get::<PromptTemplate>(template).map(|template| &template.slots);
    if let Some(slot) = values.keys().find(|slot| slots.is_none_or(|slots| !slots.contains(*slot))) {
        return Err(format!("the prompt template {name} has no slot {slot}"));
    }
    Ok(PromptUse { template: template.bits(), values })
}

fn template_named(applier: &Applier<'_, '_>, name: &str) -> Option<Id> {
    applier.find::<PromptTemplate>(|template| template.name == name)
}

/// Sets what an entity holds, if it does.
fn change<T: State>(applier: &mut Applier<'_, '_>, target: u64, next: impl FnOnce(&T) -> T) -> bool {
    let target = Id::from_bits(target);
    match applier.get::<T>(target).map(next) {
        Some(next) => applier.set(target, next),
        None => false,
    }
}
