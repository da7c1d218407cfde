//! Familiar names for who comes from component systems with objects: [`Component`], [`System`], [`EntityGroup`],
//! [`Unit`], [`UnitGroup`], [`Spawnable`], each a thin layer over what this crate has under other names.
//!
//! | here | is |
//! |---|---|
//! | `Component::<T>::new(name)` | `.state::<T>(name, 1)` |
//! | `System::new(name, update)`, `.prepare`, `.cleanup` | `.system(name, update.prepare(..).cleanup(..))` |
//! | `EntityGroup`: `spawn`, `each`, `has`, `size`, `clear`, `despawn` | [`crate::group::EntityGroup`] |
//! | `Unit`, `UnitGroup` | [`crate::unit`] |
//! | `Spawnable<T>` with `acquire` | [`crate::pool::Pool`] |
//! | `Game` | a plugin that brings all of them into a world |
//!
//! Invariant: adds no behaviour. What it says can be mixed with the names that it stands for.
//!
//! ```
//! use diptych::blueprint::Blueprint;
//! use diptych::familiar::{Component, EntityGroup, Game, System};
//! use diptych::prelude::*;
//! #[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
//! #[repr(C)]
//! struct Position(f64);
//! #[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
//! #[repr(C)]
//! struct Velocity(f64);
//!
//! let (position, velocity) = (Component::<Position>::new("position"), Component::<Velocity>::new("velocity"));
//! let body = Blueprint::new("body").with(position.name(), Position(0.0)).with(velocity.name(), Velocity(2.0));
//! let bodies = EntityGroup::new("bodies", body);
//! let motion = System::new("motion", |mut bodies: Query<(Next<Position>, Prev<Velocity>)>| {
//!     bodies.par_rows(|(mut position, velocity)| position.set(Position(position.prev().0 + velocity.0)));
//! });
//! let first = bodies.clone();
//! let game = Game::new().component(position).component(velocity).system(motion).group(&bodies);
//! let groups = game.groups();
//! let mut engine = Engine::in_memory()
//!     .plugin(game.start(move |world| {
//!         first.spawn(world);
//!         first.spawn(world);
//!     }))
//!     .build()?;
//! engine.run(Pace::frames(3))?;
//! let mut seen = Vec::new();
//! bodies.each(&groups, |id| seen.push(*engine.view().get::<Position>(id).unwrap()));
//! assert_eq!(seen, [Position(6.0), Position(6.0)]);
//! # Ok::<(), diptych::Error>(())
//! ```

pub use crate::group::{EntityGroup, Groups};
pub use crate::pool::{Clear, Pool as Spawnable};
pub use crate::unit::{Unit, UnitGroup, UnitId};

use crate::blueprint::Parts;
use crate::group::GroupPlugin;
use bevy_ecs::system::IntoSystem;
use bytemuck::Pod;
use core::marker::PhantomData;
use diptych_engine::{IntoTask, Plugin, Registrar, Result, Structure, SystemConfig};

/// A kind of state, by its stored name.
#[derive(Debug)]
pub struct Component<T> {
    name: String,
    kind: PhantomData<fn() -> T>,
}

impl<T: Pod + Send + Sync> Component<T> {
    /// The type `T`, stored under this name at version 1.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), kind: PhantomData }
    }

    /// The stored name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Behaviour: what is done in every frame, by a name.
pub struct System {
    name: String,
    config: SystemConfig,
}

impl core::fmt::Debug for System {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("System").field(&self.name).finish()
    }
}

impl System {
    /// A system that does this.
    pub fn new<M>(name: &str, update: impl IntoTask<M>) -> Self {
        Self { name: name.to_owned(), config: update.into_config() }
    }

    /// Does this before it.
    #[must_use]
    pub fn prepare<M>(self, prepare: impl IntoSystem<(), (), M>) -> Self {
        Self { config: self.config.prepare(prepare), ..self }
    }

    /// Does this after it.
    #[must_use]
    pub fn cleanup<M>(self, cleanup: impl IntoSystem<(), (), M>) -> Self {
        Self { config: self.config.cleanup(cleanup), ..self }
    }
}

type Registration = Box<dyn FnOnce(&mut Registrar)>;
type Start = Box<dyn FnOnce(&mut Structure<'_, '_>)>;

/// What a world consists of, as one plugin.
#[derive(Default)]
pub struct Game {
    registrations: Vec<Registration>,
    groups: GroupPlugin,
    starts: Vec<Start>,
}

impl core::fmt::Debug for Game {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Game").field("groups", &self.groups).finish_non_exhaustive()
    }
}

impl Game {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more component.
    #[must_use]
    pub fn component<T: Pod + Send + Sync>(self, component: Component<T>) -> Self {
        self.with(move |registrar| {
            registrar.state::<T>(&component.name, 1);
        })
    }

    /// One more system.
    #[must_use]
    pub fn system(self, system: System) -> Self {
        self.with(move |registrar| {
            registrar.system(&system.name, system.config);
        })
    }

    /// One more group.
    #[must_use]
    pub fn group<P: Parts>(mut self, group: &EntityGroup<P>) -> Self {
        self.groups = self.groups.group(group);
        self
    }

    /// One more group of units.
    #[must_use]
    pub fn units<U: Unit>(mut self, units: &UnitGroup<U>) -> Self {
        self.groups = self.groups.units(units);
        self
    }

    /// What the world begins with.
    #[must_use]
    pub fn start(mut self, start: impl FnOnce(&mut Structure<'_, '_>) + 'static) -> Self {
        self.starts.push(Box::new(start));
        self
    }

    /// Who is in which group, to keep beside the engine.
    #[must_use]
    pub fn groups(&self) -> Groups {
        self.groups.groups()
    }

    fn with(mut self, registration: impl FnOnce(&mut Registrar) + 'static) -> Self {
        self.registrations.push(Box::new(registration));
        self
    }
}

impl Plugin for Game {
    fn name(&self) -> &'static str {
        "game"
    }

    fn build(self, registrar: &mut Registrar) -> Result<()> {
        self.registrations.into_iter().for_each(|registration| registration(registrar));
        registrar.plugin(self.groups)?;
        registrar.setup("game.start", move |structure: &mut Structure<'_, '_>| {
            self.starts.into_iter().for_each(|start| start(structure));
        });
        Ok(())
    }
}
