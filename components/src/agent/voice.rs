//! Hearing that somebody speaks, turns, and what an agent says.
//!
//! Invariant: times of [`Vad`] are milliseconds of world time; an utterance is an entity that names its agent, and the
//! agent's queue and player name utterances. [`NOBODY`] names none.

use super::code::{BargeIn, Player, Status};
use super::fields::{coded, cut, put_text, text};
use super::talk::{TEXT_BYTES_MAX, first_of};
use crate::fields::{FieldError, Fields, put_u32, put_u64};
use bytemuck::{Pod, Zeroable};

/// No entity.
pub const NOBODY: u64 = u64::MAX;
/// Nobody speaks: the time of [`BargeState::speaking_since`] then.
pub const NOT_SPEAKING: u64 = u64::MAX;
/// Utterances that wait for an agent's voice, at most; one more is cancelled at once.
pub const QUEUE_MAX: usize = 16;

/// The loudness that an agent hears.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Default, Pod, Zeroable)]
pub struct RawVad {
    /// From 0 to 1; what is no number is silence.
    pub level: f64,
    /// The frame in which it was heard.
    pub frame: u64,
}

/// Whether somebody speaks to an agent: voice activity with an attack and a release.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
pub struct Vad {
    /// From this level on it is speech.
    pub threshold: f64,
    /// When the level was last at the threshold or above, in milliseconds; as long as it is, when it was so before.
    pub last_true: u64,
    /// When it was last below; as long as it is, when it was so before.
    pub last_false: u64,
    /// Milliseconds of speech after which somebody speaks.
    pub attack_ms: u32,
    /// Milliseconds of silence after which nobody does, at least.
    pub release_ms: u32,
    /// Milliseconds for which speech is held after its last sound.
    pub hang_ms: u32,
    /// 1 while somebody speaks.
    pub is_active: u32,
    /// What that was in the frame before.
    pub was_active: u32,
    /// 1 while the level is at the threshold or above.
    pub is_loud: u32,
}

impl Default for Vad {
    fn default() -> Self {
        Self {
            threshold: 0.5,
            last_true: 0,
            last_false: 0,
            attack_ms: 120,
            release_ms: 250,
            hang_ms: 800,
            is_active: 0,
            was_active: 0,
            is_loud: 0,
        }
    }
}

/// How often somebody has begun to speak to an agent.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Pod, Zeroable)]
pub struct Turn {
    /// Its number.
    pub id: u64,
}

/// What becomes of an agent's utterances that do not say so themselves.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Pod, Zeroable)]
pub struct Policy {
    /// A [`BargeIn`].
    pub barge_in: u32,
}

/// What an agent says, or is going to.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Pod, Zeroable)]
pub struct Utterance {
    /// Who says it.
    pub agent: u64,
    /// In which turn it was thought of.
    pub turn: u64,
    /// The frame in which its status last changed.
    pub frame: u64,
    /// 0, 1 or 2; a higher one is said first.
    pub priority: u32,
    /// A [`BargeIn`].
    pub barge_in: u32,
    /// A [`Status`].
    pub status: u32,
    /// Raised by whoever changes the status: what plays an older one has been overtaken.
    pub token: u32,
}

impl Utterance {
    /// The same in another state, from this frame on.
    #[must_use]
    pub fn with(self, status: Status, frame: u64) -> Self {
        Self { status: status.code(), frame, token: self.token.wrapping_add(1), ..self }
    }

    /// Whether it was said or never will be.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(Status::of(self.status), Status::Done | Status::Cancelled)
    }
}

/// The words of an utterance.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Words(pub String);

/// The sound of an utterance.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Pod, Zeroable)]
pub struct AudioRes {
    /// How long it is.
    pub duration_ms: u32,
}

/// An agent's utterances that wait, in the order in which they will be said.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Pod, Zeroable)]
pub struct PlaybackQueue {
    /// Utterances; the first `count` are some.
    pub items: [u64; QUEUE_MAX],
    /// How many.
    pub count: u64,
}

impl Default for PlaybackQueue {
    fn default() -> Self {
        Self { items: [NOBODY; QUEUE_MAX], count: 0 }
    }
}

impl PlaybackQueue {
    /// Those that wait.
    #[must_use]
    pub fn waiting(&self) -> &[u64] {
        first_of(&self.items, self.count)
    }

    /// The queue of these, of which the first [`QUEUE_MAX`] have a place.
    #[must_use]
    pub fn of(waiting: &[u64]) -> Self {
        let mut queue = Self::default();
        for (place, item) in queue.items.iter_mut().zip(waiting) {
            *place = *item;
        }
        queue.count = waiting.len().min(QUEUE_MAX) as u64;
        queue
    }
}

/// An agent's player.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Pod, Zeroable)]
pub struct AudioRef {
    /// What it has in hand, or [`NOBODY`].
    pub utterance: u64,
    /// Of which token.
    pub token: u32,
    /// A [`Player`].
    pub player: u32,
    /// Milliseconds that are left of it.
    pub left_ms: u32,
    /// Nothing.
    pub spare: u32,
}

impl Default for AudioRef {
    fn default() -> Self {
        Self { utterance: NOBODY, token: 0, player: Player::Idle.code(), left_ms: 0, spare: 0 }
    }
}

/// How the arbiter of an agent's voice stands.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Pod, Zeroable)]
pub struct BargeState {
    /// The frame since which somebody else speaks, or [`NOT_SPEAKING`].
    pub speaking_since: u64,
    /// Utterances that were said to their end.
    pub done: u64,
    /// Utterances that were not.
    pub cancelled: u64,
    /// 1 while the player waits for somebody else to end.
    pub is_paused: u32,
    /// How often somebody else spoke into an utterance.
    pub interruptions: u32,
}

impl Default for BargeState {
    fn default() -> Self {
        Self { speaking_since: NOT_SPEAKING, done: 0, cancelled: 0, is_paused: 0, interruptions: 0 }
    }
}

/// A message to an agent: say this.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Speak {
    /// In which turn it was thought of.
    pub turn: u64,
    /// 0, 1 or 2; others count as 2.
    pub priority: u32,
    /// A [`BargeIn`], or nothing for the agent's policy.
    pub barge_in: Option<BargeIn>,
    /// The words.
    pub text: String,
}

coded!(Words, Speak);

impl Words {
    /// Words, cut where they are too many.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(cut(text, TEXT_BYTES_MAX))
    }

    fn put(&self, out: &mut Vec<u8>) {
        put_text(out, &self.0, TEXT_BYTES_MAX);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        text(fields, TEXT_BYTES_MAX).map(Self)
    }
}

impl Speak {
    fn put(&self, out: &mut Vec<u8>) {
        put_u64(out, self.turn);
        put_u32(out, self.priority);
        put_u32(out, self.barge_in.map_or(0, |barge_in| barge_in.code() + 1));
        put_text(out, &self.text, TEXT_BYTES_MAX);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        let (turn, priority, barge_in) = (fields.u64()?, fields.u32()?, fields.u32()?);
        let barge_in = match barge_in {
            0 => None,
            code if code as usize <= BargeIn::ALL.len() => Some(BargeIn::of(code - 1)),
            code => return Err(FieldError(format!("{code} is no way to barge in"))),
        };
        Ok(Self { turn, priority, barge_in, text: text(fields, TEXT_BYTES_MAX)? })
    }
}
