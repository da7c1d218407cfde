//! `Fresh<T>`: query data that hands out a value only in the frame after it was set.
//!
//! Invariant: it reads the previous slot and its marks, which nobody writes during a wave; its access is that
//! of `Prev<T>`. Who wants to come by fresh rows only takes `Changes<T>`, which looks at no others.

#![expect(unsafe_code, reason = "implements bevy's unsafe query traits")]

use super::block::Block;
use super::filter::{MarkFetch, mark_fetch};
use super::prev::{BufferState, Prev, PrevFetch};
use crate::buffer::{Kind, State, TableMarks};
use bevy_ecs::archetype::Archetype;
use bevy_ecs::change_detection::Tick;
use bevy_ecs::component::{ComponentId, Components};
use bevy_ecs::entity::Entity;
use bevy_ecs::query::{
    ArchetypeQueryData, ContiguousQueryData, EcsAccessType, FilteredAccess, FilteredAccessSet, IterQueryData,
    QueryData, ReadOnlyQueryData, SingleEntityQueryData, WorldQuery,
};
use bevy_ecs::storage::{Table, TableRow};
use bevy_ecs::world::World;
use bevy_ecs::world::unsafe_world_cell::UnsafeWorldCell;
use core::marker::PhantomData;
use core::ops::Range;

/// Reads `T` where it was set or inserted in the last commit. In a query its item is `Option<&T>`: the value
/// if it is fresh, `None` if it stayed as it was. It matches every entity that holds `T`.
///
/// Set means: by its owner or by an input, to whatever value; `carry` and rows left alone are not fresh. Of a
/// transient type it is the way to tell a value from a blank. Packed, it is a [`FreshBlock`].
///
/// ```
/// use diptych_engine::prelude::*;
/// # #[derive(Clone, Copy, Pod, Zeroable)]
/// # #[repr(C)]
/// # struct Order(u64);
/// # #[derive(Clone, Copy, Pod, Zeroable)]
/// # #[repr(C)]
/// # struct Route(u64);
/// /// A new order makes a new route; other routes stay.
/// fn plan(mut routes: Query<(Next<Route>, Fresh<Order>)>) {
///     routes.par_rows(|(mut route, order)| {
///         if let Some(order) = order {
///             route.set(Route(order.0 * 2));
///         }
///     });
/// }
/// # let _ = plan;
/// ```
#[derive(Debug)]
pub struct Fresh<T>(PhantomData<fn() -> T>);

/// Where the values and the marks of the current table are.
#[derive(Debug)]
pub struct FreshFetch<'w, T: State> {
    values: PrevFetch<'w, T>,
    marks: MarkFetch<'w>,
}

impl<T: State> Clone for FreshFetch<'_, T> {
    fn clone(&self) -> Self {
        Self { values: self.values.clone(), marks: self.marks.clone() }
    }
}

fn is_fresh(marks: &TableMarks, slot: usize, row: usize, stamp: u8) -> bool {
    matches!(marks.kind(slot, row, stamp), Kind::Changed | Kind::Added)
}

// SAFETY: the column is read as `Prev<T>` does, which registers it and says what matches; marks of the
// previous slot are written at commits only.
unsafe impl<T: State> WorldQuery for Fresh<T> {
    type Fetch<'w> = FreshFetch<'w, T>;
    type State = BufferState<T>;

    fn shrink_fetch<'wlong: 'wshort, 'wshort>(fetch: FreshFetch<'wlong, T>) -> FreshFetch<'wshort, T> {
        FreshFetch { values: Prev::<T>::shrink_fetch(fetch.values), marks: fetch.marks }
    }

    #[inline]
    unsafe fn init_fetch<'w>(
        world: UnsafeWorldCell<'w>,
        state: &BufferState<T>,
        last_run: Tick,
        this_run: Tick,
    ) -> FreshFetch<'w, T> {
        // SAFETY: the caller's promise.
        let values = unsafe { Prev::<T>::init_fetch(world, state, last_run, this_run) };
        FreshFetch { values, marks: mark_fetch(world, &state.0.frames) }
    }

    const IS_DENSE: bool = true;

    #[inline]
    unsafe fn set_archetype<'w>(
        fetch: &mut FreshFetch<'w, T>,
        state: &BufferState<T>,
        _: &'w Archetype,
        table: &'w Table,
    ) {
        // SAFETY: the caller's promise is that of `set_table` and more.
        unsafe { Self::set_table(fetch, state, table) };
    }

    #[inline]
    unsafe fn set_table<'w>(fetch: &mut FreshFetch<'w, T>, state: &BufferState<T>, table: &'w Table) {
        // SAFETY: the caller's promise.
        unsafe { Prev::<T>::set_table(&mut fetch.values, state, table) };
        fetch.marks.enter(state, table);
    }

    fn update_component_access(state: &BufferState<T>, access: &mut FilteredAccess) {
        Prev::<T>::update_component_access(state, access);
    }

    fn init_nested_access(
        _: &BufferState<T>,
        _: Option<&str>,
        _: &mut FilteredAccessSet,
        _: UnsafeWorldCell,
    ) {
    }

    fn init_state(world: &mut World) -> BufferState<T> {
        Prev::<T>::init_state(world)
    }

    fn get_state(components: &Components) -> Option<BufferState<T>> {
        Prev::<T>::get_state(components)
    }

    fn matches_component_set(state: &BufferState<T>, has: &impl Fn(ComponentId) -> bool) -> bool {
        Prev::<T>::matches_component_set(state, has)
    }

    fn update_archetypes(_: &mut BufferState<T>, _: UnsafeWorldCell) {}
}

// SAFETY: it is read-only, and `ReadOnly` is itself.
unsafe impl<T: State> QueryData for Fresh<T> {
    const IS_READ_ONLY: bool = true;
    const IS_ARCHETYPAL: bool = true;
    type ReadOnly = Self;
    type Item<'w, 's> = Option<&'w T>;

    fn shrink<'wlong: 'wshort, 'wshort, 's>(item: Self::Item<'wlong, 's>) -> Self::Item<'wshort, 's> {
        item
    }

    #[inline(always)]
    unsafe fn fetch<'w, 's>(
        state: &'s BufferState<T>,
        fetch: &mut Self::Fetch<'w>,
        entity: Entity,
        row: TableRow,
    ) -> Option<Self::Item<'w, 's>> {
        // SAFETY: `set_table` has set the marks; they live as long as the world is borrowed.
        let marks = unsafe { fetch.marks.marks() };
        if !is_fresh(marks, fetch.marks.slot, row.index(), fetch.marks.stamp) {
            return Some(None);
        }
        // SAFETY: the caller's promise.
        unsafe { Prev::<T>::fetch(state, &mut fetch.values, entity, row) }.map(Some)
    }

    fn iter_access(state: &BufferState<T>) -> impl Iterator<Item = EcsAccessType<'_>> {
        Prev::<T>::iter_access(state)
    }
}

// SAFETY: only the current entity is read.
unsafe impl<T: State> IterQueryData for Fresh<T> {}
// SAFETY: access is read-only.
unsafe impl<T: State> ReadOnlyQueryData for Fresh<T> {}
// SAFETY: only the current entity is read.
unsafe impl<T: State> SingleEntityQueryData for Fresh<T> {}

impl<T: State> ArchetypeQueryData for Fresh<T> {}

impl<T: State> ContiguousQueryData for Fresh<T> {
    type Contiguous<'w, 's> = FreshBlock<'w, T>;

    unsafe fn fetch_contiguous<'w>(
        state: &BufferState<T>,
        fetch: &mut FreshFetch<'w, T>,
        entities: &'w [Entity],
        range: Range<u32>,
    ) -> FreshBlock<'w, T> {
        let start = range.start as usize;
        // SAFETY: the caller's promise.
        let values = unsafe { Prev::<T>::fetch_contiguous(state, &mut fetch.values, entities, range) };
        // SAFETY: `set_table` has set the marks; they live as long as the world is borrowed.
        let marks = unsafe { fetch.marks.marks() };
        FreshBlock { values, marks, slot: fetch.marks.slot, stamp: fetch.marks.stamp, start }
    }
}

/// A run of rows, and which of them are fresh.
pub struct FreshBlock<'w, T> {
    values: &'w [T],
    marks: &'w TableMarks,
    slot: usize,
    stamp: u8,
    /// The table row of the block's first row.
    start: usize,
}

impl<'w, T> FreshBlock<'w, T> {
    /// The values of all rows, fresh or not.
    pub fn values(&self) -> &'w [T] {
        self.values
    }

    /// The value of a row if it is fresh; `row` counts from the block's first.
    ///
    /// # Panics
    /// When the block has no such row.
    #[inline]
    pub fn get(&self, row: usize) -> Option<&'w T> {
        let value = &self.values[row];
        is_fresh(self.marks, self.slot, self.start + row, self.stamp).then_some(value)
    }
}

impl<T> core::fmt::Debug for FreshBlock<'_, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("FreshBlock").field("rows", &self.values.len()).finish_non_exhaustive()
    }
}

impl<'w, T: State> Block for FreshBlock<'w, T> {
    type Row = Option<&'w T>;
    const ROW_BYTES: usize = size_of::<T>() + 1;

    fn len(&self) -> usize {
        self.values.len()
    }

    fn split_at(self, rows: usize) -> (Self, Self) {
        let (values, rest) = self.values.split_at(rows);
        (Self { values, ..self }, Self { values: rest, start: self.start + rows, ..self })
    }

    fn begin_rows(&mut self) {}

    #[inline(always)]
    unsafe fn row(&mut self, row: usize) -> Option<&'w T> {
        if !is_fresh(self.marks, self.slot, self.start + row, self.stamp) {
            return None;
        }
        // SAFETY: the caller promises that the row exists.
        Some(unsafe { self.values.get_unchecked(row) })
    }
}
