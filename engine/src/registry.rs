//! Which types are buffered state in a world, found by type while systems are being built.
//!
//! Invariant: query data meets a registered type or leaves a note in `missing`; the build turns the notes
//! into one error, so nobody queries a type that is not there. It lives in the bevy world as a resource
//! because that is all query data can reach.

use crate::annex::Annex;
use crate::buffer::{Column, State, Typed};
use crate::error::BuildError;
use crate::id::SystemKey;
use crate::reserve::Reservation;
use crate::schedule::Phase;
use crate::shared::Shared;
use crate::structure::Commands;
use bevy_ecs::prelude::Resource;
use bevy_ecs::world::World;
use core::any::{Any, TypeId, type_name};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The buffered types of a world.
#[derive(Resource)]
pub(crate) struct Registry {
    pub(crate) shared: Arc<Shared>,
    /// In order of their stored names once the build is over.
    pub(crate) columns: Vec<Arc<dyn Column>>,
    by_type: BTreeMap<TypeId, Arc<dyn Any + Send + Sync>>,
    /// By their stored names once the build is over; each with the type it was entered under.
    pub(crate) annexes: Vec<(TypeId, Arc<dyn Annex>)>,
    /// The types that only one system makes rows of.
    pub(crate) reserved: BTreeMap<TypeId, Arc<Reservation>>,
    /// `(system, type)` of types that were named without being registered.
    pub(crate) missing: Vec<(String, &'static str)>,
    /// What parameters refuse by themselves, for the build.
    pub(crate) refused: Vec<BuildError>,
    /// When the system whose parameters are being made will run.
    pub(crate) phase: Phase,
    /// Whether it runs in still frames too.
    pub(crate) answering: bool,
    /// The system whose parameters are being made.
    pub(crate) building: Option<(String, SystemKey)>,
    /// The `Structure` parameters of that system so far.
    pub(crate) structural: u32,
    /// Its other parameters that issue commands.
    pub(crate) asking: u32,
    /// Names that stand for the second and later ones.
    pub(crate) more_names: Vec<String>,
    /// What the systems of this frame issued, on its way to the commit.
    pub(crate) issued: Vec<Commands>,
    /// Emptied command buffers, for their memory.
    pub(crate) spare: Vec<Commands>,
}

impl Registry {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            columns: Vec::new(),
            by_type: BTreeMap::new(),
            annexes: Vec::new(),
            reserved: BTreeMap::new(),
            missing: Vec::new(),
            refused: Vec::new(),
            phase: Phase::Wave,
            answering: false,
            building: None,
            structural: 0,
            asking: 0,
            more_names: Vec::new(),
            issued: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// Enters a type. Answers `false` when it is there already.
    pub(crate) fn enter<T: State>(&mut self, typed: Arc<Typed<T>>) -> bool {
        if self.by_type.contains_key(&TypeId::of::<T>()) {
            return false;
        }
        self.columns.push(typed.clone());
        self.by_type.insert(TypeId::of::<T>(), typed);
        true
    }

    /// The registered type `T`.
    pub(crate) fn typed<T: State>(&self) -> Option<Arc<Typed<T>>> {
        self.by_type.get(&TypeId::of::<T>())?.clone().downcast().ok()
    }

    /// The annex `K`.
    pub(crate) fn annex<K: Any + Send + Sync>(&self) -> Option<Arc<K>> {
        let found = self.annexes.iter().find(|(kind, _)| *kind == TypeId::of::<K>());
        found.and_then(|(_, annex)| annex.clone().as_any().downcast().ok())
    }

    /// Whether `T` is registered.
    pub(crate) fn holds<T: State>(&self) -> bool {
        self.by_type.contains_key(&TypeId::of::<T>())
    }

    /// The name and key of the system being built; parameters are made only there.
    pub(crate) fn building(&self) -> (String, SystemKey) {
        self.building.clone().unwrap_or_else(|| ("(outside a system)".to_owned(), SystemKey(0)))
    }
}

/// `T` of `world`; when it is not registered, a stand-in, and a note for the build.
pub(crate) fn resolve<T: State>(world: &mut World) -> Arc<Typed<T>> {
    let registry = world.get_resource::<Registry>().expect("diptych's query data needs a diptych world");
    if let Some(typed) = registry.typed::<T>() {
        return typed;
    }
    let frames = registry.shared.frames.clone();
    let io = crate::buffer::RowIo {
        fixed: None,
        as_bytes: None,
        encode: |_, _| {},
        sum: |_, _, _| 0,
        gain: |_, _, _, _| {},
        decode: |_| Err(crate::buffer::CodecError::new("the type is not registered")),
        blank: || None,
        equal: |_, _| false,
        layout: 0,
    };
    let stand_in = Arc::new(Typed::new(world, frames, type_name::<T>(), 0, false, io));
    let mut registry = world.resource_mut::<Registry>();
    let system = registry.building().0;
    registry.missing.push((system, type_name::<T>()));
    stand_in
}

/// Notes a `Now` in a system that is not of the phase in which this frame's values are there.
pub(crate) fn refuse_now<T: State>(world: &mut World) {
    let mut registry =
        world.get_resource_mut::<Registry>().expect("diptych's query data needs a diptych world");
    if registry.phase != Phase::Derive {
        let system = registry.building().0;
        registry
            .refused
            .push(BuildError::NowOutsideDerive { system, type_name: type_name::<T>().to_owned() });
    }
}

/// Whether a type of state is the engine's own, which no system may own.
pub(crate) fn is_engine_owned(type_id: TypeId) -> bool {
    let own = [
        TypeId::of::<crate::tree::Parent>(),
        TypeId::of::<crate::control::Control>(),
        TypeId::of::<crate::still::Still>(),
    ];
    own.contains(&type_id)
}
