//! The packed step against a plain one that shares no code with it.

use diptych_components::grid::Cells;
use diptych_components::life::{Grid, Pattern, Rule, TILE_SIDE, Tile};

use super::step_grid;

/// A torus of one `bool` per cell, stepped by counting: slow, and plain enough to be believed.
#[derive(Clone, PartialEq, Eq)]
struct Plain {
    width: usize,
    height: usize,
    cells: Vec<bool>,
}

impl Plain {
    /// About two cells in five live, by a generator of its own.
    fn soup(width: usize, height: usize, seed: u64) -> Plain {
        let mut state = seed;
        let cells = (0..width * height).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % 5 < 2
        });
        Plain { width, height, cells: cells.collect() }
    }

    fn stepped(&self, born: &[usize], survive: &[usize]) -> Plain {
        let mut next = self.clone();
        for y in 0..self.height {
            for x in 0..self.width {
                let mut count = 0;
                for (dx, dy) in [(0, 0), (1, 0), (2, 0), (0, 1), (2, 1), (0, 2), (1, 2), (2, 2)] {
                    let column = (x + self.width + dx - 1) % self.width;
                    let row = (y + self.height + dy - 1) % self.height;
                    count += usize::from(self.cells[row * self.width + column]);
                }
                let at = y * self.width + x;
                next.cells[at] =
                    if self.cells[at] { survive.contains(&count) } else { born.contains(&count) };
            }
        }
        next
    }

    fn packed(&self, grid: Grid) -> Vec<Tile> {
        let mut tiles = vec![Tile::EMPTY; grid.tile_count() as usize];
        for (index, tile) in (0..).zip(&mut tiles) {
            let spot = grid.map(0).spot(index);
            for row in 0..spot.height {
                for column in 0..spot.width {
                    let at = (spot.y + row) as usize * self.width + (spot.x + column) as usize;
                    tile.rows[row as usize] |= u64::from(self.cells[at]) << column;
                }
            }
        }
        tiles
    }
}

/// Claim: on tori of every awkward size, under rules with and without birth from nothing and at all eight
/// neighbours, thirty steps of the packed kernel equal thirty plain ones, cell for cell, and cells outside the
/// grid stay dead.
#[test]
fn soups_equal_the_plain_step() {
    let sizes = [
        (1, 1),
        (1, 7),
        (2, 2),
        (3, 5),
        (64, 64),
        (65, 63),
        (130, 70),
        (63, 129),
        (128, 1),
        (1, 65),
        (192, 128),
    ];
    let rules: [(&str, &[usize], &[usize]); 6] = [
        ("B3/S23", &[3], &[2, 3]),
        ("B36/S23", &[3, 6], &[2, 3]),
        ("B2/S", &[2], &[]),
        ("B0/S8", &[0], &[8]),
        ("B1357/S1357", &[1, 3, 5, 7], &[1, 3, 5, 7]),
        ("B4678/S35678", &[4, 6, 7, 8], &[3, 5, 6, 7, 8]),
    ];
    for (seed, (width, height)) in (1..).zip(sizes) {
        for (text, born, survive) in rules {
            let rule: Rule = text.parse().unwrap_or_else(|error| panic!("{error}"));
            let grid = Grid::new(width, height).unwrap_or_else(|error| panic!("{error}"));
            let mut plain = Plain::soup(width as usize, height as usize, seed);
            let mut tiles = plain.packed(grid);
            for step in 1..=30 {
                plain = plain.stepped(born, survive);
                tiles = step_grid(rule, grid, &tiles);
                assert!(tiles == plain.packed(grid), "{text} on {grid} differs at step {step}");
            }
        }
    }
}

/// Claim: each single count of neighbours is told from the others, for the dead and for the living.
#[test]
fn every_count_is_told_apart() {
    let grid = Grid::new(5, 5).unwrap_or_else(|error| panic!("{error}"));
    let ring = [(1, 1), (2, 1), (3, 1), (1, 2), (3, 2), (1, 3), (2, 3), (3, 3)];
    for live in 0..=8_usize {
        for centre in [false, true] {
            let mut tile = Tile::EMPTY;
            ring[..live].iter().for_each(|&(x, y): &(u32, usize)| tile.rows[y] |= 1 << x);
            tile.rows[2] |= u64::from(centre) << 2;
            for count in 0..=8 {
                let rule = if centre { format!("B/S{count}") } else { format!("B{count}/S") };
                let rule: Rule = rule.parse().unwrap_or_else(|error| panic!("{error}"));
                let next = step_grid(rule, grid, &[tile])[0].get(2, 2);
                assert_eq!(next, live == count, "{live} live around a centre that is {centre}, rule {rule}");
            }
        }
    }
}

/// Claim: the published fate of the R-pentomino, 116 cells at generation 1103, on the default grid.
#[test]
fn r_pentomino_settles() {
    let file = include_bytes!("../../../../examples/data/r-pentomino.rle");
    let pattern = Pattern::parse("r-pentomino.rle", file).unwrap_or_else(|error| panic!("{error}"));
    let mut tiles = Grid::DEFAULT.tiles(&pattern).unwrap_or_else(|error| panic!("{error}"));
    let mut before = 0;
    for _ in 0..1103 {
        before = population(&tiles);
        tiles = step_grid(pattern.rule(), Grid::DEFAULT, &tiles);
    }
    assert_eq!(population(&tiles), 116);
    assert_ne!(before, 116, "generation 1103 is the first of the settled ones");
}

/// Claim: the shipped gun is Gosper's: its period is 30, and each period adds a glider of five cells.
#[test]
fn gosper_gun_fires() {
    let file = include_bytes!("../../../../examples/data/gosper-gun.rle");
    let pattern = Pattern::parse("gosper-gun.rle", file).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(pattern.population(), 36);
    let mut tiles = Grid::DEFAULT.tiles(&pattern).unwrap_or_else(|error| panic!("{error}"));
    for shot in 0..5 {
        assert_eq!(population(&tiles), 36 + 5 * shot, "after {shot} periods");
        for _ in 0..30 {
            tiles = step_grid(pattern.rule(), Grid::DEFAULT, &tiles);
        }
    }
}

/// Claim: bits that a caller left outside a narrow tile do not leak back in as live cells.
#[test]
fn stray_bits_do_not_survive() {
    let grid = Grid::new(70, 3).unwrap_or_else(|error| panic!("{error}"));
    let rule: Rule = "B/S012345678".parse().unwrap_or_else(|error| panic!("{error}"));
    let full = Tile { rows: [u64::MAX; TILE_SIDE as usize] };
    let next = step_grid(rule, grid, &[full, full]);
    assert_eq!(population(&next), 70 * 3);
    // Nor do they count as neighbours.
    let mut outside = [full, full];
    for (tile, cells) in (0..).zip(&mut outside) {
        let (spot, mut inside) = (grid.map(0).spot(tile), *cells);
        inside.cut(spot.width, spot.height);
        cells.rows.iter_mut().zip(inside.rows).for_each(|(row, inside)| *row ^= inside);
    }
    let rule: Rule = "B12345678/S".parse().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(population(&step_grid(rule, grid, &outside)), 0);
}

fn population(tiles: &[Tile]) -> u64 {
    tiles.iter().map(Tile::population).sum()
}
