//! Jobs: work that takes longer than a frame, asked for in one frame and answered in a later one.
//!
//! Invariant: an open request is an entity of the world, stored, digested and recovered as any state; an answer
//! is an input of the frame whose commit takes it, and in that frame's record. So a replay runs no job, and
//! what a job does reaches the world only through the value it returns. Left out: progress of a job that runs,
//! and priorities.

mod annex;
mod codec;
mod error;
mod executor;
mod mailbox;
mod param;
pub mod queue;
mod work;

pub(crate) use annex::Desk;
pub(crate) use codec::{OpenRequest, OpenRequestCodec};
pub use error::{JOB_ERROR_BYTES_MAX, JobError, JobRefused};
pub use executor::{JOB_DROP_WAIT_MAX, JOB_THREADS, JOB_THREADS_LOST_MAX, JOB_THREADS_MAX};
pub use param::{Answered, Jobs};
pub use work::ANSWER_BYTES_MAX;
pub(crate) use work::{Given, Run};

use crate::buffer::{Codec, CodecError};
use core::any::{Any, TypeId, type_name};
use std::sync::Arc;
use std::time::Duration;

/// Bytes of a request, encoded; a larger one is refused at its start.
pub const REQUEST_BYTES_MAX: usize = 1 << 16;
/// Open requests of one system for one job, unless said otherwise.
pub const JOBS_OPEN_MAX: u32 = 256;
/// How long a job may run, unless said otherwise.
pub const JOB_TIMEOUT: Duration = Duration::from_secs(60);
/// The stored name of the state type of open requests.
pub(crate) const REQUEST_TYPE_NAME: &str = "diptych.job";

/// Names a job by what it is asked and what it answers. How it is carried out is said at its registration, so
/// that a test can put something else in its place.
///
/// A job may run more than once: open requests are asked again after a restart. Its answer counts once.
///
/// ```
/// use diptych_engine::prelude::*;
///
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Town(u64);
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Sky(f64);
///
/// struct Forecast;
/// impl Job for Forecast {
///     type Request = Town;
///     type Answer = f64;
/// }
///
/// fn ask(mut skies: Query<(Id, Next<Sky>)>, mut jobs: Jobs<Forecast>) {
///     for (_, mut sky) in &mut skies {
///         for Answered { answer, .. } in jobs.answers() {
///             sky.set(Sky(answer.unwrap_or(f64::NAN)));
///         }
///     }
///     if jobs.open() == 0 {
///         // Too many open requests are a value, too.
///         let _refused = jobs.start(&Town(7));
///     }
/// }
///
/// # fn main() -> diptych_engine::Result<()> {
/// let mut engine = Engine::in_memory()
///     .state::<Sky>("weather.sky", 1)
///     .job::<Forecast>("weather.forecast", 1, |town| Ok(town.0 as f64 * 2.0))
///     .job_latency(3)
///     .system("ask", ask)
///     .setup("weather", |structure| {
///         structure.spawn((Sky(0.0),));
///     })
///     .build()?;
/// engine.run(Pace::frames(5))?;
/// assert_eq!(engine.view().single::<Sky>().map(|sky| sky.0), Some(14.0));
/// # Ok(())
/// # }
/// ```
pub trait Job: 'static {
    /// What is asked.
    type Request: 'static;
    /// What is answered.
    type Answer: 'static;
}

/// How a job's values become bytes and back.
pub(crate) struct Coding<J: Job> {
    pub(crate) encode: fn(&J::Request, &mut Vec<u8>),
    pub(crate) request: fn(&[u8]) -> Result<J::Request, CodecError>,
    pub(crate) answer: fn(&[u8]) -> Result<J::Answer, CodecError>,
}

impl<J: Job> Clone for Coding<J> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<J: Job> Copy for Coding<J> {}

/// Says whether bytes are a value.
type Check = Box<dyn Fn(&[u8]) -> Result<(), CodecError> + Send + Sync>;

/// One job as it was registered.
pub(crate) struct JobSpec {
    pub(crate) name: Arc<str>,
    pub(crate) version: u32,
    pub(crate) type_id: TypeId,
    pub(crate) type_name: &'static str,
    pub(crate) run: Run,
    pub(crate) timeout: Duration,
    pub(crate) open_max: u32,
    /// The [`Coding`] of the type behind `type_id`.
    pub(crate) coding: Box<dyn Any + Send + Sync>,
    pub(crate) check_request: Check,
    pub(crate) check_answer: Check,
}

impl JobSpec {
    /// A job `J` with its codecs; `run` gets the decoded request and gives the encoded answer.
    pub(crate) fn new<J: Job, Q: Codec<J::Request>, A: Codec<J::Answer>>(
        name: &str,
        version: u32,
        run: Run,
    ) -> Self {
        let coding = Coding::<J> { encode: Q::encode, request: Q::decode, answer: A::decode };
        Self {
            name: name.into(),
            version,
            type_id: TypeId::of::<J>(),
            type_name: type_name::<J>(),
            run,
            timeout: JOB_TIMEOUT,
            open_max: JOBS_OPEN_MAX,
            coding: Box::new(coding),
            check_request: Box::new(move |bytes| (coding.request)(bytes).map(drop)),
            check_answer: Box::new(move |bytes| (coding.answer)(bytes).map(drop)),
        }
    }

    /// Carries out a job by a function.
    pub(crate) fn call<J: Job, Q: Codec<J::Request>, A: Codec<J::Answer>>(
        run: impl Fn(&J::Request) -> Result<J::Answer, String> + Send + Sync + 'static,
    ) -> Run {
        Run::Call(Arc::new(move |bytes| {
            let request = Q::decode(bytes).map_err(|error| format!("its request cannot be read: {error}"))?;
            encoded::<J, A>(&run(&request)?)
        }))
    }

    /// Carries out a job by a future.
    pub(crate) fn ask<J: Job, Q: Codec<J::Request>, A: Codec<J::Answer>, F>(
        ask: impl Fn(J::Request) -> F + Send + Sync + 'static,
    ) -> Run
    where
        F: Future<Output = Result<J::Answer, String>> + Send + 'static,
    {
        Run::Ask(Arc::new(move |bytes| {
            let request = Q::decode(bytes).map_err(|error| format!("its request cannot be read: {error}"))?;
            let asked = ask(request);
            Ok(Box::pin(async move { encoded::<J, A>(&asked.await?) }))
        }))
    }
}

/// The bytes of an answer, which must be readable: who asked will not be able to refuse them.
fn encoded<J: Job, A: Codec<J::Answer>>(answer: &J::Answer) -> Given {
    let mut bytes = Vec::new();
    A::encode(answer, &mut bytes);
    match A::decode(&bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(format!("its answer cannot be read back: {error}")),
    }
}

/// All jobs of a world, as they were registered.
#[derive(Default)]
pub(crate) struct JobSpecs {
    pub(crate) list: Vec<JobSpec>,
    pub(crate) timeouts: Vec<(TypeId, &'static str, Duration)>,
    pub(crate) open_max: Vec<(TypeId, &'static str, u32)>,
    pub(crate) latency: Option<u64>,
    pub(crate) threads: Option<u32>,
}
