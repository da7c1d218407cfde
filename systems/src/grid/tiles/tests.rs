//! Grids made tile by tile against the same rule cell by cell; which tiles are made.

use super::super::*;
use super::{GridTiles, TileAround};
use diptych_engine::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

type Plate = Tile<u8, 4>;

/// Anew when told so, and what makes a cell.
#[derive(Clone, Copy, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Gain(u8);

/// How many tiles were made.
#[derive(Clone, Default)]
struct Made(Arc<AtomicU64>);

impl Made {
    fn take(&self) -> u64 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

/// Each cell is the sum of those to its west, north-east and south, if there is one in it, and at most the gain; what is no
/// grid is filled with something, which nobody must see.
fn make(gain: u8, near: TileAround<'_, Plate>) -> Plate {
    let TileAround { spot, tile, around: [_, north, north_east, west, east, _, south, _] } = near;
    let mut next = Plate { cells: [[77; 4]; 4] };
    let (width, height) = (spot.width as usize, spot.height as usize);
    for (row, column) in inside(spot) {
        let left =
            if column > 0 { tile.get(column - 1, row) } else { west.get(spot.west_width as usize - 1, row) };
        let above = |tile: &Plate, column| tile.get(column, spot.north_height as usize - 1);
        let right = match (row > 0, column + 1 < width) {
            (true, true) => tile.get(column + 1, row - 1),
            (true, false) => east.get(0, row - 1),
            (false, true) => above(north, column + 1),
            (false, false) => above(north_east, 0),
        };
        let below = if row + 1 < height { tile.get(column, row + 1) } else { south.get(column, 0) };
        next.set(column, row, left.wrapping_add(right).wrapping_add(below).min(gain));
    }
    next
}

/// Two cells of the first tile; what is no grid is filled with something.
fn begin(tile: u32, spot: Spot) -> Plate {
    let mut cells = Plate { cells: [[77; 4]; 4] };
    for (row, column) in inside(spot) {
        cells.set(column, row, u8::from(tile == 0 && row == column && row <= 1));
    }
    cells
}

/// The rows and columns of a tile that are grid.
fn inside(spot: Spot) -> impl Iterator<Item = (usize, usize)> {
    (0..spot.height as usize).flat_map(move |row| (0..spot.width as usize).map(move |column| (row, column)))
}

struct Scene {
    size: (u32, u32),
    gain: u8,
    made: Made,
}

impl Plugin for Scene {
    fn name(&self) -> &'static str {
        "scene"
    }

    fn build(self, registrar: &mut Registrar) -> Result<()> {
        register::<Plate>(registrar, "plate");
        let made = self.made.clone();
        let roll = move |mut grid: GridTiles<Plate>, gains: Query<Prev<Gain>>, changed: Changes<Gain>| {
            let gain = gains.iter().next().map_or(0, |gain| gain.0);
            grid.step(!changed.is_empty(), |near| {
                made.0.fetch_add(1, Ordering::Relaxed);
                make(gain, near)
            });
        };
        let (width, height) = self.size;
        registrar
            .state::<Gain>("plate.gain", 1)
            .input::<Gain>("plate.gained", 1, |applier, gain| {
                applier.ids::<Gain>().into_iter().for_each(|id| assert!(applier.set(id, gain)));
            })
            .input_with::<GridMap<Plate>, CanonicalCodec>("plate.bent", 1, |applier, map| {
                applier.ids::<GridMap<Plate>>().into_iter().for_each(|id| assert!(applier.set(id, map)));
            })
            .input::<Id>("plate.broken", 1, |applier, id| assert!(applier.despawn(id)))
            .system("plate.roll", roll)
            .system("plate.rest", (|_: Clock| ()).answering())
            .setup("plate", move |world: &mut Structure<'_, '_>| {
                // Beside the grid, and none of its tiles.
                world.spawn((Plate { cells: [[5; 4]; 4] },));
                let map = GridMap::<Plate>::new(width, height, 0).expect("a size");
                let grid = spawn_tiles(world, width, height, |tile| begin(tile, map.spot(tile)));
                world.insert(grid.expect("a size"), Gain(self.gain));
            });
        Ok(())
    }
}

fn engine(size: (u32, u32), gain: u8, threads: usize) -> (Engine, Made) {
    let (threads, made) = (if cfg!(feature = "threads") { threads } else { 1 }, Made::default());
    let engine =
        Engine::in_memory().threads(threads).plugin(Scene { size, gain, made: made.clone() }).build();
    (engine.unwrap_or_else(|error| panic!("{error}")), made)
}

/// All cells in reading order; what is no grid must be zeroed.
fn cells(engine: &Engine) -> Vec<u8> {
    let view = engine.view();
    let map = *view.single::<GridMap<Plate>>().expect("there is one grid");
    let mut cells = vec![0; map.width() as usize * map.height() as usize];
    for (id, tile) in view.iter::<Plate>() {
        let Some(number) = map.tile(id.bits()) else {
            assert_eq!(tile.cells, [[5; 4]; 4], "the tile beside the grid");
            continue;
        };
        let spot = map.spot(number);
        assert_eq!(cut(*tile, spot), *tile, "cells at {spot:?} that are no part of the grid");
        for (row, column) in inside(spot) {
            let at = (spot.y as usize + row) * map.width() as usize + spot.x as usize + column;
            cells[at] = tile.get(column, row);
        }
    }
    cells
}

fn plain(cells: &[u8], (width, height): (u32, u32), gain: u8) -> Vec<u8> {
    let at = |x: u32, y: u32| cells[(y % height * width + x % width) as usize];
    let next = |x: u32, y: u32| {
        let sum = at(x + width - 1, y).wrapping_add(at(x + 1, y + height - 1)).wrapping_add(at(x, y + 1));
        sum.min(gain)
    };
    (0..height).flat_map(|y| (0..width).map(move |x| next(x, y))).collect()
}

fn step(engine: &mut Engine) {
    engine.step().unwrap_or_else(|error| panic!("{error}"));
}

fn send<I: Send + Sync + 'static>(engine: &Engine, input: &I) {
    engine.inputs().send("test", input).unwrap_or_else(|error| panic!("{error}"));
}

/// Claim: frame by frame, tiles made whole are the plain rule, on tori of any size, with one digest on any threads.
#[test]
fn tiles_are_the_plain_rule() {
    for size in [(1, 1), (3, 5), (4, 4), (5, 3), (8, 1), (41, 30), (120, 77)] {
        let mut digests = Vec::new();
        for threads in [1, 2, 4] {
            let (mut engine, _) = engine(size, 3, threads);
            let mut expected = cells(&engine);
            for frame in 1..=60 {
                step(&mut engine);
                expected = plain(&expected, size, 3);
                assert!(cells(&engine) == expected, "{size:?} at frame {frame}");
            }
            digests.push(engine.digest());
        }
        assert!(digests.iter().all(|digest| *digest == digests[0]), "{size:?}: {digests:?}");
    }
}

/// Claim: only tiles with a change beside them are made: nine for one cell, none at rest; all of them where the owner asks
/// for it, after a still frame, and on another map.
#[test]
fn resting_tiles_are_not_made() {
    let (mut engine, made) = engine((100, 100), 0, 2);
    step(&mut engine);
    assert_eq!(made.take(), 25 * 25, "after the beginning");
    step(&mut engine);
    assert_eq!(made.take(), 9, "cells of one tile were lost");
    step(&mut engine);
    assert_eq!(made.take(), 0, "at rest");
    send(&engine, &GridChange::<Plate>::SetState { x: 50, y: 50, value: 1 });
    step(&mut engine);
    assert_eq!(made.take(), 0, "it is set at the commit");
    step(&mut engine);
    assert_eq!(made.take(), 9, "around the cell that was set");
    step(&mut engine);
    assert_eq!(made.take(), 9, "around the cell that was lost");
    send(&engine, &Gain(0));
    (0..2).for_each(|_| step(&mut engine));
    assert_eq!(made.take(), 25 * 25, "the gain was set");
    engine.answer().unwrap_or_else(|error| panic!("{error}"));
    step(&mut engine);
    assert_eq!(made.take(), 25 * 25, "after a still frame");
    send(&engine, &GridChange::<Plate>::Clear);
    (0..2).for_each(|_| step(&mut engine));
    assert_eq!(made.take(), 0, "it was empty, and is cleared");
    send(&engine, &resize::<Plate>(50, 9).unwrap_or_else(|error| panic!("{error}")));
    (0..2).for_each(|_| step(&mut engine));
    assert_eq!(made.take(), 13 * 3, "another size");
    let map = *engine.view().single::<GridMap<Plate>>().expect("there is one grid");
    send(&engine, &GridMap::<Plate>::new(9, 50, map.id(0)).unwrap_or_else(|error| panic!("{error}")));
    (0..2).for_each(|_| step(&mut engine));
    assert_eq!(made.take(), 13 * 3, "the same tiles otherwise");
}

/// Claim: after a rollback and as many still frames as it took back, which have the numbers of frames that were made before,
/// what was seen then counts for nothing.
#[test]
fn rollbacks_leave_nothing_behind() {
    let size = (100, 100);
    let scene = Scene { size, gain: 3, made: Made::default() };
    let mut engine =
        Engine::in_memory().rollback(4).plugin(scene).build().unwrap_or_else(|error| panic!("{error}"));
    for back in 1..=3 {
        (0..5).for_each(|_| step(&mut engine));
        let frame = engine.frame() - back;
        engine.rollback_to(frame).unwrap_or_else(|error| panic!("{error}"));
        let expected = plain(&cells(&engine), size, 3);
        (0..back).for_each(|_| engine.answer().unwrap_or_else(|error| panic!("{error}")));
        step(&mut engine);
        assert!(cells(&engine) == expected, "{back} frames taken back");
    }
}

/// Claim: a tile that is gone counts as zeroed for those around it, at once and where they rested.
#[test]
fn tiles_that_are_gone_are_zeroed() {
    let size = (40, 40);
    let (mut engine, made) = engine(size, 3, 2);
    (0..200).for_each(|_| step(&mut engine));
    made.take();
    step(&mut engine);
    assert_eq!((made.take(), cells(&engine)), (0, vec![3; 1600]), "all cells rest");
    let map = *engine.view().single::<GridMap<Plate>>().expect("there is one grid");
    let gone = map.spot(33);
    send(&engine, &Id::from_bits(map.id(33)));
    let mut expected = plain(&cells(&engine), size, 3);
    step(&mut engine);
    for frame in 0..20 {
        for (y, x) in (gone.y..gone.y + 4).flat_map(|y| (gone.x..gone.x + 4).map(move |x| (y, x))) {
            expected[(y * 40 + x) as usize] = 0;
        }
        assert!(cells(&engine) == expected, "{frame} frames after");
        step(&mut engine);
        if frame == 0 {
            assert_eq!(made.take(), 99, "all that are left, for one is gone");
        }
        expected = plain(&expected, size, 3);
    }
}
