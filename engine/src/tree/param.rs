//! `Tree`: who is whose parent and child, as of the last commit.
//!
//! Invariant: it reads the index of children, which changes at commits only, and `Prev<Parent>`, which it
//! registers. Walks are bounded by the number of children there are.

#![expect(unsafe_code, reason = "implements bevy's unsafe parameter trait")]

use super::propagate::Kept;
use super::{Children, Descendants, Parent};
use crate::error::BuildError;
use crate::id::Id;
use crate::param::{Linked, read_prev};
use crate::query::BufferState;
use crate::registry::{self, Registry};
use crate::shared::Shared;
use bevy_ecs::change_detection::Tick;
use bevy_ecs::system::{SystemAccess, SystemMeta, SystemParam, SystemParamValidationError};
use bevy_ecs::world::World;
use bevy_ecs::world::unsafe_world_cell::UnsafeWorldCell;
use std::sync::Arc;

/// The trees of entities, as of the last commit. Needs `.hierarchy()`.
///
/// ```
/// use diptych_engine::prelude::*;
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Weight(f64);
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Load(f64);
/// fn weigh(mut carts: Query<(Id, Next<Load>)>, weights: Linked<Weight>, tree: Tree) {
///     carts.par_rows(|(cart, mut load)| {
///         let weights = tree.descendants(*cart).filter_map(|id| weights.get(id));
///         load.set_if_changed(Load(weights.map(|weight| weight.0).sum()));
///     });
/// }
/// # fn main() -> diptych_engine::Result<()> {
/// let mut engine = Engine::in_memory()
///     .state::<Weight>("cargo.weight", 1)
///     .state::<Load>("cargo.load", 1)
///     .hierarchy()
///     .system("weigh", weigh)
///     .setup("carts", |structure| {
///         let cart = structure.spawn((Load(0.0),));
///         let barrel = structure.spawn((Weight(2.5),));
///         structure.attach(barrel, cart);
///     })
///     .build()?;
/// engine.step()?;
/// assert_eq!(engine.view().single::<Load>().map(|load| load.0), Some(2.5));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy)]
pub struct Tree<'w, 's> {
    pub(super) world: UnsafeWorldCell<'w>,
    pub(super) parents: Linked<'w, 's, Parent>,
    pub(super) shared: &'s Shared,
    pub(super) kept: &'s Kept,
}

impl core::fmt::Debug for Tree<'_, '_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Tree").field("children", &self.shared.tree.get().len()).finish_non_exhaustive()
    }
}

impl<'w, 's> Tree<'w, 's> {
    /// The parent; `None` for who is nobody's child, or gone.
    pub fn parent(&self, child: Id) -> Option<Id> {
        self.parents.get(child).map(Parent::id)
    }

    /// The children, in order.
    pub fn children(&self, parent: Id) -> Children<'s> {
        self.shared.tree.get().children(parent)
    }

    /// The parent, its parent, and so on to the root.
    pub fn ancestors(&self, child: Id) -> Ancestors<'w, 's> {
        Ancestors { tree: *self, at: child, left: self.shared.tree.get().len() }
    }

    /// The last of the ancestors, or the entity itself.
    pub fn root(&self, id: Id) -> Id {
        self.ancestors(id).last().unwrap_or(id)
    }

    /// Everybody below, depth first: each parent before its children, children in order.
    pub fn descendants(&self, root: Id) -> Descendants<'s> {
        self.shared.tree.get().descendants(root)
    }
}

/// The ancestors of one entity, the parent first.
#[derive(Debug, Clone)]
pub struct Ancestors<'w, 's> {
    tree: Tree<'w, 's>,
    at: Id,
    /// Steps that can still come: no way up is longer than there are children.
    left: u64,
}

impl Iterator for Ancestors<'_, '_> {
    type Item = Id;

    fn next(&mut self) -> Option<Id> {
        self.left = self.left.checked_sub(1)?;
        self.at = self.tree.parent(self.at)?;
        Some(self.at)
    }
}

/// The state of the parameter.
#[derive(Debug)]
pub struct TreeState {
    parents: BufferState<Parent>,
    shared: Arc<Shared>,
    kept: Kept,
}

// SAFETY: it reads the previous slot of `Parent`, which is registered by role as a read of the first id; nobody
// registers a write of that. Tables, entities and the indices change at commits only.
unsafe impl SystemParam for Tree<'_, '_> {
    type State = TreeState;
    type Item<'w, 's> = Tree<'w, 's>;

    fn init_state(world: &mut World) -> TreeState {
        let parents = BufferState(registry::resolve(world));
        let mut registry = world.resource_mut::<Registry>();
        if !registry.holds::<Parent>() {
            let system = registry.building().0;
            registry.missing.pop();
            registry.refused.push(BuildError::NoHierarchy { system });
        }
        TreeState { parents, shared: registry.shared.clone(), kept: Kept::default() }
    }

    fn init_access(state: &TreeState, meta: &mut SystemMeta, access: &mut SystemAccess, _: &mut World) {
        read_prev(&state.parents.0, meta, access);
    }

    unsafe fn get_param<'w, 's>(
        state: &'s mut TreeState,
        _: &SystemMeta,
        world: UnsafeWorldCell<'w>,
        _: Tick,
    ) -> Result<Tree<'w, 's>, SystemParamValidationError> {
        // SAFETY: only the previous slot of `Parent` is read, under the registered access.
        let tables = unsafe { &world.storages().tables };
        // SAFETY: during a wave nobody writes previous slots or changes structure.
        let parents = unsafe { Linked::over(tables, world.entities(), &state.shared, &state.parents.0) };
        Ok(Tree { world, parents, shared: &state.shared, kept: &state.kept })
    }
}
