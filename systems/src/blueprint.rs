//! Blueprints: what an entity of a kind is made of, said once, by which many are spawned.
//!
//! Invariant: a blueprint is a list of values known by type, so that spawning by one costs what spawning costs; the stored
//! names that it says are looked at when the world is built. Left out: who spawns, which is a setup, a system or an input.

mod parts;
mod spawns;

pub use parts::{Parts, Push};
pub use spawns::Spawns;

use core::any::{Any, TypeId, type_name};
use diptych_engine::prelude::*;
use diptych_engine::{COMMANDS_MAX, Registrar};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Entities that are spawned by one call.
pub const BLUEPRINT_COUNT_MAX: u32 = COMMANDS_MAX as u32;

/// The value of a component: the same for all, or by the number of the entity in its call.
pub enum Step<T> {
    /// Each has a clone of it.
    Same(T),
    /// The n-th of a call has what this gives for n.
    Each(Arc<dyn Fn(u64) -> T + Send + Sync>),
}

impl<T: Clone> Step<T> {
    #[inline]
    fn make(&self, number: u64) -> T {
        match self {
            Self::Same(value) => value.clone(),
            Self::Each(make) => make(number),
        }
    }
}

impl<T: Clone> Clone for Step<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Same(value) => Self::Same(value.clone()),
            Self::Each(make) => Self::Each(make.clone()),
        }
    }
}

impl<T> core::fmt::Debug for Step<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let how = if matches!(self, Self::Same(_)) { "Same" } else { "Each" };
        write!(f, "{how}({})", type_name::<T>())
    }
}

/// A component that a blueprint names: who looks for it when the world is built.
#[derive(Clone, Debug)]
struct Named {
    component: String,
    expect: fn(&mut Registrar, &str, &str),
}

/// What an entity of a kind is made of: a tuple of components, each with its value.
///
/// # Examples
/// ```
/// use diptych_engine::prelude::*;
/// use diptych_systems::blueprint::{Blueprint, Overrides};
/// #[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
/// #[repr(C)]
/// struct Position([f32; 2]);
/// #[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
/// #[repr(C)]
/// struct Lifetime(f32);
/// let bullet = Blueprint::new("bullet")
///     .each("shot.position", |n| Position([10.0 * n as f32, 0.0]))
///     .with("shot.lifetime", Lifetime(2.0));
/// let engine = Engine::in_memory()
///     .state::<Position>("shot.position", 1)
///     .state::<Lifetime>("shot.lifetime", 1)
///     .plugin(bullet.clone()) // so that a wrong name is refused when the world is built
///     .setup("shots", move |world| {
///         let ids = bullet.spawn(world, 100);
///         assert_eq!(ids.len(), 100);
///         bullet.spawn_with(world, 1, &Overrides::new().with(Lifetime(9.0)));
///     })
///     .build()?;
/// # let view = engine.view();
/// # assert_eq!(view.iter::<Position>().map(|(_, at)| at.0[0]).take(100).sum::<f32>(), 49_500.0);
/// # assert_eq!(view.iter::<Lifetime>().filter(|(_, life)| life.0 == 9.0).count(), 1);
/// # Ok::<(), Error>(())
/// ```
pub struct Blueprint<P: Parts> {
    name: String,
    named: Vec<Named>,
    steps: P::Steps,
}

impl<P: Parts> Clone for Blueprint<P> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), named: self.named.clone(), steps: self.steps.clone() }
    }
}

impl<P: Parts> core::fmt::Debug for Blueprint<P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Blueprint").field("name", &self.name).field("steps", &self.steps).finish()
    }
}

impl Blueprint<()> {
    /// One without any component.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), named: Vec::new(), steps: () }
    }
}

impl<P: Parts> Blueprint<P> {
    /// The name, for people and for refusals.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The stored names of its components, in order.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.named.iter().map(|named| named.component.as_str())
    }

    /// The same under another name: what another kind begins with.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// One more component, with the same value for all.
    #[must_use]
    pub fn with<T: Clone + Send + Sync + 'static>(self, component: &str, value: T) -> Blueprint<P::Out>
    where
        P: Push<T>,
    {
        self.step(component, Step::Same(value))
    }

    /// One more component, whose value follows from the number of the entity in its call.
    #[must_use]
    pub fn each<T: Clone + Send + Sync + 'static>(
        self,
        component: &str,
        make: impl Fn(u64) -> T + Send + Sync + 'static,
    ) -> Blueprint<P::Out>
    where
        P: Push<T>,
    {
        self.step(component, Step::Each(Arc::new(make)))
    }

    /// One more component.
    ///
    /// # Panics
    /// When the blueprint has a value for this type already.
    #[must_use]
    pub fn step<T: Clone + Send + Sync + 'static>(
        mut self,
        component: &str,
        step: Step<T>,
    ) -> Blueprint<P::Out>
    where
        P: Push<T>,
    {
        assert!(
            !P::holds(TypeId::of::<T>()),
            "blueprint {} has a {} already; a kind that differs in it is spawned with Overrides",
            self.name,
            type_name::<T>()
        );
        let expect = |registrar: &mut Registrar, by: &str, name: &str| {
            registrar.expects::<T>(by, name);
        };
        self.named.push(Named { component: component.to_owned(), expect });
        Blueprint { name: self.name, named: self.named, steps: P::push(self.steps, step) }
    }

    /// Says to a world that is being built which components this names; it is refused where one of them is unknown, with
    /// the blueprint, the component, and what is registered.
    pub fn register(&self, registrar: &mut Registrar) {
        let by = format!("blueprint {}", self.name);
        self.named.iter().for_each(|named| (named.expect)(registrar, &by, &named.component));
    }

    /// Spawns so many; answers their `Id`s, in order.
    ///
    /// # Panics
    /// When they are more than [`BLUEPRINT_COUNT_MAX`].
    pub fn spawn(&self, world: &mut impl Spawns, count: u32) -> Vec<Id> {
        self.spawn_with(world, count, &Overrides::default())
    }

    /// The same with other values for some components.
    ///
    /// # Panics
    /// As [`spawn`](Self::spawn), and when the blueprint has no such component.
    pub fn spawn_with(&self, world: &mut impl Spawns, count: u32, overrides: &Overrides) -> Vec<Id> {
        let chosen = self.choose(count, overrides);
        (0..u64::from(count)).map(|number| world.spawn_parts(P::make(&chosen, number)).id).collect()
    }

    /// The values of the n-th entity of a call.
    #[must_use]
    pub fn make(&self, number: u64) -> P {
        P::make(&P::choose(&self.steps, &Overrides::default()), number)
    }

    /// The steps of a call.
    pub(crate) fn choose<'a>(&'a self, count: u32, overrides: &'a Overrides) -> P::Chosen<'a> {
        assert!(
            count <= BLUEPRINT_COUNT_MAX,
            "{count} entities of blueprint {}; one call spawns at most {BLUEPRINT_COUNT_MAX}",
            self.name
        );
        for (type_id, (type_name, _)) in &overrides.0 {
            assert!(
                P::holds(*type_id),
                "blueprint {} has no {type_name} to override; it has: {}",
                self.name,
                self.components().collect::<Vec<_>>().join(", ")
            );
        }
        P::choose(&self.steps, overrides)
    }
}

/// So that a blueprint can be added to a world as `.plugin(blueprint.clone())`, which is [`Blueprint::register`].
impl<P: Parts> Plugin for Blueprint<P> {
    fn name(&self) -> &'static str {
        "blueprint"
    }

    fn build(self, registrar: &mut Registrar) -> Result<()> {
        self.register(registrar);
        Ok(())
    }
}

/// Other values for some components of one call.
#[derive(Default)]
pub struct Overrides(BTreeMap<TypeId, (&'static str, Box<dyn Any + Send + Sync>)>);

impl core::fmt::Debug for Overrides {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.0.values().map(|(type_name, _)| type_name)).finish()
    }
}

impl Overrides {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// This value for all of the call.
    #[must_use]
    pub fn with<T: Clone + Send + Sync + 'static>(self, value: T) -> Self {
        self.step(Step::Same(value))
    }

    /// For each of the call what follows from its number.
    #[must_use]
    pub fn each<T: Clone + Send + Sync + 'static>(
        self,
        make: impl Fn(u64) -> T + Send + Sync + 'static,
    ) -> Self {
        self.step(Step::Each(Arc::new(make)))
    }

    fn step<T: Clone + Send + Sync + 'static>(mut self, step: Step<T>) -> Self {
        self.0.insert(TypeId::of::<T>(), (type_name::<T>(), Box::new(step)));
        self
    }

    fn of<T: 'static>(&self) -> Option<&Step<T>> {
        self.0.get(&TypeId::of::<T>())?.1.downcast_ref()
    }
}

#[cfg(test)]
mod tests;
