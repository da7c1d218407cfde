//! Raw views of the two buffers and their marks: the casts that everything else in the engine rests on.
//!
//! Invariant: a value of slot `s` is written only by the owner's loops while `s` is the next slot, or by the
//! commit while nothing runs; it is read as `&T` only while `s` is the previous slot, or by that same owner.
//! Marks are ordinary `core` atomics on purpose: they are no protocol (one owner writes, a join of the pool
//! orders its writes before every reader), and row marks are written as plain bytes through `as_ptr`, so
//! that loops stay vectorized.

#![expect(unsafe_code, reason = "casts between table columns and slices of the buffered type")]

pub(crate) use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use super::State;
use bevy_ecs::component::{Component, ComponentId};
use bevy_ecs::storage::Table;
use core::cell::UnsafeCell;

/// One of the two table components that hold a buffered type. Private, so that nothing but the engine's own
/// query data can name it.
#[derive(Component)]
#[repr(transparent)]
pub(crate) struct Slot<T: State, const SIDE: usize>(pub(crate) T);

/// The first value of a slot's column in `table`; as many follow as the table has rows.
///
/// Returns `None` when the table does not hold the type.
///
/// # Safety
/// `id` is the component id of `Slot<T, 0>` or `Slot<T, 1>` in the world of `table`.
#[inline]
pub(crate) unsafe fn column<T: State>(table: &Table, id: ComponentId) -> Option<*mut T> {
    let column = table.get_column(id)?;
    // SAFETY: the column stores `Slot<T, _>`, a transparent wrapper of `T`, and has a value for each of the
    // table's rows.
    let cells = unsafe { column.get_data_slice::<T>(table.entity_count() as usize) };
    Some(UnsafeCell::raw_get(cells.as_ptr()))
}

/// Row marks as plain bytes.
///
/// # Safety
/// Nobody writes these marks while the slice lives.
pub(crate) unsafe fn plain(marks: &[AtomicU8]) -> &[u8] {
    let start = marks.as_ptr().cast::<u8>();
    // SAFETY: an `AtomicU8` has the size, alignment and validity of a `u8`; the caller excludes writers.
    unsafe { core::slice::from_raw_parts(start, marks.len()) }
}

/// The first value of an ordinary component's column in `table`.
///
/// # Safety
/// `id` is the component id of `C` in the world of `table`.
#[inline]
pub(crate) unsafe fn plain_column<C: Component>(table: &Table, id: ComponentId) -> Option<*const C> {
    let column = table.get_column(id)?;
    // SAFETY: the column stores `C` and has a value for each of the table's rows.
    let cells = unsafe { column.get_data_slice::<C>(table.entity_count() as usize) };
    Some(cells.as_ptr().cast())
}

/// The same, to be written by who has the world to itself.
///
/// # Safety
/// `id` is the component id of `C` in the world of `table`.
pub(crate) unsafe fn plain_column_mut<C: Component>(table: &Table, id: ComponentId) -> Option<*mut C> {
    let column = table.get_column(id)?;
    // SAFETY: the column stores `C` and has a value for each of the table's rows.
    let cells = unsafe { column.get_data_slice::<C>(table.entity_count() as usize) };
    Some(UnsafeCell::raw_get(cells.as_ptr()))
}

/// Marks as plain bytes to write.
pub(crate) fn plain_mut(marks: &mut [AtomicU8]) -> &mut [u8] {
    let start = marks.as_mut_ptr().cast::<u8>();
    // SAFETY: an `AtomicU8` has the size, alignment and validity of a `u8`; the borrow is exclusive.
    unsafe { core::slice::from_raw_parts_mut(start, marks.len()) }
}
