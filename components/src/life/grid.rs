//! The torus: its size as people write it, and how a pattern is put in its middle.
//!
//! Invariant: every such size is one of a grid of tiles; how that is cut into tiles is [`GridMap`]'s.

use core::fmt;
use core::str::FromStr;

use super::pattern::Pattern;
use super::tile::{TILE_SIDE, Tile};
pub use crate::grid::GRID_SIDE_MAX;
use crate::grid::GridMap;

/// The size of a torus in cells; neither side is 0 or above [`GRID_SIDE_MAX`].
///
/// # Examples
/// ```
/// use diptych_components::life::Grid;
/// let grid: Grid = "130x70".parse().unwrap();
/// assert_eq!((grid.width(), grid.height(), grid.tile_count()), (130, 70, 6));
/// assert!("0x8".parse::<Grid>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Grid {
    width: u32,
    height: u32,
}

/// Why there is no such grid, or why a pattern does not fit on it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GridError {
    /// The text is not two numbers with an `x` between them.
    #[error("the grid '{0}' is not of the form WIDTHxHEIGHT, such as 512x512")]
    Form(String),
    /// A side is 0 or too long.
    #[error("the grid {0}x{1} is refused: either side needs 1 to {max} cells", max = GRID_SIDE_MAX)]
    Side(u64, u64),
    /// The pattern is larger than the grid.
    #[error(
        "a pattern of {pattern_width}x{pattern_height} cells does not fit on the grid {grid}: choose a larger one"
    )]
    TooSmall {
        /// Columns of the pattern.
        pattern_width: u32,
        /// Rows of the pattern.
        pattern_height: u32,
        /// The grid asked for.
        grid: Grid,
    },
}

impl Grid {
    /// 512x512, the grid of the scene when nothing else is said.
    pub const DEFAULT: Grid = Grid { width: 512, height: 512 };

    /// A torus of `width` by `height` cells.
    ///
    /// # Errors
    /// If a side is 0 or above [`GRID_SIDE_MAX`].
    pub const fn new(width: u32, height: u32) -> Result<Grid, GridError> {
        if width == 0 || height == 0 || width > GRID_SIDE_MAX || height > GRID_SIDE_MAX {
            return Err(GridError::Side(width as u64, height as u64));
        }
        Ok(Grid { width, height })
    }

    /// Columns, in cells.
    #[must_use]
    pub const fn width(self) -> u32 {
        self.width
    }

    /// Rows, in cells.
    #[must_use]
    pub const fn height(self) -> u32 {
        self.height
    }

    /// How many tiles hold this grid.
    #[must_use]
    pub const fn tile_count(self) -> u32 {
        self.width.div_ceil(TILE_SIDE) * self.height.div_ceil(TILE_SIDE)
    }

    /// The map of the tiles that hold this grid, the first of which has this `Id`.
    ///
    /// # Panics
    /// When the last one would not have 64 bits.
    #[must_use]
    pub fn map(self, first: u64) -> GridMap<Tile> {
        GridMap::new(self.width, self.height, first).expect("sides are looked at by `Grid::new`")
    }

    /// The tiles of this grid with `pattern` in the middle: its top-left corner lies at
    /// `((W - w) / 2, (H - h) / 2)`, rounded down.
    ///
    /// # Errors
    /// If the pattern is larger than the grid.
    pub fn tiles(self, pattern: &Pattern) -> Result<Vec<Tile>, GridError> {
        if pattern.width() > self.width || pattern.height() > self.height {
            return Err(GridError::TooSmall {
                pattern_width: pattern.width(),
                pattern_height: pattern.height(),
                grid: self,
            });
        }
        let left = (self.width - pattern.width()) / 2;
        let top = (self.height - pattern.height()) / 2;
        let mut tiles = vec![Tile::EMPTY; self.tile_count() as usize];
        for run in pattern.runs() {
            self.fill(&mut tiles, left + run.x, top + run.y, run.length);
        }
        Ok(tiles)
    }

    /// Brings `length` cells from (`x`, `y`) rightwards to life; the caller keeps them inside the grid.
    fn fill(self, tiles: &mut [Tile], x: u32, y: u32, length: u32) {
        let first_tile = y / TILE_SIDE * self.width.div_ceil(TILE_SIDE);
        let (mut from, end) = (x, x + length);
        while from < end {
            let bit = from % TILE_SIDE;
            let count = (TILE_SIDE - bit).min(end - from);
            let word = (u64::MAX >> (TILE_SIDE - count)) << bit;
            tiles[(first_tile + from / TILE_SIDE) as usize].rows[(y % TILE_SIDE) as usize] |= word;
            from += count;
        }
    }
}

impl FromStr for Grid {
    type Err = GridError;

    fn from_str(text: &str) -> Result<Self, GridError> {
        let form = || GridError::Form(text.to_owned());
        let (width, height) = text.split_once(['x', 'X']).ok_or_else(form)?;
        let side = |digits: &str| -> Result<u64, GridError> {
            if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(form());
            }
            // More digits than a u64 holds are merely too long a side.
            Ok(digits.parse().unwrap_or(u64::MAX))
        };
        let (width, height) = (side(width)?, side(height)?);
        match (u32::try_from(width), u32::try_from(height)) {
            (Ok(w), Ok(h)) => Grid::new(w, h),
            _ => Err(GridError::Side(width, height)),
        }
    }
}

impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use super::super::pattern::Pattern;
    use super::{GRID_SIDE_MAX, Grid};

    fn grid(width: u32, height: u32) -> Grid {
        Grid::new(width, height).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Claim: a pattern lands at ((W-w)/2, (H-h)/2) rounded down, across the seams of tiles too.
    #[test]
    fn patterns_are_centred() {
        let pattern = Pattern::parse("line.rle", b"x = 100, y = 1\n100o!").expect("a line of 100");
        let tiles = grid(131, 4).tiles(&pattern).expect("fits");
        // (131 - 100) / 2 = 15, (4 - 1) / 2 = 1.
        assert_eq!(tiles[0].rows[1], u64::MAX << 15);
        assert_eq!(tiles[1].rows[1], (1 << 51) - 1);
        assert_eq!(tiles.iter().map(super::Tile::population).sum::<u64>(), 100);
    }

    /// Claim: a pattern larger than the grid is refused, naming both sizes.
    #[test]
    fn too_small_a_grid_is_named() {
        let pattern = Pattern::parse("line.rle", b"x = 5, y = 1\n5o!").expect("a line of 5");
        let error = grid(4, 9).tiles(&pattern).expect_err("5 > 4").to_string();
        assert!(error.contains("5x1") && error.contains("4x9"), "{error}");
    }

    /// Claim: a grid is read from WxH, and 0, a missing side, a sign and a side too long are refused.
    #[test]
    fn sizes_are_checked() {
        assert_eq!("512x512".parse(), Ok(Grid::DEFAULT));
        assert_eq!("65536x1".parse(), Ok(grid(GRID_SIDE_MAX, 1)));
        for text in [
            "0x5",
            "5x0",
            "0",
            "5",
            "x",
            "5x",
            "-1x5",
            "+1x5",
            "65537x1",
            "99999999999999999999999x1",
            "5x5x5",
            "",
        ] {
            let error = text.parse::<Grid>().expect_err(text).to_string();
            assert!(error.contains("grid"), "{text}: {error}");
        }
    }
}
