//! The desk: what is open, what is answered and waits for who asked, and what each commit does about it.
//!
//! Invariant: the open requests are the entities that hold `OpenRequest`, no more and no less; an answer is taken
//! once, at a commit, in the order of (system, request), and its request goes in the same commit. Answers that
//! were taken wait in the mailbox of (system, job) until a frame in which that system runs.

#![expect(unsafe_code, reason = "implements operations of the commit")]

use super::codec::{Letter, OpenRequest};
use super::error::JobError;
use super::executor::{Executor, JOB_THREADS, JOB_THREADS_MAX};
use super::mailbox::{Mailbox, State, named, read_letters};
use super::work::Work;
use super::{JobSpec, JobSpecs};
use crate::annex::Annex;
use crate::buffer::{CodecError, Typed};
use crate::editor::Editor;
use crate::error::{BuildError, Result};
use crate::id::Id;
use crate::intake::Intake;
use crate::stats::Stats;
use crate::structure::Target;
use crate::sync::Mutex;
use core::any::{Any, TypeId};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The stored name of the annex.
const ANNEX_NAME: &str = "jobs";
/// The name under which answers stand in the log of inputs.
pub(crate) const INTAKE_NAME: &str = "diptych.answers";

/// Everything about the jobs of a world.
pub(crate) struct Desk {
    /// In the order of their names.
    pub(crate) jobs: Vec<JobSpec>,
    latency: Option<u64>,
    requests: Arc<Typed<OpenRequest>>,
    executor: Executor,
    /// Answers as they were taken: what a replay has in place of threads.
    intake: Intake,
    state: Mutex<State>,
    /// What is wrong with the registrations.
    wrong: Vec<BuildError>,
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
        let intake = Intake::new(INTAKE_NAME, 1);
        Self { jobs, latency, requests, executor, intake, state, wrong }
    }

    /// The job of a type.
    pub(crate) fn job(&self, type_id: TypeId) -> Option<&JobSpec> {
        self.jobs.iter().find(|job| job.type_id == type_id)
    }

    /// The mailbox of a system and a job, which the system now has.
    pub(crate) fn mailbox(&self, system: &Arc<str>, job: &JobSpec) -> Arc<Mailbox> {
        let mut state = self.state.lock();
        let mailbox = state.mailboxes.entry((system.clone(), job.name.clone())).or_default();
        mailbox.version.store(job.version, Ordering::Relaxed);
        mailbox.held.store(true, Ordering::Relaxed);
        mailbox.clone()
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
            // In a replay its answer is known already.
            if self.intake.replayed().is_none() {
                let work = Work::New(job.run.clone(), request.bytes.clone());
                self.executor.submit(id.bits(), work, job.timeout);
            }
            state.open.insert(id, request);
        }
    }

    /// The job of a request, if it can be carried out and given back.
    fn readable(&self, request: &OpenRequest) -> Option<&JobSpec> {
        let job = named(&self.jobs, &request.job).filter(|job| job.version == request.version)?;
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
    fn take(&self, state: &mut State, editor: &mut Editor<'_>, mut due: Vec<Id>) -> Result<()> {
        due.sort_by(|a, b| (&state.open[a].system, a).cmp(&(&state.open[b].system, b)));
        if self.intake.is_kept() {
            due.iter().for_each(|id| self.intake.note(|out| state.note_answer(*id, out)));
        }
        ANNEX_NAME.clone_into(&mut editor.acting);
        let before = self.requests.removed.get().len();
        for id in due {
            let (Some(request), Some(outcome)) = (state.open.remove(&id), state.done.remove(&id)) else {
                continue;
            };
            if let Some(entity) = editor.find(Target::Id(id)) {
                editor.despawn(entity)?;
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
        // Open requests that were attached below those have gone with them.
        self.forget(state, before);
        Ok(())
    }

    /// Cancels the requests that have gone in this commit, from the `first`-th on.
    fn forget(&self, state: &mut State, first: usize) {
        for id in &self.requests.removed.get()[first..] {
            if state.forget(*id) {
                self.executor.cancel(id.bits());
            }
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
        self.forget(state, 0);
        let before = state.open.len();
        let mut arrived = self.rows(editor, false);
        arrived.retain(|(id, _)| !state.open.contains_key(id));
        self.enter(state, arrived);
        if before + state.open.len() == 0 && self.requests.removed.get().is_empty() {
            return Ok(());
        }
        if let Some(taken) = self.intake.replayed() {
            let due = state.answered_then(&taken);
            self.take(state, editor, due)?;
            state.count_open();
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
        self.take(state, editor, due)?;
        state.count_open();
        Ok(())
    }

    fn is_quiet(&self) -> bool {
        self.state.lock().is_quiet()
    }

    fn size(&self) -> usize {
        self.state.lock().size()
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.state.lock().write(out);
    }

    unsafe fn restore(&self, bytes: &[u8]) -> Result<(), CodecError> {
        let letters = read_letters(&self.jobs, bytes)?;
        self.state.lock().restore(letters);
        Ok(())
    }

    fn intake(&self) -> Option<Intake> {
        Some(self.intake.clone())
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

    unsafe fn go_back(&self, editor: &mut Editor<'_>) {
        let mut rows = self.rows(editor, true);
        let mut state = self.state.lock();
        // What was asked later is taken back, and what was answered later is asked again.
        let asked: BTreeSet<Id> = rows.iter().map(|(id, _)| *id).collect();
        let later: Vec<Id> = state.open.keys().filter(|id| !asked.contains(id)).copied().collect();
        for id in later {
            state.forget(id);
            self.executor.cancel(id.bits());
        }
        rows.retain(|(id, _)| !state.open.contains_key(id));
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
        state.figures.fill(stats);
        stats.jobs_dropped += self.executor.late();
    }

    fn check(&self) -> Vec<BuildError> {
        self.wrong.clone()
    }
}
