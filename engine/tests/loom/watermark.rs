//! The durable watermark: waiters against the writer thread.

use diptych_engine::sync::{Arc, thread};
use diptych_engine::watermark::{WaitError, Watermark};

use super::{EVER, Plain, SOON};

/// Two waiters of one frame, one advance: both wake, and see what was written before it.
///
/// Shown to fail: `advance` that wakes only a lone sleeper, sleepers not counted, or a look at the frame
/// before the lock only: deadlock. Relaxed for Release or Acquire: concurrent read and write of the disk.
#[test]
fn two_waiters_and_one_advance() {
    loom::model(|| {
        let (watermark, disk) = (Watermark::new(0), Arc::new(Plain::new(0)));
        let waiter = || {
            let (watermark, disk) = (watermark.clone(), disk.clone());
            thread::spawn(move || {
                assert_eq!(watermark.wait(1, EVER), Ok(1));
                assert_eq!(disk.get(), 1);
            })
        };
        let (first, second) = (waiter(), waiter());
        disk.set(1);
        assert!(watermark.advance(1));
        first.join().expect("the first wakes");
        second.join().expect("the second wakes");
    });
}

/// Waiters of two frames, two advances: nobody is woken too early for good.
///
/// Shown to fail: a waiter that takes every wake-up for its own: answered too early. `advance` that wakes
/// only a lone sleeper: deadlock.
#[test]
fn waiters_of_two_frames() {
    loom::model(|| {
        let watermark = Watermark::new(0);
        let waiter = |frame| {
            let watermark = watermark.clone();
            thread::spawn(move || assert!(watermark.wait(frame, EVER).expect("it advances") >= frame))
        };
        let (first, second) = (waiter(1), waiter(2));
        assert!(watermark.advance(1));
        assert!(watermark.advance(2));
        first.join().expect("the first wakes");
        second.join().expect("the second wakes");
    });
}

/// A failure against an advance: a waiter gets one of the two, and nothing is acknowledged after the failure.
///
/// Shown to fail: `advance` without a look at the failure: the mark moves after it. `fail` without the
/// notification: deadlock.
#[test]
fn fail_against_advance() {
    loom::model(|| {
        let watermark = Watermark::new(0);
        let waiter = {
            let watermark = watermark.clone();
            thread::spawn(move || watermark.wait(1, EVER))
        };
        let failing = {
            let watermark = watermark.clone();
            thread::spawn(move || {
                watermark.fail("disk full");
                watermark.get()
            })
        };
        let advanced = watermark.advance(1);
        let at_failure = failing.join().expect("failing ends");
        assert_eq!(watermark.get(), at_failure, "nothing is acknowledged after a failure");
        assert_eq!(advanced, at_failure == 1);
        match waiter.join().expect("the waiter wakes") {
            Ok(durable) => assert!(durable == 1 && advanced),
            Err(error) => assert_eq!(error, WaitError::Failed("disk full".into())),
        }
    });
}

/// Two advances out of order: the mark never goes back, whoever reads it.
///
/// Shown to fail: `advance` without the comparison: the mark goes back.
#[test]
fn advances_out_of_order() {
    loom::model(|| {
        let watermark = Watermark::new(0);
        let older = {
            let watermark = watermark.clone();
            thread::spawn(move || assert!(watermark.advance(1)))
        };
        let reader = {
            let watermark = watermark.clone();
            thread::spawn(move || {
                let first = watermark.get();
                assert!(watermark.get() >= first);
            })
        };
        assert!(watermark.advance(2));
        assert_eq!(watermark.get(), 2);
        older.join().expect("the older advance ends");
        reader.join().expect("the reader ends");
        assert_eq!(watermark.get(), 2);
    });
}

/// Whoever reads the mark without waiting sees what was written before the advance.
///
/// Shown to fail: `advance` with Relaxed for Release, or `get` with Relaxed for Acquire: concurrent read
/// and write of the disk.
#[test]
fn get_sees_what_was_written() {
    loom::model(|| {
        let (watermark, disk) = (Watermark::new(0), Arc::new(Plain::new(0)));
        let reader = {
            let (watermark, disk) = (watermark.clone(), disk.clone());
            thread::spawn(move || {
                if watermark.get() == 1 {
                    assert_eq!(disk.get(), 1);
                }
            })
        };
        disk.set(1);
        assert!(watermark.advance(1));
        reader.join().expect("the reader ends");
    });
}

/// A waiter gives up while the frame becomes durable: it tells what is durable, and others still wake.
///
/// Shown to fail: the one that gives up sets the count of sleepers to 0 instead of lowering it: deadlock of
/// the patient one.
#[test]
fn a_waiter_gives_up() {
    loom::model(|| {
        let watermark = Watermark::new(0);
        let hasty = {
            let watermark = watermark.clone();
            thread::spawn(move || match watermark.wait(1, SOON) {
                Ok(durable) => assert_eq!(durable, 1),
                Err(error) => assert_eq!(error, WaitError::TimedOut { durable: 0 }),
            })
        };
        let patient = {
            let watermark = watermark.clone();
            thread::spawn(move || assert_eq!(watermark.wait(1, EVER), Ok(1)))
        };
        assert!(watermark.advance(1));
        hasty.join().expect("the hasty one ends");
        patient.join().expect("the patient one wakes");
    });
}
