//! Life on a torus: a rule, a pattern read from an RLE file, and packed cells, the tiles of a [grid](crate::grid).
//!
//! Invariant: a tile's cells that are no part of the grid are dead, so that a population is a count of bits. How a tile
//! steps is behaviour and lives in `diptych-systems`.

mod grid;
mod pattern;
mod rule;
mod tile;

pub use grid::{GRID_SIDE_MAX, Grid, GridError};
pub use pattern::{PATTERN_BYTES_MAX, PATTERN_SIDE_MAX, Pattern, PatternError, PatternFault, Run};
pub use rule::{Rule, RuleError};
pub use tile::{TILE_SIDE, Tile};
