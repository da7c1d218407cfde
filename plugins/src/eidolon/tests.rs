//! The field through the engine: alike on any threads, stored, replayed; updates and bad input.

use super::*;
use crate::measure::Quantity;
use crate::picture::Canvas;
use diptych_engine::{Applier, testkit};

fn options(is_rk4: bool) -> Options {
    // More particles than a part, not a multiple of it.
    Options { particles: 300, viscosity: 0.1, bound: 2.0, is_rk4, ..Options::default() }
}

fn plugin(options: Options) -> EidolonPlugin {
    EidolonPlugin::new(options).unwrap_or_else(|error| panic!("{error}"))
}

fn world(options: Options) -> impl Fn(EngineBuilder) -> EngineBuilder {
    move |builder| builder.dt(0.01).plugin(plugin(options.clone())).system("test.stir", stir)
}

/// Sends every tenth frame's update: pushes one particle, removes another, adds one, and asks for what may not be.
fn stir(
    fields: Query<(Id, Prev<FieldSettings>)>,
    members: Query<(Id, Prev<Member>)>,
    mut out: Outbox<FieldUpdate>,
    clock: Clock,
) {
    if !clock.frame().is_multiple_of(10) {
        return;
    }
    let mut ids: Vec<u64> = members.iter().map(|(id, _)| id.bits()).collect();
    ids.sort_unstable();
    let good = Particle { mass: 2.0, position: Vec8::axis(1), circuit: 5, ..Particle::default() };
    let bad = Particle { mass: f64::NAN, ..good };
    for (id, _) in &fields {
        let update = FieldUpdate {
            added: vec![good, bad],
            removed: vec![ids[7], ids[7], id.bits()],
            forces: vec![
                (ids[9], Vec8::axis(2) * 50.0),
                (ids[9], Vec8([f64::INFINITY; 8])),
                (u64::MAX, Vec8::ZERO),
            ],
        };
        out.from(id).to(id, update);
    }
}

fn field(engine: &Engine) -> Id {
    engine.view().iter::<FieldSettings>().next().expect("there is one").0
}

fn count(engine: &Engine, name: &str) -> u64 {
    let measures = measures(engine.view());
    match measures.iter().find(|measure| measure.name == name).map(|measure| measure.value) {
        Some(Quantity::Count(count)) => count,
        other => panic!("{name}: {other:?}"),
    }
}

/// Sends from outside what [`stir`] sends from inside, in frame 15.
fn send(engine: &Engine, frame: u64) -> diptych_engine::Result<()> {
    if frame == 15 {
        let mut ids: Vec<u64> = engine.view().iter::<Member>().map(|(id, _)| id.bits()).collect();
        ids.sort_unstable();
        let particle = Particle { mass: 1.0, charge: Vec8::axis(0), ..Particle::default() };
        let update = FieldUpdate {
            added: vec![particle, Particle { mass: 0.0, ..particle }],
            removed: vec![ids[3], ids[3]],
            forces: vec![(ids[4], Vec8::axis(6) * 20.0), (ids[4], Vec8::axis(6)), (1, Vec8::ZERO)],
        };
        engine.inputs().send("test", &AddressedUpdate { field: field(engine).bits(), update })?;
    }
    Ok(())
}

/// Claim: one digest a frame on any number of threads, with either integrator, with updates from inside and outside.
#[test]
fn threads_do_not_matter() {
    let threads: Vec<usize> =
        [1, 2, 4, 8].into_iter().filter(|n| cfg!(feature = "threads") || *n == 1).collect();
    let last = [false, true].map(|is_rk4| {
        let digests = testkit::runs_alike(world(options(is_rk4)), &threads, 30, send);
        let digests = digests.unwrap_or_else(|error| panic!("{error}"));
        digests.unwrap_or_else(|divergence| panic!("{divergence}")).pop()
    });
    assert_ne!(last[0], last[1], "the integrators differ");
}

/// Claim: the ledger counts what updates did; a bad part is refused, and the good ones beside it are not.
#[test]
fn updates_are_counted() {
    let mut engine =
        world(options(false))(Engine::in_memory()).build().unwrap_or_else(|error| panic!("{error}"));
    let before = engine.view().iter::<Position>().count() as u64;
    for frame in 1..=16 {
        send(&engine, frame).unwrap_or_else(|error| panic!("{error}"));
        engine.step().unwrap_or_else(|error| panic!("{error}"));
    }
    // By message, read in frame 11: 1 added, 1 removed, 1 pushed, 1 + 2 + 2 refused. By input in frame 15: 1, 1, 2,
    // and 1 + 1 + 1 refused.
    let counts =
        ["population", "added", "removed", "pushed", "refused", "faulty"].map(|name| count(&engine, name));
    assert_eq!(counts, [before, 2, 2, 3, 8, 0]);
}

/// Claim: a force acts for one step, the one after it was sent, by message and by input alike.
#[test]
fn forces_act_once() {
    let lone = Options { particles: 1, charged: 0, ..Options::default() };
    for by_message in [false, true] {
        let shove = move |fields: Query<(Id, Prev<FieldSettings>)>,
                          members: Query<(Id, Prev<Member>)>,
                          mut out: Outbox<FieldUpdate>,
                          clock: Clock| {
            let (Some((field, _)), Some((id, _))) = (fields.iter().next(), members.iter().next()) else {
                return;
            };
            if by_message && clock.frame() == 3 {
                let forces = vec![(id.bits(), Vec8::axis(0) * 4.0)];
                out.from(field).to(field, FieldUpdate { forces, ..FieldUpdate::default() });
            }
        };
        let builder = Engine::in_memory().dt(0.25).plugin(plugin(lone.clone())).system("test.shove", shove);
        let mut engine = builder.build().unwrap_or_else(|error| panic!("{error}"));
        let (id, mass) = engine.view().iter::<Mass>().map(|(id, mass)| (id, mass.0)).next().expect("one");
        let mut speeds = Vec::new();
        for frame in 1..=6 {
            if !by_message && frame == 3 {
                let forces = vec![(id.bits(), Vec8::axis(0) * 4.0)];
                let update = FieldUpdate { forces, ..FieldUpdate::default() };
                let sent = AddressedUpdate { field: field(&engine).bits(), update };
                engine.inputs().send("test", &sent).unwrap_or_else(|error| panic!("{error}"));
            }
            speeds.push(engine.view().single::<Velocity>().map_or(0.0, |velocity| velocity.0.0[0]));
            engine.step().unwrap_or_else(|error| panic!("{error}"));
        }
        let gains: Vec<f64> =
            speeds.windows(2).map(|pair| ((pair[1] - pair[0]) * mass * 1e9).round() / 1e9).collect();
        assert_eq!(gains, [0.0, 0.0, 0.0, 1.0, 0.0], "by message: {by_message}");
    }
}

/// Claim: layers are those of the positions in the same commit, and empty ones say so.
#[test]
fn layers_are_of_this_step() {
    let few = Options { particles: 5, ..Options::default() };
    let engine = Engine::in_memory().dt(0.01).plugin(plugin(few)).build();
    let mut engine = engine.unwrap_or_else(|error| panic!("{error}"));
    engine.run(Pace::frames(7)).unwrap_or_else(|error| panic!("{error}"));
    let view = engine.view();
    for (_, layer) in view.iter::<LayerState>() {
        let members = view.iter::<Member>().filter(|(_, member)| member.circuit == layer.circuit);
        let positions: Vec<Vec8> = members.filter_map(|(id, _)| Some(view.get::<Position>(id)?.0)).collect();
        assert_eq!(layer.population as usize, positions.len());
        assert_eq!(layer.barycenter, positions.first().copied().unwrap_or_default());
        assert_eq!(layer.step, if positions.is_empty() { 0 } else { 7 }, "{layer:?}");
    }
    assert_eq!(view.iter::<LayerState>().count(), CIRCUITS);
}

/// Claim: what is no number stays alone with it: the others go on, and are counted apart.
#[test]
fn faults_do_not_spread() {
    #[derive(Clone, Copy, Pod, Zeroable)]
    #[repr(C)]
    struct Spoil(u64);
    let spoil = |applier: &mut Applier<'_, '_>, _: Spoil| {
        let ids = applier.ids::<Position>();
        applier.set(ids[0], Position(Vec8([f64::NAN; 8])));
        applier.set(ids[1], Mass(0.0));
        applier.set(ids[2], Velocity(Vec8([f64::INFINITY; 8])));
        applier.set(ids[3], Charge(Vec8([1e200; 8])));
    };
    let builder =
        Engine::in_memory().dt(0.01).plugin(plugin(options(false))).input::<Spoil>("test.spoil", 1, spoil);
    let mut engine = builder.build().unwrap_or_else(|error| panic!("{error}"));
    engine.inputs().send("test", &Spoil(0)).unwrap_or_else(|error| panic!("{error}"));
    engine.run(Pace::frames(20)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(count(&engine, "faulty"), 4);
    let view = engine.view();
    assert_eq!(view.iter::<Position>().filter(|(_, position)| !position.0.is_within(NUMBER_MAX)).count(), 1);
    assert!(energy(view).is_finite());
    let populations = view.iter::<LayerState>().map(|(_, layer)| layer.population).sum::<u32>();
    assert_eq!(populations, 296);
}

/// Claim: fields have nothing to do with each other, and the particles of one whose settings are wrong rest.
#[test]
fn fields_are_apart() {
    let particle =
        Particle { mass: 1.0, velocity: Vec8::axis(0), charge: Vec8::axis(1), ..Particle::default() };
    let others = move |structure: &mut Structure<'_, '_>| {
        for stiffness in [3.0, f64::NAN] {
            let settings = FieldSettings { stiffness, ..FieldSettings::default() };
            let field = structure.spawn((settings, FieldName("other".to_owned()), Ledger::default())).id;
            structure.spawn(parts(&particle, field));
        }
    };
    let base =
        || Engine::in_memory().dt(0.01).plugin(plugin(Options { particles: 20, ..Options::default() }));
    let run = |builder: EngineBuilder| {
        let mut engine = builder.build().unwrap_or_else(|error| panic!("{error}"));
        engine.run(Pace::frames(20)).unwrap_or_else(|error| panic!("{error}"));
        let positions: Vec<Vec8> = engine.view().iter::<Position>().map(|(_, position)| position.0).collect();
        (positions, engine)
    };
    let (alone, _) = run(base());
    let (beside, engine) = run(base().setup("test.others", others));
    assert_eq!(beside[..20], alone);
    assert!((beside[20].0[0] - 0.2).abs() < 1e-9, "a lone particle flies straight on: {:?}", beside[20]);
    assert_eq!(beside[21], Vec8::ZERO);
    let mut populations: Vec<u64> =
        engine.view().iter::<Ledger>().map(|(_, ledger)| ledger.population).collect();
    populations.sort_unstable();
    assert_eq!(populations, [1, 1, 20]);
}

/// Claim: options that make no field are refused with a sentence; an empty field runs.
#[test]
fn bad_options_are_refused() {
    let refusal = |options: Options| EidolonPlugin::new(options).expect_err("refused").to_string();
    let base = Options::default;
    assert_eq!(
        refusal(Options { viscosity: f64::NAN, ..base() }),
        "the field's viscosity is NaN, and must be a number from 0 to 1e50"
    );
    assert!(
        refusal(Options { softening: 0.0, ..base() })
            .contains("softening is 0, and must be a number from 1e-9")
    );
    assert!(refusal(Options { particles: u32::MAX, ..base() }).contains("at most 1048576"));
    assert!(refusal(Options { charged: 8193, ..base() }).contains("8193 charged particles are too many"));
    assert!(refusal(Options { name: String::new(), ..base() }).contains("0 bytes"));
    let engine = Engine::in_memory().plugin(plugin(Options { particles: 0, ..base() })).build();
    let mut engine = engine.unwrap_or_else(|error| panic!("{error}"));
    engine.run(Pace::frames(3)).unwrap_or_else(|error| panic!("{error}"));
    let mut canvas = Canvas::new(32, 32);
    draw(engine.view(), &mut canvas);
    assert_eq!(count(&engine, "population"), 0);
}

/// Claim: a stored field goes on as if it had never stopped, and is made again from its log without its options;
/// another one is refused.
#[cfg(feature = "store")]
#[test]
fn stored_fields_are_the_same() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let whole = testkit::runs_alike(world(options(true)), &[1], 30, send);
    let whole = whole.unwrap_or_else(|error| panic!("{error}")).unwrap_or_else(|error| panic!("{error}"));
    let open = |options: Options| world(options)(Engine::open(dir.path())).build();
    for frames in [10, 11, 15, 16, 30] {
        let mut engine = open(options(true)).unwrap_or_else(|error| panic!("{error}"));
        while engine.frame() < frames {
            send(&engine, engine.frame() + 1).unwrap_or_else(|error| panic!("{error}"));
            engine.step().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(engine.digest(), whole[engine.frame() as usize], "frame {}", engine.frame());
        }
    }
    let error = open(options(false)).expect_err("another field").to_string();
    assert!(error.contains("eidolon.options"), "{error}");
    let facts = BTreeMap::from([(FACT_OPTIONS.to_owned(), options(true).to_string())]);
    let again = Engine::in_memory().dt(0.01).plugin(EidolonPlugin::stored(&facts)).system("test.stir", stir);
    let replay = again.compare_frames().replay(dir.path(), ReplayFrom::Oldest);
    let mut replay = replay.unwrap_or_else(|error| panic!("{error}"));
    replay.run_to(u64::MAX).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((replay.frame(), replay.digest()), (30, whole[30]));
}

/// Claim: still frames change nothing: a force that came with the step before one acts in the step after it.
#[test]
fn still_frames_change_nothing() {
    let plain = |builder: EngineBuilder| builder.dt(0.01).plugin(plugin(options(false)));
    crate::still::assert_still_frames_change_nothing(plain, 20, |engine, step| {
        send(engine, step).unwrap_or_else(|error| panic!("{error}"));
    });
}

/// Claim: an update of too many parts, by message or input, is counted as refused and does nothing else, and a world in
/// which one is under way can be opened again.
#[cfg(feature = "store")]
#[test]
fn too_large_updates_are_refused() {
    let too_large = || FieldUpdate {
        removed: vec![1; UPDATE_PARTS_MAX],
        forces: vec![(1, Vec8::ZERO)],
        ..FieldUpdate::default()
    };
    let flood =
        move |fields: Query<(Id, Prev<FieldSettings>)>, mut out: Outbox<FieldUpdate>, clock: Clock| {
            if clock.frame() == 3 {
                for (id, _) in &fields {
                    out.from(id).to(id, too_large());
                }
            }
        };
    let dir = tempfile::tempdir().expect("a temporary directory");
    let open = || {
        let builder = Engine::open(dir.path()).plugin(plugin(options(false))).system("test.flood", flood);
        builder.build().unwrap_or_else(|error| panic!("{error}"))
    };
    let mut engine = open();
    engine.run(Pace::frames(3)).unwrap_or_else(|error| panic!("{error}"));
    drop(engine);
    let mut engine = open();
    let addressed = AddressedUpdate { field: field(&engine).bits(), update: too_large() };
    for refused in [UPDATE_PARTS_MAX as u64 + 1, 2 * (UPDATE_PARTS_MAX as u64 + 1)] {
        engine.step().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(["population", "pushed", "refused"].map(|name| count(&engine, name)), [300, 0, refused]);
        engine.inputs().send("test", &addressed).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Claim: a pinned particle beyond the bounds stays there, and has no energy of motion, by the field's energy and by that
/// of its layers.
#[test]
fn pinned_particles_stay() {
    let pinned = Particle {
        position: Vec8::axis(0) * 7.0,
        velocity: Vec8::axis(1),
        mass: 2.0,
        flags: PINNED,
        ..Particle::default()
    };
    let empty = Options { particles: 0, bound: 2.0, ..Options::default() };
    let mut engine =
        Engine::in_memory().dt(0.01).plugin(plugin(empty)).build().unwrap_or_else(|error| panic!("{error}"));
    let update = FieldUpdate { added: vec![pinned], ..FieldUpdate::default() };
    let sent = AddressedUpdate { field: field(&engine).bits(), update };
    engine.inputs().send("test", &sent).unwrap_or_else(|error| panic!("{error}"));
    engine.run(Pace::frames(5)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(engine.view().single::<Position>(), Some(&Position(pinned.position)));
    let layers = engine.view().iter::<LayerState>().map(|(_, layer)| layer.energy).sum::<f64>();
    assert_eq!((energy(engine.view()), layers), (0.0, 0.0));
}

/// Claim: a field whose settings are wrong has energies that are numbers, and its layers' states rest once they are known.
#[test]
fn wrong_settings_make_no_noise() {
    let particle = Particle { mass: 1.0, position: Vec8::axis(2), ..Particle::default() };
    let spoiled = move |structure: &mut Structure<'_, '_>| {
        let settings = FieldSettings { stiffness: f64::NAN, ..FieldSettings::default() };
        let field = structure.spawn((settings, FieldName("spoiled".to_owned()), Ledger::default())).id;
        structure.spawn((LayerState::empty(field.bits(), 0),));
        structure.spawn(parts(&particle, field));
    };
    let builder = Engine::in_memory().plugin(plugin(Options { particles: 0, ..Options::default() }));
    let engine = builder.setup("test.spoiled", spoiled).build();
    let mut engine = engine.unwrap_or_else(|error| panic!("{error}"));
    engine.run(Pace::frames(5)).unwrap_or_else(|error| panic!("{error}"));
    let view = engine.view();
    let layer = view.iter::<LayerState>().map(|(_, layer)| *layer).find(|layer| layer.population > 0);
    let layer = layer.expect("it has a particle");
    assert_eq!((layer.energy, layer.step, energy(view)), (0.0, 1, 0.0));
}
