//! One answer on its way from the frame that makes it to whoever asked.
//!
//! The asker keeps the [`Reply`], the frame keeps the [`Promise`]. Invariant: a promise is kept at most once, and
//! one that is dropped tells the asker why; nobody waits for an answer that cannot come.
//!
//! # Race argument
//! 1. What is in the slot changes under its lock only, from nothing to an answer or to a failure, once.
//! 2. A waiter looks at the slot, counts itself and goes to sleep without giving the lock back in between, so it
//!    sees the answer, or is counted by it and woken.
//!
//! Left out: cancelling; several who wait for one answer share clones of the [`Reply`].

use crate::ingress::{WaitError, may_wait};
use crate::sync::{Arc, Condvar, Deadline, Mutex};
use std::time::Duration;

/// Why a promise that was dropped is never kept.
const DROPPED: &str = "it stopped while the request was under way";

#[derive(Debug)]
struct Slot<T> {
    state: Mutex<State<T>>,
    kept: Condvar,
}

#[derive(Debug)]
enum State<T> {
    /// With how many sleepers.
    Open(u32),
    Kept(T),
    Failed,
}

/// The asker's end: looks for the answer, or waits.
///
/// ```
/// use diptych_engine::reply;
/// use std::time::Duration;
/// let (promise, reply) = reply::pair();
/// assert_eq!(reply.get(), None);
/// promise.keep(42);
/// assert_eq!(reply.wait(Duration::from_secs(1)), Ok(42));
/// ```
#[derive(Debug)]
pub struct Reply<T>(Arc<Slot<T>>);

/// The answerer's end.
#[derive(Debug)]
pub struct Promise<T>(Option<Arc<Slot<T>>>);

/// A promise and its reply.
pub fn pair<T: Clone>() -> (Promise<T>, Reply<T>) {
    let slot = Arc::new(Slot { state: Mutex::new(State::Open(0)), kept: Condvar::new() });
    (Promise(Some(slot.clone())), Reply(slot))
}

impl<T> Promise<T> {
    /// Gives the answer.
    pub fn keep(mut self, answer: T) {
        if let Some(slot) = self.0.take() {
            settle(&slot, State::Kept(answer));
        }
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        if let Some(slot) = self.0.take() {
            settle(&slot, State::Failed);
        }
    }
}

fn settle<T>(slot: &Slot<T>, state: State<T>) {
    let before = core::mem::replace(&mut *slot.state.lock(), state);
    // A wake-up is a system call, and most answers are looked at later.
    if matches!(before, State::Open(sleepers) if sleepers > 0) {
        slot.kept.notify_all();
    }
}

impl<T: Clone> Reply<T> {
    /// The answer, if there is one already.
    pub fn get(&self) -> Option<T> {
        match &*self.0.state.lock() {
            State::Kept(answer) => Some(answer.clone()),
            State::Open(_) | State::Failed => None,
        }
    }

    /// Whether nothing more will come: it was answered, or never will be.
    pub fn is_settled(&self) -> bool {
        !matches!(&*self.0.state.lock(), State::Open(_))
    }

    /// Waits for the answer.
    ///
    /// # Errors
    /// After `timeout` (`Duration::MAX` waits for ever); if the promise was dropped; on a pool thread or under a
    /// lease, where the commit would wait for this thread.
    pub fn wait(&self, timeout: Duration) -> Result<T, WaitError> {
        let deadline = Deadline::after(timeout);
        let mut elapsed = false;
        let mut state = self.0.state.lock();
        let mut counted = false;
        loop {
            match &mut *state {
                State::Kept(answer) => return Ok(answer.clone()),
                State::Failed => return Err(WaitError::Failed(DROPPED.into())),
                State::Open(sleepers) if elapsed => {
                    *sleepers -= u32::from(counted);
                    return Err(WaitError::TimedOut);
                }
                State::Open(sleepers) if !counted => {
                    may_wait()?;
                    *sleepers += 1;
                    counted = true;
                }
                State::Open(_) => {}
            }
            (state, elapsed) = self.0.kept.wait_until(&self.0.state, state, deadline);
        }
    }
}

impl<T> Clone for Reply<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[cfg(all(test, not(diptych_loom)))]
mod tests {
    use super::*;

    /// An answer arrives once and stays; a dropped promise says so; nothing yet is a timeout.
    #[test]
    fn kept_dropped_or_open() {
        let (promise, reply) = pair();
        assert_eq!(reply.wait(Duration::ZERO), Err(WaitError::TimedOut));
        assert!(!reply.is_settled());
        promise.keep("yes");
        assert_eq!((reply.get(), reply.wait(Duration::ZERO)), (Some("yes"), Ok("yes")));
        let (promise, reply) = pair::<u8>();
        drop(promise);
        assert!(matches!(reply.wait(Duration::MAX), Err(WaitError::Failed(_))));
        assert!(reply.is_settled() && reply.get().is_none());
    }

    /// A sleeper wakes with the answer.
    #[test]
    fn sleepers_wake() {
        let (promise, reply) = pair();
        let waiter = std::thread::spawn(move || reply.wait(Duration::from_secs(60)));
        std::thread::sleep(Duration::from_millis(10));
        promise.keep(7);
        assert_eq!(waiter.join().ok(), Some(Ok(7)));
    }
}
