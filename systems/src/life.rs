//! Life: every tile from its own cells and those around it.
//!
//! Invariant: a tile's next cells depend on the previous frame's only, so tiles can step in any order. What edits cells is
//! left out: it is a [change of the grid](crate::grid::GridChange), applied at the commit.

mod kernel;
mod tiles;

pub use kernel::{step_grid, step_tile};
pub use tiles::step_tiles;
