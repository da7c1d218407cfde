//! Timers by name: an event that is sent once, so and so long after its timer was spawned.
//!
//! Invariant: adds nothing to `diptych-systems`; [`register`] is what a plugin calls for each kind of event.

pub use diptych_systems::timer::*;
