//! The durable watermark: up to which frame the store has synced.
//!
//! The writer thread advances it after each sync; whoever promised durability waits on it.
//!
//! Invariant: it never goes back, and nothing is acknowledged after a failure.
//!
//! # Race argument
//! 1. `durable` changes only under `state`'s lock, and never after `failed` is set there: an advance and a
//!    failure are one after the other, and an advance that comes second does nothing.
//! 2. It is stored with Release and read with Acquire: what the writer did before the advance is visible to
//!    whoever sees the frame.
//! 3. No wake-up is lost: a waiter looks at frame and failure and goes to sleep without giving the lock back
//!    in between, having counted itself in `sleepers`; advance and fail change and notify under that lock.
//!    They wake every sleeper; those of later frames look again.
//! 4. A frame that was durable before the failure stays acknowledged: waiters look at the frame first.
//!
//! Left out: which frames exist. Waiting for a frame that is never committed ends by the timeout.

use std::time::Duration;

use crate::lease::{self, Holder};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Arc, Condvar, Deadline, Mutex, SharedStr};

#[cfg(all(test, not(diptych_loom)))]
mod tests;

/// The last frame known to be on disk; clones are handles of the same mark.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use diptych_engine::watermark::Watermark;
///
/// let watermark = Watermark::new(0);
/// watermark.advance(7);
/// assert_eq!(watermark.wait(5, Duration::from_secs(1)), Ok(7));
/// ```
#[derive(Clone, Debug)]
pub struct Watermark {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    durable: AtomicU64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    sleepers: u32,
    failed: Option<SharedStr>,
}

impl Watermark {
    /// A mark that starts at `durable`, the frame the store was opened at.
    pub fn new(durable: u64) -> Self {
        let inner =
            Inner { durable: AtomicU64::new(durable), state: Mutex::default(), changed: Condvar::new() };
        Self { inner: Arc::new(inner) }
    }

    /// The last durable frame.
    pub fn get(&self) -> u64 {
        // Acquire: partner is the Release in `advance`.
        self.inner.durable.load(Ordering::Acquire)
    }

    /// Says that `frame` and all before it are durable, and wakes all who wait for them. An older frame
    /// changes nothing. False, and without effect, after [`Watermark::fail`].
    pub fn advance(&self, frame: u64) -> bool {
        let state = self.inner.state.lock();
        if state.failed.is_some() {
            return false;
        }
        // Relaxed: only changed under the lock we hold.
        if frame > self.inner.durable.load(Ordering::Relaxed) {
            // Release: partners are the Acquires in `get` and `wait`.
            self.inner.durable.store(frame, Ordering::Release);
            if state.sleepers > 0 {
                self.inner.changed.notify_all();
            }
        }
        true
    }

    /// Says that a write or sync failed: nothing later is ever acknowledged. The first message stays.
    pub fn fail(&self, message: &str) {
        let mut state = self.inner.state.lock();
        state.failed.get_or_insert_with(|| message.into());
        if state.sleepers > 0 {
            self.inner.changed.notify_all();
        }
    }

    /// The first failure, if there was one.
    pub fn failed(&self) -> Option<SharedStr> {
        self.inner.state.lock().failed.clone()
    }

    /// Waits until `frame` is durable, and answers the durable frame, which may be later.
    ///
    /// # Errors
    /// After `timeout` (`Duration::MAX` waits for ever); if the store failed before `frame`; under a lease,
    /// where the commit that would lead to `frame` waits for this thread.
    pub fn wait(&self, frame: u64, timeout: Duration) -> Result<u64, WaitError> {
        let durable = self.get();
        if durable >= frame {
            return Ok(durable);
        }
        if let Some(holder) = lease::held_by_this_thread() {
            return Err(WaitError::UnderLease(holder));
        }
        let deadline = Deadline::after(timeout);
        let mut elapsed = false;
        let mut state = self.inner.state.lock();
        loop {
            // Acquire: partner is the Release in `advance`, for those who read it without the lock too.
            let durable = self.get();
            if durable >= frame {
                return Ok(durable);
            }
            if let Some(message) = &state.failed {
                return Err(WaitError::Failed(message.clone()));
            }
            if elapsed {
                return Err(WaitError::TimedOut { durable });
            }
            state.sleepers += 1;
            (state, elapsed) = self.inner.changed.wait_until(&self.inner.state, state, deadline);
            state.sleepers -= 1;
        }
    }
}

/// Why a wait for a durable frame ended without it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The frame may still become durable; wait again.
    #[error("the frame is not durable yet, frame {durable} is: wait longer, or look at the disk")]
    TimedOut {
        /// The durable frame at that moment.
        durable: u64,
    },
    /// The frame will never be durable. Reopen the world: it goes on from the last durable frame.
    #[error("the store failed and acknowledges nothing any more: {0}")]
    Failed(SharedStr),
    /// The commit waits for this thread's lease.
    #[error(
        "the thread that waits for the disk holds the lease `{0}`, which holds up commits: drop it first"
    )]
    UnderLease(Holder),
}
