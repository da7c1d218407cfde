//! `Linked<T>`: from a link or a stored `Id` to the value behind it, in one hop.
//!
//! Invariant: it reads the previous slot only, which nobody writes during a wave; its access is the read of
//! `Prev<T>`, without a filter, so it matches no table by itself. A link that dangles is `None`.

#![expect(unsafe_code, reason = "reads table columns by entity")]

use crate::buffer::{State, Typed, raw};
use crate::id::Id;
use crate::query::BufferState;
use crate::registry::{self, Registry};
use crate::shared::Shared;
use bevy_ecs::change_detection::Tick;
use bevy_ecs::component::ComponentId;
use bevy_ecs::entity::{Entities, Entity};
use bevy_ecs::query::FilteredAccess;
use bevy_ecs::storage::{TableId, Tables};
use bevy_ecs::system::{SystemAccess, SystemMeta, SystemParam, SystemParamValidationError};
use bevy_ecs::world::World;
use bevy_ecs::world::unsafe_world_cell::UnsafeWorldCell;
use core::marker::PhantomData;
use std::sync::Arc;

/// Reads `T` of the entities that links lead to, as it was at the last commit; see [`Link`](crate::Link).
///
/// Cost: about that of `Query<Prev<T>>::get`; nothing for a frame in which it is not asked.
pub struct Linked<'w, 's, T: State> {
    tables: &'w Tables,
    entities: &'w Entities,
    shared: &'s Shared,
    slot: ComponentId,
    /// Where the column of each table begins, by the table's id; null where there is none. Empty in worlds of
    /// many tables, where each hop asks its table.
    starts: &'s [*const T],
    marker: PhantomData<&'w T>,
}

/// Tables of a type whose columns are looked up once a frame and not once a hop: about 100 ns.
const STARTS_MAX: usize = 32;

/// See [`Linked::starts`]; filled anew in each frame.
#[derive(Debug)]
struct Starts<T>(Vec<*const T>);

// SAFETY: the pointers are followed only by `Linked`, which says why that may be; `T: Sync` by its bound there.
unsafe impl<T: Sync> Send for Starts<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Starts<T> {}

impl<T: State> Starts<T> {
    fn fill(&mut self, tables: &Tables, typed: &Typed<T>) {
        self.0.clear();
        if typed.by_table.iter().nth(STARTS_MAX).is_some() {
            return;
        }
        let slot = typed.slots[typed.frames.roles().prev()];
        for (id, _) in typed.by_table.iter() {
            // SAFETY: `slot` is one of the type's own component ids.
            let start = unsafe { raw::column::<T>(&tables[id], slot) };
            self.0.resize(self.0.len().max(id.as_usize() + 1), core::ptr::null());
            self.0[id.as_usize()] = start.map_or(core::ptr::null(), <*mut T>::cast_const);
        }
    }
}

// SAFETY: it hands out `&T` of the previous slot only, and `T: Sync`; of the tables it uses what does not change
// while it lives.
unsafe impl<T: State> Sync for Linked<'_, '_, T> {}
// SAFETY: as above; it owns nothing.
unsafe impl<T: State> Send for Linked<'_, '_, T> {}

impl<T: State> Clone for Linked<'_, '_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: State> Copy for Linked<'_, '_, T> {}

impl<T: State> core::fmt::Debug for Linked<'_, '_, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Linked").field("slot", &self.slot).finish_non_exhaustive()
    }
}

impl<'w, 's, T: State> Linked<'w, 's, T> {
    /// # Safety
    /// While the answer lives, nobody writes the previous slot of `typed`, or changes tables, entities or the
    /// index of `Id`s.
    pub(crate) unsafe fn over(
        tables: &'w Tables,
        entities: &'w Entities,
        shared: &'s Shared,
        typed: &Typed<T>,
    ) -> Self {
        let slot = typed.slots[shared.frames.roles().prev()];
        Self { tables, entities, shared, slot, starts: &[], marker: PhantomData }
    }

    /// The value at the other end, by a [`Link`](crate::Link) or an [`Id`]; `None` when the link is none, or
    /// its entity is gone or holds no `T`.
    #[inline]
    pub fn get(&self, link: impl Into<Id>) -> Option<&'w T> {
        let (table, row) = self.location(link)?;
        let start = match self.starts.get(table.as_usize()) {
            Some(start) => *start,
            None if self.starts.is_empty() => self.column(table)?,
            None => return None,
        };
        if start.is_null() {
            return None;
        }
        // SAFETY: the entity is in this row of the table.
        let place = unsafe { start.add(row as usize) };
        // SAFETY: the value is initialized, and nobody writes the previous slot while `self` lives.
        Some(unsafe { &*place })
    }

    #[inline(never)]
    fn column(&self, table: TableId) -> Option<*const T> {
        // SAFETY: `slot` is one of the type's own component ids.
        let start = unsafe { raw::column::<T>(self.tables.get(table)?, self.slot) };
        start.map(<*mut T>::cast_const)
    }

    /// The table and row of the entity at the other end.
    #[inline]
    pub(crate) fn location(&self, link: impl Into<Id>) -> Option<(TableId, u32)> {
        let link = link.into();
        let location = self.shared.ids.get().location(link);
        debug_assert_eq!(location, self.location_by_handle(link), "the index of Ids knows another row");
        location
    }

    /// The same as bevy says it, to compare with.
    fn location_by_handle(&self, id: Id) -> Option<(TableId, u32)> {
        let location = self.entities.get_spawned(self.entity(id)?).ok()?;
        Some((location.table_id, location.table_row.index_u32()))
    }

    pub(crate) fn tables(&self) -> &'w Tables {
        self.tables
    }

    /// The handle of the entity at the other end, if it was alive at the last commit.
    #[inline]
    pub fn entity(&self, link: impl Into<Id>) -> Option<Entity> {
        self.shared.ids.get().get(link.into())
    }
}

/// The state of the parameter.
#[derive(Debug)]
pub struct LinkedState<T: State> {
    typed: BufferState<T>,
    shared: Arc<Shared>,
    starts: Starts<T>,
}

/// Registers a read of the previous values of a type, without a query.
pub(crate) fn read_prev<T: State>(typed: &Typed<T>, meta: &mut SystemMeta, access: &mut SystemAccess) {
    let mut read = FilteredAccess::matches_nothing();
    read.access_mut().add_read(typed.slots[0]);
    access.require_shared_access::<Linked<'static, 'static, T>>(meta).add(read);
}

// SAFETY: it reads the previous slot of `T`, which is registered by role as a read of the first id; nobody
// registers a write of that. Tables, entities and the index of `Id`s change at commits only.
unsafe impl<T: State> SystemParam for Linked<'_, '_, T> {
    type State = LinkedState<T>;
    type Item<'w, 's> = Linked<'w, 's, T>;

    fn init_state(world: &mut World) -> LinkedState<T> {
        let typed = BufferState(registry::resolve(world));
        LinkedState { typed, shared: world.resource::<Registry>().shared.clone(), starts: Starts(Vec::new()) }
    }

    fn init_access(state: &LinkedState<T>, meta: &mut SystemMeta, access: &mut SystemAccess, _: &mut World) {
        read_prev(&state.typed.0, meta, access);
    }

    unsafe fn get_param<'w, 's>(
        state: &'s mut LinkedState<T>,
        _: &SystemMeta,
        world: UnsafeWorldCell<'w>,
        _: Tick,
    ) -> Result<Linked<'w, 's, T>, SystemParamValidationError> {
        // SAFETY: only the previous slot of `T` is read, under the registered access.
        let tables = unsafe { &world.storages().tables };
        state.starts.fill(tables, &state.typed.0);
        // SAFETY: during a wave nobody writes previous slots or changes structure.
        let linked = unsafe { Linked::over(tables, world.entities(), &state.shared, &state.typed.0) };
        Ok(Linked { starts: &state.starts.0, ..linked })
    }
}
