//! The order of systems, where one is needed: by what they derive from each other, and by shared scratch.
//!
//! Invariant: the order follows from names and signatures. Derived values come before who reads them; systems
//! that share scratch run in the order of their names where nothing else decides.

use super::{Phase, Task};
use crate::buffer::Column;
use crate::error::BuildError;
use bevy_ecs::component::ComponentId;
use bevy_ecs::world::World;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// `(earlier, later, through)`: why a system is not in the first wave of its phase.
pub(crate) type Wait = (String, String, String);

/// Tasks in their order, as runs of one phase and wave.
pub(super) struct Arranged {
    pub(super) tasks: Vec<Task>,
    pub(super) runs: Vec<(Phase, Range<usize>)>,
    pub(super) waits: Vec<Wait>,
}

/// Puts every task into the earliest wave of its phase that nothing forbids. `tasks` are in name order.
pub(super) fn arrange(
    world: &World,
    tasks: Vec<Task>,
    columns: &[Arc<dyn Column>],
) -> Result<Arranged, BuildError> {
    let sources = sources(&tasks);
    let mut wave_of: Vec<Option<usize>> = vec![None; tasks.len()];
    let mut waits = Vec::new();
    let mut placed: Vec<usize> = Vec::new();
    while placed.len() < tasks.len() {
        let ready = |task: &usize| {
            wave_of[*task].is_none() && sources[*task].iter().all(|(source, _)| wave_of[*source].is_some())
        };
        // The first by name of those whose sources are placed.
        let Some(task) = (0..tasks.len()).find(ready) else {
            return Err(cycle(&tasks, &sources, &wave_of, columns));
        };
        let mut wave = 0;
        for (source, column) in &sources[task] {
            wave = wave.max(wave_of[*source].map_or(0, |source| source + 1));
            let through = columns[*column].name().to_owned();
            waits.push((tasks[*source].name.clone(), tasks[task].name.clone(), through));
        }
        for earlier in placed.iter().copied() {
            let apart = tasks[earlier].phase != tasks[task].phase
                || sources[task].iter().any(|(source, _)| *source == earlier)
                || tasks[earlier].access.is_compatible(&tasks[task].access);
            if !apart {
                wave = wave.max(wave_of[earlier].map_or(0, |earlier| earlier + 1));
                let through = shared(world, &tasks[earlier], &tasks[task]);
                waits.push((tasks[earlier].name.clone(), tasks[task].name.clone(), through));
            }
        }
        wave_of[task] = Some(wave);
        placed.push(task);
    }
    waits.sort();
    let wave_of: Vec<usize> = wave_of.into_iter().map(|wave| wave.unwrap_or(0)).collect();
    Ok(in_order(tasks, &wave_of, waits))
}

/// For each task the tasks of its phase that own what it reads of this frame, and the column.
fn sources(tasks: &[Task]) -> Vec<Vec<(usize, usize)>> {
    let owner = |task: &Task, column: &usize| {
        let owner = tasks.iter().position(|other| other.owns.contains(column))?;
        (tasks[owner].phase == task.phase).then_some((owner, *column))
    };
    tasks
        .iter()
        .map(|task| task.reads_now.iter().filter_map(|column| owner(task, column)).collect())
        .collect()
}

/// Names a cycle: some task that waits for another that waits, and so on until one comes again.
fn cycle(
    tasks: &[Task],
    sources: &[Vec<(usize, usize)>],
    wave_of: &[Option<usize>],
    columns: &[Arc<dyn Column>],
) -> BuildError {
    let mut path: Vec<(usize, usize)> = Vec::new();
    let mut at = wave_of.iter().position(Option::is_none).unwrap_or(0);
    while !path.iter().any(|(task, _)| *task == at) {
        let open = sources[at].iter().find(|(source, _)| wave_of[*source].is_none());
        let (source, column) = *open.expect("a task that cannot be placed waits for one that is not placed");
        path.push((at, column));
        at = source;
    }
    path.retain({
        let mut inside = false;
        move |(task, _)| {
            inside |= *task == at;
            inside
        }
    });
    let sources = path.iter().skip(1).map(|(task, _)| *task).chain([at]);
    let text = path.iter().zip(sources).map(|((task, column), source)| {
        let (reader, owner) = (&tasks[*task].name, &tasks[source].name);
        format!("{reader} reads {}, made by {owner}", columns[*column].name())
    });
    BuildError::DeriveCycle { path: text.collect::<Vec<_>>().join("; ") }
}

/// What two tasks both use and at least one of them writes.
fn shared(world: &World, earlier: &Task, later: &Task) -> String {
    let writes = |task: &Task| -> BTreeSet<ComponentId> {
        let writes = task.access.combined_access().writes().as_finite_set();
        writes.into_iter().flat_map(|set| set.iter()).collect()
    };
    let both: BTreeSet<ComponentId> = writes(earlier).union(&writes(later)).copied().collect();
    let touches = |task: &Task, id| task.access.combined_access().has_read(id);
    let through = both
        .into_iter()
        .filter(|id| touches(earlier, *id) && touches(later, *id))
        .filter_map(|id| world.components().get_name(id).map(|name| name.to_string()));
    through.collect::<Vec<_>>().join(", ")
}

/// Sorts by phase, wave and name, and cuts the runs.
fn in_order(tasks: Vec<Task>, wave_of: &[usize], waits: Vec<Wait>) -> Arranged {
    let mut keyed: Vec<((Phase, usize), Task)> =
        tasks.into_iter().zip(wave_of).map(|(task, wave)| ((task.phase, *wave), task)).collect();
    // Stable: within a wave the names' order stays.
    keyed.sort_by_key(|(key, _)| *key);
    let mut runs: Vec<(Phase, Range<usize>)> = Vec::new();
    let mut last = None;
    for (place, (key, _)) in keyed.iter().enumerate() {
        match runs.last_mut() {
            Some((_, run)) if last == Some(*key) => run.end = place + 1,
            _ => runs.push((key.0, place..place + 1)),
        }
        last = Some(*key);
    }
    Arranged { tasks: keyed.into_iter().map(|(_, task)| task).collect(), runs, waits }
}
