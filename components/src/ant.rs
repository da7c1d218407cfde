//! Ants: where they are and what they have gone through, their trails, and the ground with its signals and food.
//!
//! Invariant: plain data. The ground is a torus of square tiles, numbered in reading order; a signal points from the
//! nest towards food. Lengths are in cells, times in steps: frames that are not still. What ants do is behaviour and
//! lives in `diptych-systems`.

use crate::grid::around;
use bytemuck::{Pod, Zeroable};

/// Columns and rows of a tile.
pub const TILE_SIDE: u32 = 32;
/// Cells of a tile, in reading order.
pub const TILE_CELLS: usize = (TILE_SIDE * TILE_SIDE) as usize;
/// The longest side of the ground, in cells.
pub const GROUND_SIDE_MAX: u32 = 8192;
/// Ants of a world, at most.
pub const ANTS_MAX: u32 = 1 << 22;
/// Segments of an ant's trail, at most: a new one takes the place of the oldest.
pub const SEGMENTS_MAX: usize = 16;
/// The strongest signal on an axis, either way: what ants of many losses say of one place must fade in time.
pub const SIGNAL_MAX: f32 = 4.0;

/// Looks for food.
pub const SEARCHING: u32 = 0;
/// Stands at food and waits to hear whether it gets some.
pub const WAITING: u32 = 1;
/// Carries food home.
pub const CARRYING: u32 = 2;

/// One ant.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Default, Pod, Zeroable)]
pub struct Ant {
    /// Column and row, with fractions.
    pub position: [f32; 2],
    /// Where it heads, of length 1.
    pub heading: [f32; 2],
    /// Frames since it set out, or found food.
    pub age: u32,
    /// [`SEARCHING`], [`WAITING`] or [`CARRYING`].
    pub mode: u32,
    /// How often it found food or came home with it.
    pub wins: u32,
    /// How often its time ran out before.
    pub losses: u32,
    /// Food that it brought home.
    pub delivered: u32,
}

/// A piece of trail: which way an ant went where.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Default, Pod, Zeroable)]
pub struct Segment {
    /// Where it was laid.
    pub position: [f32; 2],
    /// From the nest towards food, as far as its ant could know: against its heading if it carried food.
    pub way: [f32; 2],
    /// The frame after which it is gone; 0 for a place that no segment was put in.
    pub ends: u32,
}

/// What an ant's result can be told to: its last segments.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Default, Pod, Zeroable)]
pub struct Trail {
    /// A ring.
    pub segments: [Segment; SEGMENTS_MAX],
    /// The place of the next one.
    pub next: u32,
}

/// The signals of one tile: a direction a cell.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
pub struct Signals {
    /// In reading order.
    pub cells: [[f32; 2]; TILE_CELLS],
}

impl Signals {
    /// No signal anywhere.
    pub const NONE: Signals = Signals { cells: [[0.0; 2]; TILE_CELLS] };
}

/// The food of one tile, in portions a cell.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Pod, Zeroable)]
pub struct Food {
    /// In reading order.
    pub cells: [u32; TILE_CELLS],
}

impl Food {
    /// Nothing to eat.
    pub const NONE: Food = Food { cells: [0; TILE_CELLS] };
}

/// What is on a tile, in two numbers; a tile with neither, among such, rests.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Pod, Zeroable)]
pub struct TileCensus {
    /// Numbers of signals that are not zero, two a cell.
    pub signals: u32,
    /// Portions of food.
    pub food: u32,
}

/// Which tile of the ground one is, in reading order.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Pod, Zeroable)]
pub struct TilePlace {
    /// From 0.
    pub index: u32,
}

/// The size of the ground and where the nest is. One entity holds it.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Default, Pod, Zeroable)]
pub struct Ground {
    /// Tiles a row.
    pub columns: u32,
    /// Rows of tiles.
    pub rows: u32,
    /// The middle of the nest.
    pub nest: [f32; 2],
    /// Within this the nest is.
    pub nest_radius: f32,
    /// Zero.
    pub reserved: u32,
}

impl Ground {
    /// Columns and rows, in cells.
    #[must_use]
    pub fn size(&self) -> [f32; 2] {
        [self.columns, self.rows].map(|tiles| (tiles * TILE_SIDE) as f32)
    }

    /// The tile and its cell at a position on the ground; of what is off the ground or no number the nearest.
    #[must_use]
    pub fn cell(&self, [x, y]: [f32; 2]) -> (usize, usize) {
        // What is no number becomes 0, and what is too large the largest.
        let clip = |at: f32, tiles: u32| (at as u32).min((tiles * TILE_SIDE).saturating_sub(1));
        let (x, y) = (clip(x, self.columns), clip(y, self.rows));
        let tile = y / TILE_SIDE * self.columns + x / TILE_SIDE;
        (tile as usize, (y % TILE_SIDE * TILE_SIDE + x % TILE_SIDE) as usize)
    }

    /// The tiles north, south, west and east of one.
    ///
    /// # Panics
    /// On a ground without tiles.
    #[must_use]
    pub fn around(&self, tile: u32) -> [u32; 4] {
        let [_, north, _, west, east, _, south, _] = around(self.columns, self.rows, tile);
        [north, south, west, east]
    }
}

/// How ants behave and signals fade. One entity holds it.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
pub struct Rules {
    /// Cells that an ant walks in a frame.
    pub speed: f32,
    /// How much chance turns it.
    pub wander: f32,
    /// How much a full signal turns it.
    pub follow: f32,
    /// How much one that carries food turns towards the nest, of whose direction it has a vague idea.
    pub homing: f32,
    /// What a winner's way is multiplied with as it becomes a signal, beside losses / (wins + 1); 0: winners are
    /// not rewarded.
    pub influence: f32,
    /// The same for a loser, whose way is taken away; 0: losers are not punished.
    pub blame: f32,
    /// Part of a signal that a frame takes away, 0 to 1.
    pub evaporation: f32,
    /// Part of a signal that goes to the four neighbours in a frame, 0 to 1.
    pub diffusion: f32,
    /// Weaker signals are none.
    pub faint: f32,
    /// Frames that an ant has to find food, and again to come home.
    pub life: u32,
    /// An ant lays a segment whenever its number and the frame's together are a multiple of this.
    pub resolution: u32,
    /// Frames that a segment lasts.
    pub trail_limit: u32,
    /// Frames that it lasts longer after a result.
    pub trail_result: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            speed: 0.8,
            wander: 0.35,
            follow: 0.4,
            homing: 0.08,
            influence: 0.5,
            blame: 0.02,
            evaporation: 0.005,
            diffusion: 0.05,
            faint: 1e-3,
            life: 600,
            resolution: 16,
            trail_limit: 256,
            trail_result: 64,
        }
    }
}

/// What is wrong with rules.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
#[error("the ants' {name} is {value}, and must be {wanted}")]
pub struct RulesFault {
    name: &'static str,
    value: f64,
    wanted: &'static str,
}

impl Rules {
    /// What is wrong, if anything.
    ///
    /// # Errors
    /// The first rule that is outside of what it may be.
    pub fn check(&self) -> Result<(), RulesFault> {
        let not_negative = "a finite number not below 0";
        let at_least = [
            ("wander", self.wander),
            ("follow", self.follow),
            ("homing", self.homing),
            ("influence", self.influence),
            ("blame", self.blame),
            ("faint limit", self.faint),
        ];
        let mut checks =
            vec![("speed", self.speed, (0.0..=8.0).contains(&self.speed), "0 to 8 cells a frame")];
        checks.extend(at_least.map(|(name, x)| (name, x, x.is_finite() && x >= 0.0, not_negative)));
        for (name, part) in [("evaporation", self.evaporation), ("diffusion", self.diffusion)] {
            checks.push((name, part, (0.0..=1.0).contains(&part), "0 to 1"));
        }
        for (name, frames) in [("life", self.life), ("trail resolution", self.resolution)] {
            checks.push((name, frames as f32, frames > 0, "1 frame or more"));
        }
        let wrong = checks.into_iter().find(|(_, _, is_right, _)| !is_right);
        wrong.map_or(Ok(()), |(name, value, _, wanted)| {
            Err(RulesFault { name, value: f64::from(value), wanted })
        })
    }
}

/// A message to a tile: what a result does to a cell's signal.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Default, Pod, Zeroable)]
pub struct Deposit {
    /// What is added.
    pub signal: [f32; 2],
    /// Of the tile.
    pub cell: u32,
}

/// A message to a tile: an ant asks for a portion, or drops one.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Pod, Zeroable)]
pub struct Ask {
    /// Of the tile.
    pub cell: u32,
    /// 0: it asks for a portion; 1: it drops one, and wants no answer.
    pub is_drop: u32,
}

/// A message to an ant that asked.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Pod, Zeroable)]
pub struct Answer {
    /// 1 if it got a portion, 0 if there was none left.
    pub portions: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Claim: every cell is found once, what is off the ground lands on it, and neighbours go both ways.
    #[test]
    fn cells_and_neighbours() {
        let ground = Ground { columns: 3, rows: 2, ..Ground::default() };
        let mut seen = std::collections::BTreeSet::new();
        for (x, y) in (0..96_u8).flat_map(|x| (0..64_u8).map(move |y| (x, y))) {
            let (tile, cell) = ground.cell([f32::from(x) + 0.5, f32::from(y) + 0.5]);
            assert!(tile < 6 && cell < TILE_CELLS && seen.insert((tile, cell)), "{x},{y}");
        }
        assert_eq!(ground.cell([f32::NAN, 1e30]), (3, 31 * 32));
        assert_eq!(ground.cell([-1.0, f32::INFINITY]), (3, 31 * 32));
        for tile in 0..6 {
            let [north, south, west, east] = ground.around(tile);
            assert_eq!(
                [
                    ground.around(north)[1],
                    ground.around(south)[0],
                    ground.around(west)[3],
                    ground.around(east)[2]
                ],
                [tile; 4]
            );
        }
    }

    /// Claim: a rule that is no number is refused with a sentence.
    #[test]
    fn bad_rules_are_refused() {
        assert_eq!(Rules::default().check(), Ok(()));
        let refusal = |rules: Rules| rules.check().expect_err("refused").to_string();
        let (rules, nan) = (Rules::default(), f32::NAN);
        assert_eq!(
            refusal(Rules { wander: nan, ..rules }),
            "the ants' wander is NaN, and must be a finite number not below 0"
        );
        assert!(refusal(Rules { speed: nan, ..rules }).contains("0 to 8 cells"));
        assert!(refusal(Rules { diffusion: 1.5, ..rules }).contains("diffusion is 1.5"));
        assert!(refusal(Rules { resolution: 0, ..rules }).contains("1 frame or more"));
    }
}
