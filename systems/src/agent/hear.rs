//! Hearing: voice activity, turns, transcripts, and what is seen.
//!
//! Invariant: `transcribe` is the one owner of both transcripts and of the ear; it empties a final transcript or puts the
//! next one in its place only once the orchestrator has written down that it took it, and it was told of. What a system
//! keeps for itself only saves looks: it changes no result.

use crate::turn::LastRun;
use diptych_components::agent::{
    Ear, Heard, OPEN_MAX, Orders, RawVad, Rules, Told, TranscriptFinal, TranscriptPartial, Turn, Vad,
    VisionFrame, VisionRing,
};
use diptych_engine::prelude::*;

/// Voice activity after hearing a level at a time in milliseconds, so many after the one before.
///
/// Times are written when the level passes the threshold, not as long as it stays: a resting agent changes nothing.
#[must_use]
pub fn vad(vad: &Vad, level: f64, now: u64, tick_ms: u32) -> Vad {
    // What is no number is silence.
    let is_loud = level >= vad.threshold;
    let mut next = Vad { was_active: vad.is_active, is_loud: u32::from(is_loud), ..*vad };
    let before = now.saturating_sub(u64::from(tick_ms));
    match (vad.is_loud == 1, is_loud) {
        (false, true) => next.last_false = before,
        (true, false) => next.last_true = before,
        _ => {}
    }
    let is_active = if is_loud {
        let is_steady = now.saturating_sub(next.last_false) >= u64::from(vad.attack_ms);
        vad.is_active == 1 || is_steady
    } else {
        let held = u64::from(vad.release_ms.max(vad.hang_ms));
        vad.is_active == 1 && now.saturating_sub(next.last_true) < held
    };
    next.is_active = u32::from(is_active);
    next
}

/// Owns voice activity.
pub fn update_vad(mut vads: Query<(Next<Vad>, Prev<RawVad>)>, rules: Query<Prev<Rules>>, clock: Clock) {
    let Some(&rules) = rules.iter().next() else { return };
    let now = rules.ms(clock.frame());
    vads.par_rows(|(mut row, raw)| {
        let next = vad(row.prev(), raw.level, now, rules.tick_ms);
        row.set_if_changed(next);
    });
}

/// Owns turns: one begins when somebody begins to speak.
pub fn detect_turns(mut turns: Query<(Next<Turn>, Prev<Vad>)>) {
    turns.par_rows(|(mut turn, vad)| {
        if vad.is_active == 1 && vad.was_active == 0 {
            turn.set(Turn { id: turn.prev().id + 1 });
        }
    });
}

type Hearers<'w, 's> =
    Query<'w, 's, (Id, Next<Ear>, Next<TranscriptPartial>, Next<TranscriptFinal>, Prev<Orders>, Prev<Told>)>;

/// Owns what agents have heard and both transcripts.
pub fn transcribe(mut agents: Hearers, heard: Inbox<Heard>, clock: Clock) {
    let frame = clock.frame();
    for (id, mut ear, mut partial, mut last, orders, told) in &mut agents {
        let mail = heard.of(id);
        let is_told = told.last == last.prev().serial || last.prev().text.trim().is_empty();
        let is_taken = is_told && orders.taken == last.prev().serial;
        let may_ask = is_taken && orders.open() < u64::from(OPEN_MAX);
        let is_full = !last.prev().text.is_empty();
        // What waits and may not be taken yet is not looked at.
        let waits = ear.prev().lines.first().is_none_or(|line| line.is_final && !may_ask);
        if mail.is_empty() && waits && !(is_full && is_taken) {
            continue;
        }
        let mut next = ear.prev().clone();
        mail.messages().iter().for_each(|Heard(line)| next.push(line.clone()));
        // Lines are in order: a partial one behind a final one that waits is not yet looked at.
        let mut said = None;
        let mut taken = 0;
        for line in &next.lines {
            if line.is_final && !may_ask {
                break;
            }
            if line.is_final {
                said = Some(line.text.clone());
                partial.set(TranscriptPartial { text: String::new(), frame });
                taken += 1;
                break;
            }
            taken += 1;
        }
        let spoken = next.lines[..taken].iter().rfind(|line| !line.is_final).map(|line| line.text.clone());
        next.lines.drain(..taken);
        ear.set_if_changed(next);
        match said {
            Some(text) => last.set(last.prev().next(text, frame)),
            None => {
                if let Some(text) = spoken {
                    partial.set(TranscriptPartial { text, frame });
                }
                if is_full && is_taken {
                    last.set(TranscriptFinal { text: String::new(), ..last.prev().clone() });
                }
            }
        }
    }
}

/// Owns the rings of vision: takes in new frames, and lets those go that have no place any more.
///
/// Cost: what was seen since it ran; all that is kept where it did not run in the last frame, or an agent is gone.
pub fn keep_sights(
    mut rings: Query<(Id, Next<VisionRing>)>,
    sights: Query<(Id, Prev<VisionFrame>)>,
    (seen, gone): (Changes<VisionFrame>, Removed<VisionRing>),
    mut last_run: Local<LastRun>,
    (clock, ids): (Clock, Ids),
    mut structure: Structure,
) {
    let is_next = last_run.follows(&clock);
    let candidates: Vec<(Id, &VisionFrame)> = match is_next && gone.ids().is_empty() {
        true => seen.added().into_iter().filter_map(|entity| sights.get(entity).ok()).collect(),
        false => sights.iter().collect(),
    };
    // By agent and age; those that are in a ring already are passed over.
    let mut fresh: Vec<(u64, u64, Id)> = candidates
        .into_iter()
        .filter(|(id, sight)| {
            let entity = ids.entity(Id::from_bits(sight.agent));
            let ring = entity.and_then(|entity| rings.get(entity).ok());
            ring.is_none_or(|(_, ring)| !ring.held().contains(&id.bits()))
        })
        .map(|(id, sight)| (sight.agent, sight.frame, id))
        .collect();
    fresh.sort_unstable();
    for group in fresh.chunk_by(|a, b| a.0 == b.0) {
        let row = ids.entity(Id::from_bits(group[0].0)).and_then(|entity| rings.get_mut(entity).ok());
        let Some((_, mut row)) = row else {
            group.iter().for_each(|(_, _, id)| structure.despawn(*id));
            continue;
        };
        let mut ring = *row.prev();
        for (_, _, id) in group {
            if let Some(oldest) = ring.push(id.bits()) {
                structure.despawn(Id::from_bits(oldest));
            }
        }
        row.set(ring);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Claim: with the defaults, speech begins after 120 ms of it and ends 800 ms after its last sound; a click and a
    /// pause do nothing, what is no number is silence, and nothing is written while nothing changes.
    #[test]
    fn speech_has_an_attack_and_a_release() {
        let mut state = Vad::default();
        let (mut changes, mut writes) = (Vec::new(), 0);
        let loud = |now: u64| match now {
            200..250 => 0.9,
            500..1500 | 1900..2500 => 0.5,
            2500..2600 => f64::NAN,
            _ => 0.49,
        };
        for now in (0..4000).step_by(10) {
            let before = state;
            state = vad(&state, loud(now), now, 10);
            if state.is_active != state.was_active {
                changes.push((now, state.is_active));
            }
            writes += u32::from(state != before);
        }
        // The last sound before each silence is at 490, 1490 and 2490.
        assert_eq!(changes, [(610, 1), (3290, 0)]);
        // The level passes the threshold six times, and each change is written once more, as what was before.
        assert_eq!(writes, 6 + 2 * 2);
    }
}
