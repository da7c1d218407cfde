//! The system that owns every tile.
//!
//! Invariant: a tile whose surroundings did not change in the last step is left alone, because the same cells
//! give the same next cells; so a still world costs nothing, and a glider costs the tiles it flies through.

use diptych_components::life::{Rule, Tile, TileNeighbours, TileSpot};
use diptych_engine::prelude::*;

use super::kernel::step_tile;

/// From this share of changed tiles on (one in eight), all tiles are stepped in parallel instead of the changed
/// ones and their neighbours in turn: a changed tile has eight neighbours.
const DENSE_SHARE: u64 = 8;

/// Steps every tile whose own cells, or whose neighbours' cells, changed in the last frame; links between tiles
/// go both ways.
///
/// The rule is state of one entity. A neighbour that no longer exists counts as a tile of dead cells.
pub fn step_tiles(
    mut tiles: Query<(Next<Tile>, Prev<TileSpot>, Prev<TileNeighbours>)>,
    others: Query<(Prev<Tile>, Prev<TileNeighbours>)>,
    rules: Query<Prev<Rule>>,
    changed_tiles: Changes<Tile>,
    removed_tiles: Removed<Tile>,
    changed_rules: Changes<Rule>,
    (ids, clock, mut last): (Ids, Clock, Local<u64>),
) {
    let is_in_turn = *last + 1 == clock.frame();
    *last = clock.frame();
    let Some(&rule) = rules.iter().next() else { return };
    let entity_of = |id: u64| ids.entity(Id::from_bits(id));
    let step = |mut tile: NextRow<'_, '_, Tile>, spot: &TileSpot, neighbours: &TileNeighbours| {
        let cells_of = |id| entity_of(id).and_then(|entity| others.get(entity).ok()).map(|(tile, _)| tile);
        let around = neighbours.ids.map(|id| cells_of(id).unwrap_or(&Tile::EMPTY));
        let next = step_tile(rule, spot, tile.prev(), around);
        tile.set_if_changed(next);
    };
    let changed = changed_tiles.entities();
    // A rule concerns all tiles, and nothing says any more which ones a removed tile was linked from.
    // After a still frame, or an opening, nothing says any more what the last step changed.
    let all = !is_in_turn || !changed_rules.is_empty() || !removed_tiles.ids().is_empty();
    if all || changed.len() as u64 * DENSE_SHARE >= ids.len() {
        tiles.par_rows(|(tile, spot, neighbours)| step(tile, spot, neighbours));
        return;
    }
    let around = changed.iter().filter_map(|&tile| others.get(tile).ok()).flat_map(|(_, links)| links.ids);
    let mut active: Vec<Entity> = around.filter_map(entity_of).collect();
    active.extend(&changed);
    // By handle: it decides in which turn tiles are stepped, never what comes out.
    active.sort_unstable();
    active.dedup();
    tiles.visit(active, |(tile, spot, neighbours)| step(tile, spot, neighbours));
}
