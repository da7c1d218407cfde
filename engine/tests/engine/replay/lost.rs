//! What a crash leaves of worlds that are known by their inputs, and what is said where a part of it is lost.

use super::scene::{Radio, run, world};
use diptych_engine::prelude::*;
use diptych_engine::store::{self, Halt, HaltAt};
use diptych_engine::testkit;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn build(dir: &Path, radio: &Radio, twist: f64) -> Result<Engine> {
    world(Engine::open(dir), radio, twist).job_latency(2).durability(Durability::Inputs(1000)).build()
}

/// A world of 20 frames as a killed process leaves it: its checkpoint is of frame 1, the rest is what came in.
fn left(dir: &Path) -> (PathBuf, Digest) {
    let (whole, left) = (dir.join("whole"), dir.join("left"));
    let radio = Radio::default();
    let mut engine = build(&whole, &radio, 1.0).unwrap();
    run(&mut engine, &radio, 20);
    engine.flush().unwrap();
    testkit::copy(&whole, &left).unwrap();
    (left, engine.digest())
}

/// Claim: of a world that is known by its inputs the log is needed: where it is lost, verify, backup, inspect and opening
/// name the file and change nothing.
#[test]
fn a_lost_log_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (left, digest) = left(dir.path());
    assert_eq!(store::verify(&left, None).unwrap(), Vec::<String>::new());
    let mut needed = 0;
    for entry in fs::read_dir(left.join("db/keyspaces")).unwrap() {
        let path = entry.unwrap().path().join("current");
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let problems = store::verify(&left, None).unwrap();
        let saved = store::backup(&left, &dir.path().join("saved"), &mut |_, _| {});
        // An epoch that holds nothing, made ahead for the next checkpoint, is not missed.
        if saved.is_ok() {
            fs::remove_dir_all(dir.path().join("saved")).unwrap();
        }
        if !problems.is_empty() {
            needed += 1;
            assert!(problems[0].contains(&path.display().to_string()), "{problems:?}");
            assert!(saved.is_err(), "a backup was made without {}", path.display());
            let error = build(&left, &Radio::default(), 1.0).unwrap_err().to_string();
            assert!(error.contains(&path.display().to_string()), "{error}");
        }
        fs::write(&path, bytes).unwrap();
    }
    assert!(needed >= 4, "two of fjall's and the store's own, an epoch and the log: {needed}");
    assert_eq!(build(&left, &Radio::default(), 1.0).unwrap().digest(), digest);
}

/// Claim: inspect says both the frame whose state is stored and the last one, which is known by what came in.
#[test]
fn inspect_says_which_frames_are_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let (left, _) = left(dir.path());
    let report = store::inspect(&left, None).unwrap();
    assert_eq!((report.frame, report.durable_frame), (Some(1), Some(21)));
    assert!(report.notes.iter().any(|note| note.contains("frames 2 to 21")), "{:?}", report.notes);
    drop(build(&left, &Radio::default(), 1.0).unwrap());
    let report = store::inspect(&left, None).unwrap();
    assert_eq!((report.frame, report.notes), (Some(21), Vec::new()));
}

/// Claim: a frame that comes out differently in an opening is named, with the last one that is known to be the same, and
/// what to do.
#[test]
fn another_frame_in_an_opening_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (left, _) = left(dir.path());
    let error = build(&left, &Radio::default(), 1.5).unwrap_err();
    assert!(matches!(&error, Error::Diverged(diverged) if diverged.frame == 2), "{error}");
    let error = error.to_string();
    assert!(error.contains("the frame before is the same") && error.contains("raise the version"), "{error}");
}

/// Claim: the first state of a replay that comes out differently is named, with component and entity.
#[test]
fn another_beginning_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let radio = Radio::default();
    let mut engine = super::scene::open(dir.path(), &radio, Durability::Buffered);
    run(&mut engine, &radio, 5);
    drop(engine);
    let other = world(Engine::in_memory(), &radio, 1.0).setup("two", |structure| {
        structure.spawn((super::scene::Place(8.0),));
    });
    let error = other.replay(dir.path(), ReplayFrom::Nothing).unwrap_err();
    assert!(matches!(&error, Error::Diverged(diverged) if diverged.frame == 0), "{error}");
    let error = error.to_string();
    assert!(error.contains("component a.place of entity "), "{error}");
    assert!(!error.ends_with("; "), "{error}");
}

/// Claim: a crash right after a world was written down in the types of today leaves no log of older ones: it is opened, its
/// replay begins there.
#[test]
fn a_crash_after_an_upgrade_leaves_no_older_log() {
    #[derive(Clone, Copy, Pod, Zeroable)]
    #[repr(C)]
    struct Old(u32);
    #[derive(Clone, Copy, Pod, Zeroable)]
    #[repr(C)]
    struct New(u64);
    let dir = tempfile::tempdir().unwrap();
    let (whole, left) = (dir.path().join("whole"), dir.path().join("left"));
    let grow = |mut ages: Query<Next<Old>>| ages.par_rows(|mut age| age.set(Old(age.prev().0 + 1)));
    let old = Engine::open(&whole).state::<Old>("age", 1).system("grow", grow);
    let mut engine = old
        .setup("one", |structure| {
            structure.spawn((Old(0),));
        })
        .build()
        .unwrap();
    engine.run(Pace::frames(20)).unwrap();
    drop(engine);
    let grow = |mut ages: Query<Next<New>>| ages.par_rows(|mut age| age.set(New(age.prev().0 + 1)));
    let new = |builder: EngineBuilder| {
        let builder = builder.state::<New>("age", 2).system("grow", grow);
        builder.upcast::<New>(1, |bytes| Ok([bytes, &[0; 4]].concat()))
    };
    let halt = Halt::new(HaltAt::Report(1));
    let faults = store::FaultPlan { halt: Some(halt.clone()), ..store::FaultPlan::default() };
    let engine = new(Engine::open(&whole)).faults(faults).build().unwrap();
    assert!(halt.wait(Duration::from_secs(30)), "the switch was synced");
    testkit::copy(&whole, &left).unwrap();
    halt.release();
    drop(engine);
    let mut engine = new(Engine::open(&left)).build().unwrap();
    engine.run(Pace::frames(20)).unwrap();
    let digest = engine.digest();
    drop(engine);
    let mut replay = new(Engine::in_memory()).replay(&left, ReplayFrom::Oldest).unwrap();
    assert_eq!(replay.frame(), 20);
    replay.run_to(u64::MAX).unwrap();
    assert_eq!((replay.frame(), replay.digest()), (40, digest));
}

/// Claim: how a system runs is part of the program: under another setting frames are not made again, and the refusal says
/// which; after a clean end any setting goes on.
#[test]
fn another_setting_of_a_system_is_refused_where_frames_are_made_again() {
    #[derive(Clone, Copy, Pod, Zeroable)]
    #[repr(C)]
    struct Age(u64);
    let dir = tempfile::tempdir().unwrap();
    let build = |path: &Path, every| {
        let grow = |mut ages: Query<Next<Age>>| ages.par_rows(|mut age| age.set(Age(age.prev().0 + 1)));
        let builder = Engine::open(path).state::<Age>("age", 1).system("grow", grow.every(every));
        let builder = builder.durability(Durability::Inputs(1000)).setup("one", |structure| {
            structure.spawn((Age(0),));
        });
        builder.build()
    };
    let (whole, left) = (dir.path().join("whole"), dir.path().join("left"));
    let mut engine = build(&whole, 2).unwrap();
    engine.run(Pace::frames(20)).unwrap();
    engine.flush().unwrap();
    testkit::copy(&whole, &left).unwrap();
    let digest = engine.digest();
    drop(engine);
    for (every, given) in [(3, "setting system grow: every 3"), (1, "nothing")] {
        let error = build(&left, every).unwrap_err().to_string();
        assert!(error.contains("setting system grow: every 2") && error.contains(given), "{error}");
    }
    assert_eq!(build(&left, 2).unwrap().digest(), digest);
    assert_eq!(build(&whole, 3).unwrap().digest(), digest);
}
