//! Jobs apart from the frame: exact with a latency, in order without, replayed without being run, and no harm when they
//! fail.

use super::{OFFLOAD_OPEN_MAX, Offload, OffloadHandle, OffloadPlugin};
use diptych_engine::prelude::*;
use diptych_engine::{Patch, Registrar};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
#[repr(C)]
struct Place(f64);
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
#[repr(C)]
struct Crowd(f64);

const FRAMES: u64 = 30;

fn walk(mut places: Query<(Id, Next<Place>)>, mut structure: Structure, clock: Clock) {
    for (id, mut place) in &mut places {
        place.set(Place(place.prev().0 * 0.99 + (id.bits() % 7) as f64));
    }
    if clock.frame().is_multiple_of(4) {
        let gone = places.iter().map(|(id, _)| id).min();
        gone.into_iter().for_each(|id| structure.despawn(id));
        structure.spawn((Place(clock.frame() as f64), Crowd(0.0)));
    }
}

/// How far the others are away, for each.
fn crowd(runs: &Arc<AtomicU64>) -> Offload {
    let runs = runs.clone();
    Offload::new("crowd", move |seen| {
        runs.fetch_add(1, Ordering::Relaxed);
        let places = seen.column::<Place>();
        let far = |at: &Place| places.values.iter().map(|other| (at.0 - other.0).abs()).sum::<f64>();
        let pairs = places.ids.iter().zip(&places.values);
        Ok(pairs.map(|(id, at)| Patch::set(*id, "crowd", &Crowd(far(at) + seen.frame() as f64))).collect())
    })
    .reads::<Place>()
    .writes::<Crowd>("crowd")
}

struct Square;

impl Plugin for Square {
    fn name(&self) -> &'static str {
        "square"
    }

    fn build(self, registrar: &mut Registrar) -> Result<()> {
        registrar.state::<Place>("place", 1).state::<Crowd>("crowd", 1).system("walk", walk).setup(
            "square",
            |structure: &mut Structure<'_, '_>| {
                for n in 0..50 {
                    structure.spawn((Place(f64::from(n)), Crowd(0.0)));
                }
            },
        );
        Ok(())
    }
}

fn world(builder: EngineBuilder, jobs: Vec<Offload>) -> (EngineBuilder, OffloadHandle) {
    let plugin = jobs.into_iter().fold(OffloadPlugin::new().threads(3), OffloadPlugin::job);
    let handle = plugin.handle();
    (builder.plugin(Square).plugin(plugin), handle)
}

fn connected(builder: EngineBuilder, jobs: Vec<Offload>) -> (Engine, OffloadHandle) {
    let (builder, handle) = world(builder, jobs);
    let engine = builder.build().unwrap_or_else(|error| panic!("{error}"));
    handle.connect(&engine);
    (engine, handle)
}

fn run(engine: &mut Engine, frames: u64) {
    engine.run(Pace::frames(frames)).unwrap_or_else(|error| panic!("{error}"));
}

/// Claim: with a latency the world is one on any number of threads, and not the one in which no job ran; patches for
/// entities that have gone meanwhile are passed over.
#[test]
fn exact_with_a_latency() {
    let runs = Arc::new(AtomicU64::new(0));
    let mut digests = Vec::new();
    for threads in [1, 2, 4, 8].into_iter().filter(|count| cfg!(feature = "threads") || *count == 1) {
        let job = crowd(&runs).latency(3).every(2);
        let (mut engine, handle) = connected(Engine::in_memory().threads(threads), vec![job]);
        run(&mut engine, FRAMES);
        assert_eq!(handle.take_errors(), []);
        assert!(handle.passed_over() > 0);
        digests.push(engine.digest());
    }
    assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
    let never = Arc::new(AtomicU64::new(0));
    let (builder, _) = world(Engine::in_memory(), vec![crowd(&never)]);
    let mut alone = builder.build().unwrap_or_else(|error| panic!("{error}"));
    run(&mut alone, FRAMES);
    assert!(alone.digest() != digests[0] && never.load(Ordering::Relaxed) == 0, "nobody has connected it");
}

/// Claim: an answer is about the frame it was asked about, and an input of exactly the frame that the latency says.
#[test]
fn answers_come_when_they_are_due() {
    let job = Offload::new("tell", |seen| {
        let ids = &seen.column::<Place>().ids;
        Ok(ids.iter().map(|id| Patch::set(*id, "crowd", &Crowd(seen.frame() as f64))).collect())
    });
    let (mut engine, _) =
        connected(Engine::in_memory(), vec![job.reads::<Place>().writes::<Crowd>("crowd").latency(3)]);
    for frame in 1..=10_u64 {
        run(&mut engine, 1);
        let told = engine.view().iter::<Crowd>().map(|(_, crowd)| crowd.0).fold(0.0, f64::max);
        assert_eq!(told, frame.saturating_sub(3) as f64, "frame {frame}");
    }
}

/// Claim: a world with jobs of any speed is replayed to the same digest without running one, and goes on when it is
/// opened again.
#[cfg(feature = "store")]
#[test]
fn replays_run_no_job() {
    let runs = Arc::new(AtomicU64::new(0));
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let mut digest = None;
    for to in [9, 10, FRAMES] {
        let (mut engine, _) = connected(Engine::open(folder.path()), vec![crowd(&runs)]);
        while engine.frame() < to {
            let before = runs.load(Ordering::Relaxed);
            run(&mut engine, 1);
            // Some answer in time; however slow the threads are, one is at work on a frame by then.
            for _ in 0..2000 {
                if runs.load(Ordering::Relaxed) > before {
                    break;
                }
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        }
        digest = Some(engine.digest());
        let told = engine.view().iter::<Crowd>().any(|(_, crowd)| crowd.0 > 0.0);
        assert!(told || to < FRAMES, "no answer came");
    }
    let never = Arc::new(AtomicU64::new(0));
    let (builder, _) = world(Engine::in_memory(), vec![crowd(&never)]);
    let mut replay =
        builder.replay(folder.path(), ReplayFrom::Oldest).unwrap_or_else(|error| panic!("{error}"));
    replay.run_to(u64::MAX).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((replay.frame(), Some(replay.digest())), (FRAMES, digest));
    assert_eq!(never.load(Ordering::Relaxed), 0);
}

/// Claim: what was asked about frames that are undone is not wanted: it waits for no thread, and an answer that came in
/// meanwhile changes nothing.
#[test]
fn undone_frames_are_not_answered() {
    let (release, gate) = std::sync::mpsc::channel::<()>();
    let gate = diptych_engine::sync::Mutex::new(gate);
    let slow = Offload::new("slow", move |_| {
        // That nothing can come any more lets go as well.
        let _ = gate.lock().recv();
        Ok(Vec::new())
    });
    let builder = Engine::in_memory().rollback(8);
    let (mut engine, handle) = connected(builder, vec![slow.reads::<Place>()]);
    run(&mut engine, 4);
    for _ in 0..100 {
        run(&mut engine, 2);
        engine.rollback_to(engine.frame() - 1).unwrap_or_else(|error| panic!("{error}"));
        let waiting = handle.0.state.lock().connection.as_ref().map_or(0, |(_, crew)| crew.waiting());
        assert!(waiting <= OFFLOAD_OPEN_MAX, "{waiting} orders wait");
    }
    drop(release);

    let tell = Offload::new("tell", |seen| {
        let ids = &seen.column::<Place>().ids;
        Ok(ids.iter().map(|id| Patch::set(*id, "crowd", &Crowd(seen.frame() as f64))).collect())
    });
    let builder = Engine::in_memory().rollback(20);
    let job = tell.reads::<Place>().writes::<Crowd>("crowd").latency(1).every(10);
    let (mut engine, handle) = connected(builder, vec![job]);
    // Asked about 20 in its commit, answered by an input of the next one.
    run(&mut engine, 20);
    let before = handle.passed_over();
    engine.rollback_to(12).unwrap_or_else(|error| panic!("{error}"));
    run(&mut engine, 1);
    let told = engine.view().iter::<Crowd>().map(|(_, crowd)| crowd.0).fold(0.0, f64::max);
    assert!(told <= 10.0, "told of frame {told} in frame 13");
    assert!(handle.passed_over() > before);
}

/// Claim: a job that panics, fails, or writes what it did not say is an error that names it and the frame; the frame
/// loop and the other jobs go on, on the same threads.
#[test]
fn failing_jobs_do_no_harm() {
    let runs = Arc::new(AtomicU64::new(0));
    let panics = Offload::new("a panics", |seen| {
        assert!(!seen.frame().is_multiple_of(2), "an even frame");
        Ok(Vec::new())
    });
    let fails = Offload::new("b fails", |_| Err("there is nothing to be had".to_owned()));
    let steals = Offload::new("c steals", |seen| {
        Ok(vec![Patch::set(seen.column::<Place>().ids[0], "place", &Place(0.0))])
    });
    let jobs = vec![
        steals.reads::<Place>().latency(1).every(5),
        panics.latency(1).every(1),
        crowd(&runs).latency(1),
        fails.latency(2).every(5),
    ];
    let (mut engine, handle) = connected(Engine::in_memory(), jobs);
    run(&mut engine, 8);
    let said: Vec<String> = handle.take_errors().iter().map(ToString::to_string).collect();
    let wanted = |job: &str, frame, reason: &str| {
        format!("the offloaded job {job} did not answer for frame {frame}: {reason}")
    };
    assert_eq!(
        said,
        [
            wanted("a panics", 2, "it panicked: an even frame"),
            wanted("a panics", 4, "it panicked: an even frame"),
            wanted("c steals", 5, "it writes \"place\" and did not say so; add .writes(\"place\")"),
            wanted("a panics", 6, "it panicked: an even frame"),
            wanted("b fails", 5, "there is nothing to be had"),
            wanted("a panics", 8, "it panicked: an even frame"),
        ]
    );
    assert_eq!(runs.load(Ordering::Relaxed), 8);
    assert!(engine.view().iter::<Crowd>().any(|(_, crowd)| crowd.0 > 0.0));
}

/// Claim: two jobs of one name, no threads, and a type that is not there are refused.
#[test]
fn wrong_jobs_are_refused() {
    let runs = Arc::new(AtomicU64::new(0));
    let said = |plugin: OffloadPlugin| {
        let built = Engine::in_memory().plugin(Square).plugin(plugin).build();
        built.map(drop).map_err(|error| error.to_string()).err().unwrap_or_default()
    };
    let twice = OffloadPlugin::new().job(crowd(&runs)).job(crowd(&runs));
    assert!(said(twice).contains("the name of an offloaded job cannot be \"crowd\""));
    assert!(said(OffloadPlugin::new().threads(0)).contains("threads of offloaded jobs cannot be 0"));
    let unknown = said(OffloadPlugin::new().job(crowd(&runs).writes::<Crowd>("crwod")));
    assert!(
        unknown.contains("offloaded job crowd names the component \"crwod\", which is not registered"),
        "{unknown}"
    );
}
