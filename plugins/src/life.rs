//! Life as a plugin: a pattern on a torus, as tiles of cells on entities.
//!
//! Invariant: what a world was made from (pattern, grid, rule, version of this plugin) is stored with it as
//! facts, so that it is never continued as another. Editing cells is left to an embedder's inputs.

pub use diptych_components::life::*;
use diptych_engine::prelude::*;
use diptych_systems::life::step_tiles;
use xxhash_rust::xxh3::xxh3_64;

/// Version of this plugin's state and behaviour; a world made by another one is refused.
const VERSION: &str = "1";

/// Conway's Life, or any rule that counts neighbours, on a torus.
///
/// ```
/// use diptych::life::{LifePlugin, Pattern};
/// use diptych::prelude::*;
///
/// let glider = Pattern::parse("glider.rle", b"x = 3, y = 3\nbob$2bo$3o!").unwrap();
/// let plugin = LifePlugin::new(glider, "20x30".parse().unwrap()).unwrap();
/// let mut engine = Engine::in_memory().plugin(plugin).build().unwrap();
/// engine.run(Pace::frames(100)).unwrap();
/// assert_eq!(diptych::life::population(engine.view()), 5);
/// ```
#[derive(Clone, Debug)]
pub struct LifePlugin {
    pattern: Pattern,
    grid: Grid,
    tiles: Vec<Tile>,
}

impl LifePlugin {
    /// `pattern` in the middle of a torus of `grid` cells, under the pattern's rule.
    ///
    /// # Errors
    /// If the pattern is larger than the grid.
    pub fn new(pattern: Pattern, grid: Grid) -> Result<LifePlugin, GridError> {
        let tiles = grid.tiles(&pattern)?;
        Ok(LifePlugin { pattern, grid, tiles })
    }

    /// Size, cells and hash: enough to see which pattern it is, and to tell any two apart.
    fn pattern_fact(&self) -> String {
        let (width, height, cells) = (self.pattern.width(), self.pattern.height(), self.pattern.population());
        format!("{width}x{height}, {cells} live cells, {:016x}", xxh3_64(&self.pattern.canonical_bytes()))
    }
}

impl Plugin for LifePlugin {
    fn name(&self) -> &'static str {
        "life"
    }

    fn build(self, registrar: &mut Registrar) -> Result<(), Error> {
        registrar
            .state::<Tile>("life.tile", 1)
            .state::<TileSpot>("life.spot", 1)
            .state::<TileNeighbours>("life.neighbours", 1)
            .state::<Rule>("life.rule", 1)
            .system("life.step", step_tiles)
            .fact("scene", "life")
            .fact("life.version", VERSION)
            .fact("life.pattern", self.pattern_fact())
            .fact("life.grid", self.grid.to_string())
            .fact("life.rule", self.pattern.rule().to_string());
        let (grid, rule, tiles) = (self.grid, self.pattern.rule(), self.tiles);
        registrar.setup("life.setup", move |structure: &mut Structure<'_, '_>| {
            // Ids of one setup count up, so a tile can name neighbours that are spawned after it.
            let first = structure.spawn((rule,)).id.bits() + 1;
            for (index, tile) in (0..).zip(tiles) {
                let ids = grid.neighbours(index).map(|neighbour| first + u64::from(neighbour));
                let spawned = structure.spawn((tile, grid.spot(index), TileNeighbours { ids }));
                assert_eq!(spawned.id.bits(), first + u64::from(index), "ids of one setup count up");
            }
        });
        Ok(())
    }
}

/// How many cells live in the frame that is seen.
#[must_use]
pub fn population(view: View<'_>) -> u64 {
    view.iter::<Tile>().map(|(_, tile)| tile.population()).sum()
}

#[cfg(test)]
mod tests;
