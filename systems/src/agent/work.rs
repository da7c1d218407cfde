//! What agents are about: they show signs of life, take tasks, use a tool for each, and report.
//!
//! Invariant: an agent whose heartbeat is late is gone, asks for nothing and does nothing until the next one. Tasks are
//! handed out by priority and age to idle agents in the order of their `Id`s, each to one; who holds a task is what the
//! task says.

use super::queue::Queue;
use core::cmp::Reverse;
use diptych_components::agent::{
    AgentInfo, AgentMode, AgentState, CallStatus, Heartbeat, Rules, Task, TaskNote, TaskStatus, TaskText,
    ToolCall, ToolResult, ToolText, note_kind,
};
use diptych_engine::prelude::*;
use std::collections::BTreeSet;

/// Frames after which a claim that brought nothing is given up.
const CLAIM_FRAMES: u64 = 3;

/// What agents look at.
type Sight<'w, 's> = (Linked<'w, 's, Task>, Linked<'w, 's, TaskText>, Linked<'w, 's, ToolCall>);

type Workers<'w, 's> = Query<'w, 's, (Id, Next<AgentState>, Prev<Heartbeat>, Prev<AgentInfo>)>;

/// Owns what agents are about.
pub fn work(
    mut agents: Workers<'_, '_>,
    tasks: Query<'_, '_, (Id, Prev<Task>, Prev<TaskText>)>,
    sight: Sight<'_, '_>,
    rules: Query<'_, '_, Prev<Rules>>,
    clock: Clock,
    mut structure: Structure<'_, '_>,
    mut notes: Outbox<'_, TaskNote>,
) {
    let Some(&rules) = rules.iter().next() else { return };
    let frame = clock.frame();
    let mut idle = Vec::new();
    let mut claimed = BTreeSet::new();
    let mut states = Vec::new();
    for (id, old, beat, info) in &agents {
        let (old, silent) = (*old, frame.saturating_sub(beat.last_seen));
        // One that hangs claims no longer than others do.
        if AgentMode::of(old.mode) == AgentMode::Claiming && frame < old.since + CLAIM_FRAMES {
            claimed.insert(old.task);
        }
        let is_well = silent <= 2 * u64::from(rules.beat);
        let is_gone = AgentMode::of(old.mode) == AgentMode::Gone;
        let next = if silent >= u64::from(rules.patience) {
            if is_gone { old } else { mode(AgentMode::Gone, frame) }
        } else if is_well {
            go_on(id, old, &sight, &rules, frame, &mut structure, &mut notes)
        } else {
            // It hangs: nothing comes from it, and nobody knows yet.
            old
        };
        if is_well && AgentMode::of(next.mode) == AgentMode::Idle {
            idle.push((id, states.len(), info));
        }
        states.push(next);
    }
    for (id, place, task) in hand_out(idle, &claimed, &tasks) {
        notes.from(id).to(task, TaskNote { kind: note_kind::CLAIM, attempt: 0 });
        states[place] = AgentState { task: task.bits(), ..mode(AgentMode::Claiming, frame) };
    }
    // The same rows in the same order.
    for ((_, mut row, _, _), state) in agents.iter_mut().zip(states) {
        row.set_if_changed(state);
    }
}

fn mode(mode: AgentMode, frame: u64) -> AgentState {
    AgentState { mode: mode.code(), since: frame, ..AgentState::default() }
}

/// An agent that is well, after a frame.
fn go_on(
    id: Id,
    old: AgentState,
    (tasks, texts, calls): &Sight<'_, '_>,
    rules: &Rules,
    frame: u64,
    structure: &mut Structure<'_, '_>,
    notes: &mut Outbox<'_, TaskNote>,
) -> AgentState {
    let task_id = Id::from_bits(old.task);
    let task = tasks
        .get(task_id)
        .filter(|task| TaskStatus::of(task.status) == TaskStatus::Leased && task.holder == id.bits());
    match AgentMode::of(old.mode) {
        AgentMode::Idle => old,
        AgentMode::Gone => mode(AgentMode::Idle, frame),
        AgentMode::Claiming => match task {
            Some(task) => {
                let text = texts.get(task_id).cloned().unwrap_or_default();
                let tool = ToolText { name: text.topic, arguments: text.payload };
                let call =
                    structure.spawn((ToolCall::new(id.bits(), old.task, frame), tool, ToolResult::default()));
                let (mode, call) = (AgentMode::Working.code(), call.id.bits());
                AgentState { mode, call, since: frame, attempt: task.attempts, ..old }
            }
            None if frame >= old.since + CLAIM_FRAMES => mode(AgentMode::Idle, frame),
            None => old,
        },
        AgentMode::Working => {
            if task.is_none_or(|task| task.attempts != old.attempt) {
                // The lease has lapsed.
                return mode(AgentMode::Idle, frame);
            }
            let status = calls.get(Id::from_bits(old.call)).map(|call| CallStatus::of(call.status));
            let is_over = frame >= old.since + u64::from(rules.work);
            let kind = match status {
                Some(CallStatus::Requested) => return old,
                Some(CallStatus::Done) if !is_over => return old,
                Some(CallStatus::Done) => note_kind::DONE,
                // In its first frame a call is not there yet; later it is gone, and nobody knows what came of it.
                None if frame <= old.since + 1 => return old,
                Some(CallStatus::Failed | CallStatus::Denied) | None => note_kind::FAILED,
            };
            notes.from(id).to(task_id, TaskNote { kind, attempt: old.attempt });
            mode(AgentMode::Idle, frame)
        }
    }
}

/// Which idle agent asks for which task that nobody has or has asked for; with the agent's place.
fn hand_out(
    mut idle: Vec<(Id, usize, &AgentInfo)>,
    claimed: &BTreeSet<u64>,
    tasks: &Query<'_, '_, (Id, Prev<Task>, Prev<TaskText>)>,
) -> Vec<(Id, usize, Id)> {
    if idle.is_empty() {
        return Vec::new();
    }
    let queued = tasks.iter().filter(|(id, task, _)| {
        TaskStatus::of(task.status) == TaskStatus::Queued && !claimed.contains(&id.bits())
    });
    let ranked = queued.map(|(id, task, text)| ((Reverse(task.priority), task.created, id), &*text.topic));
    let mut queue = Queue::new(ranked, idle.len());
    idle.sort_unstable_by_key(|(id, _, _)| *id);
    let asks =
        |(agent, place, info): (Id, usize, &AgentInfo)| Some((agent, place, queue.take(&info.capabilities)?));
    idle.into_iter().filter_map(asks).collect()
}
