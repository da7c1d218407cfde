//! Leases with real threads and real time: errors, bounds, panics, and a stress test. The interleavings are
//! loom's (`tests/tests/loom/lease.rs`).

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use super::*;
use crate::sync::atomic::AtomicBool;
use crate::sync::thread;

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(20);

/// Many leases at once, each on its own thread or nested; all are named and given back.
#[test]
fn many_at_once() {
    let gate = LeaseGate::new();
    let first = gate.enter("first").expect("the gate is open");
    let second = gate.enter(String::from("second")).expect("a thread may nest");
    thread::scope(|scope| {
        scope.spawn(|| drop(gate.enter("third").expect("readers share")));
    });
    assert_eq!(gate.holders(), [Holder::from("first"), Holder::from(SharedStr::from("second"))]);
    drop(first);
    assert_eq!(held_by_this_thread(), Some("second".into()));
    assert_eq!(gate.holders(), [Holder::from("second")]);
    drop(second);
    assert_eq!(held_by_this_thread(), None);
    assert_eq!(gate.holders(), []);
}

/// A close gives up after its bound, not before, and names the holders; the gate is open again.
#[test]
fn close_names_the_holders() {
    let gate = LeaseGate::new();
    let (entered, wait_entered) = std::sync::mpsc::channel();
    let (leave, wait_leave) = std::sync::mpsc::channel::<()>();
    thread::scope(|scope| {
        let gate = &gate;
        scope.spawn(move || {
            let _renderer = gate.enter("renderer").expect("the gate is open");
            let _inspector = gate.enter("inspector").expect("a thread may nest");
            entered.send(()).expect("the test listens");
            let _ = wait_leave.recv();
        });
        wait_entered.recv().expect("the reader enters");
        let started = Instant::now();
        let held = gate.close(SHORT).expect_err("a lease is held");
        assert!(started.elapsed() >= SHORT && held.waited >= SHORT);
        assert_eq!((held.leases, held.own), (2, false));
        assert_eq!(held.holders, [Holder::from("renderer"), Holder::from("inspector")]);
        let sentence = held.to_string();
        assert!(sentence.contains("2 lease(s) held by `renderer`, `inspector`"), "{sentence}");
        drop(gate.enter_within("late", SHORT).expect("the gate is open again"));
        drop(leave);
        drop(gate.close(LONG).expect("the leases are given back"));
    });
}

/// At most eight holders are spelt out, the count is whole.
#[test]
fn a_long_list_is_cut() {
    let gate = LeaseGate::new();
    let leases: Vec<_> =
        (0..10).map(|number| gate.enter(format!("reader {number}")).expect("room")).collect();
    let held = gate.close(LONG).expect_err("this thread holds them");
    assert_eq!((held.holders.len(), held.leases, held.own), (HOLDERS_NAMED_MAX, 10, true));
    assert!(held.to_string().contains("`reader 7`, ..)"), "{held}");
    drop(leases);
}

/// A close under a lease of the same thread is an error at once; another world's lease is no obstacle.
#[test]
fn close_under_the_own_lease() {
    let (gate, other) = (LeaseGate::new(), LeaseGate::new());
    let lease = gate.enter("impatient").expect("the gate is open");
    let started = Instant::now();
    let held = gate.close(LONG).expect_err("it would wait for itself");
    assert!(held.own && started.elapsed() < LONG / 2);
    assert!(held.to_string().contains("this thread holds a lease (`impatient`)"), "{held}");
    drop(other.close(SHORT).expect("the lease is of another gate"));
    assert_eq!(other.holder_here(), None);
    drop(lease);
    drop(gate.close(SHORT).expect("it is given back"));
}

/// An entering thread is busy after its bound, and admitted when the gate opens.
#[test]
fn enter_waits_for_the_commit() {
    let gate = LeaseGate::new();
    let closed = gate.close(SHORT).expect("no lease is held");
    thread::scope(|scope| {
        let busy = scope.spawn(|| gate.enter_within("hasty", SHORT).map(drop));
        let error = busy.join().expect("it ends").expect_err("the gate is closed");
        assert_eq!(error, LeaseError::Busy { holder: "hasty".into(), waited: SHORT });
        assert!(error.to_string().contains("`hasty` waited 20ms"), "{error}");
        let patient = scope.spawn(|| gate.enter_within("patient", LONG).map(drop));
        thread::sleep(SHORT);
        drop(closed);
        patient.join().expect("it ends").expect("the gate opens");
    });
}

/// No lease on a thread of the pool; the mark of a ticking thread ends.
#[test]
fn no_lease_on_a_pool_thread() {
    let gate = LeaseGate::new();
    let mark = pool_thread();
    let error = gate.enter("system").expect_err("pool threads have the world already");
    assert_eq!(error, LeaseError::OnPoolThread { holder: "system".into() });
    drop(mark);
    drop(gate.enter("reader").expect("the mark has ended"));
    let marked = thread::spawn(|| {
        mark_pool_thread();
        is_pool_thread()
    });
    assert!(marked.join().expect("it ends"));
    assert!(!is_pool_thread(), "the mark is the thread's own");
}

/// Too many leases are refused, and the refused one leaves nothing behind.
#[test]
fn too_many_leases() {
    let gate = LeaseGate::new();
    let leases: Vec<_> = (0..LEASES_MAX).map(|_| gate.enter("greedy").expect("room")).collect();
    assert_eq!(gate.enter("last").err(), Some(LeaseError::TooMany { holder: "last".into() }));
    drop(leases);
    drop(gate.close(SHORT).expect("all are given back"));
}

/// A panic under a lease gives it back.
#[test]
fn a_reader_panics() {
    let gate = LeaseGate::new();
    let ended = catch_unwind(AssertUnwindSafe(|| {
        let _lease = gate.enter("unlucky").expect("the gate is open");
        resume_unwind(Box::new("on purpose"));
    }));
    assert!(ended.is_err());
    assert_eq!(held_by_this_thread(), None);
    drop(gate.close(SHORT).expect("it is given back"));
}

/// A panic in a commit leaves nothing to read; a poison by a system's panic leaves the last good frame.
#[test]
fn a_commit_panics() {
    let gate = LeaseGate::new();
    gate.poison("system `drift` panicked");
    gate.poison("a later reason");
    assert_eq!(gate.poisoned().as_deref(), Some("system `drift` panicked"));
    drop(gate.enter("post mortem").expect("the last good frame is there"));
    let ended = catch_unwind(AssertUnwindSafe(|| {
        let _closed = gate.close(SHORT).expect("no lease is held");
        resume_unwind(Box::new("on purpose"));
    }));
    assert!(ended.is_err());
    assert_eq!(gate.enter("post mortem").err(), Some(LeaseError::Torn));
}

/// Two commits of one world are a programming error.
#[test]
#[should_panic(expected = "only one thread may commit a world")]
fn two_commits() {
    let gate = LeaseGate::new();
    let _first = gate.close(SHORT).expect("no lease is held");
    let _second = gate.close(SHORT);
}

/// Three readers against one committing thread for 0.3 s: nobody reads while the commit writes.
#[test]
fn stress() {
    let (gate, writing, stop) = (LeaseGate::new(), AtomicBool::new(false), AtomicBool::new(false));
    let (reads, commits) = thread::scope(|scope| {
        let readers: Vec<_> = ["one", "two", "three"]
            .into_iter()
            .map(|name| {
                let (gate, writing, stop) = (&gate, &writing, &stop);
                scope.spawn(move || {
                    let mut reads = 0_u64;
                    while !stop.load(Ordering::Relaxed) {
                        let lease = gate.enter_within(name, LONG).expect("commits are short");
                        assert!(!writing.load(Ordering::Relaxed), "a commit runs under a lease");
                        drop(lease);
                        reads += 1;
                    }
                    reads
                })
            })
            .collect();
        let (started, mut commits) = (Instant::now(), 0_u64);
        while started.elapsed() < Duration::from_millis(300) {
            let closed = gate.close(LONG).expect("leases are short");
            writing.store(true, Ordering::Relaxed);
            std::hint::spin_loop();
            writing.store(false, Ordering::Relaxed);
            drop(closed);
            commits += 1;
        }
        stop.store(true, Ordering::Relaxed);
        (readers.into_iter().map(|reader| reader.join().expect("it ends")).sum::<u64>(), commits)
    });
    assert!(reads > 100 && commits > 100, "{reads} reads, {commits} commits");
    assert_eq!(gate.holders(), []);
}

/// Figures, not a test: `cargo test -p diptych-engine --release -- --ignored --nocapture lease_costs`.
#[test]
#[ignore = "prints figures"]
fn lease_costs() {
    const ROUNDS: u32 = 1_000_000;
    let gate = LeaseGate::new();
    let time = |what: &str, round: &dyn Fn()| {
        let best = (0..7)
            .map(|_| {
                let started = Instant::now();
                (0..ROUNDS).for_each(|_| round());
                started.elapsed()
            })
            .min()
            .expect("seven rounds");
        println!("{what}: {:.1} ns", best.as_secs_f64() * 1e9 / f64::from(ROUNDS));
    };
    time("close and open, no lease", &|| drop(gate.close(LONG)));
    time("enter and leave, constant name", &|| drop(gate.enter("reader")));
    let name = SharedStr::from("reader");
    time("enter and leave, shared name", &|| drop(gate.enter(name.clone())));
}
