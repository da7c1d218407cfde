//! Grids of cells as state: square tiles of plain old data, and a map that says which tile is where.
//!
//! Invariant: a grid is a torus that its tiles cover once, in reading order; coordinates wrap. Sides are multiples of the
//! tile's, so that every tile is whole. Left out: grids of other sizes, as `life`'s, which has tiles of its own and shares
//! what lies around a tile ([`around`]).

use crate::canonical::Canonical;
use crate::fields::{FieldError, Fields};
use bytemuck::{Pod, Zeroable};
use core::fmt;
use core::marker::PhantomData;

/// Cells of a grid.
pub const GRID_CELLS_MAX: u64 = 1 << 28;
/// Bytes of a grid's cells, of either slot.
pub const GRID_BYTES_MAX: u64 = 1 << 30;
/// Bytes of a tile: whole ones lie on the stacks of threads while they are made, a few at a time.
pub const TILE_BYTES_MAX: usize = 64 << 10;

/// `N` rows of `N` cells.
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
#[repr(transparent)]
pub struct Tile<T, const N: usize> {
    /// Row by row.
    pub cells: [[T; N]; N],
}

/// Why there is no such grid.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "a grid of {width} by {height} cells is refused: both sides must be multiples of {side}, not 0, and there are at most \
     {GRID_CELLS_MAX} cells of together {GRID_BYTES_MAX} bytes"
)]
pub struct SizeError {
    /// Columns that were asked for.
    pub width: u32,
    /// Rows that were asked for.
    pub height: u32,
    /// Cells of a tile's side.
    pub side: u32,
}

/// Which tile of a grid is where; the state of the one entity that is the grid of this type of cells.
///
/// Tiles are numbered in reading order, and so are the `Id`s of the entities that hold them.
///
/// # Examples
/// ```
/// use diptych_components::grid::GridMap;
/// let map = GridMap::<f32, 16>::new(64, 32, 1000)?;
/// assert_eq!((map.tiles(), map.around(0)), (8, [7, 4, 5, 3, 1, 7, 4, 5]));
/// assert_eq!(map.place(17, 3), (1, 1, 3));
/// assert_eq!(map.place(-1, 0), map.place(63, 32));
/// # Ok::<(), diptych_components::grid::SizeError>(())
/// ```
pub struct GridMap<T, const N: usize> {
    width: u32,
    height: u32,
    /// The bits of the first tile's `Id`; those of the others follow.
    first: u64,
    cell: PhantomData<fn() -> T>,
}

impl<T, const N: usize> GridMap<T, N> {
    /// Cells of a tile's side. What is too large to be a tile does not compile:
    ///
    /// ```compile_fail
    /// let map = diptych_components::grid::GridMap::<f32, 129>::new(129, 129, 1);
    /// ```
    pub const SIDE: u32 = {
        assert!(N > 0 && N <= 1 << 12, "a tile has 1 to 4096 cells a side");
        assert!(
            size_of::<Tile<T, N>>() <= TILE_BYTES_MAX,
            "a tile has at most 64 KiB: take fewer cells a side"
        );
        N as u32
    };

    /// A grid of so many cells whose first tile has this `Id`.
    ///
    /// # Errors
    /// When a side is 0 or no multiple of `N`, or there would be more than [`GRID_CELLS_MAX`] cells or [`GRID_BYTES_MAX`]
    /// bytes of them.
    pub fn new(width: u32, height: u32, first: u64) -> Result<Self, SizeError> {
        let fits = |side: u32| side > 0 && side.is_multiple_of(Self::SIDE);
        let cells = u64::from(width) * u64::from(height);
        // Neither product reaches 2^64: a cell is far below 2^32 bytes, as a tile is.
        let is_small = cells <= GRID_CELLS_MAX && cells * size_of::<T>() as u64 <= GRID_BYTES_MAX;
        if !fits(width) || !fits(height) || !is_small || first.checked_add(cells).is_none() {
            return Err(SizeError { width, height, side: Self::SIDE });
        }
        Ok(Self { width, height, first, cell: PhantomData })
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

    /// Where a cell is: its tile, its column and its row there. The torus wraps.
    #[must_use]
    pub fn place(&self, x: i32, y: i32) -> (u32, usize, usize) {
        let wrapped = |at: i32, side: u32| i64::from(at).rem_euclid(i64::from(side)) as u32;
        let (x, y) = (wrapped(x, self.width), wrapped(y, self.height));
        let tile = y / Self::SIDE * self.columns() + x / Self::SIDE;
        (tile, (x % Self::SIDE) as usize, (y % Self::SIDE) as usize)
    }

    /// The column and row of a tile's first cell.
    #[must_use]
    pub const fn corner(&self, tile: u32) -> (u32, u32) {
        (tile % self.columns() * Self::SIDE, tile / self.columns() * Self::SIDE)
    }

    /// The tiles around one, in reading order.
    #[must_use]
    pub const fn around(&self, tile: u32) -> [u32; 8] {
        around(self.columns(), self.rows(), tile)
    }

    const fn columns(&self) -> u32 {
        self.width / Self::SIDE
    }

    const fn rows(&self) -> u32 {
        self.height / Self::SIDE
    }
}

/// The eight tiles around one on a torus of so many columns and rows of tiles, all numbered in reading order:
/// north-west, north, north-east, west, east, south-west, south, south-east. On a small torus several of them are the
/// same, or the tile itself.
#[must_use]
pub const fn around(columns: u32, rows: u32, tile: u32) -> [u32; 8] {
    let (column, row) = (tile % columns, tile / columns);
    let (west, east) = ((column + columns - 1) % columns, (column + 1) % columns);
    let (north, south) = ((row + rows - 1) % rows * columns, (row + 1) % rows * columns);
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

impl<T, const N: usize> Clone for GridMap<T, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, const N: usize> Copy for GridMap<T, N> {}

impl<T, const N: usize> PartialEq for GridMap<T, N> {
    fn eq(&self, other: &Self) -> bool {
        (self.width, self.height, self.first) == (other.width, other.height, other.first)
    }
}

impl<T, const N: usize> Eq for GridMap<T, N> {}

impl<T, const N: usize> fmt::Debug for GridMap<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { width, height, first, .. } = self;
        write!(f, "GridMap({width}x{height} from {first:#x})")
    }
}

/// One tile.
impl<T, const N: usize> Default for GridMap<T, N> {
    fn default() -> Self {
        Self { width: Self::SIDE, height: Self::SIDE, first: 0, cell: PhantomData }
    }
}

impl<T, const N: usize> Canonical for GridMap<T, N> {
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
mod tests {
    use super::{GridMap, around};
    use crate::canonical::Canonical;
    use crate::fields::Fields;

    /// Claim: what lies around a tile is found by going there, one step at a time, on tori of any size.
    #[test]
    fn neighbours_are_a_step_away() {
        for (columns, rows) in [(1, 1), (2, 1), (1, 3), (2, 2), (3, 5), (7, 4)] {
            for tile in 0..columns * rows {
                let (column, row) = ((tile % columns) as i32, (tile / columns) as i32);
                let steps = [(-1, -1), (0, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (0, 1), (1, 1)];
                let expected = steps.map(|(dx, dy)| {
                    let row = (row + dy).rem_euclid(rows as i32) as u32;
                    row * columns + (column + dx).rem_euclid(columns as i32) as u32
                });
                assert_eq!(around(columns, rows, tile), expected, "tile {tile} of {columns}x{rows}");
            }
        }
    }

    /// Claim: each cell has one place, and all places are taken.
    #[test]
    fn tiles_cover_the_torus() {
        let map = GridMap::<u8, 3>::new(12, 6, 5).unwrap_or_else(|error| panic!("{error}"));
        let mut places: Vec<_> = (0..6).flat_map(|y| (0..12).map(move |x| map.place(x, y))).collect();
        for (x, y) in [(0, 0), (11, 5), (-1, -1), (12, 6), (i32::MIN, i32::MAX)] {
            let (tile, column, row) = map.place(x, y);
            let corner = map.corner(tile);
            let at = (i64::from(corner.0) + column as i64, i64::from(corner.1) + row as i64);
            assert_eq!(at, (i64::from(x).rem_euclid(12), i64::from(y).rem_euclid(6)));
        }
        places.sort_unstable();
        places.dedup();
        assert_eq!((places.len(), map.tiles(), map.id(7)), (72, 8, 12));
    }

    /// Claim: sizes that tiles do not cover, empty ones and too large ones are refused, from bytes too.
    #[test]
    fn sizes_are_checked() {
        for (width, height) in [(0, 3), (3, 0), (4, 3), (3, 5), (3 << 28, 3), (u32::MAX, u32::MAX)] {
            let error = GridMap::<u8, 3>::new(width, height, 0).expect_err("no size").to_string();
            assert!(error.contains("multiples of 3"), "{error}");
            let mut bytes = Vec::new();
            (width, (height, 0_u64)).put(&mut bytes);
            assert!(GridMap::<u8, 3>::read(&mut Fields(&bytes)).is_err());
        }
        assert!(GridMap::<u8, 3>::new(3, 3, u64::MAX).is_err());
        // Of 512 bytes a cell 2^21 are as many as there may be.
        assert!(GridMap::<[u64; 64], 8>::new(2048, 1024, 0).is_ok());
        assert!(GridMap::<[u64; 64], 8>::new(2048, 1032, 0).is_err());
        assert_eq!(GridMap::<f32, 128>::SIDE, 128);
        let map = GridMap::<u8, 3>::new(30, 6, 77).unwrap_or_else(|error| panic!("{error}"));
        let mut bytes = Vec::new();
        map.put(&mut bytes);
        assert_eq!(GridMap::read(&mut Fields(&bytes)), Ok(map));
    }
}
