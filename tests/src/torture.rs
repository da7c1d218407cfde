//! The torture chamber: random worlds, faults and crashes from one seed, against a naive model written apart.
//!
//! Invariant: a seed is a whole run. What is random is thrown by `values::Dice` of the seed; what a kill meets is the
//! machine's affair, and is checked against whatever frame it met.

mod fault;
mod model;
mod rules;
mod story;
mod trial;
mod values;
mod world;

pub use trial::{Outcome, Violation, trial};
