//! From system functions to waves: who owns what, what is refused, and which systems must wait for others.
//!
//! Invariant: the result depends on the systems' names and signatures, never on their order of registration.
//! Every refusal names all involved. Running the waves is `wave`.

use crate::buffer::Column;
use crate::error::BuildError;
use crate::id::SystemKey;
use crate::registry::Registry;
use bevy_ecs::component::ComponentId;
use bevy_ecs::query::FilteredAccessSet;
use bevy_ecs::system::{BoxedSystem, IntoSystem, SystemAccess};
use bevy_ecs::world::World;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// A system as it was registered.
pub(crate) struct SystemSpec {
    pub(crate) name: String,
    pub(crate) parts: Vec<BoxedSystem>,
}

/// What can be registered as a system: a bevy system function, or one with `prepare` and `cleanup` around it.
pub trait IntoTask<Marker> {
    /// The parts, in the order in which they run.
    #[doc(hidden)]
    fn into_parts(self) -> Vec<BoxedSystem>;

    /// Runs `prepare` before this system in every frame, as part of it: same name, same task, same ownership.
    fn prepare<M, P: IntoSystem<(), (), M>>(self, prepare: P) -> Around
    where
        Self: Sized,
    {
        let mut parts = self.into_parts();
        parts.insert(0, Box::new(IntoSystem::into_system(prepare)));
        Around(parts)
    }

    /// Runs `cleanup` after this system in every frame, as part of it.
    fn cleanup<M, P: IntoSystem<(), (), M>>(self, cleanup: P) -> Around
    where
        Self: Sized,
    {
        let mut parts = self.into_parts();
        parts.push(Box::new(IntoSystem::into_system(cleanup)));
        Around(parts)
    }
}

impl<Marker, S: IntoSystem<(), (), Marker>> IntoTask<Marker> for S {
    fn into_parts(self) -> Vec<BoxedSystem> {
        vec![Box::new(IntoSystem::into_system(self))]
    }
}

/// A system with something before or after it.
pub struct Around(Vec<BoxedSystem>);

impl core::fmt::Debug for Around {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("Around").field(&self.0.len()).finish()
    }
}

/// Tells [`Around`] from a plain system function.
#[derive(Debug)]
pub struct IsAround;

impl IntoTask<IsAround> for Around {
    fn into_parts(self) -> Vec<BoxedSystem> {
        self.0
    }
}

/// A system ready to run.
pub(crate) struct Task {
    pub(crate) name: String,
    pub(crate) parts: Vec<BoxedSystem>,
    /// Which parts have commands to hand over at the commit.
    pub(crate) structural: bool,
    /// Indices of the columns it owns.
    pub(crate) owns: Vec<usize>,
    /// Names of the types it reads.
    pub(crate) reads: Vec<String>,
    pub(crate) scratch: Vec<String>,
    pub(crate) nanos: u64,
    pub(crate) failure: Option<String>,
    access: FilteredAccessSet,
}

/// The waves of a frame.
pub(crate) struct Schedule {
    /// By wave, and within a wave by name.
    pub(crate) tasks: Vec<Task>,
    pub(crate) waves: Vec<Range<usize>>,
    /// `(earlier, later, through)`: why a system is not in the first wave.
    pub(crate) waits: Vec<(String, String, String)>,
    /// The owner of each column.
    pub(crate) owners: Vec<Option<String>>,
    /// Whether any system issues commands.
    pub(crate) structural: bool,
}

/// Builds the waves, or says everything that is wrong.
pub(crate) fn build(
    world: &mut World,
    specs: Vec<SystemSpec>,
    columns: &[Arc<dyn Column>],
    scratch: &BTreeSet<ComponentId>,
) -> Result<Schedule, Vec<BuildError>> {
    let mut errors = Vec::new();
    let mut named: BTreeMap<String, SystemSpec> = BTreeMap::new();
    for spec in specs {
        if named.contains_key(&spec.name) {
            errors.push(BuildError::DuplicateSystem { name: spec.name });
        } else {
            named.insert(spec.name.clone(), spec);
        }
    }
    let mut tasks = Vec::new();
    for (_, spec) in named {
        match make(world, spec, columns, scratch, &mut errors) {
            Ok(task) => tasks.push(task),
            Err(error) => errors.push(error),
        }
    }
    let missing = core::mem::take(&mut world.resource_mut::<Registry>().missing);
    errors.extend(
        missing
            .into_iter()
            .map(|(system, type_name)| BuildError::Unregistered { system, type_name: type_name.to_owned() }),
    );
    let mut owners: Vec<Option<String>> = vec![None; columns.len()];
    for task in &tasks {
        for index in &task.owns {
            match &owners[*index] {
                None => owners[*index] = Some(task.name.clone()),
                Some(first) => errors.push(BuildError::TwoOwners {
                    type_name: columns[*index].type_name().to_owned(),
                    first: first.clone(),
                    second: task.name.clone(),
                }),
            }
        }
    }
    if errors.is_empty() { Ok(arrange(world, tasks, owners)) } else { Err(errors) }
}

/// Refuses names whose keys clash; names are those of systems, setups and inputs.
pub(crate) fn check_keys<'a>(names: impl Iterator<Item = &'a str>, errors: &mut Vec<BuildError>) {
    let mut keys: BTreeMap<SystemKey, &str> = BTreeMap::new();
    for name in names {
        match keys.insert(SystemKey::of(name), name) {
            Some(first) if first != name => {
                errors.push(BuildError::KeyClash { first: first.to_owned(), second: name.to_owned() });
            }
            _ => {}
        }
    }
}

/// Makes one task, with everything about it that does not depend on the others.
fn make(
    world: &mut World,
    spec: SystemSpec,
    columns: &[Arc<dyn Column>],
    scratch: &BTreeSet<ComponentId>,
    errors: &mut Vec<BuildError>,
) -> Result<Task, BuildError> {
    let SystemSpec { name, mut parts } = spec;
    {
        let mut registry = world.resource_mut::<Registry>();
        registry.building = Some((name.clone(), SystemKey::of(&name)));
        registry.structural = 0;
    }
    let mut access = FilteredAccessSet::new();
    for part in &mut parts {
        let made = initialize(part, world)
            .map_err(|message| BuildError::Refused { system: name.clone(), message })?;
        let why = match &made {
            SystemAccess::Exclusive => Some("takes &mut World; only the commit has the world to itself"),
            _ if !part.is_send() => Some("is not Send; systems run on a pool"),
            _ if part.has_deferred() => {
                Some("uses bevy's Commands; use Structure, whose ids do not depend on threads")
            }
            _ => None,
        };
        if let Some(why) = why {
            return Err(BuildError::NotAWaveSystem { system: name, why });
        }
        if let SystemAccess::Shared(set) = made {
            access.extend(set);
        }
    }
    let structural = {
        let mut registry = world.resource_mut::<Registry>();
        registry.building = None;
        registry.structural > 0
    };
    let combined = access.combined_access();
    // "All but some" is an unbounded set too: what it writes or reads cannot be listed.
    let bounded = [(combined.writes().as_finite_set(), "write"), (combined.reads().as_finite_set(), "read")];
    if let Some((_, access)) = bounded.iter().find(|(set, _)| set.is_none()) {
        return Err(BuildError::AllAccess { system: name, access });
    }
    let label = |id: ComponentId| world.components().get_name(id).map_or_else(String::new, |n| n.to_string());
    let (mut owns, mut used) = (Vec::new(), Vec::new());
    for id in combined.writes().as_finite_set().into_iter().flat_map(|writes| writes.iter()) {
        // Column 0 is that of the `Id`s, which nobody owns.
        let owned = columns.iter().skip(1).position(|column| column.slots()[1] == id);
        if let Some(index) = owned.map(|place| place + 1) {
            owns.push(index);
        } else if scratch.contains(&id) {
            used.push(label(id));
        } else {
            errors.push(BuildError::NotScratch { system: name.clone(), type_name: label(id) });
        }
    }
    // A parameter that names a resource requires its component too, but is no query over many archetypes.
    let resource = world.component_id::<bevy_ecs::resource::IsResource>();
    for set in access.filtered_accesses() {
        if set.with_filters().any(|id| Some(id) == resource) {
            continue;
        }
        let plain = set.required().iter();
        errors.extend(plain.map(|id| BuildError::HashOrder { system: name.clone(), type_name: label(id) }));
    }
    let reads = columns.iter().filter(|column| combined.has_read(column.slots()[0]));
    let reads = reads.map(|column| column.name().to_owned()).collect();
    Ok(Task { name, parts, structural, owns, reads, scratch: used, nanos: 0, failure: None, access })
}

/// Initializes a system; bevy refuses some signatures by panicking.
fn initialize(part: &mut BoxedSystem, world: &mut World) -> Result<SystemAccess, String> {
    catch_unwind(AssertUnwindSafe(|| part.initialize(world))).map_err(|panic| crate::wave::message(&*panic))
}

/// Puts systems that conflict through scratch into later waves, in the order of their names.
fn arrange(world: &World, mut tasks: Vec<Task>, owners: Vec<Option<String>>) -> Schedule {
    let mut wave_of = vec![0; tasks.len()];
    let mut waits = Vec::new();
    for later in 0..tasks.len() {
        for earlier in 0..later {
            if tasks[earlier].access.is_compatible(&tasks[later].access) {
                continue;
            }
            wave_of[later] = wave_of[later].max(wave_of[earlier] + 1);
            let writes = |task: &Task| -> BTreeSet<ComponentId> {
                task.access
                    .combined_access()
                    .writes()
                    .as_finite_set()
                    .into_iter()
                    .flat_map(|set| set.iter())
                    .collect()
            };
            let both: BTreeSet<ComponentId> =
                writes(&tasks[earlier]).union(&writes(&tasks[later])).copied().collect();
            let touches = |task: &Task, id| task.access.combined_access().has_read(id);
            let through = both
                .into_iter()
                .filter(|id| touches(&tasks[earlier], *id) && touches(&tasks[later], *id))
                .filter_map(|id| world.components().get_name(id).map(|name| name.to_string()))
                .collect::<Vec<_>>();
            waits.push((tasks[earlier].name.clone(), tasks[later].name.clone(), through.join(", ")));
        }
    }
    let mut order: Vec<usize> = (0..tasks.len()).collect();
    order.sort_by_key(|index| (wave_of[*index], *index));
    let mut waves: Vec<Range<usize>> = Vec::new();
    for (place, index) in order.iter().enumerate() {
        if wave_of[*index] == waves.len() {
            waves.push(place..place + 1);
        } else if let Some(wave) = waves.last_mut() {
            wave.end = place + 1;
        }
    }
    let mut slots: Vec<Option<Task>> = tasks.drain(..).map(Some).collect();
    let tasks: Vec<Task> = order.iter().filter_map(|index| slots[*index].take()).collect();
    let structural = tasks.iter().any(|task| task.structural);
    Schedule { tasks, waves, waits, owners, structural }
}
