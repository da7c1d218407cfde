//! Blueprints by name: what an entity of a kind is made of, by which many are spawned.
//!
//! Invariant: adds nothing to `diptych-systems`.

pub use diptych_systems::blueprint::*;
