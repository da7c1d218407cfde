//! A program that is refused leaves the world to the one that made it, however late the refusal comes.

use std::error::Error as StdError;
use std::path::Path;
use std::sync::Arc;

use diptych_engine::prelude::*;
use diptych_engine::store::{FaultPlan, Halt, HaltAt, History, InputLog, Past, verify};
use diptych_engine::testkit;
use diptych_engine::{Observer, View};

use super::looking::content;

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Age(u64);
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Push(u64);
/// A later version of `Age`.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Aged(u64, u64);

fn grow(mut ages: Query<Next<Age>>) {
    ages.par_rows(|mut age| age.set(Age(age.prev().0 + 1)));
}

fn ages(builder: EngineBuilder) -> EngineBuilder {
    builder.state::<Age>("r.age", 1).system("r.grow", grow).setup("r.setup", |structure| {
        for n in 0..40 {
            structure.spawn((Age(n),));
        }
    })
}

/// The same with mail that is always under way.
fn world(builder: EngineBuilder) -> EngineBuilder {
    let send = |ages: Query<(Id, Prev<Age>)>, mut out: Outbox<Push>| {
        for (id, age) in &ages {
            out.from(id).to(id, Push(age.0));
        }
    };
    let hear = |mut ages: Query<Prev<Age>>, pushes: Inbox<Push>| {
        assert_eq!(pushes.deliver(&mut ages, |_, _| {}), 0);
    };
    ages(builder).message::<Push>("r.push", 1).system("r.send", send).system("r.hear", hear)
}

fn often() -> FaultPlan {
    FaultPlan { checkpoint_bytes: 1, copy_bytes: 200, ..FaultPlan::default() }
}

/// A world with a history, a log and mail under way, closed; the frames that are kept, and the last digest.
fn made(dir: &Path) -> Result<(std::ops::RangeInclusive<u64>, Digest)> {
    let builder = world(Engine::open(dir)).history(History::frames(60)).faults(often());
    let mut engine = builder.build()?;
    engine.run(Pace::frames(100))?;
    engine.flush()?;
    Ok((engine.retained().expect("frames are kept"), engine.digest()))
}

/// The world is what `made` has made, for the program that did.
#[track_caller]
fn assert_untouched(dir: &Path, kept: &std::ops::RangeInclusive<u64>, digest: Digest) {
    let mut engine = world(Engine::open(dir)).history(History::frames(60)).build().expect("it is its own");
    assert_eq!((engine.frame(), engine.digest()), (100, digest));
    assert_eq!(engine.retained().as_ref(), Some(kept), "its past is kept");
    drop(engine);
    let mut replay = world(Engine::in_memory()).replay(dir, ReplayFrom::Nothing).expect("its log is there");
    replay.run_to(u64::MAX).expect("the frames are the same");
    assert_eq!((replay.frame(), replay.digest()), (100, digest));
}

struct Refuses;

impl Observer for Refuses {
    fn begin(&self, _: View<'_>) {
        panic!("refused");
    }
}

/// Claim: a program with a type more, no history and no log, which lacks a message that is under way, is refused and has
/// changed nothing: no batch is written and no keyspace comes or goes, only the watermark says once more what it said. Nor has one that an observer
/// refuses.
#[test]
fn a_refused_program_changes_nothing() -> std::result::Result<(), Box<dyn StdError>> {
    let dir = tempfile::tempdir()?;
    let (kept, digest) = made(dir.path())?;
    assert!(*kept.start() > 0 && *kept.start() <= 40, "{kept:?}");
    // All that is written goes to a journal first. Behind its last batch are zeros, some or many. fjall rewrites tables of
    // emptied keyspaces whenever it opens, so of those only the folders are compared.
    let database = || -> std::result::Result<_, Box<dyn StdError>> {
        let mut journals = content(&dir.path().join("db"))?;
        journals.retain(|path, _| path.extension().is_some_and(|ending| ending == "jnl"));
        journals.values_mut().for_each(|bytes| {
            let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            bytes.truncate(used);
        });
        let folders = std::fs::read_dir(dir.path().join("db/keyspaces"))?.map(|entry| Ok(entry?.file_name()));
        Ok((journals, folders.collect::<std::io::Result<std::collections::BTreeSet<_>>>()?))
    };
    // Once, because fjall brings to tables what it finds in journals that it has done with.
    drop(world(Engine::open(dir.path())).history(History::frames(60)).build()?);
    for late in [false, true] {
        let before = database()?;
        let builder = Engine::open(dir.path()).state::<Aged>("a.new", 1).input_log(InputLog::NONE);
        let builder =
            if late { world(builder).observer("r.refuses", Arc::new(Refuses)) } else { ages(builder) };
        let error = builder.build().err().ok_or("it was opened")?.to_string();
        assert!(error.contains(if late { "refused" } else { "not registered" }), "{error}");
        let after = database()?;
        assert_eq!(after.1, before.1, "late: {late}: a keyspace came or went");
        assert!(after.0 == before.0, "late: {late}: something was written");
        assert_untouched(dir.path(), &kept, digest);
    }
    Ok(())
}

/// Claim: a world is not brought to the types of a program that is refused: its own opens it.
#[test]
fn a_refused_upgrade_changes_nothing() -> std::result::Result<(), Box<dyn StdError>> {
    let dir = tempfile::tempdir()?;
    let mut engine = ages(Engine::open(dir.path())).build()?;
    engine.run(Pace::frames(20))?;
    let digest = engine.digest();
    drop(engine);
    let upgrade = |builder: EngineBuilder| {
        builder.state::<Aged>("r.age", 2).upcast::<Aged>(1, |bytes| Ok([bytes, bytes].concat()))
    };
    let refused = upgrade(Engine::open(dir.path())).observer("r.refuses", Arc::new(Refuses)).build();
    let error = refused.err().ok_or("it was opened")?.to_string();
    assert!(error.contains("refused"), "{error}");
    assert_eq!(ages(Engine::open(dir.path())).build()?.digest(), digest);
    // Not refused, it is brought up whole.
    drop(upgrade(Engine::open(dir.path())).build()?);
    let error = ages(Engine::open(dir.path())).build().err().ok_or("it was opened")?.to_string();
    assert!(error.contains("version"), "{error}");
    assert_eq!(upgrade(Engine::open(dir.path())).build()?.frame(), 20);
    Ok(())
}

/// Claim: wherever a crash ends an opening that changes things, from the first step to the first frames, the world opens at
/// the frame at which it was, or a later one that was made, by the new program, with its past and its log.
#[test]
fn a_crash_in_an_opening_leaves_a_world() -> std::result::Result<(), Box<dyn StdError>> {
    let dir = tempfile::tempdir()?;
    let whole = dir.path().join("whole");
    made(&whole)?;
    let more = |builder: EngineBuilder| world(builder).state::<Aged>("a.new", 1);
    let mut reached = 0;
    for step in 1..200 {
        let (running, left) = (dir.path().join(format!("{step}")), dir.path().join(format!("{step}-left")));
        testkit::copy(&whole, &running)?;
        let halt = Halt::new(HaltAt::Step(step));
        let faults = FaultPlan { halt: Some(halt.clone()), ..FaultPlan::default() };
        // The log of the world ends by one opening and begins by the next.
        let log = if step % 2 == 0 { InputLog::NONE } else { InputLog::default() };
        let builder = more(Engine::open(&running)).durability(Durability::Synced).input_log(log);
        let mut engine = builder.faults(faults).build()?;
        for _ in 0..2 {
            engine.step()?;
            engine.wait_durable(engine.frame(), std::time::Duration::from_millis(200)).unwrap_or_default();
        }
        if !halt.is_reached() {
            break;
        }
        reached += 1;
        let durable = engine.durable_frame();
        testkit::copy(&running, &left)?;
        halt.release();
        drop(engine);
        let mut engine = more(Engine::open(&left)).build()?;
        assert!(engine.frame() >= durable, "step {step}: {} of {durable}", engine.frame());
        assert!((100..=102).contains(&engine.frame()));
        let sum: u64 = engine.view().iter::<Age>().map(|(_, age)| age.0 - engine.frame()).sum();
        assert_eq!(sum, (0..40).sum(), "step {step}");
        engine.run(Pace::frames(5))?;
        drop(engine);
        assert_eq!(verify(&left, None)?, Vec::<String>::new(), "step {step}");
        let past = Past::of(&left, None)?;
        assert!(past.retained().is_some_and(|kept| kept.contains(&105)));
        [&running, &left].into_iter().try_for_each(std::fs::remove_dir_all)?;
    }
    assert!((8..199).contains(&reached), "{reached} steps");
    Ok(())
}
