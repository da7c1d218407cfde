//! Collects registrations; nothing happens before the build.
//!
//! Invariant: what is registered does not depend on the order of the calls. Each entry keeps what an error
//! about it must name.

mod changes;
mod enter;
mod expected;

use crate::annex::Annex;
use crate::buffer::raw::Slot;
use crate::buffer::{Codec, CodecError, Hook, RowIo, State};
use crate::error::Result;
use crate::id::Id;
use crate::input::{Applier, InputKind};
use crate::intake::Intake;
use crate::message::Post;
use crate::observer::{Observer, Observers};
use crate::plugin::Plugin;
use crate::reserve::Reservation;
use crate::schedule::{IntoTask, Phase, SystemConfig, SystemSpec};
use crate::structure::Structure;
use crate::tree::{PARENT_NAME, PARENT_VERSION, Parent};
use crate::view::Copies;
use bevy_ecs::component::{Component, ComponentId};
use bevy_ecs::prelude::Resource;
use bevy_ecs::world::World;
use bytemuck::Pod;
use core::any::{Any, TypeId, type_name};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

type InsertResource = Box<dyn FnOnce(&mut World) -> ComponentId>;
type Enter = Box<dyn FnOnce(&mut World, &TypeSpec) -> bool>;
type EnterAnnex = Box<dyn FnOnce(&mut World) -> Arc<dyn Annex>>;
pub(crate) type Setup = Box<dyn FnOnce(&mut Structure<'_, '_>)>;
pub(crate) type Upcast = Arc<dyn Fn(&[u8]) -> Result<Vec<u8>, CodecError> + Send + Sync>;

/// One type as it was registered.
pub(crate) struct TypeSpec {
    pub(crate) type_id: TypeId,
    pub(crate) type_name: &'static str,
    pub(crate) name: String,
    pub(crate) version: u32,
    enter: Option<Enter>,
    strict: bool,
    transient: bool,
    hooks: Vec<(HookWhen, Box<dyn Any + Send + Sync>)>,
}

/// A plain component that goes with a type.
pub(crate) struct ScratchSpec {
    beside: TypeId,
    beside_name: &'static str,
    component: TypeId,
    component_name: &'static str,
    register: fn(&mut World) -> ComponentId,
}

#[derive(Clone, Copy)]
enum HookWhen {
    Add,
    Change,
    Remove,
}

/// Takes registrations; what [`super::EngineBuilder`] has by value, a plugin has here by reference.
#[derive(Default)]
pub struct Registrar {
    pub(crate) types: Vec<TypeSpec>,
    pub(crate) systems: Vec<SystemSpec>,
    pub(crate) setups: Vec<(String, Setup)>,
    pub(crate) inputs: Vec<InputKind>,
    pub(crate) facts: Vec<(String, String)>,
    pub(crate) scratch: Vec<ScratchSpec>,
    pub(crate) resources: Vec<InsertResource>,
    pub(crate) local: Vec<&'static str>,
    pub(crate) upcasts: BTreeMap<(TypeId, u32), Upcast>,
    /// Types that something else names: they must be registered.
    named: Vec<(TypeId, &'static str, &'static str)>,
    /// Types that something names by their stored names: those must lead to them.
    expected: Vec<expected::Expected>,
    strict: Vec<TypeId>,
    pub(crate) reserved: Vec<Reservation>,
    hooks: Vec<(TypeId, HookWhen, Box<dyn Any + Send + Sync>)>,
    pub(crate) copies: Copies,
    pub(crate) observers: Observers,
    /// Annexes with the type each is found by.
    pub(crate) annexes: Vec<(TypeId, &'static str, EnterAnnex)>,
    pub(super) jobs: crate::job::JobSpecs,
    pub(crate) intakes: Vec<Intake>,
    /// Names and versions of plugins.
    pub(crate) plugins: Vec<(&'static str, u32)>,
    /// Names and values of settings that have a part in what frames are made of.
    pub(crate) settings: Vec<(String, String)>,
    /// Old name and new name, as they were given.
    pub(super) renamed: Vec<(String, String)>,
    pub(super) dropped: Vec<String>,
    /// Where refused patches lie, where patches are taken.
    pub(crate) desk: Option<Arc<crate::patch::Desk>>,
    /// What is not stored: the stored name of the type beside which it lies, and its own name.
    pub(crate) unstored: Vec<(TypeId, &'static str)>,
}

impl core::fmt::Debug for Registrar {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Registrar").field("types", &self.types.len()).finish_non_exhaustive()
    }
}

impl Registrar {
    /// See [`super::EngineBuilder::state`].
    pub fn state<T: Pod + Send + Sync>(&mut self, name: &str, version: u32) -> &mut Self {
        self.enter::<T>(name, version, RowIo::pod, false)
    }

    /// See [`super::EngineBuilder::transient`].
    pub fn transient<T: Pod + Send + Sync>(&mut self, name: &str, version: u32) -> &mut Self {
        self.enter::<T>(name, version, RowIo::pod, true)
    }

    /// See [`super::EngineBuilder::transient_with`].
    pub fn transient_with<T: State + PartialEq, C: Codec<T>>(
        &mut self,
        name: &str,
        version: u32,
    ) -> &mut Self {
        self.enter::<T>(name, version, RowIo::coded::<C>, true)
    }

    /// See [`super::EngineBuilder::state_with`].
    pub fn state_with<T: State + PartialEq, C: Codec<T>>(&mut self, name: &str, version: u32) -> &mut Self {
        self.enter::<T>(name, version, RowIo::coded::<C>, false)
    }

    /// See [`super::EngineBuilder::hierarchy`].
    pub fn hierarchy(&mut self) -> &mut Self {
        if self.types.iter().any(|spec| spec.type_id == TypeId::of::<Parent>()) {
            return self;
        }
        self.state::<Parent>(PARENT_NAME, PARENT_VERSION)
    }

    /// See [`super::EngineBuilder::strict`].
    pub fn strict<T: State>(&mut self) -> &mut Self {
        self.named.push((TypeId::of::<T>(), ".strict()", type_name::<T>()));
        self.strict.push(TypeId::of::<T>());
        self
    }

    /// See [`super::EngineBuilder::reserve`].
    pub fn reserve<T: State>(&mut self, owner: &str, instead: &str) -> &mut Self {
        let (type_id, type_name) = (TypeId::of::<T>(), type_name::<T>());
        self.named.push((type_id, ".reserve()", type_name));
        let (owner, instead) = (owner.to_owned(), instead.to_owned());
        self.reserved.push(Reservation { type_id, type_name, owner, instead });
        self
    }

    /// See [`super::EngineBuilder::upcast`].
    pub fn upcast<T: State>(
        &mut self,
        from: u32,
        upcast: impl Fn(&[u8]) -> Result<Vec<u8>, CodecError> + Send + Sync + 'static,
    ) -> &mut Self {
        self.named.push((TypeId::of::<T>(), ".upcast()", type_name::<T>()));
        self.upcasts.insert((TypeId::of::<T>(), from), Arc::new(upcast));
        self
    }

    /// See [`super::EngineBuilder::renamed`].
    pub fn renamed(&mut self, old: &str, new: &str) -> &mut Self {
        self.renamed.push((old.to_owned(), new.to_owned()));
        self
    }

    /// See [`super::EngineBuilder::dropped`].
    pub fn dropped(&mut self, name: &str) -> &mut Self {
        self.dropped.push(name.to_owned());
        self
    }

    /// See [`super::EngineBuilder::patches`].
    pub fn patches(&mut self) -> &mut Self {
        if self.desk.is_none() {
            let desk = Arc::new(crate::patch::Desk::default());
            self.inputs.push(crate::patch::kind(desk.clone()));
            self.desk = Some(desk);
        }
        self
    }

    /// See [`super::EngineBuilder::input`].
    pub fn input<I: Pod + Send>(
        &mut self,
        name: &str,
        version: u32,
        apply: impl Fn(&mut Applier<'_, '_>, I) + Send + Sync + 'static,
    ) -> &mut Self {
        self.inputs.push(InputKind::pod(name, version, apply));
        self
    }

    /// See [`super::EngineBuilder::input_with`].
    pub fn input_with<I: Send + 'static, C: Codec<I>>(
        &mut self,
        name: &str,
        version: u32,
        apply: impl Fn(&mut Applier<'_, '_>, I) + Send + Sync + 'static,
    ) -> &mut Self {
        self.inputs.push(InputKind::coded::<I, C>(name, version, apply));
        self
    }

    /// A door through which a system takes what comes from outside in its wave, so that its frames can be made again.
    /// `name` is stored with what is taken; raise `version` when its bytes change their meaning.
    pub fn intake(&mut self, name: &str, version: u32) -> Intake {
        let intake = Intake::new(name, version);
        self.intakes.push(intake.clone());
        intake
    }

    /// See [`super::EngineBuilder::message`].
    pub fn message<M: Pod + Send + Sync>(&mut self, name: &str, version: u32) -> &mut Self {
        let name = name.to_owned();
        self.annex::<Post<M>>(move |world| Arc::new(Post::<M>::pod(world, &name, version)))
    }

    /// See [`super::EngineBuilder::message_with`].
    pub fn message_with<M: State, C: Codec<M>>(&mut self, name: &str, version: u32) -> &mut Self {
        let name = name.to_owned();
        self.annex::<Post<M>>(move |world| Arc::new(Post::coded::<C>(world, &name, version)))
    }

    /// See [`super::EngineBuilder::system`].
    pub fn system<M>(&mut self, name: &str, system: impl IntoTask<M>) -> &mut Self {
        self.add_system(name, Phase::Wave, system.into_config())
    }

    /// See [`super::EngineBuilder::derive`].
    pub fn derive<M>(&mut self, name: &str, system: impl IntoTask<M>) -> &mut Self {
        self.add_system(name, Phase::Derive, system.into_config())
    }

    /// See [`super::EngineBuilder::late`].
    pub fn late<M>(&mut self, name: &str, system: impl IntoTask<M>) -> &mut Self {
        self.add_system(name, Phase::Late, system.into_config())
    }

    /// See [`super::EngineBuilder::startup`].
    pub fn startup<M>(&mut self, name: &str, system: impl IntoTask<M>) -> &mut Self {
        self.add_system(name, Phase::Startup, system.into_config())
    }

    fn add_system(&mut self, name: &str, phase: Phase, config: SystemConfig) -> &mut Self {
        self.systems.push(SystemSpec { name: name.to_owned(), phase, config });
        self
    }

    /// See [`super::EngineBuilder::setup`].
    pub fn setup(&mut self, name: &str, setup: impl FnOnce(&mut Structure<'_, '_>) + 'static) -> &mut Self {
        self.setups.push((name.to_owned(), Box::new(setup)));
        self
    }

    /// See [`super::EngineBuilder::fact`].
    pub fn fact(&mut self, name: &str, value: impl Display) -> &mut Self {
        self.facts.push((name.to_owned(), value.to_string()));
        self
    }

    /// Says a setting that has a part in what the frames become, and may be another one each time the world is opened.
    /// A world whose last frames are known by what came into them alone is opened only with the settings that it had then,
    /// and a replay with others says so where it comes out differently.
    pub fn setting(&mut self, name: &str, value: impl Display) -> &mut Self {
        self.settings.push((name.to_owned(), value.to_string()));
        self
    }

    /// See [`super::EngineBuilder::scratch`].
    pub fn scratch<T: State, C: Component + Default>(&mut self) -> &mut Self {
        self.named.push((TypeId::of::<T>(), ".scratch()", type_name::<T>()));
        self.scratch.push(ScratchSpec {
            beside: TypeId::of::<T>(),
            beside_name: type_name::<T>(),
            component: TypeId::of::<C>(),
            component_name: type_name::<C>(),
            // The engine's two columns of a type come and go together: what the first requires, goes with both.
            register: |world| {
                world.register_required_components::<Slot<T, 0>, C>();
                world.register_component::<C>()
            },
        });
        self.local.push(type_name::<C>());
        self.unstored.push((TypeId::of::<T>(), type_name::<C>()));
        self
    }

    /// See [`super::EngineBuilder::resource`].
    pub fn resource<R: Resource>(&mut self, resource: R) -> &mut Self {
        self.resources.push(Box::new(|world| {
            world.insert_resource(resource);
            world.register_component::<R>()
        }));
        self.local.push(type_name::<R>());
        self.unstored.push((TypeId::of::<R>(), type_name::<R>()));
        self
    }

    /// See [`super::EngineBuilder::on_change`].
    pub fn on_change<T: State>(&mut self, hook: impl Fn(Id, &T) + Send + Sync + 'static) -> &mut Self {
        self.hook::<T>(HookWhen::Change, Arc::new(hook))
    }

    /// See [`super::EngineBuilder::on_add`].
    pub fn on_add<T: State>(&mut self, hook: impl Fn(Id, &T) + Send + Sync + 'static) -> &mut Self {
        self.hook::<T>(HookWhen::Add, Arc::new(hook))
    }

    /// See [`super::EngineBuilder::on_remove`].
    pub fn on_remove<T: State>(&mut self, hook: impl Fn(Id, &T) + Send + Sync + 'static) -> &mut Self {
        self.hook::<T>(HookWhen::Remove, Arc::new(hook))
    }

    /// See [`super::EngineBuilder::keep_copies`].
    pub fn keep_copies<T: State>(&mut self) -> &mut Self {
        self.named.push((TypeId::of::<T>(), ".keep_copies()", type_name::<T>()));
        self.copies.keep::<T>();
        self
    }

    /// See [`super::EngineBuilder::observer`].
    pub fn observer(&mut self, name: &str, observer: Arc<impl Observer>) -> &mut Self {
        self.observers.add(name, observer);
        self
    }

    /// Adds another plugin, as part of this one.
    ///
    /// # Errors
    /// The other plugin's own.
    pub fn plugin(&mut self, plugin: impl Plugin) -> Result<&mut Self> {
        self.plugins.push((plugin.name(), plugin.version()));
        plugin.build(self)?;
        Ok(self)
    }

    fn hook<T: State>(&mut self, when: HookWhen, hook: Hook<T>) -> &mut Self {
        self.named.push((TypeId::of::<T>(), "a hook", type_name::<T>()));
        self.hooks.push((TypeId::of::<T>(), when, Box::new(hook)));
        self
    }

    fn enter<T: State>(
        &mut self,
        name: &str,
        version: u32,
        io: fn() -> RowIo<T>,
        transient: bool,
    ) -> &mut Self {
        self.types.push(TypeSpec {
            type_id: TypeId::of::<T>(),
            type_name: type_name::<T>(),
            name: name.to_owned(),
            version,
            enter: Some(Box::new(move |world, spec| enter::enter_type::<T>(world, spec, io()))),
            strict: false,
            transient,
            hooks: Vec::new(),
        });
        self
    }
}
