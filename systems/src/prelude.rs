//! The systems of all scenes by name: `use diptych_systems::prelude::*`.

pub use crate::life::step_tiles;
pub use crate::nbody::step_bodies;
