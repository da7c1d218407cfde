//! Gravity with elastic collisions in the plane, by groups of neighbours.
//!
//! Two sets of rules. The conserving ones (`systems`): an acceleration is a force divided by a mass, every force and
//! impulse has its counterpart, and all systems read the previous frame. Those of the source this was made after, to the
//! letter, are in `seed`.
//!
//! Invariant: under the conserving rules momentum stays to the last rounding, for every pair by itself, whatever the opening.
//! Sums run along the tree, never in the order of threads. Left out: what a world is made of, which is the plugin's.

mod clusters;
mod contact;
mod expansion;
mod force;
mod motion;
pub mod seed;
mod systems;
mod walk;

pub use clusters::Clusters;
pub use contact::{Contact, contacts};
pub use expansion::ORDER;
pub use force::{far_forces, near_forces, potential_energy};
pub use motion::{Committed, Mover, driven, moved, next_body};
pub use systems::{
    accelerate, build_clusters, decay, deflect, keep_origin, move_bodies, name_groups, pull_by_far,
    pull_by_near,
};

use diptych_components::gravity::Law;

/// Kinetic and potential energy of these bodies under a law.
///
/// Cost: some times that of a frame's forces: a logarithm a pair of neighbours.
#[must_use]
pub fn energy(law: Law, movers: &[Option<Mover>]) -> Energy {
    let mut clusters = Clusters::default();
    clusters.rebuild(law, movers);
    let bodies = || movers.iter().flatten();
    let kinetic = bodies().fold(0.0, |sum, body| sum + 0.5 * body.body.mass * body.velocity.length_squared());
    let mass = bodies().fold(0.0, |sum, body| sum + body.body.mass);
    Energy { kinetic, potential: potential_energy(&clusters), steady: 0.25 * law.gravity * mass * mass }
}

/// What a world has of energy.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Energy {
    /// Of motion.
    pub kinetic: f64,
    /// Of place; two bodies a unit of length apart have none.
    pub potential: f64,
    /// The kinetic energy of a steady cloud of the same mass: the gravitational constant times a quarter of the square of
    /// its mass, whatever its size.
    pub steady: f64,
}

impl Energy {
    /// Of both kinds.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.kinetic + self.potential
    }
}

#[cfg(test)]
mod tests;
