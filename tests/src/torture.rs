//! The torture chamber: random worlds, faults and crashes from one seed, against a naive model written apart.
//!
//! Invariant: a seed is a whole run. What is random is thrown by `values::Dice` of the seed; what a kill meets is the
//! machine's affair, and is checked against whatever frame it met.

mod carried;
mod fault;
mod follow;
mod model;
mod office;
mod past;
mod play;
mod portrait;
mod report;
mod rules;
mod story;
mod trial;
mod undo;
mod values;
mod way;
mod worker;
mod world;

#[cfg(feature = "seeded-bugs")]
pub use report::{Caught, hunt};
pub use report::{Settings, Tally, chamber, ground, reproduce};
pub use trial::{DURABILITIES, Ground, Outcome, Violation, trial};
pub use worker::{WORKER, work};
