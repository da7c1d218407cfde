//! State-space grids: each cell has a state, which everybody reads, and a transition, which its one owner makes.
//!
//! The state is the previous slot of the grid's tiles and the transition the next one; at the commit they change places.
//! So `state` is never written in a frame; what sets, clears or resizes it is a [`GridChange`], an input, carried out at
//! the commit, or the setup ([`spawn`]).
//!
//! Invariant: a tile whose transition is its state costs no write, and cells that are no part of the grid stay zeroed. One
//! grid a type of tiles; for two grids of numbers, wrap one of them in a type of its own. An owner makes its grid cell by
//! cell ([`Grid2`]), or tile by tile where most of it rests ([`GridTiles`]).

mod change;
mod editor;
mod states;
mod tiles;

pub use change::{GridChange, GridCodec, resize};
pub use diptych_components::grid::{
    Cell, Cells, GRID_BYTES_MAX, GRID_SIDE_MAX, GRID_TILES_MAX, GridMap, SizeError, Spot, TILE_BYTES_MAX,
    Tile,
};
pub use editor::{Editor, Grid2};
pub use states::{Around, GridState, States};
pub use tiles::{GridTiles, TileAround};

use crate::canonical::CanonicalCodec;
use diptych_engine::prelude::*;
use diptych_engine::{Registrar, Spawned};

/// Registers the state of a grid, `NAME.tile` and `NAME.map`, and its input `NAME.change`.
pub fn register<C: Cells>(registrar: &mut Registrar, name: &str) {
    registrar
        .state::<C>(&format!("{name}.tile"), 1)
        .state_with::<GridMap<C>, CanonicalCodec>(&format!("{name}.map"), 1)
        .input_with::<GridChange<C>, GridCodec>(&format!("{name}.change"), 1, |applier, change| {
            change.apply(applier);
        });
}

/// Makes the grid in a setup, each cell from its column and row; the entity is the one that holds the map.
///
/// # Errors
/// When the size is refused; nothing is spawned then.
pub fn spawn<C: Cells>(
    structure: &mut Structure<'_, '_>,
    width: u32,
    height: u32,
    mut cell: impl FnMut(u32, u32) -> C::Cell,
) -> Result<Spawned, SizeError> {
    let map = GridMap::<C>::new(width, height, 0)?;
    spawn_tiles(structure, width, height, |tile| {
        let (spot, mut cells) = (map.spot(tile), C::zeroed());
        for row in 0..spot.height {
            for column in 0..spot.width {
                cells.set(column as usize, row as usize, cell(spot.x + column, spot.y + row));
            }
        }
        cells
    })
}

/// The same, each tile from its number; what of it is no part of the grid is zeroed.
///
/// # Errors
/// When the size is refused; nothing is spawned then.
pub fn spawn_tiles<C: Cells>(
    structure: &mut Structure<'_, '_>,
    width: u32,
    height: u32,
    mut tile: impl FnMut(u32) -> C,
) -> Result<Spawned, SizeError> {
    // `Id`s of one setup count up: the tiles follow the map.
    GridMap::<C>::new(width, height, 0)?;
    let grid = structure.spawn(());
    let map = GridMap::<C>::new(width, height, grid.id.bits() + 1)?;
    structure.insert(grid, map);
    for number in 0..map.tiles() {
        let spawned = structure.spawn((cut(tile(number), map.spot(number)),));
        assert_eq!(spawned.id.bits(), map.id(number), "ids of one setup count up");
    }
    Ok(grid)
}

/// The tile without what is no part of the grid.
fn cut<C: Cells>(mut tile: C, spot: Spot) -> C {
    if (spot.width, spot.height) != (C::SIDE, C::SIDE) {
        tile.cut(spot.width, spot.height);
    }
    tile
}

#[cfg(test)]
mod tests;
