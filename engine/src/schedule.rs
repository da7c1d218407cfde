//! From system functions to waves: who owns what, what is refused, and which systems must wait for others.
//!
//! Invariant: the result depends on the systems' names and signatures, never on their order of registration.
//! Every refusal names all involved. Running the waves is `wave`.

mod arrange;
mod make;
mod task;

pub(crate) use arrange::Wait;
pub use task::{IntoTask, IsSystemConfig, SystemConfig};
pub(crate) use task::{Moment, SystemSpec, Task, Turns};

use crate::buffer::Column;
use crate::error::BuildError;
use crate::id::SystemKey;
use crate::registry::Registry;
use bevy_ecs::component::ComponentId;
use bevy_ecs::world::World;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// When in a frame a system runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
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
        match make::make(world, spec, columns, scratch, &mut errors) {
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
