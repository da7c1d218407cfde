//! For tests of worlds: runs that must be alike, a scripted crash, faults of the disk, damage to a world's directory.
//!
//! Invariant: plain library code, without a test framework. It changes nothing but directories that it is given, and
//! the process that asks for a [`Crash`]. Faults of the disk are a [`FaultPlan`](crate::store::FaultPlan), given to
//! [`EngineBuilder::faults`](crate::EngineBuilder::faults). Left out: what a world must be after all that, which is
//! the test's to say.
//!
//! A world that loses power, and the test that it is none the worse for it:
//!
#![cfg_attr(feature = "store", doc = "```")]
#![cfg_attr(not(feature = "store"), doc = "```ignore")]
//! use diptych_engine::prelude::*;
//! use diptych_engine::{store, testkit};
//! use std::time::Duration;
//!
//! #[derive(Clone, Copy, Pod, Zeroable)]
//! #[repr(C)]
//! struct Age(u64);
//! fn grow(mut ages: Query<Next<Age>>) {
//!     ages.par_rows(|mut age| age.set(Age(age.prev().0 + 1)));
//! }
//! fn world(builder: EngineBuilder) -> EngineBuilder {
//!     builder.state::<Age>("life.age", 1).system("grow", grow).setup("life", |structure| {
//!         structure.spawn((Age(0),));
//!     })
//! }
//!
//! # let scratch = std::env::temp_dir().join(format!("diptych-testkit-{}", std::process::id()));
//! let (running, lost) = (scratch.join("running"), scratch.join("lost"));
//! // The writer halts before its fifth sync, as if the machine had lost power there.
//! let halt = store::Halt::new(store::HaltAt::Sync(5));
//! let faults = store::FaultPlan { halt: Some(halt.clone()), ..store::FaultPlan::default() };
//! let mut engine = world(Engine::open(&running)).durability(Durability::Synced).faults(faults).build()?;
//! while !halt.is_reached() {
//!     engine.step()?;
//! }
//! let promised = engine.durable_frame();
//! testkit::copy(&running, &lost).expect("both directories are ours");
//! // What was written after the last sync is gone, but for a piece of it.
//! testkit::lose_unsynced(&lost, testkit::Loss::After(7)).expect("the copy is a world");
//! halt.release();
//! drop(engine);
//!
//! let engine = world(Engine::open(&lost)).build()?;
//! assert!(engine.frame() >= promised);
//! assert_eq!(engine.view().single::<Age>().map(|age| age.0), Some(engine.frame()));
//! # drop(engine);
//! # std::fs::remove_dir_all(&scratch).expect("the directory is ours");
//! # Ok::<(), Error>(())
//! ```

#[cfg(feature = "store")]
mod crash;
#[cfg(feature = "store")]
mod directory;
mod memory;
mod sync;

#[cfg(feature = "jumping-clock")]
pub use crate::timer::jump as jump_clock;
#[cfg(feature = "store")]
pub use crash::Crash;
#[cfg(feature = "store")]
pub use directory::{File, Loss, Synced, copy, cut, files, flip, lose_unsynced, synced, tear_watermark};
pub use memory::{Divergence, runs_alike};
pub use sync::{SyncFailure, SyncReport, SyncTest, sync_test};
