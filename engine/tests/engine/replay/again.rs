//! Replays of whole worlds, and what is refused.

use super::scene::{Radio, open, run, world};
use diptych_engine::prelude::*;
use diptych_engine::store;
use std::path::Path;

fn replay(dir: &Path, threads: usize, from: ReplayFrom) -> Replay {
    let builder = world(Engine::in_memory().threads(threads), &Radio::default(), 1.0);
    builder.replay(dir, from).unwrap()
}

/// Claim: a world with inputs, an intake, jobs, still frames and a startup frame is made again frame by frame, from its
/// stored beginning or from nothing, also across a restart, on any number of threads.
#[test]
fn a_world_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let radio = Radio::default();
    let mut engine = open(dir.path(), &radio, Durability::Buffered);
    let mut digests = run(&mut engine, &radio, 60);
    drop(engine);
    let mut engine = open(dir.path(), &radio, Durability::Buffered);
    digests.extend(run(&mut engine, &radio, 40));
    drop(engine);
    let more = if cfg!(feature = "threads") { 3 } else { 1 };
    for (threads, from) in [(1, ReplayFrom::Oldest), (more, ReplayFrom::Oldest), (1, ReplayFrom::Nothing)] {
        let mut replay = replay(dir.path(), threads, from);
        let mut frame = replay.frame();
        assert!(frame <= 1, "a replay begins at the beginning");
        while replay.step().unwrap() {
            frame += 1;
            assert_eq!(replay.frame(), frame);
            if frame > 1 {
                assert_eq!(replay.digest(), digests[frame as usize - 2], "frame {frame}");
            }
        }
        assert_eq!((frame, replay.compared()), (101, 102), "every frame has a digest, frame 0 too");
    }
}

/// Claim: another program is found at the first frame that it makes otherwise, and the error names it.
#[test]
fn another_program_diverges() {
    let dir = tempfile::tempdir().unwrap();
    let radio = Radio::default();
    let mut engine = open(dir.path(), &radio, Durability::Buffered);
    run(&mut engine, &radio, 20);
    drop(engine);
    let builder = world(Engine::in_memory(), &Radio::default(), 1.0000001);
    let mut replay = builder.replay(dir.path(), ReplayFrom::Oldest).unwrap();
    let error = replay.run_to(u64::MAX).unwrap_err();
    assert!(matches!(&error, Error::Diverged(diverged) if diverged.frame == 2), "{error}");
    let error = error.to_string();
    assert!(error.contains("component a.place of entity ") && error.contains(" was "), "{error}");
    assert!(error.ends_with("the frame before is the same"), "{error}");
}

/// Claim: where records are kept, the first frame that differs is named, also between two digests; and a world that is
/// the same is the same record by record.
#[test]
fn the_first_frame_that_differs_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let radio = Radio::default();
    let mut engine =
        world(Engine::open(dir.path()), &radio, 1.0).digest(DigestPolicy::Every(50)).build().unwrap();
    for _ in 0..60 {
        engine.step().unwrap();
    }
    drop(engine);
    let replayed = |twist| {
        let builder = world(Engine::in_memory(), &Radio::default(), twist).compare_frames();
        let mut replay = builder.replay(dir.path(), ReplayFrom::Oldest).unwrap();
        replay.run_to(u64::MAX).map(|_| replay.records_compared())
    };
    assert_eq!(replayed(1.0).unwrap(), 60, "frame 1 is made by the build");
    let error = replayed(1.5).unwrap_err();
    assert!(matches!(&error, Error::Diverged(diverged) if diverged.frame == 2), "{error}");
    assert!(error.to_string().contains("component a.place of entity "), "{error}");
}

/// Claim: what a world was not made with is refused by name before a frame is made.
#[test]
fn other_settings_and_types_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let radio = Radio::default();
    let mut engine = open(dir.path(), &radio, Durability::Buffered);
    run(&mut engine, &radio, 5);
    drop(engine);
    let refused =
        |builder: EngineBuilder| builder.replay(dir.path(), ReplayFrom::Oldest).unwrap_err().to_string();
    let error = refused(world(Engine::in_memory().seed(9), &radio, 1.0));
    assert!(error.contains("engine.seed"), "{error}");
    let error = refused(Engine::in_memory());
    assert!(error.contains("a.place"), "{error}");
    let error =
        Engine::in_memory().replay(dir.path().join("none"), ReplayFrom::Oldest).unwrap_err().to_string();
    assert!(error.contains("none"), "{error}");
    let mut bare =
        world(Engine::open(dir.path().join("bare")), &radio, 1.0).input_log(InputLog::NONE).build().unwrap();
    run(&mut bare, &radio, 5);
    drop(bare);
    let other = world(Engine::in_memory(), &radio, 1.0);
    let error = other.replay(dir.path().join("bare"), ReplayFrom::Oldest).unwrap_err().to_string();
    assert!(error.contains("no log of inputs") && error.contains("input_log"), "{error}");
}

/// Claim: a world that is known by its inputs goes on after a crash at any frame as if nothing had happened, also where the
/// mode changes; its replay agrees.
#[test]
fn known_by_inputs() {
    // With a latency two runs are the same however fast jobs are.
    let open = |dir: &Path, radio: &Radio, durability| {
        world(Engine::open(dir), radio, 1.0).job_latency(2).durability(durability).build().unwrap()
    };
    let whole = tempfile::tempdir().unwrap();
    let radio = Radio::default();
    let mut engine = open(whole.path(), &radio, Durability::Buffered);
    let digests = run(&mut engine, &radio, 90);
    drop(engine);
    let dirs = tempfile::tempdir().unwrap();
    let mut dir = dirs.path().join("0");
    let radio = Radio::default();
    let modes =
        [Durability::Inputs(8), Durability::Inputs(1000), Durability::Buffered, Durability::Inputs(7)];
    let (mut found, mut made_again) = (Vec::new(), 0);
    for (durability, frames) in modes.into_iter().cycle().zip([13, 1, 12, 5, 3, 30, 1, 8, 17]) {
        let mut engine = open(&dir, &radio, durability);
        assert_eq!(engine.frame(), 1 + found.len() as u64);
        found.extend(run(&mut engine, &radio, frames));
        // What a killed process leaves: the engine is dropped after that.
        engine.flush().unwrap();
        dir = dirs.path().join(found.len().to_string());
        let left =
            store::backup(&dirs.path().join((found.len() as u64 - frames).to_string()), &dir, &mut |_, _| {});
        made_again += u64::from(left.unwrap().digest.is_none());
    }
    assert!(made_again >= 3, "{made_again} of the crashes left frames that are to be made again");
    let differs = found.iter().zip(&digests).position(|(one, other)| one != other);
    assert_eq!((differs, found.len()), (None, digests.len()));
    let mut replay = replay(&dir, 1, ReplayFrom::Oldest);
    replay.run_to(u64::MAX).unwrap();
    assert_eq!((replay.frame(), replay.digest()), (91, digests[89]));
}

/// Claim: a replay begins at any kept frame, also after a checkpoint, and ends with the stored state, bit for bit.
#[test]
fn a_replay_begins_at_any_kept_frame() {
    let dir = tempfile::tempdir().unwrap();
    let radio = Radio::default();
    let mut engine = open(dir.path(), &radio, Durability::Inputs(16));
    run(&mut engine, &radio, 40);
    drop(engine);
    let mut engine = open(dir.path(), &radio, Durability::Buffered);
    let digests = run(&mut engine, &radio, 40);
    drop(engine);
    // What was known by its inputs alone is gone with the next opening; from there on all frames are kept.
    for first in [41, 42, 60, 81] {
        let mut replay = replay(dir.path(), 1, ReplayFrom::Frame(first));
        assert_eq!(replay.frame(), first);
        replay.run_to(u64::MAX).unwrap();
        assert_eq!((replay.frame(), replay.digest()), (81, digests[39]), "from frame {first}");
        assert!(replay.compare_state().unwrap(), "the last frame's state is kept");
    }
    let builder = world(Engine::in_memory(), &Radio::default(), 1.0);
    let error = builder.replay(dir.path(), ReplayFrom::Frame(7)).unwrap_err().to_string();
    assert!(error.contains("frame 7") && error.contains("41"), "{error}");
}

/// Claim: frames that are known by their inputs alone are opened by the program that made them only, and the refusal
/// says what differs; after a clean end any program goes on. A world without a log cannot be known by it.
#[test]
fn another_program_is_refused_where_it_would_make_frames_again() {
    struct Versioned(u32);
    impl Plugin for Versioned {
        fn name(&self) -> &'static str {
            "weather"
        }
        fn version(&self) -> u32 {
            self.0
        }
        fn build(self, _: &mut Registrar) -> Result<()> {
            Ok(())
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let copy = tempfile::tempdir().unwrap();
    let radio = Radio::default();
    let build = |path: &Path, version| {
        let builder = world(Engine::open(path), &radio, 1.0).plugin(Versioned(version));
        builder.durability(Durability::Inputs(1000)).build()
    };
    let mut engine = build(dir.path(), 1).unwrap();
    run(&mut engine, &radio, 20);
    engine.flush().unwrap();
    // What a killed process leaves.
    let left = copy.path().join("left");
    store::backup(dir.path(), &left, &mut |_, _| {}).unwrap();
    let digest = engine.digest();
    drop(engine);
    let error = build(&left, 2).unwrap_err().to_string();
    assert!(error.contains("it had plugin weather 1, this one has plugin weather 2"), "{error}");
    assert_eq!(build(&left, 1).unwrap().digest(), digest);
    assert_eq!(build(dir.path(), 2).unwrap().digest(), digest, "its state was written down at its end");
    let bare = world(Engine::open(copy.path().join("bare")), &radio, 1.0).input_log(InputLog::NONE);
    let error = bare.durability(Durability::Inputs(5)).build().unwrap_err().to_string();
    assert!(error.contains("input_log"), "{error}");
}
