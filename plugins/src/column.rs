//! Columns that are one value, and couriers that move them to another thread for a frame, by name.
//!
//! Invariant: adds nothing to `diptych-components` and `diptych-systems`.

pub use diptych_systems::canonical::CanonicalCodec;
pub use diptych_systems::column::*;
