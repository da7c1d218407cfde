//! The step of one tile, 64 cells at a time.
//!
//! Invariant: pure, and right for every rule and every torus, also where a tile borders on itself. Neighbours
//! are counted with adders over whole rows: the eight bits around a cell become a number of four bits, spread
//! over four words. Tiles of more than 64 columns are left out.

use diptych_components::grid::Spot;
use diptych_components::life::{Grid, Rule, TILE_SIDE, Tile};

const ROWS: usize = TILE_SIDE as usize;

/// The next frame of `tile`, which lies at `spot`, with the tiles `around` it in reading order, as
/// [`around`](diptych_components::grid::around) numbers them.
#[must_use]
pub fn step_tile(rule: Rule, spot: &Spot, tile: &Tile, around: [&Tile; 8]) -> Tile {
    let [north_west, north, north_east, west, east, south_west, south, south_east] = around;
    let last_row = spot.north_height as usize - 1;
    let height = spot.height as usize;
    let used = u64::MAX >> (TILE_SIDE - spot.width);
    let edges = Edges { used, width: spot.width, west_width: spot.west_width };

    // Rows -1 to `height`, so that row `r` of the tile is `trios[r + 1]`.
    let mut trios = [Trio::default(); ROWS + 2];
    trios[0] = edges.trio(north_west.rows[last_row], north.rows[last_row], north_east.rows[last_row]);
    for (row, trio) in trios[1..=height].iter_mut().enumerate() {
        *trio = edges.trio(west.rows[row], tile.rows[row], east.rows[row]);
    }
    trios[height + 1] = edges.trio(south_west.rows[0], south.rows[0], south_east.rows[0]);

    let table = Table::new(rule);
    let mut next = Tile::EMPTY;
    for (row, cells) in next.rows[..height].iter_mut().enumerate() {
        let [above, here, below] = [trios[row], trios[row + 1], trios[row + 2]];
        *cells = used & table.apply(here.centre, count(above, here, below));
    }
    next
}

/// The next frame of a whole grid, tile by tile on this thread: the reference for the systems, and for benches.
///
/// # Panics
/// If `tiles` are not as many as `grid` has.
#[must_use]
pub fn step_grid(rule: Rule, grid: Grid, tiles: &[Tile]) -> Vec<Tile> {
    assert_eq!(tiles.len(), grid.tile_count() as usize, "tiles of the grid {grid}");
    let map = grid.map(0);
    let around = |index| map.around(index).map(|neighbour| &tiles[neighbour as usize]);
    let step = |index: u32| step_tile(rule, &map.spot(index), &tiles[index as usize], around(index));
    (0..map.tiles()).map(step).collect()
}

/// How wide this tile and its western neighbours are.
#[derive(Clone, Copy)]
struct Edges {
    /// The bits of this tile that are grid.
    used: u64,
    width: u32,
    west_width: u32,
}

impl Edges {
    /// A row of this tile between the same rows of the tiles to the west and to the east. Bits that are no grid are not
    /// looked at, so that none that somebody has left there counts as a neighbour.
    fn trio(self, west: u64, centre: u64, east: u64) -> Trio {
        let centre = centre & self.used;
        let left = centre << 1 | west >> (self.west_width - 1) & 1;
        let right = centre >> 1 | (east & 1) << (self.width - 1);
        let pair = left ^ right;
        Trio { centre, outer: [pair, left & right], all: [pair ^ centre, left & right | pair & centre] }
    }
}

/// A row with the sums of each cell's surroundings in it, as numbers of two bits.
#[derive(Clone, Copy, Default)]
struct Trio {
    centre: u64,
    /// Left and right.
    outer: [u64; 2],
    /// Left, centre and right.
    all: [u64; 2],
}

/// How many of the eight cells around each cell live, as a number of four bits, the lowest first.
fn count(above: Trio, here: Trio, below: Trio) -> [u64; 4] {
    let (ones, carried) = add(above.all[0], here.outer[0], below.all[0]);
    let (twos, fours) = add(above.all[1], here.outer[1], below.all[1]);
    let more_fours = twos & carried;
    [ones, twos ^ carried, fours ^ more_fours, fours & more_fours]
}

/// Full adder: sum and carry.
fn add(a: u64, b: u64, c: u64) -> (u64, u64) {
    let half = a ^ b;
    (half ^ c, a & b | half & c)
}

/// A rule as words of all zeros or ones, for each count of live neighbours.
struct Table {
    born: [u64; 9],
    /// Where survival differs from birth.
    differs: [u64; 9],
}

impl Table {
    fn new(rule: Rule) -> Self {
        let spread = |bit: bool| if bit { u64::MAX } else { 0 };
        let counts = [0, 1, 2, 3, 4, 5, 6, 7, 8];
        Table {
            born: counts.map(|n| spread(rule.is_born(n))),
            differs: counts.map(|n| spread(rule.is_born(n) != rule.survives(n))),
        }
    }

    /// The next state of 64 cells from their present one and their counts: looks all up at once, halving the
    /// table with each bit of the count.
    fn apply(&self, cells: u64, count: [u64; 4]) -> u64 {
        let [ones, twos, fours, eights] = count;
        let of = |n: usize| self.born[n] ^ cells & self.differs[n];
        let either = |bit: u64, zero: u64, one: u64| zero ^ bit & (zero ^ one);
        let by_ones = [0, 2, 4, 6].map(|n| either(ones, of(n), of(n + 1)));
        let low = either(twos, by_ones[0], by_ones[1]);
        let high = either(twos, by_ones[2], by_ones[3]);
        either(eights, either(fours, low, high), of(8))
    }
}

#[cfg(test)]
mod tests;
