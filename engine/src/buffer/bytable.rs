//! The marks of one type, a table each.
//!
//! Invariant: the list grows, and rows come and go, only while nothing runs.

#![expect(unsafe_code, reason = "shares marks whose writers are kept apart by phase")]

use super::TableMarks;
use bevy_ecs::storage::TableId;
use core::cell::UnsafeCell;

/// No marks for a table.
const NONE: u32 = u32::MAX;

/// Marks by table.
#[derive(Default)]
pub(crate) struct ByTable(UnsafeCell<Inner>);

#[derive(Default)]
struct Inner {
    /// Index into `held`, by table id.
    places: Vec<u32>,
    /// The tables that hold the type, in the order of their creation.
    held: Vec<(TableId, Box<TableMarks>)>,
}

// SAFETY: shared access hands out `&TableMarks`, whose shared parts are atomics; `inner_mut` excludes it by its
// contract.
unsafe impl Sync for ByTable {}

impl ByTable {
    /// The marks in one table.
    #[inline]
    pub(crate) fn get(&self, table: TableId) -> Option<&TableMarks> {
        let inner = self.inner();
        let place = *inner.places.get(table.as_usize())?;
        inner.held.get(place as usize).map(|(_, marks)| &**marks)
    }

    /// The tables that hold the type, with their marks.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (TableId, &TableMarks)> {
        self.inner().held.iter().map(|(table, marks)| (*table, &**marks))
    }

    #[inline]
    fn inner(&self) -> &Inner {
        // SAFETY: writers use `inner_mut`, whose callers exclude every reader.
        unsafe { &*self.0.get() }
    }

    /// # Safety
    /// Nothing else uses these marks while the answer lives.
    #[expect(clippy::mut_from_ref, reason = "exclusion is by phase")]
    unsafe fn inner_mut(&self) -> &mut Inner {
        // SAFETY: the caller excludes every other use.
        unsafe { &mut *self.0.get() }
    }

    /// # Safety
    /// Nothing else uses these marks while the answer lives.
    #[expect(clippy::mut_from_ref, reason = "exclusion is by phase")]
    pub(crate) unsafe fn get_mut(&self, table: TableId) -> Option<&mut TableMarks> {
        // SAFETY: the caller's promise.
        let inner = unsafe { self.inner_mut() };
        let place = *inner.places.get(table.as_usize())?;
        inner.held.get_mut(place as usize).map(|(_, marks)| &mut **marks)
    }

    /// How many tables hold the type.
    pub(crate) fn len(&self) -> usize {
        self.inner().held.len()
    }

    /// The `place`-th table that holds the type.
    ///
    /// # Safety
    /// Nothing else uses these marks while the answer lives.
    #[expect(clippy::mut_from_ref, reason = "exclusion is by phase")]
    pub(crate) unsafe fn at_mut(&self, place: usize) -> (TableId, &mut TableMarks) {
        // SAFETY: the caller's promise.
        let (table, marks) = &mut unsafe { self.inner_mut() }.held[place];
        (*table, marks)
    }

    /// # Safety
    /// Nothing else uses these marks meanwhile.
    pub(crate) unsafe fn enter(&self, table: TableId) {
        // SAFETY: the caller's promise.
        let inner = unsafe { self.inner_mut() };
        if inner.places.len() <= table.as_usize() {
            inner.places.resize(table.as_usize() + 1, NONE);
        }
        inner.places[table.as_usize()] = inner.held.len() as u32;
        inner.held.push((table, Box::default()));
    }

    /// # Safety
    /// Nothing else uses these marks meanwhile.
    pub(crate) unsafe fn clear(&self, slot: usize) {
        // SAFETY: the caller's promise.
        unsafe { self.inner_mut() }.held.iter_mut().for_each(|(_, marks)| marks.clear(slot));
    }
}
