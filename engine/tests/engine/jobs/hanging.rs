//! Jobs that do not come back: given up, replaced, and never waited for longer than is said.

use super::failures::{answers, asking};
use super::{Double, step_until};
use diptych_engine::job::JOB_THREADS_LOST_MAX;
use diptych_engine::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A job that hangs is given up after its timeout; its thread is replaced, so the others go on; and what it
/// answers at last is dropped and counted.
#[test]
fn a_hanging_job_is_given_up() {
    let (builder, seen, numbers) = asking(&[1]);
    let hangs = Arc::new(AtomicBool::new(true));
    let hang = hangs.clone();
    let mut engine = builder
        .job::<Double>("double", 1, move |n| {
            while *n == 1 && hang.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(*n)
        })
        .job_timeout::<Double>(Duration::from_millis(500))
        .job_threads(1)
        .build()
        .unwrap();
    assert_eq!(
        answers(&mut engine, &seen, 1),
        [Err(JobError::TimedOut { after: Duration::from_millis(500) })]
    );
    numbers.0.lock().unwrap().push(2);
    assert_eq!(answers(&mut engine, &seen, 2), [Ok(2)]);
    hangs.store(false, Ordering::Relaxed);
    step_until(&mut engine, |engine| engine.stats().jobs_dropped == 1);
    assert_eq!(engine.stats().jobs_answered, 2);
}

/// When jobs that hang hold every thread that can be had, requests fail at once and say so.
#[test]
fn threads_run_out() {
    let hanging = u64::from(JOB_THREADS_LOST_MAX) + 1;
    let (builder, seen, numbers) = asking(&(1..=hanging).collect::<Vec<u64>>());
    let hangs = Arc::new(AtomicBool::new(true));
    let hang = hangs.clone();
    let mut engine = builder
        .job::<Double>("double", 1, move |n| {
            while *n > 0 && hang.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(5));
            }
            Ok(*n)
        })
        .job_timeout::<Double>(Duration::from_millis(40))
        .job_threads(1)
        .build()
        .unwrap();
    let given_up = answers(&mut engine, &seen, hanging);
    assert!(given_up.iter().all(|answer| matches!(answer, Err(JobError::TimedOut { .. }))), "{given_up:?}");
    numbers.0.lock().unwrap().push(0);
    let lost = JOB_THREADS_LOST_MAX + 1;
    assert_eq!(answers(&mut engine, &seen, hanging + 1), [Err(JobError::NoThread { lost })]);
    // Those that come back make room.
    hangs.store(false, Ordering::Relaxed);
    step_until(&mut engine, |engine| engine.stats().jobs_dropped == hanging);
    // On a busy machine even a quick job may take longer than so short a timeout.
    const TRIES_MAX: u64 = 20;
    let served = (2..TRIES_MAX).any(|n| {
        numbers.0.lock().unwrap().push(0);
        answers(&mut engine, &seen, hanging + n) == [Ok(0)]
    });
    assert!(served, "{}", engine.stats());
}

/// Dropping an engine does not wait for a job that hangs, nor for a future that waits, which is dropped.
#[test]
fn dropping_does_not_wait() {
    let hangs = Arc::new(AtomicBool::new(true));
    let (hang, held) = (hangs.clone(), Arc::new(()));
    let (builder, ..) = asking(&[1]);
    let mut engine = builder
        .job::<Double>("double", 1, move |n| {
            while hang.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(5));
            }
            Ok(*n)
        })
        .build()
        .unwrap();
    engine.step().unwrap();
    // What outlives the engine does not keep its jobs.
    let reader = engine.reader();
    let start = Instant::now();
    drop(engine);
    assert!(start.elapsed() < Duration::from_secs(10));
    hangs.store(false, Ordering::Relaxed);
    drop(reader);

    let (builder, ..) = asking(&[1]);
    let kept = held.clone();
    let mut engine = builder
        .job_future::<Double, _>("double", 1, move |_| {
            let kept = kept.clone();
            async move {
                core::future::pending::<()>().await;
                drop(kept);
                Ok(0)
            }
        })
        .build()
        .unwrap();
    step_until(&mut engine, |_| Arc::strong_count(&held) == 3);
    let reader = engine.reader();
    drop(engine);
    assert!(Arc::strong_count(&held) < 3, "the future is dropped with the engine");
    drop(reader);
    assert_eq!(Arc::strong_count(&held), 1);
}
