//! World time as a system sees it.
//!
//! Invariant: it follows from the frame number, the number of still frames and the constant `dt`; the wall clock
//! is not in it.

use super::shared_param;
use crate::registry::Registry;
use crate::shared::{Shared, Time};
use std::sync::Arc;

/// World time: the frame being made and the constant step.
///
/// ```
/// use diptych_engine::prelude::*;
/// fn tell(clock: Clock) {
///     let _seconds = clock.seconds() + clock.dt();
/// }
/// # let _ = tell;
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    time: Time,
    still: bool,
}

impl Clock {
    /// The frame being made; the first one after a world's creation is 1. In a late system that is the
    /// coming one. Still frames count.
    pub fn frame(&self) -> u64 {
        self.time.frame
    }

    /// The last committed frame, which `Prev` reads.
    pub fn committed(&self) -> u64 {
        self.time.frame.saturating_sub(1)
    }

    /// The step being made, or in a still frame the last one that was made. Steps are the frames that are not
    /// still, so this is [`Clock::frame`] in a world without still ones.
    pub fn step(&self) -> u64 {
        self.time.frame.saturating_sub(self.time.still + u64::from(self.still))
    }

    /// Whether the frame being made is a still one, in which world time stands; in a late system, whether the
    /// frame just committed is.
    pub fn is_still(&self) -> bool {
        self.still
    }

    /// Seconds by which this frame moves world time: constant and stored with the world; 0 in a still frame.
    pub fn dt(&self) -> f64 {
        if self.still { 0.0 } else { self.time.dt }
    }

    /// Seconds of world time at the last commit: the steps made so far times the length of one.
    pub fn seconds(&self) -> f64 {
        self.committed().saturating_sub(self.time.still) as f64 * self.time.dt
    }
}

shared_param!(Clock, Clock, Arc<Shared>, |world| world.resource::<Registry>().shared.clone(), |state| {
    Clock { time: *state.time.get(), still: state.is_still() }
});
