//! `Prev<T>`: query data that reads the last committed frame; `Now<T>`: what this frame has made of it.
//!
//! Invariant: the access of `Prev` is a read of the type's first id, so any number of systems may hold it
//! beside the one owner; it never sees the slot that is being written. The access of `Now` is a read of the
//! second id, which the owner writes: only derive systems have it, and the build orders them after the owner.

#![expect(unsafe_code, reason = "implements bevy's unsafe query traits")]

use crate::buffer::{Roles, State, Typed, raw};
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
pub type Prev<T> = Read<T, PREVIOUS>;

/// Reads `T` as this frame has made it. In a query its item is `&T`. Only derive systems may name it.
///
/// A row that its owner left alone has its previous value. What structure and inputs do to the frame comes
/// later, and is not in it.
///
/// ```
/// use diptych_engine::prelude::*;
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Height(f64);
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Top(f64);
/// fn grow(mut heights: Query<Next<Height>>) {
///     heights.par_rows(|mut height| height.set(Height(height.prev().0 + 0.5)));
/// }
/// fn find_top(heights: Query<Now<Height>>, mut tops: Query<Next<Top>>) {
///     let top = heights.iter().fold(0.0, |top: f64, height| top.max(height.0));
///     tops.par_rows(|mut row| row.set(Top(top)));
/// }
/// # fn main() -> diptych_engine::Result<()> {
/// let mut engine = Engine::in_memory()
///     .state::<Height>("trees.height", 1)
///     .state::<Top>("trees.top", 1)
///     .system("grow", grow)
///     .derive("find_top", find_top)
///     .setup("trees", |structure| {
///         structure.spawn((Height(2.0),));
///         structure.spawn((Top(0.0),));
///     })
///     .build()?;
/// engine.step()?;
/// // Not a frame late:
/// assert_eq!(engine.view().single::<Top>().map(|top| top.0), Some(2.5));
/// # Ok(())
/// # }
/// ```
pub type Now<T> = Read<T, THIS_FRAME>;

/// [`Read`] of the last committed frame.
pub const PREVIOUS: u8 = 0;
/// [`Read`] of the frame being made.
pub const THIS_FRAME: u8 = 1;

/// Reads `T`; see [`Prev`] and [`Now`], which are its two kinds.
#[derive(Debug)]
pub struct Read<T, const WHEN: u8>(PhantomData<fn() -> T>);

/// The slot that a read of this kind looks at.
#[inline]
pub(super) fn slot_of(roles: Roles, when: u8) -> usize {
    if when == PREVIOUS { roles.prev() } else { roles.next }
}

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

// SAFETY: `fetch` reads the column of one slot. `update_component_access` registers that as a read of the
// first or second id and a `With` of it, by role: the engine lets nobody write the previous slot during a
// wave, and who reads the next slot conflicts with its writer. Every archetype that has one of the two
// columns has both, so `matches_component_set` may ask for the first.
unsafe impl<T: State, const WHEN: u8> WorldQuery for Read<T, WHEN> {
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
        let slot = state.0.slots[slot_of(state.0.frames.roles(), WHEN)];
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
        let id = state.0.slots[usize::from(WHEN)];
        assert!(
            !access.access().has_write(id),
            "{}<{}> conflicts with an earlier access in this query",
            if WHEN == PREVIOUS { "Prev" } else { "Now" },
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
        if WHEN == THIS_FRAME {
            registry::refuse_now::<T>(world);
        }
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
unsafe impl<T: State, const WHEN: u8> QueryData for Read<T, WHEN> {
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
        // SAFETY: the value is initialized, and nobody writes what the access says is read.
        Some(unsafe { &*place })
    }

    fn iter_access(state: &BufferState<T>) -> impl Iterator<Item = EcsAccessType<'_>> {
        core::iter::once(EcsAccessType::Component(EcsAccessLevel::Read(state.0.slots[usize::from(WHEN)])))
    }
}

// SAFETY: only the current entity is read.
unsafe impl<T: State, const WHEN: u8> IterQueryData for Read<T, WHEN> {}
// SAFETY: access is read-only.
unsafe impl<T: State, const WHEN: u8> ReadOnlyQueryData for Read<T, WHEN> {}
// SAFETY: only the current entity is read.
unsafe impl<T: State, const WHEN: u8> SingleEntityQueryData for Read<T, WHEN> {}

impl<T: State, const WHEN: u8> ReleaseStateQueryData for Read<T, WHEN> {
    fn release_state<'w>(item: Self::Item<'w, '_>) -> Self::Item<'w, 'static> {
        item
    }
}

impl<T: State, const WHEN: u8> ArchetypeQueryData for Read<T, WHEN> {}

impl<T: State, const WHEN: u8> ContiguousQueryData for Read<T, WHEN> {
    type Contiguous<'w, 's> = &'w [T];

    unsafe fn fetch_contiguous<'w>(
        _: &BufferState<T>,
        fetch: &mut PrevFetch<'w, T>,
        _: &'w [Entity],
        range: Range<u32>,
    ) -> &'w [T] {
        // SAFETY: the caller promises that the range lies in the current table.
        let start = unsafe { fetch.start.add(range.start as usize) };
        // SAFETY: the values are initialized, and nobody writes what the access says is read.
        unsafe { core::slice::from_raw_parts(start, range.len()) }
    }
}
