//! The watermark with real threads and real time. The interleavings are loom's
//! (`tests/tests/loom/watermark.rs`).

use std::time::{Duration, Instant};

use super::*;
use crate::lease::LeaseGate;
use crate::sync::thread;

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(20);

/// It moves forward only, and a wait for what is durable takes no time.
#[test]
fn forward_only() {
    let watermark = Watermark::new(3);
    assert!(watermark.advance(5) && watermark.advance(4));
    assert_eq!(watermark.get(), 5);
    assert_eq!(watermark.wait(4, Duration::ZERO), Ok(5));
}

/// A wait ends after its bound, not before, and says what is durable.
#[test]
fn timeout() {
    let watermark = Watermark::new(3);
    let started = Instant::now();
    assert_eq!(watermark.wait(4, SHORT), Err(WaitError::TimedOut { durable: 3 }));
    assert!(started.elapsed() >= SHORT);
    assert_eq!(watermark.wait(4, Duration::ZERO), Err(WaitError::TimedOut { durable: 3 }));
}

/// After a failure nothing later is acknowledged; what was durable stays so; the first message stays.
#[test]
fn failure() {
    let watermark = Watermark::new(3);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| watermark.wait(4, LONG));
        thread::sleep(SHORT);
        watermark.fail("journal 7: no space left");
        watermark.fail("another");
        assert_eq!(
            waiter.join().expect("it ends"),
            Err(WaitError::Failed("journal 7: no space left".into()))
        );
    });
    assert!(!watermark.advance(9));
    assert_eq!(watermark.get(), 3);
    assert_eq!(watermark.wait(3, SHORT), Ok(3));
    let error = watermark.wait(4, SHORT).expect_err("it failed");
    assert!(error.to_string().contains("journal 7: no space left"), "{error}");
    assert_eq!(watermark.failed().as_deref(), Some("journal 7: no space left"));
}

/// Waiting under a lease is an error that names it.
#[test]
fn under_a_lease() {
    let (gate, watermark) = (LeaseGate::new(), Watermark::new(0));
    let _lease = gate.enter("renderer").expect("the gate is open");
    assert_eq!(watermark.wait(1, LONG), Err(WaitError::UnderLease("renderer".into())));
    assert_eq!(watermark.wait(0, LONG), Ok(0));
}

/// Three waiters behind one writer for 0.3 s: each gets every frame.
#[test]
fn stress() {
    let watermark = Watermark::new(0);
    let last = thread::scope(|scope| {
        let waiters: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut seen = 0;
                    while let Ok(durable) = watermark.wait(seen + 1, LONG) {
                        assert!(durable > seen);
                        seen = durable;
                    }
                    seen
                })
            })
            .collect();
        let (started, mut frame) = (Instant::now(), 0);
        while started.elapsed() < Duration::from_millis(300) {
            frame += 1;
            assert!(watermark.advance(frame));
            if frame % 8 == 0 {
                thread::yield_now();
            }
        }
        watermark.fail("the end");
        for waiter in waiters {
            assert_eq!(waiter.join().expect("it ends"), frame);
        }
        frame
    });
    assert!(last > 100, "{last} frames");
}
