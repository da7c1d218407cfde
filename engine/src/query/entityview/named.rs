//! `Named<V>`: the parts of an entity view as query data, under the view's names.
//!
//! Invariant: matching, access and fetching are the tuple's of the parts; a view only renames what that hands
//! out, so whatever code a view brings cannot widen what is read or written.

#![expect(unsafe_code, reason = "implements bevy's unsafe query traits")]

use super::EntityView;
use super::part::{Part, PartItem, PartPacked};
use crate::query::Block;
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

/// An entity view in a query: `Query<Named<Cart>>`. See [`entity_view!`](crate::entity_view).
#[derive(Debug)]
pub struct Named<V>(PhantomData<fn() -> V>);

type FetchOf<'w, V> = <<V as EntityView>::Parts as WorldQuery>::Fetch<'w>;
type StateOf<V> = <<V as EntityView>::Parts as WorldQuery>::State;

// SAFETY: everything is forwarded to the tuple of the parts.
unsafe impl<V: EntityView> WorldQuery for Named<V> {
    type Fetch<'w> = FetchOf<'w, V>;
    type State = StateOf<V>;

    fn shrink_fetch<'wlong: 'wshort, 'wshort>(fetch: FetchOf<'wlong, V>) -> FetchOf<'wshort, V> {
        V::Parts::shrink_fetch(fetch)
    }

    #[inline]
    unsafe fn init_fetch<'w>(
        world: UnsafeWorldCell<'w>,
        state: &StateOf<V>,
        last_run: Tick,
        this_run: Tick,
    ) -> FetchOf<'w, V> {
        // SAFETY: the caller's promise.
        unsafe { V::Parts::init_fetch(world, state, last_run, this_run) }
    }

    const IS_DENSE: bool = V::Parts::IS_DENSE;

    #[inline]
    unsafe fn set_archetype<'w>(
        fetch: &mut FetchOf<'w, V>,
        state: &StateOf<V>,
        archetype: &'w Archetype,
        table: &'w Table,
    ) {
        // SAFETY: the caller's promise.
        unsafe { V::Parts::set_archetype(fetch, state, archetype, table) };
    }

    #[inline]
    unsafe fn set_table<'w>(fetch: &mut FetchOf<'w, V>, state: &StateOf<V>, table: &'w Table) {
        // SAFETY: the caller's promise.
        unsafe { V::Parts::set_table(fetch, state, table) };
    }

    fn update_component_access(state: &StateOf<V>, access: &mut FilteredAccess) {
        V::Parts::update_component_access(state, access);
    }

    fn init_nested_access(
        state: &StateOf<V>,
        name: Option<&str>,
        set: &mut FilteredAccessSet,
        world: UnsafeWorldCell,
    ) {
        V::Parts::init_nested_access(state, name, set, world);
    }

    fn init_state(world: &mut World) -> StateOf<V> {
        V::Parts::init_state(world)
    }

    fn get_state(components: &Components) -> Option<StateOf<V>> {
        V::Parts::get_state(components)
    }

    fn matches_component_set(state: &StateOf<V>, has: &impl Fn(ComponentId) -> bool) -> bool {
        V::Parts::matches_component_set(state, has)
    }

    fn update_archetypes(state: &mut StateOf<V>, world: UnsafeWorldCell) {
        V::Parts::update_archetypes(state, world);
    }
}

// SAFETY: forwarded to the tuple of the parts; `ReadOnly` is its read-only form, with the same state.
unsafe impl<V: EntityView> QueryData for Named<V> {
    const IS_READ_ONLY: bool = V::Parts::IS_READ_ONLY;
    const IS_ARCHETYPAL: bool = V::Parts::IS_ARCHETYPAL;
    type ReadOnly = Named<V::ReadOnly>;
    type Item<'w, 's> = V::Item<'w, 's>;

    fn shrink<'wlong: 'wshort, 'wshort, 's>(item: V::Item<'wlong, 's>) -> V::Item<'wshort, 's> {
        V::shrink(item)
    }

    #[inline(always)]
    unsafe fn fetch<'w, 's>(
        state: &'s StateOf<V>,
        fetch: &mut FetchOf<'w, V>,
        entity: Entity,
        row: TableRow,
    ) -> Option<V::Item<'w, 's>> {
        // SAFETY: the caller's promise.
        let parts = unsafe { V::Parts::fetch(state, fetch, entity, row) };
        parts.map(V::name)
    }

    fn iter_access(state: &StateOf<V>) -> impl Iterator<Item = EcsAccessType<'_>> {
        V::Parts::iter_access(state)
    }
}

// SAFETY: forwarded to the tuple of the parts.
unsafe impl<V: EntityView<Parts: IterQueryData>> IterQueryData for Named<V> {}
// SAFETY: forwarded to the tuple of the parts, which is read only.
unsafe impl<V: EntityView<ReadOnly = V, Parts: ReadOnlyQueryData>> ReadOnlyQueryData for Named<V> {}
// SAFETY: forwarded to the tuple of the parts.
unsafe impl<V: EntityView<Parts: SingleEntityQueryData>> SingleEntityQueryData for Named<V> {}

impl<V: EntityView<Parts: ArchetypeQueryData>> ArchetypeQueryData for Named<V> {}

impl<V: EntityView> ContiguousQueryData for Named<V>
where
    V::Parts: for<'w, 's> ContiguousQueryData<Contiguous<'w, 's> = PartPacked<'w, 's, V::Parts>>,
{
    type Contiguous<'w, 's> = NamedBlock<'w, 's, V>;

    unsafe fn fetch_contiguous<'w, 's>(
        state: &'s StateOf<V>,
        fetch: &mut FetchOf<'w, V>,
        entities: &'w [Entity],
        range: Range<u32>,
    ) -> NamedBlock<'w, 's, V> {
        // SAFETY: the caller's promise.
        NamedBlock(unsafe { V::Parts::fetch_contiguous(state, fetch, entities, range) })
    }
}

/// A run of rows of a view.
pub struct NamedBlock<'w, 's, V: EntityView>(PartPacked<'w, 's, V::Parts>);

impl<'w, 's, V: EntityView> NamedBlock<'w, 's, V> {
    /// The run with a name for each part: `let Cart { mut load, position, .. } = block.named();`.
    #[inline(always)]
    pub fn named(self) -> V::Packed<'w, 's> {
        V::name_packed(self.0)
    }
}

impl<V: EntityView> core::fmt::Debug for NamedBlock<'_, '_, V> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("NamedBlock").field("rows", &self.0.len()).finish_non_exhaustive()
    }
}

impl<'w, 's, V: EntityView> Block for NamedBlock<'w, 's, V> {
    type Row = V::Item<'w, 's>;
    const ROW_BYTES: usize = <PartPacked<'w, 's, V::Parts> as Block>::ROW_BYTES;

    fn len(&self) -> usize {
        self.0.len()
    }

    fn split_at(self, rows: usize) -> (Self, Self) {
        let (first, rest) = self.0.split_at(rows);
        (Self(first), Self(rest))
    }

    fn begin_rows(&mut self) {
        self.0.begin_rows();
    }

    #[inline(always)]
    unsafe fn row(&mut self, row: usize) -> V::Item<'w, 's> {
        // SAFETY: the caller's promise.
        let row = unsafe { self.0.row(row) };
        let parts: PartItem<'w, 's, V::Parts> = V::Parts::item(row);
        V::name(parts)
    }
}

impl<V: EntityView> Part for Named<V> {
    type Shared = Named<V::ReadOnly>;
    type Packed<'w, 's> = NamedBlock<'w, 's, V>;

    #[inline(always)]
    fn item<'w, 's>(row: V::Item<'w, 's>) -> V::Item<'w, 's> {
        row
    }
}

/// The packed form of a part that has none; there is no value of it.
#[derive(Debug, Clone, Copy)]
pub enum NotPacked {}

impl Block for NotPacked {
    type Row = Self;
    const ROW_BYTES: usize = 0;

    fn len(&self) -> usize {
        match *self {}
    }

    fn split_at(self, _: usize) -> (Self, Self) {
        match self {}
    }

    fn begin_rows(&mut self) {}

    // The contract needs no more than the type: it has no value.
    unsafe fn row(&mut self, _: usize) -> Self {
        match *self {}
    }
}
