//! Startup systems run once in a world's life, late systems see each commit, empty systems are skipped.

use super::{Count, count, counted, refusal};
use diptych_engine::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// A world whose startup system doubles the count that the setup made.
fn world(builder: EngineBuilder) -> Engine {
    builder
        .state::<Count>("test.count", 1)
        .strict::<Count>()
        .setup("test.setup", |structure| {
            structure.spawn((Count(20),));
        })
        .startup("double", |mut counts: Query<Next<Count>>, mut structure: Structure| {
            for mut count in &mut counts {
                count.set(Count(count.prev().0 * 2));
            }
            structure.spawn(());
        })
        .system("count", count)
        .build()
        .expect("a sound world")
}

#[test]
fn startup_makes_frame_one_alone_and_never_again() {
    let mut memory = world(Engine::in_memory());
    assert_eq!((memory.frame(), counted(&memory), memory.view().entities()), (1, 40, 2));
    memory.run(Pace::frames(3)).expect("frames");
    assert_eq!(counted(&memory), 43, "count runs from frame 2 on");

    #[cfg(feature = "store")]
    {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("world");
        let mut stored = world(Engine::open(&path));
        stored.run(Pace::frames(2)).expect("frames");
        drop(stored);
        let mut again = world(Engine::open(&path));
        assert_eq!((again.frame(), counted(&again)), (3, 42), "reopening starts nothing up");
        again.step().expect("a frame");
        assert_eq!((counted(&again), again.digest()), (43, memory.digest()), "as if nothing had happened");
    }
}

#[test]
fn late_systems_see_the_commit_and_may_not_write() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = seen.clone();
    let mut engine = Engine::in_memory()
        .state::<Count>("test.count", 1)
        .setup("test.setup", |structure| {
            structure.spawn((Count(0),));
        })
        .system("count", count)
        .late("tell", move |counts: Query<Prev<Count>>, clock: Clock| {
            let count = counts.single().expect("one row").0;
            notes.lock().expect("whole").push((clock.committed(), count));
        })
        .build()
        .expect("a sound world");
    engine.run(Pace::frames(3)).expect("frames");
    assert_eq!(*seen.lock().expect("whole"), [(1, 1), (2, 2), (3, 3)]);

    let builder = || Engine::in_memory().state::<Count>("test.count", 1);
    let text = refusal(builder().late("count", count));
    assert!(text.contains("count") && text.contains("late"), "{text}");
    let text = refusal(builder().late("spawn", |mut structure: Structure| {
        structure.spawn(());
    }));
    assert!(text.contains("spawn") && text.contains("late"), "{text}");
    let text = refusal(builder().system("both", count).startup("both", |_: Clock| {}));
    assert!(text.contains("both"), "{text}");
}

#[test]
fn a_late_panic_stops_the_engine_but_its_frame_is_committed() {
    let mut engine = Engine::in_memory()
        .state::<Count>("test.count", 1)
        .setup("test.setup", |structure| {
            structure.spawn((Count(0),));
        })
        .system("count", count)
        .late("fail", |clock: Clock| assert!(clock.committed() < 2, "on purpose"))
        .build()
        .expect("a sound world");
    engine.step().expect("frame 1");
    let error = engine.step().expect_err("a panic").to_string();
    assert!(error.contains("fail") && error.contains("on purpose") && error.contains("committed"), "{error}");
    assert_eq!((engine.frame(), counted(&engine)), (2, 2));
    assert!(engine.step().is_err());
}

#[test]
fn skip_if_empty_runs_only_where_a_query_can_match() {
    let runs = Arc::new(AtomicU64::new(0));
    let counter = runs.clone();
    let mut engine = Engine::in_memory()
        .state::<Count>("test.count", 1)
        .input::<Count>("test.more", 1, |applier, count| {
            applier.spawn((count,));
        })
        .system(
            "rare",
            (move |_counts: Query<Prev<Count>>| {
                counter.fetch_add(1, Ordering::Relaxed);
            })
            .skip_if_empty(),
        )
        .setup("test.setup", |structure| {
            structure.spawn(());
        })
        .build()
        .expect("a sound world");
    engine.run(Pace::frames(3)).expect("frames");
    assert_eq!(runs.load(Ordering::Relaxed), 0);
    engine.inputs().send("test", &Count(1)).expect("room");
    engine.run(Pace::frames(3)).expect("frames");
    assert_eq!(runs.load(Ordering::Relaxed), 2, "the first of the three applied the input");
    assert!(engine.explain().to_string().contains("only where its queries can match"));
}
