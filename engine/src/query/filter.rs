//! Filters over buffered types, whose columns bevy's own filters cannot name.
//!
//! Invariant: they register no read or write (their columns are metadata or marks of the previous slot), and
//! so never make two systems conflict, nor two owners disjoint.

#![expect(unsafe_code, reason = "implements bevy's unsafe query traits")]

use super::block::HeldBlock;
use super::prev::BufferState;
use crate::buffer::{Kind, State, TableMarks};
use crate::registry;
use bevy_ecs::archetype::Archetype;
use bevy_ecs::change_detection::Tick;
use bevy_ecs::component::{ComponentId, Components};
use bevy_ecs::entity::Entity;
use bevy_ecs::query::{
    ArchetypeFilter, ArchetypeQueryData, ContiguousQueryData, EcsAccessType, FilteredAccess,
    FilteredAccessSet, IterQueryData, QueryData, QueryFilter, ReadOnlyQueryData, SingleEntityQueryData,
    WorldQuery,
};
use bevy_ecs::storage::{Table, TableId, TableRow, Tables};
use bevy_ecs::world::World;
use bevy_ecs::world::unsafe_world_cell::UnsafeWorldCell;
use core::marker::PhantomData;
use core::ops::Range;

/// Entities that hold the buffered type `T`.
#[derive(Debug)]
pub struct With<T>(PhantomData<fn() -> T>);

/// Entities that do not hold the buffered type `T`.
#[derive(Debug)]
pub struct Without<T>(PhantomData<fn() -> T>);

/// Query data: whether the entity holds the buffered type `T`.
#[derive(Debug)]
pub struct Has<T>(PhantomData<fn() -> T>);

/// Entities whose `T` was set in the last commit, by its owner or by an input, or inserted.
///
/// As a filter of a whole loop it looks at every matched row's mark; [`super::Changes`] visits only the
/// changed rows.
#[derive(Debug)]
pub struct Changed<T>(PhantomData<fn() -> T>);

/// Entities that received `T` in the last commit.
#[derive(Debug)]
pub struct Added<T>(PhantomData<fn() -> T>);

/// The marks of the current table's previous slot.
#[derive(Clone)]
pub struct MarkFetch<'w> {
    tables: &'w Tables,
    pub(super) slot: usize,
    pub(super) stamp: u8,
    marks: *const TableMarks,
}

impl<'w> MarkFetch<'w> {
    /// Points at the marks of a table.
    #[inline]
    pub(super) fn enter<T: State>(&mut self, state: &BufferState<T>, table: &Table) {
        self.marks = find_marks(self.tables, state, table);
    }

    /// The marks of the current table.
    ///
    /// # Safety
    /// `enter` was called, and the world is still borrowed.
    #[inline(always)]
    pub(super) unsafe fn marks(&self) -> &'w TableMarks {
        // SAFETY: the caller's promise.
        unsafe { &*self.marks }
    }
}

impl core::fmt::Debug for MarkFetch<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("MarkFetch").field("slot", &self.slot).finish_non_exhaustive()
    }
}

macro_rules! world_query {
    (
        $name:ident, $fetch:ty, $shrink:expr,
        init($world:ident, $init_state:ident) $init:block,
        enter($table_fetch:ident, $table_state:ident, $table:ident) $enter:block,
        access($access_state:ident, $access:ident) $update:block,
        matches($match_state:ident, $has:ident) $matches:expr
    ) => {
        // SAFETY: no column is read or written; what is asked of the table or the archetype is metadata or
        // marks of the previous slot, which nobody writes during a wave. `matches_component_set` agrees with
        // the filter that `update_component_access` adds, if any.
        unsafe impl<T: State> WorldQuery for $name<T> {
            type Fetch<'w> = $fetch;
            type State = BufferState<T>;

            fn shrink_fetch<'wlong: 'wshort, 'wshort>(
                fetch: Self::Fetch<'wlong>,
            ) -> Self::Fetch<'wshort> {
                $shrink(fetch)
            }

            #[inline]
            unsafe fn init_fetch<'w>(
                $world: UnsafeWorldCell<'w>,
                $init_state: &BufferState<T>,
                _: Tick,
                _: Tick,
            ) -> Self::Fetch<'w> $init

            const IS_DENSE: bool = true;

            #[inline]
            unsafe fn set_archetype<'w>(
                fetch: &mut Self::Fetch<'w>,
                state: &BufferState<T>,
                _: &'w Archetype,
                table: &'w Table,
            ) {
                // SAFETY: the caller's promise is that of `set_table` and more.
                unsafe { Self::set_table(fetch, state, table) };
            }

            #[inline]
            unsafe fn set_table<'w>(
                $table_fetch: &mut Self::Fetch<'w>,
                $table_state: &BufferState<T>,
                $table: &'w Table,
            ) $enter

            fn update_component_access($access_state: &BufferState<T>, $access: &mut FilteredAccess) $update

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

            fn matches_component_set(
                $match_state: &BufferState<T>,
                $has: &impl Fn(ComponentId) -> bool,
            ) -> bool {
                $matches
            }

            fn update_archetypes(_: &mut BufferState<T>, _: UnsafeWorldCell) {}
        }
    };
}

world_query!(With, (), |()| (),
    init(_world, _state) {},
    enter(_fetch, _state, _table) {},
    access(state, access) { access.and_with(state.0.slots[0]); },
    matches(state, has) has(state.0.slots[0]));
world_query!(Without, (), |()| (),
    init(_world, _state) {},
    enter(_fetch, _state, _table) {},
    access(state, access) { access.and_without(state.0.slots[0]); },
    matches(state, has) !has(state.0.slots[0]));
world_query!(Has, bool, |held| held,
    init(_world, _state) { false },
    enter(fetch, state, table) { *fetch = table.has_column(state.0.slots[0]); },
    access(_state, _access) {},
    matches(_state, _has) true);

macro_rules! mark_filter {
    ($name:ident, $($kind:ident)|+) => {
        world_query!($name, MarkFetch<'w>, shrink_marks,
            init(world, state) { mark_fetch(world, &state.0.frames) },
            enter(fetch, state, table) { fetch.enter(state, table); },
            access(state, access) { access.and_with(state.0.slots[0]); },
            matches(state, has) has(state.0.slots[0]));

        // SAFETY: nothing but marks of the previous slot is read.
        unsafe impl<T: State> QueryFilter for $name<T> {
            const IS_ARCHETYPAL: bool = false;

            #[inline(always)]
            unsafe fn filter_fetch(
                _: &BufferState<T>,
                fetch: &mut MarkFetch<'_>,
                _: Entity,
                row: TableRow,
            ) -> bool {
                // SAFETY: `set_table` has set `marks`; they live as long as the world is borrowed.
                let marks = unsafe { fetch.marks() };
                matches!(marks.kind(fetch.slot, row.index(), fetch.stamp), $(Kind::$kind)|+)
            }
        }
    };
}

mark_filter!(Changed, Changed | Added);
mark_filter!(Added, Added);

fn shrink_marks<'short>(fetch: MarkFetch<'short>) -> MarkFetch<'short> {
    fetch
}

pub(super) fn mark_fetch<'w>(world: UnsafeWorldCell<'w>, frames: &crate::buffer::Frames) -> MarkFetch<'w> {
    let roles = frames.roles();
    let slot = roles.prev();
    // SAFETY: only the list of tables is kept, to find a table's id by.
    let tables = unsafe { &world.storages().tables };
    MarkFetch { tables, slot, stamp: roles.stamps[slot], marks: core::ptr::null() }
}

fn find_marks<T: State>(tables: &Tables, state: &BufferState<T>, table: &Table) -> *const TableMarks {
    let id: TableId = super::next::table_id(tables, table);
    state.0.table(id).expect("the engine enters every table that holds the type")
}

// SAFETY: nothing is read; the archetype decides.
unsafe impl<T: State> QueryFilter for With<T> {
    const IS_ARCHETYPAL: bool = true;

    #[inline(always)]
    unsafe fn filter_fetch(_: &BufferState<T>, (): &mut (), _: Entity, _: TableRow) -> bool {
        true
    }
}

// SAFETY: nothing is read; the archetype decides.
unsafe impl<T: State> QueryFilter for Without<T> {
    const IS_ARCHETYPAL: bool = true;

    #[inline(always)]
    unsafe fn filter_fetch(_: &BufferState<T>, (): &mut (), _: Entity, _: TableRow) -> bool {
        true
    }
}

impl<T: State> ArchetypeFilter for With<T> {}
impl<T: State> ArchetypeFilter for Without<T> {}

// SAFETY: read-only, and `ReadOnly` is itself.
unsafe impl<T: State> QueryData for Has<T> {
    const IS_READ_ONLY: bool = true;
    const IS_ARCHETYPAL: bool = true;
    type ReadOnly = Self;
    type Item<'w, 's> = bool;

    fn shrink<'wlong: 'wshort, 'wshort, 's>(held: Self::Item<'wlong, 's>) -> Self::Item<'wshort, 's> {
        held
    }

    #[inline(always)]
    unsafe fn fetch<'w, 's>(
        _: &'s BufferState<T>,
        held: &mut Self::Fetch<'w>,
        _: Entity,
        _: TableRow,
    ) -> Option<Self::Item<'w, 's>> {
        Some(*held)
    }

    fn iter_access(_: &BufferState<T>) -> impl Iterator<Item = EcsAccessType<'_>> {
        core::iter::empty()
    }
}

// SAFETY: nothing of any entity is borrowed.
unsafe impl<T: State> IterQueryData for Has<T> {}
// SAFETY: access is read-only.
unsafe impl<T: State> ReadOnlyQueryData for Has<T> {}
// SAFETY: nothing of any entity is borrowed.
unsafe impl<T: State> SingleEntityQueryData for Has<T> {}

impl<T: State> ArchetypeQueryData for Has<T> {}

impl<T: State> ContiguousQueryData for Has<T> {
    type Contiguous<'w, 's> = HeldBlock;

    unsafe fn fetch_contiguous<'w, 's>(
        _: &'s BufferState<T>,
        held: &mut Self::Fetch<'w>,
        _: &'w [Entity],
        _: Range<u32>,
    ) -> Self::Contiguous<'w, 's> {
        HeldBlock(*held)
    }
}
