//! The ingress with real threads and real time. The interleavings are loom's
//! (`tests/tests/loom/ingress.rs`).

use std::time::{Duration, Instant};

use super::*;
use crate::lease::{LeaseGate, pool_thread};
use crate::sync::atomic::AtomicBool;
use crate::sync::thread;
use crate::watermark::Watermark;

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(20);

fn full() -> Ingress<u64> {
    let ingress = Ingress::new(1);
    ingress.push(7).expect("there is room");
    ingress
}

/// In order of arrival, at most `max`, and nothing that arrives during the drain.
#[test]
fn drain_is_bounded() {
    let ingress = Ingress::new(8);
    assert!(ingress.is_empty());
    assert_eq!(ingress.drain(8, |_, _| ()), Drained { count: 0, up_to: 0 });
    for value in 10..14_u64 {
        assert_eq!(ingress.push(value).expect("there is room").number(), value - 10);
    }
    let mut seen = Vec::new();
    let drained = ingress.drain(3, |value, number| seen.push((value, number)));
    assert_eq!((drained, ingress.len()), (Drained { count: 3, up_to: 3 }, 1));
    let drained = ingress.drain(8, |value, number| {
        seen.push((value, number));
        ingress.push(99).expect("there is room");
    });
    assert_eq!(drained, Drained { count: 1, up_to: 4 }, "what arrives meanwhile is for the next drain");
    assert_eq!(seen, [(10, 0), (11, 1), (12, 2), (13, 3)]);
    assert_eq!(ingress.len(), 1);
}

/// A full queue gives the value back at once, or stalls after the bound, not before.
#[test]
fn full_queue() {
    let ingress = full();
    assert_eq!(ingress.try_push(8).err(), Some(TryPushError::Busy(8)));
    let started = Instant::now();
    assert_eq!(ingress.push_within(8, SHORT).err(), Some(IngressError::Stalled { waited: SHORT }));
    assert!(started.elapsed() >= SHORT);
    thread::scope(|scope| {
        let blocked = scope.spawn(|| ingress.push_within(8, LONG).map(|ticket| ticket.number()));
        thread::sleep(SHORT);
        assert_eq!(ingress.drain(9, |value, _| assert_eq!(value, 7)).count, 1);
        assert_eq!(blocked.join().expect("it ends"), Ok(1));
    });
}

/// A close refuses later values, wakes the blocked, and leaves what has arrived.
#[test]
fn close() {
    let ingress = full();
    thread::scope(|scope| {
        let blocked = scope.spawn(|| ingress.push(8).map(|ticket| ticket.number()));
        thread::sleep(SHORT);
        ingress.close();
        assert_eq!(blocked.join().expect("it ends"), Err(IngressError::Closed));
    });
    assert_eq!(ingress.try_push(9).err(), Some(TryPushError::Closed(9)));
    assert_eq!(ingress.drain(9, |value, number| assert_eq!((value, number), (7, 0))).count, 1);
}

/// Answers reach each ticket with its own frame, frame 0 too; an unanswered one times out.
#[test]
fn answers() {
    let ingress = Ingress::new(4);
    let tickets: Vec<_> = (0..3).map(|value| ingress.push(value).expect("there is room")).collect();
    ingress.answer(9, 5);
    assert_eq!(tickets[0].applied(), None, "nothing was handed out yet");
    ingress.answer(ingress.drain(1, |_, _| ()).up_to, 0);
    ingress.answer(ingress.drain(1, |_, _| ()).up_to, 1);
    assert_eq!(tickets[0].wait(LONG), Ok(Applied { frame: 0 }));
    assert_eq!(tickets[1].wait(LONG), Ok(Applied { frame: 1 }));
    assert_eq!(tickets[2].wait(SHORT), Err(WaitError::TimedOut));
    let drained = ingress.drain(1, |_, _| ());
    ingress.answer(drained.up_to - 1, 2);
    assert_eq!(tickets[2].applied(), None, "the answer was for those before it");
    ingress.fail("system `drift` panicked");
    ingress.answer(drained.up_to, 3);
    assert_eq!(tickets[2].wait(LONG), Err(WaitError::Failed("system `drift` panicked".into())));
    assert_eq!(tickets[1].wait(LONG), Ok(Applied { frame: 1 }), "what was answered stays answered");
}

/// A durable answer needs the disk as well.
#[test]
fn durable_answers() {
    let (ingress, watermark) = (full(), Watermark::new(0));
    let ticket = ingress.push_within(8, Duration::ZERO).err();
    assert_eq!(ticket, Some(IngressError::Stalled { waited: Duration::ZERO }));
    ingress.drain(1, |_, _| ());
    let ticket = ingress.push(8).expect("there is room");
    ingress.answer(ingress.drain(1, |_, _| ()).up_to, 6);
    assert_eq!(ticket.wait_durable(&watermark, SHORT), Err(WaitError::NotDurable { durable: 0 }));
    watermark.advance(6);
    assert_eq!(ticket.wait_durable(&watermark, SHORT), Ok(Applied { frame: 6 }));
    let ticket = ingress.push(9).expect("there is room");
    ingress.answer(ingress.drain(1, |_, _| ()).up_to, 7);
    watermark.fail("no space left");
    assert_eq!(ticket.wait_durable(&watermark, LONG), Err(WaitError::Failed("no space left".into())));
}

/// A posted value has a number and a place in the order like any other, and nothing to answer.
#[test]
fn posted_values_need_no_answer() {
    let ingress = Ingress::new(3);
    ingress.post(1).expect("there is room");
    let ticket = ingress.push(2).expect("there is room");
    ingress.try_post(3).expect("there is room");
    assert_eq!(ingress.try_post(4), Err(TryPushError::Busy(4)));
    let mut seen = Vec::new();
    let drained = ingress.drain(8, |value, number| seen.push((value, number)));
    assert_eq!((seen, drained.up_to), (vec![(1, 0), (2, 1), (3, 2)], 3));
    assert_eq!(ticket.applied(), None);
    ingress.answer(drained.up_to, 9);
    assert_eq!(ticket.applied(), Some(Applied { frame: 9 }));
    ingress.close();
    assert_eq!(ingress.post(5), Err(IngressError::Closed));
}

/// Under a lease or on a pool thread, what would wait is an error at once; what would not wait is fine.
#[test]
fn no_wait_that_would_deadlock() {
    let (gate, ingress) = (LeaseGate::new(), Ingress::new(2));
    let lease = gate.enter("renderer").expect("the gate is open");
    let ticket = ingress.push(1).expect("room needs no wait");
    ingress.push(2).expect("room needs no wait");
    assert_eq!(ingress.push(3).err(), Some(IngressError::UnderLease("renderer".into())));
    assert_eq!(ticket.wait(LONG), Err(WaitError::UnderLease("renderer".into())));
    drop(lease);
    let mark = pool_thread();
    assert_eq!(ingress.push(3).err(), Some(IngressError::OnPoolThread));
    assert_eq!(ticket.wait(LONG), Err(WaitError::OnPoolThread));
    ingress.answer(ingress.drain(2, |_, _| ()).up_to, 1);
    assert_eq!(ticket.wait(LONG), Ok(Applied { frame: 1 }));
    drop(mark);
}

/// A commit that panics while it drains loses only the value it held, and wakes the blocked.
#[test]
fn a_drain_panics() {
    let ingress = full();
    thread::scope(|scope| {
        let blocked = scope.spawn(|| ingress.push_within(8, LONG).map(|ticket| ticket.number()));
        thread::sleep(SHORT);
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            ingress.drain(1, |_, _| std::panic::resume_unwind(Box::new("on purpose")));
        }));
        assert!(ended.is_err());
        assert_eq!(blocked.join().expect("it ends"), Ok(1));
    });
    assert_eq!(ingress.drain(1, |value, number| assert_eq!((value, number), (8, 1))).count, 1);
}

/// A drain within a drain is a programming error.
#[test]
#[should_panic(expected = "one commit drains the ingress")]
fn two_drains() {
    let ingress = full();
    ingress.drain(1, |_, _| {
        ingress.drain(1, |_, _| ());
    });
}

/// Three producers on a small queue for 0.3 s: each value once, in its producer's order, and all answered.
#[test]
fn stress() {
    let (ingress, stop) = (Ingress::new(4), AtomicBool::new(false));
    thread::scope(|scope| {
        let producers: Vec<_> = (0..3_usize)
            .map(|producer| {
                let (ingress, stop) = (&ingress, &stop);
                scope.spawn(move || {
                    let (mut count, mut last) = (0_u64, None);
                    while !stop.load(Ordering::Relaxed) {
                        let ticket = ingress.push_within((producer, count), LONG).expect("it is drained");
                        assert!(last.is_none_or(|last| ticket.number() > last));
                        last = Some(ticket.number());
                        count += 1;
                        if count % 64 == 0 {
                            assert_eq!(ticket.wait(LONG).expect("it is answered").frame, ticket.number() / 4);
                        }
                    }
                    count
                })
            })
            .collect();
        let (started, mut next, mut seen) = (Instant::now(), 0, [0_u64; 3]);
        let mut drain = || {
            ingress.drain(1, |(producer, count), number| {
                assert_eq!((number, count), (next, seen[producer]));
                (next, seen[producer]) = (next + 1, count + 1);
            });
            if next > 0 {
                ingress.answer(next, (next - 1) / 4);
            }
            seen
        };
        while started.elapsed() < Duration::from_millis(300) {
            drain();
        }
        stop.store(true, Ordering::Relaxed);
        while !producers.iter().all(thread::ScopedJoinHandle::is_finished) {
            drain();
        }
        while !ingress.is_empty() {
            drain();
        }
        let counts: Vec<_> =
            producers.into_iter().map(|producer| producer.join().expect("it ends")).collect();
        assert_eq!(drain().to_vec(), counts);
        assert!(counts.iter().sum::<u64>() > 100, "{counts:?}");
    });
}
