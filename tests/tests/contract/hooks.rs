//! Hooks at the commit, the report of rows set twice, and `prepare`/`cleanup` around a system.

use diptych_engine::prelude::*;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Gold(u64);

type Log = Arc<Mutex<Vec<(&'static str, u64)>>>;

fn log(log: &Log, what: &'static str) -> impl Fn(Id, &Gold) + Send + Sync + use<> {
    let log = log.clone();
    move |_, gold| log.lock().unwrap().push((what, gold.0))
}

/// Hooks fire once for each row: add and change for a new one, change for one that was set, remove with the
/// last value for one that goes; carried and equal values fire nothing.
#[test]
fn hooks_on_add_change_and_remove() {
    fn script(mut gold: Query<(Id, Next<Gold>)>, mut structure: Structure, clock: Clock) {
        let rows: Vec<Id> = gold.iter().map(|(id, _)| id).collect();
        for (n, (_, mut gold)) in gold.iter_mut().enumerate() {
            match (clock.frame(), n) {
                (1, 0) => gold.set(Gold(10)),
                (1, _) => gold.carry(),
                (2, 1) => {
                    gold.set_if_changed(Gold(2));
                }
                (3, 2) => gold.set(Gold(33)),
                _ => {}
            }
        }
        match clock.frame() {
            2 => structure.despawn(rows[0]),
            3 => structure.despawn(rows[2]),
            4 => structure.remove::<Gold>(rows[0]),
            5 => {
                structure.spawn((Gold(9),));
            }
            _ => {}
        }
    }
    let seen = Log::default();
    let mut engine = Engine::in_memory()
        .state::<Gold>("gold", 1)
        .on_add::<Gold>(log(&seen, "add"))
        .on_change::<Gold>(log(&seen, "change"))
        .on_remove::<Gold>(log(&seen, "remove"))
        .system("script", script)
        .setup("setup", |structure| {
            (1..=4).for_each(|n| {
                structure.spawn((Gold(n),));
            });
        })
        .build()
        .unwrap();
    let mut frames = vec![std::mem::take(&mut *seen.lock().unwrap())];
    for _ in 1..=6 {
        engine.step().unwrap();
        frames.push(std::mem::take(&mut *seen.lock().unwrap()));
    }
    let both = |n| [("add", n), ("change", n)];
    assert_eq!(frames[0], [both(1), both(2), both(3), both(4)].concat());
    assert_eq!(frames[1], [("change", 10)]);
    // Row 1 holds 2 and was told so again: no change. Row 0 goes with the value of the frame before.
    assert_eq!(frames[2], [("remove", 10)]);
    // Despawning row 0 moved the last row, 4, into its place: rows are now 4, 2, 3.
    assert_eq!(frames[3], [("remove", 33)], "set and despawned in one frame: its last value");
    assert_eq!(frames[4], [("remove", 4)]);
    assert_eq!(frames[5], both(9));
    assert_eq!(frames[6], []);
}

/// Debug builds count a row that its owner sets twice in one frame, once a second set, and report the last
/// value; `carry` after `set`, and setting in the next frame, are no second set.
#[test]
fn rows_set_twice_are_counted_in_debug_builds() {
    fn restless(mut gold: Query<Next<Gold>>, clock: Clock) {
        for mut gold in &mut gold {
            gold.set(Gold(clock.frame()));
            if clock.frame() == 2 && gold.prev().0 > 0 {
                gold.set(Gold(100));
            }
        }
    }
    let mut engine = Engine::in_memory()
        .state::<Gold>("gold", 1)
        .system("restless", restless)
        .setup("setup", |structure| {
            (0..5).for_each(|n| {
                structure.spawn((Gold(n),));
            });
        })
        .build()
        .unwrap();
    let mut counts = Vec::new();
    for _ in 0..3 {
        engine.step().unwrap();
        counts.push(engine.stats().rows_set_twice);
        if engine.frame() == 2 {
            assert!(
                engine.view().iter::<Gold>().all(|(_, gold)| *gold == Gold(100)),
                "the last value counts"
            );
        }
    }
    assert_eq!(counts, if cfg!(debug_assertions) { [0, 5, 5] } else { [0, 0, 0] });
}

/// `prepare` runs before its system and `cleanup` after it in every frame; the three are one task that owns
/// what they own together, and one name in `explain`.
#[test]
fn prepare_and_cleanup() {
    let steps: Arc<Mutex<Vec<&'static str>>> = Arc::default();
    let note = |what: &'static str| {
        let steps = steps.clone();
        move || steps.lock().unwrap().push(what)
    };
    fn grow(mut gold: Query<Next<Gold>>) {
        gold.iter_mut().for_each(|mut gold| gold.set(Gold(gold.prev().0 + 1)));
    }
    let mut engine = Engine::in_memory()
        .state::<Gold>("gold", 1)
        .system("around", note("main").prepare(note("prepare")).cleanup(grow).cleanup(note("cleanup")))
        .setup("setup", |structure| {
            structure.spawn((Gold(0),));
        })
        .threads(4)
        .build()
        .unwrap();
    engine.run(Pace::frames(2)).unwrap();
    assert_eq!(*steps.lock().unwrap(), ["prepare", "main", "cleanup"].repeat(2));
    assert_eq!(engine.view().single::<Gold>(), Some(&Gold(2)));
    let told = engine.explain().to_string();
    assert_eq!(told.matches("\n  around\n").count(), 1, "{told}");
    assert!(told.contains("owned by around"), "{told}");
}

/// `Id`s are unique over all spawns of a system, however many parts of it spawn, and over reopening.
#[test]
fn ids_are_never_used_twice() {
    fn one(mut structure: Structure) {
        structure.spawn((Gold(1),));
    }
    let dir = tempfile::tempdir().unwrap();
    let mut ids: BTreeSet<Id> = BTreeSet::new();
    for round in 0..3 {
        let mut engine =
            Engine::open(dir.path()).state::<Gold>("gold", 1).system("one", one).build().unwrap();
        engine.run(Pace::frames(3)).unwrap();
        let here: Vec<Id> = engine.view().iter::<Gold>().map(|(id, _)| id).collect();
        assert_eq!(here.len(), 3 * (round + 1));
        ids.extend(here);
        assert_eq!(ids.len(), 3 * (round + 1));
    }
}
