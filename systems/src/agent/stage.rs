//! A world that makes up what its agents hear, see and have to do: for a scene that runs without anybody outside.
//!
//! Invariant: everything here follows from the seed, the agent's number and the frame, never from what agents do. In a
//! world that is not staged it does nothing, and levels and heartbeats are what inputs set.

use diptych_components::agent::{
    AgentInfo, Heard, Heartbeat, Image, ImageKind, Line, RawVad, Rules, TASKS_MAX, TASKS_STAGED_MAX, Task,
    TaskText, VisionFrame,
};
use diptych_engine::prelude::*;

/// Frames from one time that somebody speaks to an agent to the next.
const ROUND: u64 = 72;
/// Frames for which somebody speaks, at least; up to twice as long.
const SPEECH: u64 = 12;
/// Frames between two sights.
const SIGHT_EVERY: u64 = 45;
/// Frames of a spell in which an agent may hang.
const SPELL: u64 = 90;
/// Frames in which there is one new task for each agent.
const TASK_EVERY: u64 = 80;

/// What people say to agents.
const SAYINGS: [&str; 8] = [
    "Good morning, are you there?",
    "What do you see from the window?",
    "Please keep the door open.",
    "How many lamps are lit on the bridge?",
    "Tell me again what you said first.",
    "Who was here yesterday?",
    "Is the river high today?",
    "Thank you, that will be all.",
];

/// A number that follows from others.
fn draw(seed: u64, what: u64, whom: u64, when: u64) -> u64 {
    let mut state = seed;
    for part in [what, whom, when] {
        state = (state ^ part).wrapping_add(0x9E37_79B9_7F4A_7C15);
        state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        state ^= state >> 31;
    }
    state >> 32
}

type Played<'w, 's> = Query<'w, 's, (Id, Prev<AgentInfo>, Next<RawVad>, Next<Heartbeat>)>;

/// Owns raw levels and heartbeats; speaks to agents, shows them things and makes tasks, where the world is staged.
pub fn play(
    mut agents: Played<'_, '_>,
    (rules, tasks): (Query<'_, '_, Prev<Rules>>, Query<'_, '_, Prev<Task>>),
    clock: Clock,
    mut structure: Structure<'_, '_>,
    mut voices: Outbox<'_, Heard>,
) {
    let Some(&rules) = rules.iter().next() else { return };
    if rules.is_staged == 0 {
        return;
    }
    let (seed, frame) = (rules.seed, clock.frame());
    let mut count = 0;
    for (id, info, mut raw, mut beat) in &mut agents {
        count += 1;
        let number = u64::from(info.number);
        let level = speak_to(id, seed, number, frame, &mut voices);
        if level != raw.prev().level {
            raw.set(RawVad { level, frame });
        }
        let hangs = draw(seed, 3, number, frame / SPELL) % 1000 < u64::from(rules.hang_permille);
        if !hangs && (frame + number).is_multiple_of(u64::from(rules.beat)) {
            let old = *beat.prev();
            let load = draw(seed, 4, number, frame) % 1000;
            beat.set(Heartbeat { last_seen: frame, cpu_percent: load as f32 / 10.0, ..old });
        }
        if (frame + draw(seed, 5, number, 0)).is_multiple_of(SIGHT_EVERY) {
            let image = Image { kind: ImageKind::Attachment, reference: format!("window-{number}-{frame}") };
            structure.spawn((VisionFrame { agent: id.bits(), frame, image },));
        }
    }
    // Counted here: the tally stands still where who keeps it is switched off.
    if tasks.iter().count() as u64 + TASKS_STAGED_MAX > TASKS_MAX {
        return;
    }
    // Shares of a task add up over the frames.
    let due = |frame: u64| frame * count / TASK_EVERY;
    for n in 0..(due(frame) - due(frame - 1)).min(TASKS_STAGED_MAX) {
        let (topic, payload) = match draw(seed, 6, n, frame) % 3 {
            0 => ("clock.read", String::new()),
            1 => ("text.count", SAYINGS[draw(seed, 7, n, frame) as usize % SAYINGS.len()].to_owned()),
            _ => ("memory.write", format!("(noted {frame} {n})")),
        };
        let text = TaskText { topic: topic.to_owned(), payload };
        structure.spawn((Task::new(draw(seed, 8, n, frame) as u32 % 3, frame), text));
    }
}

/// Speaks to an agent, as the round says; answers how loud it is.
fn speak_to(id: Id, seed: u64, number: u64, frame: u64, voices: &mut Outbox<'_, Heard>) -> f64 {
    let at = frame + draw(seed, 0, number, 0) % ROUND;
    let (round, place) = (at / ROUND, at % ROUND);
    let length = SPEECH + draw(seed, 1, number, round) % SPEECH;
    let saying = SAYINGS[draw(seed, 2, number, round) as usize % SAYINGS.len()];
    let mut say = |text: &str, is_final| {
        voices.from(id).to(id, Heard(Line { text: text.to_owned(), is_final }));
    };
    if place == length / 2 {
        say(&saying[..saying.floor_char_boundary(saying.len() / 2)], false);
    } else if place == length {
        say(saying, true);
    }
    if place < length { 0.8 } else { 0.1 }
}
