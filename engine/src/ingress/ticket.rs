//! The asker's end of an ingress: the number of arrival, and the wait for the answer.
//!
//! Invariant: an answer that was stored is seen by every later look, see point 6 of the race argument.

use super::{Answers, Cell, WaitError, may_wait};
use crate::sync::atomic::Ordering;
use crate::sync::{Arc, Deadline};
use crate::watermark::Watermark;
use std::time::Duration;

/// One value's place in the order of arrival, and the way to its answer.
#[derive(Clone, Debug)]
pub struct Ticket {
    pub(super) number: u64,
    pub(super) cell: Arc<Cell>,
    pub(super) answers: Arc<Answers>,
}

impl Ticket {
    /// The number of arrival, from 0.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The answer, if there is one already.
    pub fn applied(&self) -> Option<Applied> {
        // Acquire: partner is the Release in `answer`, point 6.
        self.cell.0.load(Ordering::Acquire).checked_sub(1).map(|frame| Applied { frame })
    }

    /// Waits for the commit that applies the value.
    ///
    /// # Errors
    /// After `timeout` (`Duration::MAX` waits for ever); if the engine failed before; on a pool thread or
    /// under a lease, where the commit would wait for this thread.
    pub fn wait(&self, timeout: Duration) -> Result<Applied, WaitError> {
        self.wait_until(Deadline::after(timeout))
    }

    /// Waits until the commit that applies the value is on disk as well: `watermark` is the engine's.
    ///
    /// # Errors
    /// As [`Ticket::wait`], and if the store failed before the frame was durable.
    pub fn wait_durable(&self, watermark: &Watermark, timeout: Duration) -> Result<Applied, WaitError> {
        let deadline = Deadline::after(timeout);
        let applied = self.wait_until(deadline)?;
        watermark.wait(applied.frame, deadline.left().unwrap_or(Duration::MAX))?;
        Ok(applied)
    }

    fn wait_until(&self, deadline: Deadline) -> Result<Applied, WaitError> {
        if let Some(applied) = self.applied() {
            return Ok(applied);
        }
        may_wait()?;
        let mut elapsed = false;
        let mut state = self.answers.state.lock();
        loop {
            if let Some(applied) = self.applied() {
                return Ok(applied);
            }
            if let Some(message) = &state.failed {
                return Err(WaitError::Failed(message.clone()));
            }
            if elapsed {
                return Err(WaitError::TimedOut);
            }
            state.sleepers += 1;
            (state, elapsed) = self.answers.answered.wait_until(&self.answers.state, state, deadline);
            state.sleepers -= 1;
        }
    }
}

/// The answer: the frame whose commit applied the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The frame.
    pub frame: u64,
}
