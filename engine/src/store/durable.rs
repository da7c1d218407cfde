//! How far the disk is, for threads that wait for it.

use std::sync::Arc;
use std::time::Duration;

use super::queue::Queue;
use super::{Store, StoreError};

/// Tells other threads how far the disk is.
#[derive(Clone, Debug)]
pub struct DurableFrames {
    pub(super) queue: Arc<Queue>,
}

impl DurableFrames {
    /// See [`Store::durable_frame`].
    #[must_use]
    pub fn frame(&self) -> u64 {
        self.queue.durable().saturating_sub(1)
    }

    /// See [`Store::wait_durable`].
    ///
    /// # Errors
    /// The writer failed before the frame was durable.
    pub fn wait(&self, frame: u64, timeout: Duration) -> Result<bool, StoreError> {
        self.queue.wait_durable(frame, timeout)
    }
}

impl Store {
    /// The last durable frame; 0 also while there is none (see [`wait_durable`](Self::wait_durable)).
    #[must_use]
    pub fn durable_frame(&self) -> u64 {
        self.queue.durable().saturating_sub(1)
    }

    /// Waits until `frame` is durable; `false` when the time is over.
    ///
    /// # Errors
    /// The writer failed before the frame was durable.
    pub fn wait_durable(&self, frame: u64, timeout: Duration) -> Result<bool, StoreError> {
        self.queue.wait_durable(frame, timeout)
    }

    /// A handle for other threads that wait for durable frames.
    #[must_use]
    pub fn durable(&self) -> DurableFrames {
        DurableFrames { queue: Arc::clone(&self.queue) }
    }
}
