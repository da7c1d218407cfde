//! The commands of one chunk of a parallel loop.
//!
//! Invariant: chunks are cut by rows, not by threads. The chunks of a loop take serial numbers in turn (the
//! n-th spawn of chunk c of k has number n * k + c), so an `Id` is known at once and on any thread the same.

use super::command::{Insert, Remove};
use super::{Bundle, Command, Commands, Spawned, Structure, Target};
use crate::buffer::State;
use crate::id::Id;
use bevy_ecs::entity::EntityAllocator;

/// Takes commands inside a parallel loop; see `Loops::par_rows_with`.
#[derive(Debug)]
pub struct Chunk<'w> {
    commands: Commands,
    allocator: &'w EntityAllocator,
    first: u64,
    stride: u64,
    spawned: u64,
}

impl Chunk<'_> {
    /// See [`Structure::spawn`].
    pub fn spawn<B: Bundle>(&mut self, bundle: B) -> Spawned {
        let id = Id::new(self.commands.key, self.first + self.spawned * self.stride);
        self.spawned += 1;
        let spawned = Spawned { id, entity: self.allocator.alloc() };
        self.commands.spawn(spawned, bundle);
        spawned
    }

    /// See [`Structure::despawn`].
    pub fn despawn(&mut self, target: impl Into<Target>) {
        self.commands.issue(Command::Despawn(target.into()));
    }

    /// See [`Structure::insert`].
    pub fn insert<T: State>(&mut self, target: impl Into<Target>, value: T) {
        self.commands.issue(Command::Edit(target.into(), Box::new(Insert(value))));
    }

    /// See [`Structure::remove`].
    pub fn remove<T: State>(&mut self, target: impl Into<Target>) {
        self.commands.issue(Command::Edit(target.into(), Box::new(Remove::<T>::default())));
    }

    /// See [`Structure::attach`].
    pub fn attach(&mut self, child: impl Into<Target>, parent: impl Into<Target>) {
        self.attach_at(child, parent, u32::MAX);
    }

    /// See [`Structure::attach_at`].
    pub fn attach_at(&mut self, child: impl Into<Target>, parent: impl Into<Target>, index: u32) {
        self.commands.issue(Command::Attach { child: child.into(), parent: parent.into(), at: index });
    }

    /// See [`Structure::detach`].
    pub fn detach(&mut self, child: impl Into<Target>) {
        self.commands.issue(Command::Detach(child.into()));
    }
}

impl<'w> Structure<'w, '_> {
    /// Makes a place for the commands of each of `count` chunks.
    pub(crate) fn split(&mut self, count: usize) -> Vec<Chunk<'w>> {
        let serial = self.buffer.serial;
        let chunk = |place: usize| Chunk {
            commands: Commands::new(self.buffer.system.clone(), self.buffer.key),
            allocator: self.allocator,
            first: serial + place as u64,
            stride: count as u64,
            spawned: 0,
        };
        (0..count).map(chunk).collect()
    }

    /// Takes the chunks' commands back, in their order.
    pub(crate) fn join(&mut self, chunks: Vec<Chunk<'w>>) {
        let most = chunks.iter().map(|chunk| chunk.spawned).max().unwrap_or(0);
        self.buffer.serial += most * chunks.len() as u64;
        for chunk in chunks.into_iter().filter(|chunk| !chunk.commands.list.is_empty()) {
            self.buffer.issue(Command::Chunk(self.buffer.chunks.len()));
            self.buffer.chunks.push(chunk.commands);
        }
    }
}
