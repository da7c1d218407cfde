//! The build: checks everything, makes the world, and recovers it or sets it up.
//!
//! Invariant: all wrong use is reported together, before anything is created on disk.

use super::program::program;
use super::registrar::Registrar;
use super::{EngineBuilder, THREADS_MAX};
use crate::annex::Annex;
use crate::buffer::{Column, IdColumn};
use crate::control::{self, CONTROL_NAME, CONTROL_NAME_BYTES_MAX, CONTROL_VERSION, Control, ControlCodec};
use crate::durability::{Durability, InputLog};
use crate::engine::Engine;
use crate::error::{BuildError, BuildErrors, Error, Result};
use crate::frame::{Digests, Encoder, Frame, Recovered, Special, Tail};
use crate::id::SystemKey;
use crate::ingress::Ingress;
use crate::input::Inputs;
use crate::intake::Intake;
use crate::lease::LeaseGate;
use crate::pool::Pool;
use crate::registry::Registry;
use crate::rewind::{ROLLBACK_FRAMES_MAX, Rewind};
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
pub(crate) const FACT_SEED: &str = "engine.seed";
/// The fact under which the step is stored.
pub(crate) const FACT_DT: &str = "engine.dt";

pub(super) fn build(builder: EngineBuilder) -> Result<Engine> {
    build_from(builder, &mut Start::Directory)
}

/// What a build begins with.
pub(crate) enum Start {
    /// What is in the builder's directory, or nothing.
    Directory,
    /// A stored world that is made again in memory.
    #[cfg(feature = "store")]
    Again(Box<crate::replay::Beginning>),
}

impl Start {
    fn is_again(&self) -> bool {
        !matches!(self, Self::Directory)
    }
}

pub(super) fn build_from(mut builder: EngineBuilder, start: &mut Start) -> Result<Engine> {
    if let Some(failure) = builder.failure.take() {
        return Err(failure);
    }
    check_settings(&builder)?;
    let pool = Pool::new(builder.threads)?;
    let mut registrar = core::mem::take(&mut builder.registrar);
    register_own(&mut registrar);
    let facts = gather_facts(&builder, &registrar)?;

    let mut world = World::new();
    let shared = Arc::new(Shared::new(builder.dt, builder.seed));
    world.insert_resource(Registry::new(shared.clone()));
    let ids = Arc::new(IdColumn::new(&mut world));
    let mut errors = Vec::new();
    registrar.enter_types(&mut world, &mut errors);
    registrar.enter_annexes(&mut world, &mut errors);
    registrar.check_changes(&annexes_of(&world), &mut errors);
    #[cfg(feature = "store")]
    (builder.changes = registrar.changes());
    let columns = gather_columns(&mut world, &ids);
    registrar.observers.order(&mut errors);
    let (schedule, startup) = make_schedules(&mut world, &mut registrar, &columns, errors)?;

    let setups = core::mem::take(&mut registrar.setups);
    let inputs = gather_inputs(&builder, &mut registrar, &schedule);
    let annexes = annexes_of(&world);
    let intakes = gather_intakes(&mut registrar, &annexes)?;
    let program = program(&registrar, &schedule, &startup, &columns, &inputs, &intakes);
    let (encoder, recovered, keys) = open_store(&builder, &columns, &facts, &program, start)?;
    intakes.iter().for_each(|intake| intake.keep(encoder.as_ref().is_some_and(Encoder::logs)));
    let mut frame = Frame {
        special: Special::of(&columns, &schedule.owners),
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
        intakes,
        program,
        again: None,
        digests: Digests::new(builder.digests),
        encoder,
        rewind: (builder.rollback > 0).then(|| Rewind::new(builder.rollback, builder.rollback_bytes)),
        copies: registrar.copies.clone(),
        stats: Stats::default(),
        committed: 0,
        poisoned: None,
    };
    let path = builder.path.clone().unwrap_or_default();
    let upcasts = registrar.upcasts_by_column(&frame.columns);
    frame.set_again(start.is_again() || recovered.as_ref().is_some_and(Recovered::has_tail));
    let tail = match recovered {
        Some(mut recovered) => {
            let tail = recovered.take_tail();
            pool.install(|| frame.recover(recovered, &keys, &upcasts, &path))?;
            tail
        }
        None => {
            set_up(&mut frame, setups, &pool)?;
            None
        }
    };
    pool.install(|| begin(&mut frame, start, startup, tail))?;
    let unstored = unstored(&registrar, &frame);
    Ok(Engine::new(frame, pool, registrar.local, unstored, facts))
}

/// The queue of inputs and what may come through it.
fn gather_inputs(builder: &EngineBuilder, registrar: &mut Registrar, schedule: &Schedule) -> Inputs {
    let systems = schedule.tasks.iter().map(|task| task.name.clone()).collect();
    let kinds = core::mem::take(&mut registrar.inputs);
    Inputs::new(Ingress::new(builder.inputs_max), kinds, systems).with_desk(registrar.desk.take())
}

/// The engine's own types and inputs.
fn register_own(registrar: &mut Registrar) {
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
}

/// Who takes records, what is stored already, and the store's key of each column.
type Opened = (Option<Encoder>, Option<Recovered>, Vec<u16>);

fn open_store(
    builder: &EngineBuilder,
    columns: &[Arc<dyn Column>],
    facts: &BTreeMap<String, String>,
    program: &str,
    start: &mut Start,
) -> Result<Opened> {
    Ok(match start {
        Start::Directory => {
            let (encoder, recovered) = Encoder::of(builder, columns, facts, program)?;
            let keys = encoder.as_ref().map_or_else(Vec::new, |encoder| encoder.keys().to_vec());
            (encoder, recovered, keys)
        }
        #[cfg(feature = "store")]
        Start::Again(beginning) => {
            let keys = Encoder::keys_of(columns, facts, beginning)?;
            let recovered = beginning.recovered.take();
            let first = recovered.as_ref().map_or(0, |recovered| recovered.frame);
            let compared = beginning.compared.then(|| Encoder::again(columns, beginning.log.types(), first));
            (compared, recovered, keys)
        }
    })
}

/// What stands beside stored types and is not stored: the type's stored name, and its own.
fn unstored(registrar: &Registrar, frame: &Frame) -> Vec<(String, &'static str)> {
    let beside = |type_id| frame.columns.iter().find(|column| column.state_type() == type_id);
    let name = |type_id| beside(type_id).map_or_else(String::new, |column| column.name().to_owned());
    registrar.unstored.iter().map(|(type_id, symbol)| (name(*type_id), *symbol)).collect()
}

/// From the first committed frame, made or recovered, to the one that the engine begins with.
fn begin(frame: &mut Frame, start: &mut Start, startup: Schedule, tail: Option<Tail>) -> Result<()> {
    frame.begin_annexes();
    frame.refresh_turns();
    frame.begin_observers()?;
    frame.keep_first();
    frame.check_beginning(start)?;
    // Before any record, and after everybody who may refuse the world as it is.
    frame.upgrade_now()?;
    // A world that was stored before its first frame was made goes on where it stopped.
    if frame.committed == 0 && !startup.tasks.is_empty() {
        frame.start_up_from(startup, start)?;
    }
    frame.catch_up(tail)
}

/// The doors to the outside, by their names.
fn gather_intakes(registrar: &mut Registrar, annexes: &[Arc<dyn Annex>]) -> Result<Vec<Intake>> {
    let mut intakes = core::mem::take(&mut registrar.intakes);
    intakes.extend(annexes.iter().filter_map(|annex| annex.intake()));
    intakes.sort_by(|a, b| a.name().cmp(b.name()));
    let mut errors: Vec<BuildError> = Vec::new();
    let mut names: Vec<&str> = intakes.iter().map(Intake::name).collect();
    names.extend(registrar.inputs.iter().map(|kind| kind.name.as_str()));
    names.sort_unstable();
    for twins in names.windows(2).filter(|twins| twins[0] == twins[1]) {
        errors.push(BuildError::DuplicateType {
            what: "the name of an intake or an input".to_owned(),
            first: twins[0].to_owned(),
            second: twins[1].to_owned(),
        });
    }
    if errors.is_empty() { Ok(intakes) } else { Err(refusal(errors)) }
}

/// The annexes in the order of their stored names.
fn annexes_of(world: &World) -> Vec<Arc<dyn Annex>> {
    world.resource::<Registry>().annexes.iter().map(|(_, annex)| annex.clone()).collect()
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
    if builder.rollback > ROLLBACK_FRAMES_MAX {
        return refuse("rollback", builder.rollback.to_string(), "it must be at most 1024 frames");
    }
    if builder.rollback > 0 && builder.path.is_some() {
        let reason = "a frame that is stored is not undone; roll back a world in memory, as Engine::in_memory() makes it";
        return refuse("rollback", builder.rollback.to_string(), reason);
    }
    if builder.input_log == InputLog::NONE && matches!(builder.durability, Durability::Inputs(_)) {
        let reason =
            "a world that is known by its inputs needs their log; leave .input_log(InputLog::NONE) away";
        return refuse("durability", format!("{:?}", builder.durability), reason);
    }
    #[cfg(feature = "store")]
    if builder.deltas > 0 && matches!(builder.durability, Durability::Inputs(_)) {
        let reason =
            "frames that are known by their inputs have no records to keep; choose another durability";
        return refuse("deltas", builder.deltas.to_string(), reason);
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
            message: crate::panic_text(&*panic).to_owned(),
        })?;
        frame.issue(commands);
    }
    pool.install(|| frame.guarded(0, Frame::commit_setup))
}
