//! The systems of all scenes by name: `use diptych_systems::prelude::*`.

pub use crate::ant::{step_ground, walk_ants};
pub use crate::eidolon::{describe_layers, step_fields};
pub use crate::life::step_tiles;
pub use crate::mind::{move_bodies, note_seen, satisfy_needs, serve_items, think_all};
pub use crate::nbody::step_bodies;
