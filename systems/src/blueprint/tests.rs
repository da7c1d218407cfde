//! Blueprints through the engine: values, overrides, refusals, and worlds that do not differ from plain spawns.

use super::{Blueprint, Overrides};
use diptych_engine::prelude::*;

#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
#[repr(C)]
struct Place([f32; 2]);
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
#[repr(C)]
struct Speed(f32);
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
#[repr(C)]
struct Tired(u32);

fn runner() -> Blueprint<(Place, Speed)> {
    Blueprint::new("runner").each("run.place", |n| Place([n as f32, 0.0])).with("run.speed", Speed(2.0))
}

fn world(builder: EngineBuilder) -> EngineBuilder {
    builder
        .state::<Place>("run.place", 1)
        .state::<Speed>("run.speed", 1)
        .state::<Tired>("run.tired", 1)
        .plugin(runner())
}

fn built(builder: EngineBuilder) -> Engine {
    builder.build().unwrap_or_else(|error| panic!("{error}"))
}

/// Claim: a world spawned by a blueprint, in bulk and in a system's frames, has the digest of one spawned by hand.
#[test]
fn is_a_plain_spawn() {
    let by_blueprint = {
        let (first, later) = (runner(), runner());
        world(Engine::in_memory()).setup("setup", move |structure| drop(first.spawn(structure, 50))).system(
            "more",
            move |mut structure: Structure, clock: Clock| {
                let slow = Overrides::new().with(Speed(0.5)).each(|n| Place([0.0, n as f32]));
                let ids = later.spawn_with(&mut structure, 3, &slow);
                if clock.frame() > 5 {
                    structure.despawn(ids[1]);
                }
            },
        )
    };
    let by_hand = world(Engine::in_memory())
        .setup("setup", |structure| {
            for n in 0..50 {
                structure.spawn((Place([n as f32, 0.0]), Speed(2.0)));
            }
        })
        .system("more", |mut structure: Structure, clock: Clock| {
            let ids: Vec<Id> =
                (0..3).map(|n| structure.spawn((Place([0.0, n as f32]), Speed(0.5))).id).collect();
            if clock.frame() > 5 {
                structure.despawn(ids[1]);
            }
        });
    let (mut ours, mut theirs) = (built(by_blueprint), built(by_hand));
    assert_eq!(ours.digest(), theirs.digest());
    for engine in [&mut ours, &mut theirs] {
        engine.run(Pace::frames(10)).unwrap_or_else(|error| panic!("{error}"));
    }
    assert_eq!(ours.digest(), theirs.digest());
    assert_eq!(ours.view().entities(), 50 + 30 - 5);
}

/// Claim: another kind begins with a blueprint and has more; the first one stays as it is.
#[test]
fn is_extended() {
    let tired = runner().named("tired runner").with("run.tired", Tired(7));
    assert_eq!((tired.name(), tired.components().count()), ("tired runner", 3));
    assert_eq!(tired.make(4), (Place([4.0, 0.0]), Speed(2.0), Tired(7)));
    assert_eq!((runner().name(), runner().make(1)), ("runner", (Place([1.0, 0.0]), Speed(2.0))));
}

/// Claim: a component that is not registered, or is another one, is refused when the world is built, with the
/// blueprint, the component and what is registered; all of them at once.
#[test]
fn unknown_components_are_refused() {
    let wrong = Blueprint::new("ghost")
        .with("run.palce", Place([0.0; 2]))
        .with("run.speed", Speed(0.0))
        .with("run.tired", 3_u64);
    let refused = world(Engine::in_memory()).plugin(wrong).build();
    let said = refused.map(drop).map_err(|error| error.to_string()).err().unwrap_or_default();
    let unknown = "blueprint ghost names the component \"run.palce\", which is not registered; registered are: \
                   diptych.control, run.place, run.speed, run.tired";
    assert!(said.contains(unknown), "{said}");
    assert!(
        said.contains("blueprint ghost names the component \"run.tired\", takes it to be u64, and it is"),
        "{said}"
    );
    assert!(!said.contains("run.speed\""), "{said}");
}

/// Claim: a value for a component that a blueprint has not is a mistake that says so.
#[test]
#[should_panic(
    expected = "blueprint runner has no diptych_systems::blueprint::tests::Tired to override; it has: run.place, run.speed"
)]
fn overrides_of_nothing() {
    let runner = runner();
    let _engine = built(world(Engine::in_memory()).setup("setup", move |structure| {
        drop(runner.spawn_with(structure, 1, &Overrides::new().with(Tired(1))));
    }));
}

/// Claim: a blueprint with two values for one type is refused where it is said, with its name.
#[test]
#[should_panic(expected = "blueprint twice has a u64 already")]
fn one_type_twice() {
    drop(Blueprint::new("twice").with("a", 1_u64).with("b", 2_u64));
}
