//! The contract of the engine, through its public API alone; one subject a file.
//!
//! `soup` is the world that most of them run: many archetypes, structure, randomness, sums and inputs.

#[path = "contract/soup.rs"]
mod soup;

#[path = "contract/determinism.rs"]
mod determinism;
#[path = "contract/refusals.rs"]
mod refusals;
