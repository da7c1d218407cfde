//! The threads of offloaded jobs: a queue, first in, first out.
//!
//! Invariant: a panic ends a job and no thread; where there are no threads, jobs are done by who gives them.

use diptych_engine::Patch;
use diptych_engine::sync::{Condvar, Deadline, Mutex};
use diptych_systems::offload::{Offload, Snapshot};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

type Answer = Result<Vec<Patch>, String>;

/// A job that was asked about a frame.
pub(super) struct Order {
    job: Offload,
    snapshot: Mutex<Option<Snapshot>>,
    frame: u64,
    answer: Mutex<Option<Answer>>,
    answered: Condvar,
}

impl Order {
    pub(super) fn new(job: Offload, snapshot: Snapshot) -> Self {
        let frame = snapshot.frame();
        let (snapshot, answer) = (Mutex::new(Some(snapshot)), Mutex::default());
        Self { job, snapshot, frame, answer, answered: Condvar::new() }
    }

    pub(super) fn frame(&self) -> u64 {
        self.frame
    }

    /// The answer, if it is there; it is given once.
    pub(super) fn answer(&self) -> Option<Answer> {
        self.answer.lock().take()
    }

    /// The answer, when it is there.
    pub(super) fn wait(&self, deadline: Deadline) -> Option<Answer> {
        let mut answer = self.answer.lock();
        let mut elapsed = false;
        while answer.is_none() && !elapsed {
            (answer, elapsed) = self.answered.wait_until(&self.answer, answer, deadline);
        }
        answer.take()
    }

    /// Puts an answer in its place.
    pub(super) fn keep(&self, answer: Answer) {
        *self.answer.lock() = Some(answer);
        self.answered.notify_all();
    }

    fn work(&self) {
        let Some(snapshot) = self.snapshot.lock().take() else { return };
        let done = catch_unwind(AssertUnwindSafe(|| self.job.work(&snapshot)));
        self.keep(
            done.unwrap_or_else(|panic| Err(format!("it panicked: {}", diptych_engine::panic_text(&*panic)))),
        );
    }
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    work: Condvar,
}

#[derive(Default)]
struct Waiting {
    orders: VecDeque<Arc<Order>>,
    closed: bool,
}

/// The threads; they end when this is dropped and what they are at is done.
pub(super) struct Crew {
    queue: Arc<Queue>,
    threads: usize,
}

impl Crew {
    /// Starts so many threads, or one less than the machine has.
    pub(super) fn start(threads: Option<usize>) -> Self {
        let cores = || std::thread::available_parallelism().map_or(1, core::num::NonZero::get);
        let wanted =
            threads.unwrap_or_else(|| cores().saturating_sub(1)).clamp(1, super::OFFLOAD_THREADS_MAX);
        let queue = Arc::new(Queue::default());
        let started = (0..wanted).filter(|number| {
            let queue = queue.clone();
            let thread = std::thread::Builder::new().name(format!("offload-{number}"));
            thread.spawn(move || queue.serve()).is_ok()
        });
        let threads = started.count();
        Self { queue, threads }
    }

    pub(super) fn give(&self, order: Arc<Order>) {
        if self.threads == 0 {
            return order.work();
        }
        let mut waiting = self.queue.waiting.lock();
        // Who gave an order and does not want it any more (a rollback, a bound that elapsed) has let go of it. So there
        // are as many as the jobs may have under way.
        waiting.orders.retain(|order| Arc::strong_count(order) > 1);
        waiting.orders.push_back(order);
        drop(waiting);
        self.queue.work.notify_all();
    }
}

#[cfg(test)]
impl Crew {
    /// Orders that nobody has begun.
    pub(super) fn waiting(&self) -> usize {
        self.queue.waiting.lock().orders.len()
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        let mut waiting = self.queue.waiting.lock();
        waiting.closed = true;
        waiting.orders.clear();
        self.queue.work.notify_all();
    }
}

impl Queue {
    fn serve(&self) {
        loop {
            let mut waiting = self.waiting.lock();
            let order = loop {
                if waiting.closed {
                    return;
                }
                if let Some(order) = waiting.orders.pop_front() {
                    break order;
                }
                (waiting, _) = self.work.wait_until(&self.waiting, waiting, Deadline::after(Duration::MAX));
            };
            drop(waiting);
            order.work();
        }
    }
}
