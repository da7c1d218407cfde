//! State-space grids by name: cells with a state that everybody reads and a transition that their owner makes.
//!
//! Invariant: adds nothing to `diptych-systems`.

pub use diptych_systems::grid::*;
