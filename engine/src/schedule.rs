//! From system functions to waves: who owns what, what is refused, and which systems must wait for others.
//!
//! Invariant: the result depends on the systems' names and signatures, never on their order of registration.
//! Every refusal names all involved. Running the waves is `wave`.

mod arrange;
mod task;

pub(crate) use arrange::Wait;
pub use task::{IntoTask, IsSystemConfig, SystemConfig};
pub(crate) use task::{SystemSpec, Task, Turns};

use crate::buffer::Column;
use crate::error::BuildError;
use crate::id::SystemKey;
use crate::registry::Registry;
use bevy_ecs::component::ComponentId;
use bevy_ecs::query::FilteredAccessSet;
use bevy_ecs::system::{BoxedSystem, SystemAccess};
use bevy_ecs::world::World;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use task::Wanted;

/// When in a frame a system runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Once, in the first frame of a new world, instead of the others.
    Startup,
    /// Reads the last frame, writes the next.
    Wave,
    /// After the wave: reads what this frame has written, and writes what follows from it.
    Derive,
    /// After the commit: only reads.
    Late,
}

/// The systems of a world, in the order of their phases.
#[derive(Default)]
pub(crate) struct Schedule {
    /// By phase, by wave, and within a wave by name.
    pub(crate) tasks: Vec<Task>,
    /// What runs at once, in order: the wave's, then those of `derive`.
    pub(crate) waves: Vec<Range<usize>>,
    /// The first of them that is of the phase `derive`.
    pub(crate) derived: usize,
    /// What runs at once after the commit.
    pub(crate) late: Vec<Range<usize>>,
    pub(crate) waits: Vec<Wait>,
    /// The owner of each column.
    pub(crate) owners: Vec<Option<String>>,
    /// Whether any system issues commands.
    pub(crate) structural: bool,
}

impl Schedule {
    /// Whether the owner of a column ran in the frame being made.
    pub(crate) fn owner_ran(&self, column: usize) -> bool {
        self.tasks.iter().any(|task| task.ran && task.owns.contains(&column))
    }
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
    errors.append(&mut world.resource_mut::<Registry>().refused);
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
    if !errors.is_empty() {
        return Err(errors);
    }
    let arrange::Arranged { tasks, runs, waits } =
        arrange::arrange(world, tasks, columns).map_err(|error| vec![error])?;
    let structural = tasks.iter().any(|task| task.structural);
    let mut schedule = Schedule { tasks, waits, owners, structural, ..Schedule::default() };
    for (phase, run) in runs {
        schedule.derived += usize::from(phase < Phase::Derive);
        let runs = if phase == Phase::Late { &mut schedule.late } else { &mut schedule.waves };
        runs.push(run);
    }
    Ok(schedule)
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
    let SystemSpec { name, phase, config } = spec;
    let SystemConfig { mut parts, every, skip_if_empty } = config;
    {
        let mut registry = world.resource_mut::<Registry>();
        registry.building = Some((name.clone(), SystemKey::of(&name)));
        registry.phase = phase;
        (registry.structural, registry.asking) = (0, 0);
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
        registry.structural + registry.asking > 0
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
            if columns[index].state_type() == core::any::TypeId::of::<crate::tree::Parent>() {
                let type_name = columns[index].type_name().to_owned();
                errors.push(BuildError::EngineOwned { system: name.clone(), type_name });
            }
            owns.push(index);
        } else if scratch.contains(&id) {
            used.push(label(id));
        } else {
            errors.push(BuildError::NotScratch { system: name.clone(), type_name: label(id) });
        }
    }
    if phase == Phase::Late && (structural || !owns.is_empty()) {
        let why = "runs late, after the commit, where systems only read; register it with .system(..)";
        return Err(BuildError::NotAWaveSystem { system: name, why });
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
    // Column 0 has one slot only, and is nobody's to write.
    let now = |column: &dyn Column| {
        let next = column.slots()[1];
        combined.has_read(next) && !combined.has_write(next)
    };
    let reads_now = (1..columns.len()).filter(|index| now(&*columns[*index])).collect();
    let wants = if skip_if_empty { Wanted::of(&access, resource) } else { None };
    let turns = Turns { enabled: true, every };
    Ok(Task {
        name,
        phase,
        parts,
        structural,
        owns,
        reads,
        reads_now,
        scratch: used,
        every,
        turns,
        wants,
        ran: false,
        nanos: 0,
        failure: None,
        access,
    })
}

/// Initializes a system; bevy refuses some signatures by panicking.
fn initialize(part: &mut BoxedSystem, world: &mut World) -> Result<SystemAccess, String> {
    catch_unwind(AssertUnwindSafe(|| part.initialize(world))).map_err(|panic| crate::wave::message(&*panic))
}
