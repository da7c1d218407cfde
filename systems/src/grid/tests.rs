//! Grids through the engine against a plain list of cells: transitions, what is set, what is changed between frames.

use super::*;

type Heat = u32;
type Plate = Tile<Heat, 4>;

/// Each cell from itself, its eight neighbours and where it is; then a cell that counts, and one that moves.
fn step(grid: Grid2<Plate>, clock: Clock) {
    let mut grid = grid.edit();
    let frame = clock.frame() as i32;
    grid.transit(|around| rule(|dx, dy| around.at(dx, dy), around.place()));
    let counted = grid.get_transition(3, 3);
    grid.set(3, 3, counted.wrapping_add(grid.get(3, 3)));
    grid.set_transition(-frame, frame * 3, 7);
    assert_eq!((grid.get_transition(-frame, frame * 3), grid.get_state(3, 3)), (7, grid.states().get(3, 3)));
}

fn rule(at: impl Fn(i32, i32) -> Heat, (x, y): (u32, u32)) -> Heat {
    let near = [
        (-1, -1),
        (0, -1),
        (4, -1),
        (-1, 0),
        (1, -4),
        (-4, 1),
        (0, 1),
        (1, 1),
        (-17, 9),
        (i32::MAX, i32::MIN),
    ];
    let sum = near.iter().fold(0_u32, |sum, (dx, dy)| sum.wrapping_mul(31).wrapping_add(at(*dx, *dy)));
    sum.wrapping_add(at(0, 0) * 3).wrapping_add(x * 17 + y) % 1009
}

fn begin(x: u32, y: u32) -> Heat {
    (x * 7919 + y * 104_729) % 1009
}

struct Scene(u32, u32);

impl Plugin for Scene {
    fn name(&self) -> &'static str {
        "scene"
    }

    fn build(self, registrar: &mut Registrar) -> Result<()> {
        register::<Plate>(registrar, "heat");
        registrar.system("heat.step", step).setup("heat", move |world: &mut Structure<'_, '_>| {
            spawn::<Plate>(world, self.0, self.1, begin).expect("a size");
        });
        Ok(())
    }
}

/// A grid as a list.
#[derive(PartialEq, Debug)]
struct Plain {
    width: i32,
    height: i32,
    cells: Vec<Heat>,
}

impl Plain {
    fn new(width: i32, height: i32) -> Self {
        let cells = (0..height).flat_map(|y| (0..width).map(move |x| begin(x as u32, y as u32))).collect();
        Self { width, height, cells }
    }

    fn at(&self, x: i32, y: i32) -> usize {
        (y.rem_euclid(self.height) * self.width + x.rem_euclid(self.width)) as usize
    }

    fn step(&mut self, frame: i32) {
        let mut next = self.cells.clone();
        for y in 0..self.height {
            for x in 0..self.width {
                let wide = |at: i32, by: i32, side: i32| {
                    (i64::from(at) + i64::from(by)).rem_euclid(i64::from(side)) as i32
                };
                let state = |dx, dy| self.cells[self.at(wide(x, dx, self.width), wide(y, dy, self.height))];
                next[self.at(x, y)] = rule(state, (x as u32, y as u32));
            }
        }
        let counted = self.at(3, 3);
        next[counted] = next[counted].wrapping_add(self.cells[counted]);
        next[self.at(-frame, frame * 3)] = 7;
        self.cells = next;
    }
}

fn cells(engine: &Engine) -> Plain {
    let view = engine.view();
    let map = *view.single::<GridMap<Plate>>().expect("there is one grid");
    let mut plain = Plain { width: map.width() as i32, height: map.height() as i32, cells: Vec::new() };
    for y in 0..plain.height {
        for x in 0..plain.width {
            let (tile, column, row) = map.place(x, y);
            let tile = view.get::<Plate>(Id::from_bits(map.id(tile))).expect("every tile is there");
            plain.cells.push(tile.cells[row][column]);
        }
    }
    for (id, tile) in view.iter::<Plate>() {
        let spot = map.spot(map.tile(id.bits()).expect("no tile is beside the grid"));
        assert_eq!(cut(*tile, spot), *tile, "cells at {spot:?} that are no part of the grid");
    }
    plain
}

fn engine(width: u32, height: u32, threads: usize) -> Engine {
    let threads = if cfg!(feature = "threads") { threads } else { 1 };
    let engine = Engine::in_memory().threads(threads).plugin(Scene(width, height)).build();
    engine.unwrap_or_else(|error| panic!("{error}"))
}

fn send(inputs: &Inputs, change: GridChange<Plate>) {
    inputs.send("test", &change).unwrap_or_else(|error| panic!("{error}"));
}

/// Claim: frame by frame, the grid is the plain list, on one tile and on many, with one digest on any threads.
#[test]
fn grids_are_lists() {
    for (width, height) in [(4, 4), (8, 4), (4, 12), (20, 28), (1, 1), (3, 5), (2, 9), (5, 4), (21, 27)] {
        let mut digests = Vec::new();
        for threads in [1, 2, 4, 8] {
            let (mut engine, mut plain) =
                (engine(width, height, threads), Plain::new(width as i32, height as i32));
            assert_eq!(cells(&engine), plain);
            for frame in 1..=20 {
                engine.step().unwrap_or_else(|error| panic!("{error}"));
                plain.step(frame);
                assert_eq!(cells(&engine), plain, "{width}x{height} at frame {frame}");
            }
            digests.push(engine.digest());
        }
        assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
    }
}

/// Claim: what is sent is the state of the next frame, whatever the transition was; a grid of another size begins with
/// zeros; sizes that are none change nothing.
#[test]
fn changes_come_at_the_commit() {
    let (mut engine, mut plain) = (engine(8, 8, 2), Plain::new(8, 8));
    let go = |engine: &mut Engine, plain: &mut Plain, frame: i32| {
        engine.step().unwrap_or_else(|error| panic!("{error}"));
        plain.step(frame);
    };
    send(&engine.inputs(), GridChange::SetState { x: -1, y: 9, value: 1000 });
    go(&mut engine, &mut plain, 1);
    let place = plain.at(7, 1);
    plain.cells[place] = 1000;
    assert_eq!(cells(&engine), plain, "a cell");
    go(&mut engine, &mut plain, 2);
    assert_eq!(cells(&engine), plain, "the frame after");
    send(&engine.inputs(), GridChange::Clear);
    go(&mut engine, &mut plain, 3);
    plain.cells.fill(0);
    assert_eq!(cells(&engine), plain, "cleared");
    assert!(resize::<Plate>(12, 0).is_err());
    send(&engine.inputs(), resize(11, 3).unwrap_or_else(|error| panic!("{error}")));
    go(&mut engine, &mut plain, 4);
    let mut plain = Plain { width: 11, height: 3, cells: vec![0; 33] };
    assert_eq!(cells(&engine), plain, "another size");
    assert_eq!(engine.view().entities(), 4, "the old tiles are gone: a map and three tiles");
    for frame in 5..9 {
        go(&mut engine, &mut plain, frame);
        assert_eq!(cells(&engine), plain, "at frame {frame}");
    }
}

/// Claim: a grid that nothing changes is not written; `each` shows every cell once; a world without a grid has no cells.
#[test]
fn grids_at_rest() {
    fn look(grid: Grid2<Plate>) {
        let mut grid = grid.edit();
        let (mut seen, mut cells) = (0, 0);
        grid.each(|x, y, state| {
            assert_eq!(state, begin(x, y));
            seen += 1;
        });
        grid.transit(|around| around.at(0, 0));
        grid.set(1, 1, 5);
        grid.set(1, 1, begin(1, 1));
        grid.each_transition(|x, y, cell| {
            assert_eq!(cell, begin(x, y));
            cells += 1;
        });
        let (width, height) = grid.states().size();
        assert_eq!((seen, cells), (width * height, width * height));
    }
    fn other(grid: GridState<Plate>) {
        let cells = grid.cells();
        assert_eq!(cells.get(3, -2), if cells.size() == (0, 0) { 0 } else { begin(3, 4) });
    }
    struct Rest(bool);
    impl Plugin for Rest {
        fn name(&self) -> &'static str {
            "rest"
        }
        fn build(self, registrar: &mut Registrar) -> Result<()> {
            register::<Plate>(registrar, "heat");
            registrar.system("look", look).system("other", other);
            if self.0 {
                registrar.setup("heat", |world: &mut Structure<'_, '_>| {
                    spawn::<Plate>(world, 7, 6, begin).expect("a size");
                });
            }
            Ok(())
        }
    }
    for there_is in [true, false] {
        let written = std::sync::Arc::new(diptych_engine::sync::atomic::AtomicU64::new(0));
        let count = written.clone();
        let hook = move |_, _: &Plate| {
            count.fetch_add(1, diptych_engine::sync::atomic::Ordering::Relaxed);
        };
        let engine = Engine::in_memory().plugin(Rest(there_is)).on_change(hook).build();
        let mut engine = engine.unwrap_or_else(|error| panic!("{error}"));
        let before = written.load(diptych_engine::sync::atomic::Ordering::Relaxed);
        engine.run(Pace::frames(5)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(written.load(diptych_engine::sync::atomic::Ordering::Relaxed), before);
    }
}

/// Claim: changes come back from their bytes; a size that is none, and other bytes, are refused.
#[test]
fn changes_have_bytes() {
    let resize = resize(8, 4).unwrap_or_else(|error| panic!("{error}"));
    for change in [GridChange::SetState { x: -3, y: i32::MAX, value: 9 }, GridChange::Clear, resize] {
        let mut bytes = Vec::new();
        GridCodec::encode(&change, &mut bytes);
        for end in 0..bytes.len() {
            assert!(<GridCodec as Codec<GridChange<Plate>>>::decode(&bytes[..end]).is_err());
        }
        assert_eq!(<GridCodec as Codec<GridChange<Plate>>>::decode(&bytes), Ok(change));
    }
    for bytes in [&[3][..], &[1, 0], &[2, 1, 0, 1, 0, 4, 0, 0, 0], &[2, 0, 0, 0, 0, 4, 0, 0, 0]] {
        assert!(<GridCodec as Codec<GridChange<Plate>>>::decode(bytes).is_err(), "{bytes:?}");
    }
    // A cell that is no plain old data, for not all its bits are a value.
    let set = |is_live| [0, 1, 0, 0, 0, 2, 0, 0, 0, is_live];
    let read = |bytes: &[u8]| <GridCodec as Codec<GridChange<diptych_components::life::Tile>>>::decode(bytes);
    assert_eq!(read(&set(1)), Ok(GridChange::SetState { x: 1, y: 2, value: true }));
    assert!(read(&set(2)).is_err());
}
