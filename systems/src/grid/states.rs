//! The state of a grid, for everybody.
//!
//! Invariant: nothing here writes, and no cell is looked at that is no part of the grid.

use super::{Cells, GridMap, Spot};
use bevy_ecs::entity::Entity;
use bevy_ecs::system::SystemParam;
use bytemuck::Zeroable;
use diptych_engine::prelude::*;

/// The grid of a type of tiles, for systems that only look at its state.
#[derive(SystemParam)]
pub struct GridState<'w, 's, C: Cells> {
    maps: Query<'w, 's, Prev<GridMap<C>>>,
    states: Query<'w, 's, Prev<C>>,
    ids: Ids<'s>,
}

impl<C: Cells> core::fmt::Debug for GridState<'_, '_, C> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.maps.iter()).finish()
    }
}

impl<'w, C: Cells> GridState<'w, '_, C> {
    /// The cells; costs a lookup a tile.
    #[must_use]
    pub fn cells(&self) -> States<'w, C> {
        States::of(self.maps, self.states, &self.ids).0
    }
}

/// The state of a grid's cells. A grid that is not there has no cells; all of a tile that somebody has despawned are
/// zeroed.
pub struct States<'w, C> {
    pub(super) map: Option<GridMap<C>>,
    pub(super) tiles: Vec<Option<&'w C>>,
}

impl<C> Clone for States<'_, C> {
    fn clone(&self) -> Self {
        Self { map: self.map, tiles: self.tiles.clone() }
    }
}

impl<C> core::fmt::Debug for States<'_, C> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("States").field("map", &self.map).finish_non_exhaustive()
    }
}

impl<'w, C: Cells> States<'w, C> {
    /// The tiles, and the entities that hold them.
    pub(super) fn of<'s>(
        maps: Query<'w, 's, Prev<GridMap<C>>>,
        states: Query<'w, 's, Prev<C>>,
        ids: &Ids<'_>,
    ) -> (Self, Vec<Option<Entity>>) {
        let map = maps.iter().next().copied();
        let bits = map.into_iter().flat_map(|map| (0..map.tiles()).map(move |tile| map.id(tile)));
        let entities: Vec<_> = bits.map(|bits| ids.entity(Id::from_bits(bits))).collect();
        let tiles = entities.iter().map(|entity| states.get_inner((*entity)?).ok()).collect();
        (Self { map, tiles }, entities)
    }

    /// Columns and rows, in cells; 0 and 0 where there is no grid.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        self.map.map_or((0, 0), |map| (map.width(), map.height()))
    }

    /// The state of a cell; the torus wraps. Zeroed where there is no grid.
    #[must_use]
    pub fn get(&self, x: i32, y: i32) -> C::Cell {
        let Some(map) = &self.map else { return C::Cell::zeroed() };
        let (tile, column, row) = map.place(x, y);
        self.tiles[tile as usize].map_or(C::Cell::zeroed(), |tile| tile.get(column, row))
    }

    /// Shows every cell's state with its column and row; tile by tile, in reading order in each.
    pub fn each(&self, mut look: impl FnMut(u32, u32, C::Cell)) {
        for (number, tile) in (0..).zip(&self.tiles) {
            self.each_of(number, tile.unwrap_or(&C::zeroed()), &mut look);
        }
    }

    pub(super) fn each_of(&self, number: u32, tile: &C, look: &mut impl FnMut(u32, u32, C::Cell)) {
        let Some(spot) = self.map.map(|map| map.spot(number)) else { return };
        for row in 0..spot.height {
            for column in 0..spot.width {
                look(spot.x + column, spot.y + row, tile.get(column as usize, row as usize));
            }
        }
    }
}

/// What lies around a cell.
#[derive(Debug)]
pub struct Around<'a, C> {
    pub(super) states: &'a States<'a, C>,
    /// The cell's own tile, in which most of what is asked for lies.
    pub(super) tile: &'a C,
    pub(super) spot: Spot,
    pub(super) column: u32,
    pub(super) row: u32,
}

impl<C> Clone for Around<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Around<'_, C> {}

impl<C: Cells> Around<'_, C> {
    /// The state of the cell so many columns and rows away; the torus wraps.
    #[must_use]
    pub fn at(&self, dx: i32, dy: i32) -> C::Cell {
        let inside = |from: u32, by: i32, end: u32| from.checked_add_signed(by).filter(|at| *at < end);
        let (column, row) =
            (inside(self.column, dx, self.spot.width), inside(self.row, dy, self.spot.height));
        if let (Some(column), Some(row)) = (column, row) {
            return self.tile.get(column as usize, row as usize);
        }
        // Sides are at most 2^16: what is not added without loss is a distance that only wraps.
        let (width, height) = self.states.size();
        let (x, y) = self.place();
        self.states.get(x as i32 + dx % width as i32, y as i32 + dy % height as i32)
    }

    /// The cell's column and row in the grid.
    #[must_use]
    pub fn place(&self) -> (u32, u32) {
        (self.spot.x + self.column, self.spot.y + self.row)
    }
}
