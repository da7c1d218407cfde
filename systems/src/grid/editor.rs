//! A grid in its owner's hands, cell by cell.
//!
//! Invariant: the state stays as it is; only what differs from it is written, as the frame's transition.

use super::{Around, Cells, GridMap, States};
use bevy_ecs::entity::Entity;
use bevy_ecs::system::SystemParam;
use bytemuck::Zeroable;
use diptych_engine::par_each;
use diptych_engine::prelude::*;

/// The grid of a type of tiles, for the system that owns it and sets cells.
///
/// ```
/// use diptych_engine::prelude::*;
/// use diptych_systems::grid::{self, Grid2, Tile};
/// type Scent = Tile<f32, 16>;
/// /// Every cell takes a share of its neighbours'; ants would then `set` where they walk.
/// fn spread(grid: Grid2<Scent>) {
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
/// grid::register::<Scent>(registrar, "scent");
/// registrar.system("scent.spread", spread).setup("scent", |world: &mut Structure<'_, '_>| {
///     grid::spawn::<Scent>(world, 64, 50, |_, _| 0.0).expect("a grid may have that size");
/// });
/// #         Ok(())
/// #     }
/// # }
/// # let mut engine = Engine::in_memory().plugin(Field).build()?;
/// # engine.run(Pace::frames(10))?;
/// # let view = engine.view();
/// # let cells = view.iter::<Scent>();
/// # let sum: f32 = cells.flat_map(|(_, tile)| tile.cells.as_flattened()).sum();
/// # assert!((sum - 10.0).abs() < 1e-4, "{sum}");
/// # Ok::<(), Error>(())
/// ```
#[derive(SystemParam)]
pub struct Grid2<'w, 's, C: Cells> {
    maps: Query<'w, 's, Prev<GridMap<C>>>,
    states: Query<'w, 's, Prev<C>>,
    transitions: Query<'w, 's, Next<C>>,
    ids: Ids<'s>,
}

impl<C: Cells> core::fmt::Debug for Grid2<'_, '_, C> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.maps.iter()).finish()
    }
}

/// A grid in its owner's hands for one frame. What was set is in the transition when this is dropped.
pub struct Editor<'w, 's, C: Cells> {
    states: States<'w, C>,
    entities: Vec<Option<Entity>>,
    transitions: Query<'w, 's, Next<C>>,
    /// Tiles that were touched.
    touched: Vec<Option<Box<C>>>,
}

impl<C: Cells> core::fmt::Debug for Editor<'_, '_, C> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Editor").field("map", &self.states.map).finish_non_exhaustive()
    }
}

impl<'w, 's, C: Cells> Grid2<'w, 's, C> {
    /// Begins the frame's transition, which is the state until something is set.
    #[must_use]
    pub fn edit(self) -> Editor<'w, 's, C> {
        let (states, entities) = States::of(self.maps, self.states, &self.ids);
        let touched = entities.iter().map(|_| None).collect();
        Editor { states, entities, transitions: self.transitions, touched }
    }
}

impl<'w, C: Cells> Editor<'w, '_, C> {
    /// The state of all cells, which stays as it is while the transition is made.
    #[must_use]
    pub fn states(&self) -> &States<'w, C> {
        &self.states
    }

    /// The state of a cell.
    #[must_use]
    pub fn get(&self, x: i32, y: i32) -> C::Cell {
        self.states.get(x, y)
    }

    /// The state of a cell; the same as [`get`](Self::get).
    #[must_use]
    pub fn get_state(&self, x: i32, y: i32) -> C::Cell {
        self.states.get(x, y)
    }

    /// The transition of a cell: what was set in this frame, else its state.
    #[must_use]
    pub fn get_transition(&self, x: i32, y: i32) -> C::Cell {
        let Some(map) = &self.states.map else { return C::Cell::zeroed() };
        let (tile, column, row) = map.place(x, y);
        self.touched[tile as usize].as_ref().map_or_else(|| self.get(x, y), |tile| tile.get(column, row))
    }

    /// Sets the transition of a cell; nothing where there is no grid.
    pub fn set(&mut self, x: i32, y: i32, value: C::Cell) {
        let Some(map) = &self.states.map else { return };
        let (tile, column, row) = map.place(x, y);
        let state = self.states.tiles[tile as usize];
        let touched = &mut self.touched[tile as usize];
        let tile = touched.get_or_insert_with(|| Box::new(state.copied().unwrap_or(C::zeroed())));
        tile.set(column, row, value);
    }

    /// Sets the transition of a cell; the same as [`set`](Self::set).
    pub fn set_transition(&mut self, x: i32, y: i32, value: C::Cell) {
        self.set(x, y, value);
    }

    /// Shows every cell's state; see [`States::each`].
    pub fn each(&self, look: impl FnMut(u32, u32, C::Cell)) {
        self.states.each(look);
    }

    /// Shows every cell's transition as it is by now.
    pub fn each_transition(&self, mut look: impl FnMut(u32, u32, C::Cell)) {
        for (number, touched) in (0..).zip(&self.touched) {
            let state = self.states.tiles[number as usize].copied();
            let tile = touched.as_deref().copied().or(state).unwrap_or(C::zeroed());
            self.states.each_of(number, &tile, &mut look);
        }
    }

    /// Makes the transition of every cell from the states around it, in parallel; what was set before is lost.
    pub fn transit(&mut self, step: impl Fn(Around<'_, C>) -> C::Cell + Sync) {
        let Some(map) = self.states.map else { return };
        let (states, empty) = (&self.states, C::zeroed());
        par_each(&mut self.touched, |number, touched| {
            let (tile, spot) = (states.tiles[number].unwrap_or(&empty), map.spot(number as u32));
            let mut next = Box::new(empty);
            for row in 0..spot.height {
                for column in 0..spot.width {
                    let cell = step(Around { states, tile, spot, column, row });
                    next.set(column as usize, row as usize, cell);
                }
            }
            *touched = Some(next);
        });
    }

    /// Makes the transition of every cell zeroed.
    pub fn clear_transitions(&mut self) {
        self.touched.iter_mut().for_each(|touched| *touched = Some(Box::new(C::zeroed())));
    }
}

impl<C: Cells> Drop for Editor<'_, '_, C> {
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
