//! Stored worlds made again from what came into them, and worlds that are known by their inputs.
//!
//! Invariant: a frame that is made again is the frame that was made, whatever happened between.

mod again;
mod lost;
mod reach;
mod scene;
