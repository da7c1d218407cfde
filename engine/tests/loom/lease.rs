//! The lease hand-off: readers against a commit.
//!
//! Real panics are tested with real threads (`engine/src/lease/tests.rs`): loom runs all threads of a model on
//! one, so that the standard library would take every one of them for panicking.

use diptych_engine::lease::{Holder, LeaseError, LeaseGate};
use diptych_engine::sync::{Arc, thread};

use super::{EVER, Plain, SOON};

fn world() -> (LeaseGate, Arc<Plain>) {
    (LeaseGate::new(), Arc::new(Plain::new(0)))
}

/// Reads under a lease in a thread of its own; answers what it saw.
fn reader(gate: &LeaseGate, frame: &Arc<Plain>) -> thread::JoinHandle<u64> {
    let (gate, frame) = (gate.clone(), frame.clone());
    thread::spawn(move || {
        let _lease = gate.enter_within("reader", EVER).expect("nothing ends the wait but the commit");
        frame.get()
    })
}

fn commit(gate: &LeaseGate, frame: &Plain, next: u64) {
    let closed = gate.close(EVER).expect("nothing ends the wait but the leases");
    frame.set(next);
    drop(closed);
}

/// One reader across one commit: it sees the frame before or after, whole.
///
/// Shown to fail: `close` with Relaxed for Acquire, or `leave` with Relaxed for Release: concurrent read
/// and write of the frame. `close` as a load and a store instead of one exchange: the same. `closer_sleeps`
/// not set: deadlock.
#[test]
fn one_lease_across_one_close() {
    loom::model(|| {
        let (gate, frame) = world();
        let reader = reader(&gate, &frame);
        commit(&gate, &frame, 1);
        assert!(reader.join().expect("the reader ends") <= 1);
        let _lease = gate.enter_within("after", EVER).expect("the gate is open");
        assert_eq!(frame.get(), 1);
    });
}

/// One reader across two commits.
///
/// Shown to fail: `open` with Relaxed for Release, or `enter` with Relaxed for Acquire: concurrent read and
/// write of the frame. WAITING not set: deadlock.
#[test]
fn one_lease_across_two_closes() {
    loom::model(|| {
        let (gate, frame) = world();
        let reader = reader(&gate, &frame);
        commit(&gate, &frame, 1);
        commit(&gate, &frame, 2);
        assert!(reader.join().expect("the reader ends") <= 2);
    });
}

/// Two readers and a commit.
///
/// Shown to fail: `fetch_and` of `open` with Relaxed for Release: concurrent read and write of the frame.
/// `leave` that notifies at the last but one: deadlock.
#[test]
fn two_readers_and_a_close() {
    loom::model(|| {
        let (gate, frame) = world();
        let first = reader(&gate, &frame);
        let second = reader(&gate, &frame);
        commit(&gate, &frame, 1);
        assert!(first.join().expect("the reader ends") <= 1);
        assert!(second.join().expect("the reader ends") <= 1);
    });
}

/// A lease is held when the close begins; given back, its thread enters again while the close waits, works
/// or is over.
///
/// Shown to fail: `enter` that goes in once WAITING is set, or with Relaxed for Acquire: concurrent read
/// and write of the frame. WAITING not set: deadlock.
#[test]
fn entering_while_a_close_waits() {
    loom::model(|| {
        let (gate, frame) = world();
        let lease = gate.enter_within("first", EVER).expect("the gate is open");
        let committer = {
            let (gate, frame) = (gate.clone(), frame.clone());
            thread::spawn(move || commit(&gate, &frame, 1))
        };
        assert_eq!(frame.get(), 0);
        drop(lease);
        let lease = gate.enter_within("second", EVER).expect("nothing ends the wait but the commit");
        assert!(frame.get() <= 1);
        drop(lease);
        committer.join().expect("the commit ends");
    });
}

/// A thread with a lease enters again while a close waits for it: admitted, the frame does not change under
/// it, and the guards may go in any order.
///
/// Shown to fail: the nested enter asks for CLOSED as any other: `Busy`, the thread waits for itself.
/// `closer_sleeps` not set: deadlock.
#[test]
fn nested_lease_while_a_close_waits() {
    loom::model(|| {
        let (gate, frame) = world();
        let outer = gate.enter_within("outer", EVER).expect("the gate is open");
        let committer = {
            let (gate, frame) = (gate.clone(), frame.clone());
            thread::spawn(move || commit(&gate, &frame, 1))
        };
        let inner = gate.enter_within("inner", SOON).expect("the thread holds a lease already");
        drop(outer);
        assert_eq!(frame.get(), 0);
        drop(inner);
        committer.join().expect("the commit ends");
    });
}

/// A close gives up or not while a reader comes and goes: it names as many holders as there are leases, and
/// the gate is open again for the next commit.
///
/// Shown to fail: the holder's name added after the lock is given back: a lease without a name. A close
/// that goes on after its bound: concurrent read and write of the frame.
#[test]
fn close_gives_up_after_its_bound() {
    loom::model(|| {
        let (gate, frame) = world();
        let reader = reader(&gate, &frame);
        match gate.close(SOON) {
            Ok(_closed) => frame.set(1),
            Err(held) => {
                assert_eq!((held.leases, held.own), (1, false));
                assert_eq!(held.holders, [Holder::Constant("reader")]);
            }
        }
        commit(&gate, &frame, 2);
        assert!(reader.join().expect("the reader ends") <= 2);
    });
}

/// A close gives up while a thread waits to enter: that one wakes and reads beside the lease that was in the
/// way.
///
/// Shown to fail: a close that gives up clears CLOSED but wakes nobody: deadlock. A close that goes on
/// after its bound: the error is missing.
#[test]
fn close_gives_up_and_wakes_those_who_wait() {
    loom::model(|| {
        let (gate, frame) = world();
        let lease = gate.enter_within("long", EVER).expect("the gate is open");
        let committer = {
            let gate = gate.clone();
            thread::spawn(move || gate.close(SOON).map(drop).expect_err("a lease is held").leases)
        };
        let late = reader(&gate, &frame);
        assert_eq!(late.join().expect("the late one wakes"), frame.get());
        let leases = committer.join().expect("the close ends");
        assert!(leases == 1 || leases == 2);
        drop(lease);
        commit(&gate, &frame, 1);
    });
}

/// An entering thread gives up: it is admitted or busy, and leaves nothing behind that a later one trips on.
///
/// Shown to fail: an enter that goes in when its bound elapses: concurrent read and write of the frame.
#[test]
fn enter_gives_up_after_its_bound() {
    loom::model(|| {
        let (gate, frame) = world();
        let reader = {
            let (gate, frame) = (gate.clone(), frame.clone());
            thread::spawn(move || match gate.enter_within("reader", SOON) {
                Ok(_lease) => assert!(frame.get() <= 2),
                Err(error) => {
                    assert_eq!(error, LeaseError::Busy { holder: Holder::Constant("reader"), waited: SOON })
                }
            })
        };
        commit(&gate, &frame, 1);
        commit(&gate, &frame, 2);
        reader.join().expect("the reader ends");
        assert_eq!(gate.holders(), Vec::new());
    });
}

/// A commit is given up half way (by a panic too: the same code): a reader before it is undisturbed, one that
/// waits or comes later is refused.
///
/// Shown to fail: `abandon` opens the gate: the reader sees half a commit. `tear` without the wake, or a
/// wake without taking the lock first: deadlock.
#[test]
fn commit_is_abandoned() {
    loom::model(|| {
        let (gate, frame) = world();
        let reader = {
            let (gate, frame) = (gate.clone(), frame.clone());
            thread::spawn(move || match gate.enter_within("reader", EVER) {
                Ok(_lease) => assert_eq!(frame.get(), 0),
                Err(error) => assert_eq!(error, LeaseError::Torn),
            })
        };
        let closed = gate.close(EVER).expect("nothing ends the wait but the leases");
        frame.set(1);
        closed.abandon();
        reader.join().expect("the reader ends");
        assert_eq!(gate.enter_within("after", EVER).err(), Some(LeaseError::Torn));
    });
}
