//! What a rollback refuses, and that nothing has happened then.

use super::{count, counted, counting};
use diptych_engine::prelude::*;
use diptych_engine::{ROLLBACK_BYTES_MAX, ROLLBACK_FRAMES_MAX};
use std::sync::Arc;

fn refused(engine: &mut Engine, frame: u64) -> String {
    let before = (engine.frame(), engine.digest());
    let error = engine.rollback_to(frame).expect_err("must be refused");
    assert_eq!((engine.frame(), engine.digest()), before, "nothing has happened");
    error.to_string()
}

/// Too old, not made yet, not kept at all: each says what to do.
#[test]
fn frames_that_are_not_kept() {
    let mut engine = counting(Engine::in_memory()).rollback(4).build().expect("sound");
    engine.run(Pace::frames(10)).expect("frames");
    assert_eq!(engine.rollback_oldest(), Some(6));
    let old = refused(&mut engine, 5);
    assert!(old.contains("frame 5") && old.contains("is 6") && old.contains(".rollback(frames)"), "{old}");
    let new = refused(&mut engine, 11);
    assert!(new.contains("frame 11") && new.contains("frame 10 is the last one made"), "{new}");
    engine.rollback_to(10).expect("where it is");
    engine.rollback_to(6).expect("kept");
    assert_eq!((engine.frame(), counted(&engine), engine.rollback_oldest()), (6, 6, Some(6)));

    let mut engine = counting(Engine::in_memory()).build().expect("sound");
    engine.run(Pace::frames(3)).expect("frames");
    assert_eq!(engine.rollback_oldest(), None);
    let off = refused(&mut engine, 2);
    assert!(off.contains("add .rollback(frames)"), "{off}");
}

/// Fewer frames are kept where they would take more bytes than they may; the refusal says so.
#[test]
fn bytes_are_bounded() {
    let rows = 1000_u64;
    let many = |builder: EngineBuilder| {
        builder.state::<super::Count>("test.count", 1).system("count", count).setup(
            "test.setup",
            move |structure| {
                (0..rows).for_each(|n| {
                    structure.spawn((super::Count(n),));
                });
            },
        )
    };
    // Three frames and a half of 8 bytes a row.
    let builder = many(Engine::in_memory()).rollback(100).rollback_bytes(rows * 28);
    let mut engine = builder.build().expect("sound");
    engine.run(Pace::frames(50)).expect("frames");
    assert_eq!(engine.rollback_oldest(), Some(47));
    let short = refused(&mut engine, 46);
    assert!(short.contains("28000 bytes") && short.contains(".rollback_bytes(bytes)"), "{short}");
    engine.rollback_to(47).expect("kept");
    // A frame that takes more than all may: nothing can be undone, and everything else goes on.
    let mut engine = many(Engine::in_memory()).rollback(100).rollback_bytes(10).build().expect("sound");
    engine.run(Pace::frames(5)).expect("frames");
    assert_eq!(engine.rollback_oldest(), Some(5));
    assert!(refused(&mut engine, 4).contains("10 bytes"));
    const { assert!(ROLLBACK_BYTES_MAX == 1 << 30) };
}

/// Settings out of range, and worlds that are stored.
#[test]
fn builds_that_are_refused() {
    let many = counting(Engine::in_memory()).rollback(ROLLBACK_FRAMES_MAX + 1);
    let error = many.build().expect_err("too many").to_string();
    assert!(error.contains("rollback cannot be 1025") && error.contains("1024"), "{error}");
    #[cfg(feature = "store")]
    {
        let directory = tempfile::tempdir().expect("a directory");
        let stored = counting(Engine::open(directory.path().join("world"))).rollback(4);
        let error = stored.build().expect_err("stored").to_string();
        assert!(error.contains("rollback cannot be 4") && error.contains("in_memory"), "{error}");
        assert!(!directory.path().join("world").exists(), "nothing was made");
    }
}

/// Nobody can wait for a commit inside a lease of the same thread, nor for a rollback.
#[test]
fn under_a_lease() {
    let mut engine = counting(Engine::in_memory()).rollback(4).build().expect("sound");
    engine.run(Pace::frames(4)).expect("frames");
    let reader = engine.reader();
    let error = reader.read("painter", |_| engine.rollback_to(2).expect_err("refused").to_string());
    let error = error.expect("a lease");
    assert!(error.contains("painter"), "{error}");
    engine.rollback_to(2).expect("the lease is over");
    assert_eq!(counted(&engine), 2);
    assert_eq!(reader.read("painter", |view| view.frame()).expect("a lease"), 2);
}

/// A lease of another thread is waited for.
#[test]
fn a_lease_elsewhere_sees_one_frame() {
    let mut engine = counting(Engine::in_memory()).rollback(4).build().expect("sound");
    engine.run(Pace::frames(4)).expect("frames");
    let reader = engine.reader();
    let barrier = Arc::new(std::sync::Barrier::new(2));
    let theirs = barrier.clone();
    let looking = std::thread::spawn(move || {
        reader.read("painter", |view| {
            theirs.wait();
            std::thread::sleep(std::time::Duration::from_millis(50));
            (view.frame(), view.single::<super::Count>().expect("one row").0)
        })
    });
    barrier.wait();
    engine.rollback_to(1).expect("when the lease is over");
    assert_eq!(looking.join().expect("no panic").expect("a lease"), (4, 4));
    assert_eq!(counted(&engine), 1);
}

/// An engine that has stopped does not go on by going back.
#[test]
fn after_a_panic() {
    let trip = |counts: Query<Prev<super::Count>>| assert!(counts.iter().all(|count| count.0 < 3), "tripped");
    let mut engine = counting(Engine::in_memory()).system("trip", trip).rollback(8).build().expect("sound");
    engine.run(Pace::frames(5)).expect_err("frame 4 trips");
    assert_eq!(engine.frame(), 3);
    let error = engine.rollback_to(1).expect_err("stopped").to_string();
    assert!(error.contains("stopped at frame 3") && error.contains("tripped"), "{error}");
}

/// A startup frame cannot be made again, so the world does not go back before it.
#[test]
fn before_a_startup_frame() {
    let startup = |mut counts: Query<Next<super::Count>>| {
        counts.par_rows(|mut count| count.set(super::Count(100)));
    };
    let mut engine =
        counting(Engine::in_memory()).startup("first", startup).rollback(8).build().expect("sound");
    engine.run(Pace::frames(3)).expect("frames");
    assert_eq!(engine.rollback_oldest(), Some(1));
    refused(&mut engine, 0);
    engine.rollback_to(1).expect("kept");
    assert_eq!(counted(&engine), 100);
}
