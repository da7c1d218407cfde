//! Diptych.

pub mod digest;
pub mod store;
