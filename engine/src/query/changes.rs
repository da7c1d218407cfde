//! Which entities changed, gained or lost a type in the last commit, without looking at the others.
//!
//! Invariant: it reads marks of the previous slot and the list of removals, which change at commits only; or,
//! in a derive system, marks of the slot that this frame's owner has written and settled.

#![expect(unsafe_code, reason = "implements bevy's unsafe parameter trait")]

use super::prev::{BufferState, PREVIOUS, THIS_FRAME, add_read, slot_of};
use crate::buffer::{Kind, State, Typed};
use crate::id::Id;
use crate::param::shared_param;
use crate::registry;
use bevy_ecs::change_detection::Tick;
use bevy_ecs::entity::Entity;
use bevy_ecs::query::FilteredAccess;
use bevy_ecs::storage::{TableId, Tables};
use bevy_ecs::system::{SystemAccess, SystemMeta, SystemParam, SystemParamValidationError};
use bevy_ecs::world::World;
use bevy_ecs::world::unsafe_world_cell::UnsafeWorldCell;
use core::marker::PhantomData;

/// The entities whose `T` was set in the last commit; costs what changed, not what exists.
///
/// ```
/// use diptych_engine::prelude::*;
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Heard(u64);
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Said(u64);
/// fn answer(mut said: Query<(Next<Said>, Prev<Heard>)>, heard: Changes<Heard>) {
///     said.visit(heard.entities(), |(mut said, heard)| said.set(Said(heard.0)));
/// }
/// # let _ = answer;
/// ```
pub struct Changes<'w, 's, T: State, const WHEN: u8 = PREVIOUS> {
    tables: &'w Tables,
    typed: &'s Typed<T>,
}

/// The entities whose `T` this frame's owner has set; only for derive systems, as [`Now`](super::Now) is.
///
/// What structure and inputs will do to this frame is not in it: see [`Changes`] for that, a frame later.
pub type NowChanges<'w, 's, T> = Changes<'w, 's, T, THIS_FRAME>;

impl<T: State, const WHEN: u8> core::fmt::Debug for Changes<'_, '_, T, WHEN> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("Changes").field(&self.entities()).finish()
    }
}

impl<T: State, const WHEN: u8> Changes<'_, '_, T, WHEN> {
    /// Entities whose `T` was set, or inserted, in table order.
    pub fn entities(&self) -> Vec<Entity> {
        self.collect(|_| true)
    }

    /// Entities that received `T`, in table order.
    pub fn added(&self) -> Vec<Entity> {
        self.collect(|kind| kind == Kind::Added)
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        let mut empty = true;
        self.runs(|_, _, _| empty = false);
        empty
    }

    fn collect(&self, wanted: impl Fn(Kind) -> bool) -> Vec<Entity> {
        let mut entities = Vec::new();
        self.runs(|table, rows, kind| {
            if wanted(kind) {
                entities.extend_from_slice(&self.tables[table].entities()[rows]);
            }
        });
        entities
    }

    fn runs(&self, mut visit: impl FnMut(TableId, core::ops::Range<usize>, Kind)) {
        let roles = self.typed.frames.roles();
        let slot = slot_of(roles, WHEN);
        for (table, marks) in self.typed.by_table.iter() {
            marks.changed_runs(slot, roles.stamps[slot], |rows, kind| visit(table, rows, kind));
        }
    }
}

// SAFETY: of the world, only tables' entity lists are read, which change at commits only. The marks are those
// of the previous slot, which nobody writes during a wave, or those of the next, under a registered read.
unsafe impl<T: State, const WHEN: u8> SystemParam for Changes<'_, '_, T, WHEN> {
    type State = BufferState<T>;
    type Item<'w, 's> = Changes<'w, 's, T, WHEN>;

    fn init_state(world: &mut World) -> BufferState<T> {
        // Whatever else a caller may write as the kind looks at the next slot too.
        if WHEN != PREVIOUS {
            registry::refuse_now::<T>(world);
        }
        BufferState(registry::resolve(world))
    }

    fn init_access(state: &BufferState<T>, meta: &mut SystemMeta, access: &mut SystemAccess, _: &mut World) {
        if WHEN == PREVIOUS {
            return;
        }
        let next = state.0.slots[1];
        let set = access.require_shared_access::<Self>(meta);
        assert!(
            !set.combined_access().has_write(next),
            "NowChanges<{0}> beside Next<{0}>: a system cannot look at the changes it is making",
            core::any::type_name::<T>()
        );
        let mut own = FilteredAccess::default();
        add_read(&mut own, next);
        set.add(own);
    }

    unsafe fn get_param<'w, 's>(
        state: &'s mut BufferState<T>,
        _: &SystemMeta,
        world: UnsafeWorldCell<'w>,
        _: Tick,
    ) -> Result<Changes<'w, 's, T, WHEN>, SystemParamValidationError> {
        // SAFETY: only the tables' entity lists are used.
        let tables = unsafe { &world.storages().tables };
        Ok(Changes { tables, typed: &state.0 })
    }
}

/// The entities that lost `T` in the last commit, by removal or by despawn, in the order of the losses.
#[derive(Debug)]
pub struct Removed<'s, T> {
    ids: &'s [Id],
    marker: PhantomData<fn() -> T>,
}

impl<T> Removed<'_, T> {
    /// Their `Id`s; despawned ones lead to no entity any more.
    pub fn ids(&self) -> &[Id] {
        self.ids
    }
}

shared_param!(
    Removed<'_, T>,
    Removed<'s, T>,
    BufferState<T>,
    |world| BufferState(registry::resolve::<T>(world)),
    |state| Removed { ids: state.0.removed.get(), marker: PhantomData },
    T: State
);
