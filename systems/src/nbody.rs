//! n-body: every body pulls every other, in steps of symplectic Euler.
//!
//! Invariant: sums run over the bodies in the order of their rows, never in the order of threads. Collisions
//! are left out: bodies are points.

mod kernel;
mod orbits;

pub use kernel::{PointMass, energy, pull, step};
pub use orbits::step_bodies;
