//! The queue of jobs: threads that take and answer against a commit that gives up, cancels and closes.

use std::time::Duration;

use diptych_engine::job::queue::{JobQueue, Taken, Verdict};
use diptych_engine::sync::{Arc, thread};

use super::{EVER, Plain, SOON};

type Queue = Arc<JobQueue<u64, u64>>;

/// What the commit answers for work whose time is over.
const LATE: u64 = 99;

/// One thread more, that takes work until the queue closes and answers each with ten times its work.
fn worker(queue: &Queue) -> thread::JoinHandle<()> {
    assert!(queue.hire(2, 4), "there is room for a thread");
    let queue = queue.clone();
    thread::spawn(move || {
        while let Some(Taken { key, run, work }) = queue.take() {
            if queue.finish(run, key, work * 10) == Verdict::Leave {
                return;
            }
        }
    })
}

/// Answers until there are `count`, as the commit finds them.
fn answers(queue: &Queue, count: usize) -> Vec<(u64, u64)> {
    let mut answers = Vec::new();
    while answers.len() < count {
        answers.append(&mut queue.drain());
        thread::yield_now();
    }
    answers.sort_unstable();
    answers
}

/// Two threads and two pieces of work: each is answered once, and both threads leave when the queue closes.
///
/// Shown to fail: `submit` without the notification: nobody takes the work (more than the allowed branches,
/// since the commit polls). A thread that leaves without being counted, or without the notification: deadlock.
#[test]
fn each_is_answered_once() {
    loom::model(|| {
        let queue: Queue = Arc::default();
        let (first, second) = (worker(&queue), worker(&queue));
        queue.submit(1, 1, EVER);
        queue.submit(2, 2, EVER);
        assert_eq!(answers(&queue, 2), [(1, 10), (2, 20)]);
        assert!(queue.close().is_empty());
        assert!(queue.wait_empty(EVER), "every thread leaves");
        first.join().expect("the first leaves");
        second.join().expect("the second leaves");
        assert!(queue.drain().is_empty(), "nothing is answered twice");
    });
}

/// The time is over while the thread is done: exactly one of the two answers, and what the thread learns fits.
///
/// Shown to fail: `expire` that leaves the entry, or `finish` that answers without one: two answers. `expire`
/// that does not answer: none. A run that ends without its thread being found again: still lost at the end.
#[test]
fn timeout_against_an_answer() {
    loom::model(|| {
        let queue: Queue = Arc::default();
        assert!(queue.hire(1, 2));
        queue.submit(1, 1, SOON);
        let thread = {
            let queue = queue.clone();
            thread::spawn(move || {
                let Taken { key, run, work } = queue.take().expect("it is open");
                queue.finish(run, key, work * 10)
            })
        };
        assert!(queue.expire(|_| LATE).is_empty(), "what is not taken has not begun, what is taken is out");
        let verdict = thread.join().expect("the thread ends");
        let (threads, lost, late) = queue.figures();
        assert_eq!(lost, 0, "a thread that is back is not lost");
        match queue.drain()[..] {
            [(1, 10)] => assert_eq!((verdict, threads, late), (Verdict::GoOn, 1, 0)),
            [(1, LATE)] => assert_eq!((verdict, threads, late), (Verdict::Leave, 0, 1)),
            ref other => panic!("not one answer: {other:?}"),
        }
    });
}

/// A request is taken back while its thread is done: it is answered before, or never.
///
/// Shown to fail: `cancel` that leaves the answers, or `finish` that answers without an entry: an answer after
/// it. `close` without the notification: deadlock.
#[test]
fn cancel_against_an_answer() {
    loom::model(|| {
        let queue: Queue = Arc::default();
        let thread = worker(&queue);
        queue.submit(1, 1, EVER);
        drop(queue.cancel(1));
        assert!(queue.drain().is_empty(), "none after it was taken back");
        queue.submit(2, 2, EVER);
        assert_eq!(answers(&queue, 1), [(2, 20)]);
        assert!(queue.close().is_empty());
        thread.join().expect("the thread leaves");
    });
}

/// Work that waits is woken while the thread that polled it gives it back: it is taken again, and sees what came
/// before its wake-up.
///
/// Shown to fail: `wake` that forgets to tell the run that has the work, or `park` that does not look: it is
/// never taken again (deadlock).
#[test]
fn a_wake_up_while_it_is_given_back() {
    loom::model(|| {
        let queue: Queue = Arc::default();
        assert!(queue.hire(1, 1));
        let value = Arc::new(Plain::new(0));
        queue.submit(1, 1, EVER);
        let thread = {
            let (queue, value) = (queue.clone(), value.clone());
            thread::spawn(move || {
                let Taken { key, run, work } = queue.take().expect("it is open");
                let waker = {
                    let (queue, value) = (queue.clone(), value.clone());
                    thread::spawn(move || {
                        value.set(7);
                        queue.wake(key);
                    })
                };
                let (verdict, unwanted) = queue.park(run, key, work);
                assert_eq!((verdict, unwanted), (Verdict::GoOn, None));
                let Taken { key, run, .. } = queue.take().expect("it was woken");
                let verdict = queue.finish(run, key, value.get());
                waker.join().expect("the waker ends");
                verdict
            })
        };
        assert_eq!(thread.join().expect("the thread ends"), Verdict::GoOn);
        assert_eq!(queue.drain(), [(1, 7)]);
    });
}

/// The commit sleeps for an answer that comes meanwhile, and the queue closes under a thread at work.
///
/// Shown to fail: a thread that leaves without being counted, or without the notification: the last wait never
/// ends (a panic of its own bound, or deadlock).
#[test]
fn a_wait_and_a_close() {
    loom::model(|| {
        let queue: Queue = Arc::default();
        let thread = worker(&queue);
        queue.submit(1, 1, EVER);
        let mut seen = queue.drain();
        if seen.is_empty() {
            queue.wait();
            seen = queue.drain();
        }
        let waiting = queue.close();
        assert!(queue.wait_empty(Duration::MAX));
        thread.join().expect("the thread leaves");
        seen.append(&mut queue.drain());
        // Closing takes back what nobody has; an answer that comes after it is for nobody.
        let late = queue.figures().2;
        assert_eq!(seen.len() as u64 + waiting.len() as u64 + late, 1, "it is somewhere, once");
        assert!(seen.iter().all(|answer| *answer == (1, 10)));
    });
}
