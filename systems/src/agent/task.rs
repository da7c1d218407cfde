//! Tasks and their leases.
//!
//! Invariant: a task is leased to one agent at a time, the first that asks for it while nobody has it. A lease ends with a
//! report of its holder and attempt, with its time, or when its holder is gone, whichever comes first; a report that comes
//! later is refused. A task that was leased as often as it may be is dead. How many there are, and calls, is counted anew in each
//! frame, so that commands can refuse one more without a look at all.

use diptych_components::agent::{
    AgentMode, AgentState, NOBODY, Rules, Task, TaskNote, TaskStatus, TaskTally, ToolCall, note_kind,
};
use diptych_engine::prelude::*;

/// Owns tasks and their tally.
pub fn keep_tasks(
    mut tasks: Query<(Id, Next<Task>)>,
    mut tallies: Query<Next<TaskTally>>,
    (calls, agents): (Query<Prev<ToolCall>>, Linked<AgentState>),
    rules: Query<Prev<Rules>>,
    notes: Inbox<TaskNote>,
    clock: Clock,
    mut structure: Structure,
) {
    let (Some(&rules), Some(mut sums)) = (rules.iter().next(), tallies.iter_mut().next()) else { return };
    let frame = clock.frame();
    let mut tally = TaskTally { tasks: 0, calls: calls.iter().count() as u64, ..*sums.prev() };
    // A holder that is no agent at all is gone, too.
    let is_gone = |holder: u64| {
        agents.get(Id::from_bits(holder)).is_none_or(|state| AgentMode::of(state.mode) == AgentMode::Gone)
    };
    for (id, mut row) in &mut tasks {
        let mail = notes.of(id);
        let old = *row.prev();
        if matches!(TaskStatus::of(old.status), TaskStatus::Done | TaskStatus::Dead) {
            tally.refused += mail.len() as u64;
            if frame >= old.updated + u64::from(rules.keep) {
                structure.despawn(id);
            } else {
                tally.tasks += 1;
            }
            continue;
        }
        tally.tasks += 1;
        let next = step(
            old,
            mail.iter().map(|(agent, note)| (agent.bits(), *note)),
            is_gone,
            &rules,
            frame,
            &mut tally,
        );
        row.set_if_changed(next);
    }
    sums.set_if_changed(tally);
}

/// A task after a frame and what agents said to it.
fn step(
    mut task: Task,
    notes: impl Iterator<Item = (u64, TaskNote)>,
    is_gone: impl Fn(u64) -> bool,
    rules: &Rules,
    frame: u64,
    tally: &mut TaskTally,
) -> Task {
    for (agent, note) in notes {
        let is_leased = TaskStatus::of(task.status) == TaskStatus::Leased;
        let is_its = is_leased && task.holder == agent && task.attempts == note.attempt;
        match note.kind {
            note_kind::CLAIM if TaskStatus::of(task.status) == TaskStatus::Queued && !is_gone(agent) => {
                task.holder = agent;
                task.attempts += 1;
                task.lease_until = frame + u64::from(rules.lease);
                task.status = TaskStatus::Leased.code();
                task.updated = frame;
            }
            note_kind::DONE if is_its => {
                task.status = TaskStatus::Done.code();
                task.updated = frame;
                tally.done += 1;
            }
            note_kind::FAILED if is_its => {
                tally.failed += 1;
                release(&mut task, rules, frame, tally);
            }
            _ => tally.refused += 1,
        }
    }
    let is_leased = TaskStatus::of(task.status) == TaskStatus::Leased;
    if is_leased && (frame >= task.lease_until || is_gone(task.holder)) {
        task.lapsed += 1;
        tally.lapsed += 1;
        release(&mut task, rules, frame, tally);
    }
    task
}

/// Takes a task from its holder: into the queue again, or out of it for ever.
fn release(task: &mut Task, rules: &Rules, frame: u64, tally: &mut TaskTally) {
    let is_dead = task.attempts >= rules.attempts;
    tally.dead += u64::from(is_dead);
    task.status = if is_dead { TaskStatus::Dead } else { TaskStatus::Queued }.code();
    (task.holder, task.lease_until, task.updated) = (NOBODY, 0, frame);
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: fn() -> Rules = || Rules { lease: 10, attempts: 2, ..Rules::default() };

    fn after(task: Task, frame: u64, notes: &[(u64, u32, u32)], gone: u64, tally: &mut TaskTally) -> Task {
        let notes =
            notes.iter().map(|(agent, kind, attempt)| (*agent, TaskNote { kind: *kind, attempt: *attempt }));
        step(task, notes, |agent| agent == gone, &RULES(), frame, tally)
    }

    /// Claim: the first claim holds until its report, its end or its holder's; late reports are refused; the last attempt
    /// that fails is the task's death.
    #[test]
    fn leases_hold_and_lapse() {
        use note_kind::{CLAIM, DONE, FAILED};
        let tally = &mut TaskTally::default();
        let task = after(Task::new(1, 5), 6, &[(7, CLAIM, 0), (8, CLAIM, 0)], 99, tally);
        assert_eq!((task.holder, task.attempts, task.lease_until, tally.refused), (7, 1, 16, 1));
        let kept = after(task, 15, &[(8, DONE, 1), (7, DONE, 2)], 99, tally);
        assert_eq!((kept, tally.refused), (task, 3));
        let done = after(task, 15, &[(7, DONE, 1)], 99, tally);
        assert_eq!((TaskStatus::of(done.status), tally.done), (TaskStatus::Done, 1));
        let lapsed = after(task, 16, &[], 99, tally);
        assert_eq!((TaskStatus::of(lapsed.status), lapsed.holder), (TaskStatus::Queued, NOBODY));
        assert_eq!((lapsed.lapsed, tally.lapsed), (1, 1));
        let again = after(lapsed, 17, &[(7, DONE, 1), (8, CLAIM, 0)], 99, tally);
        assert_eq!((again.holder, again.attempts, tally.refused), (8, 2, 4));
        let dead = after(again, 18, &[], 8, tally);
        assert_eq!((TaskStatus::of(dead.status), tally.dead, tally.lapsed), (TaskStatus::Dead, 1, 2));
        let failed = after(again, 18, &[(8, FAILED, 2)], 99, tally);
        assert_eq!((TaskStatus::of(failed.status), tally.failed), (TaskStatus::Dead, 1));
    }
}
