//! The only door to atomics, locks, cells and threads, and the bounded queue behind the ingress.
//!
//! Builds get the standard library's types and crossbeam's `ArrayQueue`. Under the private cfg
//! `diptych_loom` the same names are loom's, so that the models in `engine/tests/loom` explore the
//! interleavings of exactly the code that ships. loom cannot see into crossbeam: there the queue is a
//! locked `VecDeque` behind two counters that may be seen late, and the models check our protocol around the
//! queue, not the queue.
//!
//! Invariants: every protocol that is modelled with loom goes through here (the store's queue, a plain lock and
//! two condition variables, does not); a lock's poison protects nothing here and is ignored; no `static` or
//! `const` atomics (loom's have no `const` constructor).
//!
//! Time under loom: there is no clock. A [`Deadline`] of `Duration::MAX` never elapses, every other one
//! elapses in its first wait, in which other threads may run or not; the models thereby see a bound elapse
//! wherever it can.
//!
//! Left out: channels, scoped threads and `park`; whoever needs them adds them here with a loom twin.

use std::time::Duration;

#[cfg(not(diptych_loom))]
use std as imp;

#[cfg(diptych_loom)]
use loom as imp;

pub use imp::sync::{Arc, MutexGuard, atomic};
/// Starting, naming and joining threads.
pub use imp::thread;
/// Set once, read often; never part of a modelled protocol, therefore std's in both builds.
pub use std::sync::OnceLock;

/// A name or message shared between threads (std's `Arc` in both builds: loom's cannot hold a `str`).
pub type SharedStr = std::sync::Arc<str>;

/// Keeps neighbours off a cache line that one thread writes often.
pub use crossbeam::utils::CachePadded;

/// Rounds of [`spin_while`].
pub const SPIN_MAX: u32 = 128;

/// A lock whose poison is ignored, see the invariants above.
#[derive(Debug, Default)]
pub struct Mutex<T>(imp::sync::Mutex<T>);

impl<T> Mutex<T> {
    /// A lock around `value`.
    pub fn new(value: T) -> Self {
        Self(imp::sync::Mutex::new(value))
    }

    /// Waits for the lock.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The lock if it is free at this moment.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(std::sync::TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(std::sync::TryLockError::WouldBlock) => None,
        }
    }
}

/// Sleeping until notified, with a [`Deadline`].
#[derive(Debug, Default)]
pub struct Condvar(imp::sync::Condvar);

impl Condvar {
    /// A condition nobody waits for.
    pub fn new() -> Self {
        Self(imp::sync::Condvar::new())
    }

    /// Wakes every thread that waits.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }

    /// Gives the lock of `mutex` back, sleeps until notified or until `deadline`, and takes the lock
    /// again. The second value is true if the deadline elapsed. May wake for no reason.
    #[cfg(not(diptych_loom))]
    pub fn wait_until<'a, T>(
        &self,
        _mutex: &'a Mutex<T>,
        guard: MutexGuard<'a, T>,
        deadline: Deadline,
    ) -> (MutexGuard<'a, T>, bool) {
        let Some(left) = deadline.left() else {
            return (self.0.wait(guard).unwrap_or_else(std::sync::PoisonError::into_inner), false);
        };
        if left.is_zero() {
            return (guard, true);
        }
        let (guard, _) = self.0.wait_timeout(guard, left).unwrap_or_else(std::sync::PoisonError::into_inner);
        (guard, deadline.left().is_some_and(|left| left.is_zero()))
    }

    /// As in builds; a finite deadline elapses at once, but others may take the lock before.
    #[cfg(diptych_loom)]
    pub fn wait_until<'a, T>(
        &self,
        mutex: &'a Mutex<T>,
        guard: MutexGuard<'a, T>,
        deadline: Deadline,
    ) -> (MutexGuard<'a, T>, bool) {
        if deadline.never {
            return (self.0.wait(guard).unwrap_or_else(std::sync::PoisonError::into_inner), false);
        }
        drop(guard);
        (mutex.lock(), true)
    }
}

/// The moment a wait gives up.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    #[cfg(not(diptych_loom))]
    at: Option<std::time::Instant>,
    #[cfg(diptych_loom)]
    never: bool,
}

impl Deadline {
    /// `bound` from now; `Duration::MAX`, or more than the clock can hold, is never.
    pub fn after(bound: Duration) -> Self {
        #[cfg(not(diptych_loom))]
        return Self { at: crate::timer::now().and_then(|now| now.checked_add(bound)) };
        #[cfg(diptych_loom)]
        return Self { never: bound == Duration::MAX };
    }

    /// What is left of the bound, `None` if it never elapses.
    #[cfg(not(diptych_loom))]
    pub fn left(self) -> Option<Duration> {
        self.at.map(|at| crate::timer::now().map_or(Duration::ZERO, |now| at.saturating_duration_since(now)))
    }

    /// What is left of the bound, `None` if it never elapses.
    #[cfg(diptych_loom)]
    pub fn left(self) -> Option<Duration> {
        if self.never { None } else { Some(Duration::ZERO) }
    }
}

/// Looks at `busy` for about a microsecond before the caller goes to sleep. Not at all under loom, which has
/// no use for a second way of waiting.
pub fn spin_while(busy: impl Fn() -> bool) {
    #[cfg(not(diptych_loom))]
    for _ in 0..SPIN_MAX {
        if !busy() {
            return;
        }
        std::hint::spin_loop();
    }
    #[cfg(diptych_loom)]
    drop(busy);
}

/// How many threads can run at once: at least 1; 2 under loom.
pub fn core_count() -> usize {
    #[cfg(not(diptych_loom))]
    return std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    #[cfg(diptych_loom)]
    return 2;
}

/// A value in a cell whose accesses the caller keeps apart; loom checks that they are.
#[cfg(diptych_loom)]
pub use loom::cell::UnsafeCell;

/// A value in a cell whose accesses the caller keeps apart; loom checks that they are.
#[cfg(not(diptych_loom))]
#[derive(Debug, Default)]
pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

#[cfg(not(diptych_loom))]
impl<T> UnsafeCell<T> {
    /// A cell holding `value`.
    pub const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// Hands a pointer for reading to `read`.
    pub fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    /// Hands a pointer for writing to `write`.
    pub fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}

/// The bounded first-in-first-out queue between threads.
#[cfg(not(diptych_loom))]
pub struct Queue<T>(crossbeam::queue::ArrayQueue<T>);

#[cfg(not(diptych_loom))]
impl<T> Queue<T> {
    /// An empty queue for at most `capacity` values.
    ///
    /// # Panics
    /// If `capacity` is 0.
    pub fn new(capacity: usize) -> Self {
        Self(crossbeam::queue::ArrayQueue::new(capacity))
    }

    /// Appends `value`, or gives it back if the queue is full.
    pub fn push(&self, value: T) -> Result<(), T> {
        self.0.push(value)
    }

    /// Takes the oldest value.
    pub fn pop(&self) -> Option<T> {
        self.0.pop()
    }
}

/// The bounded first-in-first-out queue between threads, as loom can see it, for one producer and one
/// consumer at a time. As with crossbeam's, whoever is not ordered after a push or pop may not see it yet.
#[cfg(diptych_loom)]
pub struct Queue<T> {
    values: Mutex<std::collections::VecDeque<T>>,
    capacity: u64,
    pushed: atomic::AtomicU64,
    popped: atomic::AtomicU64,
}

#[cfg(diptych_loom)]
impl<T> Queue<T> {
    /// An empty queue for at most `capacity` values.
    ///
    /// # Panics
    /// If `capacity` is 0.
    pub fn new(capacity: usize) -> Self {
        assert!(capacity > 0, "a queue needs room for one value");
        Self {
            values: Mutex::default(),
            capacity: capacity as u64,
            pushed: atomic::AtomicU64::new(0),
            popped: atomic::AtomicU64::new(0),
        }
    }

    /// Appends `value`, or gives it back if the queue is, for all this thread knows, full.
    pub fn push(&self, value: T) -> Result<(), T> {
        use atomic::Ordering::{Acquire, Relaxed, Release};
        // Relaxed: one producer at a time. Acquire: partner is the Release in `pop`.
        let pushed = self.pushed.load(Relaxed);
        if pushed - self.popped.load(Acquire) == self.capacity {
            return Err(value);
        }
        self.values.lock().push_back(value);
        // Release: partner is the Acquire in `pop`.
        self.pushed.store(pushed + 1, Release);
        Ok(())
    }

    /// Takes the oldest value, if this thread knows of one.
    pub fn pop(&self) -> Option<T> {
        use atomic::Ordering::{Acquire, Relaxed, Release};
        // Relaxed: one consumer at a time. Acquire: partner is the Release in `push`.
        let popped = self.popped.load(Relaxed);
        if self.pushed.load(Acquire) == popped {
            return None;
        }
        let value = self.values.lock().pop_front();
        // Release: partner is the Acquire in `push`.
        self.popped.store(popped + 1, Release);
        value
    }
}

impl<T> std::fmt::Debug for Queue<T> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Queue").finish_non_exhaustive()
    }
}

/// Declares thread-local values: `local! { static NAME: Type = constant expression; }`.
#[cfg(not(diptych_loom))]
macro_rules! local {
    ($(#[$attribute:meta])* static $name:ident: $type:ty = $initial:expr;) => {
        std::thread_local! { $(#[$attribute])* static $name: $type = const { $initial }; }
    };
}

/// Declares thread-local values: `local! { static NAME: Type = constant expression; }`.
#[cfg(diptych_loom)]
macro_rules! local {
    ($(#[$attribute:meta])* static $name:ident: $type:ty = $initial:expr;) => {
        loom::thread_local! { $(#[$attribute])* static $name: $type = $initial; }
    };
}

pub(crate) use local;
