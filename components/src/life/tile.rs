//! Packed cells: 64 rows of 64 bits each, where the tile lies on the grid, and which tiles lie around it.
//!
//! Invariant: bit `c` of row `r` is the cell in column `c` of row `r` of the tile; bits from the tile's width
//! on and rows from its height on are zero.

use bytemuck::{Pod, Zeroable};

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

    /// Whether the cell in `column` of `row` lives.
    ///
    /// # Panics
    /// If either is 64 or more.
    #[must_use]
    pub fn is_live(&self, column: u32, row: u32) -> bool {
        assert!(column < TILE_SIDE, "column {column} lies outside a tile of {TILE_SIDE} columns");
        self.rows[row as usize] >> column & 1 == 1
    }
}

/// Where a tile lies and how much of it is grid.
///
/// The two edges that a step cannot know from the tile itself are here too: on a torus whose sides are no
/// multiples of 64, the last column of the western neighbour is not always its 64th.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Pod, Zeroable)]
pub struct TileSpot {
    /// The grid's column of the tile's first column, in cells.
    pub x: u32,
    /// The grid's row of the tile's first row, in cells.
    pub y: u32,
    /// Columns in use, 1 to 64.
    pub width: u32,
    /// Rows in use, 1 to 64.
    pub height: u32,
    /// Columns in use in the tiles to the west.
    pub west_width: u32,
    /// Rows in use in the tiles to the north.
    pub north_height: u32,
}

const _: () = assert!(size_of::<TileSpot>() == 24);

/// The eight tiles around one, in reading order: north-west, north, north-east, west, east, south-west, south,
/// south-east. On a small torus several of them are the same tile, or the tile itself.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Pod, Zeroable)]
pub struct TileNeighbours {
    /// The `Id` of each as a plain number, because this crate knows no engine.
    pub ids: [u64; 8],
}

const _: () = assert!(size_of::<TileNeighbours>() == 64);
