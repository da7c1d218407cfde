//! The build: checks everything, makes the world, and recovers it or sets it up.
//!
//! Invariant: all wrong use is reported together, before anything is created on disk.

use super::registrar::Registrar;
use super::{EngineBuilder, THREADS_MAX};
use crate::buffer::{Column, IdColumn};
use crate::control::{self, CONTROL_NAME, CONTROL_NAME_BYTES_MAX, CONTROL_VERSION, Control, ControlCodec};
use crate::durability::Durability;
use crate::engine::Engine;
use crate::error::{BuildError, BuildErrors, Error, Result};
use crate::frame::{Digests, Encoder, Frame, Special};
use crate::id::SystemKey;
use crate::ingress::Ingress;
use crate::input::Inputs;
use crate::lease::LeaseGate;
use crate::pool::Pool;
use crate::registry::Registry;
use crate::schedule::{self, Phase, Schedule, SystemSpec};
use crate::shared::Shared;
use crate::stats::Stats;
use crate::still::{STILL_NAME, STILL_VERSION, Still};
use crate::structure::{Commands, Structure};
use crate::tables::TableList;
use crate::view::WorldCell;
use bevy_ecs::world::World;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The fact under which the seed is stored.
const FACT_SEED: &str = "engine.seed";
/// The fact under which the step is stored.
const FACT_DT: &str = "engine.dt";

pub(super) fn build(mut builder: EngineBuilder) -> Result<Engine> {
    if let Some(failure) = builder.failure.take() {
        return Err(failure);
    }
    check_settings(&builder)?;
    let pool = Pool::new(builder.threads)?;
    let mut registrar = core::mem::take(&mut builder.registrar);
    registrar.state_with::<Control, ControlCodec<{ usize::MAX }>>(CONTROL_NAME, CONTROL_VERSION);
    registrar.input_with::<Control, ControlCodec<CONTROL_NAME_BYTES_MAX>>(
        CONTROL_NAME,
        CONTROL_VERSION,
        control::apply,
    );
    let answers = |spec: &SystemSpec| spec.config.answering && spec.phase != Phase::Startup;
    if registrar.systems.iter().any(answers) {
        registrar.state::<Still>(STILL_NAME, STILL_VERSION);
    }
    let facts = gather_facts(&builder, &registrar)?;

    let mut world = World::new();
    let shared = Arc::new(Shared::new(builder.dt, builder.seed));
    world.insert_resource(Registry::new(shared.clone()));
    let ids = Arc::new(IdColumn::new(&mut world));
    let mut errors = Vec::new();
    registrar.enter_types(&mut world, &mut errors);
    registrar.enter_annexes(&mut world, &mut errors);
    let columns = gather_columns(&mut world, &ids);
    registrar.observers.order(&mut errors);
    let (schedule, startup) = make_schedules(&mut world, &mut registrar, &columns, errors)?;

    let setups = core::mem::take(&mut registrar.setups);
    let systems = schedule.tasks.iter().map(|task| task.name.clone()).collect();
    let inputs =
        Inputs::new(Ingress::new(builder.inputs_max), core::mem::take(&mut registrar.inputs), systems);
    let (encoder, recovered) = Encoder::of(&builder, &columns, &facts)?;
    let special = Special::of(&columns, &schedule.owners);
    let annexes = world.resource::<Registry>().annexes.iter().map(|(_, annex)| annex.clone()).collect();
    let mut frame = Frame {
        special,
        annexes,
        cell: Arc::new(WorldCell::new(world)),
        shared,
        columns,
        ids,
        tables: TableList::default(),
        schedule,
        observers: core::mem::take(&mut registrar.observers),
        gate: LeaseGate::new(),
        inputs,
        journal: crate::editor::Journal::default(),
        applied: Vec::new(),
        digests: Digests { policy: builder.digests, ..Digests::default() },
        encoder,
        copies: registrar.copies.clone(),
        stats: Stats::default(),
        committed: 0,
        poisoned: None,
    };
    let path = builder.path.clone().unwrap_or_default();
    match recovered {
        Some(recovered) => {
            let upcasts = registrar.upcasts_by_column(&frame.columns);
            pool.install(|| frame.recover(recovered, &upcasts, &path))?;
        }
        None => set_up(&mut frame, setups, &pool)?,
    }
    frame.begin_annexes();
    frame.refresh_turns();
    pool.install(|| frame.begin_observers())?;
    // A world that was stored before its first frame was made goes on where it stopped.
    if frame.committed == 0 && !startup.tasks.is_empty() {
        pool.install(|| frame.start_up(startup))?;
    }
    Ok(Engine::new(frame, pool, registrar.local, facts))
}

fn check_settings(builder: &EngineBuilder) -> Result<()> {
    let refuse = |setting, value: String, reason| Err(Error::Setting { setting, value, reason });
    if let Some(threads) = builder.threads
        && !(1..=THREADS_MAX).contains(&threads)
    {
        return refuse("threads", threads.to_string(), "it must be from 1 to 1024");
    }
    if !(builder.dt.is_finite() && builder.dt >= 0.0) {
        return refuse("dt", builder.dt.to_string(), "it must be a finite number of seconds, 0 or more");
    }
    if builder.inputs_max == 0 || builder.inputs_max > crate::ingress::INGRESS_MAX {
        return refuse("inputs_max", builder.inputs_max.to_string(), "it must be from 1 to 65536");
    }
    if builder.path.is_none() && builder.durability != Durability::Memory {
        let reason = match cfg!(feature = "store") {
            true => "a world in memory has no store; use Engine::open(path)",
            false => "this program was built without the feature `store` of diptych-engine",
        };
        return refuse("durability", format!("{:?}", builder.durability), reason);
    }
    Ok(())
}

/// The facts a world is created with; two values of one fact are refused.
fn gather_facts(builder: &EngineBuilder, registrar: &Registrar) -> Result<BTreeMap<String, String>> {
    let mut facts = BTreeMap::from([
        (FACT_SEED.to_owned(), builder.seed.to_string()),
        (FACT_DT.to_owned(), builder.dt.to_string()),
    ]);
    let mut errors = Vec::new();
    for (name, value) in &registrar.facts {
        match facts.insert(name.clone(), value.clone()) {
            Some(first) if first != *value => {
                errors.push(BuildError::DuplicateFact { name: name.clone(), first, second: value.clone() });
            }
            _ => {}
        }
    }
    if errors.is_empty() { Ok(facts) } else { Err(Error::Build(BuildErrors(errors))) }
}

/// The `Id` column first, then the registered types by their stored names.
fn gather_columns(world: &mut World, ids: &Arc<IdColumn>) -> Vec<Arc<dyn Column>> {
    let registered = core::mem::take(&mut world.resource_mut::<Registry>().columns);
    let mut columns: Vec<Arc<dyn Column>> = vec![ids.clone()];
    columns.extend(registered);
    columns
}

/// The schedule of a world's frames, and that of its first frame.
fn make_schedules(
    world: &mut World,
    registrar: &mut Registrar,
    columns: &[Arc<dyn Column>],
    mut errors: Vec<BuildError>,
) -> Result<(Schedule, Schedule)> {
    let mut scratch: BTreeSet<_> = registrar.enter_scratch(world, &mut errors).into_iter().collect();
    for column in columns.iter().filter(|column| !column.has_blank()) {
        errors.push(BuildError::NoBlank { type_name: column.type_name().to_owned() });
    }
    scratch.extend(registrar.resources.drain(..).map(|insert| insert(world)));
    let mut setups: BTreeSet<&str> = BTreeSet::new();
    for (name, _) in &registrar.setups {
        if !setups.insert(name) {
            errors.push(BuildError::DuplicateSystem { name: name.clone() });
        }
    }
    let names = registrar.systems.iter().map(|spec| spec.name.clone());
    let others = registrar.setups.iter().map(|(name, _)| name.clone());
    let inputs = registrar.inputs.iter().map(|kind| kind.name.clone());
    let own = [STILL_NAME.to_owned()].into_iter();
    let own = own.filter(|_| columns.iter().any(|column| column.name() == STILL_NAME));
    let mut names: Vec<String> = names.chain(others).chain(inputs).chain(own).collect();
    for (n, kind) in registrar.inputs.iter().enumerate() {
        let twin =
            |other: &&crate::input::InputKind| other.name == kind.name || other.type_id == kind.type_id;
        if let Some(first) = registrar.inputs[..n].iter().find(twin) {
            errors.push(BuildError::DuplicateType {
                what: "an input type or its name".to_owned(),
                first: first.name.clone(),
                second: kind.name.clone(),
            });
        }
    }
    let (startup, specs): (Vec<SystemSpec>, Vec<SystemSpec>) =
        core::mem::take(&mut registrar.systems).into_iter().partition(|spec| spec.phase == Phase::Startup);
    for spec in startup.iter().filter(|spec| specs.iter().any(|other| other.name == spec.name)) {
        errors.push(BuildError::DuplicateSystem { name: spec.name.clone() });
    }
    let mut build = |specs| {
        let built = schedule::build(world, specs, columns, &scratch);
        built.unwrap_or_else(|more| {
            errors.extend(more);
            Schedule::default()
        })
    };
    let schedules = (build(specs), build(startup));
    errors.extend(world.resource::<Registry>().annexes.iter().flat_map(|(_, annex)| annex.check()));
    names.append(&mut world.resource_mut::<Registry>().more_names);
    schedule::check_keys(names.iter().map(String::as_str), &mut errors);
    if errors.is_empty() { Ok(schedules) } else { Err(refusal(errors)) }
}

fn refusal(mut errors: Vec<BuildError>) -> Error {
    errors.sort();
    errors.dedup();
    Error::Build(BuildErrors(errors))
}

/// Runs the setups in the order of their names and commits frame 0.
fn set_up(frame: &mut Frame, mut setups: Vec<(String, super::registrar::Setup)>, pool: &Pool) -> Result<()> {
    setups.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, setup) in setups {
        let mut commands = Commands::new(name.clone(), SystemKey::of(&name));
        let run = || setup(&mut Structure::over(&mut commands, frame.world().entity_allocator()));
        catch_unwind(AssertUnwindSafe(run)).map_err(|panic| Error::Panicked {
            system: name,
            frame: 0,
            message: crate::wave::message(&*panic),
        })?;
        frame.issue(commands);
    }
    pool.install(|| frame.guarded(0, Frame::commit_setup))
}
