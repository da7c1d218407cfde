//! The one door to the monotonic clock, for statistics, waits and pacing.
//!
//! Invariant: no result depends on it. Where there is no clock (`wasm32-unknown-unknown`, where asking for one
//! panics) a stopwatch shows nothing, a bound of a wait never elapses, and a pace in frames a second is refused.
//! Left out: the time of day, which nothing here needs.

use std::time::{Duration, Instant};

/// Whether this target has a clock.
pub(crate) const HAS_CLOCK: bool = !cfg!(all(target_family = "wasm", target_os = "unknown"));

/// Now, where there is a clock.
#[inline]
pub(crate) fn now() -> Option<Instant> {
    HAS_CLOCK.then(Instant::now)
}

/// Measures from its start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Option<Instant>);

impl Stopwatch {
    #[inline]
    pub(crate) fn start() -> Self {
        Self(now())
    }

    /// The time since its start; zero without a clock.
    #[inline]
    pub(crate) fn elapsed(self) -> Duration {
        self.0.map_or(Duration::ZERO, |start| start.elapsed())
    }

    /// The same in nanoseconds, as statistics hold it.
    #[inline]
    pub(crate) fn nanos(self) -> u64 {
        self.elapsed().as_nanos() as u64
    }
}
