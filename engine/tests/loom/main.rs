//! Models of the engine's concurrent protocols; run them with `.ci/loom`.
//!
//! loom runs each model through all interleavings with at most two preemptions, and through the values that
//! its memory model lets a relaxed load see. Claim of every model: no data race on [`Plain`], no failed
//! assertion, no thread asleep for ever (loom reports it as a deadlock).
//!
//! Each model's header says how it was shown to fail: the break that was made on purpose in the protocol,
//! and what loom then reported. Only `lease`, `ingress`, `reply`, `watermark` and the queue of jobs
//! are modelled: no world, no pool, no store. Bounds: `Duration::MAX` never elapses, every other bound elapses in its first wait.
#![cfg(diptych_loom)]
#![expect(unsafe_code, reason = "a cell shared on purpose, so that loom can find races on it")]

use std::time::Duration;

use diptych_engine::sync::UnsafeCell;

mod ingress;
mod jobs;
mod lease;
mod reply;
mod watermark;

/// A wait that never gives up.
const EVER: Duration = Duration::MAX;
/// A bound that elapses in its first wait.
const SOON: Duration = Duration::from_millis(1);

/// A number without any synchronization of its own: loom reports accesses that may collide.
struct Plain(UnsafeCell<u64>);

// SAFETY: not sound by itself; loom stops the model at the first access that is not ordered.
unsafe impl Sync for Plain {}

impl Plain {
    fn new(value: u64) -> Self {
        Self(UnsafeCell::new(value))
    }

    fn get(&self) -> u64 {
        self.0.with(|value| {
            // SAFETY: loom has checked that no write is concurrent.
            unsafe { *value }
        })
    }

    fn set(&self, new: u64) {
        self.0.with_mut(|value| {
            // SAFETY: loom has checked that no access is concurrent.
            unsafe { *value = new };
        });
    }
}
