//! State-space grids: each cell has a state, which everybody reads, and a transition, which its one owner makes.
//!
//! The state is the previous slot of the grid's tiles and the transition the next one; at the commit they change places.
//! So `state` is never written in a frame; what sets, clears or resizes it is a [`GridChange`], an input, carried out at
//! the commit, or the setup ([`spawn`]).
//!
//! Invariant: a tile whose transition is its state costs no write. One grid a type of cells; for two grids of numbers,
//! wrap one of them in a type of its own.

mod change;

pub use change::{GridChange, GridCodec, resize};
pub use diptych_components::grid::{
    GRID_BYTES_MAX, GRID_CELLS_MAX, GridMap, SizeError, TILE_BYTES_MAX, Tile,
};

use crate::canonical::CanonicalCodec;
use bevy_ecs::entity::Entity;
use bevy_ecs::system::SystemParam;
use bytemuck::{Pod, Zeroable};
use diptych_engine::prelude::*;
use diptych_engine::{Registrar, par_each};

/// What a cell can be: plain old data, and zeroed where nothing was set.
pub trait Cell: Pod + PartialEq + Send + Sync {}

impl<T: Pod + PartialEq + Send + Sync> Cell for T {}

/// Registers the state of a grid, `NAME.tile` and `NAME.map`, and its input `NAME.change`.
pub fn register<T: Cell, const N: usize>(registrar: &mut Registrar, name: &str) {
    registrar
        .state::<Tile<T, N>>(&format!("{name}.tile"), 1)
        .state_with::<GridMap<T, N>, CanonicalCodec>(&format!("{name}.map"), 1)
        .input_with::<GridChange<T, N>, GridCodec>(&format!("{name}.change"), 1, |applier, change| {
            change.apply(applier);
        });
}

/// Makes the grid in a setup, each cell from its column and row.
///
/// # Errors
/// When the size is refused; nothing is spawned then.
pub fn spawn<T: Cell, const N: usize>(
    structure: &mut Structure<'_, '_>,
    width: u32,
    height: u32,
    mut cell: impl FnMut(u32, u32) -> T,
) -> Result<(), SizeError> {
    // `Id`s of one setup count up: the tiles follow the map.
    let map = GridMap::<T, N>::new(width, height, 0)?;
    let grid = structure.spawn(());
    let first = grid.id.bits() + 1;
    structure.insert(grid, GridMap::<T, N>::new(width, height, first)?);
    for tile in 0..map.tiles() {
        let (x, y) = map.corner(tile);
        let mut cells = Tile::<T, N>::zeroed();
        for (row, line) in (0..).zip(&mut cells.cells) {
            for (column, place) in (0..).zip(line) {
                *place = cell(x + column, y + row);
            }
        }
        let spawned = structure.spawn((cells,));
        assert_eq!(spawned.id.bits(), first + u64::from(tile), "ids of one setup count up");
    }
    Ok(())
}

/// The grid of a type of cells, for the system that owns it.
///
/// ```
/// use diptych_engine::prelude::*;
/// use diptych_systems::grid::{self, Grid2};
/// /// Every cell takes a share of its neighbours'; ants would then `set` where they walk.
/// fn spread(grid: Grid2<f32, 16>) {
///     let mut grid = grid.edit();
///     grid.transit(|around| {
///         let near = around.at(1, 0) + around.at(-1, 0) + around.at(0, 1) + around.at(0, -1);
///         around.at(0, 0) * 0.6 + near * 0.1
///     });
///     grid.set(0, 0, grid.get_transition(0, 0) + 1.0);
/// }
/// # struct Field;
/// # impl Plugin for Field {
/// #     fn name(&self) -> &'static str { "field" }
/// #     fn build(self, registrar: &mut Registrar) -> Result<()> {
/// grid::register::<f32, 16>(registrar, "scent");
/// registrar.system("scent.spread", spread).setup("scent", |world: &mut Structure<'_, '_>| {
///     grid::spawn::<f32, 16>(world, 64, 64, |_, _| 0.0).expect("64 is a multiple of 16");
/// });
/// #         Ok(())
/// #     }
/// # }
/// # let mut engine = Engine::in_memory().plugin(Field).build()?;
/// # engine.run(Pace::frames(10))?;
/// # let view = engine.view();
/// # let cells = view.iter::<grid::Tile<f32, 16>>();
/// # let sum: f32 = cells.flat_map(|(_, tile)| tile.cells.as_flattened()).sum();
/// # assert!((sum - 10.0).abs() < 1e-4, "{sum}");
/// # Ok::<(), Error>(())
/// ```
#[derive(SystemParam)]
pub struct Grid2<'w, 's, T: Cell, const N: usize> {
    maps: Query<'w, 's, Prev<GridMap<T, N>>>,
    states: Query<'w, 's, Prev<Tile<T, N>>>,
    transitions: Query<'w, 's, Next<Tile<T, N>>>,
    ids: Ids<'s>,
}

impl<T: Cell, const N: usize> core::fmt::Debug for Grid2<'_, '_, T, N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.maps.iter()).finish()
    }
}

/// The grid of a type of cells, for systems that only look at its state.
#[derive(SystemParam)]
pub struct GridState<'w, 's, T: Cell, const N: usize> {
    maps: Query<'w, 's, Prev<GridMap<T, N>>>,
    states: Query<'w, 's, Prev<Tile<T, N>>>,
    ids: Ids<'s>,
}

impl<T: Cell, const N: usize> core::fmt::Debug for GridState<'_, '_, T, N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.maps.iter()).finish()
    }
}

impl<'w, T: Cell, const N: usize> GridState<'w, '_, T, N> {
    /// The cells; costs a lookup a tile.
    #[must_use]
    pub fn cells(&self) -> States<'w, T, N> {
        States::of(self.maps, self.states, &self.ids).0
    }
}

/// The state of a grid's cells. A grid that is not there has no cells; all of a tile that somebody has despawned are 0.
#[derive(Clone, Debug)]
pub struct States<'w, T, const N: usize> {
    map: Option<GridMap<T, N>>,
    tiles: Vec<Option<&'w Tile<T, N>>>,
}

impl<'w, T: Cell, const N: usize> States<'w, T, N> {
    /// The tiles, and the entities that hold them.
    fn of<'s>(
        maps: Query<'w, 's, Prev<GridMap<T, N>>>,
        states: Query<'w, 's, Prev<Tile<T, N>>>,
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

    /// The state of a cell; the torus wraps. 0 where there is no grid.
    #[must_use]
    pub fn get(&self, x: i32, y: i32) -> T {
        let Some(map) = &self.map else { return T::zeroed() };
        let (tile, column, row) = map.place(x, y);
        self.tiles[tile as usize].map_or(T::zeroed(), |tile| tile.cells[row][column])
    }

    /// Shows every cell's state with its column and row; tile by tile, in reading order in each.
    pub fn each(&self, mut look: impl FnMut(u32, u32, T)) {
        for (number, tile) in (0..).zip(&self.tiles) {
            self.each_of(number, tile.unwrap_or(&Tile::zeroed()), &mut look);
        }
    }

    fn each_of(&self, number: u32, tile: &Tile<T, N>, look: &mut impl FnMut(u32, u32, T)) {
        let (x, y) = self.map.map_or((0, 0), |map| map.corner(number));
        for (row, line) in (0..).zip(&tile.cells) {
            for (column, cell) in (0..).zip(line) {
                look(x + column, y + row, *cell);
            }
        }
    }
}

/// What lies around a cell.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a, T, const N: usize> {
    /// The cell's tile in the middle.
    tiles: &'a [&'a Tile<T, N>; 9],
    x: u32,
    y: u32,
    corner: (u32, u32),
}

impl<T: Copy, const N: usize> Around<'_, T, N> {
    /// The state of the cell so many columns and rows away.
    ///
    /// # Panics
    /// When it is more than `N` away.
    #[must_use]
    pub fn at(&self, dx: i32, dy: i32) -> T {
        let side = N as i32;
        assert!(dx.abs() <= side && dy.abs() <= side, "{dx} {dy} is farther than a tile of {N} cells");
        let (x, y) = ((self.x as i32 + dx + side) as usize, (self.y as i32 + dy + side) as usize);
        self.tiles[y / N * 3 + x / N].cells[y % N][x % N]
    }

    /// The cell's column and row in the grid.
    #[must_use]
    pub fn place(&self) -> (u32, u32) {
        (self.corner.0 + self.x, self.corner.1 + self.y)
    }
}

/// A grid in its owner's hands for one frame. What was set is in the transition when this is dropped.
pub struct Editor<'w, 's, T: Cell, const N: usize> {
    states: States<'w, T, N>,
    entities: Vec<Option<Entity>>,
    transitions: Query<'w, 's, Next<Tile<T, N>>>,
    /// Tiles that were touched.
    touched: Vec<Option<Box<Tile<T, N>>>>,
}

impl<T: Cell, const N: usize> core::fmt::Debug for Editor<'_, '_, T, N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Editor").field("map", &self.states.map).finish_non_exhaustive()
    }
}

impl<'w, 's, T: Cell, const N: usize> Grid2<'w, 's, T, N> {
    /// Begins the frame's transition, which is the state until something is set.
    #[must_use]
    pub fn edit(self) -> Editor<'w, 's, T, N> {
        let (states, entities) = States::of(self.maps, self.states, &self.ids);
        let touched = entities.iter().map(|_| None).collect();
        Editor { states, entities, transitions: self.transitions, touched }
    }
}

impl<'w, T: Cell, const N: usize> Editor<'w, '_, T, N> {
    /// The state of all cells, which stays as it is while the transition is made.
    #[must_use]
    pub fn states(&self) -> &States<'w, T, N> {
        &self.states
    }

    /// The state of a cell.
    #[must_use]
    pub fn get(&self, x: i32, y: i32) -> T {
        self.states.get(x, y)
    }

    /// The state of a cell; the same as [`get`](Self::get).
    #[must_use]
    pub fn get_state(&self, x: i32, y: i32) -> T {
        self.states.get(x, y)
    }

    /// The transition of a cell: what was set in this frame, else its state.
    #[must_use]
    pub fn get_transition(&self, x: i32, y: i32) -> T {
        let Some(map) = &self.states.map else { return T::zeroed() };
        let (tile, column, row) = map.place(x, y);
        self.touched[tile as usize].as_ref().map_or_else(|| self.get(x, y), |tile| tile.cells[row][column])
    }

    /// Sets the transition of a cell; nothing where there is no grid.
    pub fn set(&mut self, x: i32, y: i32, value: T) {
        let Some(map) = &self.states.map else { return };
        let (tile, column, row) = map.place(x, y);
        let state = self.states.tiles[tile as usize];
        let touched = &mut self.touched[tile as usize];
        let tile = touched.get_or_insert_with(|| Box::new(state.copied().unwrap_or(Tile::zeroed())));
        tile.cells[row][column] = value;
    }

    /// Sets the transition of a cell; the same as [`set`](Self::set).
    pub fn set_transition(&mut self, x: i32, y: i32, value: T) {
        self.set(x, y, value);
    }

    /// Shows every cell's state; see [`States::each`].
    pub fn each(&self, look: impl FnMut(u32, u32, T)) {
        self.states.each(look);
    }

    /// Shows every cell's transition as it is by now.
    pub fn each_transition(&self, mut look: impl FnMut(u32, u32, T)) {
        for (number, touched) in (0..).zip(&self.touched) {
            let state = self.states.tiles[number as usize].copied();
            let tile = touched.as_deref().copied().or(state).unwrap_or(Tile::zeroed());
            self.states.each_of(number, &tile, &mut look);
        }
    }

    /// Makes the transition of every cell from the states around it, in parallel; what was set before is lost.
    pub fn transit(&mut self, step: impl Fn(Around<'_, T, N>) -> T + Sync) {
        let Some(map) = self.states.map else { return };
        let (states, empty) = (&self.states.tiles, Tile::<T, N>::zeroed());
        par_each(&mut self.touched, |number, touched| {
            let [nw, n, ne, w, e, sw, s, se] = map.around(number as u32).map(|tile| tile as usize);
            let tiles = [nw, n, ne, w, number, e, sw, s, se].map(|tile| states[tile].unwrap_or(&empty));
            let corner = map.corner(number as u32);
            let mut next = Box::new(empty);
            for (y, line) in (0..).zip(&mut next.cells) {
                for (x, cell) in (0..).zip(line) {
                    *cell = step(Around { tiles: &tiles, x, y, corner });
                }
            }
            *touched = Some(next);
        });
    }

    /// Makes the transition of every cell 0.
    pub fn clear_transitions(&mut self) {
        self.touched.iter_mut().for_each(|touched| *touched = Some(Box::new(Tile::zeroed())));
    }
}

impl<T: Cell, const N: usize> Drop for Editor<'_, '_, T, N> {
    fn drop(&mut self) {
        for (entity, touched) in self.entities.iter().zip(&mut self.touched) {
            if let (Some(entity), Some(tile)) = (entity, touched.take())
                && let Ok(mut row) = self.transitions.get_mut(*entity)
            {
                row.set_if_changed(*tile);
            }
        }
    }
}

#[cfg(test)]
mod tests;
