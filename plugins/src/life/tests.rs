//! The scene through the engine, against the same kernel looped over a plain list of tiles, which has its own
//! tests against a plain implementation.

use std::sync::Arc;

use diptych_engine::prelude::*;
use diptych_engine::sync::atomic::{AtomicU64, Ordering};
use diptych_systems::life::step_grid;

use super::{Grid, GridMap, LifePlugin, Pattern, Tile, population};

fn pattern(text: &str) -> Pattern {
    Pattern::parse("test.rle", text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

/// About two cells in five live, as a file.
fn soup(width: u32, height: u32, rule: &str) -> Pattern {
    let mut text = format!("x = {width}, y = {height}, rule = {rule}\n");
    let mut state = 9_u64;
    for _ in 0..height {
        for _ in 0..width {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            text.push(if (state >> 33) % 5 < 2 { 'o' } else { 'b' });
        }
        text.push_str("$\n");
    }
    pattern(&(text + "!"))
}

fn engine(pattern: &Pattern, grid: Grid, threads: usize) -> Engine {
    let plugin = LifePlugin::new(pattern.clone(), grid).unwrap_or_else(|error| panic!("{error}"));
    let engine = Engine::in_memory().threads(threads).plugin(plugin).build();
    engine.unwrap_or_else(|error| panic!("{error}"))
}

/// As the map numbers them.
fn tiles(engine: &Engine) -> Vec<Tile> {
    let view = engine.view();
    let map = view.single::<GridMap<Tile>>().expect("there is one torus");
    let tile = |number| view.get::<Tile>(Id::from_bits(map.id(number)));
    (0..map.tiles()).map(|number| *tile(number).expect("no tile is missing")).collect()
}

/// Claim: frame by frame, the engine's tiles are those of the plain loop, from the start and after things have
/// settled, where the engine steps few tiles; on odd grids, under several rules.
#[test]
fn engine_equals_plain_loop() {
    let of = |width, height| Grid::new(width, height).unwrap_or_else(|error| panic!("{error}"));
    for (grid, rule, frames) in [
        (of(1, 1), "B1/S8", 5),
        (of(65, 63), "B3/S23", 300),
        (of(130, 70), "B36/S23", 300),
        (of(64, 64), "B0/S8", 20),
        (of(700, 650), "B3/S23", 400),
    ] {
        // Smaller than the grid, so that there are tiles at rest too.
        let pattern = soup(grid.width().min(90), grid.height().min(50), rule);
        let mut expected = grid.tiles(&pattern).unwrap_or_else(|error| panic!("{error}"));
        let mut engine = engine(&pattern, grid, 2);
        assert!(tiles(&engine) == expected, "{grid} at frame 0");
        for frame in 1..=frames {
            expected = step_grid(pattern.rule(), grid, &expected);
            engine.step().unwrap_or_else(|error| panic!("{error}"));
            assert!(tiles(&engine) == expected, "{rule} on {grid} differs at frame {frame}");
        }
    }
}

/// Claim: the published fate of the R-pentomino, with one digest on any number of threads.
#[test]
fn r_pentomino_settles_alike_on_any_threads() {
    let file = pattern(include_str!("../../../examples/data/r-pentomino.rle"));
    let mut digests = Vec::new();
    for threads in [1, 2, 4, 8].into_iter().filter(|count| cfg!(feature = "threads") || *count == 1) {
        let mut engine = engine(&file, Grid::DEFAULT, threads);
        engine.run(Pace::frames(1103)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(population(engine.view()), 116, "on {threads} threads");
        digests.push(engine.digest());
    }
    assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
}

/// Claim: a still world is not written: after the setup no tile is set.
#[test]
fn still_life_sets_nothing() {
    let sets = Arc::new(AtomicU64::new(0));
    let counter = sets.clone();
    let plugin = LifePlugin::new(pattern("x = 2, y = 2\n2o$2o!"), Grid::DEFAULT);
    let mut engine = Engine::in_memory()
        .plugin(plugin.unwrap_or_else(|error| panic!("{error}")))
        .on_change::<Tile>(move |_, _| {
            counter.fetch_add(1, Ordering::Relaxed);
        })
        .build()
        .unwrap_or_else(|error| panic!("{error}"));
    let before = sets.load(Ordering::Relaxed);
    engine.run(Pace::frames(50)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((population(engine.view()), sets.load(Ordering::Relaxed)), (4, before));
}

/// Claim: a glider sets the tiles it flies through and no others.
#[test]
fn glider_sets_its_own_tiles() {
    let sets = Arc::new(AtomicU64::new(0));
    let counter = sets.clone();
    let plugin = LifePlugin::new(pattern("x = 3, y = 3\nbob$2bo$3o!"), Grid::DEFAULT);
    let mut engine = Engine::in_memory()
        .plugin(plugin.unwrap_or_else(|error| panic!("{error}")))
        .on_change::<Tile>(move |_, _| {
            counter.fetch_add(1, Ordering::Relaxed);
        })
        .build()
        .unwrap_or_else(|error| panic!("{error}"));
    let before = sets.load(Ordering::Relaxed);
    engine.run(Pace::frames(2048)).unwrap_or_else(|error| panic!("{error}"));
    let sets = sets.load(Ordering::Relaxed) - before;
    // Four frames move it by one cell, so it comes around 512 cells once, through at most four tiles at a time.
    assert!((2048..2 * 2048).contains(&sets), "{sets} tiles were set in 2048 frames");
    assert_eq!(population(engine.view()), 5);
}

/// Claim: still frames change nothing: what a step has changed is stepped on, however long the world stood.
#[test]
fn still_frames_change_nothing() {
    let (pattern, grid) =
        (soup(90, 50, "B3/S23"), Grid::new(700, 650).unwrap_or_else(|error| panic!("{error}")));
    let world = |builder: EngineBuilder| {
        let plugin = LifePlugin::new(pattern.clone(), grid).unwrap_or_else(|error| panic!("{error}"));
        builder.plugin(plugin)
    };
    crate::still::assert_still_frames_change_nothing(world, 30, |_, _| {});
}

/// A change of the torus at a frame, and the same of a plain list of tiles.
#[cfg(feature = "store")]
fn edit(inputs: &Inputs, frame: u32, grid: &mut Grid, tiles: &mut Vec<Tile>) {
    use diptych_systems::grid::{Cells, GridChange, resize};
    let send = |change: &GridChange<Tile>| {
        inputs.send("test", change).unwrap_or_else(|error| panic!("{error}"));
    };
    // Frame by frame one more row of noise, over the seams of the torus and of its tiles, and another one when all else was
    // done at the same commit.
    let noise = |grid: &Grid, tiles: &mut [Tile], row: i32| {
        let range = if frame % 4 == 1 { 0..0 } else { -7..140 };
        for x in range.filter(|x| (x * 37 + frame as i32 * 11) % 5 < 2) {
            let (y, value) = (frame as i32 * 3 + row, x % 7 != 0);
            send(&GridChange::SetState { x, y, value });
            let (tile, column, row) = grid.map(0).place(x, y);
            tiles[tile as usize].set(column, row, value);
        }
    };
    noise(grid, tiles, -9);
    match frame {
        20 | 50 => {
            send(&GridChange::Clear);
            tiles.fill(Tile::EMPTY);
        }
        34 | 46 | 58 => {
            // The second time to the size that it has.
            let sides = if frame < 58 { (67, 129) } else { (3, 5) };
            send(&resize(sides.0, sides.1).unwrap_or_else(|error| panic!("{error}")));
            *grid = Grid::new(sides.0, sides.1).unwrap_or_else(|error| panic!("{error}"));
            *tiles = vec![Tile::EMPTY; grid.tile_count() as usize];
        }
        _ => (),
    }
    noise(grid, tiles, 70);
}

/// Claim: a running world in which cells are set, which is cleared and which gets other sizes goes on as the plain loop
/// does; with one digest on any threads, through openings in between, and replayed from what came in.
#[cfg(feature = "store")]
#[test]
fn running_worlds_are_edited() {
    fn fails<T>(error: impl core::fmt::Display) -> T {
        panic!("{error}")
    }
    let (pattern, start) = (soup(90, 50, "B3/S23"), Grid::new(130, 70).unwrap_or_else(fails));
    let plug = |builder: EngineBuilder, threads| {
        let plugin = LifePlugin::new(pattern.clone(), start).unwrap_or_else(fails);
        builder.threads(threads).plugin(plugin)
    };
    let mut digests = Vec::new();
    for threads in [1, 3].into_iter().filter(|count| cfg!(feature = "threads") || *count == 1) {
        let folder = tempfile::tempdir().expect("a directory");
        let open = || plug(Engine::open(folder.path()), threads).build().unwrap_or_else(fails);
        let (mut engine, mut grid) = (open(), start);
        let mut expected = grid.tiles(&pattern).unwrap_or_else(fails);
        for frame in 1..=70 {
            if frame % 13 == 8 {
                drop(engine);
                engine = open();
            }
            expected = step_grid(pattern.rule(), grid, &expected);
            edit(&engine.inputs(), frame, &mut grid, &mut expected);
            engine.step().unwrap_or_else(fails);
            assert!(tiles(&engine) == expected, "{grid} on {threads} threads differs at frame {frame}");
        }
        assert!(population(engine.view()) > 0 && engine.view().entities() == 2, "a map and one tile");
        digests.push(engine.digest());
        drop(engine);
        let others = if cfg!(feature = "threads") { 4 - threads } else { 1 };
        let replay = plug(Engine::in_memory(), others).replay(folder.path(), ReplayFrom::Oldest);
        let mut replay = replay.unwrap_or_else(fails);
        replay.run_to(u64::MAX).unwrap_or_else(fails);
        assert_eq!((replay.frame(), replay.digest()), (70, digests[digests.len() - 1]));
    }
    assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
}

/// Claim: a world of the version in which tiles were no grid is refused by that name, and not changed.
#[cfg(feature = "store")]
#[test]
fn worlds_before_the_grid_are_refused() {
    struct Before;
    impl Plugin for Before {
        fn name(&self) -> &'static str {
            "life"
        }
        fn build(self, registrar: &mut Registrar) -> Result<(), Error> {
            registrar.state::<Tile>("life.tile", 1).state::<[u32; 6]>("life.spot", 1);
            registrar.state::<[u64; 8]>("life.neighbours", 1).state::<super::Rule>("life.rule", 1);
            let plugin = LifePlugin::new(pattern("x = 2, y = 2\n2o$2o!"), Grid::DEFAULT);
            for (name, value) in plugin.unwrap_or_else(|error| panic!("{error}")).facts {
                registrar.fact(&name, &value);
            }
            registrar.fact(super::FACT_VERSION, "1").setup("life.setup", |world: &mut Structure<'_, '_>| {
                world.spawn((Tile::EMPTY, [0, 0, 64, 64, 64, 64_u32], [0_u64; 8]));
            });
            Ok(())
        }
    }
    let folder = tempfile::tempdir().expect("a directory");
    drop(Engine::open(folder.path()).plugin(Before).build().unwrap_or_else(|error| panic!("{error}")));
    let plugin = LifePlugin::new(pattern("x = 2, y = 2\n2o$2o!"), Grid::DEFAULT);
    let refused =
        Engine::open(folder.path()).plugin(plugin.unwrap_or_else(|error| panic!("{error}"))).build();
    let said = refused.expect_err("it is another world").to_string();
    assert!(said.contains("life.version is \"1\" in the store, \"2\" was given"), "{said}");
    drop(Engine::open(folder.path()).plugin(Before).build().unwrap_or_else(|error| panic!("{error}")));
}
