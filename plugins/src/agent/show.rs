//! What is to be said and seen of agents.
//!
//! Invariant: measures and pictures follow from the frame that is seen alone.

use crate::measure::Measure;
use crate::picture::{Canvas, Color};
use diptych_components::agent::{
    AgentInfo, AgentMode, AgentState, AudioRef, BargeState, CallStatus, MemoryNode, Orders, Player, Status,
    Task, TaskStatus, TaskTally, ToolCall, Turn, Utterance, Vad,
};
use diptych_engine::prelude::*;

/// A colour for each mode: idle, claiming, working, gone.
const MODES: [Color; 4] = [[120, 130, 150], [240, 200, 80], [90, 170, 255], [90, 30, 30]];
/// A colour for each state of a task: queued, leased, done, dead.
const TASKS: [Color; 4] = [[200, 200, 200], [90, 170, 255], [70, 200, 80], [230, 60, 50]];
/// What a player does: nothing, playing, quiet, waiting.
const PLAYERS: [Color; 4] = [[0; 3], [90, 240, 120], [60, 150, 80], [220, 160, 60]];

/// Agents and what they are about, what they were asked and have answered, tasks, tools and memory.
#[must_use]
pub fn measures(view: View<'_>) -> Vec<Measure> {
    let mode = |mode: AgentMode| {
        view.iter::<AgentState>().filter(|(_, state)| AgentMode::of(state.mode) == mode).count() as u64
    };
    let orders = |of: fn(&Orders) -> u64| view.iter::<Orders>().map(|(_, orders)| of(orders)).sum::<u64>();
    let voices =
        |of: fn(&BargeState) -> u64| view.iter::<BargeState>().map(|(_, barge)| of(barge)).sum::<u64>();
    let tasks = |status: TaskStatus| {
        view.iter::<Task>().filter(|(_, task)| TaskStatus::of(task.status) == status).count() as u64
    };
    let denied =
        view.iter::<ToolCall>().filter(|(_, call)| CallStatus::of(call.status) == CallStatus::Denied);
    let tally = view.single::<TaskTally>().copied().unwrap_or_default();
    vec![
        Measure::count("population", view.iter::<AgentState>().count() as u64),
        Measure::count("working", mode(AgentMode::Working)),
        Measure::count("gone", mode(AgentMode::Gone)),
        Measure::count("listening", view.iter::<Vad>().filter(|(_, vad)| vad.is_active == 1).count() as u64),
        Measure::count("speaking", speaking(view)),
        Measure::count("turns", view.iter::<Turn>().map(|(_, turn)| turn.id).sum()),
        Measure::count("asked", orders(|orders| orders.asked)),
        Measure::count("answered", orders(|orders| orders.answered)),
        Measure::count("failed", orders(|orders| orders.failed)),
        Measure::count("said", voices(|barge| barge.done)),
        Measure::count("cancelled", voices(|barge| barge.cancelled)),
        Measure::count("interrupted", voices(|barge| u64::from(barge.interruptions))),
        Measure::count("tasks_queued", tasks(TaskStatus::Queued)),
        Measure::count("tasks_leased", tasks(TaskStatus::Leased)),
        Measure::count("tasks_done", tally.done),
        Measure::count("tasks_dead", tally.dead),
        Measure::count("leases_lapsed", tally.lapsed),
        Measure::count("calls_denied", denied.count() as u64),
        Measure::count("memories", view.iter::<MemoryNode>().count() as u64),
    ]
}

fn speaking(view: View<'_>) -> u64 {
    let plays = |utterance: &Utterance| Status::of(utterance.status) == Status::Playing;
    view.iter::<Utterance>().filter(|(_, utterance)| plays(utterance)).count() as u64
}

/// Agents in rows by number: a disc in the colour of what each is about, a ring where somebody speaks to it, a bar below
/// for its voice; tasks as a band of dots at the bottom.
pub fn draw(view: View<'_>, canvas: &mut Canvas) {
    canvas.clear([0; 3]);
    let count = view.iter::<AgentInfo>().count();
    let columns = (1..).find(|side| side * side >= count.max(1)).unwrap_or(1);
    let rows = count.max(1).div_ceil(columns);
    // A quarter of a row for tasks, below all.
    let band = 0.25 * rows as f64;
    canvas.look_at([0.0, -band], [columns as f64, rows as f64]);
    for (id, info) in view.iter::<AgentInfo>() {
        let number = info.number as usize;
        let at =
            [(number % columns) as f64 + 0.5, (rows - 1 - (number / columns).min(rows - 1)) as f64 + 0.5];
        if view.get::<Vad>(id).is_some_and(|vad| vad.is_active == 1) {
            canvas.disc(at, 0.42, [255; 3]);
            canvas.disc(at, 0.36, [0; 3]);
        }
        let mode = view.get::<AgentState>(id).map_or(0, |state| AgentMode::of(state.mode) as usize);
        canvas.disc(at, 0.28, MODES[mode]);
        let player = view.get::<AudioRef>(id).map_or(Player::Idle, |audio| Player::of(audio.player));
        if player != Player::Idle {
            canvas.rectangle(
                [at[0] - 0.3, at[1] - 0.46],
                [at[0] + 0.3, at[1] - 0.38],
                PLAYERS[player as usize],
            );
        }
    }
    let mut counts = [0_usize; 4];
    view.iter::<Task>().for_each(|(_, task)| counts[TaskStatus::of(task.status) as usize] += 1);
    let all = counts.iter().sum::<usize>().max(1) as f64;
    let mut left = 0.0;
    for (count, color) in counts.into_iter().zip(TASKS) {
        let width = columns as f64 * count as f64 / all;
        if count > 0 {
            canvas.rectangle([left, -0.8 * band], [left + width, -0.2 * band], color);
        }
        left += width;
    }
}
