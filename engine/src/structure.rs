//! Deferred structure: what systems spawn, despawn, insert and remove, applied at the commit.
//!
//! Invariant: commands apply in the order of (system name, chunk, issue); a run of despawns, which cannot see
//! each other, goes by descending rows. A spawn's `Id` follows from the system's
//! name and its own count; its `Entity` is only a handle. bevy's `Commands` are refused, because their ids
//! come from an atomic that all threads share. How a command is carried out is in `editor`.

#![expect(unsafe_code, reason = "implements bevy's unsafe parameter trait")]

mod bundle;
mod chunk;
mod command;

pub use bundle::Bundle;
pub(crate) use bundle::{Known, Spawner};
pub use chunk::Chunk;
pub(crate) use command::{Command, Edit, SpawnBatch, SpawnRun, check_open};

use crate::buffer::State;
use crate::id::{Id, SystemKey};
use crate::registry::Registry;
use crate::sabotage::{self, Bug};
use crate::shared::Shared;
use bevy_ecs::change_detection::Tick;
use bevy_ecs::entity::{Entity, EntityAllocator};
use bevy_ecs::system::{SystemAccess, SystemMeta, SystemParam, SystemParamValidationError};
use bevy_ecs::world::World;
use bevy_ecs::world::unsafe_world_cell::UnsafeWorldCell;
use command::{Insert, Remove};
use core::any::TypeId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Commands one system may issue in one frame; the next one panics and so poisons the engine.
pub const COMMANDS_MAX: usize = 1 << 26;

/// Spawns, despawns, inserts and removes at the next commit.
///
/// Commands on an entity that the same commit has despawned already are dropped and counted
/// (`Stats::commands_dropped`); despawning twice is one despawn.
///
/// The commit fails where a command spawns, inserts or removes a type that is
/// [reserved](crate::EngineBuilder::reserve) to another system, or despawns, attaches or detaches an entity that
/// holds one; despawning takes everybody below along, and is refused with any of them.
///
/// ```
/// use diptych_engine::prelude::*;
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Age(u32);
/// fn live(ages: Query<(Id, Prev<Age>)>, mut structure: Structure) {
///     for (id, age) in &ages {
///         if age.0 == 0 {
///             structure.spawn((Age(100),));
///         } else if age.0 > 1000 {
///             structure.despawn(id);
///         }
///     }
/// }
/// # let _ = live;
/// ```
#[derive(Debug)]
pub struct Structure<'w, 's> {
    buffer: &'s mut Commands,
    allocator: &'w EntityAllocator,
}

/// What a spawn gives at once: the stable name and this process's handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spawned {
    /// The stable name; store this one.
    pub id: Id,
    /// The handle, valid from the next frame on.
    pub entity: Entity,
}

/// Names an entity: by [`Id`], or by the handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// By stable name.
    Id(Id),
    /// By this process's handle.
    Entity(Entity),
}

impl From<Id> for Target {
    fn from(id: Id) -> Self {
        Self::Id(id)
    }
}

impl From<&Id> for Target {
    fn from(id: &Id) -> Self {
        Self::Id(*id)
    }
}

impl From<Entity> for Target {
    fn from(entity: Entity) -> Self {
        Self::Entity(entity)
    }
}

impl From<Spawned> for Target {
    fn from(spawned: Spawned) -> Self {
        Self::Id(spawned.id)
    }
}

/// The commands of one system in one frame.
#[derive(Debug)]
pub(crate) struct Commands {
    pub(crate) system: String,
    pub(crate) key: SystemKey,
    /// The serial number of the system's next spawn.
    pub(crate) serial: u64,
    pub(crate) list: Vec<Command>,
    pub(crate) batches: BTreeMap<TypeId, Box<dyn SpawnBatch>>,
    /// Commands of parallel loops; each list stands where `Command::Chunk` says.
    pub(crate) chunks: Vec<Commands>,
}

impl Commands {
    pub(crate) fn new(system: String, key: SystemKey) -> Self {
        Self { system, key, serial: 0, list: Vec::new(), batches: BTreeMap::new(), chunks: Vec::new() }
    }

    /// Commands and spawns the buffer has room for.
    pub(crate) fn capacity(&self) -> usize {
        self.list.capacity() + self.batches.values().map(|batch| batch.capacity()).sum::<usize>()
    }

    fn spawn<B: Bundle>(&mut self, spawned: Spawned, bundle: B) {
        let kind = TypeId::of::<B>();
        let batch = self.batches.entry(kind).or_insert_with(|| Box::new(SpawnRun::<B>::default()));
        let run = batch.as_any().downcast_mut::<SpawnRun<B>>().expect("batches are keyed by their type");
        run.push(spawned, bundle);
        if let Some(Command::Spawn { bundle, count }) = self.list.last_mut()
            && *bundle == kind
        {
            *count += 1;
        } else {
            self.issue(Command::Spawn { bundle: kind, count: 1 });
        }
    }

    fn issue(&mut self, command: Command) {
        assert!(
            self.list.len() < COMMANDS_MAX,
            "{} has issued {COMMANDS_MAX} commands in one frame, the limit",
            self.system
        );
        self.list.push(command);
    }
}

impl<'w, 's> Structure<'w, 's> {
    pub(crate) fn over(buffer: &'s mut Commands, allocator: &'w EntityAllocator) -> Self {
        Self { buffer, allocator }
    }

    /// Spawns an entity with these values, a tuple of registered types; free for any system and any type, but for
    /// types that are reserved to another system.
    pub fn spawn<B: Bundle>(&mut self, bundle: B) -> Spawned {
        let serial = match sabotage::is(Bug::SharedAllocator) {
            true => sabotage::shared_number(),
            false => self.buffer.serial,
        };
        let spawned = Spawned { id: Id::new(self.buffer.key, serial), entity: self.allocator.alloc() };
        self.buffer.serial += 1;
        self.buffer.spawn(spawned, bundle);
        spawned
    }

    /// Despawns an entity with everything it holds, and everybody below it.
    pub fn despawn(&mut self, target: impl Into<Target>) {
        self.buffer.issue(Command::Despawn(target.into()));
    }

    /// Gives an entity a value of a type. Where the entity holds the type already and another system owns
    /// the type, the commit fails with an error that names both.
    pub fn insert<T: State>(&mut self, target: impl Into<Target>, value: T) {
        self.buffer.issue(Command::Edit(target.into(), Box::new(Insert(value))));
    }

    /// Changes an entity, if it is alive then.
    pub(crate) fn edit(&mut self, target: impl Into<Target>, edit: Box<dyn Edit>) {
        self.buffer.issue(Command::Edit(target.into(), edit));
    }

    /// Takes a type from an entity; nothing happens when the entity does not hold it.
    pub fn remove<T: State>(&mut self, target: impl Into<Target>) {
        self.buffer.issue(Command::Edit(target.into(), Box::new(Remove::<T>::default())));
    }

    /// Makes an entity the last child of another, and no longer anybody else's. Needs `.hierarchy()`.
    ///
    /// At the commit an attachment is dropped and counted (`Stats::attachments_refused`) when the parent is gone, or
    /// is the child or below it. Children go when their parent is despawned; detach who is to stay.
    pub fn attach(&mut self, child: impl Into<Target>, parent: impl Into<Target>) {
        self.attach_at(child, parent, u32::MAX);
    }

    /// The same, before the child of `parent` that is the `index`-th by then; as the last one if there are no
    /// more than `index`.
    pub fn attach_at(&mut self, child: impl Into<Target>, parent: impl Into<Target>, index: u32) {
        self.buffer.issue(Command::Attach { child: child.into(), parent: parent.into(), at: index });
    }

    /// Makes an entity nobody's child; what is below it stays below it.
    pub fn detach(&mut self, child: impl Into<Target>) {
        self.buffer.issue(Command::Detach(child.into()));
    }
}

/// The state of the parameter: the buffer, and where the next serial number is kept.
#[derive(Debug)]
pub struct StructureState {
    shared: Arc<Shared>,
    buffer: Commands,
}

impl StructureState {
    pub(crate) fn new(shared: Arc<Shared>, system: String, key: SystemKey) -> Self {
        Self { shared, buffer: Commands::new(system, key) }
    }
}

// SAFETY: of the world, only the entity allocator is used, through its shared methods.
unsafe impl SystemParam for Structure<'_, '_> {
    type State = StructureState;
    type Item<'w, 's> = Structure<'w, 's>;

    fn init_state(world: &mut World) -> StructureState {
        let mut registry = world.resource_mut::<Registry>();
        let (system, first) = registry.building();
        // A second `Structure` of the same system counts its spawns by itself, under a name of its own.
        let key = match registry.structural {
            0 => first,
            n => {
                let name = format!("{system}#{n}");
                let key = SystemKey::of(&name);
                registry.more_names.push(name);
                key
            }
        };
        registry.structural += 1;
        StructureState::new(registry.shared.clone(), system, key)
    }

    fn init_access(_: &StructureState, _: &mut SystemMeta, _: &mut SystemAccess, _: &mut World) {}

    fn apply(state: &mut StructureState, _: &SystemMeta, world: &mut World) {
        let mut registry = world.resource_mut::<Registry>();
        let spare = registry.spare.pop();
        let Commands { system, key, .. } = &state.buffer;
        let fresh = spare.unwrap_or_else(|| Commands::new(system.clone(), *key));
        let filled = core::mem::replace(&mut state.buffer, fresh);
        state.buffer.system.clone_from(&filled.system);
        state.buffer.key = filled.key;
        registry.issued.push(filled);
    }

    unsafe fn get_param<'w, 's>(
        state: &'s mut StructureState,
        _: &SystemMeta,
        world: UnsafeWorldCell<'w>,
        _: Tick,
    ) -> Result<Structure<'w, 's>, SystemParamValidationError> {
        if state.buffer.list.is_empty() {
            state.buffer.serial = state.shared.serial(state.buffer.key);
        }
        Ok(Structure { buffer: &mut state.buffer, allocator: world.entity_allocator() })
    }
}
