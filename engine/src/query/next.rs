//! `Next<T>`: query data that owns a type: it reads the last committed frame and writes the next.
//!
//! Invariant: its access is a write of the type's second id; the build lets one system register that. A
//! whole-table loop marks the table as looped over, a single fetch marks the row's page, so that the commit
//! looks only there. The marks' meaning is in `buffer/marks.rs`.

#![expect(unsafe_code, reason = "implements bevy's unsafe query traits")]

use super::block::{NextBlock, NextRow};
use super::prev::{BufferState, Prev, add_read};
use crate::buffer::{PAGE_SHIFT, Roles, Side, State, raw};
use crate::registry;
use bevy_ecs::archetype::Archetype;
use bevy_ecs::change_detection::Tick;
use bevy_ecs::component::{ComponentId, Components};
use bevy_ecs::entity::Entity;
use bevy_ecs::query::{
    ArchetypeQueryData, ContiguousQueryData, EcsAccessLevel, EcsAccessType, FilteredAccess,
    FilteredAccessSet, IterQueryData, QueryData, SingleEntityQueryData, WorldQuery,
};
use bevy_ecs::storage::{Table, TableId, TableRow, Tables};
use bevy_ecs::world::World;
use bevy_ecs::world::unsafe_world_cell::UnsafeWorldCell;
use core::marker::PhantomData;
use core::ops::Range;
use raw::Ordering;

/// Owns `T`: reads it as it was at the last commit and writes the next frame's value.
///
/// The system that names `Next<T>` is the owner of `T`; a second one is refused at build. The item of a
/// query is a [`NextRow`]; a row that is left alone keeps its value.
///
/// ```
/// use diptych_engine::prelude::*;
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Height(f32);
/// fn grow(mut heights: Query<Next<Height>>) {
///     for mut height in &mut heights {
///         height.set(Height(height.prev().0 + 0.5));
///     }
/// }
/// # let _ = grow;
/// ```
#[derive(Debug)]
pub struct Next<T>(PhantomData<fn(T)>);

/// Where the rows of the current table are.
pub struct NextFetch<'w, T> {
    tables: &'w Tables,
    roles: Roles,
    /// The next slot's stamp.
    stamp: u8,
    prev: *const T,
    next: *mut T,
    marks: *mut u8,
    /// Whether rows are fetched one by one, and not a whole table in a loop.
    single: bool,
    side: *const Side,
    /// Whether this fetch was the one that marked the table as looped over.
    scan_is_mine: bool,
}

impl<T> core::fmt::Debug for NextFetch<'_, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("NextFetch").field("roles", &self.roles).finish_non_exhaustive()
    }
}

impl<T> Clone for NextFetch<'_, T> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<T: State> Next<T> {
    /// Points `fetch` at a table; what the loop marks is the caller's.
    #[inline]
    fn enter<'w>(fetch: &mut NextFetch<'w, T>, state: &BufferState<T>, table: &'w Table, id: TableId) {
        let typed = &*state.0;
        let marks = typed.table(id).expect("the engine enters every table that holds the type");
        let side = &marks.sides[fetch.roles.next];
        let (prev, next) = (typed.slots[fetch.roles.prev()], typed.slots[fetch.roles.next]);
        // SAFETY: `prev` is one of the type's own component ids.
        let prev = unsafe { raw::column::<T>(table, prev) };
        // SAFETY: so is `next`.
        let next = unsafe { raw::column::<T>(table, next) };
        fetch.prev = prev.expect("a matched table holds the type").cast_const();
        fetch.next = next.expect("a matched table holds the type");
        fetch.marks = side.marks.as_ptr().cast_mut().cast();
        fetch.side = side;
    }
}

/// Out of line, so that loops over whole tables, which never come by here, stay short.
#[cold]
#[inline(never)]
fn touch(side: &Side, row: usize, stamp: u8) {
    side.touch_page(row >> PAGE_SHIFT, stamp);
}

/// The id of a table, which it does not know itself: its place in the list, found by address.
#[inline]
pub(super) fn table_id(tables: &Tables, table: &Table) -> TableId {
    let first: *const Table = &raw const tables[TableId::empty()];
    let distance = (&raw const *table).addr().wrapping_sub(first.addr());
    let guess = TableId::from_usize(distance / size_of::<Table>());
    if tables.get(guess).is_some_and(|found| core::ptr::eq(found, table)) {
        return guess;
    }
    // Only if bevy stopped keeping its tables side by side.
    (0..tables.len())
        .map(TableId::from_usize)
        .find(|id| core::ptr::eq(&raw const tables[*id], table))
        .expect("a matched table is one of the world's")
}

// SAFETY: `fetch` reads the previous slot and writes the next one, which `update_component_access` registers
// by role as a read of the first id and a write of the second, with a `With` of both, and asserts that this
// query has neither yet. `matches_component_set` asks for an id that every holder of the type has.
unsafe impl<T: State> WorldQuery for Next<T> {
    type Fetch<'w> = NextFetch<'w, T>;
    type State = BufferState<T>;

    fn shrink_fetch<'wlong: 'wshort, 'wshort>(fetch: NextFetch<'wlong, T>) -> NextFetch<'wshort, T> {
        fetch
    }

    #[inline]
    unsafe fn init_fetch<'w>(
        world: UnsafeWorldCell<'w>,
        state: &BufferState<T>,
        _: Tick,
        _: Tick,
    ) -> NextFetch<'w, T> {
        // SAFETY: only the list of tables is kept, to find a table's id by; columns are read through the
        // tables that bevy hands to `set_table`, under the registered access.
        let storages = unsafe { world.storages() };
        let roles = state.0.frames.roles();
        NextFetch {
            tables: &storages.tables,
            roles,
            stamp: roles.stamps[roles.next],
            prev: core::ptr::null(),
            next: core::ptr::null_mut(),
            marks: core::ptr::null_mut(),
            single: false,
            side: core::ptr::null(),
            scan_is_mine: false,
        }
    }

    const IS_DENSE: bool = true;

    #[inline]
    unsafe fn set_archetype<'w>(
        fetch: &mut NextFetch<'w, T>,
        state: &BufferState<T>,
        archetype: &'w Archetype,
        table: &'w Table,
    ) {
        Self::enter(fetch, state, table, archetype.table_id());
        fetch.single = true;
    }

    #[inline]
    unsafe fn set_table<'w>(fetch: &mut NextFetch<'w, T>, state: &BufferState<T>, table: &'w Table) {
        let id = table_id(fetch.tables, table);
        Self::enter(fetch, state, table, id);
        let stamp = fetch.stamp;
        // SAFETY: `enter` has just set `side`, which lives as long as the world is borrowed.
        let side = unsafe { &*fetch.side };
        fetch.scan_is_mine = side.scan(stamp);
        fetch.single = false;
    }

    fn update_component_access(state: &BufferState<T>, access: &mut FilteredAccess) {
        let [read, write] = state.0.slots;
        assert!(
            !access.access().has_read(write),
            "Next<{}> conflicts with an earlier access in this query: a type has one writer",
            core::any::type_name::<T>()
        );
        add_read(access, read);
        access.access_mut().add_write(write);
        access.and_with(write);
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

// SAFETY: `ReadOnly` is `Prev<T>`: the same state, a part of the access, the same archetypes.
unsafe impl<T: State> QueryData for Next<T> {
    const IS_READ_ONLY: bool = false;
    const IS_ARCHETYPAL: bool = true;
    type ReadOnly = Prev<T>;
    type Item<'w, 's> = NextRow<'w, 's, T>;

    fn shrink<'wlong: 'wshort, 'wshort, 's>(item: Self::Item<'wlong, 's>) -> Self::Item<'wshort, 's> {
        item
    }

    #[inline(always)]
    unsafe fn fetch<'w, 's>(
        state: &'s BufferState<T>,
        fetch: &mut Self::Fetch<'w>,
        _: Entity,
        row: TableRow,
    ) -> Option<Self::Item<'w, 's>> {
        let row = row.index();
        let stamp = fetch.stamp;
        if fetch.single {
            // SAFETY: `set_archetype` has set `side`, which changes only at commits.
            let side = unsafe { &*fetch.side };
            touch(side, row, stamp);
        }
        // SAFETY: the row is in the table.
        let prev = unsafe { fetch.prev.add(row) };
        // SAFETY: the value is initialized, and nobody writes the previous slot during a wave.
        let prev = unsafe { &*prev };
        // SAFETY: the row is in the table.
        let next = unsafe { fetch.next.add(row) };
        // SAFETY: the value is initialized; the owner alone writes the next slot, and the caller promises
        // that no other item of this row is alive.
        let next = unsafe { &mut *next };
        // SAFETY: there is a mark for each row.
        let mark = unsafe { fetch.marks.add(row) };
        // SAFETY: a row has one mark; it is borrowed as its value is.
        let mark = unsafe { &mut *mark };
        Some(NextRow { prev, next, mark, stamp, typed: &state.0 })
    }

    fn iter_access(state: &BufferState<T>) -> impl Iterator<Item = EcsAccessType<'_>> {
        [
            EcsAccessType::Component(EcsAccessLevel::Read(state.0.slots[0])),
            EcsAccessType::Component(EcsAccessLevel::Write(state.0.slots[1])),
        ]
        .into_iter()
    }
}

// SAFETY: only the current entity is read and written.
unsafe impl<T: State> IterQueryData for Next<T> {}
// SAFETY: only the current entity is read and written.
unsafe impl<T: State> SingleEntityQueryData for Next<T> {}

impl<T: State> ArchetypeQueryData for Next<T> {}

impl<T: State> ContiguousQueryData for Next<T> {
    type Contiguous<'w, 's> = NextBlock<'w, 's, T>;

    unsafe fn fetch_contiguous<'w, 's>(
        state: &'s BufferState<T>,
        fetch: &mut NextFetch<'w, T>,
        entities: &'w [Entity],
        range: Range<u32>,
    ) -> NextBlock<'w, 's, T> {
        let (start, len) = (range.start as usize, range.len());
        let stamp = fetch.stamp;
        // SAFETY: `set_table` has set `side`, which lives as long as the world is borrowed.
        let side: &'w Side = unsafe { &*fetch.side };
        if fetch.scan_is_mine {
            // Blocks mark their own pages; the table need not be looked through at the commit.
            side.scanned.store(0, Ordering::Relaxed);
        }
        // SAFETY: the caller promises that the range lies in the current table.
        let prev = unsafe { fetch.prev.add(start) };
        // SAFETY: nobody writes the previous slot during a wave.
        let prev = unsafe { core::slice::from_raw_parts(prev, len) };
        // SAFETY: the range lies in the current table.
        let next = unsafe { fetch.next.add(start) };
        // SAFETY: the owner alone writes the next slot; the caller promises that ranges do not overlap.
        let next = unsafe { core::slice::from_raw_parts_mut(next, len) };
        // SAFETY: there is a mark for each row.
        let marks = unsafe { fetch.marks.add(start) };
        // SAFETY: marks are borrowed as their rows are.
        let marks = unsafe { core::slice::from_raw_parts_mut(marks, len) };
        NextBlock { prev, next, marks, side, start, table_rows: entities.len(), stamp, typed: &state.0 }
    }
}
