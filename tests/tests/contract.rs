//! The contract of the engine, through its public API alone; one subject a file.
//!
//! `soup` is the world that most of them run: many archetypes, structure, randomness, sums and inputs.

#![expect(clippy::type_complexity, reason = "a system's signature is its claim")]

#[path = "contract/bustle.rs"]
mod bustle;
#[path = "contract/soup.rs"]
mod soup;

#[path = "contract/crash.rs"]
mod crash;
#[path = "contract/determinism.rs"]
mod determinism;
#[path = "contract/failures.rs"]
mod failures;
#[path = "contract/hooks.rs"]
mod hooks;
#[path = "contract/marks.rs"]
mod marks;
#[path = "contract/mended.rs"]
mod mended;
#[path = "contract/model.rs"]
mod model;
#[path = "contract/reading.rs"]
mod reading;
#[path = "contract/refusals.rs"]
mod refusals;
#[path = "contract/runtime.rs"]
mod runtime;
#[path = "contract/tidy.rs"]
mod tidy;
#[path = "contract/torture.rs"]
mod torture;
#[path = "contract/worlds.rs"]
mod worlds;
