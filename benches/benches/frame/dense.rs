//! A million bodies, every one moved in every frame: packed, by row, on one thread and on two.
//!
//! Invariant: ours is a whole frame with its commit; bevy's is its schedule, in place, with its change ticks.

use benches::scene::{self, BevyPosition, BevyVelocity, Position, Way, moved, velocity};
use benches::{Probe, Suite, Target};
use bevy_ecs::prelude::{Query, Schedule, World};
use bevy_ecs::schedule::SingleThreadedExecutor;
use diptych_engine::{DigestPolicy, Engine};
use std::time::Instant;

const ROWS: u32 = 1_000_000;
const FRAMES: u64 = 40;

pub(crate) fn run(suite: &mut Suite) {
    rows(suite, ROWS, FRAMES);
    rows(suite, 10_000, FRAMES * 100);
    threads(suite);
    digests(suite);
}

/// One thread, each way of looping, beside bevy's way of the same kind.
fn rows(suite: &mut Suite, rows: u32, frames: u64) {
    // Figures are asked for at a million rows; fewer rows, which stay in the cache, inform.
    let target = |ratio| if rows == ROWS { Target::Ratio(ratio) } else { Target::None };
    let cases = [
        ("packed", Way::Packed, "bevy contiguous", target(1.10)),
        ("for_each", Way::ForEach, "bevy for_each", target(1.5)),
        ("for", Way::For, "bevy for", target(2.5)),
        ("par_rows", Way::RowsParallel, "bevy for_each", Target::None),
    ];
    for (name, way, peer, target) in cases {
        let name = format!("dense integrate, {rows} rows, {name}, 1 thread");
        if !suite.wants(&name) {
            continue;
        }
        let mut ours = ours(rows, way, 1, frames);
        let mut bevy = bevy(rows, way, frames);
        suite.compare(&name, "ns/row", target, &mut ours, (peer, &mut bevy));
    }
}

fn threads(suite: &mut Suite) {
    for (name, way) in [("packed", Way::PackedParallel), ("par_rows", Way::RowsParallel)] {
        let target = if name == "packed" { Target::FasterBy(1.7) } else { Target::None };
        let name = format!("dense integrate, {ROWS} rows, {name}, 2 threads");
        if !suite.wants(&name) {
            continue;
        }
        let mut two = ours(ROWS, way, 2, FRAMES);
        let mut one = ours(ROWS, way, 1, FRAMES);
        suite.compare(&name, "ns/row", target, &mut two, ("1 thread", &mut one));
    }
    let name = format!("dense integrate, {ROWS} rows, control: plain Vecs, 2 threads");
    if suite.wants(&name) {
        let (mut two, mut one) = (control(2), control(1));
        suite.compare(&name, "ns/row", Target::None, &mut two, ("1 thread", &mut one));
    }
}

/// What the machine gives at this moment: the same arithmetic from one vector to another, without an engine,
/// each thread its part. Says how much of a missing speed-up is the machine's.
fn control(threads: usize) -> impl FnMut() -> f64 {
    let velocities: Vec<[f32; 3]> = (0..ROWS).map(velocity).collect();
    let (mut from, mut to) = (vec![[0.0_f32; 3]; ROWS as usize], vec![[0.0_f32; 3]; ROWS as usize]);
    move || {
        let chunk = (ROWS as usize).div_ceil(threads);
        let start = Instant::now();
        std::thread::scope(|scope| {
            let parts = from.chunks_mut(chunk).zip(to.chunks_mut(chunk)).zip(velocities.chunks(chunk));
            for ((mut from, mut to), velocities) in parts {
                scope.spawn(move || {
                    for _ in 0..FRAMES {
                        for ((to, from), velocity) in to.iter_mut().zip(&*from).zip(velocities) {
                            *to = moved(*from, *velocity);
                        }
                        core::mem::swap(&mut from, &mut to);
                    }
                });
            }
        });
        start.elapsed().as_nanos() as f64 / FRAMES as f64 / f64::from(ROWS)
    }
}

/// What a digest adds to the densest frame: in every frame, and by the default policy, every 60 frames.
fn digests(suite: &mut Suite) {
    // A digest may cost 1.2 of the frame's own time.
    for (every, name, target) in [(1, "every frame", 2.2), (60, "every 60 frames", 1.05)] {
        let name = format!("dense integrate, {ROWS} rows, packed, 1 thread, digest {name}");
        if !suite.wants(&name) {
            continue;
        }
        let probe = Probe::default();
        let builder = scene::dense(Engine::in_memory().threads(1), ROWS, Way::Packed, &probe);
        let mut engine = scene::warm(builder.digest(DigestPolicy::Every(every)));
        let mut with = || probe.time(60, |frames| scene::run(&mut engine, frames)) / f64::from(ROWS);
        let mut without = ours(ROWS, Way::Packed, 1, 60);
        suite.compare(&name, "ns/row", Target::Ratio(target), &mut with, ("on demand", &mut without));
    }
}

/// Nanoseconds a row of our whole frame.
fn ours(rows: u32, way: Way, threads: usize, frames: u64) -> impl FnMut() -> f64 {
    let probe = Probe::default();
    let builder = scene::dense(Engine::in_memory().threads(threads), rows, way, &probe);
    let mut engine = scene::warm(builder);
    move || {
        let nanos = probe.time(frames, |frames| scene::run(&mut engine, frames)) / f64::from(rows);
        let sum: f32 = engine.view().iter::<Position>().take(100).map(|(_, position)| position.0[1]).sum();
        assert!(sum > 0.0, "the bodies did not move");
        nanos
    }
}

/// Nanoseconds a row of bevy's schedule, looping the same way.
fn bevy(rows: u32, way: Way, frames: u64) -> impl FnMut() -> f64 {
    let mut world = World::new();
    world.spawn_batch((0..rows).map(|n| (BevyPosition([n as f32, 0.0, 0.0]), BevyVelocity(velocity(n)))));
    let mut schedule = Schedule::default();
    schedule.set_executor(SingleThreadedExecutor::new());
    match way {
        Way::Packed | Way::PackedParallel => schedule.add_systems(bevy_contiguous),
        Way::ForEach | Way::RowsParallel => schedule.add_systems(bevy_for_each),
        Way::For => schedule.add_systems(bevy_for),
    };
    (0..3).for_each(|_| schedule.run(&mut world));
    move || {
        let start = Instant::now();
        (0..frames).for_each(|_| schedule.run(&mut world));
        start.elapsed().as_nanos() as f64 / frames as f64 / f64::from(rows)
    }
}

fn bevy_contiguous(mut bodies: Query<(&mut BevyPosition, &BevyVelocity)>) {
    for (mut positions, velocities) in bodies.contiguous_iter_mut().expect("tables only") {
        for (position, velocity) in positions.iter_mut().zip(velocities) {
            position.0 = moved(position.0, velocity.0);
        }
    }
}

fn bevy_for_each(mut bodies: Query<(&mut BevyPosition, &BevyVelocity)>) {
    bodies.iter_mut().for_each(|(mut position, velocity)| position.0 = moved(position.0, velocity.0));
}

fn bevy_for(mut bodies: Query<(&mut BevyPosition, &BevyVelocity)>) {
    for (mut position, velocity) in &mut bodies {
        position.0 = moved(position.0, velocity.0);
    }
}
