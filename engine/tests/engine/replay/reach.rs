//! How far back a log of inputs reaches: a replay begins where it knows everything that came in, and nowhere before.

use super::scene::{Radio, run, world};
use diptych_engine::prelude::*;
use diptych_engine::store::{self, FaultPlan, History};
use std::path::Path;

/// Runs the world of a directory for some more frames, with this log.
fn go(dir: &Path, log: InputLog, durability: Durability, frames: u64) -> Vec<Digest> {
    let radio = Radio::default();
    let builder = world(Engine::open(dir), &radio, 1.0).job_latency(2);
    let mut engine = builder.durability(durability).input_log(log).build().unwrap();
    run(&mut engine, &radio, frames)
}

fn again(dir: &Path, from: ReplayFrom) -> Result<Replay> {
    world(Engine::in_memory(), &Radio::default(), 1.0).job_latency(2).replay(dir, from)
}

fn refused(dir: &Path, from: ReplayFrom) -> String {
    again(dir, from).map(|replay| replay.frame()).unwrap_err().to_string()
}

/// Claim: where a world went without a log, a replay begins after that, at a state that is kept, and is the same from there
/// to the end; what came before is refused, by the frame from which on it can be replayed.
#[test]
fn a_replay_begins_after_frames_without_a_log() {
    let (log, none) = (InputLog::default(), InputLog::NONE);
    let (records, inputs) = (Durability::Buffered, Durability::Inputs(8));
    let lives = [
        (vec![(none, records, 20), (log, records, 20)], 21),
        (vec![(log, records, 20), (none, records, 20), (log, records, 20)], 41),
        (vec![(log, inputs, 20), (none, records, 20), (log, records, 20)], 41),
        (vec![(none, records, 20), (log, inputs, 20), (log, records, 20)], 41),
        (vec![(none, records, 0), (log, records, 20)], 1),
    ];
    for (number, (life, first)) in lives.into_iter().enumerate() {
        let dir = tempfile::tempdir().unwrap();
        let mut digests = Vec::new();
        for (log, durability, frames) in life {
            digests.extend(go(dir.path(), log, durability, frames));
        }
        let mut replay =
            again(dir.path(), ReplayFrom::Oldest).unwrap_or_else(|error| panic!("{number}: {error}"));
        assert_eq!(replay.frame(), first, "life {number}");
        replay.run_to(u64::MAX).unwrap_or_else(|error| panic!("{number}: {error}"));
        assert_eq!(Some(&replay.digest()), digests.last(), "life {number}");
        assert!(replay.compared() > 0 && replay.compare_state().unwrap(), "life {number}");
        let error = refused(dir.path(), ReplayFrom::Nothing);
        assert!(error.contains(&format!("frame {first} on")), "life {number}: {error}");
        let error = refused(dir.path(), ReplayFrom::Frame(first - 1));
        assert!(error.contains(&format!("frame {first} on")), "life {number}: {error}");
    }
}

/// Claim: a log that is not wanted any more goes, and says so.
#[test]
fn a_world_without_a_log_keeps_no_old_one() {
    for durability in [Durability::Buffered, Durability::Inputs(8)] {
        let dir = tempfile::tempdir().unwrap();
        go(dir.path(), InputLog::default(), durability, 20);
        go(dir.path(), InputLog::NONE, Durability::Buffered, 20);
        let error = refused(dir.path(), ReplayFrom::Oldest);
        assert!(error.contains("no log of inputs"), "{error}");
    }
}

/// What comes in: 4 KiB.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Load([u64; 512]);

/// A world that takes what comes in and keeps eight bytes of it.
fn counting(builder: EngineBuilder) -> EngineBuilder {
    #[derive(Clone, Copy, Pod, Zeroable)]
    #[repr(C)]
    struct Count(u64);
    let grow =
        |mut counts: Query<Next<Count>>| counts.par_rows(|mut count| count.set(Count(count.prev().0 + 1)));
    let builder = builder.state::<Count>("count", 1).system("grow", grow).digest(DigestPolicy::OnDemand);
    let builder = builder.input::<Load>("load", 1, |applier, load| {
        for id in applier.ids::<Count>() {
            applier.set(id, Count(load.0[0]));
        }
    });
    let builder = builder.setup("one", |structure| {
        structure.spawn((Count(0),));
    });
    builder.faults(FaultPlan { checkpoint_bytes: 20_000, ..FaultPlan::default() })
}

/// Makes frames up to `last`, with 4 KiB into each `every`-th one.
fn load(engine: &mut Engine, last: u64, every: u64) -> Digest {
    while engine.frame() < last {
        if (engine.frame() + 1).is_multiple_of(every) {
            let load = Load(std::array::from_fn(|n| {
                (engine.frame() + n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
            }));
            engine.inputs().send("test", &load).unwrap();
        }
        engine.step().unwrap();
    }
    engine.flush().unwrap();
    engine.digest()
}

/// Claim: where much more comes in than changes, the log is bounded all the same, by its own bytes: a checkpoint comes and
/// older segments go. What is left is replayed to the end.
#[test]
fn a_log_is_bounded_by_its_own_bytes() {
    for durability in [Durability::Buffered, Durability::Inputs(1_000_000)] {
        let dir = tempfile::tempdir().unwrap();
        let log = InputLog { frames: u64::MAX, bytes: 100_000 };
        let builder = counting(Engine::open(dir.path())).durability(durability).input_log(log);
        let digest = load(&mut builder.history(History::frames(1000)).build().unwrap(), 600, 1);
        let mut replay = counting(Engine::in_memory()).replay(dir.path(), ReplayFrom::Oldest).unwrap();
        assert!(
            (500..600).contains(&replay.frame()),
            "{durability:?}: 2.4 MB came in, from {}",
            replay.frame()
        );
        replay.run_to(u64::MAX).unwrap();
        assert_eq!((replay.frame(), replay.digest()), (600, digest), "{durability:?}");
    }
}

/// Claim: a log that is trimmed again and again, over several openings, keeps at least the frames that were asked for, is
/// replayed from its beginning to the end, and is whole.
#[test]
fn a_trimmed_log_is_replayed_from_where_it_begins() {
    for durability in [Durability::Buffered, Durability::Inputs(10)] {
        let dir = tempfile::tempdir().unwrap();
        let log = InputLog { frames: 50, bytes: 400_000 };
        let mut first = 0;
        for last in [300, 600, 900] {
            let builder = counting(Engine::open(dir.path())).durability(durability).input_log(log);
            let mut engine = builder.history(History::frames(100)).build().unwrap();
            let digest = load(&mut engine, last, 1);
            drop(engine);
            assert_eq!(store::verify(dir.path(), None).unwrap(), Vec::<String>::new());
            let mut replay = counting(Engine::in_memory()).replay(dir.path(), ReplayFrom::Oldest).unwrap();
            assert!(
                replay.frame() > first && replay.frame() <= last - 50,
                "from {} to {last}",
                replay.frame()
            );
            first = replay.frame();
            replay.run_to(u64::MAX).unwrap();
            assert_eq!((replay.frame(), replay.digest()), (last, digest));
            assert!(replay.compare_state().unwrap());
        }
    }
}

/// Claim: where older checkpoints are kept and the log begins between two of them, a replay begins at the later one.
#[test]
fn a_replay_of_a_world_by_inputs_begins_at_a_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let log = InputLog { frames: 100, bytes: 40_000 };
    let builder = counting(Engine::open(dir.path())).durability(Durability::Inputs(20)).input_log(log);
    let mut engine = builder.history(History::frames(1000)).build().unwrap();
    // No frame that a checkpoint is of, nor the one after it, has an entry.
    let digest = load(&mut engine, 410, 37);
    drop(engine);
    let mut replay = counting(Engine::in_memory()).replay(dir.path(), ReplayFrom::Oldest).unwrap();
    let first = replay.frame();
    assert!(first > 0 && first < 320 && first.is_multiple_of(20), "from {first}");
    replay.run_to(u64::MAX).unwrap();
    assert_eq!((replay.frame(), replay.digest()), (410, digest));
}

/// Claim: a program with one more type goes on, and replays what was before it too: digests are those of the types that
/// there were. So does the program before it, as far as it knows the types.
#[test]
fn one_more_type_leaves_older_frames_as_they_were() {
    #[derive(Clone, Copy, Pod, Zeroable)]
    #[repr(C)]
    struct More(u64);
    let dir = tempfile::tempdir().unwrap();
    let radio = Radio::default();
    let more = |builder| world(builder, &radio, 1.0).state::<More>("g.more", 1);
    let mut engine = world(Engine::open(dir.path()), &radio, 1.0).build().unwrap();
    run(&mut engine, &radio, 30);
    drop(engine);
    let mut engine = more(Engine::open(dir.path())).build().unwrap();
    let digests = run(&mut engine, &radio, 30);
    drop(engine);
    for from in [ReplayFrom::Nothing, ReplayFrom::Oldest, ReplayFrom::Frame(10), ReplayFrom::Frame(40)] {
        let mut replay = more(Engine::in_memory()).replay(dir.path(), from).unwrap();
        let first = replay.frame();
        replay.run_to(30).unwrap();
        if first <= 30 {
            assert!(replay.compare_state().unwrap(), "{from:?}: frame 30 is of the types before");
        }
        replay.run_to(u64::MAX).unwrap();
        assert_eq!((replay.frame(), replay.digest()), (61, digests[29]), "{from:?}");
        assert!(replay.compare_state().unwrap());
    }
}
