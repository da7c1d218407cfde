//! Jobs on threads of their own, never on the frame's pool, which a slow job would hold up.
//!
//! Invariant: threads are started when there is work for the first time; one that is held by a job beyond its
//! timeout is given up and replaced, at most [`JOB_THREADS_LOST_MAX`] at once. Which work is answered how often is
//! `queue`'s affair. Futures are polled on the same threads; while one waits it holds none.

use super::{JOB_DROP_WAIT_MAX, JOB_THREADS_LOST_MAX};
use crate::job::codec::Outcome;
use crate::job::error::JobError;
use crate::job::queue::{JobQueue, Taken, Verdict};
use crate::job::work::{Ran, Work};
use crate::sync::{Mutex, thread};
use std::sync::{Arc, Weak};
use std::task::{Wake, Waker};
use std::time::Duration;

type Queue = JobQueue<Work, Outcome>;

pub(in crate::job) struct Executor {
    queue: Arc<Queue>,
    threads: u32,
    handles: Mutex<Vec<thread::JoinHandle<()>>>,
}

impl Executor {
    pub(in crate::job) fn new(threads: u32) -> Self {
        Self { queue: Arc::default(), threads, handles: Mutex::default() }
    }

    /// Hands out work; `tend` sees to it that somebody takes it.
    pub(in crate::job) fn submit(&self, key: u64, work: Work, timeout: Duration) {
        self.queue.submit(key, work, timeout);
    }

    pub(in crate::job) fn cancel(&self, key: u64) {
        self.queue.cancel(key).into_iter().for_each(Work::discard);
    }

    /// Answers for what takes too long, and starts the threads that are missing. Once a commit.
    pub(in crate::job) fn tend(&self) {
        let late = self.queue.expire(|timeout| Err(JobError::TimedOut { after: timeout }));
        late.into_iter().for_each(Work::discard);
        while self.queue.hire(self.threads, self.threads + JOB_THREADS_LOST_MAX) {
            let queue = self.queue.clone();
            let started = thread::Builder::new().name("diptych-job".to_owned()).spawn(move || work(&queue));
            match started {
                Ok(handle) => self.keep(handle),
                Err(error) => {
                    tracing::error!(%error, "the system gave no thread for jobs");
                    self.queue.dismiss();
                    break;
                }
            }
        }
        let (threads, lost, _) = self.queue.figures();
        if threads == 0 {
            self.queue.give_up(|_| Err(JobError::NoThread { lost })).into_iter().for_each(Work::discard);
        }
    }

    fn keep(&self, handle: thread::JoinHandle<()>) {
        let mut handles = self.handles.lock();
        // Those that were given up may be back by now, and need no joining.
        if handles.len() >= (self.threads + JOB_THREADS_LOST_MAX) as usize {
            handles.remove(0);
        }
        handles.push(handle);
    }

    /// Takes the answers that are there.
    pub(in crate::job) fn drain(&self) -> Vec<(u64, Outcome)> {
        self.queue.drain()
    }

    /// Waits a little for answers; call `tend` and `drain` again after it.
    pub(in crate::job) fn wait(&self) {
        self.queue.wait();
    }

    /// Answers that came too late.
    pub(in crate::job) fn late(&self) -> u64 {
        self.queue.figures().2
    }

    /// Ends the threads; those that a job holds are left behind after [`JOB_DROP_WAIT_MAX`].
    pub(in crate::job) fn end(&self) {
        self.queue.close().into_iter().for_each(Work::discard);
        let all_left = self.queue.wait_empty(JOB_DROP_WAIT_MAX) && self.queue.figures().1 == 0;
        let handles = core::mem::take(&mut *self.handles.lock());
        if all_left {
            // They catch the panics of jobs, so there is nothing to learn from their ends.
            handles.into_iter().for_each(|handle| drop(handle.join()));
        }
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.end();
    }
}

/// The life of a thread.
fn work(queue: &Arc<Queue>) {
    while let Some(Taken { key, run, work }) = queue.take() {
        let waker = || Waker::from(Arc::new(Wakes { queue: Arc::downgrade(queue), key }));
        let verdict = match work.run(waker) {
            Ran::Done(outcome) => queue.finish(run, key, outcome),
            Ran::Waits(work) => {
                let (verdict, unwanted) = queue.park(run, key, work);
                unwanted.into_iter().for_each(Work::discard);
                verdict
            }
        };
        if verdict == Verdict::Leave {
            return;
        }
    }
}

/// Puts a future that waits back into the line. It must not keep the queue, which keeps the future.
struct Wakes {
    queue: Weak<Queue>,
    key: u64,
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        if let Some(queue) = self.queue.upgrade() {
            queue.wake(self.key);
        }
    }
}
