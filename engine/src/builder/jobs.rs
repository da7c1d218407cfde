//! The registrations of jobs: by value on the builder, by reference for plugins.
//!
//! Invariant: the engine's own state type for open requests is registered with the first job, and only then.

use super::{EngineBuilder, Registrar};
use crate::buffer::{Codec, PlainBytes};
use crate::error::BuildError;
use crate::job::{Desk, Job, JobSpec, JobSpecs, OpenRequest, OpenRequestCodec, REQUEST_TYPE_NAME};
use crate::registry::Registry;
use bytemuck::Pod;
use core::any::{TypeId, type_name};
use std::sync::Arc;
use std::time::Duration;

impl EngineBuilder {
    /// Registers a job with plain old data for request and answer; `run` carries it out, on a thread of its
    /// own and outside any frame. It may run more than once for a request, and must not wait for the engine.
    ///
    /// `name` is stored; raise `version` when request or answer change their meaning.
    #[must_use]
    pub fn job<J: Job<Request: Pod, Answer: Pod>>(
        mut self,
        name: &str,
        version: u32,
        run: impl Fn(&J::Request) -> Result<J::Answer, String> + Send + Sync + 'static,
    ) -> Self {
        self.registrar.job::<J>(name, version, run);
        self
    }

    /// Registers a job whose request is encoded by `Q` and whose answer by `A`.
    #[must_use]
    pub fn job_with<J: Job, Q: Codec<J::Request>, A: Codec<J::Answer>>(
        mut self,
        name: &str,
        version: u32,
        run: impl Fn(&J::Request) -> Result<J::Answer, String> + Send + Sync + 'static,
    ) -> Self {
        self.registrar.job_with::<J, Q, A>(name, version, run);
        self
    }

    /// Registers a job that is a future: while it waits it holds no thread. A future that runs into its timeout
    /// is dropped.
    ///
    /// ```
    /// use diptych_engine::prelude::*;
    /// struct Ask;
    /// impl Job for Ask {
    ///     type Request = u32;
    ///     type Answer = u64;
    /// }
    /// let builder = Engine::in_memory()
    ///     .job_future::<Ask, _>("weather.ask", 1, |town: u32| async move { Ok(u64::from(town) * 2) });
    /// # builder.build().unwrap();
    /// ```
    #[must_use]
    pub fn job_future<J: Job<Request: Pod, Answer: Pod>, F>(
        mut self,
        name: &str,
        version: u32,
        ask: impl Fn(J::Request) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<J::Answer, String>> + Send + 'static,
    {
        self.registrar.job_future::<J, F>(name, version, ask);
        self
    }

    /// Registers a job that is a future, with codecs.
    #[must_use]
    pub fn job_future_with<J: Job, Q: Codec<J::Request>, A: Codec<J::Answer>, F>(
        mut self,
        name: &str,
        version: u32,
        ask: impl Fn(J::Request) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<J::Answer, String>> + Send + 'static,
    {
        self.registrar.job_future_with::<J, Q, A, F>(name, version, ask);
        self
    }

    /// How long the job may run, of wall clock, from when it begins; 60 seconds unless said otherwise. Then it
    /// is answered with an error, and its thread is given up and replaced.
    #[must_use]
    pub fn job_timeout<J: Job>(mut self, timeout: Duration) -> Self {
        self.registrar.job_timeout::<J>(timeout);
        self
    }

    /// How many requests of this job one system may have open; 256 unless said otherwise.
    #[must_use]
    pub fn jobs_open_max<J: Job>(mut self, requests: u32) -> Self {
        self.registrar.jobs_open_max::<J>(requests);
        self
    }

    /// Takes every answer exactly `frames` frames after the frame that asked; the commit waits for it, at most
    /// until the job's timeout and those before it. Then a run does not depend on how long jobs take, as
    /// long as none runs into its timeout: for tests, headless tools and exact comparisons.
    ///
    /// It is no fact of the world: answers that were taken are in the record, and the rest follows this
    /// program. A job must not wait for a lease or an input then; the commit waits for it.
    #[must_use]
    pub fn job_latency(mut self, frames: u64) -> Self {
        self.registrar.jobs.latency = Some(frames);
        self
    }

    /// Threads of jobs, started with the first one; 2 unless said otherwise, and 1 to 256.
    #[must_use]
    pub fn job_threads(mut self, threads: u32) -> Self {
        self.registrar.jobs.threads = Some(threads);
        self
    }
}

impl Registrar {
    /// See [`EngineBuilder::job`].
    pub fn job<J: Job<Request: Pod, Answer: Pod>>(
        &mut self,
        name: &str,
        version: u32,
        run: impl Fn(&J::Request) -> Result<J::Answer, String> + Send + Sync + 'static,
    ) -> &mut Self {
        self.job_with::<J, PlainBytes, PlainBytes>(name, version, run)
    }

    /// See [`EngineBuilder::job_with`].
    pub fn job_with<J: Job, Q: Codec<J::Request>, A: Codec<J::Answer>>(
        &mut self,
        name: &str,
        version: u32,
        run: impl Fn(&J::Request) -> Result<J::Answer, String> + Send + Sync + 'static,
    ) -> &mut Self {
        self.add_job(JobSpec::new::<J, Q, A>(name, version, JobSpec::call::<J, Q, A>(run)))
    }

    /// See [`EngineBuilder::job_future`].
    pub fn job_future<J: Job<Request: Pod, Answer: Pod>, F>(
        &mut self,
        name: &str,
        version: u32,
        ask: impl Fn(J::Request) -> F + Send + Sync + 'static,
    ) -> &mut Self
    where
        F: Future<Output = Result<J::Answer, String>> + Send + 'static,
    {
        self.job_future_with::<J, PlainBytes, PlainBytes, F>(name, version, ask)
    }

    /// See [`EngineBuilder::job_future_with`].
    pub fn job_future_with<J: Job, Q: Codec<J::Request>, A: Codec<J::Answer>, F>(
        &mut self,
        name: &str,
        version: u32,
        ask: impl Fn(J::Request) -> F + Send + Sync + 'static,
    ) -> &mut Self
    where
        F: Future<Output = Result<J::Answer, String>> + Send + 'static,
    {
        self.add_job(JobSpec::new::<J, Q, A>(name, version, JobSpec::ask::<J, Q, A, F>(ask)))
    }

    /// See [`EngineBuilder::job_timeout`].
    pub fn job_timeout<J: Job>(&mut self, timeout: Duration) -> &mut Self {
        self.jobs.timeouts.push((TypeId::of::<J>(), type_name::<J>(), timeout));
        self
    }

    /// See [`EngineBuilder::jobs_open_max`].
    pub fn jobs_open_max<J: Job>(&mut self, requests: u32) -> &mut Self {
        self.jobs.open_max.push((TypeId::of::<J>(), type_name::<J>(), requests));
        self
    }

    fn add_job(&mut self, spec: JobSpec) -> &mut Self {
        if self.jobs.list.is_empty() {
            self.state_with::<OpenRequest, OpenRequestCodec>(REQUEST_TYPE_NAME, 1);
        }
        self.jobs.list.push(spec);
        self
    }

    /// Adds the annex of jobs, where there are any.
    pub(in crate::builder) fn enter_jobs(&mut self, errors: &mut Vec<BuildError>) {
        let specs = core::mem::take(&mut self.jobs);
        if !specs.list.is_empty() {
            self.annex::<Desk>(move |world| {
                let requests = world.resource::<Registry>().typed::<OpenRequest>();
                let requests = requests.expect("the type is registered with the first job");
                Arc::new(Desk::new(specs, requests))
            });
            return;
        }
        let JobSpecs { timeouts, open_max, .. } = specs;
        let unknown = |who: &str, type_name: &str| BuildError::UnknownJob {
            who: who.to_owned(),
            type_name: type_name.to_owned(),
        };
        errors.extend(timeouts.iter().map(|(_, name, _)| unknown(".job_timeout()", name)));
        errors.extend(open_max.iter().map(|(_, name, _)| unknown(".jobs_open_max()", name)));
    }
}
