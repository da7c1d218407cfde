//! How a world is run: threads, durability, digests. None of it is part of the world.

use crate::torture::values::Dice;
use diptych_engine::prelude::*;
use diptych_engine::store::History;
use std::fmt;

/// A way of running a world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) threads: usize,
    pub(crate) durability: Durability,
    pub(crate) digests: DigestPolicy,
    /// Frames of the past that are kept.
    pub(crate) history: u64,
    /// Frames whose records are kept for views; a worker has none.
    pub(crate) deltas: u64,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { threads, durability, digests, history, deltas } = self;
        write!(
            f,
            "{durability:?}, digests {digests:?}, {threads} threads, {history} frames of history, {deltas} of deltas"
        )
    }
}

impl Way {
    pub(crate) fn throw(dice: &mut Dice) -> Self {
        let threads = *dice.pick(&[1, 1, 2, 2, 3, 4, 8]);
        let durability = match dice.below(5) {
            0 => Durability::Buffered,
            1 => Durability::Every(1 + dice.below(9) as u32),
            2 => Durability::Inputs(1 + dice.below(30) as u32),
            _ => Durability::Synced,
        };
        let history = if dice.one_in(3) { dice.below(60) } else { 0 };
        let digests = match dice.below(3) {
            0 => DigestPolicy::OnDemand,
            _ => DigestPolicy::Every(1 + dice.below(9)),
        };
        let by_inputs = matches!(durability, Durability::Inputs(_));
        let deltas = if !by_inputs && dice.one_in(2) { 1 + dice.below(40) } else { 0 };
        Self { threads, durability, digests, history, deltas }
    }

    /// Whether frames that are durable were synced.
    pub(crate) fn is_synced(self) -> bool {
        matches!(self.durability, Durability::Synced | Durability::Every(_))
    }

    /// The durability, as a place of [`DURABILITIES`](crate::torture::trial::DURABILITIES).
    pub(crate) fn kind(self) -> usize {
        match self.durability {
            Durability::Inputs(_) => 1,
            Durability::Every(_) => 2,
            Durability::Synced => 3,
            _ => 0,
        }
    }

    /// How much is kept of what comes in. It follows from the rest, so that a seed tells the story that it told before.
    pub(crate) fn log(self) -> InputLog {
        let digests = if let DigestPolicy::Every(frames) = self.digests { frames } else { 0 };
        match (self.threads as u64 + digests + self.history) % 5 {
            0 if !matches!(self.durability, Durability::Inputs(_)) => InputLog::NONE,
            1 => InputLog { frames: 30, bytes: 8_000 },
            2 => InputLog { frames: u64::MAX, bytes: 4_000 },
            _ => InputLog::default(),
        }
    }

    /// A builder of a world that is run in this way.
    pub(crate) fn of(self, builder: EngineBuilder) -> EngineBuilder {
        let (history, builder) = (History::frames(self.history), builder.input_log(self.log()));
        let builder = builder.threads(self.threads).durability(self.durability).digest(self.digests);
        builder.history(history).deltas(self.deltas)
    }

    /// As words for another process.
    pub(crate) fn words(self) -> [String; 5] {
        let (kind, frames) = match self.durability {
            Durability::Every(frames) => (1, frames),
            Durability::Inputs(frames) => (2, frames),
            Durability::Buffered => (3, 0),
            _ => (4, 0),
        };
        let digests = match self.digests {
            DigestPolicy::OnDemand => 0,
            DigestPolicy::Every(frames) => frames,
        };
        [self.threads as u64, kind, u64::from(frames), digests, self.history].map(|word| word.to_string())
    }

    /// From those words.
    pub(crate) fn from_words([threads, kind, frames, digests, history]: [u64; 5]) -> Self {
        let durability = match kind {
            1 => Durability::Every(frames as u32),
            2 => Durability::Inputs(frames as u32),
            3 => Durability::Buffered,
            _ => Durability::Synced,
        };
        let digests = if digests == 0 { DigestPolicy::OnDemand } else { DigestPolicy::Every(digests) };
        Self { threads: threads as usize, durability, digests, history, deltas: 0 }
    }
}
