//! The queue between the commit and the threads of jobs: work goes out, each piece is answered once.
//!
//! The commit submits work under a key, takes answers, and answers for work that takes too long. A thread takes
//! work and gives back an answer, or, for work that waits for something else, the work itself until it is woken.
//!
//! Invariant: a key that was submitted is answered exactly once, unless it is cancelled; then never. What comes
//! for a key after that is dropped and counted.
//!
//! # Race argument
//! Everything is under one lock; what is left to argue is what happens between two holds of it.
//! 1. Every taking of work is a run with a number of its own. An entry that is out says which run has it. An
//!    answer counts only if the entry is still out with the very run that brings it: so of a thread that is
//!    done and a commit that gives up, the first to get the lock removes the entry, and the other finds none.
//! 2. A run is on the list of runs until it ends or is given up; giving up moves one thread to the lost. A
//!    thread learns at the end of its run that it was given up, and leaves: its place has been filled.
//! 3. Work that waits may be woken while its run still has it. The entry notes that, and goes back into the
//!    line when the run gives it back: no wake-up is lost between the last poll and the giving back.
//! 4. Both conditions are notified after a change under the lock, and looked at under it: no sleeper misses
//!    one.
//!
//! Nothing of the user's runs under the lock: work that is dropped is handed out first. Left out: how work is
//! carried out and by which threads (`executor`), and its order beyond first in, first out.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::sync::{Condvar, Deadline, Mutex};

/// Keys of cancelled work that the line may hold beyond as many as there is open work, twice.
const LINE_SPARE: usize = 64;
/// How long [`JobQueue::wait`] sleeps at most before it looks again.
pub const ANSWER_WAIT_MAX: Duration = Duration::from_millis(100);

/// Work of kind `W`, answered by values of kind `R`.
#[derive(Debug)]
pub struct JobQueue<W, R> {
    state: Mutex<State<W, R>>,
    /// Threads sleep here for work.
    work: Condvar,
    /// The commit sleeps here for answers and for threads that leave.
    answered: Condvar,
}

#[derive(Debug)]
struct State<W, R> {
    /// Keys in the order in which they are taken; those of cancelled work are skipped.
    line: VecDeque<u64>,
    entries: BTreeMap<u64, Entry<W>>,
    runs: BTreeMap<u64, Run>,
    /// Bounded by the entries: each becomes one answer at most.
    answers: Vec<(u64, R)>,
    next_run: u64,
    /// Threads at work or asleep, without those given up.
    threads: u32,
    /// Threads given up and not back yet.
    lost: u32,
    /// Answers that came too late.
    late: u64,
    closed: bool,
}

#[derive(Debug)]
struct Entry<W> {
    stage: Stage<W>,
    timeout: Duration,
    /// From when it was first taken.
    until: Option<Deadline>,
}

#[derive(Debug)]
enum Stage<W> {
    /// In the line.
    Ready(W),
    /// A thread has it.
    Out { run: u64, woken: bool },
    /// Waits to be woken.
    Parked(W),
}

#[derive(Debug, Clone, Copy)]
struct Run {
    key: u64,
    until: Deadline,
}

/// Work in a thread's hands.
#[derive(Debug)]
pub struct Taken<W> {
    /// The key it was submitted under.
    pub key: u64,
    /// The number of this run.
    pub run: u64,
    /// The work.
    pub work: W,
}

/// Whether a thread is still wanted at the end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It goes on.
    GoOn,
    /// It was given up and its place is filled: it leaves without another word.
    Leave,
}

impl<W, R> Default for JobQueue<W, R> {
    fn default() -> Self {
        let state = State {
            line: VecDeque::new(),
            entries: BTreeMap::new(),
            runs: BTreeMap::new(),
            answers: Vec::new(),
            next_run: 0,
            threads: 0,
            lost: 0,
            late: 0,
            closed: false,
        };
        Self { state: Mutex::new(state), work: Condvar::new(), answered: Condvar::new() }
    }
}

/// The commit's side.
impl<W, R> JobQueue<W, R> {
    /// Appends work, with the time it may take from when it is first taken.
    ///
    /// # Panics
    /// If the key is open already.
    pub fn submit(&self, key: u64, work: W, timeout: Duration) {
        let mut state = self.state.lock();
        let entry = Entry { stage: Stage::Ready(work), timeout, until: None };
        assert!(state.entries.insert(key, entry).is_none(), "job {key} was submitted twice");
        state.line.push_back(key);
        state.trim_line();
        drop(state);
        self.work.notify_all();
    }

    /// Forgets work; no answer of it comes after this. Gives the work back if no thread has it.
    pub fn cancel(&self, key: u64) -> Option<W> {
        let mut state = self.state.lock();
        state.answers.retain(|(answered, _)| *answered != key);
        state.entries.remove(&key)?.stage.into_work()
    }

    /// Takes the answers that are there.
    pub fn drain(&self) -> Vec<(u64, R)> {
        core::mem::take(&mut self.state.lock().answers)
    }

    /// Answers for work whose time is over, with `late` of that time, and gives up the threads that have it.
    /// Gives back what no thread has, to be dropped.
    pub fn expire(&self, late: impl Fn(Duration) -> R) -> Vec<W> {
        let mut state = self.state.lock();
        let over: Vec<u64> =
            state.runs.iter().filter(|(_, run)| is_over(run.until)).map(|(run, _)| *run).collect();
        for number in over {
            // A cancelled one still holds its thread.
            let Some(run) = state.runs.remove(&number) else { continue };
            state.threads -= 1;
            state.lost += 1;
            if let Some(timeout) = state.end(run.key, number) {
                state.answers.push((run.key, late(timeout)));
            }
        }
        let in_hand = |entry: &Entry<W>| !matches!(entry.stage, Stage::Out { .. });
        let waiting = state.entries.iter();
        let over: Vec<u64> = waiting
            .filter(|(_, entry)| in_hand(entry) && entry.until.is_some_and(is_over))
            .map(|(key, _)| *key)
            .collect();
        over.into_iter().filter_map(|key| state.answer_for(key, &late)).collect()
    }

    /// Answers for all work that no thread has, where there is no thread and none can be had.
    pub fn give_up(&self, answer: impl Fn(Duration) -> R) -> Vec<W> {
        let mut state = self.state.lock();
        let open: Vec<u64> = state.entries.keys().copied().collect();
        open.into_iter().filter_map(|key| state.answer_for(key, &answer)).collect()
    }

    /// Counts one thread more, if there are fewer than `threads` and, with the lost ones, fewer than `most`.
    pub fn hire(&self, threads: u32, most: u32) -> bool {
        let mut state = self.state.lock();
        let wanted = !state.closed && state.threads < threads && state.threads + state.lost < most;
        state.threads += u32::from(wanted);
        wanted
    }

    /// Takes back what [`JobQueue::hire`] counted: the thread could not be started.
    pub fn dismiss(&self) {
        self.state.lock().threads -= 1;
    }

    /// Sleeps until there may be an answer, or some work's time is over, or [`ANSWER_WAIT_MAX`].
    pub fn wait(&self) {
        let state = self.state.lock();
        if !state.answers.is_empty() {
            return;
        }
        let ends = state.entries.values().filter_map(|entry| entry.until?.left());
        let first = ends.fold(ANSWER_WAIT_MAX, Duration::min);
        drop(self.answered.wait_until(&self.state, state, Deadline::after(first)));
    }

    /// Ends the queue: threads leave when they are done. Gives back what no thread has, to be dropped.
    pub fn close(&self) -> Vec<W> {
        let mut state = self.state.lock();
        state.closed = true;
        let entries = core::mem::take(&mut state.entries);
        drop(state);
        self.work.notify_all();
        entries.into_values().filter_map(|entry| entry.stage.into_work()).collect()
    }

    /// Waits until all threads have left that were not given up; answers whether they have.
    pub fn wait_empty(&self, bound: Duration) -> bool {
        let deadline = Deadline::after(bound);
        let (mut state, mut elapsed) = (self.state.lock(), false);
        while state.threads > 0 && !elapsed {
            (state, elapsed) = self.answered.wait_until(&self.state, state, deadline);
        }
        state.threads == 0
    }

    /// Threads that can take work, threads given up and not back, answers that came too late.
    pub fn figures(&self) -> (u32, u32, u64) {
        let state = self.state.lock();
        (state.threads, state.lost, state.late)
    }
}

/// The side of the threads.
impl<W, R> JobQueue<W, R> {
    /// Waits for work; `None` when the queue is closed, which ends the thread's count.
    pub fn take(&self) -> Option<Taken<W>> {
        let mut state = self.state.lock();
        loop {
            if state.closed {
                state.threads -= 1;
                self.answered.notify_all();
                return None;
            }
            if let Some(taken) = state.take() {
                return Some(taken);
            }
            (state, _) = self.work.wait_until(&self.state, state, Deadline::after(Duration::MAX));
        }
    }

    /// Ends a run with an answer.
    pub fn finish(&self, run: u64, key: u64, answer: R) -> Verdict {
        let mut state = self.state.lock();
        let verdict = state.leave_run(run);
        // What is too late is dropped after the lock.
        let mut dropped = None;
        if state.end(key, run).is_some() {
            state.answers.push((key, answer));
            self.answered.notify_all();
        } else {
            state.late += 1;
            dropped = Some(answer);
        }
        drop(state);
        drop(dropped);
        verdict
    }

    /// Ends a run whose work waits for something else; the second value is the work if it is not wanted any
    /// more, to be dropped.
    pub fn park(&self, run: u64, key: u64, work: W) -> (Verdict, Option<W>) {
        let mut state = self.state.lock();
        let verdict = state.leave_run(run);
        let State { entries, line, .. } = &mut *state;
        let entry = entries.get_mut(&key).filter(|entry| entry.is_out_with(run));
        let Some(entry) = entry else { return (verdict, Some(work)) };
        if matches!(entry.stage, Stage::Out { woken: true, .. }) {
            entry.stage = Stage::Ready(work);
            line.push_back(key);
            self.work.notify_all();
        } else {
            entry.stage = Stage::Parked(work);
        }
        (verdict, None)
    }

    /// Puts parked work back into the line. Nothing happens where there is none.
    pub fn wake(&self, key: u64) {
        let mut state = self.state.lock();
        let State { entries, line, .. } = &mut *state;
        let Some(entry) = entries.get_mut(&key) else { return };
        match core::mem::replace(&mut entry.stage, Stage::Out { run: u64::MAX, woken: true }) {
            Stage::Parked(work) => {
                entry.stage = Stage::Ready(work);
                line.push_back(key);
                self.work.notify_all();
            }
            Stage::Out { run, .. } => entry.stage = Stage::Out { run, woken: true },
            ready @ Stage::Ready(_) => entry.stage = ready,
        }
    }
}

impl<W, R> State<W, R> {
    /// Forgets keys of work that is gone, where they outnumber the rest: nobody may be there to take them.
    fn trim_line(&mut self) {
        let Self { line, entries, .. } = self;
        if line.len() > 2 * entries.len() + LINE_SPARE {
            line.retain(|key| entries.contains_key(key));
        }
    }

    fn take(&mut self) -> Option<Taken<W>> {
        while let Some(key) = self.line.pop_front() {
            let Some(entry) = self.entries.get_mut(&key) else { continue };
            let run = self.next_run;
            match core::mem::replace(&mut entry.stage, Stage::Out { run, woken: false }) {
                Stage::Ready(work) => {
                    let until = *entry.until.get_or_insert_with(|| Deadline::after(entry.timeout));
                    self.next_run += 1;
                    self.runs.insert(run, Run { key, until });
                    return Some(Taken { key, run, work });
                }
                // In the line twice: the first time has been served.
                other => entry.stage = other,
            }
        }
        None
    }

    /// Takes a run off the list.
    fn leave_run(&mut self, run: u64) -> Verdict {
        if self.runs.remove(&run).is_some() {
            return Verdict::GoOn;
        }
        self.lost -= 1;
        Verdict::Leave
    }

    /// Removes the entry that is out with `run`; answers its timeout.
    fn end(&mut self, key: u64, run: u64) -> Option<Duration> {
        self.entries.get(&key).filter(|entry| entry.is_out_with(run))?;
        self.entries.remove(&key).map(|entry| entry.timeout)
    }

    /// Answers for an entry that no thread has; the work is to be dropped.
    fn answer_for(&mut self, key: u64, answer: impl Fn(Duration) -> R) -> Option<W> {
        self.entries.get(&key).filter(|entry| !matches!(entry.stage, Stage::Out { .. }))?;
        let entry = self.entries.remove(&key)?;
        self.answers.push((key, answer(entry.timeout)));
        entry.stage.into_work()
    }
}

impl<W> Entry<W> {
    fn is_out_with(&self, wanted: u64) -> bool {
        matches!(self.stage, Stage::Out { run, .. } if run == wanted)
    }
}

impl<W> Stage<W> {
    fn into_work(self) -> Option<W> {
        match self {
            Self::Ready(work) | Self::Parked(work) => Some(work),
            Self::Out { .. } => None,
        }
    }
}

fn is_over(until: Deadline) -> bool {
    until.left().is_some_and(|left| left.is_zero())
}

#[cfg(all(test, not(diptych_loom)))]
mod tests {
    use super::*;

    /// Work that is cancelled or given up leaves nothing behind, though no thread ever comes for it.
    #[test]
    fn the_line_is_bounded() {
        let queue = JobQueue::<(), ()>::default();
        for key in 0..10_000 {
            queue.submit(key, (), Duration::MAX);
            if key % 2 == 0 {
                queue.cancel(key);
            } else {
                queue.give_up(|_| ());
                queue.drain();
            }
        }
        assert!(queue.state.lock().line.len() <= LINE_SPARE + 2);
    }
}
