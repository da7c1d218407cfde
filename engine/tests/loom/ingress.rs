//! The ingress queue: producers against the commit, and the answers that go back.

use diptych_engine::ingress::{Ingress, IngressError, TryPushError, WaitError};
use diptych_engine::sync::{Arc, thread};
use diptych_engine::watermark::Watermark;

use super::{EVER, Plain, SOON};

/// Drains until `count` values are there; answers them in order of arrival.
fn drain_all<T>(ingress: &Ingress<T>, count: usize) -> Vec<T> {
    let mut values = Vec::new();
    while values.len() < count {
        if ingress.is_empty() {
            thread::yield_now();
            continue;
        }
        let before = values.len() as u64;
        let drained = ingress.drain(usize::MAX, |value, number| {
            assert_eq!(number, values.len() as u64, "numbers follow arrival without gaps");
            values.push(value);
        });
        assert_eq!(drained.up_to, before + drained.count);
        assert!(drained.count > 0, "not empty means that a drain finds something");
    }
    values
}

/// A full queue, a producer that blocks, and drains: it wakes, and both values come in order.
///
/// Shown to fail: the count raised before the push, or Relaxed on either side of it: a value that has
/// arrived is missing. The count lowered before the pop, or Relaxed on either side of it: no room in a
/// queue that has room. BLOCKED not set, or the wake without the lock: the producer sleeps for ever (seen
/// as more than the allowed branches, since the drain polls).
#[test]
fn blocked_producer_and_a_drain() {
    loom::model(|| {
        let ingress = Ingress::new(1);
        let producer = {
            let ingress = ingress.clone();
            thread::spawn(move || {
                for value in 0..2_u64 {
                    let ticket = ingress.push_within(value, EVER).expect("it is drained");
                    assert_eq!(ticket.number(), value);
                }
            })
        };
        assert_eq!(drain_all(&ingress, 2), [0, 1]);
        producer.join().expect("the producer ends");
        assert!(ingress.is_empty());
    });
}

/// Two producers block on a full queue: no wake-up is lost, nothing is lost or doubled.
///
/// Shown to fail: number and place not given under one lock: a value that has arrived is missing. The wake
/// without the lock: a producer sleeps for ever.
#[test]
fn two_blocked_producers() {
    loom::model(|| {
        let ingress = Ingress::new(1);
        ingress.push_within(0_u64, EVER).expect("there is room");
        let producer = |value| {
            let ingress = ingress.clone();
            thread::spawn(move || drop(ingress.push_within(value, EVER).expect("it is drained")))
        };
        let (first, second) = (producer(1), producer(2));
        let mut values = drain_all(&ingress, 3);
        first.join().expect("the first ends");
        second.join().expect("the second ends");
        assert_eq!(values.remove(0), 0);
        values.sort_unstable();
        assert_eq!(values, [1, 2]);
    });
}

/// Two producers and the commit: each ticket's number is its value's place, and its answer comes with what
/// the commit did.
///
/// Shown to fail: the answer stored or read with Relaxed: concurrent read and write of the world. Sleeping
/// tickets not counted, or a look at the cell before the lock only: deadlock. Number and place not given
/// under one lock: a value that has arrived is missing.
#[test]
fn two_producers_are_answered_in_order() {
    loom::model(|| {
        let (ingress, world) = (Ingress::new(2), Arc::new(Plain::new(0)));
        let producer = |value: u64| {
            let (ingress, world) = (ingress.clone(), world.clone());
            thread::spawn(move || {
                let ticket = ingress.push_within(value, EVER).expect("there is room");
                assert_eq!(ticket.wait(EVER).expect("it is answered").frame, 9);
                assert_eq!(world.get(), 1, "the answered sees the commit");
                ticket.number()
            })
        };
        let (first, second) = (producer(1), producer(2));
        let values = drain_all(&ingress, 2);
        world.set(1);
        ingress.answer(2, 9);
        assert_eq!(values[first.join().expect("the first is answered") as usize], 1);
        assert_eq!(values[second.join().expect("the second is answered") as usize], 2);
    });
}

/// The answer is also whole for those who only look.
///
/// Shown to fail: the answer stored with Relaxed for Release, or read with Relaxed for Acquire: concurrent
/// read and write of the world.
#[test]
fn a_look_at_the_answer() {
    loom::model(|| {
        let (ingress, world) = (Ingress::new(1), Arc::new(Plain::new(0)));
        let ticket = ingress.push_within(1_u64, EVER).expect("there is room");
        let looking = {
            let world = world.clone();
            thread::spawn(move || {
                if let Some(applied) = ticket.applied() {
                    assert_eq!((applied.frame, world.get()), (3, 1));
                }
            })
        };
        let drained = ingress.drain(1, |_, _| ());
        world.set(1);
        ingress.answer(drained.up_to, 3);
        looking.join().expect("looking ends");
    });
}

/// Values of a second drain are not answered with those of the first.
///
/// Shown to fail: answered tickets answered once more by the next commit: the first has the second's frame.
#[test]
fn each_drain_has_its_own_frame() {
    loom::model(|| {
        let ingress = Ingress::new(1);
        let producer = {
            let ingress = ingress.clone();
            thread::spawn(move || {
                let first = ingress.push_within(0_u64, EVER).expect("it is drained");
                let second = ingress.push_within(1_u64, EVER).expect("it is drained");
                assert_eq!(first.wait(EVER).expect("it is answered").frame, 0);
                assert_eq!(second.wait(EVER).expect("it is answered").frame, 1);
            })
        };
        for frame in 0..2 {
            drain_all_from(&ingress, frame);
            ingress.answer(frame + 1, frame);
        }
        producer.join().expect("the producer ends");
    });
}

fn drain_all_from(ingress: &Ingress<u64>, expected: u64) {
    while ingress.is_empty() {
        thread::yield_now();
    }
    let drained = ingress.drain(1, |value, number| assert_eq!((value, number), (expected, expected)));
    assert_eq!((drained.count, drained.up_to), (1, expected + 1));
}

/// The queue is closed while a producer blocks: the producer wakes with an error, what arrived stays.
///
/// Shown to fail: `close` without the notification: deadlock.
#[test]
fn close_while_blocked() {
    loom::model(|| {
        let ingress = Ingress::new(1);
        ingress.push_within(0_u64, EVER).expect("there is room");
        let producer = {
            let ingress = ingress.clone();
            thread::spawn(move || ingress.push_within(1, EVER).map(|ticket| ticket.number()))
        };
        ingress.close();
        assert_eq!(producer.join().expect("the producer wakes"), Err(IngressError::Closed));
        assert_eq!(drain_all(&ingress, 1), [0]);
        assert!(matches!(ingress.try_push(2), Err(TryPushError::Closed(2))), "closed stays closed");
    });
}

/// A producer gives up on a full queue: its value is not in the queue, or it is; a second one still wakes.
///
/// Shown to fail: the one that gives up clears BLOCKED: the patient one sleeps for ever (more than the
/// allowed branches).
#[test]
fn a_producer_gives_up() {
    loom::model(|| {
        let ingress = Ingress::new(1);
        ingress.push_within(0_u64, EVER).expect("there is room");
        let hasty = {
            let ingress = ingress.clone();
            thread::spawn(move || ingress.push_within(1, SOON).map(|ticket| ticket.number()))
        };
        let patient = {
            let ingress = ingress.clone();
            thread::spawn(move || drop(ingress.push_within(2, EVER).expect("it is drained")))
        };
        let mut values = drain_all(&ingress, 2);
        // The patient one may still sleep behind the hasty one's value.
        if !values.contains(&2) {
            values.extend(drain_rest(&ingress));
        }
        patient.join().expect("the patient one wakes");
        match hasty.join().expect("the hasty one ends") {
            Ok(number) => assert!(number == 1 || number == 2),
            Err(error) => assert_eq!(error, IngressError::Stalled { waited: SOON }),
        }
        assert!(values.contains(&2));
    });
}

fn drain_rest(ingress: &Ingress<u64>) -> Vec<u64> {
    let mut values = Vec::new();
    while values.is_empty() {
        thread::yield_now();
        ingress.drain(usize::MAX, |value, _| values.push(value));
    }
    values
}

/// The engine fails while a ticket waits and a commit answers: the waiter gets one of the two.
///
/// Shown to fail: `answer` without a look at the failure: answered after it. `fail` without the
/// notification: deadlock.
#[test]
fn fail_against_answer() {
    loom::model(|| {
        let ingress = Ingress::new(1);
        let ticket = ingress.push_within(0_u64, EVER).expect("there is room");
        let waiter = {
            let ticket = ticket.clone();
            thread::spawn(move || ticket.wait(EVER))
        };
        let failing = {
            let (ingress, ticket) = (ingress.clone(), ticket.clone());
            thread::spawn(move || {
                ingress.fail("disk full");
                ticket.applied()
            })
        };
        let drained = ingress.drain(1, |_, _| ());
        ingress.answer(drained.up_to, 3);
        let at_failure = failing.join().expect("failing ends");
        assert_eq!(ticket.applied(), at_failure, "nothing is answered after a failure");
        match waiter.join().expect("the waiter wakes") {
            Ok(applied) => assert_eq!(applied.frame, 3),
            Err(error) => assert_eq!(error, WaitError::Failed("disk full".into())),
        }
    });
}

/// A durable answer waits for both the commit and the disk.
///
/// Shown to fail: `wait_durable` without the watermark: concurrent read and write of the disk. A look at
/// the cell before the lock only: deadlock.
#[test]
fn durable_answer() {
    loom::model(|| {
        let (ingress, watermark) = (Ingress::new(1), Watermark::new(0));
        let disk = Arc::new(Plain::new(0));
        let ticket = ingress.push_within(0_u64, EVER).expect("there is room");
        let waiter = {
            let (watermark, disk) = (watermark.clone(), disk.clone());
            thread::spawn(move || {
                assert_eq!(ticket.wait_durable(&watermark, EVER).expect("it is answered").frame, 2);
                assert_eq!(disk.get(), 1, "the frame is on disk");
            })
        };
        let drained = ingress.drain(1, |_, _| ());
        ingress.answer(drained.up_to, 2);
        disk.set(1);
        assert!(watermark.advance(2));
        waiter.join().expect("the waiter wakes");
    });
}
