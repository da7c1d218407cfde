//! Offloaded jobs: pure functions of committed columns, run apart from the frame, whose patches come back as inputs.
//!
//! A job sees a [`Snapshot`] of the frame that it belongs to, and answers patches of the types that it said it writes. What
//! it answers is an input of a later frame, logged as any, so that a replay has the patches and runs no job.
//!
//! Invariant: a job reaches the world by its answer alone; answers come in the order of the frames that were asked about.
//! A patch that fits no more, since its entity is gone, is passed over; the others are carried out. Left out: threads, which
//! are `diptych`'s, and jobs whose request is state ([`Jobs`]): those are asked again after a restart, these are not.

use core::any::{Any, TypeId, type_name};
use diptych_components::fields::{Fields, put_bytes};
use diptych_engine::prelude::*;
use diptych_engine::{Applier, Copied, Patch, Registrar};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Frames of one job that may be under way, unless said otherwise.
pub const OFFLOAD_OPEN_MAX: usize = 4;
/// The stored name of the input by which answers come back.
pub const OFFLOAD_INPUT_NAME: &str = "offload.patches";

/// What a job sees: copies of the columns that it reads, of one committed frame.
#[derive(Default)]
pub struct Snapshot {
    frame: u64,
    step: u64,
    parts: BTreeMap<TypeId, Box<dyn Any + Send + Sync>>,
}

impl core::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Snapshot").field("frame", &self.frame).finish_non_exhaustive()
    }
}

impl Snapshot {
    /// The frame.
    #[must_use]
    pub fn frame(&self) -> u64 {
        self.frame
    }

    /// Steps made by then.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.step
    }

    /// A column: the entities that held a type, and their values.
    ///
    /// # Panics
    /// When the job did not say that it reads the type.
    #[must_use]
    pub fn column<T: Clone + Send + Sync + 'static>(&self) -> &Copied<T> {
        self.extra::<Copied<T>>()
    }

    /// What a job asked for beside its columns.
    ///
    /// # Panics
    /// When it did not.
    #[must_use]
    pub fn extra<X: Send + Sync + 'static>(&self) -> &X {
        let part = self.parts.get(&TypeId::of::<X>()).and_then(|part| part.downcast_ref());
        part.unwrap_or_else(|| panic!("the job did not say that it reads {}", type_name::<X>()))
    }
}

/// Says to a build by which name a type is expected, and by whom.
type Expect = fn(&mut Registrar, &str, &str);
type Take = Arc<dyn Fn(View<'_>, &mut Snapshot) + Send + Sync>;
type Work = Arc<dyn Fn(&Snapshot) -> Result<Vec<Patch>, String> + Send + Sync>;

/// A job as it is registered: what it reads and writes, how often it runs, and what it does.
///
/// # Examples
/// ```
/// use diptych_engine::Patch;
/// use diptych_systems::offload::Offload;
/// let mean = Offload::new("climate.mean", |seen| {
///     let heats = seen.column::<f64>();
///     let sum: f64 = heats.values.iter().sum();
///     let mean = sum / heats.values.len() as f64;
///     Ok(heats.ids.iter().map(|id| Patch::set(*id, "climate.mean", &(mean as f32))).collect())
/// })
/// .reads::<f64>()
/// .writes::<f32>("climate.mean")
/// .every(10)
/// .latency(3);
/// assert_eq!(mean.name(), "climate.mean");
/// ```
#[derive(Clone)]
pub struct Offload {
    name: String,
    takes: Vec<Take>,
    writes: Vec<(String, Expect)>,
    destroys: bool,
    every: u64,
    latency: Option<u64>,
    open_max: usize,
    work: Work,
}

impl core::fmt::Debug for Offload {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Offload").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Offload {
    /// A job of this name. It must be pure: what it answers follows from what it sees.
    pub fn new(
        name: &str,
        work: impl Fn(&Snapshot) -> Result<Vec<Patch>, String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.to_owned(),
            takes: Vec::new(),
            writes: Vec::new(),
            destroys: false,
            every: 1,
            latency: None,
            open_max: OFFLOAD_OPEN_MAX,
            work: Arc::new(work),
        }
    }

    /// It sees this column. Costs a copy of the column each time the job is asked.
    #[must_use]
    pub fn reads<T: Clone + Send + Sync + 'static>(self) -> Self {
        self.takes(|view| {
            let (mut ids, mut values) = (Vec::new(), Vec::new());
            for (table_ids, table_values) in view.tables::<T>() {
                ids.extend_from_slice(table_ids);
                values.extend_from_slice(table_values);
            }
            Copied { frame: view.frame(), ids, values }
        })
    }

    /// It sees something else that follows from the committed frame.
    #[must_use]
    pub fn takes<X: Send + Sync + 'static>(
        mut self,
        take: impl Fn(View<'_>) -> X + Send + Sync + 'static,
    ) -> Self {
        self.takes.push(Arc::new(move |view, snapshot: &mut Snapshot| {
            snapshot.parts.insert(TypeId::of::<X>(), Box::new(take(view)));
        }));
        self
    }

    /// It may set, add and remove this type, stored under this name.
    #[must_use]
    pub fn writes<T: Clone + Send + Sync + 'static>(mut self, component: &str) -> Self {
        self.writes.push((component.to_owned(), |registrar, by, name| {
            registrar.expects::<T>(by, name);
        }));
        self
    }

    /// It may end entities.
    #[must_use]
    pub fn destroys(mut self) -> Self {
        self.destroys = true;
        self
    }

    /// It is asked about every n-th frame only; 0 counts as 1.
    #[must_use]
    pub fn every(mut self, frames: u64) -> Self {
        self.every = frames.max(1);
        self
    }

    /// Its answer about a frame is an input of exactly the n-th frame after: the commit before waits for it. So a run does
    /// not depend on how fast the job is. 0 counts as 1.
    #[must_use]
    pub fn latency(mut self, frames: u64) -> Self {
        self.latency = Some(frames.max(1));
        self
    }

    /// So many frames may be under way; further ones are not asked about. 0 counts as 1.
    #[must_use]
    pub fn open_max(mut self, frames: usize) -> Self {
        self.open_max = frames.max(1);
        self
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many frames may be under way.
    #[must_use]
    pub fn most_open(&self) -> usize {
        self.open_max
    }

    /// Whether it is asked about this frame.
    #[must_use]
    pub fn is_asked_about(&self, frame: u64) -> bool {
        frame.is_multiple_of(self.every)
    }

    /// The frame whose commit gives out the answer about `frame` at the latest, if that is fixed.
    #[must_use]
    pub fn due(&self, frame: u64) -> Option<u64> {
        self.latency.map(|latency| frame.saturating_add(latency - 1))
    }

    /// What it is to see of this frame.
    #[must_use]
    pub fn look(&self, view: View<'_>) -> Snapshot {
        let mut snapshot = Snapshot { frame: view.frame(), step: view.step(), parts: BTreeMap::new() };
        self.takes.iter().for_each(|take| take(view, &mut snapshot));
        snapshot
    }

    /// Does the job.
    ///
    /// # Errors
    /// Its own, and when it writes what it did not say it would; the message says what.
    ///
    /// # Panics
    /// When the job does.
    pub fn work(&self, snapshot: &Snapshot) -> Result<Vec<Patch>, String> {
        let patches = (self.work)(snapshot)?;
        for patch in &patches {
            match patch.component() {
                Some(name) if self.writes.iter().any(|(writes, _)| writes == name) => {}
                None if self.destroys => {}
                Some(name) => {
                    return Err(format!("it writes \"{name}\" and did not say so; add .writes(\"{name}\")"));
                }
                None => return Err("it ends entities and did not say so; add .destroys()".to_owned()),
            }
        }
        Ok(patches)
    }
}

/// An answer on its way into a frame.
#[derive(Clone, PartialEq, Debug)]
pub struct OffloadPatches {
    /// The job.
    pub job: String,
    /// The frame that it was asked about.
    pub frame: u64,
    /// What it wants changed.
    pub patches: Vec<Patch>,
}

/// The codec of [`OffloadPatches`].
#[derive(Debug)]
pub struct OffloadCodec;

impl Codec<OffloadPatches> for OffloadCodec {
    fn encode(value: &OffloadPatches, out: &mut Vec<u8>) {
        put_bytes(out, value.job.as_bytes());
        out.extend_from_slice(&value.frame.to_le_bytes());
        out.extend_from_slice(&Patch::encode(&value.patches));
    }

    fn decode(bytes: &[u8]) -> Result<OffloadPatches, CodecError> {
        let mut fields = Fields(bytes);
        let job = fields.text().map_err(CodecError::new)?.to_owned();
        let frame = fields.u64().map_err(CodecError::new)?;
        Ok(OffloadPatches { job, frame, patches: Patch::decode(fields.0)? })
    }
}

/// Registers the input by which answers come back, and looks for the types that jobs write; once a world. Patches that
/// were passed over are counted in `passed_over`.
pub fn register(registrar: &mut Registrar, jobs: &[Offload], passed_over: Arc<AtomicU64>) {
    for job in jobs {
        let by = format!("offloaded job {}", job.name);
        job.writes.iter().for_each(|(name, expect)| expect(registrar, &by, name));
    }
    registrar.input_with::<OffloadPatches, OffloadCodec>(OFFLOAD_INPUT_NAME, 1, move |applier, answer| {
        apply(applier, &answer, &passed_over);
    });
}

fn apply(applier: &mut Applier<'_, '_>, answer: &OffloadPatches, passed_over: &AtomicU64) {
    if answer.frame >= applier.frame() {
        // A rollback has undone the frame that it is about, and inputs wait on.
        tracing::debug!(job = answer.job, frame = answer.frame, "an answer about a frame that is undone");
        passed_over.fetch_add(answer.patches.len() as u64, Ordering::Relaxed);
        return;
    }
    for patch in &answer.patches {
        // The world went on meanwhile: what fits no more is no failure.
        if let Err(reason) = applier.patch(std::slice::from_ref(patch)) {
            tracing::debug!(job = answer.job, frame = answer.frame, reason, "a patch was passed over");
            passed_over.fetch_add(1, Ordering::Relaxed);
        }
    }
}
