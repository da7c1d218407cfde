//! A grid in its owner's hands, tile by tile, where most of it rests.
//!
//! Invariant: a tile whose surroundings did not change in the last step is left alone, because the same cells give the same
//! next cells; so a still grid costs nothing, and what moves costs the tiles it moves through.

use super::{Cells, GridMap, Spot, cut};
use crate::turn::LastRun;
use bevy_ecs::system::SystemParam;
use diptych_engine::prelude::*;

/// From this share of changed tiles on (one in eight), all tiles are made in parallel instead of the changed ones and
/// their neighbours in turn: a changed tile has eight neighbours.
const DENSE_SHARE: u64 = 8;

/// The grid of a type of tiles, for the system that owns it and makes tiles whole from those around them.
///
/// ```
/// use diptych_engine::prelude::*;
/// use diptych_systems::grid::{self, GridTiles, Tile};
/// type Wave = Tile<u8, 8>;
/// /// A cell is what the one to its west was: at the tile's edge that is the last one of the tile there.
/// fn roll(mut grid: GridTiles<Wave>) {
///     grid.step(false, |near| {
///         let mut next = Wave::zeroed();
///         for (row, cells) in next.cells.iter_mut().enumerate() {
///             cells[0] = near.around[3].cells[row][near.spot.west_width as usize - 1];
///             cells[1..].copy_from_slice(&near.tile.cells[row][..7]);
///         }
///         next
///     });
/// }
/// # struct Sea;
/// # impl Plugin for Sea {
/// #     fn name(&self) -> &'static str { "sea" }
/// #     fn build(self, registrar: &mut Registrar) -> Result<()> {
/// grid::register::<Wave>(registrar, "wave");
/// registrar.system("wave.roll", roll).setup("wave", |world: &mut Structure<'_, '_>| {
///     grid::spawn::<Wave>(world, 20, 4, |x, y| u8::from((x, y) == (0, 0))).expect("a grid may have that size");
/// });
/// #         Ok(())
/// #     }
/// # }
/// # let mut engine = Engine::in_memory().plugin(Sea).build()?;
/// # engine.run(Pace::frames(59))?;
/// # let view = engine.view();
/// # let last = view.iter::<Wave>().last().expect("there are three").1;
/// # assert_eq!((last.cells[0][3], last.cells.as_flattened().iter().sum::<u8>()), (1, 1));
/// # Ok::<(), Error>(())
/// ```
#[derive(SystemParam)]
pub struct GridTiles<'w, 's, C: Cells> {
    maps: Query<'w, 's, Prev<GridMap<C>>>,
    states: Query<'w, 's, Prev<C>>,
    transitions: Query<'w, 's, (Id, Next<C>)>,
    changed: Changes<'w, 's, C>,
    changed_maps: Changes<'w, 's, GridMap<C>>,
    removed: Removed<'s, C>,
    ids: Ids<'s>,
    clock: Clock,
    last: Local<'s, LastRun>,
}

impl<C: Cells> core::fmt::Debug for GridTiles<'_, '_, C> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.maps.iter()).finish()
    }
}

/// A tile's state, and that of the tiles around it.
#[derive(Clone, Copy, Debug)]
pub struct TileAround<'a, C> {
    /// Where it lies, and how much of it is grid.
    pub spot: Spot,
    /// The tile itself.
    pub tile: &'a C,
    /// North-west, north, north-east, west, east, south-west, south, south-east; on a small torus several are the same, or
    /// the tile itself. One that somebody has despawned is zeroed.
    pub around: [&'a C; 8],
}

impl<C: Cells> GridTiles<'_, '_, C> {
    /// Makes the transition of every tile of which the state, or that of a tile around it, changed in the last frame; it
    /// is to follow from these and from nothing else that changes, or else all tiles are asked for, by `is_anew`. What of
    /// a tile is no part of the grid is zeroed. Call it once a frame; after a frame left out, a still one or a rollback all tiles
    /// are made.
    ///
    /// Cost: the tiles that are made, with nine lookups each; a list of all tiles, with one lookup each, only where all are
    /// made, which is so from one changed tile in eight on.
    pub fn step(&mut self, is_anew: bool, make: impl Fn(TileAround<'_, C>) -> C + Sync) {
        let is_in_turn = self.last.follows(&self.clock);
        let Some(&map) = self.maps.iter().next() else { return };
        let (states, ids, empty) = (self.states, self.ids, C::zeroed());
        let entity_of = |tile: u32| ids.entity(Id::from_bits(map.id(tile)));
        let state_of =
            |tile: u32| entity_of(tile).and_then(|entity| states.get(entity).ok()).unwrap_or(&empty);
        // Out of turn, nothing says any more what the steps changed that were not seen; of another map, or without a tile
        // that was there, all may be other neighbours.
        let all = is_anew || !is_in_turn || !self.changed_maps.is_empty() || !self.removed.ids().is_empty();
        let changed = if all { Vec::new() } else { self.changed.entities() };
        if all || changed.len() as u64 * DENSE_SHARE >= u64::from(map.tiles()) {
            // Each is looked up once, and not by all its neighbours.
            let tiles: Vec<&C> = (0..map.tiles()).map(state_of).collect();
            self.transitions.par_rows(|(id, row)| {
                // A tile that somebody has spawned beside the grid is left alone.
                if let Some(tile) = map.tile(id.bits()) {
                    set_next(&map, tile, row, |near| tiles[near as usize], &make);
                }
            });
            return;
        }
        let changed =
            changed.into_iter().filter_map(|entity| map.tile(self.transitions.get(entity).ok()?.0.bits()));
        let mut active: Vec<u32> =
            changed.flat_map(|tile| map.around(tile).into_iter().chain([tile])).collect();
        active.sort_unstable();
        active.dedup();
        for tile in active {
            if let Some((_, row)) = entity_of(tile).and_then(|entity| self.transitions.get_mut(entity).ok()) {
                set_next(&map, tile, row, state_of, &make);
            }
        }
    }
}

/// Makes a tile's transition from its own state and those around it.
fn set_next<'a, C: Cells>(
    map: &GridMap<C>,
    tile: u32,
    mut row: NextRow<'_, '_, C>,
    state_of: impl Fn(u32) -> &'a C,
    make: &impl Fn(TileAround<'_, C>) -> C,
) {
    let spot = map.spot(tile);
    let near = TileAround { spot, tile: row.prev(), around: map.around(tile).map(state_of) };
    row.set_if_changed(cut(make(near), spot));
}

#[cfg(test)]
mod tests;
