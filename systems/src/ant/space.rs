//! The state space of signals: a tile's cells as they are, and as they will be.
//!
//! Invariant: fading is a pure function of the last frame's cells, of this tile and its four neighbours, in one order
//! of operations. Signals that are too faint, or no numbers, become none.

use diptych_components::ant::{Rules, SIGNAL_MAX, Signals, TILE_SIDE};

const SIDE: usize = TILE_SIDE as usize;
/// Numbers of a row.
const WIDTH: usize = 2 * SIDE;

/// A tile between two frames: its state, which nobody changes, and its transition, which its owner makes.
///
/// ```
/// use diptych_components::ant::Signals;
/// use diptych_systems::ant::Space;
/// let (state, mut transition) = (Signals::NONE, Signals::NONE);
/// let mut space = Space::new(&state, &mut transition);
/// space.set(7, [1.0, 0.5]);
/// assert_eq!((space.get(7), space.get_transition(7)), ([0.0, 0.0], [1.0, 0.5]));
/// ```
#[derive(Debug)]
pub struct Space<'a> {
    state: &'a Signals,
    transition: &'a mut Signals,
}

impl<'a> Space<'a> {
    /// The transition may hold anything, such as what [`fade`] made.
    pub fn new(state: &'a Signals, transition: &'a mut Signals) -> Space<'a> {
        Space { state, transition }
    }

    /// A cell of the state.
    ///
    /// # Panics
    /// If the tile has no such cell; so do the others.
    #[must_use]
    pub fn get(&self, cell: usize) -> [f32; 2] {
        self.state.cells[cell]
    }

    /// A cell as it will be, so far: for the tile's owner.
    #[must_use]
    pub fn get_transition(&self, cell: usize) -> [f32; 2] {
        self.transition.cells[cell]
    }

    /// Says what a cell will be, within the limits of signals; what is no number is none.
    pub fn set(&mut self, cell: usize, signal: [f32; 2]) {
        self.transition.cells[cell] = signal.map(|x| bounded(x, 0.0));
    }

    /// Numbers of the transition that are not zero.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.transition.cells.as_flattened().iter().map(|x| u32::from(*x != 0.0)).sum()
    }
}

#[inline(always)]
fn bounded(x: f32, faint: f32) -> f32 {
    let x = x.clamp(-SIGNAL_MAX, SIGNAL_MAX);
    // False for what is no number.
    if x.abs() >= faint { x } else { 0.0 }
}

/// Evaporation and diffusion of one tile with the tiles north, south, west and east of it.
pub fn fade(rules: &Rules, own: &Signals, around: [&Signals; 4], transition: &mut Signals) {
    let (share, keep, faint) = (rules.diffusion, 1.0 - rules.evaporation, rules.faint);
    let row_of = |signals: &'_ Signals, row: usize| -> [f32; WIDTH] {
        let numbers = signals.cells.as_flattened();
        numbers[row * WIDTH..][..WIDTH].try_into().expect("a row has so many numbers")
    };
    let [north, south, west, east] = around;
    let mut above = row_of(north, SIDE - 1);
    let mut here = row_of(own, 0);
    for (row, next) in transition.cells.as_flattened_mut().chunks_exact_mut(WIDTH).enumerate() {
        let below = if row + 1 < SIDE { row_of(own, row + 1) } else { row_of(south, 0) };
        let mut wide = [0.0; WIDTH + 4];
        wide[..2].copy_from_slice(&row_of(west, row)[WIDTH - 2..]);
        wide[2..WIDTH + 2].copy_from_slice(&here);
        wide[WIDTH + 2..].copy_from_slice(&row_of(east, row)[..2]);
        for (n, next) in next.iter_mut().enumerate() {
            let mean = ((wide[n] + wide[n + 4]) + (above[n] + below[n])) * 0.25;
            *next = bounded((here[n] + (mean - here[n]) * share) * keep, faint);
        }
        (above, here) = (here, below);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use diptych_components::ant::{Ground, TILE_CELLS};

    const RULES: fn() -> Rules =
        || Rules { evaporation: 0.1, diffusion: 0.4, faint: 1e-4, ..Rules::default() };

    /// Fades a whole ground; `tiles` are in reading order.
    fn fade_all(rules: &Rules, ground: &Ground, tiles: &[Signals]) -> Vec<Signals> {
        let next = |index: u32| {
            let mut next = Signals::NONE;
            let around = ground.around(index).map(|tile| &tiles[tile as usize]);
            fade(rules, &tiles[index as usize], around, &mut next);
            next
        };
        (0..tiles.len() as u32).map(next).collect()
    }

    /// Claim: on a torus of several tiles every cell becomes what the plain formula over the whole grid says.
    #[test]
    fn tiles_are_the_plain_formula() {
        let ground = Ground { columns: 3, rows: 2, ..Ground::default() };
        let (width, height) = (96, 64);
        let mut plain: Vec<f32> =
            (0..width * height).map(|n| ((n * 7919 % 1000) as f32) / 500.0 - 1.0).collect();
        let mut tiles = vec![Signals::NONE; 6];
        let place = |x: usize, y: usize| ground.cell([x as f32 + 0.5, y as f32 + 0.5]);
        for (x, y) in (0..width).flat_map(|x| (0..height).map(move |y| (x, y))) {
            let (tile, cell) = place(x, y);
            tiles[tile].cells[cell] = [plain[y * width + x], -plain[y * width + x]];
        }
        for _ in 0..5 {
            tiles = fade_all(&RULES(), &ground, &tiles);
            let at = |x: usize, y: usize| plain[y % height * width + x % width];
            plain = (0..width * height)
                .map(|n| (n % width, n / width))
                .map(|(x, y)| {
                    let mean = ((at(x + width - 1, y) + at(x + 1, y))
                        + (at(x, y + height - 1) + at(x, y + 1)))
                        * 0.25;
                    let next = (at(x, y) + (mean - at(x, y)) * 0.4) * (1.0 - 0.1);
                    if next.abs() >= 1e-4 { next } else { 0.0 }
                })
                .collect();
        }
        for (x, y) in (0..width).flat_map(|x| (0..height).map(move |y| (x, y))) {
            let (tile, cell) = place(x, y);
            assert_eq!(tiles[tile].cells[cell], [plain[y * width + x], -plain[y * width + x]], "{x},{y}");
        }
    }

    /// Claim: what is no number is gone after a frame, and does not spread further; a lone signal fades to nothing.
    #[test]
    fn signals_end() {
        let ground = Ground { columns: 1, rows: 1, ..Ground::default() };
        let mut tiles = vec![Signals::NONE];
        tiles[0].cells[500] = [f32::NAN, f32::INFINITY];
        tiles[0].cells[100] = [3.0, -3.0];
        tiles = fade_all(&RULES(), &ground, &tiles);
        assert!(tiles[0].cells.as_flattened().iter().all(|x| x.abs() <= SIGNAL_MAX));
        (0..300).for_each(|_| tiles = fade_all(&RULES(), &ground, &tiles));
        assert!(tiles[0] == Signals::NONE);
        let mut next = Signals::NONE;
        let mut space = Space::new(&tiles[0], &mut next);
        space.set(TILE_CELLS - 1, [f32::NAN, 1e30]);
        assert_eq!((space.get_transition(TILE_CELLS - 1), space.count()), ([0.0, SIGNAL_MAX], 1));
    }
}
