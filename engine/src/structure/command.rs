//! One deferred command, and runs of spawns of one shape.
//!
//! Invariant: a run hands out its spawns in the order in which they were pushed.

use super::bundle::Bundle;
use super::{Spawned, Target};
use crate::buffer::State;
use crate::editor::Editor;
use crate::error::Error;
use crate::tree::{AttachAt, is_engine_owned};
use bevy_ecs::entity::Entity;
use core::any::{Any, TypeId};
use core::marker::PhantomData;

/// A deferred command.
#[derive(Debug)]
pub(crate) enum Command {
    /// The next `count` spawns of the run of this bundle type.
    Spawn {
        bundle: TypeId,
        count: usize,
    },
    Despawn(Target),
    Edit(Target, Box<dyn Edit>),
    Attach {
        child: Target,
        parent: Target,
        at: AttachAt,
    },
    Detach(Target),
    /// The commands of one chunk of a parallel loop, by its place in `chunks`.
    Chunk(usize),
}

/// A typed change of one entity.
pub(crate) trait Edit: Send + Sync {
    fn apply(self: Box<Self>, editor: &mut Editor<'_>, entity: Entity) -> Result<(), Error>;
}

impl core::fmt::Debug for dyn Edit {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Edit")
    }
}

/// Only the engine writes its own state, and only its owner what is reserved.
pub(crate) fn check_open<T: State>(
    editor: &Editor<'_>,
    act: &'static str,
    entity: Entity,
) -> Result<(), Error> {
    if is_engine_owned::<T>() {
        let (system, type_name) = (editor.acting.clone(), core::any::type_name::<T>());
        return Err(Error::EngineOwned { system, type_name });
    }
    editor.check_type::<T>(act, entity)
}

/// Gives an entity a value.
pub(super) struct Insert<T>(pub(super) T);

impl<T: State> Edit for Insert<T> {
    fn apply(self: Box<Self>, editor: &mut Editor<'_>, entity: Entity) -> Result<(), Error> {
        check_open::<T>(editor, "inserts", entity)?;
        editor.insert(entity, self.0)
    }
}

/// Takes a type from an entity.
pub(super) struct Remove<T>(PhantomData<fn() -> T>);

impl<T> Default for Remove<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T: State> Edit for Remove<T> {
    fn apply(self: Box<Self>, editor: &mut Editor<'_>, entity: Entity) -> Result<(), Error> {
        check_open::<T>(editor, "removes", entity)?;
        editor.remove::<T>(entity)
    }
}

/// Spawns of one bundle type.
pub(crate) trait SpawnBatch: Send + Sync {
    fn as_any(&mut self) -> &mut dyn Any;
    /// Carries out the next `count` spawns.
    fn apply(&mut self, editor: &mut Editor<'_>, count: usize) -> Result<(), Error>;
    /// Forgets what is left; the memory stays.
    fn clear(&mut self);
    /// Spawns there is room for.
    fn capacity(&self) -> usize;
}

impl core::fmt::Debug for dyn SpawnBatch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SpawnBatch")
    }
}

/// See [`SpawnBatch`].
pub(crate) struct SpawnRun<B> {
    spawned: Vec<Spawned>,
    bundles: Vec<Option<B>>,
    applied: usize,
}

impl<B> Default for SpawnRun<B> {
    fn default() -> Self {
        Self { spawned: Vec::new(), bundles: Vec::new(), applied: 0 }
    }
}

impl<B> SpawnRun<B> {
    pub(super) fn push(&mut self, spawned: Spawned, bundle: B) {
        self.spawned.push(spawned);
        self.bundles.push(Some(bundle));
    }
}

impl<B: Bundle> SpawnBatch for SpawnRun<B> {
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }

    fn apply(&mut self, editor: &mut Editor<'_>, count: usize) -> Result<(), Error> {
        let range = self.applied..self.applied + count;
        self.applied = range.end;
        let bundles = self.bundles[range.clone()].iter_mut().filter_map(Option::take);
        editor.spawn_many(&self.spawned[range], bundles)
    }

    fn capacity(&self) -> usize {
        self.spawned.capacity()
    }

    fn clear(&mut self) {
        self.spawned.clear();
        self.bundles.clear();
        self.applied = 0;
    }
}
