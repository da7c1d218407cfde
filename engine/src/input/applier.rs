//! What an input may do to the world as it is applied.
//!
//! Invariant: everything happens at once, in the committed frame, and counts as having happened in it.

use crate::buffer::State;
use crate::editor::Editor;
use crate::error::{Error, Result};
use crate::id::{Id, SystemKey};
use crate::structure::{Bundle, Spawned, Target, check_open};
use bevy_ecs::entity::Entity;

/// Hands of an input: it may set any type, which its owner finds as the previous value in the next frame.
///
/// But for types that are [reserved](crate::EngineBuilder::reserve) to a system: what would set, insert or remove
/// one, or despawn, attach or detach an entity that holds one (or has one below it that goes too), does nothing,
/// answers false, and is counted in `Stats::changes_refused`. Spawning one is wrong use, and fails the commit.
pub struct Applier<'a, 'b> {
    pub(crate) editor: &'a mut Editor<'b>,
    pub(crate) key: SystemKey,
    pub(crate) source: &'a str,
    pub(crate) frame: u64,
    pub(crate) failure: &'a mut Option<Error>,
}

impl core::fmt::Debug for Applier<'_, '_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Applier")
            .field("source", &self.source)
            .field("frame", &self.frame)
            .finish_non_exhaustive()
    }
}

impl Applier<'_, '_> {
    /// The frame that this input belongs to.
    pub fn frame(&self) -> u64 {
        self.frame
    }

    /// Who sent it.
    pub fn source(&self) -> &str {
        self.source
    }

    /// The value an entity holds.
    pub fn get<T: State>(&self, target: impl Into<Target>) -> Option<&T> {
        self.editor.get(self.editor.find(target.into())?)
    }

    /// The entities that hold `T`, in table order.
    pub fn ids<T: State>(&self) -> Vec<Id> {
        let view = crate::view::View::new(self.editor.world, self.editor.shared);
        view.iter::<T>().map(|(id, _)| id).collect()
    }

    /// The entity with the lowest `Id` among those whose `T` is as wanted. Cost: the rows that hold `T`.
    pub fn find<T: State>(&self, wanted: impl Fn(&T) -> bool) -> Option<Id> {
        let view = crate::view::View::new(self.editor.world, self.editor.shared);
        view.iter::<T>().filter(|(_, value)| wanted(value)).map(|(id, _)| id).min()
    }

    /// Sets a value that the entity holds; answers whether it did.
    pub fn set<T: State>(&mut self, target: impl Into<Target>, value: T) -> bool {
        let Some(entity) = self.open::<T>("sets", target.into()) else { return false };
        let set = self.editor.set(entity, value);
        self.keep(set).unwrap_or(false)
    }

    /// Spawns an entity; its `Id` comes from the input's name and count.
    pub fn spawn<B: Bundle>(&mut self, bundle: B) -> Spawned {
        let serial = self.editor.shared.serial(self.key);
        let entity = self.editor.world.entity_allocator_mut().alloc();
        let spawned = Spawned { id: Id::new(self.key, serial), entity };
        self.editor.keep_serial(self.key, serial + 1);
        let done = self.editor.spawn_many(&[spawned], core::iter::once(bundle));
        if let Err(error) = done {
            self.failure.get_or_insert(error);
        }
        spawned
    }

    /// Despawns an entity; answers whether it was alive, and not reserved.
    pub fn despawn(&mut self, target: impl Into<Target>) -> bool {
        let Some(entity) = self.editor.find(target.into()) else { return false };
        let done = self.editor.despawn(entity);
        self.keep(done).is_some()
    }

    /// Gives an entity a type that it does not hold yet, or sets it; answers whether the entity was alive, and the
    /// type not reserved.
    pub fn insert<T: State>(&mut self, target: impl Into<Target>, value: T) -> bool {
        let Some(entity) = self.open::<T>("inserts", target.into()) else { return false };
        let set = self.editor.set(entity, value.clone());
        if self.keep(set) == Some(false) {
            let done = self.editor.insert(entity, value);
            self.keep(done);
        }
        true
    }

    /// Takes a type from an entity; answers whether the entity was alive, and the type not reserved.
    pub fn remove<T: State>(&mut self, target: impl Into<Target>) -> bool {
        let Some(entity) = self.open::<T>("removes", target.into()) else { return false };
        let done = self.editor.remove::<T>(entity);
        self.keep(done);
        true
    }

    /// Makes an entity the last child of another; answers whether it did. Refused as
    /// [`Structure::attach`](crate::Structure::attach) is.
    pub fn attach(&mut self, child: impl Into<Target>, parent: impl Into<Target>) -> bool {
        self.attach_at(child, parent, u32::MAX)
    }

    /// The same, before the `index`-th child of `parent`.
    pub fn attach_at(&mut self, child: impl Into<Target>, parent: impl Into<Target>, index: u32) -> bool {
        let done = self.editor.attach(child.into(), parent.into(), index);
        self.keep(done).unwrap_or(false)
    }

    /// Makes an entity nobody's child; answers whether it was somebody's.
    pub fn detach(&mut self, child: impl Into<Target>) -> bool {
        let done = self.editor.detach(child.into());
        self.keep(done).unwrap_or(false)
    }

    /// The living entity whose `T` this input may change.
    fn open<T: State>(&mut self, act: &'static str, target: Target) -> Option<Entity> {
        let entity = self.editor.find(target)?;
        let open = check_open::<T>(self.editor, act, entity);
        self.keep(open).map(|()| entity)
    }

    /// Keeps a failure for the commit. A reserved row is none: whoever sends an `Id` must not stop the engine.
    fn keep<R>(&mut self, result: Result<R>) -> Option<R> {
        match result {
            Ok(done) => return Some(done),
            Err(error @ Error::Reserved { .. }) => self.editor.note_reserved(error),
            Err(error) => drop(self.failure.get_or_insert(error)),
        }
        None
    }
}
