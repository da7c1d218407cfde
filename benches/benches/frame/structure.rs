//! A hundred thousand entities come in one commit and go in the next.
//!
//! Invariant: a sample is both commits; bevy's is `spawn_batch` and a `despawn` each, on a warm world.

use benches::{Probe, Suite, Target, scene};
use bevy_ecs::component::Component;
use bevy_ecs::prelude::World;
use diptych_engine::Spawned;
use diptych_engine::prelude::*;
use std::time::Instant;

const ENTITIES: u32 = 100_000;
const PAIRS: u64 = 5;

#[derive(Clone, Copy, Pod, Zeroable, Component)]
#[repr(C)]
struct Place([f32; 3]);

#[derive(Clone, Copy, Pod, Zeroable, Component)]
#[repr(C)]
struct Motion([f32; 3]);

#[derive(Clone, Copy, Pod, Zeroable, Component)]
#[repr(C)]
struct Health(u32);

fn body(n: u32) -> (Place, Motion, Health) {
    (Place([n as f32, 0.0, 0.0]), Motion([1.0, 0.0, 0.0]), Health(100))
}

pub(crate) fn run(suite: &mut Suite) {
    let name = format!("structure, spawn + despawn, {ENTITIES} entities with 3 types, through commits");
    if !suite.wants(&name) {
        return;
    }
    let (mut ours, mut peer) = (ours(), bevy());
    let peer: (&str, &mut dyn FnMut() -> f64) = ("bevy spawn_batch + despawn", &mut peer);
    suite.compare(&name, "ns/entity", Target::Ratio(2.5), &mut ours, peer);
}

fn ours() -> impl FnMut() -> f64 {
    let probe = Probe::default();
    let ticks = probe.clone();
    let mut alive: Vec<Spawned> = Vec::new();
    let engine = Engine::in_memory()
        .threads(1)
        .digest(DigestPolicy::OnDemand)
        .state::<Place>("bench.place", 1)
        .state::<Motion>("bench.motion", 1)
        .state::<Health>("bench.health", 1)
        .system("bench.churn", move |mut structure: Structure| {
            ticks.tick();
            if alive.is_empty() {
                alive.extend((0..ENTITIES).map(|n| structure.spawn(body(n))));
            } else {
                alive.drain(..).for_each(|spawned| structure.despawn(spawned));
            }
        });
    let mut engine = engine.build().expect("a bench's world is right");
    scene::run(&mut engine, 4);
    move || {
        // Pairs of frames are timed from spawn to spawn or from despawn to despawn, which is the same.
        let frame = probe.time(2 * PAIRS, |frames| scene::run(&mut engine, frames));
        frame * 2.0 / f64::from(ENTITIES)
    }
}

fn bevy() -> impl FnMut() -> f64 {
    let mut world = World::new();
    let mut alive = Vec::new();
    let mut pair = move || {
        alive.extend(world.spawn_batch((0..ENTITIES).map(body)));
        for entity in alive.drain(..) {
            world.despawn(entity);
        }
    };
    (0..2).for_each(|_| pair());
    move || {
        let start = Instant::now();
        (0..PAIRS).for_each(|_| pair());
        start.elapsed().as_nanos() as f64 / PAIRS as f64 / f64::from(ENTITIES)
    }
}
