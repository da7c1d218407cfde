//! `Plain<D>`: bevy query data over ordinary components, with a matching order that does not change.
//!
//! Invariant: it never fills bevy's `required` set, which would walk archetypes in hash order, different at
//! every start. Ordinary components are scratch: outside digest and store.

#![expect(unsafe_code, reason = "implements bevy's unsafe query traits")]

use bevy_ecs::archetype::Archetype;
use bevy_ecs::change_detection::Tick;
use bevy_ecs::component::{ComponentId, Components};
use bevy_ecs::entity::Entity;
use bevy_ecs::query::{
    ArchetypeQueryData, EcsAccessType, FilteredAccess, FilteredAccessSet, IterQueryData, QueryData,
    ReadOnlyQueryData, SingleEntityQueryData, WorldQuery,
};
use bevy_ecs::storage::{Table, TableRow};
use bevy_ecs::world::World;
use bevy_ecs::world::unsafe_world_cell::UnsafeWorldCell;
use core::marker::PhantomData;

/// `&C` or `&mut C` of an ordinary component that was declared scratch, in a query that keeps its order:
/// `Query<(Next<Position>, Plain<&mut PathCache>)>`.
#[derive(Debug)]
pub struct Plain<D>(PhantomData<fn() -> D>);

// SAFETY: everything is forwarded to `D`, but for `required`, which only speeds up matching: the filters that
// `D` asks for are added, and `matches_component_set` is its own.
unsafe impl<D: QueryData> WorldQuery for Plain<D> {
    type Fetch<'w> = D::Fetch<'w>;
    type State = D::State;

    fn shrink_fetch<'wlong: 'wshort, 'wshort>(fetch: D::Fetch<'wlong>) -> D::Fetch<'wshort> {
        D::shrink_fetch(fetch)
    }

    #[inline]
    unsafe fn init_fetch<'w>(
        world: UnsafeWorldCell<'w>,
        state: &D::State,
        last_run: Tick,
        this_run: Tick,
    ) -> D::Fetch<'w> {
        // SAFETY: the caller's promise.
        unsafe { D::init_fetch(world, state, last_run, this_run) }
    }

    const IS_DENSE: bool = D::IS_DENSE;

    #[inline]
    unsafe fn set_archetype<'w>(
        fetch: &mut D::Fetch<'w>,
        state: &D::State,
        archetype: &'w Archetype,
        table: &'w Table,
    ) {
        // SAFETY: the caller's promise.
        unsafe { D::set_archetype(fetch, state, archetype, table) };
    }

    #[inline]
    unsafe fn set_table<'w>(fetch: &mut D::Fetch<'w>, state: &D::State, table: &'w Table) {
        // SAFETY: the caller's promise.
        unsafe { D::set_table(fetch, state, table) };
    }

    fn update_component_access(state: &D::State, access: &mut FilteredAccess) {
        let mut own = FilteredAccess::default();
        own.extend_access(access);
        D::update_component_access(state, &mut own);
        access.extend_access(&own);
        own.with_filters().for_each(|id| access.and_with(id));
        own.without_filters().for_each(|id| access.and_without(id));
    }

    fn init_nested_access(
        state: &D::State,
        name: Option<&str>,
        set: &mut FilteredAccessSet,
        world: UnsafeWorldCell,
    ) {
        D::init_nested_access(state, name, set, world);
    }

    fn init_state(world: &mut World) -> D::State {
        D::init_state(world)
    }

    fn get_state(components: &Components) -> Option<D::State> {
        D::get_state(components)
    }

    fn matches_component_set(state: &D::State, has: &impl Fn(ComponentId) -> bool) -> bool {
        D::matches_component_set(state, has)
    }

    fn update_archetypes(state: &mut D::State, world: UnsafeWorldCell) {
        D::update_archetypes(state, world);
    }
}

// SAFETY: forwarded to `D`.
unsafe impl<D: QueryData> QueryData for Plain<D> {
    const IS_READ_ONLY: bool = D::IS_READ_ONLY;
    const IS_ARCHETYPAL: bool = D::IS_ARCHETYPAL;
    type ReadOnly = Plain<D::ReadOnly>;
    type Item<'w, 's> = D::Item<'w, 's>;

    fn shrink<'wlong: 'wshort, 'wshort, 's>(item: D::Item<'wlong, 's>) -> D::Item<'wshort, 's> {
        D::shrink(item)
    }

    #[inline(always)]
    unsafe fn fetch<'w, 's>(
        state: &'s D::State,
        fetch: &mut D::Fetch<'w>,
        entity: Entity,
        row: TableRow,
    ) -> Option<D::Item<'w, 's>> {
        // SAFETY: the caller's promise.
        unsafe { D::fetch(state, fetch, entity, row) }
    }

    fn iter_access(state: &D::State) -> impl Iterator<Item = EcsAccessType<'_>> {
        D::iter_access(state)
    }
}

// SAFETY: forwarded to `D`.
unsafe impl<D: IterQueryData> IterQueryData for Plain<D> {}
// SAFETY: forwarded to `D`.
unsafe impl<D: ReadOnlyQueryData> ReadOnlyQueryData for Plain<D> {}
// SAFETY: forwarded to `D`.
unsafe impl<D: SingleEntityQueryData> SingleEntityQueryData for Plain<D> {}

impl<D: ArchetypeQueryData> ArchetypeQueryData for Plain<D> {}
