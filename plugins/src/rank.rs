//! Order-statistics maps by name: a map in the order of its keys that knows the rank of each, as state of a world.
//!
//! Invariant: adds nothing; the map is data, and [`CanonicalCodec`] is its door to the engine.

pub use diptych_components::canonical::{Canonical, Real};
pub use diptych_components::rank::*;
pub use diptych_systems::canonical::CanonicalCodec;
