//! An answer on its way: whoever asked against the frame that answers.

use diptych_engine::ingress::WaitError;
use diptych_engine::reply;
use diptych_engine::sync::{Arc, thread};

use super::{EVER, Plain, SOON};

/// Two who wait for one answer: both wake with it, and see what was written before it was given.
///
/// Shown to fail: `settle` without the notification, or with it before the answer is in the slot; sleepers that are
/// not counted; `wait` that looks, gives the lock back and takes it again before it sleeps: deadlock.
#[test]
fn two_waiters_and_one_answer() {
    loom::model(|| {
        let ((promise, reply), world) = (reply::pair(), Arc::new(Plain::new(0)));
        let waiter = || {
            let (reply, world) = (reply.clone(), world.clone());
            thread::spawn(move || {
                assert_eq!(reply.wait(EVER), Ok(7));
                assert_eq!(world.get(), 1);
            })
        };
        let (first, second) = (waiter(), waiter());
        world.set(1);
        promise.keep(7);
        first.join().expect("the first wakes");
        second.join().expect("the second wakes");
    });
}

/// A promise that is dropped while somebody waits: the waiter is told.
///
/// Shown to fail: `Drop` without `settle`: the reply is open for ever. The breaks of the model above: deadlock.
#[test]
fn a_dropped_promise_tells() {
    loom::model(|| {
        let (promise, reply) = reply::pair::<u64>();
        let waiter = {
            let reply = reply.clone();
            thread::spawn(move || assert!(matches!(reply.wait(EVER), Err(WaitError::Failed(_)))))
        };
        drop(promise);
        assert!(reply.is_settled() && reply.get().is_none());
        waiter.join().expect("the waiter wakes");
    });
}

/// Whoever looks without waiting sees nothing or the whole answer, and what was written before it; an answer stays.
///
/// Shown to fail: `keep` that leaves the slot in the promise, so that its `Drop` takes the answer away again: the
/// second look finds nothing.
#[test]
fn looking_beside_the_answer() {
    loom::model(|| {
        let ((promise, reply), world) = (reply::pair(), Arc::new(Plain::new(0)));
        let looker = {
            let (reply, world) = (reply.clone(), world.clone());
            thread::spawn(move || {
                if reply.is_settled() {
                    assert_eq!(reply.get(), Some(7));
                    assert_eq!(world.get(), 1);
                }
            })
        };
        world.set(1);
        promise.keep(7);
        assert_eq!((reply.get(), reply.is_settled()), (Some(7), true));
        looker.join().expect("looking ends");
    });
}

/// One gives up while the answer comes: it has the answer or knows that there was none; the other one still wakes.
///
/// Shown to fail: the one that gives up sets the count of sleepers to 0 instead of lowering it: deadlock of the
/// patient one. `wait` that gives up without a look: the answer was there when it began, and is not seen.
#[test]
fn a_waiter_gives_up() {
    loom::model(|| {
        let (promise, reply) = reply::pair();
        let hasty = {
            let reply = reply.clone();
            thread::spawn(move || {
                let was_there = reply.is_settled();
                match reply.wait(SOON) {
                    Ok(answer) => assert_eq!(answer, 7),
                    Err(error) => assert_eq!((error, was_there), (WaitError::TimedOut, false)),
                }
            })
        };
        let patient = {
            let reply = reply.clone();
            thread::spawn(move || assert_eq!(reply.wait(EVER), Ok(7)))
        };
        promise.keep(7);
        hasty.join().expect("the hasty one ends");
        patient.join().expect("the patient one wakes");
    });
}
