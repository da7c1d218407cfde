//! Times, printed: `cargo test --release -p diptych-engine --test links -- --ignored --nocapture`.

use bevy_ecs::component::Component;
use bytemuck::{Pod, Zeroable};
use diptych_engine::prelude::*;
use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::time::Instant;

const NODES: u64 = 100_000;

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Local([f32; 12]);
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Global([f32; 12]);
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Value(u64);
#[derive(Component)]
struct Plainly(u64);

/// An affine product: three columns and a translation.
fn compose(parent: Option<&Global>, local: &Local) -> Global {
    let Some(Global(a)) = parent else { return Global(local.0) };
    let b = &local.0;
    let mut c = [0.0; 12];
    for column in 0..4 {
        for row in 0..3 {
            let x = a[row] * b[column * 3];
            let y = a[3 + row] * b[column * 3 + 1];
            let z = a[6 + row] * b[column * 3 + 2];
            c[column * 3 + row] = x + y + z + if column == 3 { a[9 + row] } else { 0.0 };
        }
    }
    Global(c)
}

fn mixed(n: u64) -> u64 {
    (n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20
}

/// The best of several runs, in microseconds.
fn best(mut run: impl FnMut()) -> f64 {
    let one = |run: &mut dyn FnMut()| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64() * 1e6
    };
    (0..15).map(|_| one(&mut run)).fold(f64::INFINITY, f64::min)
}

#[test]
#[ignore = "prints times"]
fn hops() {
    let times = Arc::new(Mutex::new([0.0_f64; 2]));
    let out = times.clone();
    let mut engine = Engine::in_memory()
        .state::<Value>("test.value", 1)
        .setup("values", |structure| (0..NODES).for_each(|n| _ = structure.spawn((Value(n),))))
        .system(
            "hop",
            move |values: Query<(Id, Prev<Value>)>, direct: Query<Prev<Value>>, linked: Linked<Value>| {
                let ids: Vec<Id> = values.iter().map(|(id, _)| id).collect();
                let order: Vec<Id> = (0..NODES).map(|n| ids[mixed(n) as usize % ids.len()]).collect();
                let entities: Vec<Entity> = order.iter().filter_map(|id| linked.entity(*id)).collect();
                let links: Vec<Link<Value>> = order.iter().map(|id| Link::to(*id)).collect();
                let sum = |value: Option<&Value>| value.map_or(0, |value| value.0);
                let get = best(|| {
                    black_box(
                        entities
                            .iter()
                            .fold(0, |all: u64, entity| all.wrapping_add(sum(direct.get(*entity).ok()))),
                    );
                });
                let hop = best(|| {
                    black_box(
                        links.iter().fold(0, |all: u64, link| all.wrapping_add(sum(linked.get(*link)))),
                    );
                });
                *out.lock().expect("one thread") = [get, hop];
            },
        )
        .build()
        .expect("a sound world");
    engine.step().expect("a frame");
    let mut world = bevy_ecs::world::World::new();
    let entities: Vec<Entity> = world.spawn_batch((0..NODES).map(Plainly)).collect();
    let order: Vec<Entity> = (0..NODES).map(|n| entities[mixed(n) as usize % entities.len()]).collect();
    let mut query = world.query::<&Plainly>();
    let query = query.query(&world);
    let bevy = best(|| {
        black_box(
            order.iter().fold(0, |all: u64, entity| all.wrapping_add(query.get(*entity).map_or(0, |v| v.0))),
        );
    });
    let [get, hop] = *times.lock().expect("one thread");
    println!(
        "{NODES} hops: Linked {hop:.0} us, Query<Prev>::get {get:.0} us, bevy Query<&T>::get {bevy:.0} us"
    );
}

#[test]
#[ignore = "prints times"]
fn propagation() {
    for (shape, random) in [("fan-out 8", false), ("random", true)] {
        for threads in [1, 2] {
            for every in [1_u64, 1000, 0] {
                let times = Arc::new(Mutex::new((f64::INFINITY, 0.0_f64)));
                let out = times.clone();
                let start = Instant::now();
                let mut engine = Engine::in_memory()
                    .state::<Local>("test.local", 1)
                    .state::<Global>("test.global", 1)
                    .hierarchy()
                    .setup("nodes", move |structure| {
                        let mut ids: Vec<Id> = Vec::new();
                        for n in 0..NODES {
                            let local = Local([1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.1, 0.2, 0.3]);
                            let id = structure.spawn((local, Global([0.0; 12]))).id;
                            if n > 0 {
                                let parent = if random { mixed(n) % n } else { (n - 1) / 8 };
                                structure.attach(id, ids[parent as usize]);
                            }
                            ids.push(id);
                        }
                    })
                    .system("own", move |mut locals: Query<Next<Local>>| {
                        for (n, mut local) in locals.iter_mut().enumerate() {
                            if every > 0 && (n as u64 + 1).is_multiple_of(every) {
                                let mut next = *local.prev();
                                next.0[9] += 0.5;
                                local.set(next);
                            }
                        }
                    })
                    .derive(
                        "go",
                        move |tree: Tree,
                              locals: Query<Now<Local>>,
                              mut globals: Query<Next<Global>>,
                              clock: Clock| {
                            let start = Instant::now();
                            tree.propagate(&locals, &mut globals, compose);
                            let time = start.elapsed().as_secs_f64() * 1e6;
                            let mut out = out.lock().expect("one writer");
                            if clock.frame() == 1 { out.1 = time } else { out.0 = out.0.min(time) }
                        },
                    )
                    .threads(threads)
                    .build()
                    .expect("a sound world");
                let built = start.elapsed().as_millis();
                engine.run(Pace::frames(40)).expect("frames");
                let (best, first) = *times.lock().expect("one writer");
                println!(
                    "{shape}, {threads} threads, every {every}: {best:.0} us, first frame {first:.0} us, built in {built} ms"
                );
            }
        }
    }
}
