//! Unit types and unit groups by name.
//!
//! Invariant: adds nothing to `diptych-systems`; [`crate::group::GroupPlugin`] brings their groups into a world.

pub use diptych_systems::unit::*;
