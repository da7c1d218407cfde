//! Columns through couriers: their memory, their marks, worlds on any threads, stored and replayed, and couriers that fail.

use super::{COURIER_OUT_MAX, Column, Courier};
use crate::canonical::CanonicalCodec;
use diptych_engine::prelude::*;
use diptych_engine::sync::Mutex;
use std::sync::Arc;
use std::time::Duration;

type Heats = Column<f64>;

fn column(rows: usize, value: f64) -> Heats {
    Column::new(vec![value; rows]).unwrap_or_else(|error| panic!("{error}"))
}

fn courier(name: &str) -> Courier<f64> {
    let started = Courier::start(name, |pair, errand| {
        let rows = pair.prev().len();
        if errand.frame.is_multiple_of(3) {
            let (prev, next) = pair.split();
            next.iter_mut().zip(prev).for_each(|(next, prev)| *next = prev * 0.9 + errand.dt);
        } else {
            for row in (0..rows).filter(|row| (row + errand.place) % 97 == errand.frame as usize % 97) {
                let value = pair.prev()[row] + 1.0;
                pair.set(row, value);
            }
        }
    });
    started.unwrap_or_else(|error| panic!("{error}"))
}

/// `columns` of different lengths, carried by two couriers.
fn world(builder: EngineBuilder, columns: usize) -> EngineBuilder {
    let (near, far) = (courier("near"), courier("far"));
    builder
        .dt(0.25)
        .state_with::<Heats, CanonicalCodec>("heat.column", 1)
        .state::<u64>("far", 1)
        .system(
            "heat",
            move |columns: Query<Next<Heats>, Without<u64>>,
                  others: Query<Next<Heats>, With<u64>>,
                  clock: Clock| {
                let (mut columns, mut others) = (columns, others);
                let mut done = Ok(());
                near.carry_while(&mut columns, &clock, || done = far.carry(&mut others, &clock))
                    .and(done)
                    .unwrap_or_else(|error| panic!("{error}"));
            },
        )
        .setup("heat", move |structure| {
            for n in 0..columns {
                if n % 2 == 0 {
                    structure.spawn((column(100 + n, n as f64),));
                } else {
                    structure.spawn((column(100 + n, n as f64), n as u64));
                }
            }
        })
}

fn run(builder: EngineBuilder, frame: u64) -> Digest {
    let mut engine = world(builder, 150).build().unwrap_or_else(|error| panic!("{error}"));
    engine.run(Pace::frames(frame - engine.frame())).unwrap_or_else(|error| panic!("{error}"));
    engine.digest()
}

/// Claim: one world on any number of threads, more columns than may be out at once, and the same when it is stored, opened
/// again at any frame, and replayed.
#[test]
fn one_world_however_it_is_made() {
    const { assert!(150 / 2 > COURIER_OUT_MAX) };
    let one = run(Engine::in_memory().threads(1), 20);
    for threads in [2, 4, 8].into_iter().filter(|_| cfg!(feature = "threads")) {
        assert_eq!(run(Engine::in_memory().threads(threads), 20), one, "on {threads} threads");
    }
    assert_ne!(run(Engine::in_memory(), 19), one);
    #[cfg(feature = "store")]
    {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        for frame in [1, 2, 7, 20] {
            let digest = run(Engine::open(folder.path()), frame);
            assert!(frame < 20 || digest == one, "in pieces");
        }
        let replay = world(Engine::in_memory(), 150).replay(folder.path(), ReplayFrom::Oldest);
        let mut replay = replay.unwrap_or_else(|error| panic!("{error}"));
        replay.run_to(u64::MAX).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((replay.frame(), replay.digest()), (20, one));
    }
}

/// Claim: what the courier sees is the committed buffer itself, and what it wrote is the next committed buffer itself: two
/// places that change with each other, on another thread.
#[test]
fn the_memory_itself_goes_and_comes() {
    type Seen = Vec<(usize, usize)>;
    let seen = Arc::new(Mutex::new(Seen::new()));
    let (notes, here) = (seen.clone(), std::thread::current().id());
    let courier = Courier::start("places", move |pair: &mut super::ColumnPair<f64>, _| {
        assert_ne!(std::thread::current().id(), here);
        let (prev, next) = pair.split();
        next.iter_mut().zip(prev).for_each(|(next, prev)| *next = prev + 1.0);
        notes.lock().push((prev.as_ptr().addr(), next.as_ptr().addr()));
    });
    let courier = courier.unwrap_or_else(|error| panic!("{error}"));
    let mut engine = Engine::in_memory()
        .state_with::<Heats, CanonicalCodec>("heat.column", 1)
        .system("heat", move |mut columns: Query<Next<Heats>>, clock: Clock| {
            courier.carry(&mut columns, &clock).unwrap_or_else(|error| panic!("{error}"));
        })
        .setup("heat", |structure| {
            structure.spawn((column(1000, 0.0),));
        })
        .build()
        .unwrap_or_else(|error| panic!("{error}"));
    let place =
        |engine: &Engine| engine.view().single::<Heats>().map_or(0, |heats| heats.rows().as_ptr().addr());
    for frame in 1..=20 {
        let before = place(&engine);
        engine.step().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(seen.lock().last(), Some(&(before, place(&engine))), "frame {frame}");
    }
    // The first two frames may have found one buffer in both slots.
    let seen = seen.lock();
    assert!(seen[2..].windows(2).all(|two| two[0] == (two[1].1, two[1].0)), "{seen:?}");
}

/// Claim: a column in which nothing was set is not set; one in which some rows were has their marks.
#[test]
fn marks_come_back() {
    let courier = Courier::start("marks", |pair, errand| {
        if errand.frame == 3 {
            pair.set(5, 2.0);
            pair.set(9, 0.0);
        }
    });
    let courier = courier.unwrap_or_else(|error| panic!("{error}"));
    let sets = Arc::new(Mutex::new(Vec::new()));
    let noted = sets.clone();
    let mut engine = Engine::in_memory()
        .state_with::<Heats, CanonicalCodec>("heat.column", 1)
        .system("heat", move |mut columns: Query<Next<Heats>>, clock: Clock| {
            courier.carry(&mut columns, &clock).unwrap_or_else(|error| panic!("{error}"));
        })
        .on_change::<Heats>(move |_, heats| noted.lock().push(heats.changed().collect::<Vec<_>>()))
        .setup("heat", |structure| {
            structure.spawn((column(10, 1.0),));
        })
        .build()
        .unwrap_or_else(|error| panic!("{error}"));
    sets.lock().clear();
    engine.run(Pace::frames(6)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(*sets.lock(), [vec![5, 9]]);
    let view = engine.view();
    let heats = view.single::<Heats>().unwrap_or_else(|| panic!("there is one"));
    assert_eq!(heats.rows(), [1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 1.0, 1.0, 1.0, 0.0]);
}

/// Claim: a courier that panics, or stays away too long, is an error that names it; the column keeps its value, others
/// are set, and later frames go on, whatever comes back late.
#[test]
fn failing_couriers_do_no_harm() {
    let (release, gate) = std::sync::mpsc::channel::<()>();
    let courier = Courier::start("lazy", move |pair: &mut super::ColumnPair<f64>, errand| {
        assert!(errand.frame != 2 || errand.place != 0, "it has stumbled");
        if (errand.frame, errand.place) == (4, 1) {
            gate.recv().expect("the test lets it go on");
        }
        pair.split().1.fill(errand.frame as f64);
    });
    let courier = courier.unwrap_or_else(|error| panic!("{error}")).waiting(Duration::from_secs(3));
    let said = Arc::new(Mutex::new(Vec::new()));
    let noted = said.clone();
    let mut engine = Engine::in_memory()
        .state_with::<Heats, CanonicalCodec>("heat.column", 1)
        .system("heat", move |mut columns: Query<Next<Heats>>, clock: Clock| {
            if let Err(error) = courier.carry(&mut columns, &clock) {
                noted.lock().push((clock.frame(), error.to_string()));
            }
        })
        .setup("heat", |structure| {
            structure.spawn((column(10, 0.0),));
            structure.spawn((column(10, 0.0),));
        })
        .build()
        .unwrap_or_else(|error| panic!("{error}"));
    let mut values = Vec::new();
    for frame in 1..=6 {
        engine.step().unwrap_or_else(|error| panic!("{error}"));
        if frame == 4 {
            release.send(()).unwrap_or_else(|error| panic!("{error}"));
        }
        values.push(engine.view().iter::<Heats>().map(|(_, heats)| heats.rows()[3]).collect::<Vec<_>>());
    }
    assert_eq!(values, [[1.0, 1.0], [1.0, 2.0], [3.0, 3.0], [4.0, 3.0], [5.0, 5.0], [6.0, 6.0]]);
    let lazy = |reason: &str| {
        format!("the courier lazy did not bring a column back: {reason}; the column keeps its value")
    };
    assert_eq!(
        *said.lock(),
        [(2, lazy("its work panicked: it has stumbled")), (4, lazy("it was away for more than 3000 ms")),]
    );
}
