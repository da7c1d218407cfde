//! Pools by name: short-lived things that are taken out and go back by themselves.
//!
//! Invariant: adds nothing to `diptych-systems`.

pub use diptych_systems::pool::*;
