//! What a thread knows about itself: the leases it holds, and whether it belongs to a pool.
//!
//! Invariant: only the thread itself reads and writes its notes, so nothing here can race.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;

use super::Holder;
use crate::sync::local;

#[derive(Debug)]
struct Held {
    note: u64,
    gate: usize,
    holder: Holder,
}

local! {
    /// The leases of this thread, oldest first.
    static HELD: RefCell<Vec<Held>> = RefCell::new(Vec::new());
}

local! {
    /// How many reasons there are to call this thread one of the pool.
    static POOL: Cell<u32> = Cell::new(0);
}

/// Notes that this thread has a lease of the gate at `gate`; answers the number of the note.
pub(super) fn remember(gate: usize, holder: Holder) -> u64 {
    let add = |leases: &RefCell<Vec<Held>>| {
        let mut leases = leases.borrow_mut();
        let note = leases.last().map_or(0, |newest| newest.note + 1);
        leases.push(Held { note, gate, holder });
        note
    };
    // Fails only while the thread ends; then nobody on it can ask any more.
    HELD.try_with(add).unwrap_or(u64::MAX)
}

/// Removes a note; answers its holder.
pub(super) fn forget(note: u64) -> Option<Holder> {
    let take = |leases: &RefCell<Vec<Held>>| {
        let mut leases = leases.borrow_mut();
        let index = leases.iter().rposition(|held| held.note == note)?;
        Some(leases.remove(index).holder)
    };
    HELD.try_with(take).unwrap_or(None)
}

/// True if this thread has a lease of the gate at `gate`.
pub(super) fn holds(gate: usize) -> bool {
    HELD.try_with(|leases| leases.borrow().iter().any(|held| held.gate == gate)).unwrap_or(false)
}

/// The holder of the newest lease of the gate at `gate` that this thread has.
pub(super) fn holder_at(gate: usize) -> Option<Holder> {
    let find = |held: &RefCell<Vec<Held>>| {
        held.borrow().iter().rev().find(|held| held.gate == gate).map(|held| held.holder.clone())
    };
    HELD.try_with(find).unwrap_or(None)
}

/// The holder of the newest lease, of any gate, that the calling thread has. Whoever is about to wait for
/// the engine asks this first: under a lease the wait would be a deadlock.
pub fn held_by_this_thread() -> Option<Holder> {
    HELD.try_with(|leases| leases.borrow().last().map(|held| held.holder.clone())).unwrap_or(None)
}

/// Marks the calling thread as one of a pool, for good: leases and waits for the engine are errors on it.
pub fn mark_pool_thread() {
    POOL.with(|reasons| reasons.set(reasons.get() + 1));
}

/// Marks the calling thread as one of a pool until the answer is dropped: for the thread that ticks.
pub fn pool_thread() -> PoolThread {
    mark_pool_thread();
    PoolThread { this_thread: PhantomData }
}

/// True on a thread marked by [`mark_pool_thread`] or [`pool_thread`].
pub fn is_pool_thread() -> bool {
    POOL.try_with(|reasons| reasons.get() > 0).unwrap_or(false)
}

/// The thread counts as one of the pool while this lives.
#[must_use = "the thread is unmarked as soon as this is dropped"]
#[derive(Debug)]
pub struct PoolThread {
    this_thread: PhantomData<*const ()>,
}

impl Drop for PoolThread {
    fn drop(&mut self) {
        let _ = POOL.try_with(|reasons| reasons.set(reasons.get() - 1));
    }
}
