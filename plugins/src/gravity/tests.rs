//! The scene through the engine.

use super::{GravityPlugin, Options, Origin, Particle, Position, Rules, Velocity, measures};
use crate::measure::Quantity;
use diptych_engine::prelude::*;
use glam::DVec2;

fn engine(options: Options, threads: usize) -> Engine {
    let plugin = GravityPlugin::new(options).unwrap_or_else(|error| panic!("{error}"));
    let engine = Engine::in_memory().threads(threads).plugin(plugin).build();
    engine.unwrap_or_else(|error| panic!("{error}"))
}

fn run(engine: &mut Engine, frames: u64) {
    engine.run(Pace::frames(frames)).unwrap_or_else(|error| panic!("{error}"));
}

/// A measure of the frame, by its name.
fn measure(engine: &Engine, name: &str) -> f64 {
    let found = measures(engine.view()).into_iter().find(|measure| measure.name == name);
    match found.unwrap_or_else(|| panic!("{name} is measured")).value {
        Quantity::Count(count) => count as f64,
        Quantity::Real(value) => value,
    }
}

fn threads() -> impl Iterator<Item = usize> {
    [1, 2, 4, 8].into_iter().filter(|count| cfg!(feature = "threads") || *count == 1)
}

/// Claim: momentum stays to 1e-9 and energy drifts by less than 1 in 100 over 600 frames, with exchange and without.
#[test]
fn momentum_and_energy_stay() {
    for exchange in [false, true] {
        let mut engine = engine(Options { bodies: 400, exchange, ..Options::default() }, 1);
        run(&mut engine, 2);
        for _ in 0..6 {
            run(&mut engine, 100);
            let (momentum, energy) = (measure(&engine, "momentum_error"), measure(&engine, "energy_drift"));
            eprintln!(
                "exchange {exchange}, frame {}: momentum {momentum:e}, energy {energy:e}",
                engine.frame()
            );
            assert!(momentum < 1e-9, "{momentum} at frame {}", engine.frame());
            assert!(energy.abs() < 1e-2, "{energy} at frame {}", engine.frame());
        }
    }
}

/// The claim of the scene at its length, for the cases that `.ci/run` leaves out; minutes of work: `cargo test --release
/// -p diptych --lib gravity -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes"]
fn momentum_stays_for_ten_thousand_frames() {
    for (bodies, exchange) in [(1000, false), (2000, false)] {
        let mut engine =
            engine(Options { bodies, exchange, ..Options::default() }, threads().nth(1).unwrap_or(1));
        for _ in 0..10 {
            run(&mut engine, 1000);
            let (momentum, energy) = (measure(&engine, "momentum_error"), measure(&engine, "energy_drift"));
            eprintln!(
                "{bodies} bodies, exchange {exchange}, frame {}: momentum {momentum:e}, energy {energy:e}",
                engine.frame()
            );
            assert!(momentum < 1e-9, "{momentum} at frame {}", engine.frame());
        }
    }
}

/// Claim: one digest for any number of threads, with more bodies than a block of rows, and another for another seed.
#[test]
fn threads_do_not_matter() {
    let options = Options { bodies: 5000, ..Options::default() };
    let digest = |options, threads| {
        let mut engine = engine(options, threads);
        run(&mut engine, 5);
        engine.digest()
    };
    let digests: Vec<_> = threads().map(|threads| digest(options, threads)).collect();
    assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
    assert_ne!(digest(Options { seed: 2, ..options }, 1), digests[0]);
}

/// Claim: two bodies that circle each other come back to where they began, at the speed that the law says.
#[test]
fn two_bodies_circle() {
    // At a distance of 4 the pull is 0.05 / 4 on each, the radius 2: the speed is the root of their product.
    let speed = (0.05_f64 / 4.0 * 2.0).sqrt();
    let bodies = vec![
        Particle::new(DVec2::new(2.0, 0.0), DVec2::new(0.0, speed), 1.0),
        Particle::new(DVec2::new(-2.0, 0.0), DVec2::new(0.0, -speed), 1.0),
    ];
    let plugin = GravityPlugin::of(bodies, Options::default()).unwrap_or_else(|error| panic!("{error}"));
    let mut engine =
        Engine::in_memory().dt(0.05).plugin(plugin).build().unwrap_or_else(|error| panic!("{error}"));
    let around = core::f64::consts::TAU * 2.0 / speed / 0.05;
    run(&mut engine, around.round() as u64);
    let view = engine.view();
    let at = view.iter::<Position>().next().map(|(_, position)| position.0).unwrap_or(DVec2::NAN);
    assert!((at - DVec2::new(2.0, 0.0)).length() < 0.05, "{at}");
}

/// Claim: what is wrong with options or bodies is said in a sentence, and nothing is built.
#[test]
fn bad_input_is_refused() {
    let refusal = |options| GravityPlugin::new(options).expect_err("refused").to_string();
    let default = Options::default();
    assert_eq!(
        refusal(Options { bodies: 0, ..default }),
        "a world of gravity cannot have 0 bodies; give it from 1 to 1048576"
    );
    assert!(
        refusal(Options { bodies: 1 << 21, ..default }).starts_with("a world of gravity cannot have 2097152")
    );
    assert_eq!(
        refusal(Options { lifetime: Some(f64::NAN), ..default }),
        "lifetime cannot be NaN; give a number of seconds from 1e-9 to 1e12"
    );
    assert!(refusal(Options { bucket: 1, ..default }).starts_with("a group cannot have 1 bodies"));
    let bodies = |second: Particle| {
        let first = Particle::new(DVec2::ZERO, DVec2::ZERO, 1.0);
        GravityPlugin::of(vec![first, second], default).expect_err("refused").to_string()
    };
    let nan = bodies(Particle::new(DVec2::new(f64::NAN, 1.0), DVec2::ZERO, 1.0));
    assert!(nan.starts_with("body 1 is not sound: it is at [NaN, 1]; give it two numbers"), "{nan}");
    let weightless = bodies(Particle::new(DVec2::X, DVec2::ZERO, 0.0));
    assert_eq!(weightless, "body 1 is not sound: it weighs 0; a body weighs from 1e-30 to 1e30");
    assert!(
        "seeds"
            .parse::<Rules>()
            .expect_err("refused")
            .to_string()
            .starts_with("there are no rules called seeds")
    );
}

/// Claim: bodies that are thrown in while it runs are bodies; those that are no sound ones are left out; momentum and the
/// frame loop go on.
#[test]
fn bodies_can_be_thrown_in() {
    let mut engine = engine(Options { bodies: 50, ..Options::default() }, 1);
    run(&mut engine, 10);
    let inputs = engine.inputs();
    let send = |particle: Particle| {
        inputs.send("tests", &particle).unwrap_or_else(|error| panic!("{error}"));
    };
    send(Particle::new(DVec2::new(f64::NAN, 0.0), DVec2::ZERO, 1.0));
    send(Particle::new(DVec2::new(3.0, 0.0), DVec2::ZERO, -1.0));
    send(Particle::new(DVec2::new(3.0, 0.0), DVec2::new(-4.0, 1.0), 2.0));
    send(Particle::new(DVec2::new(3.0, 0.0), DVec2::new(9.0, 1.0), 2.0));
    run(&mut engine, 50);
    assert_eq!(measure(&engine, "bodies"), 52.0);
    assert!(measure(&engine, "momentum_error") < 1e-12);
    assert!(measure(&engine, "energy_drift").abs() < 1e-2);
    let view = engine.view();
    assert!(view.iter::<Position>().all(|(_, position)| position.0.is_finite()));
    assert!(view.iter::<Velocity>().all(|(_, velocity)| velocity.0.is_finite()));
}

/// Claim: a body's time runs out; what it takes along is known, so that the momentum of the rest is still right.
#[test]
fn bodies_end() {
    let options = Options { bodies: 300, lifetime: Some(1.0), ..Options::default() };
    let mut engine = engine(options, 1);
    let mut last = 300.0;
    for _ in 0..8 {
        run(&mut engine, 10);
        let bodies = measure(&engine, "bodies");
        assert!(bodies <= last && measure(&engine, "momentum_error") < 1e-12, "{bodies}");
        last = bodies;
    }
    // Each has between 0.5 and 1.5 seconds, 30 to 90 frames.
    assert!((10.0..100.0).contains(&last), "{last}");
    run(&mut engine, 20);
    assert_eq!(measure(&engine, "bodies"), 0.0);
    assert!(engine.view().single::<Origin>().is_some());
    run(&mut engine, 2);
}

/// Claim: a world that is stored, closed in the middle and opened again goes on as the one that never was, and is made
/// again from its log, under both rules.
#[cfg(feature = "store")]
#[test]
fn stored_worlds_go_on_and_are_made_again() {
    use diptych_engine::store::LogReader;
    for (rules, lifetime) in [(Rules::Conserving, None), (Rules::Conserving, Some(0.6)), (Rules::Seed, None)]
    {
        let options = Options { bodies: 300, rules, lifetime, ..Options::default() };
        let plugin = || GravityPlugin::new(options).unwrap_or_else(|error| panic!("{error}"));
        let mut whole = engine(options, 1);
        run(&mut whole, 60);
        let dir = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        for frames in [1, 2, 27, 30] {
            let stored = Engine::open(dir.path()).plugin(plugin()).build();
            let mut stored = stored.unwrap_or_else(|error| panic!("{error}"));
            run(&mut stored, frames);
        }
        let mut stored =
            Engine::open(dir.path()).plugin(plugin()).build().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((stored.frame(), stored.digest()), (60, whole.digest()), "{rules}, {lifetime:?}");
        drop(stored);
        let log = LogReader::open(dir.path()).unwrap_or_else(|error| panic!("{error}"));
        let again = GravityPlugin::stored(log.facts());
        let replay = Engine::in_memory().plugin(again).replay_log(log, ReplayFrom::Oldest);
        let mut replay = replay.unwrap_or_else(|error| panic!("{error}"));
        replay.run_to(u64::MAX).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((replay.frame(), replay.digest()), (60, whole.digest()), "{rules}, {lifetime:?}");
        let other =
            GravityPlugin::new(Options { touch: 0.2, ..options }).unwrap_or_else(|error| panic!("{error}"));
        let refused = Engine::open(dir.path()).plugin(other).build().expect_err("another law").to_string();
        assert!(refused.contains("gravity.law"), "{refused}");
    }
}

/// Claim: under the rules of the seed the engine's arrays are, bit for bit, those of a plain loop over the source's systems:
/// where bodies pull each other, and where they are so dense that several hit one at once.
#[test]
fn seed_rules_are_those_of_the_source() {
    for (radius, least_hit, least_crowded) in [(12.0, 0, 0), (0.5, 100, 10)] {
        let options = Options { bodies: 300, rules: Rules::Seed, radius: Some(radius), ..Options::default() };
        for threads in threads() {
            let mut engine = engine(options, threads);
            let mut port = port::World::new(&options.particles(), options.law());
            for frame in 1..=200 {
                run(&mut engine, 1);
                port.step();
                assert_eq!(
                    port::World::seen(engine.view()),
                    port.seen_bits(),
                    "frame {frame} on {threads} threads"
                );
            }
            let (hit, crowded) = (port.hit, port.crowded);
            eprintln!("radius {radius}: {hit} bodies were hit, {crowded} of them by several at once");
            assert!(hit >= least_hit && crowded >= least_crowded);
        }
    }
}

/// Claim: the source's rules lose momentum, more of it where masses differ more, which is why they are not the default.
#[test]
fn seed_rules_do_not_keep_momentum() {
    let error = |gravity, ratio: f64| {
        let options = Options { rules: Rules::Seed, gravity: Some(gravity), ..Options::default() };
        let mut bodies = options.particles();
        // From 1 to `ratio` in equal steps of the exponent, eleven of them.
        for (n, body) in bodies.iter_mut().enumerate() {
            body.mass = libm::pow(ratio, (n % 11) as f64 / 10.0);
        }
        let plugin = GravityPlugin::of(bodies, options).unwrap_or_else(|error| panic!("{error}"));
        let mut engine = Engine::in_memory().plugin(plugin).build().unwrap_or_else(|error| panic!("{error}"));
        run(&mut engine, 200);
        measure(&engine, "momentum_error")
    };
    let errors = [(0.0001, 3.0), (0.001, 3.0), (0.0001, 100.0)].map(|(gravity, ratio)| error(gravity, ratio));
    eprintln!("rules of the seed, 1000 bodies, 200 frames: momentum errors {errors:?}");
    assert!(errors.iter().all(|error| *error > 0.005) && errors[2] > errors[0], "{errors:?}");
}

/// Claim: many bodies on one point are nothing special, under either rules: all stays finite and goes on.
#[test]
fn one_point_goes_on() {
    for rules in [Rules::Conserving, Rules::Seed] {
        let bodies = vec![Particle::new(DVec2::ONE, DVec2::ZERO, 1.0); 100];
        let options = Options { rules, ..Options::default() };
        let plugin = GravityPlugin::of(bodies, options).unwrap_or_else(|error| panic!("{error}"));
        let mut engine = Engine::in_memory().plugin(plugin).build().unwrap_or_else(|error| panic!("{error}"));
        run(&mut engine, 100);
        let view = engine.view();
        assert!(view.iter::<Position>().all(|(_, position)| position.0.is_finite()), "{rules}");
        assert!(view.iter::<Velocity>().all(|(_, velocity)| velocity.0.is_finite()), "{rules}");
        assert!(rules == Rules::Seed || measure(&engine, "momentum_error") < 1e-9);
    }
}

/// Claim: a picture shows the bodies, equal frames give equal pixels, and a world without bodies is drawn too.
#[test]
fn pictures_show_bodies() {
    use crate::picture::Canvas;
    let mut engine = engine(Options { bodies: 300, lifetime: Some(0.2), ..Options::default() }, 1);
    let picture = |engine: &Engine| {
        let mut canvas = Canvas::new(120, 90);
        super::draw(engine.view(), &mut canvas);
        canvas
    };
    run(&mut engine, 3);
    let first = picture(&engine);
    let lit = first.pixels().iter().filter(|pixel| pixel[0] > 60).count();
    assert!((200..10_000).contains(&lit), "{lit} pixels are lit");
    assert_eq!(first, picture(&engine));
    run(&mut engine, 20);
    assert!(picture(&engine).pixels().iter().all(|pixel| pixel[0] < 60), "nobody is left");
}

mod port;

/// Claim: still frames change nothing: a body that is thrown in with a step before one flies on, and times run by steps.
#[test]
fn still_frames_change_nothing() {
    let options = Options { bodies: 300, lifetime: Some(0.3), radius: Some(8.0), ..Options::default() };
    for (rules, lifetime) in [(Rules::Conserving, options.lifetime), (Rules::Seed, None)] {
        let plugin = GravityPlugin::new(Options { rules, lifetime, ..options });
        let plugin = plugin.unwrap_or_else(|error| panic!("{error}"));
        let world = |builder: EngineBuilder| builder.plugin(plugin.clone());
        crate::still::assert_still_frames_change_nothing(world, 20, |engine, step| {
            if step == 7 {
                let thrown = Particle::new(DVec2::new(3.0, 0.0), DVec2::new(-4.0, 1.0), 2.0);
                engine.inputs().send("tests", &thrown).unwrap_or_else(|error| panic!("{error}"));
            }
        });
    }
}

/// Claim: the energy under the rules of the seed is that of the committed places, velocities and bodies, whatever
/// collisions are about to do to them.
#[test]
fn seed_energy_is_of_the_committed_frame() {
    use super::{Body, Deflection, Law};
    use diptych_systems::gravity::{Mover, energy};
    let options = Options { bodies: 300, rules: Rules::Seed, radius: Some(0.5), ..Options::default() };
    let mut engine = engine(options, 1);
    let mut hit = 0;
    for _ in 0..20 {
        run(&mut engine, 1);
        let view = engine.view();
        hit += view.iter::<Deflection>().filter(|(_, hit)| hit.velocity != DVec2::ZERO).count();
        let mover = |(id, position): (Id, &Position)| {
            Some(Mover {
                position: position.0,
                velocity: view.get::<Velocity>(id)?.0,
                body: *view.get::<Body>(id)?,
            })
        };
        let movers: Vec<Option<Mover>> = view.iter::<Position>().map(mover).collect();
        let law = *view.single::<Law>().expect("the world has a law");
        assert_eq!(super::energy(view), Some(energy(law, &movers)), "frame {}", engine.frame());
    }
    assert!(hit > 20, "{hit} bodies were hit");
}

/// Claim: the law's entity counts the bodies there are, thrown in, ended and left out, and a full world takes none.
#[test]
fn bodies_are_counted() {
    use super::{BODIES_MAX, Departed};
    let fill = |applier: &mut diptych_engine::Applier<'_, '_>, full: u64| {
        let law = applier.ids::<Origin>()[0];
        let origin = *applier.get::<Origin>(law).expect("it has one");
        applier.set(law, Origin { bodies: full, ..origin });
    };
    let options = Options { bodies: 50, lifetime: Some(0.4), ..Options::default() };
    let plugin = GravityPlugin::new(options).unwrap_or_else(|error| panic!("{error}"));
    let engine = Engine::in_memory().plugin(plugin).input::<u64>("tests.fill", 1, fill).build();
    let mut engine = engine.unwrap_or_else(|error| panic!("{error}"));
    let inputs = engine.inputs();
    let send = |mass: f64| {
        let thrown = Particle::new(DVec2::new(9.0, 0.0), DVec2::ZERO, mass);
        inputs.send("tests", &thrown).unwrap_or_else(|error| panic!("{error}"));
    };
    let counted = |engine: &Engine| {
        let view = engine.view();
        let departed = view.single::<Departed>().map_or(0, |departed| departed.bodies);
        view.single::<Origin>().map_or(0, |origin| origin.bodies) - departed
    };
    for mass in [1.0, 0.0, 2.0] {
        send(mass);
        run(&mut engine, 10);
        assert_eq!(counted(&engine) as f64, measure(&engine, "bodies"));
    }
    assert!(measure(&engine, "bodies") < 52.0, "some have ended");
    let before = measure(&engine, "bodies");
    inputs.send("tests", &(2 * BODIES_MAX as u64)).unwrap_or_else(|error| panic!("{error}"));
    send(1.0);
    engine.step().unwrap_or_else(|error| panic!("{error}"));
    assert!(measure(&engine, "bodies") <= before, "a full world takes none");
}

/// Claim: under the rules of the seed, which know no end, bodies with a lifetime are refused, and left out where they are
/// thrown in.
#[test]
fn seed_rules_know_no_lifetime() {
    let options = Options { bodies: 20, rules: Rules::Seed, ..Options::default() };
    let mortal = Particle { lifetime: 0.1, ..Particle::new(DVec2::X, DVec2::ZERO, 1.0) };
    let error = GravityPlugin::of(vec![mortal], options).expect_err("refused").to_string();
    assert!(error.starts_with("a lifetime cannot be given under the rules of the seed"), "{error}");
    let mut engine = engine(options, 1);
    for thrown in [mortal, Particle { lifetime: f64::INFINITY, ..mortal }] {
        engine.inputs().send("tests", &thrown).unwrap_or_else(|error| panic!("{error}"));
    }
    run(&mut engine, 20);
    assert_eq!(measure(&engine, "bodies"), 21.0);
}
