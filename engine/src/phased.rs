//! A value that systems read during waves and only the commit writes.
//!
//! Invariant: `get_mut` is called only by whoever has the whole engine to itself; then plain references are
//! enough and no lock is taken on the way.

#![expect(unsafe_code, reason = "shares a value whose writers are kept apart by phase")]

use core::cell::UnsafeCell;

/// Read in waves, written at commits.
#[derive(Debug, Default)]
pub(crate) struct Phased<T>(UnsafeCell<T>);

// SAFETY: shared access hands out `&T` only, which `T: Sync` allows; `get_mut` excludes it by its contract.
unsafe impl<T: Send + Sync> Sync for Phased<T> {}

impl<T> Phased<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    #[inline]
    pub(crate) fn get(&self) -> &T {
        // SAFETY: writers use `get_mut`, whose callers exclude every reader.
        unsafe { &*self.0.get() }
    }

    /// # Safety
    /// No other reference into the value lives while the answer does: no system runs, no lease is held.
    #[expect(clippy::mut_from_ref, reason = "exclusion is by phase")]
    pub(crate) unsafe fn get_mut(&self) -> &mut T {
        // SAFETY: the caller excludes every other reference.
        unsafe { &mut *self.0.get() }
    }
}
