//! From registrations to a running engine.
//!
//! Invariant: nothing is created or read before `build`, and what is wrong is refused there, all of it at
//! once. The order of registrations does not matter.

#[cfg(feature = "store")]
mod again;
mod build;
mod jobs;
mod portable;
mod program;
mod registrar;

#[cfg(feature = "store")]
pub(crate) use again::begin_again;
pub(crate) use build::Start;
#[cfg(feature = "store")]
pub(crate) use build::{FACT_DT, FACT_SEED};
pub use registrar::Registrar;
pub(crate) use registrar::Upcast;

use crate::buffer::{Codec, State};
use crate::durability::{Durability, InputLog};
use crate::engine::Engine;
use crate::error::Result;
use crate::frame::DigestPolicy;
use crate::input::Applier;
use crate::plugin::Plugin;
use crate::schedule::IntoTask;
use crate::structure::Structure;
use bevy_ecs::component::Component;
use bevy_ecs::prelude::Resource;
use bytemuck::Pod;
use std::fmt::Display;
use std::path::{Path, PathBuf};

/// Seconds a frame, unless said otherwise: 60 frames a second.
pub const DT_DEFAULT: f64 = 1.0 / 60.0;
/// Threads of a pool at most.
pub const THREADS_MAX: usize = 1024;
/// Renames that one stored name can go through.
pub(crate) const RENAMES_MAX: usize = 64;

/// Builds an [`Engine`]; every method can be called in any order.
///
/// The same methods, by `&mut self`, are on the [`Registrar`] that a [`Plugin`] gets.
pub struct EngineBuilder {
    pub(crate) registrar: Registrar,
    pub(crate) path: Option<PathBuf>,
    pub(crate) threads: Option<usize>,
    pub(crate) seed: u64,
    pub(crate) dt: f64,
    pub(crate) durability: Durability,
    pub(crate) digests: DigestPolicy,
    pub(crate) input_log: InputLog,
    pub(crate) inputs_max: usize,
    pub(crate) rollback: u32,
    pub(crate) rollback_bytes: u64,
    #[cfg(feature = "store")]
    pub(crate) compares_frames: bool,
    /// Frames whose records are kept in memory.
    #[cfg(feature = "store")]
    pub(crate) deltas: u64,
    #[cfg(feature = "store")]
    pub(crate) changes: crate::store::TypeChanges,
    #[cfg(feature = "store")]
    pub(crate) faults: crate::store::FaultPlan,
    #[cfg(feature = "store")]
    pub(crate) history: crate::store::History,
    pub(crate) failure: Option<crate::error::Error>,
}

impl core::fmt::Debug for EngineBuilder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("EngineBuilder").field("path", &self.path).finish_non_exhaustive()
    }
}

impl EngineBuilder {
    pub(crate) fn new(path: Option<&Path>) -> Self {
        Self {
            registrar: Registrar::default(),
            path: path.map(Path::to_owned),
            threads: None,
            seed: 0,
            dt: DT_DEFAULT,
            durability: if path.is_some() { Durability::Buffered } else { Durability::Memory },
            digests: DigestPolicy::default(),
            input_log: InputLog::default(),
            inputs_max: crate::ingress::INGRESS_MAX,
            rollback: 0,
            rollback_bytes: crate::rewind::ROLLBACK_BYTES_MAX,
            #[cfg(feature = "store")]
            compares_frames: false,
            #[cfg(feature = "store")]
            deltas: 0,
            #[cfg(feature = "store")]
            changes: crate::store::TypeChanges::default(),
            #[cfg(feature = "store")]
            faults: crate::store::FaultPlan::default(),
            #[cfg(feature = "store")]
            history: crate::store::History::default(),
            failure: None,
        }
    }

    /// Makes the plain-old-data type `T` buffered state, stored under `name` at `version`.
    #[must_use]
    pub fn state<T: Pod + Send + Sync>(mut self, name: &str, version: u32) -> Self {
        self.registrar.state::<T>(name, version);
        self
    }

    /// Makes any other type buffered state, encoded by `C`.
    #[must_use]
    pub fn state_with<T: State + PartialEq, C: Codec<T>>(mut self, name: &str, version: u32) -> Self {
        self.registrar.state_with::<T, C>(name, version);
        self
    }

    /// Makes the plain-old-data type `T` state whose values live for one frame: what its owner sets, or an input,
    /// or an insert, is read in the next frame, and then the row is blank (all zeros) until it is set again.
    /// `Changed` and [`Fresh`](crate::Fresh) tell a value from a blank. A value is stored in the record of
    /// its own frame only.
    #[must_use]
    pub fn transient<T: Pod + Send + Sync>(mut self, name: &str, version: u32) -> Self {
        self.registrar.transient::<T>(name, version);
        self
    }

    /// The same for any other type, encoded by `C`; a blank row is `Codec::blank`.
    #[must_use]
    pub fn transient_with<T: State + PartialEq, C: Codec<T>>(mut self, name: &str, version: u32) -> Self {
        self.registrar.transient_with::<T, C>(name, version);
        self
    }

    /// Lets entities be each other's children: registers [`Parent`](crate::Parent), which `attach` and `detach`
    /// of [`Structure`] and [`Applier`] change and [`Tree`](crate::Tree) reads. May be called more than once.
    #[must_use]
    pub fn hierarchy(mut self) -> Self {
        self.registrar.hierarchy();
        self
    }

    /// Demands that the owner of `T` sets or carries every row in every frame.
    #[must_use]
    pub fn strict<T: State>(mut self) -> Self {
        self.registrar.strict::<T>();
        self
    }

    /// Reserves `T` to the system `owner`, of any phase but late: it alone spawns, inserts, sets and removes `T`,
    /// and despawns, attaches and detaches entities that hold it, so that it may rely on what it has written.
    ///
    /// Another system that names `Next<T>` is refused by the build; one that issues such a command, and a setup,
    /// fails its commit with [`Error::Reserved`](crate::Error::Reserved), which ends in `instead`: what to do, such
    /// as "send an Order". A despawn takes children along, and is refused where one of them is reserved. Inputs are
    /// answered false, but for a spawn; see [`Applier`]. Other types of such an entity are free as ever.
    #[must_use]
    pub fn reserve<T: State>(mut self, owner: &str, instead: &str) -> Self {
        self.registrar.reserve::<T>(owner, instead);
        self
    }

    /// Brings rows of `T` stored at `from` up to the version after it.
    #[must_use]
    pub fn upcast<T: State>(
        mut self,
        from: u32,
        upcast: impl Fn(&[u8]) -> Result<Vec<u8>, crate::buffer::CodecError> + Send + Sync + 'static,
    ) -> Self {
        self.registrar.upcast::<T>(from, upcast);
        self
    }

    /// Registers the plain-old-data type `I` as an input that `apply` carries out at a commit.
    #[must_use]
    pub fn input<I: Pod + Send>(
        mut self,
        name: &str,
        version: u32,
        apply: impl Fn(&mut Applier<'_, '_>, I) + Send + Sync + 'static,
    ) -> Self {
        self.registrar.input(name, version, apply);
        self
    }

    /// Registers any other type as an input, encoded by `C`.
    #[must_use]
    pub fn input_with<I: Send + 'static, C: Codec<I>>(
        mut self,
        name: &str,
        version: u32,
        apply: impl Fn(&mut Applier<'_, '_>, I) + Send + Sync + 'static,
    ) -> Self {
        self.registrar.input_with::<I, C>(name, version, apply);
        self
    }

    /// Makes the plain-old-data type `M` a message, stored under `name` at `version`: any system may send it
    /// with [`Outbox`](crate::Outbox), and the one that names [`Inbox`](crate::Inbox) reads it.
    #[must_use]
    pub fn message<M: Pod + Send + Sync>(mut self, name: &str, version: u32) -> Self {
        self.registrar.message::<M>(name, version);
        self
    }

    /// Makes any other type a message, encoded by `C`.
    #[must_use]
    pub fn message_with<M: State, C: Codec<M>>(mut self, name: &str, version: u32) -> Self {
        self.registrar.message_with::<M, C>(name, version);
        self
    }

    /// Adds a system under a unique name; its signature says what it reads and owns.
    #[must_use]
    pub fn system<M>(mut self, name: &str, system: impl IntoTask<M>) -> Self {
        self.registrar.system(name, system);
        self
    }

    /// Adds a system that runs after all of those, still before the commit: it may read with [`Now`](crate::Now) what this
    /// frame has made of any type, and owns what it makes of it. Derive systems run at once where none needs
    /// another's values; needing each other in a circle is refused.
    ///
    /// Structure and inputs of the frame come after it: they show in derived values one frame later.
    #[must_use]
    pub fn derive<M>(mut self, name: &str, system: impl IntoTask<M>) -> Self {
        self.registrar.derive(name, system);
        self
    }

    /// Adds a system that runs after each commit, and only reads: `Prev` is then the frame just committed. It may
    /// write scratch, such as a resource that leads out of the world.
    #[must_use]
    pub fn late<M>(mut self, name: &str, system: impl IntoTask<M>) -> Self {
        self.registrar.late(name, system);
        self
    }

    /// Adds a system that runs once in the life of a world: its frame 1 is made by the startup systems alone,
    /// while `build` runs. A stored world that has passed that frame never runs them again.
    #[must_use]
    pub fn startup<M>(mut self, name: &str, system: impl IntoTask<M>) -> Self {
        self.registrar.startup(name, system);
        self
    }

    /// Makes frame 0 of a new world; not called when a stored world is opened. Setups run in name order.
    #[must_use]
    pub fn setup(mut self, name: &str, setup: impl FnOnce(&mut Structure<'_, '_>) + 'static) -> Self {
        self.registrar.setup(name, setup);
        self
    }

    /// Stores a fact with a new world; a stored world with another value of it is refused, naming both.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl Display) -> Self {
        self.registrar.fact(name, value);
        self
    }

    /// Gives every entity that holds `T` a plain component `C` beside it, and declares it scratch: systems
    /// may write it in place with `Plain<&mut C>`, and it is outside digest and store. It begins as its
    /// default, also after a recovery, and goes with `T`.
    #[must_use]
    pub fn scratch<T: State, C: Component + Default>(mut self) -> Self {
        self.registrar.scratch::<T, C>();
        self
    }

    /// Adds a resource that is local to this process, outside digest and store; declared scratch, so that
    /// systems may write it.
    #[must_use]
    pub fn resource<R: Resource>(mut self, resource: R) -> Self {
        self.registrar.resource(resource);
        self
    }

    /// Calls `hook` at the commit for every row of `T` that was set or inserted, in table order.
    #[must_use]
    pub fn on_change<T: State>(mut self, hook: impl Fn(crate::Id, &T) + Send + Sync + 'static) -> Self {
        self.registrar.on_change::<T>(hook);
        self
    }

    /// Calls `hook` at the commit for every row of `T` that was inserted, in table order.
    #[must_use]
    pub fn on_add<T: State>(mut self, hook: impl Fn(crate::Id, &T) + Send + Sync + 'static) -> Self {
        self.registrar.on_add::<T>(hook);
        self
    }

    /// Calls `hook` at the commit for every row of `T` that goes, with its last value, in order.
    #[must_use]
    pub fn on_remove<T: State>(mut self, hook: impl Fn(crate::Id, &T) + Send + Sync + 'static) -> Self {
        self.registrar.on_remove::<T>(hook);
        self
    }

    /// Keeps copies of `T` of the last two frames for readers that need longer than a lease; costs a copy of
    /// the column a commit.
    #[must_use]
    pub fn keep_copies<T: State>(mut self) -> Self {
        self.registrar.keep_copies::<T>();
        self
    }

    /// Shows every committed frame to `observer`, under a unique name; several are called in the order of names.
    #[must_use]
    pub fn observer(mut self, name: &str, observer: std::sync::Arc<impl crate::Observer>) -> Self {
        self.registrar.observer(name, observer);
        self
    }

    /// Adds a plugin; a failure of its own is kept for `build`.
    #[must_use]
    pub fn plugin(mut self, plugin: impl Plugin) -> Self {
        let added = self.registrar.plugin(plugin).err();
        self.failure = self.failure.or(added);
        self
    }

    /// Threads of the pool; all cores unless said otherwise. Without the feature `threads` there is one, the
    /// calling thread, and more are refused.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Seed of the world's randomness: a fact of the world. 0 unless said otherwise.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Seconds of world time a frame: a fact of the world.
    #[must_use]
    pub fn dt(mut self, seconds: f64) -> Self {
        self.dt = seconds;
        self
    }

    /// When a commit counts as durable.
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How much is kept of what comes into the frames, for replays; every frame up to a gibibyte unless said otherwise.
    #[must_use]
    pub fn input_log(mut self, log: InputLog) -> Self {
        self.input_log = log;
        self
    }

    /// How much of the past stays in the directory, to be looked at with [`Engine::at`]; nothing beyond the last
    /// checkpoint unless said otherwise. It may differ each time a world is opened.
    #[cfg(feature = "store")]
    #[must_use]
    pub fn history(mut self, history: crate::store::History) -> Self {
        self.history = history;
        self
    }

    /// When a commit takes the world's digest; every 60 frames unless said otherwise.
    #[must_use]
    pub fn digest(mut self, policy: DigestPolicy) -> Self {
        self.digests = policy;
        self
    }

    /// Inputs that may wait for a commit.
    #[must_use]
    pub fn inputs_max(mut self, inputs: usize) -> Self {
        self.inputs_max = inputs;
        self
    }

    /// Injects faults into the store's writer, for tests.
    #[cfg(feature = "store")]
    #[must_use]
    pub fn faults(mut self, faults: crate::store::FaultPlan) -> Self {
        self.faults = faults;
        self
    }

    /// Makes the engine: refuses wrong use, opens the store, recovers or sets up the world.
    ///
    /// # Errors
    /// Everything that is wrong with the registrations, together; a stored world that does not fit; the
    /// store's own refusals.
    pub fn build(self) -> Result<Engine> {
        build::build(self)
    }
}
