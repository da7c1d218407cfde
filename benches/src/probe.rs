//! A stopwatch inside a system: from its first call to a later one, without what begins and ends a run.
//!
//! Invariant: costs two relaxed loads and a store a frame, and reads the clock twice a measurement. Left out:
//! engines without systems, whose runs are timed from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Counts frames and times `frames` of them; cheap to clone, moved into the system.
#[derive(Clone, Debug)]
pub struct Probe(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    epoch: Instant,
    seen: AtomicU64,
    frames: AtomicU64,
    first: AtomicU64,
    last: AtomicU64,
}

impl Default for Probe {
    fn default() -> Self {
        let zero = || AtomicU64::new(0);
        Self(Arc::new(Inner {
            epoch: Instant::now(),
            seen: zero(),
            frames: zero(),
            first: zero(),
            last: zero(),
        }))
    }
}

impl Probe {
    /// To be called by a system in every frame, as the first thing of the wave.
    // Relaxed everywhere: one system calls it, and the run that it belongs to is joined before it is read.
    #[inline(always)]
    pub fn tick(&self) {
        let seen = self.0.seen.load(Ordering::Relaxed);
        if seen == 0 {
            self.0.first.store(self.now(), Ordering::Relaxed);
        } else if seen == self.0.frames.load(Ordering::Relaxed) {
            self.0.last.store(self.now(), Ordering::Relaxed);
        }
        self.0.seen.store(seen + 1, Ordering::Relaxed);
    }

    /// Times `frames` frames of a run that makes one more; answers nanoseconds a frame.
    ///
    /// # Panics
    /// When `run` did not make `frames + 1` frames.
    pub fn time(&self, frames: u64, run: impl FnOnce(u64)) -> f64 {
        self.0.seen.store(0, Ordering::Relaxed);
        self.0.frames.store(frames, Ordering::Relaxed);
        run(frames + 1);
        assert_eq!(self.0.seen.load(Ordering::Relaxed), frames + 1, "the run made other frames");
        let spent = self.0.last.load(Ordering::Relaxed) - self.0.first.load(Ordering::Relaxed);
        spent as f64 / frames as f64
    }

    fn now(&self) -> u64 {
        self.0.epoch.elapsed().as_nanos() as u64
    }
}
