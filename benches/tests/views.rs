//! A loop over entity views allocates nothing, counted by the allocator. A test of its own process, because
//! the count is the whole process's.

use benches::alloc::{Counting, allocations};
use benches::scene::{self, Position, Velocity, moved};
use diptych_engine::prelude::*;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

#[global_allocator]
static ALLOC: Counting = Counting;

entity_view! {
    struct Body { id: Id, position: Next<Position>, velocity: Prev<Velocity>, changed: Fresh<Velocity> }
}

/// Allocations of the loops of all frames, those of the counter-example among them.
static COUNTED: AtomicU64 = AtomicU64::new(0);

fn counted(looped: impl FnOnce()) {
    let before = allocations();
    looped();
    COUNTED.fetch_add(allocations() - before, Ordering::Relaxed);
}

fn step(body: &mut Body) {
    let velocity = body.changed.unwrap_or(body.velocity);
    body.position.set(Position(moved(body.position.prev().0, velocity.0)));
}

fn run(rows: u32, boxed: bool) -> u64 {
    let drift = move |mut bodies: Query<Named<Body>>| {
        let entity = bodies.iter().next().map(|body| body.id);
        black_box(entity);
        counted(|| {
            for mut body in &mut bodies {
                step(&mut body);
                if boxed {
                    black_box(Box::new(body.id));
                }
            }
        });
        counted(|| bodies.iter_mut().for_each(|mut body| step(&mut body)));
        counted(|| bodies.par_rows(|mut body| step(&mut body)));
        counted(|| {
            bodies.par_blocks(|block| {
                let Body { mut position, velocity, .. } = block.named();
                let (prev, next) = position.split();
                for ((next, prev), velocity) in next.iter_mut().zip(prev).zip(velocity) {
                    next.0 = moved(prev.0, velocity.0);
                }
            });
        });
    };
    let mut engine = scene::warm(scene::bodies(Engine::in_memory().threads(1), rows).system("drift", drift));
    COUNTED.store(0, Ordering::Relaxed);
    scene::run(&mut engine, 10);
    COUNTED.load(Ordering::Relaxed)
}

/// Views are values on the stack: four loops a frame over any number of rows allocate nothing, where one box
/// a row would be counted.
#[test]
fn loops_over_views_allocate_nothing() {
    assert_eq!(run(100, true), 1000, "the allocator counts");
    assert_eq!(run(1000, false), 0);
    assert_eq!(run(100_000, false), 0);
}
