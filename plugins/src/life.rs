//! Life as a plugin: a pattern on a torus, which is a [grid](crate::grid) of packed cells.
//!
//! Invariant: what a world was made from (pattern, grid, rule, version of this plugin) is stored with it as
//! facts, so that it is never continued as another. Cells are edited by the grid's input, `life.change`.

pub use diptych_components::life::*;
use diptych_engine::prelude::*;
use diptych_systems::grid::{self, GridMap};
use diptych_systems::life::step_tiles;
use std::collections::BTreeMap;

use crate::measure::Measure;
use crate::picture::{Canvas, Color};
use xxhash_rust::xxh3::xxh3_64;

/// Version of this plugin's state and behaviour; a world made by another one is refused.
const VERSION: &str = "2";
const FACT_VERSION: &str = "life.version";
/// Around the torus.
const DEAD: Color = [6, 8, 12];
/// The torus.
const GROUND: Color = [14, 20, 30];
/// A live cell.
const LIVE: Color = [130, 230, 150];

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
///
/// // The torus is a grid, which is edited while it runs.
/// use diptych::grid::GridChange;
/// use diptych::life::Tile;
/// let inputs = engine.inputs();
/// inputs.send("me", &GridChange::<Tile>::Clear).unwrap();
/// for x in -1..2 {
///     inputs.send("me", &GridChange::<Tile>::SetState { x, y: 4, value: true }).unwrap();
/// }
/// engine.run(Pace::frames(100)).unwrap();
/// assert_eq!(diptych::life::population(engine.view()), 3);
/// ```
#[derive(Clone, Debug)]
pub struct LifePlugin {
    /// What frame 0 is made of; nothing for a stored world.
    setup: Option<(Grid, Rule, Vec<Tile>)>,
    facts: BTreeMap<String, String>,
}

impl LifePlugin {
    /// `pattern` in the middle of a torus of `grid` cells, under the pattern's rule.
    ///
    /// # Errors
    /// If the pattern is larger than the grid.
    pub fn new(pattern: Pattern, grid: Grid) -> Result<LifePlugin, GridError> {
        let tiles = grid.tiles(&pattern)?;
        let facts = [
            ("life.pattern", pattern_fact(&pattern)),
            ("life.grid", grid.to_string()),
            ("life.rule", pattern.rule().to_string()),
        ];
        let facts = facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(LifePlugin { setup: Some((grid, pattern.rule(), tiles)), facts })
    }

    /// The plugin of a world that is stored with these facts: for replays, which need no pattern.
    #[must_use]
    pub fn stored(facts: &BTreeMap<String, String>) -> LifePlugin {
        let own = |name: &str| name.starts_with("life.") && name != FACT_VERSION;
        let facts = facts.iter().filter(|(name, _)| own(name));
        LifePlugin { setup: None, facts: facts.map(|(name, value)| (name.clone(), value.clone())).collect() }
    }
}

/// Size, cells and hash: enough to see which pattern it is, and to tell any two apart.
fn pattern_fact(pattern: &Pattern) -> String {
    let (width, height, cells) = (pattern.width(), pattern.height(), pattern.population());
    format!("{width}x{height}, {cells} live cells, {:016x}", xxh3_64(&pattern.canonical_bytes()))
}

impl Plugin for LifePlugin {
    fn name(&self) -> &'static str {
        "life"
    }

    fn build(self, registrar: &mut Registrar) -> Result<(), Error> {
        grid::register::<Tile>(registrar, "life");
        registrar.state::<Rule>("life.rule", 1).system("life.step", step_tiles).fact(FACT_VERSION, VERSION);
        for (name, value) in &self.facts {
            registrar.fact(name, value);
        }
        let Some((size, rule, tiles)) = self.setup else { return Ok(()) };
        registrar.setup("life.setup", move |structure: &mut Structure<'_, '_>| {
            let tile = |number: u32| tiles[number as usize];
            let map = grid::spawn_tiles(structure, size.width(), size.height(), tile);
            structure.insert(map.expect("every size of a torus is one of a grid"), rule);
        });
        Ok(())
    }
}

/// How many cells live in the frame that is seen.
#[must_use]
pub fn population(view: View<'_>) -> u64 {
    view.iter::<Tile>().map(|(_, tile)| tile.population()).sum()
}

/// `population`: how many cells live.
#[must_use]
pub fn measures(view: View<'_>) -> Vec<Measure> {
    vec![Measure::count("population", population(view))]
}

/// The whole torus, its first row on top, a live cell bright.
pub fn draw(view: View<'_>, canvas: &mut Canvas) {
    canvas.clear(DEAD);
    let map = view.single::<GridMap<Tile>>();
    let (width, height) = map.map_or((1, 1), |map| (map.width(), map.height()));
    canvas.look_at([0.0; 2], [f64::from(width), f64::from(height)]);
    canvas.rectangle([0.0; 2], [f64::from(width), f64::from(height)], GROUND);
    for (id, tile) in view.iter::<Tile>() {
        let Some(spot) = map.and_then(|map| Some(map.spot(map.tile(id.bits())?))) else { continue };
        for (row, cells) in (0..spot.height).zip(tile.rows) {
            let top = f64::from(height - spot.y - row);
            let mut left = cells;
            while left != 0 {
                let x = f64::from(spot.x + left.trailing_zeros());
                left &= left - 1;
                if canvas.scale() < 1.0 {
                    canvas.dot([x + 0.5, top - 0.5], LIVE);
                } else {
                    canvas.rectangle([x, top - 1.0], [x + 1.0, top], LIVE);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
