//! The worlds that are measured, ours and bevy's, with the same rows and the same arithmetic.
//!
//! Invariant: digests are taken on demand, so that a frame is wave and commit alone; a row that measures the
//! default policy says so. Warm: whoever asks for a world gets one that has made frames.

use crate::Probe;
use bevy_ecs::component::Component;
use diptych_engine::EngineBuilder;
use diptych_engine::prelude::*;

/// Metres.
#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
pub struct Position(pub [f32; 3]);

/// Metres a second.
#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
pub struct Velocity(pub [f32; 3]);

/// The same for bevy; a type of its own, so that neither engine changes what the other's is.
#[derive(Component, Clone, Copy, Debug)]
pub struct BevyPosition(pub [f32; 3]);

/// The same for bevy.
#[derive(Component, Clone, Copy, Debug)]
pub struct BevyVelocity(pub [f32; 3]);

/// Seconds a step.
pub const DT: f32 = 1.0 / 60.0;

/// `position + velocity * dt`: what every dense bench does, on every side.
#[inline(always)]
pub fn moved(position: [f32; 3], velocity: [f32; 3]) -> [f32; 3] {
    [position[0] + velocity[0] * DT, position[1] + velocity[1] * DT, position[2] + velocity[2] * DT]
}

/// A velocity for row `n`.
pub fn velocity(n: u32) -> [f32; 3] {
    [n as f32 * 0.001, 1.0, -0.5]
}

/// How the dense bench loops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `blocks`: slices of whole tables, one thread.
    Packed,
    /// `par_blocks`: slices, split over the pool.
    PackedParallel,
    /// `iter_mut().for_each(..)`.
    ForEach,
    /// `for row in &mut query`.
    For,
    /// `par_rows`: rows, split over the pool.
    RowsParallel,
}

type Bodies<'w, 's> = Query<'w, 's, (Next<Position>, Prev<Velocity>)>;

/// The packed loop, the same for every way of naming the slices.
pub fn integrate(next: &mut [Position], prev: &[Position], velocity: &[Velocity]) {
    for ((next, prev), velocity) in next.iter_mut().zip(prev).zip(velocity) {
        next.0 = moved(prev.0, velocity.0);
    }
}

/// Adds positions, velocities, `rows` bodies and the system that moves them.
pub fn dense(builder: EngineBuilder, rows: u32, way: Way, probe: &Probe) -> EngineBuilder {
    let probe = probe.clone();
    let builder = bodies(builder, rows);
    match way {
        Way::Packed => builder.system("drift", move |mut bodies: Bodies| {
            probe.tick();
            bodies.blocks(|(mut position, velocity)| {
                let (prev, next) = position.split();
                integrate(next, prev, velocity);
            });
        }),
        Way::PackedParallel => builder.system("drift", move |mut bodies: Bodies| {
            probe.tick();
            bodies.par_blocks(|(mut position, velocity)| {
                let (prev, next) = position.split();
                integrate(next, prev, velocity);
            });
        }),
        Way::ForEach => builder.system("drift", move |mut bodies: Bodies| {
            probe.tick();
            bodies.iter_mut().for_each(|(mut position, velocity)| {
                position.set(Position(moved(position.prev().0, velocity.0)));
            });
        }),
        Way::For => builder.system("drift", move |mut bodies: Bodies| {
            probe.tick();
            for (mut position, velocity) in &mut bodies {
                position.set(Position(moved(position.prev().0, velocity.0)));
            }
        }),
        Way::RowsParallel => builder.system("drift", move |mut bodies: Bodies| {
            probe.tick();
            bodies.par_rows(|(mut position, velocity)| {
                position.set(Position(moved(position.prev().0, velocity.0)));
            });
        }),
    }
}

/// Adds positions and velocities and `rows` bodies, and no system.
pub fn bodies(builder: EngineBuilder, rows: u32) -> EngineBuilder {
    builder
        .state::<Position>("bench.position", 1)
        .state::<Velocity>("bench.velocity", 1)
        .digest(DigestPolicy::OnDemand)
        .setup("bench.setup", move |structure| {
            for n in 0..rows {
                structure.spawn((Position([n as f32, 0.0, 0.0]), Velocity(velocity(n))));
            }
        })
}

/// Builds and makes a few frames, so that nothing is met for the first time.
///
/// # Panics
/// When the engine refuses.
pub fn warm(builder: EngineBuilder) -> Engine {
    let mut engine = builder.build().expect("a bench's world is right");
    run(&mut engine, 3);
    engine
}

/// Makes frames as fast as it goes.
///
/// # Panics
/// When a frame fails.
pub fn run(engine: &mut Engine, frames: u64) {
    engine.run(Pace::frames(frames)).expect("a bench's frames do not fail");
}
