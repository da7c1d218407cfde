//! Jobs without threads: the commit carries them out, in their order.
//!
//! Invariant: a function is answered in the first `tend` after it was submitted; a future is polled once in every
//! `tend` until it is ready or its time is over. A function that takes long holds up the tick, and one
//! that never returns holds it for ever: where there are no threads, nothing can take it away.

use crate::job::codec::Outcome;
use crate::job::error::JobError;
use crate::job::work::{Ran, Work};
use crate::sync::{Deadline, Mutex};
use std::task::Waker;
use std::time::Duration;

pub(in crate::job) struct Executor(Mutex<State>);

#[derive(Default)]
struct State {
    /// In the order in which they were submitted.
    open: Vec<Open>,
    answers: Vec<(u64, Outcome)>,
}

struct Open {
    key: u64,
    work: Work,
    timeout: Duration,
    /// From when it was first run.
    until: Option<Deadline>,
}

impl Executor {
    pub(in crate::job) fn new(_threads: u32) -> Self {
        Self(Mutex::default())
    }

    pub(in crate::job) fn submit(&self, key: u64, work: Work, timeout: Duration) {
        self.0.lock().open.push(Open { key, work, timeout, until: None });
    }

    pub(in crate::job) fn cancel(&self, key: u64) {
        let mut state = self.0.lock();
        state.answers.retain(|(answered, _)| *answered != key);
        let cancelled: Vec<Open> = state.open.extract_if(.., |open| open.key == key).collect();
        drop(state);
        cancelled.into_iter().for_each(|open| open.work.discard());
    }

    /// Runs everything that is open as far as it goes.
    pub(in crate::job) fn tend(&self) {
        let open = core::mem::take(&mut self.0.lock().open);
        for Open { key, work, timeout, until } in open {
            if until.is_some_and(|until| until.left().is_some_and(|left| left.is_zero())) {
                work.discard();
                self.0.lock().answers.push((key, Err(JobError::TimedOut { after: timeout })));
                continue;
            }
            let until = until.or_else(|| Some(Deadline::after(timeout)));
            // Nothing has to wake what is polled in every commit.
            let ran = work.run(|| Waker::noop().clone());
            let mut state = self.0.lock();
            match ran {
                Ran::Done(outcome) => state.answers.push((key, outcome)),
                Ran::Waits(work) => state.open.push(Open { key, work, timeout, until }),
            }
        }
    }

    pub(in crate::job) fn drain(&self) -> Vec<(u64, Outcome)> {
        core::mem::take(&mut self.0.lock().answers)
    }

    /// Lets others run; without a clock, which would end the wait, what is open is given up.
    pub(in crate::job) fn wait(&self) {
        if crate::timer::HAS_CLOCK {
            return std::thread::yield_now();
        }
        let open = core::mem::take(&mut self.0.lock().open);
        for Open { key, work, timeout, .. } in open {
            work.discard();
            self.0.lock().answers.push((key, Err(JobError::TimedOut { after: timeout })));
        }
    }

    pub(in crate::job) fn late(&self) -> u64 {
        0
    }

    pub(in crate::job) fn end(&self) {
        let open = core::mem::take(&mut self.0.lock().open);
        open.into_iter().for_each(|open| open.work.discard());
    }
}
