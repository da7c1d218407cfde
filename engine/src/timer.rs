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
    HAS_CLOCK.then(jumped)
}

#[cfg(not(feature = "jumping-clock"))]
#[inline]
fn jumped() -> Instant {
    Instant::now()
}

/// Seconds by which the clock has jumped forwards.
#[cfg(feature = "jumping-clock")]
static JUMPED_SECONDS: core::sync::atomic::AtomicU64 = core::sync::atomic::AtomicU64::new(0);

#[cfg(feature = "jumping-clock")]
fn jumped() -> Instant {
    let seconds = JUMPED_SECONDS.load(core::sync::atomic::Ordering::Relaxed);
    Instant::now() + Duration::from_secs(seconds)
}

/// Lets the clock of this process stand so many seconds before or behind the machine's, for tests: it jumps from
/// where it stood, also backwards. No result of a world depends on it.
#[cfg(feature = "jumping-clock")]
pub fn jump(seconds: u32) {
    JUMPED_SECONDS.store(u64::from(seconds), core::sync::atomic::Ordering::Relaxed);
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
        // Of a clock that has jumped backwards: nothing.
        self.0.zip(now()).map_or(Duration::ZERO, |(start, now)| now.saturating_duration_since(start))
    }

    /// The same in nanoseconds, as statistics hold it.
    #[inline]
    pub(crate) fn nanos(self) -> u64 {
        self.elapsed().as_nanos() as u64
    }
}
