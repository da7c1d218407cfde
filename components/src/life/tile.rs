//! Packed cells: 64 rows of 64 bits each.
//!
//! Invariant: bit `c` of row `r` is the cell in column `c` of row `r` of the tile. Where the tile lies, and how much of it
//! is grid, is known to the map of the grid.

use bytemuck::{Pod, Zeroable};

use crate::grid::Cells;

/// Columns and rows of a whole tile; those at the right and bottom edge of a grid may hold fewer.
pub const TILE_SIDE: u32 = 64;

/// The cells of one tile, a bit each.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Pod, Zeroable)]
pub struct Tile {
    /// One word per row; the lowest bit is the leftmost column.
    pub rows: [u64; TILE_SIDE as usize],
}

const _: () = assert!(size_of::<Tile>() == 512);

impl Tile {
    /// A tile without a live cell.
    pub const EMPTY: Tile = Tile { rows: [0; TILE_SIDE as usize] };

    /// How many cells live.
    #[must_use]
    pub fn population(&self) -> u64 {
        self.rows.iter().map(|row| u64::from(row.count_ones())).sum()
    }
}

impl Cells for Tile {
    type Cell = bool;

    const SIDE: u32 = TILE_SIDE;

    fn get(&self, column: usize, row: usize) -> bool {
        assert!(column < Self::SIDE as usize, "column {column} lies outside a tile of {TILE_SIDE} columns");
        self.rows[row] >> column & 1 == 1
    }

    fn set(&mut self, column: usize, row: usize, is_live: bool) {
        assert!(column < Self::SIDE as usize, "column {column} lies outside a tile of {TILE_SIDE} columns");
        self.rows[row] = self.rows[row] & !(1 << column) | u64::from(is_live) << column;
    }

    fn cut(&mut self, width: u32, height: u32) {
        let used = if width == 0 { 0 } else { u64::MAX >> TILE_SIDE.saturating_sub(width) };
        for (row, cells) in (0..).zip(&mut self.rows) {
            *cells &= if row < height { used } else { 0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cells, Tile};

    /// Claim: a cell is one bit, set and cleared without its neighbours; a cut zeroes what is outside.
    #[test]
    fn cells_are_bits() {
        let mut tile = Tile::EMPTY;
        for (column, row) in [(0, 0), (63, 0), (0, 63), (63, 63), (17, 31)] {
            tile.set(column, row, true);
            tile.set(column, row, true);
            assert!(tile.get(column, row) && tile.population() == 1, "{column},{row}");
            tile.set(column, row, false);
            assert!(tile == Tile::EMPTY, "{column},{row}");
        }
        for (width, height) in [(0, 5), (5, 0), (1, 1), (64, 64), (64, 3), (2, 64)] {
            let mut tile = Tile { rows: [u64::MAX; 64] };
            tile.cut(width, height);
            assert_eq!(tile.population(), u64::from(width * height));
            let inside = |column: u32, row: u32| column < width && row < height;
            let mut all = (0..64).flat_map(|row| (0..64).map(move |column| (column, row)));
            assert!(all.all(|(x, y)| tile.get(x as usize, y as usize) == inside(x, y)), "{width}x{height}");
        }
    }
}
