//! The system that owns where bodies are and how they move.
//!
//! Invariant: both have one owner, because a step of symplectic Euler moves a body by the velocity it has just
//! got, which another system would see a frame later only.

use diptych_components::nbody::{Mass, Position, Velocity};
use diptych_engine::prelude::*;

use super::kernel::{PointMass, step};

/// Steps all bodies by the clock's `dt`; each feels the others in the order of their rows.
///
/// A body without a [`Mass`] is pulled and does not pull. `sources` is scratch, filled anew in each frame.
pub fn step_bodies(
    mut bodies: Query<(Id, Next<Position>, Next<Velocity>)>,
    masses: Query<(Id, Prev<Position>, Prev<Mass>)>,
    clock: Clock,
    mut sources: Local<Vec<(Id, PointMass)>>,
) {
    sources.clear();
    sources.extend(masses.iter().map(|(id, &position, &mass)| (id, PointMass { position, mass })));
    let (sources, dt) = (sources.as_slice(), clock.dt());
    bodies.par_rows(|(&id, mut position, mut velocity)| {
        let others = sources.iter().filter(|(other, _)| *other != id).map(|(_, source)| source);
        let (next_position, next_velocity) = step(*position.prev(), *velocity.prev(), others, dt);
        position.set(next_position);
        velocity.set(next_velocity);
    });
}
