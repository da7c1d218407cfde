//! What a grid is made of: square tiles of cells.
//!
//! Invariant: a zeroed tile has zeroed cells only. How many of a tile's cells are grid is not the tile's to know: the map
//! says it ([`Spot`](super::Spot)), and whoever makes a tile zeroes the others ([`Cells::cut`]).

use bytemuck::{CheckedBitPattern, NoUninit, Pod, Zeroable};

/// What a cell can be: plain old data without padding, also of which not all bits are a value, as `bool`; zeroed where
/// nothing was set.
pub trait Cell: NoUninit + CheckedBitPattern + Zeroable + PartialEq + Send + Sync {}

impl<T: NoUninit + CheckedBitPattern + Zeroable + PartialEq + Send + Sync> Cell for T {}

/// A square tile of cells as plain old data: [`Tile`], or another that packs its cells as it likes.
///
/// # Examples
/// ```
/// use diptych_components::grid::{Cells, Tile};
/// let mut tile = Tile::<u16, 4> { cells: [[7; 4]; 4] };
/// tile.set(3, 0, 9);
/// tile.cut(4, 2);
/// assert_eq!(tile.cells, [[7, 7, 7, 9], [7; 4], [0; 4], [0; 4]]);
/// ```
pub trait Cells: Pod + PartialEq + Send + Sync {
    /// A cell by itself.
    type Cell: Cell;

    /// Columns and rows.
    const SIDE: u32;

    /// A cell.
    ///
    /// # Panics
    /// When the tile has no such column or row; so does [`set`](Self::set).
    fn get(&self, column: usize, row: usize) -> Self::Cell;

    /// Sets a cell.
    fn set(&mut self, column: usize, row: usize, cell: Self::Cell);

    /// Zeroes all cells but those of the first `width` columns in the first `height` rows.
    fn cut(&mut self, width: u32, height: u32) {
        for row in 0..Self::SIDE {
            let kept = if row < height { width } else { 0 };
            for column in kept..Self::SIDE {
                self.set(column as usize, row as usize, Self::Cell::zeroed());
            }
        }
    }
}

/// `N` rows of `N` cells.
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
#[repr(transparent)]
pub struct Tile<T, const N: usize> {
    /// Row by row.
    pub cells: [[T; N]; N],
}

impl<T: Pod + PartialEq + Send + Sync, const N: usize> Cells for Tile<T, N> {
    type Cell = T;

    const SIDE: u32 = {
        assert!(N > 0 && N <= 1 << 12, "a tile has 1 to 4096 cells a side");
        N as u32
    };

    #[inline]
    fn get(&self, column: usize, row: usize) -> T {
        self.cells[row][column]
    }

    #[inline]
    fn set(&mut self, column: usize, row: usize, cell: T) {
        self.cells[row][column] = cell;
    }
}
