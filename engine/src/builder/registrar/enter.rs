//! Carries out registrations when the build makes its world: types, scratch, annexes, upcasters.
//!
//! Invariant: everything is entered in the order of stored names, whatever the order of the calls; what is
//! wrong is noted, and the build goes on to find the rest.

use super::{HookWhen, Registrar, TypeSpec, Upcast};
use crate::annex::Annex;
use crate::buffer::{Hook, RowIo, State, Typed};
use crate::digest::ID_TYPE_NAME;
use crate::error::BuildError;
use crate::registry::Registry;
use bevy_ecs::component::{ComponentId, ComponentInfo, Components};
use bevy_ecs::world::World;
use core::any::{Any, TypeId, type_name};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Registrar {
    /// Makes every registered type state of `world`, in the order of the stored names, and reserves those that are.
    pub(crate) fn enter_types(&mut self, world: &mut World, errors: &mut Vec<BuildError>) {
        for (type_id, when, hook) in self.hooks.drain(..) {
            if let Some(spec) = self.types.iter_mut().find(|spec| spec.type_id == type_id) {
                spec.hooks.push((when, hook));
            }
        }
        self.types.sort_by(|a, b| (&a.name, a.type_name).cmp(&(&b.name, b.type_name)));
        for pair in self.types.windows(2).filter(|pair| pair[0].name == pair[1].name) {
            errors.push(BuildError::DuplicateType {
                what: format!("the stored name {}", pair[0].name),
                first: pair[0].type_name.to_owned(),
                second: pair[1].type_name.to_owned(),
            });
        }
        for (type_id, what, type_name) in &self.named {
            if !self.types.iter().any(|spec| spec.type_id == *type_id) {
                errors.push(BuildError::NotState { what, type_name: (*type_name).to_owned() });
            }
        }
        self.check_expected(errors);
        let mut names: BTreeMap<TypeId, String> = BTreeMap::new();
        for spec in &mut self.types {
            let why = match spec.name.as_str() {
                "" => Some("empty"),
                ID_TYPE_NAME => Some("the engine's own"),
                _ => None,
            };
            if let Some(why) = why {
                let (type_name, name) = (spec.type_name.to_owned(), spec.name.clone());
                errors.push(BuildError::BadName { type_name, name, why });
            }
            spec.strict = self.strict.contains(&spec.type_id);
            let enter = spec.enter.take().expect("types are entered once");
            if !enter(world, spec) {
                errors.push(BuildError::DuplicateType {
                    what: spec.type_name.to_owned(),
                    first: names.get(&spec.type_id).cloned().unwrap_or_default(),
                    second: spec.name.clone(),
                });
            }
            names.entry(spec.type_id).or_insert_with(|| spec.name.clone());
        }
        self.enter_reserved(world, errors);
    }
}

pub(super) fn enter_type<T: State>(world: &mut World, spec: &TypeSpec, io: RowIo<T>) -> bool {
    let frames = world.resource::<Registry>().shared.frames.clone();
    let mut typed = Typed::new(world, frames, &spec.name, spec.version, spec.strict, io);
    typed.transient = spec.transient;
    typed.shared_hooks(&spec.hooks);
    world.resource_mut::<Registry>().enter(Arc::new(typed))
}

impl<T: State> Typed<T> {
    /// Takes the hooks that were registered for this type.
    fn shared_hooks(&mut self, hooks: &[(HookWhen, Box<dyn Any + Send + Sync>)]) {
        for (when, hook) in hooks {
            let Some(hook) = hook.downcast_ref::<Hook<T>>() else { continue };
            let list = match when {
                HookWhen::Add => &mut self.on_add,
                HookWhen::Change => &mut self.on_change,
                HookWhen::Remove => &mut self.on_remove,
            };
            list.push(hook.clone());
        }
    }
}

impl Registrar {
    /// Adds an annex, found under the type `K` by the parameters of systems.
    pub(crate) fn annex<K: 'static>(
        &mut self,
        enter: impl FnOnce(&mut World) -> Arc<dyn Annex> + 'static,
    ) -> &mut Self {
        self.annexes.push((TypeId::of::<K>(), type_name::<K>(), Box::new(enter)));
        self
    }

    /// Makes the annexes, in the order of their stored names; a type or a name that comes twice is refused.
    pub(crate) fn enter_annexes(&mut self, world: &mut World, errors: &mut Vec<BuildError>) {
        self.enter_jobs(errors);
        let mut entered: Vec<(TypeId, &'static str, Arc<dyn Annex>)> = Vec::new();
        for (kind, type_name, enter) in self.annexes.drain(..) {
            let annex = enter(world);
            let twin =
                entered.iter().find(|(other, _, first)| *other == kind || first.name() == annex.name());
            if let Some((_, _, first)) = twin {
                errors.push(BuildError::DuplicateType {
                    what: type_name.to_owned(),
                    first: first.name().to_owned(),
                    second: annex.name().to_owned(),
                });
            }
            entered.push((kind, type_name, annex));
        }
        entered.sort_by(|a, b| a.2.name().cmp(b.2.name()));
        let annexes = entered.into_iter().map(|(kind, _, annex)| (kind, annex)).collect();
        world.resource_mut::<Registry>().annexes = annexes;
    }
}

impl Registrar {
    /// The upcasters by (index of the column, version they start from).
    pub(crate) fn upcasts_by_column(
        &self,
        columns: &[Arc<dyn crate::buffer::Column>],
    ) -> BTreeMap<(usize, u32), Upcast> {
        let index = |type_id: TypeId| columns.iter().position(|column| column.state_type() == type_id);
        let upcasts = self.upcasts.iter();
        upcasts
            .filter_map(|((type_id, from), upcast)| Some(((index(*type_id)?, *from), upcast.clone())))
            .collect()
    }
}

impl Registrar {
    /// Registers the scratch components, each once; one beside two types is refused.
    pub(crate) fn enter_scratch(
        &mut self,
        world: &mut World,
        errors: &mut Vec<BuildError>,
    ) -> Vec<ComponentId> {
        self.scratch.sort_by_key(|spec| (spec.component_name, spec.beside_name));
        self.scratch.dedup_by_key(|spec| (spec.component, spec.beside));
        for pair in self.scratch.windows(2).filter(|pair| pair[0].component == pair[1].component) {
            errors.push(BuildError::SharedScratch {
                component: pair[0].component_name.to_owned(),
                first: pair[0].beside_name.to_owned(),
                second: pair[1].beside_name.to_owned(),
            });
        }
        self.scratch.dedup_by_key(|spec| spec.component);
        let mut ids = Vec::with_capacity(self.scratch.len());
        for spec in self.scratch.drain(..) {
            let id = (spec.register)(world);
            // A hook can give or take components: rows would move and the engine not know where they are.
            if let Some(name) = hooked(world.components(), id) {
                let component = spec.component_name.to_owned();
                errors.push(BuildError::HookedScratch { component, name });
            }
            ids.push(id);
        }
        ids
    }
}

/// The first of a component, and of what it requires, that has hooks of bevy's.
fn hooked(components: &Components, id: ComponentId) -> Option<String> {
    let info = components.get_info(id)?;
    let required = info.required_components().iter_ids().filter_map(|id| components.get_info(id));
    core::iter::once(info).chain(required).find(|info| has_hooks(info)).map(|info| info.name().to_string())
}

fn has_hooks(info: &ComponentInfo) -> bool {
    // Whether there is one is told only to who would add one.
    let mut hooks = info.hooks().clone();
    hooks.try_on_add(|_, _| {}).is_none()
        || hooks.try_on_insert(|_, _| {}).is_none()
        || hooks.try_on_discard(|_, _| {}).is_none()
        || hooks.try_on_remove(|_, _| {}).is_none()
        || hooks.try_on_despawn(|_, _| {}).is_none()
}
