//! How fast and how long an engine runs.
//!
//! Invariant: the wall clock decides only how many steps are due; what a step makes does not know it. A pace
//! that falls behind makes up at most its catch-up limit and counts the rest as skipped.

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::timer::Stopwatch;
use std::sync::Arc;
use std::time::Duration;

/// Frames made up in one go when a pace has fallen behind, unless said otherwise.
pub const CATCH_UP_FRAMES: u32 = 5;

/// How an engine runs: as fast as it can, or at a rate; for a number of frames, or until it is stopped.
///
/// ```
/// use diptych_engine::Pace;
/// let _minute = Pace::hz(60.0).catch_up(3).frames_more(3600);
/// ```
#[derive(Clone, Debug)]
pub struct Pace {
    pub(crate) hz: Option<f64>,
    pub(crate) catch_up: u32,
    pub(crate) frames: Option<u64>,
    pub(crate) stop: StopSignal,
}

impl Pace {
    /// As fast as it goes, until stopped.
    pub fn fast() -> Self {
        Self { hz: None, catch_up: CATCH_UP_FRAMES, frames: None, stop: StopSignal::default() }
    }

    /// At `rate` frames a second of wall time, until stopped.
    ///
    /// # Panics
    /// When `rate` is not a positive, finite number.
    pub fn hz(rate: f64) -> Self {
        assert!(rate.is_finite() && rate > 0.0, "a pace of {rate} Hz; it must be positive and finite");
        Self { hz: Some(rate), ..Self::fast() }
    }

    /// As fast as it goes, for `n` frames.
    pub fn frames(n: u64) -> Self {
        Self::fast().frames_more(n)
    }

    /// For at most `n` frames.
    #[must_use]
    pub fn frames_more(mut self, n: u64) -> Self {
        self.frames = Some(n);
        self
    }

    /// How many frames are made up at most when the pace has fallen behind; the rest is skipped.
    #[must_use]
    pub fn catch_up(mut self, frames: u32) -> Self {
        self.catch_up = frames;
        self
    }

    /// Until `stop` is given; the run ends at a commit.
    #[must_use]
    pub fn until(mut self, stop: &StopSignal) -> Self {
        self.stop = stop.clone();
        self
    }
}

/// Ends a run at its next commit, from any thread or signal handler; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct StopSignal(Arc<AtomicBool>);

impl StopSignal {
    /// A signal that has not been given.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the signal.
    pub fn stop(&self) {
        // Relaxed: nothing else is published with it.
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was given.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts due frames against the wall clock.
#[derive(Debug)]
pub(crate) struct Metronome {
    start: Stopwatch,
    done: u64,
    hz: f64,
    catch_up: u64,
}

impl Metronome {
    pub(crate) fn new(hz: f64, catch_up: u32) -> Self {
        Self { start: Stopwatch::start(), done: 0, hz, catch_up: u64::from(catch_up) }
    }

    /// Waits until a frame is due; answers how many had to be skipped.
    pub(crate) fn wait(&mut self, stop: &StopSignal) -> u64 {
        let due = (self.start.elapsed().as_secs_f64() * self.hz) as u64;
        let skipped = due.saturating_sub(self.done + self.catch_up.max(1));
        self.done += skipped;
        while !stop.is_stopped() {
            let at = Duration::try_from_secs_f64((self.done + 1) as f64 / self.hz).unwrap_or(Duration::MAX);
            let Some(left) = at.checked_sub(self.start.elapsed()) else { break };
            // In slices, so that a slow pace still hears the stop signal.
            std::thread::sleep(left.min(Duration::from_millis(50)));
        }
        self.done += 1;
        skipped
    }
}
