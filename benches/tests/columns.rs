//! A column that goes to another thread for a frame and comes back costs no allocation, counted by the allocator. A test of
//! its own process, because the count is the whole process's.

use benches::alloc::{Counting, allocations};
use diptych::column::{CanonicalCodec, Column, Courier};
use diptych::prelude::*;
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

#[global_allocator]
static ALLOC: Counting = Counting;

/// Allocations from the moment a column goes out to the moment it is set, of all frames.
static COUNTED: AtomicU64 = AtomicU64::new(0);

fn run(rows: usize, copies: bool) -> u64 {
    let courier = Courier::start("counted", move |pair, errand| {
        if errand.frame < 4 {
            // So that who waits has waited once before it is counted: a thread's first wait takes memory.
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        if errand.frame.is_multiple_of(2) {
            let (prev, next) = pair.split();
            next.iter_mut().zip(prev).for_each(|(next, prev)| *next = prev + 1.0);
        } else {
            pair.set(errand.frame as usize % rows, 0.5);
        }
        if copies {
            black_box(pair.prev().to_vec());
        }
    });
    let courier = courier.expect("there are threads");
    let mut engine = Engine::in_memory()
        .threads(1)
        .state_with::<Column<f64>, CanonicalCodec>("column", 1)
        .system("carry", move |mut columns: Query<Next<Column<f64>>>, clock: Clock| {
            let before = allocations();
            courier.carry(&mut columns, &clock).expect("the thread is well");
            COUNTED.fetch_add(allocations() - before, Ordering::Relaxed);
        })
        .setup("columns", move |structure| {
            for _ in 0..3 {
                structure.spawn((Column::new(vec![0.0; rows]).expect("it is small"),));
            }
        })
        .build()
        .expect("the world can be built");
    // The first two frames get the second buffer of each column and the room of the channels.
    engine.run(Pace::frames(5)).expect("frames can be made");
    COUNTED.store(0, Ordering::Relaxed);
    engine.run(Pace::frames(20)).expect("frames can be made");
    COUNTED.load(Ordering::Relaxed)
}

#[test]
fn columns_go_out_and_come_back_without_an_allocation() {
    assert_eq!(
        run(100, true),
        60,
        "the allocator counts a copy of each of three columns in each of 20 frames"
    );
    assert_eq!(run(1000, false), 0);
    assert_eq!(run(1_000_000, false), 0);
}
