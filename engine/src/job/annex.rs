//! The desk: what is open, what is answered and waits for who asked, and what each commit does about it.
//!
//! Invariant: the open requests are the entities that hold `OpenRequest`, no more and no less; an answer is taken
//! once, at a commit, in the order of (system, request), and its request goes in the same commit. Answers that
//! were taken wait in the mailbox of (system, job) until a frame in which that system runs.

#![expect(unsafe_code, reason = "implements operations of the commit")]

use super::codec::{Cursor, Letter, OpenRequest, Outcome, put_bytes};
use super::error::JobError;
use super::executor::{Executor, JOB_THREADS, JOB_THREADS_MAX};
use super::work::Work;
use super::{JobSpec, JobSpecs};
use crate::annex::Annex;
use crate::buffer::{CodecError, Typed};
use crate::editor::Editor;
use crate::error::{BuildError, Result};
use crate::id::Id;
use crate::stats::Stats;
use crate::structure::Target;
use crate::sync::Mutex;
use core::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// The stored name of the annex.
const ANNEX_NAME: &str = "jobs";

/// Everything about the jobs of a world.
pub(crate) struct Desk {
    /// In the order of their names.
    pub(crate) jobs: Vec<JobSpec>,
    latency: Option<u64>,
    requests: Arc<Typed<OpenRequest>>,
    executor: Executor,
    state: Mutex<State>,
    /// What is wrong with the registrations.
    wrong: Vec<BuildError>,
}

#[derive(Default)]
struct State {
    /// By (system, job).
    mailboxes: BTreeMap<(Arc<str>, Arc<str>), Arc<Mailbox>>,
    open: BTreeMap<Id, OpenRequest>,
    /// Answers that have come and are not taken yet.
    done: BTreeMap<Id, Outcome>,
    figures: Figures,
}

#[derive(Default)]
struct Figures {
    answered: u64,
    failed: u64,
    timed_out: u64,
    panicked: u64,
    too_large: u64,
    dropped: u64,
}

/// What a system that asks shares with the desk.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    /// Whether a system has this mailbox; a stored one may be of a system that is gone.
    pub(crate) held: AtomicBool,
    /// Whether the system ran in the frame being made.
    pub(crate) seen: AtomicBool,
    /// Open requests at the last commit.
    pub(crate) open: AtomicU32,
    letters: Mutex<Arc<Vec<Letter>>>,
}

impl Mailbox {
    /// The answers that the last commit left here.
    pub(crate) fn letters(&self) -> Arc<Vec<Letter>> {
        self.letters.lock().clone()
    }
}

impl Desk {
    pub(crate) fn new(specs: JobSpecs, requests: Arc<Typed<OpenRequest>>) -> Self {
        let JobSpecs { list: mut jobs, timeouts, open_max, latency, threads } = specs;
        jobs.sort_by(|a, b| (&a.name, a.type_name).cmp(&(&b.name, b.type_name)));
        let mut wrong = Vec::new();
        for (n, job) in jobs.iter().enumerate() {
            let twin = |other: &&JobSpec| other.name == job.name || other.type_id == job.type_id;
            if let Some(first) = jobs[..n].iter().find(twin) {
                wrong.push(BuildError::DuplicateType {
                    what: "a job or its name".to_owned(),
                    first: format!("{} ({})", first.name, first.type_name),
                    second: format!("{} ({})", job.name, job.type_name),
                });
            }
        }
        let unknown = |who: &str, type_name: &'static str| BuildError::UnknownJob {
            who: who.to_owned(),
            type_name: type_name.to_owned(),
        };
        for (type_id, type_name, timeout) in timeouts {
            match jobs.iter_mut().find(|job| job.type_id == type_id) {
                Some(job) => job.timeout = timeout,
                None => wrong.push(unknown(".job_timeout()", type_name)),
            }
        }
        for (type_id, type_name, max) in open_max {
            match jobs.iter_mut().find(|job| job.type_id == type_id) {
                Some(job) => job.open_max = max,
                None => wrong.push(unknown(".jobs_open_max()", type_name)),
            }
        }
        let threads = threads.unwrap_or(JOB_THREADS).clamp(1, JOB_THREADS_MAX);
        let (executor, state) = (Executor::new(threads), Mutex::default());
        Self { jobs, latency, requests, executor, state, wrong }
    }

    /// The job of a type.
    pub(crate) fn job(&self, type_id: TypeId) -> Option<&JobSpec> {
        self.jobs.iter().find(|job| job.type_id == type_id)
    }

    /// The mailbox of a system and a job, which the system now has.
    pub(crate) fn mailbox(&self, system: &Arc<str>, job: &Arc<str>) -> Arc<Mailbox> {
        let mut state = self.state.lock();
        let mailbox = state.mailboxes.entry((system.clone(), job.clone())).or_default();
        mailbox.held.store(true, Ordering::Relaxed);
        mailbox.clone()
    }

    fn named(&self, name: &str) -> Option<&JobSpec> {
        self.jobs.iter().find(|job| &*job.name == name)
    }

    /// Takes note of requests, and has them carried out, in the order of (system, request).
    fn enter(&self, state: &mut State, mut arrived: Vec<(Id, OpenRequest)>) {
        arrived.sort_by(|a, b| (&a.1.system, a.0).cmp(&(&b.1.system, b.0)));
        for (id, request) in arrived {
            let Some(job) = self.readable(&request) else {
                // Answered without having been asked: its mailbox cannot be, so it is dropped and counted.
                let (name, version) = (&*request.job, request.version);
                tracing::warn!(job = name, version, %id, "a stored request is of no registered job and version");
                state.done.insert(id, Err(JobError::failed("no such job is registered".to_owned())));
                state.open.insert(id, request);
                continue;
            };
            let work = Work::New(job.run.clone(), request.bytes.clone());
            self.executor.submit(id.bits(), work, job.timeout);
            state.open.insert(id, request);
        }
    }

    /// The job of a request, if it can be carried out and given back.
    fn readable(&self, request: &OpenRequest) -> Option<&JobSpec> {
        let job = self.named(&request.job).filter(|job| job.version == request.version)?;
        (job.check_request)(&request.bytes).is_ok().then_some(job)
    }

    /// Rows of open requests that were set in the frame being committed, or all of them.
    fn rows(&self, editor: &Editor<'_>, all: bool) -> Vec<(Id, OpenRequest)> {
        let mut rows = Vec::new();
        for (table, marks) in self.requests.by_table.iter() {
            let table = &editor.world.storages().tables[table];
            let ids = editor.ids.ids(table);
            // SAFETY: the commit has the world to itself, and nothing is written while the values are copied.
            let Some(values) = (unsafe { self.requests.values(table, editor.slot) }) else { continue };
            let mut add = |run: core::ops::Range<usize>| {
                rows.extend(run.map(|row| (ids[row], values[row].clone())));
            };
            if all {
                add(0..values.len());
            } else {
                marks.changed_runs(editor.slot, editor.stamp, |run, _| add(run));
            }
        }
        rows
    }

    /// Waits until every request that is due has its answer: each ends at its timeout at the latest, so this
    /// takes at most (requests before it + 1) timeouts.
    fn wait_for(&self, state: &mut State, due: &[Id]) {
        while due.iter().any(|id| !state.done.contains_key(id)) {
            self.executor.wait();
            self.executor.tend();
            state.collect(self.executor.drain());
        }
    }

    /// Takes answers: the requests go, the mailboxes fill.
    fn take(&self, state: &mut State, editor: &mut Editor<'_>, mut due: Vec<Id>) {
        due.sort_by(|a, b| (&state.open[a].system, a).cmp(&(&state.open[b].system, b)));
        ANNEX_NAME.clone_into(&mut editor.acting);
        for id in due {
            let (Some(request), Some(outcome)) = (state.open.remove(&id), state.done.remove(&id)) else {
                continue;
            };
            if let Some(entity) = editor.find(Target::Id(id)) {
                editor.despawn(entity);
            }
            let readable = self.readable(&request).is_some();
            let key = (request.system, request.job);
            let mailbox = state.mailboxes.get(&key).filter(|mailbox| mailbox.held.load(Ordering::Relaxed));
            let Some(mailbox) = mailbox.filter(|_| readable) else {
                state.figures.dropped += 1;
                continue;
            };
            state.figures.count(&outcome);
            let mut letters = mailbox.letters.lock();
            Arc::make_mut(&mut letters).push(Letter { id, request: request.bytes, outcome });
        }
    }
}

impl State {
    /// Keeps the answers whose requests are open; others are dropped and counted.
    fn collect(&mut self, answers: Vec<(u64, Outcome)>) {
        for (key, outcome) in answers {
            let id = Id::from_bits(key);
            if self.open.contains_key(&id) {
                self.done.insert(id, outcome);
            } else {
                self.figures.dropped += 1;
            }
        }
    }

    /// What systems have seen in the frame being made is gone, and what waits for systems that are gone.
    fn clear_seen(&mut self) {
        for mailbox in self.mailboxes.values() {
            let seen = mailbox.seen.swap(false, Ordering::Relaxed);
            let held = mailbox.held.load(Ordering::Relaxed);
            if seen || !held {
                let mut letters = mailbox.letters.lock();
                if !held {
                    self.figures.dropped += letters.len() as u64;
                }
                if !letters.is_empty() {
                    Arc::make_mut(&mut letters).clear();
                }
            }
        }
    }

    fn forget(&mut self, id: Id) -> bool {
        if self.open.remove(&id).is_none() {
            return false;
        }
        self.done.remove(&id);
        true
    }

    /// Tells the systems how many of their requests are open.
    fn count_open(&self) {
        // Relaxed, as all the counts of a mailbox: the end of a wave comes between its writers and readers.
        self.mailboxes.values().for_each(|mailbox| mailbox.open.store(0, Ordering::Relaxed));
        for request in self.open.values() {
            if let Some(mailbox) = self.mailboxes.get(&(request.system.clone(), request.job.clone())) {
                mailbox.open.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Figures {
    fn count(&mut self, outcome: &Outcome) {
        self.answered += 1;
        let Err(error) = outcome else { return };
        self.failed += 1;
        match error {
            JobError::TimedOut { .. } => self.timed_out += 1,
            JobError::Panicked(_) => self.panicked += 1,
            JobError::TooLarge { .. } => self.too_large += 1,
            JobError::Failed(_) | JobError::NoThread { .. } => {}
        }
    }
}

impl Annex for Desk {
    fn name(&self) -> &str {
        ANNEX_NAME
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }

    unsafe fn exchange(&self, editor: &mut Editor<'_>, frame: u64) -> Result<()> {
        let state = &mut *self.state.lock();
        state.clear_seen();
        for id in self.requests.removed.get() {
            if state.forget(*id) {
                self.executor.cancel(id.bits());
            }
        }
        let before = state.open.len();
        let mut arrived = self.rows(editor, false);
        arrived.retain(|(id, _)| !state.open.contains_key(id));
        self.enter(state, arrived);
        if before + state.open.len() == 0 && self.requests.removed.get().is_empty() {
            return Ok(());
        }
        self.executor.tend();
        state.collect(self.executor.drain());
        let due: Vec<Id> = match self.latency {
            None => state.done.keys().copied().collect(),
            Some(latency) => {
                let due = state.open.iter().filter(|(_, open)| open.frame.saturating_add(latency) <= frame);
                let due: Vec<Id> = due.map(|(id, _)| *id).collect();
                self.wait_for(state, &due);
                due
            }
        };
        self.take(state, editor, due);
        state.count_open();
        Ok(())
    }

    fn is_quiet(&self) -> bool {
        self.state.lock().mailboxes.values().all(|mailbox| mailbox.letters.lock().is_empty())
    }

    fn size(&self) -> usize {
        let state = self.state.lock();
        let sizes = state.mailboxes.iter().map(|((system, job), mailbox)| {
            let letters: usize = mailbox.letters.lock().iter().map(Letter::size).sum();
            system.len() + job.len() + 16 + letters
        });
        4 + sizes.sum::<usize>()
    }

    fn write(&self, out: &mut Vec<u8>) {
        let state = self.state.lock();
        let full = || state.mailboxes.iter().filter(|(_, mailbox)| !mailbox.letters.lock().is_empty());
        out.extend_from_slice(&(full().count() as u32).to_le_bytes());
        for ((system, job), mailbox) in full() {
            let letters = mailbox.letters.lock();
            put_bytes(out, system.as_bytes());
            put_bytes(out, job.as_bytes());
            out.extend_from_slice(&self.named(job).map_or(0, |job| job.version).to_le_bytes());
            out.extend_from_slice(&(letters.len() as u32).to_le_bytes());
            letters.iter().for_each(|letter| letter.write(out));
        }
    }

    unsafe fn restore(&self, bytes: &[u8]) -> Result<(), CodecError> {
        let mut from = Cursor(bytes);
        let mut read: BTreeMap<(Arc<str>, Arc<str>), Vec<Letter>> = BTreeMap::new();
        for _ in 0..from.u32()? {
            let key: (Arc<str>, Arc<str>) = (from.text()?.into(), from.text()?.into());
            let version = from.u32()?;
            if read.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return Err(CodecError::new(format_args!("the answers for {} are out of order", key.0)));
            }
            let job = self.named(&key.1);
            if let Some(job) = job
                && job.version != version
            {
                return Err(CodecError::new(format_args!(
                    "answers of {} version {version} wait for {}, and version {} is registered; let the program that made them deliver them first",
                    key.1, key.0, job.version
                )));
            }
            let mut letters = Vec::new();
            for _ in 0..from.u32()? {
                let letter = Letter::read(&mut from)?;
                if let Some(job) = job {
                    (job.check_request)(&letter.request)?;
                    letter.outcome.as_ref().map_or(Ok(()), |answer| (job.check_answer)(answer))?;
                }
                letters.push(letter);
            }
            if letters.is_empty() {
                return Err(CodecError::new(format_args!("a mailbox of {} without answers", key.0)));
            }
            read.insert(key, letters);
        }
        from.end()?;
        let mut state = self.state.lock();
        state.mailboxes.values().for_each(|mailbox| *mailbox.letters.lock() = Arc::default());
        for (key, letters) in read {
            *state.mailboxes.entry(key).or_default().letters.lock() = Arc::new(letters);
        }
        Ok(())
    }

    unsafe fn begin(&self, editor: &mut Editor<'_>) {
        let rows = self.rows(editor, true);
        let mut state = self.state.lock();
        self.enter(&mut state, rows);
        state.count_open();
        if !state.open.is_empty() {
            self.executor.tend();
        }
    }

    fn end(&self) {
        self.executor.end();
    }

    fn explain(&self) -> Vec<String> {
        let state = self.state.lock();
        let line = |job: &JobSpec| {
            let askers = state.mailboxes.keys().filter(|(_, name)| *name == job.name);
            let askers: Vec<&str> = askers.map(|(system, _)| &**system).collect();
            let askers = if askers.is_empty() { "nobody".to_owned() } else { askers.join(", ") };
            let latency = self.latency.map_or_else(String::new, |frames| format!(", after {frames} frames"));
            format!(
                "job {} v{} ({}): asked by {askers}, at most {} open, {:?}{latency}",
                job.name, job.version, job.type_name, job.open_max, job.timeout
            )
        };
        self.jobs.iter().map(line).collect()
    }

    fn fill(&self, stats: &mut Stats) {
        let state = self.state.lock();
        stats.jobs_open = state.open.len() as u64;
        stats.jobs_answered = state.figures.answered;
        stats.jobs_failed = state.figures.failed;
        stats.jobs_timed_out = state.figures.timed_out;
        stats.jobs_panicked = state.figures.panicked;
        stats.jobs_too_large = state.figures.too_large;
        stats.jobs_dropped = state.figures.dropped + self.executor.late();
    }

    fn check(&self) -> Vec<BuildError> {
        self.wrong.clone()
    }
}
