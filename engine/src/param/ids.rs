//! From stored references to this process's handles.
//!
//! Invariant: it answers for the last commit; what this frame spawns or despawns is not in it yet.

use super::shared_param;
use crate::id::Id;
use crate::registry::Registry;
use crate::shared::Shared;
use bevy_ecs::entity::Entity;
use std::sync::Arc;

/// Looks up entities by their [`Id`].
///
/// ```
/// use diptych_engine::prelude::*;
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Target(Id);
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Health(u32);
/// fn aim(targets: Query<Prev<Target>>, healths: Query<Prev<Health>>, ids: Ids) {
///     for target in &targets {
///         let _health = ids.entity(target.0).and_then(|entity| healths.get(entity).ok());
///     }
/// }
/// # let _ = aim;
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Ids<'s>(&'s Shared);

impl Ids<'_> {
    /// The handle of the entity, if it was alive at the last commit.
    pub fn entity(&self, id: Id) -> Option<Entity> {
        self.0.ids.get().get(id)
    }

    /// Entities alive at the last commit.
    pub fn len(&self) -> u64 {
        self.0.ids.get().len()
    }

    /// Whether no entity was alive at the last commit.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

shared_param!(Ids<'_>, Ids<'s>, Arc<Shared>, |world| world.resource::<Registry>().shared.clone(), |state| {
    Ids(state)
});
