//! What a restart does: open requests are asked again, answers that were taken are delivered, none twice.

use super::{Double, Seen, step_until};
use diptych_engine::prelude::*;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Sum(u64);

/// Asks in every second frame, and adds up what comes.
fn ask(mut sums: Query<Next<Sum>>, mut jobs: Jobs<Double>, clock: Clock, seen: Res<Seen>) {
    for mut sum in &mut sums {
        let mut value = sum.prev().0;
        for answered in jobs.answers() {
            value = value.wrapping_mul(31).wrapping_add(*answered.answer.as_ref().unwrap_or(&7));
            seen.note(clock.frame(), answered);
        }
        sum.set(Sum(value));
    }
    if clock.frame() % 2 == 1 && clock.frame() < 20 {
        jobs.start(&clock.frame()).unwrap();
    }
}

fn job(n: &u64) -> Result<u64, String> {
    if n.is_multiple_of(5) { Err(format!("{n} is a fifth")) } else { Ok(n * 3) }
}

fn world(path: Option<&Path>, every: u32) -> (EngineBuilder, Seen) {
    let seen = Seen::default();
    let builder = path.map_or_else(Engine::in_memory, Engine::open);
    let builder = builder
        .state::<Sum>("sum", 1)
        .system("ask", ask.every(every))
        .setup("sum", |structure| {
            structure.spawn((Sum(0),));
        })
        .resource(seen.clone());
    (builder, seen)
}

/// A run that is broken off after every frame, with requests open and answers waiting, goes on as if nothing had
/// happened: every frame has the digest of a run in one piece, and every answer is seen once.
#[test]
fn restarts_change_nothing() {
    for every in [1, 3] {
        let (builder, seen) = world(None, every);
        let mut whole = builder.job::<Double>("double", 1, job).job_latency(4).build().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let mut parts = Vec::new();
        for frame in 1..=30 {
            let (builder, seen) = world(Some(directory.path()), every);
            let mut engine = builder.job::<Double>("double", 1, job).job_latency(4).build().unwrap();
            assert_eq!(engine.digest(), whole.digest(), "recovered before frame {frame}");
            engine.step().unwrap();
            whole.step().unwrap();
            assert_eq!(engine.digest(), whole.digest(), "frame {frame}");
            parts.append(&mut seen.take());
        }
        assert!(parts.len() > 2);
        assert_eq!(parts, seen.take());
    }
}

/// A job that was running when the process ended runs again; its answer counts once.
#[test]
fn open_requests_are_asked_again() {
    let (directory, runs) = (tempfile::tempdir().unwrap(), Arc::new(AtomicU64::new(0)));
    let (builder, seen) = world(Some(directory.path()), 1);
    let count = runs.clone();
    let mut engine = builder
        .job_future::<Double, _>("double", 1, move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            core::future::pending()
        })
        .build()
        .unwrap();
    engine.run(Pace::frames(2)).unwrap();
    step_until(&mut engine, |_| runs.load(Ordering::Relaxed) > 0);
    let open = engine.stats().jobs_open;
    drop(engine);
    assert_eq!(seen.take(), []);

    let (builder, seen) = world(Some(directory.path()), 1);
    let count = runs.clone();
    let mut engine = builder
        .job::<Double>("double", 1, move |n| {
            count.fetch_add(1, Ordering::Relaxed);
            job(n)
        })
        .build()
        .unwrap();
    assert_eq!(engine.stats().jobs_open, open);
    step_until(&mut engine, |engine| engine.frame() > 25 && engine.stats().jobs_open == 0);
    engine.step().unwrap();
    let mut asked: Vec<u64> = seen.take().into_iter().map(|answer| answer.2).collect();
    asked.sort_unstable();
    assert_eq!(asked, (1..20).step_by(2).collect::<Vec<u64>>());
    assert!(runs.load(Ordering::Relaxed) > 10, "at least one ran twice");
}

/// Requests of another version of a job cannot be read: they are dropped and counted, and the world goes on.
/// Answers of another version are refused by name.
#[test]
fn other_versions() {
    let directory = tempfile::tempdir().unwrap();
    let (builder, _) = world(Some(directory.path()), 1);
    let builder = builder.job_future::<Double, _>("double", 1, |_| core::future::pending());
    let mut engine = builder.job_timeout::<Double>(Duration::from_secs(3600)).build().unwrap();
    engine.step().unwrap();
    drop(engine);
    let (builder, seen) = world(Some(directory.path()), 1);
    let mut engine = builder.job::<Double>("double", 2, job).job_latency(2).build().unwrap();
    engine.run(Pace::frames(5)).unwrap();
    assert_eq!(engine.stats().jobs_dropped, 1);
    assert_eq!(seen.take().iter().map(|answer| answer.2).collect::<Vec<u64>>(), [3]);
    // At frame 7, an answer waits to be seen in frame 8.
    engine.step().unwrap();
    assert_eq!(engine.frame(), 7);
    drop(engine);
    let (builder, _) = world(Some(directory.path()), 1);
    let refused = builder.job::<Double>("double", 3, job).build().expect_err("it is refused").to_string();
    assert!(refused.contains("answers of double version 2 wait for ask"), "{refused}");
}
