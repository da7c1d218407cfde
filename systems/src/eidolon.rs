//! The Eidolon field: particles that are drawn to the middle of their layer, pushed apart by their charges, and braked.
//!
//! Invariant: sums run over particles in the order of their rows, in parts of constant length, never in the order of
//! threads. Collisions are left out: particles are points.

mod kernel;
mod layers;
mod step;
mod update;

pub use kernel::{Body, Field, PART_BODIES, energy};
pub use layers::{Moments, describe_layers};
pub use step::step_fields;
pub use update::{AddressedUpdateCodec, FieldUpdateCodec, apply_update, parts};
