//! Why an input did not arrive or was not answered. Data, and the one check that comes before a wait.

use std::fmt;
use std::time::Duration;

use crate::lease::{self, Holder};
use crate::sync::SharedStr;
use crate::watermark;

/// Why a value did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IngressError {
    /// The engine has stopped.
    #[error("the engine takes no more inputs: it has stopped")]
    Closed,
    /// The queue stayed full: the engine does not tick, or is too slow for its inputs.
    #[error("the queue of inputs has been full for {waited:?}: the engine must tick, or take more per frame")]
    Stalled {
        /// The bound.
        waited: Duration,
    },
    /// The commit waits for this thread's lease.
    #[error(
        "the queue of inputs is full, and this thread holds the lease `{0}`, which holds up the commit: drop it first"
    )]
    UnderLease(Holder),
    /// The commit waits for the pool.
    #[error(
        "the queue of inputs is full, and a thread of the pool must not wait for the commit: use `try_push`"
    )]
    OnPoolThread,
}

impl From<Refusal> for IngressError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::UnderLease(holder) => Self::UnderLease(holder),
            Refusal::OnPoolThread => Self::OnPoolThread,
        }
    }
}

/// Why a value did not arrive at once; it comes back.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub enum TryPushError<T> {
    /// The queue is full: try again after the next commit.
    #[error("the queue of inputs is full: try again after the next commit")]
    Busy(T),
    /// The engine has stopped.
    #[error("the engine takes no more inputs: it has stopped")]
    Closed(T),
}

impl<T> fmt::Debug for TryPushError<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if matches!(self, Self::Busy(_)) { "Busy(..)" } else { "Closed(..)" })
    }
}

/// Why a wait for an answer ended without it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The value may still be applied; wait again.
    #[error("no commit has applied the input yet: wait longer, or let the engine tick")]
    TimedOut,
    /// The frame that applied it is not durable yet, but `durable` is.
    #[error("the input is applied but not durable yet, frame {durable} is: wait longer, or look at the disk")]
    NotDurable {
        /// The durable frame at that moment.
        durable: u64,
    },
    /// It will never be answered. Reopen the world and look whether the input is in it.
    #[error("the engine failed before it could answer the input: {0}")]
    Failed(SharedStr),
    /// The commit waits for this thread's lease.
    #[error(
        "the thread that waits for an input holds the lease `{0}`, which holds up the commit: drop it first"
    )]
    UnderLease(Holder),
    /// The commit waits for the pool.
    #[error("a thread of the pool must not wait for the commit")]
    OnPoolThread,
}

impl From<Refusal> for WaitError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::UnderLease(holder) => Self::UnderLease(holder),
            Refusal::OnPoolThread => Self::OnPoolThread,
        }
    }
}

impl From<watermark::WaitError> for WaitError {
    fn from(error: watermark::WaitError) -> Self {
        match error {
            watermark::WaitError::TimedOut { durable } => Self::NotDurable { durable },
            watermark::WaitError::Failed(message) => Self::Failed(message),
            watermark::WaitError::UnderLease(holder) => Self::UnderLease(holder),
        }
    }
}

/// Why this thread must not wait for the commit.
pub(crate) enum Refusal {
    UnderLease(Holder),
    OnPoolThread,
}

/// Asks before every wait for the commit.
pub(crate) fn may_wait() -> Result<(), Refusal> {
    if lease::is_pool_thread() {
        return Err(Refusal::OnPoolThread);
    }
    lease::held_by_this_thread().map_or(Ok(()), |holder| Err(Refusal::UnderLease(holder)))
}
