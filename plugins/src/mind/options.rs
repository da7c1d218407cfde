//! What a world of minds is made of: how many, how much food, by which rules.
//!
//! Invariant: equal options make equal worlds, and the text of options says all of them.

use core::fmt;
use diptych_components::mind::{Body, CELLS, Item, MINDS_MAX, Needs, Rules, RulesFault};

/// Minds when nothing else is said.
pub const MINDS_DEFAULT: u32 = 300;
/// Items when nothing else is said.
pub const ITEMS_DEFAULT: u32 = 150;

/// What [`MindPlugin`](super::MindPlugin) makes its world of.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// How many minds; default [`MINDS_DEFAULT`], at most [`MINDS_MAX`].
    pub minds: u32,
    /// Items of food, each in a cell of its own; default [`ITEMS_DEFAULT`], at most [`CELLS`].
    pub items: u32,
    /// Seed of where they are and what minds need; default 1.
    pub seed: u64,
    /// How minds and items behave.
    pub rules: Rules,
}

/// What is wrong with options.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsFault {
    /// Too many of something.
    #[error("{0} {1} are too many: ask for at most {2}")]
    TooMany(u32, &'static str, u32),
    /// A rule outside of what it may be.
    #[error(transparent)]
    Rules(#[from] RulesFault),
}

impl Default for Options {
    fn default() -> Self {
        Self { minds: MINDS_DEFAULT, items: ITEMS_DEFAULT, seed: 1, rules: Rules::default() }
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options { minds, items, seed, rules } = self;
        write!(f, "{minds} minds, {items} items, seed {seed}; {rules:?}")
    }
}

impl Options {
    /// What is wrong, if anything.
    ///
    /// # Errors
    /// The first option that is outside of what it may be.
    pub fn check(&self) -> Result<(), OptionsFault> {
        for (count, name, most) in [(self.minds, "minds", MINDS_MAX), (self.items, "items", CELLS as u32)] {
            if count > most {
                return Err(OptionsFault::TooMany(count, name, most));
            }
        }
        Ok(self.rules.check()?)
    }

    /// The items of frame 0, whole.
    #[must_use]
    pub fn items(&self) -> Vec<Item> {
        let mut draws = Draws(self.seed);
        let mut cells: Vec<u32> = (0..CELLS as u32).collect();
        for n in 0..(self.items as usize).min(CELLS) {
            let other = n + draws.below((CELLS - n) as u64) as usize;
            cells.swap(n, other);
        }
        cells.truncate(self.items as usize);
        cells.into_iter().map(|cell| Item { cell, portions: self.rules.portions, ripe: 0 }).collect()
    }

    /// The minds of frame 0: anywhere, neither hungry nor tired yet.
    pub fn minds(&self) -> impl Iterator<Item = (Body, Needs)> + use<> {
        let (mut draws, Rules { hungry, tired, .. }) = (Draws(!self.seed), self.rules);
        let side = self.rules.side();
        (0..self.minds).map(move |_| {
            let [x, y, hunger, tiredness] = [0; 4].map(|_| draws.unit());
            let body = Body { position: [x * side, y * side], velocity: [0.0; 2] };
            (body, Needs { hunger: hunger * hungry, tiredness: tiredness * tired, meals: 0 })
        })
    }
}

/// Numbers that follow from a seed, by splitmix64.
struct Draws(u64);

impl Draws {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        ((self.bits() >> 32) * bound) >> 32
    }

    fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }
}
