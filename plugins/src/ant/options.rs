//! What a world of ants is made of: how many, on which ground, with how much food, by which rules.
//!
//! Invariant: equal options make equal worlds, and the text of options says all of them.

use core::fmt;
use diptych_components::ant::{ANTS_MAX, Ant, Food, GROUND_SIDE_MAX, Ground, Rules, RulesFault, TILE_SIDE};

/// Ants when nothing else is said.
pub const ANTS_DEFAULT: u32 = 1000;
/// Piles of food, at most.
pub const PILES_MAX: u32 = 4096;
/// Portions of a cell, at most: with these and the largest ground a tile's sum fits into 32 bits.
const PORTIONS_MAX: u32 = 1 << 20;

/// What [`AntPlugin`](super::AntPlugin) makes its world of. The nest is in the middle of the ground.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// How many ants; default [`ANTS_DEFAULT`], at most [`ANTS_MAX`].
    pub ants: u32,
    /// Columns of the ground in cells, a multiple of [`TILE_SIDE`]; default 256, at most [`GROUND_SIDE_MAX`].
    pub width: u32,
    /// Rows, as `width`.
    pub height: u32,
    /// Seed of where the piles are and whereto ants set out; default 1.
    pub seed: u64,
    /// Piles of food; default 8, at most [`PILES_MAX`].
    pub piles: u32,
    /// Radius of a pile, in cells; default 6.
    pub pile_radius: u32,
    /// Portions in a cell of a pile; default 40, at most 2^20.
    pub portions: u32,
    /// How ants behave.
    pub rules: Rules,
}

/// What is wrong with options.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsFault {
    /// Too many of something.
    #[error("{0} {1} are too many: ask for at most {2}")]
    TooMany(u32, &'static str, u32),
    /// A side that tiles do not fill.
    #[error("the ground {0}x{1} is refused: either side needs a multiple of {side} from {side} to {max} cells", side = TILE_SIDE, max = GROUND_SIDE_MAX)]
    Side(u32, u32),
    /// Piles that are larger than the ground.
    #[error("piles of radius {0} are too large: ask for at most half of the ground's shorter side")]
    Radius(u32),
    /// A rule outside of what it may be.
    #[error(transparent)]
    Rules(#[from] RulesFault),
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ants: ANTS_DEFAULT,
            width: 256,
            height: 256,
            seed: 1,
            piles: 8,
            pile_radius: 6,
            portions: 40,
            rules: Rules::default(),
        }
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options { ants, width, height, seed, piles, pile_radius, portions, rules } = self;
        write!(f, "{ants} ants on {width}x{height}, seed {seed}, {piles} piles of radius {pile_radius}")?;
        write!(f, " with {portions} portions a cell; {rules:?}")
    }
}

impl Options {
    /// What is wrong, if anything.
    ///
    /// # Errors
    /// The first option that is outside of what it may be.
    pub fn check(&self) -> Result<(), OptionsFault> {
        let limits = [
            (self.ants, "ants", ANTS_MAX),
            (self.piles, "piles", PILES_MAX),
            (self.portions, "portions a cell", PORTIONS_MAX),
        ];
        if let Some((count, name, most)) = limits.into_iter().find(|(count, _, most)| count > most) {
            return Err(OptionsFault::TooMany(count, name, most));
        }
        let is_side = |side: u32| side > 0 && side <= GROUND_SIDE_MAX && side.is_multiple_of(TILE_SIDE);
        if !is_side(self.width) || !is_side(self.height) {
            return Err(OptionsFault::Side(self.width, self.height));
        }
        if self.pile_radius > self.width.min(self.height) / 2 {
            return Err(OptionsFault::Radius(self.pile_radius));
        }
        Ok(self.rules.check()?)
    }

    /// The ground with its nest.
    #[must_use]
    pub fn ground(&self) -> Ground {
        Ground {
            columns: self.width / TILE_SIDE,
            rows: self.height / TILE_SIDE,
            nest: [self.width as f32 / 2.0, self.height as f32 / 2.0],
            nest_radius: (self.width.min(self.height) as f32 / 32.0).max(2.0),
            reserved: 0,
        }
    }

    /// The food of each tile. Piles lie anywhere but within a quarter of the shorter side from the nest; where two
    /// overlap there is twice as much.
    #[must_use]
    pub fn food(&self) -> Vec<Food> {
        let ground = self.ground();
        let mut tiles = vec![Food::NONE; (ground.columns * ground.rows) as usize];
        let mut draws = Draws(self.seed);
        let near = u64::from(self.width.min(self.height) / 4);
        for _ in 0..self.piles {
            let (x, y) = loop {
                let (x, y) = (draws.below(self.width), draws.below(self.height));
                let way = |at: u32, side: u32| u64::from(at.abs_diff(side / 2));
                let (u, v) = (way(x, self.width), way(y, self.height));
                // The corners are always far enough, so this comes to an end.
                if u * u + v * v >= near * near {
                    break (x, y);
                }
            };
            self.heap(&ground, &mut tiles, x, y);
        }
        tiles
    }

    /// Puts a pile around a cell.
    fn heap(&self, ground: &Ground, tiles: &mut [Food], x: u32, y: u32) {
        let radius = i64::from(self.pile_radius);
        let around =
            |at: u32, by: i64, side: u32| (i64::from(at) + by).rem_euclid(i64::from(side)) as f32 + 0.5;
        for (dx, dy) in (-radius..=radius).flat_map(|dx| (-radius..=radius).map(move |dy| (dx, dy))) {
            if dx * dx + dy * dy <= radius * radius {
                let at = [around(x, dx, self.width), around(y, dy, self.height)];
                let (tile, cell) = ground.cell(at);
                let portions = &mut tiles[tile].cells[cell];
                // Below 2^21 a cell, so that a tile's sum stays below 2^32.
                *portions = (*portions + self.portions).min(2 * PORTIONS_MAX - 1);
            }
        }
    }

    /// The ants of frame 0, in the nest.
    pub fn ants(&self) -> impl Iterator<Item = Ant> + use<> {
        let (nest, mut draws) = (self.ground().nest, Draws(!self.seed));
        (0..self.ants).map(move |_| {
            let [x, y] = draws.direction();
            Ant { position: nest, heading: [x, y], ..Ant::default() }
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

    fn below(&mut self, bound: u32) -> u32 {
        (((self.bits() >> 32) * u64::from(bound)) >> 32) as u32
    }

    /// A vector of length 1, by trial within the circle.
    fn direction(&mut self) -> [f32; 2] {
        loop {
            let [x, y] = [0; 2].map(|_| (self.bits() >> 40) as f32 / (1_u32 << 23) as f32 - 1.0);
            let squared = x * x + y * y;
            if (0.01..=1.0).contains(&squared) {
                return [x, y].map(|x| x / squared.sqrt());
            }
        }
    }
}
