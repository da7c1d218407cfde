//! What the benches share: ours and a peer's work in turn, in one process, and the table of ratios.
//!
//! Invariant: every figure is a median over repetitions that alternate between both sides in a warm world, so
//! that a slow moment of the machine meets both. Left out: what is measured (see `benches/`).

pub mod alloc;
pub mod host;
pub mod probe;
pub mod pulse;
pub mod report;
pub mod scene;
pub mod spans;
pub mod suite;

pub use probe::Probe;
pub use report::Target;
pub use suite::Suite;
