//! The marks of one type, a table each.
//!
//! Invariant: the list grows, and rows come and go, only while nothing runs.

#![expect(unsafe_code, reason = "shares marks whose writers are kept apart by phase")]

use super::TableMarks;
use bevy_ecs::storage::TableId;
use core::cell::UnsafeCell;

/// Marks by table.
#[derive(Default)]
pub(crate) struct ByTable(UnsafeCell<Vec<Option<Box<TableMarks>>>>);

// SAFETY: shared access hands out `&TableMarks`, whose shared parts are atomics; `get_mut` excludes it by its
// contract.
unsafe impl Sync for ByTable {}

impl ByTable {
    #[inline]
    pub(crate) fn get(&self, table: TableId) -> Option<&TableMarks> {
        // SAFETY: writers use `all_mut`, whose callers exclude every reader.
        let tables = unsafe { &*self.0.get() };
        tables.get(table.as_usize())?.as_deref()
    }

    /// Tables there may be marks for: ids below this.
    pub(crate) fn len(&self) -> usize {
        // SAFETY: as in `get`.
        unsafe { &*self.0.get() }.len()
    }

    /// # Safety
    /// Nothing else uses these marks while the answer lives.
    #[expect(clippy::mut_from_ref, reason = "exclusion is by phase")]
    pub(crate) unsafe fn all_mut(&self) -> &mut Vec<Option<Box<TableMarks>>> {
        // SAFETY: the caller excludes every other use.
        unsafe { &mut *self.0.get() }
    }

    /// # Safety
    /// Nothing else uses these marks while the answer lives.
    #[expect(clippy::mut_from_ref, reason = "exclusion is by phase")]
    pub(crate) unsafe fn get_mut(&self, table: TableId) -> Option<&mut TableMarks> {
        // SAFETY: the caller's promise.
        unsafe { self.all_mut() }.get_mut(table.as_usize())?.as_deref_mut()
    }

    /// # Safety
    /// Nothing else uses these marks meanwhile.
    pub(crate) unsafe fn enter(&self, table: TableId) {
        // SAFETY: the caller's promise.
        let tables = unsafe { self.all_mut() };
        if tables.len() <= table.as_usize() {
            tables.resize_with(table.as_usize() + 1, || None);
        }
        tables[table.as_usize()].get_or_insert_default();
    }

    /// # Safety
    /// Nothing else uses these marks meanwhile.
    pub(crate) unsafe fn clear(&self, slot: usize) {
        // SAFETY: the caller's promise.
        unsafe { self.all_mut() }.iter_mut().flatten().for_each(|marks| marks.clear(slot));
    }
}
