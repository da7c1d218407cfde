//! The engine through its public API alone; one subject a module, so `--test engine replay` runs what is about replay.
//!
//! Invariant: no test changes what its process has only one of, so that all of them may share one; what needs a process
//! to limit or to kill starts this program again. Left out: `features`, which is built for every choice of features.

mod digests;
mod frames;
#[cfg(feature = "store")]
mod history;
mod jobs;
mod links;
mod messages;
#[cfg(feature = "store")]
mod portable;
mod regressions;
#[cfg(feature = "store")]
mod replay;
mod rewind;
mod still;
#[cfg(feature = "store")]
mod store;
#[cfg(feature = "store")]
mod testkit;
mod views;
mod working;
