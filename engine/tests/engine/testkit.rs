//! The test kit does what it says: crashes are crashes, what was synced is left alone, runs that differ are told apart.

use diptych_engine::prelude::*;
use diptych_engine::store::{FaultPlan, Halt, HaltAt, verify};
use diptych_engine::testkit::{self, Crash, Loss};
use std::error::Error as StdError;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Age(u64);

fn grow(mut ages: Query<Next<Age>>) {
    ages.par_rows(|mut age| age.set(Age(age.prev().0 + 1)));
}

/// Comes in, and changes nothing.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Nudge(u64);

fn world(builder: EngineBuilder) -> EngineBuilder {
    let builder = builder.input::<Nudge>("kit.nudge", 1, |_, _| {});
    builder.state::<Age>("kit.age", 1).system("kit.grow", grow).setup("kit.setup", |structure| {
        for n in 0..40 {
            structure.spawn((Age(n),));
        }
    })
}

/// The world as it must be: every age has grown once a frame.
#[track_caller]
fn assert_whole(engine: &Engine) {
    let mut ages: Vec<u64> = engine.view().iter::<Age>().map(|(_, age)| age.0 - engine.frame()).collect();
    ages.sort_unstable();
    assert_eq!(ages, (0..40).collect::<Vec<u64>>(), "frame {}", engine.frame());
}

/// Runs a synced world until its writer halts, copies it, and answers the frame that was durable.
fn halted(at: HaltAt, dir: &Path, copy: &Path) -> Result<u64, Box<dyn StdError>> {
    let halt = Halt::new(at);
    let faults = FaultPlan { halt: Some(halt.clone()), ..FaultPlan::default() };
    let mut engine = world(Engine::open(dir)).durability(Durability::Synced).faults(faults).build()?;
    while !halt.is_reached() {
        assert!(engine.frame() < 50, "{at:?} is not reached");
        engine.step()?;
        // One sync a frame; where the writer halts, the time is over.
        engine.wait_durable(engine.frame(), Duration::from_millis(300)).unwrap_or_default();
    }
    let durable = engine.durable_frame();
    testkit::copy(dir, copy)?;
    halt.release();
    Ok(durable)
}

const CHILD: &str = "DIPTYCH_TESTKIT_CHILD";

/// Not a test by itself: the child of the next one.
#[test]
fn child() -> Result<(), Box<dyn StdError>> {
    let (Ok(dir), Ok(how)) = (std::env::var(CHILD), std::env::var("DIPTYCH_TESTKIT_HOW")) else {
        return Ok(());
    };
    let crash = if how == "frames" { Crash::after_frames(30) } else { Crash::after_writes(9) };
    let mut engine = crash.plan(world(Engine::open(dir)).durability(Durability::Buffered)).build()?;
    engine.run(Pace::frames(1_000))?;
    engine.flush()?;
    Err("the process was to end".into())
}

/// A scripted crash ends the process without a word, after what it was told to let pass and before the rest; what was
/// written and not yet handed to the system is lost with it.
#[test]
fn scripted_crashes_end_the_process() -> Result<(), Box<dyn StdError>> {
    for (how, frames) in [("frames", 0..=30), ("writes", 0..=9)] {
        let dir = tempfile::tempdir()?;
        let output = Command::new(std::env::current_exe()?)
            .args(["--exact", "testkit::child", "--nocapture"])
            .env(CHILD, dir.path())
            .env("DIPTYCH_TESTKIT_HOW", how)
            .output()?;
        assert!(!output.status.success(), "{how}: {}", String::from_utf8_lossy(&output.stdout));
        assert!(!String::from_utf8_lossy(&output.stderr).contains("was to end"), "{how}");
        let engine = world(Engine::open(dir.path())).build()?;
        assert!(frames.contains(&engine.frame()), "{how}: frame {}", engine.frame());
        assert_whole(&engine);
    }
    Ok(())
}

/// Whatever is lost behind the last sync, and however it is torn, the world opens at a frame that was promised.
#[test]
fn what_was_synced_survives_a_loss_of_power() -> Result<(), Box<dyn StdError>> {
    let losses =
        [Loss::After(0), Loss::After(40), Loss::CutAfter(0), Loss::CutAfter(11), Loss::Sectors(0b1010)];
    for at in [HaltAt::Write(5), HaltAt::Sync(4), HaltAt::Report(3)] {
        let (dir, copy) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let durable = halted(at, dir.path(), &copy.path().join("copy"))?;
        for (n, loss) in losses.into_iter().enumerate() {
            let lost = copy.path().join(n.to_string());
            testkit::copy(&copy.path().join("copy"), &lost)?;
            let before = testkit::synced(&lost)?;
            testkit::lose_unsynced(&lost, loss)?;
            assert_eq!(testkit::synced(&lost)?, before, "the watermark is not touched");
            testkit::tear_watermark(&lost)?;
            assert!(testkit::synced(&lost)?.frame <= before.frame, "{at:?}: the older slot says less");
            let engine = world(Engine::open(&lost)).build()?;
            assert!(engine.frame() >= durable, "{at:?}, {loss:?}: {} of {durable}", engine.frame());
            assert_whole(&engine);
        }
    }
    Ok(())
}

/// Ways to lose what was not synced.
const LOSSES: [Loss; 3] = [Loss::After(0), Loss::CutAfter(100), Loss::Sectors(0b10)];

/// Runs a world with frequent checkpoints for some frames, or until its writer halts, and copies it. Answers whether it
/// halted, and the frame that was durable.
fn halted_at(
    at: HaltAt,
    frames: u64,
    durability: Durability,
    dir: &Path,
    copy: &Path,
) -> Result<(bool, u64), Box<dyn StdError>> {
    let halt = Halt::new(at);
    let faults =
        FaultPlan { halt: Some(halt.clone()), checkpoint_bytes: 1, copy_bytes: 150, ..FaultPlan::default() };
    let mut engine = world(Engine::open(dir)).durability(durability).faults(faults).build()?;
    while !halt.is_reached() && engine.frame() < frames {
        engine.inputs().send("kit", &Nudge(engine.frame()))?;
        engine.step()?;
        engine.wait_durable(engine.frame().saturating_sub(3), Duration::from_millis(100)).unwrap_or_default();
    }
    // It may be on its way there.
    let reached = halt.wait(Duration::from_millis(20));
    let durable = engine.durable_frame();
    if reached {
        testkit::copy(dir, copy)?;
    }
    halt.release();
    Ok((reached, durable))
}

/// Something is lost in each mode of durability, between two checkpoints and after them too, and what was synced is there.
#[test]
fn a_loss_of_power_takes_something_in_each_durability() -> Result<(), Box<dyn StdError>> {
    let modes = [Durability::Buffered, Durability::Inputs(4), Durability::Synced, Durability::Every(3)];
    for durability in modes {
        let mut lost = [0; LOSSES.len()];
        for write in (6..60).step_by(5) {
            let (dir, copy) = (tempfile::tempdir()?, tempfile::tempdir()?);
            let left = copy.path().join("left");
            if !halted_at(HaltAt::Write(write), 24, durability, dir.path(), &left)?.0 {
                break;
            }
            for (n, loss) in LOSSES.into_iter().enumerate() {
                let hurt = copy.path().join(n.to_string());
                testkit::copy(&left, &hurt)?;
                let synced = testkit::synced(&hurt)?.frame.unwrap_or(0);
                lost[n] += testkit::lose_unsynced(&hurt, loss)?;
                let engine = world(Engine::open(&hurt)).durability(durability).build()?;
                assert!(engine.frame() >= synced, "{durability:?}, {write}: {} of {synced}", engine.frame());
                assert_whole(&engine);
            }
        }
        assert!(lost.iter().all(|bytes| *bytes > 0), "{durability:?}: {lost:?} bytes were lost");
    }
    Ok(())
}

/// Wherever the writer ends, between any two steps of any checkpoint, also where what is not needed any more is being
/// emptied or deleted, the world opens at a frame that was promised: of a killed process, and after a loss of power.
#[test]
fn a_crash_between_any_two_steps_keeps_what_was_promised() -> Result<(), Box<dyn StdError>> {
    // Every step of the first one, in which a frame is a group of its own; every few of the others.
    for (durability, stride) in
        [(Durability::Synced, 1), (Durability::Buffered, 3), (Durability::Inputs(3), 2)]
    {
        let mut reached = 0;
        for step in (1..1_000).step_by(stride) {
            let (dir, copy) = (tempfile::tempdir()?, tempfile::tempdir()?);
            let left = copy.path().join("left");
            let (halted, durable) = halted_at(HaltAt::Step(step), 24, durability, dir.path(), &left)?;
            if !halted {
                break;
            }
            reached = step;
            let (killed, hurt) = (copy.path().join("killed"), copy.path().join("hurt"));
            testkit::copy(&left, &killed)?;
            testkit::copy(&left, &hurt)?;
            let synced = testkit::synced(&hurt)?.frame.unwrap_or(0);
            testkit::lose_unsynced(&hurt, LOSSES[step as usize % LOSSES.len()])?;
            for (path, floor) in [(killed, durable), (hurt, synced)] {
                let engine = world(Engine::open(&path)).durability(durability).build();
                let engine = engine.map_err(|error| format!("{durability:?}, step {step}: {error}"))?;
                assert!(engine.frame() >= floor, "{durability:?}, {step}: {} of {floor}", engine.frame());
                assert_whole(&engine);
            }
        }
        assert!((60..999).contains(&reached), "{durability:?}: {reached} steps");
    }
    Ok(())
}

/// A byte that was synced and is flipped, or cut off, is refused by the name of its file.
#[test]
fn damage_before_the_last_sync_is_refused() -> Result<(), Box<dyn StdError>> {
    let (dir, copies) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let whole = copies.path().join("whole");
    halted(HaltAt::Write(8), dir.path(), &whole)?;
    let synced = testkit::synced(&whole)?;
    assert!(synced.frame.is_some() && verify(&whole, None)?.is_empty(), "the copy is a whole world");
    let journal = format!("db/{}.jnl", synced.journal);
    let holds = |file: &testkit::File| file.path == Path::new(&journal) && file.used >= synced.offset;
    assert!(testkit::files(&whole)?.iter().any(holds), "the journal is among the files");
    for (n, cut) in [false, true].into_iter().enumerate() {
        let hurt = copies.path().join(n.to_string());
        testkit::copy(&whole, &hurt)?;
        let path = hurt.join(&journal);
        if cut {
            testkit::cut(&path, synced.offset - 1)?
        } else {
            testkit::flip(&path, synced.offset / 2, 4)?
        }
        let error = world(Engine::open(&hurt)).build().expect_err("it is damaged").to_string();
        assert!(error.contains(&format!("{}.jnl at byte", synced.journal)), "{error}");
    }
    Ok(())
}

/// A disk that is full stops the world at a frame that can be opened; so does a checkpoint on the way.
#[test]
fn a_full_disk_and_frequent_checkpoints_keep_what_was_durable() -> Result<(), Box<dyn StdError>> {
    let dir = tempfile::tempdir()?;
    let often = FaultPlan { checkpoint_bytes: 1, copy_bytes: 50, ..FaultPlan::default() };
    let full = FaultPlan { full_after: 20_000, ..often.clone() };
    let mut engine = world(Engine::open(dir.path())).durability(Durability::Synced).faults(full).build()?;
    let failed = (0..200).find_map(|_| engine.step().and_then(|()| engine.flush()).err());
    let error = failed.ok_or("20 kB took 200 frames")?.to_string();
    assert!(error.contains("no space left on device"), "{error}");
    let durable = engine.durable_frame();
    drop(engine);
    let mut engine = world(Engine::open(dir.path())).faults(often).build()?;
    assert!(durable > 3 && engine.frame() >= durable, "{} of {durable}", engine.frame());
    engine.run(Pace::frames(50))?;
    assert_whole(&engine);
    drop(engine);
    let number = |file: &testkit::File| -> Option<u64> {
        file.path.strip_prefix("db/keyspaces").ok()?.iter().next()?.to_str()?.parse().ok()
    };
    let newest = testkit::files(dir.path())?.iter().filter_map(number).max();
    assert!(newest > Some(5), "an epoch a checkpoint: {newest:?}");
    Ok(())
}

static CALLS: AtomicU64 = AtomicU64::new(0);

/// A world that depends on what is outside of it is found out, with the frame.
#[test]
fn runs_that_differ_are_told_apart() -> Result<(), Box<dyn StdError>> {
    let alike = testkit::runs_alike(world, &[1, 2, 3], 10, |_, _| Ok(()))?;
    assert_eq!(alike.map(|digests| digests.len()), Ok(11));
    let cheat = |mut ages: Query<Next<Age>>| {
        let calls = CALLS.fetch_add(1, Ordering::Relaxed);
        for mut age in &mut ages {
            age.set(Age(age.prev().0 + u64::from(calls >= 24)));
        }
    };
    let cheating = |builder: EngineBuilder| {
        builder.state::<Age>("kit.age", 1).system("kit.cheat", cheat).setup("kit.setup", |structure| {
            structure.spawn((Age(0),));
        })
    };
    let divergence = testkit::runs_alike(cheating, &[1, 2, 3], 10, |_, _| Ok(()))?.expect_err("it cheats");
    assert_eq!((divergence.frame, divergence.found.0, divergence.expected.0), (5, 3, 1));
    assert!(divergence.to_string().contains("frame 5 has the digest"), "{divergence}");
    Ok(())
}
