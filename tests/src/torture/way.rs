//! How a world is run: threads, durability, digests. None of it is part of the world.

use crate::torture::values::Dice;
use diptych_engine::prelude::*;
use std::fmt;

/// A way of running a world.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) threads: usize,
    pub(crate) durability: Durability,
    pub(crate) digests: DigestPolicy,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, digests {:?}, threads {}", self.durability, self.digests, self.threads)
    }
}

impl Way {
    pub(crate) fn throw(dice: &mut Dice) -> Self {
        let threads = *dice.pick(&[1, 1, 2, 2, 3, 4, 8]);
        let durability = match dice.below(4) {
            0 => Durability::Buffered,
            1 => Durability::Every(1 + dice.below(9) as u32),
            _ => Durability::Synced,
        };
        let digests = match dice.below(3) {
            0 => DigestPolicy::OnDemand,
            _ => DigestPolicy::Every(1 + dice.below(9)),
        };
        Self { threads, durability, digests }
    }

    /// A builder of a world that is run in this way.
    pub(crate) fn of(self, builder: EngineBuilder) -> EngineBuilder {
        builder.threads(self.threads).durability(self.durability).digest(self.digests)
    }

    /// As words for another process.
    pub(crate) fn words(self) -> [String; 3] {
        let durability = match self.durability {
            Durability::Every(frames) => u64::from(frames),
            Durability::Buffered => 0,
            _ => 1 << 40,
        };
        let digests = match self.digests {
            DigestPolicy::OnDemand => 0,
            DigestPolicy::Every(frames) => frames,
        };
        [self.threads as u64, durability, digests].map(|word| word.to_string())
    }

    /// From those words.
    pub(crate) fn from_words([threads, durability, digests]: [u64; 3]) -> Self {
        let durability = match durability {
            0 => Durability::Buffered,
            frames if frames < 1 << 40 => Durability::Every(frames as u32),
            _ => Durability::Synced,
        };
        let digests = if digests == 0 { DigestPolicy::OnDemand } else { DigestPolicy::Every(digests) };
        Self { threads: threads as usize, durability, digests }
    }
}
