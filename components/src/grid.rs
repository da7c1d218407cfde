//! Grids of cells as state: square tiles of plain old data, and a map that says which tile is where.
//!
//! Invariant: a grid is a torus that its tiles cover once, in reading order; coordinates wrap. Where a side is no multiple
//! of the tile's, the tiles at the right or bottom edge are grid in part ([`Spot`]); their other cells are zeroed.

mod cells;

pub use cells::{Cell, Cells, Tile};

use crate::canonical::Canonical;
use crate::fields::{FieldError, Fields};
use core::fmt;
use core::marker::PhantomData;

/// The longest side of a grid, in cells.
pub const GRID_SIDE_MAX: u32 = 65_536;
/// Tiles of a grid.
pub const GRID_TILES_MAX: u64 = 1 << 24;
/// Bytes of a grid's tiles, of either slot.
pub const GRID_BYTES_MAX: u64 = 1 << 30;
/// Bytes of a tile: whole ones lie on the stacks of threads while they are made, a few at a time.
pub const TILE_BYTES_MAX: usize = 64 << 10;

/// Why there is no such grid.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "a grid of {width} by {height} cells is refused: either side needs 1 to {GRID_SIDE_MAX} cells, and there are at most \
     {GRID_TILES_MAX} tiles, here of {side} cells a side, of together {GRID_BYTES_MAX} bytes"
)]
pub struct SizeError {
    /// Columns that were asked for.
    pub width: u32,
    /// Rows that were asked for.
    pub height: u32,
    /// Cells of a tile's side.
    pub side: u32,
}

/// Where a tile lies and how much of it is grid.
///
/// The two edges that cannot be known from the tile itself are here too: on a torus whose sides are no multiples of the
/// tile's, the last column of the tile to the west is not always its last one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spot {
    /// The grid's column of the tile's first column.
    pub x: u32,
    /// The grid's row of the tile's first row.
    pub y: u32,
    /// Columns that are grid, at least 1.
    pub width: u32,
    /// Rows that are grid, at least 1.
    pub height: u32,
    /// Columns that are grid in the tiles to the west.
    pub west_width: u32,
    /// Rows that are grid in the tiles to the north.
    pub north_height: u32,
}

/// Which tile of a grid is where; the state of the one entity that is the grid of this type of tiles.
///
/// Tiles are numbered in reading order, and so are the `Id`s of the entities that hold them.
///
/// # Examples
/// ```
/// use diptych_components::grid::{GridMap, Tile};
/// let map = GridMap::<Tile<f32, 16>>::new(64, 30, 1000)?;
/// assert_eq!((map.tiles(), map.around(0)), (8, [7, 4, 5, 3, 1, 7, 4, 5]));
/// assert_eq!(map.place(17, 3), (1, 1, 3));
/// assert_eq!(map.place(-1, 0), map.place(63, 30));
/// assert_eq!((map.spot(4).height, map.spot(0).north_height), (14, 14));
/// # Ok::<(), diptych_components::grid::SizeError>(())
/// ```
pub struct GridMap<C> {
    width: u32,
    height: u32,
    /// The bits of the first tile's `Id`; those of the others follow.
    first: u64,
    tile: PhantomData<fn() -> C>,
}

impl<C: Cells> GridMap<C> {
    /// Cells of a tile's side. What is too large to be a tile does not compile:
    ///
    /// ```compile_fail
    /// use diptych_components::grid::{GridMap, Tile};
    /// let map = GridMap::<Tile<f32, 129>>::new(129, 129, 1);
    /// ```
    pub const SIDE: u32 = {
        assert!(C::SIDE > 0, "a tile has cells");
        assert!(size_of::<C>() <= TILE_BYTES_MAX, "a tile has at most 64 KiB: take fewer cells a side");
        C::SIDE
    };

    /// A grid of so many cells whose first tile has this `Id`.
    ///
    /// # Errors
    /// When a side is 0 or above [`GRID_SIDE_MAX`], or there would be more than [`GRID_TILES_MAX`] tiles or
    /// [`GRID_BYTES_MAX`] bytes of them.
    pub const fn new(width: u32, height: u32, first: u64) -> Result<Self, SizeError> {
        let has_sides = width > 0 && height > 0 && width <= GRID_SIDE_MAX && height <= GRID_SIDE_MAX;
        // Products of two sides are below 2^64, and of so few tiles as are multiplied with their bytes too.
        let tiles = width.div_ceil(Self::SIDE) as u64 * height.div_ceil(Self::SIDE) as u64;
        let is_small = tiles <= GRID_TILES_MAX && tiles * size_of::<C>() as u64 <= GRID_BYTES_MAX;
        if !has_sides || !is_small || first.checked_add(tiles).is_none() {
            return Err(SizeError { width, height, side: Self::SIDE });
        }
        Ok(Self { width, height, first, tile: PhantomData })
    }

    /// Columns, in cells.
    #[must_use]
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Rows, in cells.
    #[must_use]
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// How many tiles there are.
    #[must_use]
    pub const fn tiles(&self) -> u32 {
        self.columns() * self.rows()
    }

    /// The bits of a tile's `Id`.
    #[must_use]
    pub fn id(&self, tile: u32) -> u64 {
        self.first + u64::from(tile)
    }

    /// The tile whose `Id` has these bits; `None` when it is none of this grid's.
    #[must_use]
    pub fn tile(&self, id: u64) -> Option<u32> {
        let number = u32::try_from(id.checked_sub(self.first)?).ok()?;
        (number < self.tiles()).then_some(number)
    }

    /// Where a cell is: its tile, its column and its row there. The torus wraps.
    #[must_use]
    pub fn place(&self, x: i32, y: i32) -> (u32, usize, usize) {
        let wrapped = |at: i32, side: u32| i64::from(at).rem_euclid(i64::from(side)) as u32;
        let (x, y) = (wrapped(x, self.width), wrapped(y, self.height));
        let tile = y / Self::SIDE * self.columns() + x / Self::SIDE;
        (tile, (x % Self::SIDE) as usize, (y % Self::SIDE) as usize)
    }

    /// Where a tile lies, and how much of it is grid.
    ///
    /// # Panics
    /// When there is no such tile.
    #[must_use]
    pub fn spot(&self, tile: u32) -> Spot {
        assert!(tile < self.tiles(), "tile {tile} of a grid of {} tiles", self.tiles());
        let (columns, rows) = (self.columns(), self.rows());
        let (column, row) = (tile % columns, tile / columns);
        let (west, north) = (before(column, columns), before(row, rows));
        Spot {
            x: column * Self::SIDE,
            y: row * Self::SIDE,
            width: Self::part(self.width, column),
            height: Self::part(self.height, row),
            west_width: Self::part(self.width, west),
            north_height: Self::part(self.height, north),
        }
    }

    /// The tiles around one, in reading order.
    #[must_use]
    pub const fn around(&self, tile: u32) -> [u32; 8] {
        around(self.columns(), self.rows(), tile)
    }

    /// Cells of a side of `whole` cells that lie in its tile number `index`.
    fn part(whole: u32, index: u32) -> u32 {
        (whole - index * Self::SIDE).min(Self::SIDE)
    }

    const fn columns(&self) -> u32 {
        self.width.div_ceil(Self::SIDE)
    }

    const fn rows(&self) -> u32 {
        self.height.div_ceil(Self::SIDE)
    }
}

/// The eight tiles around one on a torus of so many columns and rows of tiles, all numbered in reading order:
/// north-west, north, north-east, west, east, south-west, south, south-east. On a small torus several of them are the
/// same, or the tile itself.
#[must_use]
pub const fn around(columns: u32, rows: u32, tile: u32) -> [u32; 8] {
    let (column, row) = (tile % columns, tile / columns);
    let (west, east) = (before(column, columns), after(column, columns));
    let (north, south) = (before(row, rows) * columns, after(row, rows) * columns);
    let here = row * columns;
    [
        north + west,
        north + column,
        north + east,
        here + west,
        here + east,
        south + west,
        south + column,
        south + east,
    ]
}

/// One less, around a ring of so many; without a division, for a tile asks eight times.
const fn before(at: u32, count: u32) -> u32 {
    (if at == 0 { count } else { at }) - 1
}

/// One more, around a ring of so many.
const fn after(at: u32, count: u32) -> u32 {
    if at + 1 == count { 0 } else { at + 1 }
}

impl<C> Clone for GridMap<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for GridMap<C> {}

impl<C> PartialEq for GridMap<C> {
    fn eq(&self, other: &Self) -> bool {
        (self.width, self.height, self.first) == (other.width, other.height, other.first)
    }
}

impl<C> Eq for GridMap<C> {}

impl<C> fmt::Debug for GridMap<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { width, height, first, .. } = self;
        write!(f, "GridMap({width}x{height} from {first:#x})")
    }
}

/// One tile.
impl<C: Cells> Default for GridMap<C> {
    fn default() -> Self {
        Self { width: Self::SIDE, height: Self::SIDE, first: 0, tile: PhantomData }
    }
}

impl<C: Cells> Canonical for GridMap<C> {
    fn put(&self, out: &mut Vec<u8>) {
        self.width.put(out);
        self.height.put(out);
        self.first.put(out);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        let (width, height, first) = (fields.u32()?, fields.u32()?, fields.u64()?);
        Self::new(width, height, first).map_err(|error| FieldError(error.to_string()))
    }
}

#[cfg(test)]
mod tests;
