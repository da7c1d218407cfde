//! `Prev<T>`: query data that reads the last committed frame.
//!
//! Invariant: its access is a read of the type's first id, so any number of systems may hold it beside the
//! one owner. It never sees the slot that is being written.

#![expect(unsafe_code, reason = "implements bevy's unsafe query traits")]

use crate::buffer::{State, Typed, raw};
use crate::registry;
use bevy_ecs::archetype::Archetype;
use bevy_ecs::change_detection::Tick;
use bevy_ecs::component::{ComponentId, Components};
use bevy_ecs::entity::Entity;
use bevy_ecs::query::{
    ArchetypeQueryData, ContiguousQueryData, EcsAccessLevel, EcsAccessType, FilteredAccess,
    FilteredAccessSet, IterQueryData, QueryData, ReadOnlyQueryData, ReleaseStateQueryData,
    SingleEntityQueryData, WorldQuery,
};
use bevy_ecs::storage::{Table, TableRow};
use bevy_ecs::world::World;
use bevy_ecs::world::unsafe_world_cell::UnsafeWorldCell;
use core::marker::PhantomData;
use core::ops::Range;
use std::sync::Arc;

/// Reads `T` as it was at the last commit. In a query its item is `&T`.
///
/// ```
/// use diptych_engine::prelude::*;
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Height(f32);
/// fn tallest(heights: Query<Prev<Height>>) {
///     let _top = heights.iter().fold(0.0, |top: f32, height| top.max(height.0));
/// }
/// # let _ = tallest;
/// ```
#[derive(Debug)]
pub struct Prev<T>(PhantomData<fn() -> T>);

/// What [`Prev`] and `Next` remember of their type.
#[derive(Debug)]
pub struct BufferState<T: State>(pub(crate) Arc<Typed<T>>);

/// Where the rows of the current table are.
#[derive(Debug)]
pub struct PrevFetch<'w, T> {
    slot: ComponentId,
    start: *const T,
    marker: PhantomData<&'w T>,
}

impl<T> Clone for PrevFetch<'_, T> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

/// Registers a read of `id` without a hash-ordered `required` entry.
pub(crate) fn add_read(access: &mut FilteredAccess, id: ComponentId) {
    access.access_mut().add_read(id);
    access.and_with(id);
}

// SAFETY: `fetch` reads the column of the previous slot. `update_component_access` registers that as a read
// of the first id and a `With` of it, by role: the engine lets nobody write the previous slot during a wave,
// and every archetype that has one of the two columns has both. `matches_component_set` asks for that id.
unsafe impl<T: State> WorldQuery for Prev<T> {
    type Fetch<'w> = PrevFetch<'w, T>;
    type State = BufferState<T>;

    fn shrink_fetch<'wlong: 'wshort, 'wshort>(fetch: PrevFetch<'wlong, T>) -> PrevFetch<'wshort, T> {
        PrevFetch { slot: fetch.slot, start: fetch.start, marker: PhantomData }
    }

    #[inline]
    unsafe fn init_fetch<'w>(
        _: UnsafeWorldCell<'w>,
        state: &BufferState<T>,
        _: Tick,
        _: Tick,
    ) -> PrevFetch<'w, T> {
        let slot = state.0.slots[state.0.frames.roles().prev()];
        PrevFetch { slot, start: core::ptr::null(), marker: PhantomData }
    }

    const IS_DENSE: bool = true;

    #[inline]
    unsafe fn set_archetype<'w>(
        fetch: &mut PrevFetch<'w, T>,
        state: &BufferState<T>,
        _: &'w Archetype,
        table: &'w Table,
    ) {
        // SAFETY: the caller's promise is that of `set_table` and more.
        unsafe { Self::set_table(fetch, state, table) };
    }

    #[inline]
    unsafe fn set_table<'w>(fetch: &mut PrevFetch<'w, T>, _: &BufferState<T>, table: &'w Table) {
        // SAFETY: `slot` is one of the type's own component ids.
        let start = unsafe { raw::column::<T>(table, fetch.slot) };
        fetch.start = start.expect("a matched table holds the type").cast_const();
    }

    fn update_component_access(state: &BufferState<T>, access: &mut FilteredAccess) {
        let id = state.0.slots[0];
        assert!(
            !access.access().has_write(id),
            "Prev<{}> conflicts with an earlier access in this query",
            core::any::type_name::<T>()
        );
        add_read(access, id);
    }

    fn init_nested_access(
        _: &BufferState<T>,
        _: Option<&str>,
        _: &mut FilteredAccessSet,
        _: UnsafeWorldCell,
    ) {
    }

    fn init_state(world: &mut World) -> BufferState<T> {
        BufferState(registry::resolve(world))
    }

    fn get_state(_: &Components) -> Option<BufferState<T>> {
        None
    }

    fn matches_component_set(state: &BufferState<T>, has: &impl Fn(ComponentId) -> bool) -> bool {
        has(state.0.slots[0])
    }

    fn update_archetypes(_: &mut BufferState<T>, _: UnsafeWorldCell) {}
}

// SAFETY: it is read-only, and `ReadOnly` is itself.
unsafe impl<T: State> QueryData for Prev<T> {
    const IS_READ_ONLY: bool = true;
    const IS_ARCHETYPAL: bool = true;
    type ReadOnly = Self;
    type Item<'w, 's> = &'w T;

    fn shrink<'wlong: 'wshort, 'wshort, 's>(item: Self::Item<'wlong, 's>) -> Self::Item<'wshort, 's> {
        item
    }

    #[inline(always)]
    unsafe fn fetch<'w, 's>(
        _: &'s BufferState<T>,
        fetch: &mut Self::Fetch<'w>,
        _: Entity,
        row: TableRow,
    ) -> Option<Self::Item<'w, 's>> {
        // SAFETY: the caller promises a row of the current table.
        let place = unsafe { fetch.start.add(row.index()) };
        // SAFETY: the value is initialized, and nobody writes the previous slot during a wave.
        Some(unsafe { &*place })
    }

    fn iter_access(state: &BufferState<T>) -> impl Iterator<Item = EcsAccessType<'_>> {
        core::iter::once(EcsAccessType::Component(EcsAccessLevel::Read(state.0.slots[0])))
    }
}

// SAFETY: only the current entity is read.
unsafe impl<T: State> IterQueryData for Prev<T> {}
// SAFETY: access is read-only.
unsafe impl<T: State> ReadOnlyQueryData for Prev<T> {}
// SAFETY: only the current entity is read.
unsafe impl<T: State> SingleEntityQueryData for Prev<T> {}

impl<T: State> ReleaseStateQueryData for Prev<T> {
    fn release_state<'w>(item: Self::Item<'w, '_>) -> Self::Item<'w, 'static> {
        item
    }
}

impl<T: State> ArchetypeQueryData for Prev<T> {}

impl<T: State> ContiguousQueryData for Prev<T> {
    type Contiguous<'w, 's> = &'w [T];

    unsafe fn fetch_contiguous<'w>(
        _: &BufferState<T>,
        fetch: &mut PrevFetch<'w, T>,
        _: &'w [Entity],
        range: Range<u32>,
    ) -> &'w [T] {
        // SAFETY: the caller promises that the range lies in the current table.
        let start = unsafe { fetch.start.add(range.start as usize) };
        // SAFETY: the values are initialized, and nobody writes the previous slot during a wave.
        unsafe { core::slice::from_raw_parts(start, range.len()) }
    }
}
