//! Thirty-two systems, each with a type of its own on a thousand entities: what a frame costs beside its rows.
//!
//! Invariant: the same closure body on both sides, one `f32` a row, `for_each`.

use benches::{Probe, Suite, Target, scene};
use bevy_ecs::component::Component;
use bevy_ecs::prelude::{Schedule, World};
use bevy_ecs::schedule::SingleThreadedExecutor;
use diptych_engine::EngineBuilder;
use diptych_engine::prelude::*;
use std::time::Instant;

const ROWS: u32 = 1_000;
const FRAMES: u64 = 5_000;

/// State number `N` of ours.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(transparent)]
struct Cell<const N: usize>(f32);

/// The same for bevy.
#[derive(Component)]
struct BevyCell<const N: usize>(f32);

macro_rules! cells {
    ($run:ident: $($n:literal)*) => { $($run!($n);)* };
}

macro_rules! all_cells {
    ($run:ident) => {
        cells!($run: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31);
    };
}

pub(crate) fn run(suite: &mut Suite) {
    for (threads, most) in [(1, 1.15), (2, 1.0)] {
        let name = format!("32 systems of {ROWS} rows, for_each, whole frame, {threads} thread(s)");
        if !suite.wants(&name) {
            continue;
        }
        let mut ours = ours(threads);
        let mut single = bevy(|schedule| {
            schedule.set_executor(SingleThreadedExecutor::new());
        });
        let peer: (&str, &mut dyn FnMut() -> f64) = ("bevy single-threaded", &mut single);
        suite.compare(&name, "us/frame", Target::Ratio(most), &mut ours, peer);
    }
    multi_threaded(suite);
}

#[cfg(feature = "bevy-threads")]
fn multi_threaded(suite: &mut Suite) {
    use bevy_ecs::schedule::MultiThreadedExecutor;
    let name = format!("32 systems of {ROWS} rows, for_each, whole frame, 2 threads, beside threads");
    if !suite.wants(&name) {
        return;
    }
    let mut ours = ours(2);
    let mut multi = bevy(|schedule| {
        schedule.set_executor(MultiThreadedExecutor::new());
    });
    let peer: (&str, &mut dyn FnMut() -> f64) = ("bevy multi-threaded", &mut multi);
    suite.compare(&name, "us/frame", Target::Ratio(0.15), &mut ours, peer);
}

#[cfg(not(feature = "bevy-threads"))]
fn multi_threaded(suite: &mut Suite) {
    if !suite.wants("32 systems") {
        return;
    }
    suite.note("bevy's multi-threaded schedule: cargo bench -p benches --features bevy-threads --bench frame -- systems");
}

/// Microseconds of our whole frame.
fn ours(threads: usize) -> impl FnMut() -> f64 {
    let probe = Probe::default();
    let mut builder = Engine::in_memory().threads(threads).digest(DigestPolicy::OnDemand);
    macro_rules! add {
        ($n:literal) => {
            builder = add::<$n>(builder, &probe);
        };
    }
    all_cells!(add);
    // Long enough for the engine to have timed its systems.
    let mut engine = scene::warm(builder);
    scene::run(&mut engine, 200);
    move || probe.time(FRAMES, |frames| scene::run(&mut engine, frames)) / 1000.0
}

fn add<const N: usize>(builder: EngineBuilder, probe: &Probe) -> EngineBuilder {
    let probe = probe.clone();
    let builder = builder.state::<Cell<N>>(&format!("bench.cell{N:02}"), 1);
    let builder = builder.setup(&format!("bench.setup{N:02}"), |structure| {
        for _ in 0..ROWS {
            structure.spawn((Cell::<N>(1.0),));
        }
    });
    let name = format!("bench.system{N:02}");
    if N > 0 {
        return builder.system(&name, |mut cells: Query<Next<Cell<N>>>| {
            cells.iter_mut().for_each(|mut cell| cell.set(Cell(cell.prev().0 + 1.0)));
        });
    }
    builder.system(&name, move |mut cells: Query<Next<Cell<N>>>| {
        probe.tick();
        cells.iter_mut().for_each(|mut cell| cell.set(Cell(cell.prev().0 + 1.0)));
    })
}

/// Microseconds of bevy's schedule.
fn bevy(executor: impl FnOnce(&mut Schedule)) -> impl FnMut() -> f64 {
    let mut world = World::new();
    let mut schedule = Schedule::default();
    executor(&mut schedule);
    macro_rules! add {
        ($n:literal) => {
            world.spawn_batch((0..ROWS).map(|_| BevyCell::<$n>(1.0)));
            schedule.add_systems(|mut cells: Query<&mut BevyCell<$n>>| {
                cells.iter_mut().for_each(|mut cell| cell.0 += 1.0);
            });
        };
    }
    all_cells!(add);
    (0..200).for_each(|_| schedule.run(&mut world));
    move || {
        let start = Instant::now();
        (0..FRAMES).for_each(|_| schedule.run(&mut world));
        start.elapsed().as_nanos() as f64 / FRAMES as f64 / 1000.0
    }
}
