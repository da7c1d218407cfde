//! The arbiter of an agent's voice: a queue by priority, a player, and what becomes of an utterance when somebody speaks
//! into it.
//!
//! Invariant: an agent says one thing at a time, and each utterance ends once, done or cancelled. Whoever cancels one from
//! outside raises its token, by which the player knows that what it plays has been overtaken.

use diptych_components::agent::{
    AudioRef, AudioRes, BargeIn, BargeState, NOBODY, NOT_SPEAKING, PlaybackQueue, Player, Policy, QUEUE_MAX,
    Rules, Speak, Status, Told, Utterance, Vad, Words,
};
use diptych_engine::prelude::*;

/// Milliseconds of a word as it is spoken.
const WORD_MS: u32 = 320;

/// How long words are as sound.
#[must_use]
pub fn duration_ms(text: &str) -> u32 {
    (text.split_whitespace().count() as u32).max(1) * WORD_MS
}

type Agents<'w, 's> =
    Query<'w, 's, (Id, Prev<Vad>, Prev<Policy>, Next<PlaybackQueue>, Next<AudioRef>, Next<BargeState>)>;
type Utterances<'w, 's> = Query<'w, 's, (Id, Next<Utterance>, Prev<AudioRes>, Prev<Told>)>;

/// Owns utterances, queues, players and arbiters.
pub fn speak(
    mut agents: Agents<'_, '_>,
    mut utterances: Utterances<'_, '_>,
    rules: Query<'_, '_, Prev<Rules>>,
    asked: Inbox<'_, Speak>,
    (clock, ids): (Clock, Ids<'_>),
    mut structure: Structure<'_, '_>,
) {
    let Some(&rules) = rules.iter().next() else { return };
    let frame = clock.frame();
    for (id, vad, policy, mut queue, mut audio, mut barge) in &mut agents {
        let mail = asked.of(id);
        let is_quiet = queue.prev().count == 0 && audio.prev().utterance == NOBODY;
        let was_quiet = barge.prev().speaking_since == NOT_SPEAKING && vad.is_active == 0;
        if mail.is_empty() && is_quiet && was_quiet {
            continue;
        }
        let mut hall = Hall { utterances: &mut utterances, ids, frame };
        let mut desk =
            Desk { audio: *audio.prev(), barge: *barge.prev(), waiting: queue.prev().waiting().to_vec() };
        desk.listen(vad.is_active == 1, frame);
        desk.play(&mut hall, &rules);
        desk.begin(&mut hall);
        let mut fresh = Vec::new();
        for speak in mail.messages() {
            fresh.push(utter(id, speak, policy, frame, desk.waiting.len() + fresh.len(), &mut structure));
        }
        desk.barge.cancelled +=
            fresh.iter().filter(|(_, status)| *status == Status::Cancelled).count() as u64;
        desk.waiting
            .extend(fresh.iter().filter(|(_, status)| *status == Status::Queued).map(|(id, _)| id.bits()));
        queue.set_if_changed(PlaybackQueue::of(&desk.waiting));
        audio.set_if_changed(desk.audio);
        barge.set_if_changed(desk.barge);
    }
    for (id, utterance, _, told) in &mut utterances {
        let old = utterance.prev();
        if old.is_over() && told.last == 1 && frame >= old.frame + u64::from(rules.keep) {
            structure.despawn(id);
        }
    }
}

/// Makes an utterance, which is cancelled at once where the queue is full.
fn utter(
    agent: Id,
    speak: &Speak,
    policy: &Policy,
    frame: u64,
    waiting: usize,
    structure: &mut Structure<'_, '_>,
) -> (Id, Status) {
    let status = if waiting < QUEUE_MAX { Status::Queued } else { Status::Cancelled };
    let utterance = Utterance {
        agent: agent.bits(),
        turn: speak.turn,
        frame,
        priority: speak.priority.min(2),
        barge_in: speak.barge_in.map_or(policy.barge_in, BargeIn::code),
        status: status.code(),
        token: 0,
    };
    let sound = AudioRes { duration_ms: duration_ms(&speak.text) };
    let words = Words::new(speak.text.clone());
    (structure.spawn((utterance, words, sound, Told::default())).id, status)
}

/// The utterances, as the arbiters reach them.
struct Hall<'a, 'w, 's, 'i> {
    utterances: &'a mut Utterances<'w, 's>,
    ids: Ids<'i>,
    frame: u64,
}

impl Hall<'_, '_, '_, '_> {
    /// An utterance and its length, if it is there.
    fn get(&self, id: u64) -> Option<(Utterance, u32)> {
        let (_, utterance, sound, _) = self.utterances.get(self.ids.entity(Id::from_bits(id))?).ok()?;
        Some((*utterance, sound.duration_ms))
    }

    /// Gives it its next state; answers the token.
    fn turn(&mut self, id: u64, status: Status) -> u32 {
        let entity = self.ids.entity(Id::from_bits(id));
        let row = entity.and_then(|entity| self.utterances.get_mut(entity).ok());
        let Some((_, mut utterance, _, _)) = row else { return 0 };
        let next = utterance.prev().with(status, self.frame);
        utterance.set(next);
        next.token
    }
}

/// An agent's voice in one frame.
struct Desk {
    audio: AudioRef,
    barge: BargeState,
    waiting: Vec<u64>,
}

impl Desk {
    /// Notes whether somebody else speaks.
    fn listen(&mut self, speaks: bool, frame: u64) {
        match (speaks, self.barge.speaking_since) {
            (true, NOT_SPEAKING) => {
                self.barge.speaking_since = frame;
                self.barge.interruptions += u32::from(self.audio.utterance != NOBODY);
            }
            (false, _) => self.barge.speaking_since = NOT_SPEAKING,
            (true, _) => {}
        }
    }

    /// Plays on what is in hand, as the way of barging in says.
    fn play(&mut self, hall: &mut Hall<'_, '_, '_, '_>, rules: &Rules) {
        self.barge.is_paused = 0;
        if self.audio.utterance == NOBODY {
            return;
        }
        let found = hall.get(self.audio.utterance);
        let Some((utterance, _)) = found.filter(|(utterance, _)| utterance.token == self.audio.token) else {
            // Somebody has cancelled it, or taken it away.
            self.barge.cancelled += 1;
            self.audio = AudioRef::default();
            return;
        };
        let speaks = self.barge.speaking_since != NOT_SPEAKING;
        let player = match (speaks, BargeIn::of(utterance.barge_in)) {
            (true, BargeIn::Pause) => Player::Paused,
            (true, BargeIn::Duck) => Player::Ducked,
            (true, BargeIn::Stop) => {
                hall.turn(self.audio.utterance, Status::Cancelled);
                self.barge.cancelled += 1;
                self.audio = AudioRef::default();
                return;
            }
            _ => Player::Playing,
        };
        self.audio.player = player.code();
        if player == Player::Paused {
            self.barge.is_paused = 1;
            return;
        }
        self.audio.left_ms = self.audio.left_ms.saturating_sub(rules.tick_ms);
        if self.audio.left_ms == 0 {
            hall.turn(self.audio.utterance, Status::Done);
            self.barge.done += 1;
            self.audio = AudioRef::default();
        }
    }

    /// Begins the next one: of the highest priority, and of these the eldest. While somebody else speaks, only what would
    /// go on then.
    fn begin(&mut self, hall: &mut Hall<'_, '_, '_, '_>) {
        let before = self.waiting.len();
        let queued = |id: &u64| {
            hall.get(*id).is_some_and(|(utterance, _)| Status::of(utterance.status) == Status::Queued)
        };
        self.waiting.retain(queued);
        self.barge.cancelled += (before - self.waiting.len()) as u64;
        if self.audio.utterance != NOBODY {
            return;
        }
        let speaks = self.barge.speaking_since != NOT_SPEAKING;
        let ready = self.waiting.iter().enumerate().filter_map(|(place, id)| {
            let (utterance, duration) = hall.get(*id)?;
            let may = !speaks || matches!(BargeIn::of(utterance.barge_in), BargeIn::None | BargeIn::Duck);
            may.then_some((utterance.priority, core::cmp::Reverse(place), duration, utterance.barge_in))
        });
        let Some((_, core::cmp::Reverse(place), left_ms, barge_in)) = ready.max() else { return };
        let utterance = self.waiting.remove(place);
        let token = hall.turn(utterance, Status::Playing);
        let is_ducked = speaks && BargeIn::of(barge_in) == BargeIn::Duck;
        let player = if is_ducked { Player::Ducked } else { Player::Playing };
        self.audio = AudioRef { utterance, token, player: player.code(), left_ms, spare: 0 };
    }
}
