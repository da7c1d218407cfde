//! Leases: readers outside the frame read the last committed frame while the next wave runs.
//!
//! A commit moves rows and reuses buffers, so it first [closes](LeaseGate::close) the gate: no new lease is
//! admitted from that moment on, and the commit goes on when the held ones are back. Leases are short; after
//! a stated bound the close gives up, names the holders and opens the gate again.
//!
//! Invariant: while a [`Closed`] lives no [`Lease`] of that gate does, and whatever the closing thread wrote
//! is visible to every later lease.
//!
//! # Race argument
//! One word holds CLOSED, WAITING (some thread sleeps until the gate opens), TORN and the count of leases.
//! 1. The word changes by read-modify-write only. So its changes have one order, and every Release heads a
//!    sequence that all later changes continue.
//! 2. `enter` adds 1 only to a word without CLOSED, `close` succeeds only on a count of 0. By 1 one of them
//!    comes first: either the close sees the lease, or the lease sees CLOSED. They never miss each other.
//! 3. `leave` subtracts with Release, `close` finds 0 with Acquire (or, if it had to wait, under the lock under
//!    which leases are given back): all reads under leases happen before the commit's writes. `open` clears CLOSED with Release, `enter` adds with Acquire: the commit's writes
//!    happen before every read under a later lease.
//! 4. No wake-up is lost. Leases come and go under `state`'s lock, and the closing thread looks at the count
//!    and goes to sleep without giving that lock back in between; the last leave sees `closer_sleeps` under
//!    the same lock. An entering thread sets WAITING by compare-exchange on a word that still has CLOSED, and
//!    sleeps without giving the lock back in between; `open` clears CLOSED and WAITING in one change and, if
//!    WAITING was there, takes the lock (the sleeper has given it back by then) and notifies.
//! 5. A thread that holds a lease enters again without asking for CLOSED: its own lease keeps the count above
//!    0, so no close has succeeded, and waiting would be waiting for itself. The close waits a little longer.
//! 6. Names are added and removed under the lock together with the count: a report names exactly the holders
//!    of that moment.
//! 7. A commit that panics (or is [abandoned](Closed::abandon)) leaves the gate TORN: closed for good, every enter an error. Its rows may be half
//!    moved. A wave that panics has touched only the next buffers: the engine [poisons](LeaseGate::poison) the
//!    gate, and the last good frame stays readable.
//!
//! Left out: fairness between readers, leases that move to another thread, and time: nothing ends a lease
//! but its holder. Copies of chosen columns are for those who need longer.

use std::marker::PhantomData;
use std::time::Duration;

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Arc, Condvar, Deadline, Mutex, MutexGuard, SharedStr, spin_while};
use crate::timer::Stopwatch;

mod error;
#[cfg(all(test, not(diptych_loom)))]
mod tests;
mod thread;

pub use error::{Holder, LeaseError, LeaseHeld};
pub use thread::{PoolThread, held_by_this_thread, is_pool_thread, mark_pool_thread, pool_thread};

/// Leases of one gate at a time.
pub const LEASES_MAX: u64 = 4096;
/// How long [`LeaseGate::enter`] waits for a commit to end.
pub const ENTER_WAIT_MAX: Duration = Duration::from_secs(5);
/// Holders named in one [`LeaseHeld`].
pub const HOLDERS_NAMED_MAX: usize = 8;

const CLOSED: u64 = 1 << 63;
const WAITING: u64 = 1 << 62;
const TORN: u64 = 1 << 61;
const COUNT: u64 = TORN - 1;

/// Where readers and the commit meet; clones are handles of the same gate.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use diptych_engine::lease::LeaseGate;
///
/// let gate = LeaseGate::new();
/// let lease = gate.enter("renderer")?;
/// drop(lease);
/// let closed = gate.close(Duration::from_millis(100)).expect("no lease is held");
/// drop(closed);
/// # Ok::<(), diptych_engine::lease::LeaseError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct LeaseGate {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    word: AtomicU64,
    state: Mutex<State>,
    /// The closing thread sleeps here until the last lease is back.
    empty: Condvar,
    /// Entering threads sleep here until the gate opens.
    open: Condvar,
}

#[derive(Debug, Default)]
struct State {
    holders: Vec<Holder>,
    closer_sleeps: bool,
    poison: Option<SharedStr>,
}

impl LeaseGate {
    /// An open gate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a lease, waiting up to [`ENTER_WAIT_MAX`] while a commit closes the gate.
    ///
    /// # Errors
    /// As [`LeaseGate::enter_within`].
    pub fn enter(&self, holder: impl Into<Holder>) -> Result<Lease<'_>, LeaseError> {
        self.enter_within(holder, ENTER_WAIT_MAX)
    }

    /// Takes a lease, waiting up to `bound` while a commit closes the gate. A thread that holds a lease of
    /// this gate gets another one at once.
    ///
    /// # Errors
    /// On a pool thread; if the gate stays closed longer than `bound`; beyond [`LEASES_MAX`]; after a commit
    /// that panicked.
    pub fn enter_within(&self, holder: impl Into<Holder>, bound: Duration) -> Result<Lease<'_>, LeaseError> {
        let holder = holder.into();
        if is_pool_thread() {
            return Err(LeaseError::OnPoolThread { holder });
        }
        let state = self.inner.state.lock();
        let mut state = if thread::holds(self.address()) {
            // Point 5: never closed under our own lease. Relaxed: our outer enter was the Acquire.
            self.inner.word.fetch_add(1, Ordering::Relaxed);
            state
        } else {
            self.admit(state, &holder, bound)?
        };
        if state.holders.len() as u64 >= LEASES_MAX {
            // Release: partner is the Acquire in `close`, as for every leave.
            self.inner.word.fetch_sub(1, Ordering::Release);
            return Err(LeaseError::TooMany { holder });
        }
        state.holders.push(holder.clone());
        drop(state);
        Ok(Lease { gate: self, note: thread::remember(self.address(), holder), this_thread: PhantomData })
    }

    /// Adds 1 to the word as soon as the gate is open.
    fn admit<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        holder: &Holder,
        bound: Duration,
    ) -> Result<MutexGuard<'a, State>, LeaseError> {
        let word = &self.inner.word;
        let mut deadline = None;
        // Relaxed: only a guess for the exchanges below.
        let mut seen = word.load(Ordering::Relaxed);
        loop {
            if seen & TORN != 0 {
                return Err(LeaseError::Torn);
            }
            if seen & CLOSED == 0 {
                // Acquire: partner is the Release in `open`; the committed frame is visible.
                match word.compare_exchange_weak(seen, seen + 1, Ordering::Acquire, Ordering::Relaxed) {
                    Ok(_) => return Ok(state),
                    Err(now) => seen = now,
                }
                continue;
            }
            // Relaxed: WAITING guards no data, and by point 1 it does not break `open`'s sequence.
            if let Err(now) =
                word.compare_exchange(seen, seen | WAITING, Ordering::Relaxed, Ordering::Relaxed)
            {
                seen = now;
                continue;
            }
            let until = *deadline.get_or_insert_with(|| Deadline::after(bound));
            let (guard, elapsed) = self.inner.open.wait_until(&self.inner.state, state, until);
            state = guard;
            seen = word.load(Ordering::Relaxed);
            if elapsed && seen & CLOSED != 0 && seen & TORN == 0 {
                return Err(LeaseError::Busy { holder: holder.clone(), waited: bound });
            }
        }
    }

    /// Closes the gate for a commit: admits no new lease, waits up to `bound` for the held ones. The gate
    /// opens again when the answer is dropped.
    ///
    /// # Errors
    /// If leases are still held after `bound`, or at once if this thread holds one (it would wait for
    /// itself): the gate is open again, the commit can be tried again later.
    ///
    /// # Panics
    /// If the gate is closed already (two threads commit the same world), or torn by a commit that panicked.
    #[inline]
    pub fn close(&self, bound: Duration) -> Result<Closed<'_>, LeaseHeld> {
        // Acquire: partner is the Release in `leave`; reads under earlier leases come before our writes.
        let free = self.inner.word.compare_exchange(0, CLOSED, Ordering::Acquire, Ordering::Relaxed);
        if free.is_err() {
            self.close_slowly(bound)?;
        }
        Ok(Closed { gate: self, panicking: std::thread::panicking() })
    }

    #[cold]
    fn close_slowly(&self, bound: Duration) -> Result<(), LeaseHeld> {
        let started = Stopwatch::start();
        let deadline = Deadline::after(bound);
        let word = &self.inner.word;
        if thread::holds(self.address()) {
            return Err(self.report(&self.inner.state.lock(), Duration::ZERO, true));
        }
        // Relaxed: the lock taken below orders us after the leases, point 3.
        let before = word.fetch_or(CLOSED, Ordering::Relaxed);
        assert!(before & TORN == 0, "a commit of this world panicked: it takes no other");
        assert!(before & CLOSED == 0, "the gate is closed already: only one thread may commit a world");
        // Relaxed: only a guess, looked at again under the lock.
        spin_while(|| word.load(Ordering::Relaxed) & COUNT != 0);
        let mut state = self.inner.state.lock();
        let mut elapsed = false;
        loop {
            // Relaxed: leases are given back under the lock that we hold, which orders their reads before us.
            if word.load(Ordering::Relaxed) & COUNT == 0 {
                return Ok(());
            }
            if elapsed {
                let held = self.report(&state, started.elapsed(), false);
                drop(state);
                self.open();
                return Err(held);
            }
            state.closer_sleeps = true;
            (state, elapsed) = self.inner.empty.wait_until(&self.inner.state, state, deadline);
            state.closer_sleeps = false;
        }
    }

    fn report(&self, state: &State, waited: Duration, own: bool) -> LeaseHeld {
        let holders = state.holders.iter().take(HOLDERS_NAMED_MAX).cloned().collect();
        // Relaxed: leases come and go under the lock of `state`.
        let leases = self.inner.word.load(Ordering::Relaxed) & COUNT;
        LeaseHeld { holders, leases, waited, own }
    }

    fn open(&self) {
        // Release: partner is the Acquire in `admit`; what the commit wrote is visible under later leases.
        let free = self.inner.word.compare_exchange(CLOSED, 0, Ordering::Release, Ordering::Relaxed);
        if free.is_err() {
            // Release: as above.
            let before = self.inner.word.fetch_and(!(CLOSED | WAITING), Ordering::Release);
            self.wake(before);
        }
    }

    /// Wakes the entering threads if `before`, the word when it was changed, says that there are some.
    fn wake(&self, before: u64) {
        if before & WAITING != 0 {
            // Point 4: whoever set WAITING sleeps when we get the lock.
            drop(self.inner.state.lock());
            self.inner.open.notify_all();
        }
    }

    fn leave(&self, note: u64) {
        let holder = thread::forget(note);
        let mut state = self.inner.state.lock();
        // Names are a multiset: any equal one will do. There is none only while the thread ends.
        if let Some(index) = state.holders.iter().rposition(|held| Some(held) == holder.as_ref()) {
            state.holders.remove(index);
        }
        // Release: partner is the Acquire in `close`; our reads come before the commit's writes.
        let before = self.inner.word.fetch_sub(1, Ordering::Release);
        if before & COUNT == 1 && state.closer_sleeps {
            self.inner.empty.notify_all();
        }
    }

    /// Records why the engine stopped. Leases go on reading the last good frame. The first reason stays.
    pub fn poison(&self, reason: &str) {
        self.inner.state.lock().poison.get_or_insert_with(|| reason.into());
    }

    /// Why the engine stopped, if it did.
    pub fn poisoned(&self) -> Option<SharedStr> {
        self.inner.state.lock().poison.clone()
    }

    /// Whether no lease is held and nobody waits, as far as one look can say; for statistics.
    pub fn is_idle(&self) -> bool {
        // Relaxed: the answer may be old by the time it is read, whatever the ordering.
        self.inner.word.load(Ordering::Relaxed) == 0
    }

    /// Who holds leases now (for statistics).
    pub fn holders(&self) -> Vec<Holder> {
        self.inner.state.lock().holders.clone()
    }

    /// The holder of a lease of this gate that the calling thread has, if it has one.
    pub fn holder_here(&self) -> Option<Holder> {
        thread::holder_at(self.address())
    }

    fn address(&self) -> usize {
        std::ptr::from_ref::<Inner>(&self.inner).addr()
    }
}

/// The right to read the last committed frame; dropping it, also by a panic, gives it back.
///
/// It stays on its thread. A forgotten one (`mem::forget`) holds up every later commit.
#[must_use = "a lease is given back as soon as it is dropped"]
#[derive(Debug)]
pub struct Lease<'a> {
    gate: &'a LeaseGate,
    note: u64,
    this_thread: PhantomData<*const ()>,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        self.gate.leave(self.note);
    }
}

/// Proof that no lease is held: the commit may move rows. Dropping it opens the gate.
#[must_use = "the gate opens as soon as this is dropped"]
#[derive(Debug)]
pub struct Closed<'a> {
    gate: &'a LeaseGate,
    panicking: bool,
}

impl Closed<'_> {
    /// Gives the commit up half way: its rows may be half moved, so nobody reads this world any more. Also
    /// what a panic does.
    pub fn abandon(self) {
        self.tear();
        // Its drop would open the gate.
        std::mem::forget(self);
    }

    fn tear(&self) {
        // Point 7. Relaxed: nobody reads the world any more.
        let before = self.gate.inner.word.fetch_or(TORN, Ordering::Relaxed);
        self.gate.wake(before);
    }
}

impl Drop for Closed<'_> {
    #[inline]
    fn drop(&mut self) {
        if std::thread::panicking() && !self.panicking { self.tear() } else { self.gate.open() }
    }
}
