//! A hundred thousand entities by a blueprint beside as many by plain spawns.
//!
//! Invariant: a sample is the frame that spawns, wave and commit; the frame in which they go again is not timed. Both sides
//! give the same values to the same three types and keep the `Id`s.

use benches::{Suite, Target};
use diptych::blueprint::{Blueprint, Overrides};
use diptych::prelude::*;
use std::time::Instant;

const ENTITIES: u32 = 100_000;
const PAIRS: u32 = 5;

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Place([f32; 3]);

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Motion([f32; 3]);

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Health(u32);

fn place(n: u64) -> Place {
    Place([n as f32, 0.0, 0.0])
}

pub(crate) fn run(suite: &mut Suite) {
    let blueprint = || {
        Blueprint::new("body")
            .each("bench.place", place)
            .with("bench.motion", Motion([1.0, 0.0, 0.0]))
            .with("bench.health", Health(100))
    };
    let (plain_blueprint, overridden) = (blueprint(), blueprint());
    let sides: [(&str, Spawner); 2] = [
        ("as it is", Box::new(move |structure| plain_blueprint.spawn(structure, ENTITIES))),
        (
            "two overrides",
            Box::new(move |structure| {
                let others = Overrides::new().each(place).with(Health(100));
                overridden.spawn_with(structure, ENTITIES, &others)
            }),
        ),
    ];
    for (what, spawner) in sides {
        let name = format!("blueprint, spawn of {ENTITIES} entities with 3 types, {what}");
        if suite.wants(&name) {
            let mut plain = side(Box::new(|structure| {
                let body = |n| (place(n), Motion([1.0, 0.0, 0.0]), Health(100));
                (0..u64::from(ENTITIES)).map(|n| structure.spawn(body(n)).id).collect()
            }));
            let mut ours = side(spawner);
            suite.compare(&name, "ns/entity", Target::Ratio(1.5), &mut ours, ("plain spawn", &mut plain));
        }
    }
}

type Spawner = Box<dyn Fn(&mut Structure<'_, '_>) -> Vec<Id> + Send + Sync>;

fn side(spawner: Spawner) -> impl FnMut() -> f64 {
    let mut alive: Vec<Id> = Vec::new();
    let engine = Engine::in_memory()
        .threads(1)
        .digest(DigestPolicy::OnDemand)
        .state::<Place>("bench.place", 1)
        .state::<Motion>("bench.motion", 1)
        .state::<Health>("bench.health", 1)
        .system("bench.churn", move |mut structure: Structure| {
            if alive.is_empty() {
                alive = spawner(&mut structure);
            } else {
                alive.drain(..).for_each(|id| structure.despawn(id));
            }
        });
    let mut engine = engine.build().expect("a bench's world is right");
    move || {
        let mut spent = 0.0;
        for _ in 0..PAIRS {
            let start = Instant::now();
            engine.step().expect("frames can be made");
            spent += start.elapsed().as_nanos() as f64;
            assert_eq!(engine.view().entities(), u64::from(ENTITIES));
            engine.step().expect("frames can be made");
        }
        spent / f64::from(PAIRS * ENTITIES)
    }
}
