//! The system that owns every tile.
//!
//! Invariant: only tiles of which something around changed are stepped, as [`GridTiles`] finds them.

use diptych_components::life::{Rule, Tile};
use diptych_engine::prelude::*;

use super::kernel::step_tile;
use crate::grid::GridTiles;

/// Steps every tile whose own cells, or whose neighbours' cells, changed in the last frame.
///
/// The rule is state of one entity; another one concerns all tiles. A neighbour that no longer exists counts as a tile of
/// dead cells.
pub fn step_tiles(mut grid: GridTiles<Tile>, rules: Query<Prev<Rule>>, changed_rules: Changes<Rule>) {
    let Some(&rule) = rules.iter().next() else { return };
    grid.step(!changed_rules.is_empty(), |near| step_tile(rule, &near.spot, near.tile, near.around));
}
