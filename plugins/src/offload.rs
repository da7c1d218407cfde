//! Offloaded jobs in a world: threads apart from the frame, that are asked about frames and answer patches.
//!
//! Invariant: nothing runs before [`OffloadHandle::connect`], so a replay, which nobody connects, runs no job and has the
//! answers from the log. A job that panics or fails is an error with its name; its thread and the frame loop go on.
//! Left out: what was under way when a world was closed or rolled back: it is not answered, and the next due frame asks.

mod crew;
#[cfg(test)]
mod tests;

pub use diptych_systems::offload::*;

use crew::{Crew, Order};
use diptych_engine::sync::{Deadline, Mutex};
use diptych_engine::{Engine, Error, Inputs, Observer, Plugin, Registrar, Result, TrySendError, View};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Threads of one world's jobs at most; else there is one less than the machine has, and at least one.
pub const OFFLOAD_THREADS_MAX: usize = 64;
/// Errors that are kept until somebody takes them; the oldest go first.
pub const OFFLOAD_ERRORS_MAX: usize = 256;
/// How long a commit waits for an answer that is due.
pub const OFFLOAD_WAIT_MAX: Duration = Duration::from_secs(30);

/// A job that did not answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the offloaded job {job} did not answer for frame {frame}: {reason}")]
pub struct OffloadError {
    /// Its name.
    pub job: String,
    /// The frame it was asked about.
    pub frame: u64,
    /// Why.
    pub reason: String,
}

/// The offloaded jobs of a world.
///
/// # Examples
/// ```
/// use diptych::Patch;
/// use diptych::offload::{Offload, OffloadPlugin};
/// use diptych::prelude::*;
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Heat(f64);
/// #[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
/// #[repr(C)]
/// struct Mean(f64);
/// let mean = Offload::new("climate.mean", |seen| {
///     let heats = seen.column::<Heat>();
///     let mean = Mean(heats.values.iter().map(|heat| heat.0).sum::<f64>() / heats.values.len() as f64);
///     Ok(heats.ids.iter().map(|id| Patch::set(*id, "climate.mean", &mean)).collect())
/// });
/// let jobs = OffloadPlugin::new().job(mean.reads::<Heat>().writes::<Mean>("climate.mean").latency(2));
/// let handle = jobs.handle();
/// let mut engine = Engine::in_memory()
///     .state::<Heat>("climate.heat", 1)
///     .state::<Mean>("climate.mean", 1)
///     .plugin(jobs)
///     .setup("climate", |world| {
///         world.spawn((Heat(1.0), Mean(0.0)));
///         world.spawn((Heat(2.0), Mean(0.0)));
///     })
///     .build()?;
/// handle.connect(&engine);
/// engine.run(Pace::frames(3))?; // frame 1 is asked about, and its answer an input of frame 3
/// assert!(engine.view().iter::<Mean>().all(|(_, mean)| *mean == Mean(1.5)));
/// assert_eq!(handle.take_errors(), []);
/// # Ok::<(), diptych::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct OffloadPlugin {
    jobs: Vec<Offload>,
    threads: Option<usize>,
    handle: OffloadHandle,
}

impl OffloadPlugin {
    /// No job yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more job.
    #[must_use]
    pub fn job(mut self, job: Offload) -> Self {
        self.jobs.push(job);
        self
    }

    /// So many threads, from 1 to [`OFFLOAD_THREADS_MAX`].
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// What connects the jobs once the engine is there.
    #[must_use]
    pub fn handle(&self) -> OffloadHandle {
        self.handle.clone()
    }
}

impl Plugin for OffloadPlugin {
    fn name(&self) -> &'static str {
        "offload"
    }

    fn build(self, registrar: &mut Registrar) -> Result<()> {
        let Self { mut jobs, threads, handle } = self;
        let refuse = |setting, value, reason| Err(Error::Setting { setting, value, reason });
        if let Some(threads) = threads
            && !(1..=OFFLOAD_THREADS_MAX).contains(&threads)
        {
            return refuse("threads of offloaded jobs", threads.to_string(), "they must be from 1 to 64");
        }
        jobs.sort_by(|a, b| a.name().cmp(b.name()));
        if let Some(twins) = jobs.windows(2).find(|twins| twins[0].name() == twins[1].name()) {
            let name = format!("\"{}\"", twins[0].name());
            return refuse("the name of an offloaded job", name, "another job of this world is called so");
        }
        register(registrar, &jobs, handle.0.passed_over.clone());
        registrar.observer("offload", handle.0.clone());
        let mut state = handle.0.state.lock();
        state.threads = threads;
        state.lanes = jobs.into_iter().map(|job| Lane { job, open: VecDeque::new() }).collect();
        drop(state);
        Ok(())
    }
}

/// The jobs of a world, for who holds its engine; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct OffloadHandle(Arc<Desk>);

impl OffloadHandle {
    /// Begins: from the next commit on, jobs are asked. Nothing happens where they are connected already.
    pub fn connect(&self, engine: &Engine) {
        let mut state = self.0.state.lock();
        let threads = state.threads;
        state.connection.get_or_insert_with(|| (engine.inputs(), Crew::start(threads)));
    }

    /// Jobs that did not answer, since the last call.
    #[must_use]
    pub fn take_errors(&self) -> Vec<OffloadError> {
        self.0.errors.lock().drain(..).collect()
    }

    /// Frames of all jobs that are under way.
    #[must_use]
    pub fn open(&self) -> usize {
        self.0.state.lock().lanes.iter().map(|lane| lane.open.len()).sum()
    }

    /// Patches that fitted no more when they came, such as those of entities that were gone.
    #[must_use]
    pub fn passed_over(&self) -> u64 {
        self.0.passed_over.load(Ordering::Relaxed)
    }
}

#[derive(Default)]
struct Desk {
    state: Mutex<State>,
    errors: Mutex<VecDeque<OffloadError>>,
    passed_over: Arc<AtomicU64>,
}

#[derive(Default)]
struct State {
    /// In the order of the jobs' names.
    lanes: Vec<Lane>,
    threads: Option<usize>,
    connection: Option<(Inputs, Crew)>,
}

/// A job, and what it was asked, oldest first.
struct Lane {
    job: Offload,
    open: VecDeque<Arc<Order>>,
}

impl core::fmt::Debug for Desk {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Desk").field("jobs", &self.state.lock().lanes.len()).finish_non_exhaustive()
    }
}

impl Desk {
    fn note(&self, job: &str, frame: u64, reason: String) {
        let error = OffloadError { job: job.to_owned(), frame, reason };
        tracing::error!(%error, "an offloaded job did not answer");
        let mut errors = self.errors.lock();
        if errors.len() == OFFLOAD_ERRORS_MAX {
            errors.pop_front();
        }
        errors.push_back(error);
    }

    /// Gives out what is answered, in order; with a latency what is due, and no earlier.
    fn hand_in(&self, lane: &mut Lane, inputs: &Inputs, frame: u64) {
        while let Some(order) = lane.open.front() {
            let answer = match lane.job.due(order.frame()) {
                Some(due) if due > frame => return,
                Some(_) => match order.wait(Deadline::after(OFFLOAD_WAIT_MAX)) {
                    Some(answer) => answer,
                    None => Err(format!("it took longer than {} s", OFFLOAD_WAIT_MAX.as_secs())),
                },
                None => match order.answer() {
                    Some(answer) => answer,
                    None => return,
                },
            };
            let (job, asked) = (lane.job.name(), order.frame());
            match answer {
                Ok(patches) if patches.is_empty() => {}
                Ok(patches) => {
                    let answer = OffloadPatches { job: job.to_owned(), frame: asked, patches };
                    match inputs.try_send(&format!("offload {job}"), &answer) {
                        Ok(_) => {}
                        // It is given out by a later commit.
                        Err(TrySendError::Busy) => return order.keep(Ok(answer.patches)),
                        Err(error) => self.note(job, asked, error.to_string()),
                    }
                }
                Err(reason) => self.note(job, asked, reason),
            }
            lane.open.pop_front();
        }
    }
}

impl Observer for Desk {
    fn begin(&self, _: View<'_>) {
        // What was asked about frames that are no more is not wanted.
        self.state.lock().lanes.iter_mut().for_each(|lane| lane.open.clear());
    }

    fn commit(&self, view: View<'_>) {
        let mut state = self.state.lock();
        let State { lanes, connection: Some((inputs, crew)), .. } = &mut *state else { return };
        let frame = view.frame();
        for lane in lanes.iter_mut() {
            if lane.job.is_asked_about(frame) && lane.open.len() < lane.job.most_open() {
                let order = Arc::new(Order::new(lane.job.clone(), lane.job.look(view)));
                lane.open.push_back(order.clone());
                crew.give(order);
            }
        }
        for lane in lanes {
            self.hand_in(lane, inputs, frame);
        }
    }

    fn stopped(&self, _: &str) {
        self.state.lock().connection = None;
    }
}
