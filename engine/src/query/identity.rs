//! `Id` as query data: `Query<(Id, Prev<Position>)>`.
//!
//! Invariant: it reads an ordinary table column that is written only at spawn, and keeps out of bevy's
//! `required` set as everything here does.

#![expect(unsafe_code, reason = "implements bevy's unsafe query traits")]

use super::prev::add_read;
use crate::buffer::raw;
use crate::id::Id;
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

/// Where the `Id`s of the current table are.
#[derive(Debug, Clone)]
pub struct IdFetch<'w> {
    start: *const Id,
    marker: PhantomData<&'w Id>,
}

// SAFETY: `fetch` reads the column of `Id`, which `update_component_access` registers as a read with a `With`.
unsafe impl WorldQuery for Id {
    type Fetch<'w> = IdFetch<'w>;
    type State = ComponentId;

    fn shrink_fetch<'wlong: 'wshort, 'wshort>(fetch: IdFetch<'wlong>) -> IdFetch<'wshort> {
        fetch
    }

    #[inline]
    unsafe fn init_fetch<'w>(_: UnsafeWorldCell<'w>, _: &ComponentId, _: Tick, _: Tick) -> IdFetch<'w> {
        IdFetch { start: core::ptr::null(), marker: PhantomData }
    }

    const IS_DENSE: bool = true;

    #[inline]
    unsafe fn set_archetype<'w>(
        fetch: &mut IdFetch<'w>,
        id: &ComponentId,
        _: &'w Archetype,
        table: &'w Table,
    ) {
        // SAFETY: the caller's promise is that of `set_table` and more.
        unsafe { Self::set_table(fetch, id, table) };
    }

    #[inline]
    unsafe fn set_table<'w>(fetch: &mut IdFetch<'w>, id: &ComponentId, table: &'w Table) {
        // SAFETY: `id` is the component id of `Id`, and the column is read only.
        let start = unsafe { raw::plain_column::<Id>(table, *id) };
        fetch.start = start.expect("a matched table holds Ids");
    }

    fn update_component_access(id: &ComponentId, access: &mut FilteredAccess) {
        add_read(access, *id);
    }

    fn init_nested_access(_: &ComponentId, _: Option<&str>, _: &mut FilteredAccessSet, _: UnsafeWorldCell) {}

    fn init_state(world: &mut World) -> ComponentId {
        world.register_component::<Id>()
    }

    fn get_state(components: &Components) -> Option<ComponentId> {
        components.component_id::<Id>()
    }

    fn matches_component_set(id: &ComponentId, has: &impl Fn(ComponentId) -> bool) -> bool {
        has(*id)
    }

    fn update_archetypes(_: &mut ComponentId, _: UnsafeWorldCell) {}
}

// SAFETY: read-only, and `ReadOnly` is itself.
unsafe impl QueryData for Id {
    const IS_READ_ONLY: bool = true;
    const IS_ARCHETYPAL: bool = true;
    type ReadOnly = Self;
    type Item<'w, 's> = Id;

    fn shrink<'wlong: 'wshort, 'wshort, 's>(id: Self::Item<'wlong, 's>) -> Self::Item<'wshort, 's> {
        id
    }

    #[inline(always)]
    unsafe fn fetch<'w, 's>(
        _: &'s ComponentId,
        fetch: &mut Self::Fetch<'w>,
        _: Entity,
        row: TableRow,
    ) -> Option<Self::Item<'w, 's>> {
        // SAFETY: the caller promises a row of the current table.
        let place = unsafe { fetch.start.add(row.index()) };
        // SAFETY: the value is initialized, and `Id`s are written only at spawn.
        Some(unsafe { *place })
    }

    fn iter_access(id: &ComponentId) -> impl Iterator<Item = EcsAccessType<'_>> {
        core::iter::once(EcsAccessType::Component(EcsAccessLevel::Read(*id)))
    }
}

// SAFETY: access is read-only.
unsafe impl IterQueryData for Id {}
// SAFETY: access is read-only.
unsafe impl ReadOnlyQueryData for Id {}
// SAFETY: access is read-only.
unsafe impl SingleEntityQueryData for Id {}

impl ReleaseStateQueryData for Id {
    fn release_state<'w>(id: Self::Item<'w, '_>) -> Self::Item<'w, 'static> {
        id
    }
}

impl ArchetypeQueryData for Id {}

impl ContiguousQueryData for Id {
    type Contiguous<'w, 's> = &'w [Id];

    unsafe fn fetch_contiguous<'w>(
        _: &ComponentId,
        fetch: &mut IdFetch<'w>,
        _: &'w [Entity],
        range: Range<u32>,
    ) -> &'w [Id] {
        // SAFETY: the caller promises that the range lies in the current table.
        let start = unsafe { fetch.start.add(range.start as usize) };
        // SAFETY: the values are initialized, and `Id`s are written only at spawn.
        unsafe { core::slice::from_raw_parts(start, range.len()) }
    }
}
