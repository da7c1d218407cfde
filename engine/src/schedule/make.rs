//! From a registered system to a task: its parameters are made, and what it may touch is read off them.
//!
//! Invariant: what a task owns and reads follows from its signature alone; what it must not do is refused here,
//! by name. How tasks stand to each other is `arrange`'s.

use super::task::Wanted;
use super::{Phase, SystemConfig, SystemSpec, Task, Turns};
use crate::buffer::Column;
use crate::error::BuildError;
use crate::id::SystemKey;
use crate::registry::Registry;
use bevy_ecs::component::ComponentId;
use bevy_ecs::query::{FilteredAccess, FilteredAccessSet};
use bevy_ecs::system::{BoxedSystem, SystemAccess};
use bevy_ecs::world::World;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Makes one task, with everything about it that does not depend on the others.
pub(super) fn make(
    world: &mut World,
    spec: SystemSpec,
    columns: &[Arc<dyn Column>],
    scratch: &BTreeSet<ComponentId>,
    errors: &mut Vec<BuildError>,
) -> Result<Task, BuildError> {
    let SystemSpec { name, phase, config } = spec;
    let SystemConfig { mut parts, every, skip_if_empty, answering } = config;
    world.resource_mut::<Registry>().answering = answering;
    let (access, structural) = initialize(world, &name, phase, &mut parts)?;
    let combined = access.combined_access();
    // "All but some" is an unbounded set too: what it writes or reads cannot be listed.
    let bounded = [(combined.writes().as_finite_set(), "write"), (combined.reads().as_finite_set(), "read")];
    if let Some((_, access)) = bounded.iter().find(|(set, _)| set.is_none()) {
        return Err(BuildError::AllAccess { system: name, access });
    }
    let (owns, used) = writes(world, &name, &access, columns, scratch, errors);
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
        let plain = set.required().iter().map(|id| label(world, id));
        errors.extend(plain.map(|type_name| BuildError::HashOrder { system: name.clone(), type_name }));
    }
    let reads = columns.iter().filter(|column| combined.has_read(column.slots()[0]));
    let reads = reads.map(|column| column.name().to_owned()).collect();
    // Column 0 has one slot only, and is nobody's to write.
    let now = |column: &dyn Column| {
        let next = column.slots()[1];
        combined.has_read(next) && !combined.has_write(next)
    };
    let reads_now = (1..columns.len()).filter(|index| now(&*columns[*index])).collect();
    refuse_now_beside_next(&name, &access, &owns, columns, errors);
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
        answering,
        ran: false,
        nanos: 0,
        failure: None,
        access,
    })
}

/// Makes the parameters of all parts; answers what they access, and whether they have commands to hand over.
fn initialize(
    world: &mut World,
    name: &str,
    phase: Phase,
    parts: &mut [BoxedSystem],
) -> Result<(FilteredAccessSet, bool), BuildError> {
    {
        let mut registry = world.resource_mut::<Registry>();
        registry.building = Some((name.to_owned(), SystemKey::of(name)));
        registry.phase = phase;
        (registry.structural, registry.asking) = (0, 0);
    }
    let mut access = FilteredAccessSet::new();
    for part in parts {
        // bevy refuses some signatures by panicking.
        let made = catch_unwind(AssertUnwindSafe(|| part.initialize(world))).map_err(|panic| {
            BuildError::Refused { system: name.to_owned(), message: crate::panic_text(&*panic).to_owned() }
        })?;
        let why = match &made {
            SystemAccess::Exclusive => Some("takes &mut World; only the commit has the world to itself"),
            _ if !part.is_send() => Some("is not Send; systems run on a pool"),
            _ if part.has_deferred() => {
                Some("uses bevy's Commands; use Structure, whose ids do not depend on threads")
            }
            _ => None,
        };
        if let Some(why) = why {
            return Err(BuildError::NotAWaveSystem { system: name.to_owned(), why });
        }
        if let SystemAccess::Shared(set) = made {
            access.extend(set);
        }
    }
    let mut registry = world.resource_mut::<Registry>();
    registry.building = None;
    Ok((access, registry.structural + registry.asking > 0))
}

/// The columns that a system owns, and the scratch that it writes; what it may not write is noted.
fn writes(
    world: &World,
    name: &str,
    access: &FilteredAccessSet,
    columns: &[Arc<dyn Column>],
    scratch: &BTreeSet<ComponentId>,
    errors: &mut Vec<BuildError>,
) -> (Vec<usize>, Vec<String>) {
    let (mut owns, mut used) = (Vec::new(), Vec::new());
    let system = || name.to_owned();
    let written = access.combined_access().writes().as_finite_set();
    for id in written.into_iter().flat_map(|writes| writes.iter()) {
        // Column 0 is that of the `Id`s, which nobody owns.
        let owned = columns.iter().skip(1).position(|column| column.slots()[1] == id);
        if let Some(index) = owned.map(|place| place + 1) {
            if crate::registry::is_engine_owned(columns[index].state_type()) {
                let type_name = columns[index].type_name().to_owned();
                errors.push(BuildError::EngineOwned { system: system(), type_name });
            }
            let registry = world.resource::<Registry>();
            errors.extend(registry.check_next(columns[index].state_type(), name).err());
            owns.push(index);
        } else if scratch.contains(&id) {
            used.push(label(world, id));
        } else {
            errors.push(BuildError::NotScratch { system: system(), type_name: label(world, id) });
        }
    }
    (owns, used)
}

/// Only what is settled can be read with `Now`, and an owner's rows are settled when all its parts are over.
fn refuse_now_beside_next(
    system: &str,
    access: &FilteredAccessSet,
    owns: &[usize],
    columns: &[Arc<dyn Column>],
    errors: &mut Vec<BuildError>,
) {
    for column in owns.iter().map(|index| &columns[*index]) {
        let next = column.slots()[1];
        let reads = |query: &FilteredAccess| {
            let access = query.access();
            access.has_read(next) && !access.has_write(next)
        };
        if access.filtered_accesses().iter().any(reads) {
            let (system, type_name) = (system.to_owned(), column.type_name().to_owned());
            errors.push(BuildError::NowBesideNext { system, type_name });
        }
    }
}

/// A component's name, for people.
fn label(world: &World, id: ComponentId) -> String {
    world.components().get_name(id).map_or_else(String::new, |name| name.to_string())
}
