//! Values of one column that were overwritten, kept to be put back.
//!
//! Invariant: values lie in the order in which they were kept, and stay until the shelf is cleared. Where they
//! came from is `rewind`'s to know.

#![expect(unsafe_code, reason = "reads and writes table columns through raw pointers")]

use super::{State, raw};
use crate::id::Id;
use crate::sabotage::{self, Bug};
use bevy_ecs::component::ComponentId;
use bevy_ecs::storage::Table;
use std::ops::Range;

/// See the module.
pub(crate) trait Shelf: Send + Sync {
    /// Keeps the values of rows, behind those that are kept already.
    ///
    /// # Safety
    /// Nobody writes the slot meanwhile.
    unsafe fn keep(&mut self, table: &Table, slot: usize, rows: Range<usize>);

    /// Writes the values from number `first` on into rows: what `slot`, which is to be the committed one, held,
    /// and in the other slot what stands there between commits.
    ///
    /// # Safety
    /// The caller has the world to itself, and the rows are in the table.
    unsafe fn put_back(&self, first: usize, table: &Table, slot: usize, rows: Range<usize>);

    /// Values kept.
    fn len(&self) -> usize;

    /// Bytes that the values take here; what they own elsewhere is not counted.
    fn bytes(&self) -> u64;

    /// Forgets the values; the room stays if much of it was used.
    fn clear(&mut self);
}

/// The shelf of a buffered type.
pub(super) struct TypedShelf<T: State> {
    pub(super) slots: [ComponentId; 2],
    /// Of a transient type: what stands in the slot that is written next.
    pub(super) blank: Option<fn() -> Option<T>>,
    pub(super) values: Vec<T>,
}

impl<T: State> TypedShelf<T> {
    /// # Safety
    /// As [`Shelf::put_back`], and the answer is the only reference to these rows while it lives.
    #[expect(clippy::mut_from_ref, reason = "exclusion is by phase")]
    unsafe fn places<'t>(&self, table: &'t Table, slot: usize, rows: Range<usize>) -> &'t mut [T] {
        // SAFETY: `slots` are this type's own component ids.
        let start = unsafe { raw::column::<T>(table, self.slots[slot]) }.expect("the table holds the type");
        // SAFETY: the rows are in the table, by the caller's promise.
        let first = unsafe { start.add(rows.start) };
        // SAFETY: the column has a value for each row, and the caller has the world to itself.
        unsafe { core::slice::from_raw_parts_mut(first, rows.len()) }
    }
}

impl<T: State> Shelf for TypedShelf<T> {
    unsafe fn keep(&mut self, table: &Table, slot: usize, rows: Range<usize>) {
        // SAFETY: `slots` are this type's own component ids.
        let start = unsafe { raw::column::<T>(table, self.slots[slot]) }.expect("the table holds the type");
        assert!(rows.end <= table.entity_count() as usize, "rows that are kept are in the table");
        // SAFETY: the rows are in the table.
        let first = unsafe { start.add(rows.start) };
        // SAFETY: the column has a value for each row; nobody writes them, by the caller's promise.
        self.values.extend_from_slice(unsafe { core::slice::from_raw_parts(first, rows.len()) });
    }

    unsafe fn put_back(&self, first: usize, table: &Table, slot: usize, rows: Range<usize>) {
        if sabotage::now_and_then(Bug::WrongUndo) {
            return;
        }
        let values = &self.values[first..first + rows.len()];
        // SAFETY: the caller's promise.
        unsafe { self.places(table, slot, rows.clone()) }.clone_from_slice(values);
        // SAFETY: the caller's promise; the places before are those of another column.
        let others = unsafe { self.places(table, 1 - slot, rows) };
        match self.blank {
            None => others.clone_from_slice(values),
            Some(blank) => {
                others.fill_with(|| blank().expect("the build refuses types without a blank value"))
            }
        }
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    fn bytes(&self) -> u64 {
        size_of_val(&*self.values) as u64
    }

    fn clear(&mut self) {
        clear(&mut self.values);
    }
}

/// The shelf of `Id`s, whose two slots are one.
pub(super) struct IdShelf {
    pub(super) component: ComponentId,
    pub(super) values: Vec<Id>,
}

impl Shelf for IdShelf {
    unsafe fn keep(&mut self, table: &Table, _: usize, rows: Range<usize>) {
        // SAFETY: `component` is the id of `Id`.
        let start = unsafe { raw::plain_column::<Id>(table, self.component) }.expect("our tables hold Ids");
        assert!(rows.end <= table.entity_count() as usize, "rows that are kept are in the table");
        // SAFETY: the rows are in the table.
        let first = unsafe { start.add(rows.start) };
        // SAFETY: the column has a value for each row; nobody writes them, by the caller's promise.
        self.values.extend_from_slice(unsafe { core::slice::from_raw_parts(first, rows.len()) });
    }

    unsafe fn put_back(&self, first: usize, table: &Table, _: usize, rows: Range<usize>) {
        let values = &self.values[first..first + rows.len()];
        // SAFETY: `component` is the id of `Id`.
        let start =
            unsafe { raw::plain_column_mut::<Id>(table, self.component) }.expect("our tables hold Ids");
        // SAFETY: the rows are in the table, by the caller's promise.
        let first = unsafe { start.add(rows.start) };
        // SAFETY: the column has a value for each row, and the caller has the world to itself.
        unsafe { core::slice::from_raw_parts_mut(first, rows.len()) }.copy_from_slice(values);
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    fn bytes(&self) -> u64 {
        size_of_val(&*self.values) as u64
    }

    fn clear(&mut self) {
        clear(&mut self.values);
    }
}

/// Empties a list, and frees it where it used a quarter of its room or less.
fn clear<T>(values: &mut Vec<T>) {
    if values.len() <= values.capacity() / 4 {
        *values = Vec::new();
    } else {
        values.clear();
    }
}
