//! Minds: creatures with needs, what they intend and remember, the items they live on, and what has been seen.
//!
//! Invariant: plain data. The world is a square of 64 by 64 cells with at most one item a cell; beyond its edge there is
//! nothing. Lengths are in units, times in steps: frames that are not still. What minds do is behaviour and lives in
//! `diptych-systems`.

use bytemuck::{Pod, Zeroable};

/// Columns and rows of cells.
pub const CELLS_SIDE: u32 = 64;
/// Cells of a world, in reading order.
pub const CELLS: usize = (CELLS_SIDE * CELLS_SIDE) as usize;
/// Places with food that a mind remembers, at most: a new one takes the place of the oldest.
pub const KNOWN_MAX: usize = 8;
/// Minds of a world, at most.
pub const MINDS_MAX: u32 = 1 << 20;
/// No cell: nothing is known, or aimed at.
pub const NOWHERE: u32 = u32::MAX;
/// How often a mind looks for a place to explore before it waits for the next frame.
pub const EXPLORE_TRIES: u32 = 10;
/// How far from one such place the next lies, times a noise of at most [`NOISE_FORCE`].
pub const EXPLORE_STEP: f64 = 20.0;
/// The longest noise.
pub const NOISE_FORCE: f64 = 16.0;

/// Where a mind is, and where it moves to in a frame.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Default, Pod, Zeroable)]
pub struct Body {
    /// In units from the corner.
    pub position: [f64; 2],
    /// Units a frame.
    pub velocity: [f64; 2],
}

/// What a mind needs, from 0, not at all, to 1.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Default, Pod, Zeroable)]
pub struct Needs {
    /// To eat.
    pub hunger: f64,
    /// To rest.
    pub tiredness: f64,
    /// Meals so far.
    pub meals: u64,
}

/// What a mind intends and remembers.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Pod, Zeroable)]
pub struct Mind {
    /// Cells with food, a ring; [`NOWHERE`] for none.
    pub known: [u32; KNOWN_MAX],
    /// The place of the next one.
    pub next: u32,
    /// The cell it walks to, or [`NOWHERE`].
    pub target: u32,
    /// 1 while it rests.
    pub is_resting: u32,
    /// What it was last about: [`IDLE`] and the others.
    pub deed: u32,
    /// The frame in which it last asked for food.
    pub asked: u64,
}

/// It has nothing to do, or did not find where to.
pub const IDLE: u32 = 0;
/// It rests.
pub const RESTING: u32 = 1;
/// It asks for what lies where it stands.
pub const EATING: u32 = 2;
/// It is hungry and knows where to go.
pub const FETCHING: u32 = 3;
/// It is hungry and does not.
pub const SEARCHING: u32 = 4;
/// It looks around.
pub const EXPLORING: u32 = 5;

impl Default for Mind {
    fn default() -> Self {
        Self { known: [NOWHERE; KNOWN_MAX], next: 0, target: NOWHERE, is_resting: 0, deed: IDLE, asked: 0 }
    }
}

impl Mind {
    /// Remembers a cell with food, in place of the oldest; nothing new where it is known.
    pub fn learn(&mut self, cell: u32) {
        if !self.known.contains(&cell) {
            self.known[self.next as usize % KNOWN_MAX] = cell;
            self.next = (self.next + 1) % KNOWN_MAX as u32;
        }
    }

    /// Forgets a cell.
    pub fn forget(&mut self, cell: u32) {
        self.known.iter_mut().filter(|known| **known == cell).for_each(|known| *known = NOWHERE);
    }
}

/// Something to eat that lies in a cell, and grows again.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Pod, Zeroable)]
pub struct Item {
    /// Where.
    pub cell: u32,
    /// What is left.
    pub portions: u32,
    /// The frame in which an eaten one is whole again.
    pub ripe: u64,
}

/// When each cell was last in sight of anybody, for all minds together; one entity holds it.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Pod, Zeroable)]
pub struct Seen {
    /// Frames plus one, in reading order; 0 for never.
    pub frames: [u32; CELLS],
}

impl Seen {
    /// Nothing yet.
    pub const NOTHING: Seen = Seen { frames: [0; CELLS] };
}

/// How minds and items behave. One entity holds it.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
pub struct Rules {
    /// Side of a cell, in units.
    pub cell: f64,
    /// Units that a mind walks in a frame.
    pub speed: f64,
    /// Hunger of a frame.
    pub hunger: f64,
    /// Tiredness of a frame awake.
    pub tiredness: f64,
    /// Tiredness that a frame of rest takes away.
    pub recovery: f64,
    /// Hunger that a meal takes away.
    pub meal: f64,
    /// From this hunger on it is hungry.
    pub hungry: f64,
    /// From this hunger on it is starving, and does not rest.
    pub starving: f64,
    /// From this tiredness on it is tired; below half of it, it has rested.
    pub tired: f64,
    /// Units of a noise of direction; that of length is ten times finer.
    pub zoom: f64,
    /// Cells that a mind sees, to each side.
    pub sight: u32,
    /// Frames after which a cell that was seen counts as unexplored.
    pub forget: u32,
    /// Portions of an item that is whole.
    pub portions: u32,
    /// Frames that an eaten item needs to be whole again.
    pub regrowth: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            cell: 16.0,
            speed: 2.0,
            hunger: 0.0015,
            tiredness: 0.0008,
            recovery: 0.004,
            meal: 0.5,
            hungry: 0.5,
            starving: 0.9,
            tired: 0.7,
            zoom: 64.0,
            sight: 2,
            forget: 900,
            portions: 4,
            regrowth: 600,
        }
    }
}

/// What is wrong with rules.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
#[error("the minds' {name} is {value}, and must be {wanted}")]
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
        let mut checks = Vec::new();
        for (name, length) in [("cell", self.cell), ("zoom", self.zoom)] {
            checks.push((name, length, length.is_finite() && length > 0.0, "a finite number above 0"));
        }
        let parts = [
            ("hunger", self.hunger),
            ("tiredness", self.tiredness),
            ("recovery", self.recovery),
            ("meal", self.meal),
            ("limit of hunger", self.hungry),
            ("limit of starvation", self.starving),
            ("limit of tiredness", self.tired),
        ];
        checks.extend(parts.map(|(name, part)| (name, part, (0.0..=1.0).contains(&part), "0 to 1")));
        let is_speed = self.speed >= 0.0 && self.speed <= self.cell;
        checks.push(("speed", self.speed, is_speed, "0 to a cell a frame"));
        checks.push(("sight", f64::from(self.sight), self.sight <= 16, "at most 16 cells"));
        checks.push(("portions", f64::from(self.portions), self.portions > 0, "1 or more"));
        let wrong = checks.into_iter().find(|(_, _, is_right, _)| !is_right);
        wrong.map_or(Ok(()), |(name, value, _, wanted)| Err(RulesFault { name, value, wanted }))
    }

    /// Side of the world, in units.
    #[must_use]
    pub fn side(&self) -> f64 {
        self.cell * f64::from(CELLS_SIDE)
    }

    /// The cell at a position; of what is outside or no number the nearest.
    #[must_use]
    pub fn cell_at(&self, position: [f64; 2]) -> u32 {
        // What is no number becomes 0, and what is too large the largest.
        let [x, y] = position.map(|at| ((at / self.cell) as u32).min(CELLS_SIDE - 1));
        y * CELLS_SIDE + x
    }

    /// The middle of a cell.
    #[must_use]
    pub fn middle(&self, cell: u32) -> [f64; 2] {
        [cell % CELLS_SIDE, cell / CELLS_SIDE].map(|at| (f64::from(at) + 0.5) * self.cell)
    }
}

/// A message to an item: somebody wants to eat of it.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Pod, Zeroable)]
pub struct Consume {
    /// The frame in which it was sent.
    pub frame: u64,
}

/// A message to a mind: it has eaten a portion.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Pod, Zeroable)]
pub struct Meal {
    /// The cell of the item.
    pub cell: u64,
}
