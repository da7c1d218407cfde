//! Reading the last committed frame from outside: leases without copying, and copies for who needs longer.
//!
//! Invariant: a view exists only inside a closure, under a lease or under `&Engine`; it reads the previous
//! slot, which nobody writes until the lease is back. Copies are made at the commit and belong to their holder.

#![expect(unsafe_code, reason = "shares the world with readers that are kept from the commit by leases")]

use crate::buffer::{State, Typed};
use crate::error::{Error, Result};
use crate::frame::Frame;
use crate::id::Id;
use crate::lease::LeaseGate;
use crate::registry::Registry;
use crate::shared::Shared;
use crate::sync::Mutex;
use crate::tree::{Children, Parent};
use bevy_ecs::entity::Entity;
use bevy_ecs::world::World;
use bevy_ecs::world::unsafe_world_cell::UnsafeWorldCell;
use core::any::{Any, TypeId, type_name};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The world, reachable by the frame and by leases: every way into it comes from one pointer, so that waves,
/// encodings and leases side by side do not take it from each other.
pub(crate) struct WorldCell {
    /// Made from `world` once; that pointer is used again only to free it.
    cell: UnsafeWorldCell<'static>,
    world: *mut World,
}

// SAFETY: `World` is `Send + Sync`; `get_mut` is called by the frame alone, and by the contract of leases no
// reader looks at anything while the commit changes it.
unsafe impl Sync for WorldCell {}
// SAFETY: the world is owned by the cell and is `Send`.
unsafe impl Send for WorldCell {}

impl Drop for WorldCell {
    fn drop(&mut self) {
        // SAFETY: the pointer came from a box, and nobody holds the cell any more.
        drop(unsafe { Box::from_raw(self.world) });
    }
}

impl WorldCell {
    pub(crate) fn new(world: World) -> Self {
        let world = Box::into_raw(Box::new(world));
        // SAFETY: the box was just made; the reference is the only one, and lives as long as the box.
        let exclusive: &'static mut World = unsafe { &mut *world };
        Self { cell: exclusive.as_unsafe_world_cell(), world }
    }

    /// The world as systems see it.
    ///
    /// # Safety
    /// The caller accesses only what the current phase leaves to it.
    pub(crate) unsafe fn cell(&self) -> UnsafeWorldCell<'_> {
        self.cell
    }

    /// # Safety
    /// The caller reads only what the current phase leaves alone: committed slots, `Id`s and table lists
    /// under a lease, anything between frames.
    pub(crate) unsafe fn get(&self) -> &World {
        // SAFETY: the caller's promise.
        unsafe { self.cell.world() }
    }

    /// # Safety
    /// The caller is the frame, and readers under leases see nothing of what it changes.
    #[expect(clippy::mut_from_ref, reason = "exclusion is by phase")]
    pub(crate) unsafe fn get_mut(&self) -> &mut World {
        // SAFETY: the caller's promise.
        unsafe { self.cell.world_mut() }
    }
}

/// The last committed frame, to look at.
#[derive(Clone, Copy)]
pub struct View<'a> {
    world: &'a World,
    shared: &'a Shared,
}

impl core::fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("View").field("frame", &self.frame()).finish_non_exhaustive()
    }
}

impl<'a> View<'a> {
    pub(crate) fn new(world: &'a World, shared: &'a Shared) -> Self {
        Self { world, shared }
    }

    /// The frame that is seen.
    pub fn frame(&self) -> u64 {
        self.shared.time.get().frame - 1
    }

    /// Steps made so far: the frames that are not still. World time is this times `dt`.
    pub fn step(&self) -> u64 {
        let time = self.shared.time.get();
        time.frame - 1 - time.still
    }

    /// Entities alive.
    pub fn entities(&self) -> u64 {
        self.shared.ids.get().len()
    }

    /// The value of an entity; `None` when it is gone or does not hold `T`.
    ///
    /// # Panics
    /// When `T` is not registered.
    pub fn get<T: State>(&self, id: Id) -> Option<&'a T> {
        let (typed, slot) = self.typed::<T>();
        let (table, row) = self.shared.ids.get().location(id)?;
        // SAFETY: the view's lease keeps the previous slot from being written.
        let values = unsafe { typed.values(&self.world.storages().tables[table], slot) }?;
        values.get(row as usize)
    }

    /// This process's handle of an entity; `None` when it is gone. It holds until the entity is despawned or frames are
    /// undone, is never stored, and is what `Query::get` takes.
    pub fn entity(&self, id: Id) -> Option<Entity> {
        self.shared.ids.get().get(id)
    }

    /// The parent of an entity; `None` for who is nobody's child, and in a world without `.hierarchy()`.
    pub fn parent(&self, child: Id) -> Option<Id> {
        let known = self.world.resource::<Registry>().holds::<Parent>();
        known.then(|| self.get::<Parent>(child)).flatten().map(Parent::id)
    }

    /// The children of an entity, in order.
    pub fn children(&self, parent: Id) -> Children<'a> {
        self.shared.tree.get().children(parent)
    }

    /// Every entity that holds `T`, packed: for each table the `Id`s and the values, in row order.
    ///
    /// # Panics
    /// When `T` is not registered.
    pub fn tables<T: State>(&self) -> impl Iterator<Item = (&'a [Id], &'a [T])> {
        let (typed, slot) = self.typed::<T>();
        let ids = self.world.component_id::<Id>();
        let world = self.world;
        world.storages().tables.iter().filter_map(move |table| {
            // SAFETY: the view's lease keeps the previous slot from being written.
            let values = unsafe { typed.values(table, slot) }?;
            // SAFETY: `ids` is the component id of `Id`.
            let start = unsafe { crate::buffer::raw::plain_column::<Id>(table, ids?) }?;
            // SAFETY: the column has a value for each row; `Id`s are written only at commits.
            Some((unsafe { core::slice::from_raw_parts(start, values.len()) }, values))
        })
    }

    /// Every entity that holds `T`, with its value, in table order.
    ///
    /// # Panics
    /// When `T` is not registered.
    pub fn iter<T: State>(&self) -> impl Iterator<Item = (Id, &'a T)> {
        self.tables::<T>().flat_map(|(ids, values)| ids.iter().copied().zip(values))
    }

    /// The value of the only entity that holds `T`; `None` when there is none or more than one.
    ///
    /// # Panics
    /// When `T` is not registered.
    pub fn single<T: State>(&self) -> Option<&'a T> {
        let mut all = self.iter::<T>();
        let (_, value) = all.next()?;
        all.next().is_none().then_some(value)
    }

    fn typed<T: State>(&self) -> (Arc<Typed<T>>, usize) {
        let typed = self.world.resource::<Registry>().typed::<T>();
        let typed = typed.unwrap_or_else(|| panic!("{} is not registered as state", type_name::<T>()));
        (typed, self.shared.frames.roles().prev())
    }
}

/// Reads the world from other threads; cheap to clone.
#[derive(Clone)]
pub struct Reader {
    pub(crate) cell: Arc<WorldCell>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) gate: LeaseGate,
    pub(crate) copies: Copies,
}

impl core::fmt::Debug for Reader {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Reader")
    }
}

impl Reader {
    /// Reads the last committed frame without copying, under a lease in `holder`'s name.
    ///
    /// The next commit waits until `look` returns, so look and go. Waiting for the engine inside is refused.
    ///
    /// # Errors
    /// On a thread of the engine's pool, where the wait for a commit would never end; and when a commit is
    /// waiting for longer than a lease may.
    pub fn read<R>(&self, holder: &'static str, look: impl FnOnce(View<'_>) -> R) -> Result<R> {
        let lease = self.gate.enter(holder).map_err(|error| Error::Lease(error.to_string()))?;
        // SAFETY: the lease is held until `look` is done, and keeps the commit away.
        let world = unsafe { self.cell.get() };
        let seen = look(View::new(world, &self.shared));
        drop(lease);
        Ok(seen)
    }

    /// The copies of a type in the last two frames, older first: for who needs longer than a lease, or two
    /// frames to interpolate. `None` for frames not made yet, and for types without `keep_copies`; after a rollback,
    /// for the older one until a frame is made.
    pub fn copies<T: State>(&self) -> [Option<Arc<Copied<T>>>; 2] {
        let kept = self.copies.0.lock();
        let pair = kept.get(&TypeId::of::<T>()).map(|kept| kept.last.clone()).unwrap_or_default();
        pair.map(|copy| copy.and_then(|copy| copy.downcast().ok()))
    }
}

/// A column as it was at one commit.
#[derive(Debug, Clone, PartialEq)]
pub struct Copied<T> {
    /// The frame.
    pub frame: u64,
    /// The entities, in table order.
    pub ids: Vec<Id>,
    /// Their values.
    pub values: Vec<T>,
}

/// The columns of which copies are kept.
#[derive(Clone, Default)]
pub(crate) struct Copies(Arc<Mutex<BTreeMap<TypeId, Kept>>>);

struct Kept {
    copy: fn(&View<'_>) -> Arc<dyn Any + Send + Sync>,
    last: [Option<Arc<dyn Any + Send + Sync>>; 2],
}

impl Copies {
    /// Keeps copies of `T` from the next commit on.
    pub(crate) fn keep<T: State>(&self) {
        let copy: fn(&View<'_>) -> Arc<dyn Any + Send + Sync> = |view| {
            let (mut ids, mut values) = (Vec::new(), Vec::new());
            for (table_ids, table_values) in view.tables::<T>() {
                ids.extend_from_slice(table_ids);
                values.extend_from_slice(table_values);
            }
            Arc::new(Copied { frame: view.frame(), ids, values })
        };
        self.0.lock().entry(TypeId::of::<T>()).or_insert(Kept { copy, last: [None, None] });
    }
}

impl Frame {
    /// After a rollback: of each the copy of the committed frame, and none before it.
    pub(crate) fn copy_again(&self) {
        self.copies.0.lock().values_mut().for_each(|kept| kept.last = [None, None]);
        self.copy_columns();
    }

    /// Makes the copies that were asked for.
    pub(crate) fn copy_columns(&self) {
        let mut kept = self.copies.0.lock();
        if kept.is_empty() {
            return;
        }
        let view = View::new(self.world(), &self.shared);
        for kept in kept.values_mut() {
            kept.last = [kept.last[1].take(), Some((kept.copy)(&view))];
        }
    }
}
