//! World time as a system sees it.
//!
//! Invariant: it follows from the frame number and the constant `dt`; the wall clock is not in it.

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
pub struct Clock(Time);

impl Clock {
    /// The frame being made; the first one after a world's creation is 1. In a late system that is the
    /// coming one.
    pub fn frame(&self) -> u64 {
        self.0.frame
    }

    /// The last committed frame, which `Prev` reads.
    pub fn committed(&self) -> u64 {
        self.0.frame.saturating_sub(1)
    }

    /// Seconds of world time a frame: constant, stored with the world.
    pub fn dt(&self) -> f64 {
        self.0.dt
    }

    /// Seconds of world time at the last commit: its frame times `dt`.
    pub fn seconds(&self) -> f64 {
        self.0.frame.saturating_sub(1) as f64 * self.0.dt
    }
}

shared_param!(Clock, Clock, Arc<Shared>, |world| world.resource::<Registry>().shared.clone(), |state| Clock(
    *state.time.get()
));
