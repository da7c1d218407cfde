//! `Jobs<J>`: how a system starts jobs and gets their answers.
//!
//! Invariant: during a wave a system touches its own mailbox and its own commands only; what it sees there
//! changed at the last commit.

#![expect(unsafe_code, reason = "implements bevy's unsafe parameter trait")]

use super::annex::Desk;
use super::codec::{Letter, OpenRequest};
use super::error::{JobError, JobRefused};
use super::mailbox::Mailbox;
use super::{Coding, Job, REQUEST_BYTES_MAX};
use crate::editor::Editor;
use crate::error::{BuildError, Error};
use crate::id::{Id, SystemKey};
use crate::registry::Registry;
use crate::schedule::Phase;
use crate::shared::Shared;
use crate::structure::{Edit, Structure, StructureState};
use bevy_ecs::change_detection::Tick;
use bevy_ecs::entity::Entity;
use bevy_ecs::system::{SystemAccess, SystemMeta, SystemParam, SystemParamValidationError};
use bevy_ecs::world::World;
use bevy_ecs::world::unsafe_world_cell::UnsafeWorldCell;
use core::any::{TypeId, type_name};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Starts jobs `J`, and gives their answers to the system that asked.
///
/// A request is an entity from the end of its frame until its answer is taken, at the commit of a later one. The
/// system sees the answer from the next frame on, until the end of the first one in which it looks at its answers
/// or starts a job; one that is skipped, disabled or returns before that loses none. A job may run more than
/// once, since what is open is asked again after a restart; its answer counts once.
///
/// Which frame gets an answer depends on how long the job takes, as for any input; the record keeps it. For
/// equal runs, say [`job_latency`](crate::EngineBuilder::job_latency). See [`Job`] for an example.
pub struct Jobs<'w, 's, J: Job> {
    structure: Structure<'w, 's>,
    asker: &'s mut Asker<J>,
    frame: u64,
}

impl<J: Job> core::fmt::Debug for Jobs<'_, '_, J> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Jobs").field("job", &self.asker.job).finish_non_exhaustive()
    }
}

/// One answer, with the request it answers.
pub struct Answered<J: Job> {
    /// The request, as `start` named it.
    pub id: Id,
    /// What was asked.
    pub request: J::Request,
    /// The answer, or why there is none.
    pub answer: Result<J::Answer, JobError>,
}

impl<J: Job<Request: core::fmt::Debug, Answer: core::fmt::Debug>> core::fmt::Debug for Answered<J> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { id, request, answer } = self;
        f.debug_struct("Answered").field("id", id).field("request", request).field("answer", answer).finish()
    }
}

impl<J: Job> Jobs<'_, '_, J> {
    /// Starts a job at the end of this frame; the answer comes with the `Id` that this gives.
    ///
    /// # Errors
    /// When too many requests of this system are open, or the request is too large. Nothing is started then.
    pub fn start(&mut self, request: &J::Request) -> Result<Id, JobRefused> {
        let (open, max) = (self.open(), self.asker.open_max);
        if open >= max {
            return Err(JobRefused::Full { open, max });
        }
        let mut bytes = Vec::new();
        (self.asker.coding.encode)(request, &mut bytes);
        if bytes.len() > REQUEST_BYTES_MAX {
            let (bytes, max) = (bytes.len() as u64, REQUEST_BYTES_MAX as u64);
            return Err(JobRefused::TooLarge { bytes, max });
        }
        let Asker { job, system, version, .. } = &*self.asker;
        let request = OpenRequest {
            job: job.clone(),
            version: *version,
            system: system.clone(),
            frame: self.frame,
            bytes: bytes.into(),
        };
        self.asker.started += 1;
        // Also who never looks at answers must not gather them for ever.
        self.asker.mailbox.seen.store(true, Ordering::Relaxed);
        Ok(self.structure.spawn((request,)).id)
    }

    /// Takes a request back: no answer of it comes, though the job may still run to its end. Nothing happens
    /// when it was answered already, or when `request` is no request.
    pub fn cancel(&mut self, request: Id) {
        self.structure.edit(request, Box::new(Cancel));
    }

    /// The answers that wait for this system, by the frames that took them and then by request. The next frame
    /// sees none of them again.
    pub fn answers(&self) -> impl Iterator<Item = Answered<J>> + use<J> {
        self.asker.mailbox.seen.store(true, Ordering::Relaxed);
        let (letters, coding) = (self.asker.mailbox.letters(), self.asker.coding);
        (0..letters.len()).map(move |n| open_letter(&letters[n], coding))
    }

    /// Requests of this system that are open, with those it has started in this frame.
    pub fn open(&self) -> u32 {
        self.asker.mailbox.open.load(Ordering::Relaxed) + self.asker.started
    }
}

fn open_letter<J: Job>(letter: &Letter, coding: Coding<J>) -> Answered<J> {
    const CHECKED: &str = "the desk has read it with the same codec";
    Answered {
        id: letter.id,
        request: (coding.request)(&letter.request).expect(CHECKED),
        answer: letter.outcome.clone().map(|bytes| (coding.answer)(&bytes).expect(CHECKED)),
    }
}

/// Despawns a request, and nothing else.
struct Cancel;

impl Edit for Cancel {
    fn apply(self: Box<Self>, editor: &mut Editor<'_>, entity: Entity) -> Result<(), Error> {
        if editor.get::<OpenRequest>(entity).is_some() {
            editor.despawn(entity)?;
        }
        Ok(())
    }
}

/// Who asks for what.
struct Asker<J: Job> {
    system: Arc<str>,
    job: Arc<str>,
    version: u32,
    open_max: u32,
    coding: Coding<J>,
    mailbox: Arc<Mailbox>,
    /// Requests of the frame being made.
    started: u32,
}

/// The state of the parameter.
pub struct JobsState<J: Job> {
    structure: StructureState,
    shared: Arc<Shared>,
    /// `None` where the build is refused.
    asker: Option<Asker<J>>,
}

impl<J: Job> core::fmt::Debug for JobsState<J> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("JobsState").finish_non_exhaustive()
    }
}

// SAFETY: of the world, only what `Structure` uses is used.
unsafe impl<J: Job> SystemParam for Jobs<'_, '_, J> {
    type State = JobsState<J>;
    type Item<'w, 's> = Jobs<'w, 's, J>;

    fn init_state(world: &mut World) -> JobsState<J> {
        let mut registry = world.resource_mut::<Registry>();
        let (system, _) = registry.building();
        let type_name = type_name::<J>().to_owned();
        let desk = registry.annex::<Desk>();
        let job = desk.as_ref().and_then(|desk| desk.job(TypeId::of::<J>()));
        let name = job.map_or_else(String::new, |job| format!("{system}@{}", job.name));
        if !matches!(registry.phase, Phase::Wave | Phase::Derive) {
            let error = BuildError::JobOutsideWave { system: system.clone(), type_name };
            registry.refused.push(error);
        } else if job.is_none() {
            registry.refused.push(BuildError::UnknownJob { who: format!("system {system}"), type_name });
        } else if registry.more_names.contains(&name) {
            registry.refused.push(BuildError::JobTwice { system: system.clone(), type_name });
        }
        let key = SystemKey::of(&name);
        let system: Arc<str> = system.into();
        let asker = desk.as_ref().zip(job).map(|(desk, job)| Asker {
            mailbox: desk.mailbox(&system, job),
            system: system.clone(),
            job: job.name.clone(),
            version: job.version,
            open_max: job.open_max,
            coding: *job.coding.downcast_ref::<Coding<J>>().expect("jobs are found by their type"),
            started: 0,
        });
        registry.asking += 1;
        if job.is_some() {
            registry.more_names.push(name);
        }
        let shared = registry.shared.clone();
        JobsState { structure: StructureState::new(shared.clone(), system.to_string(), key), shared, asker }
    }

    fn init_access(_: &JobsState<J>, _: &mut SystemMeta, _: &mut SystemAccess, _: &mut World) {}

    fn apply(state: &mut JobsState<J>, meta: &SystemMeta, world: &mut World) {
        Structure::apply(&mut state.structure, meta, world);
    }

    unsafe fn get_param<'w, 's>(
        state: &'s mut JobsState<J>,
        meta: &SystemMeta,
        world: UnsafeWorldCell<'w>,
        tick: Tick,
    ) -> Result<Jobs<'w, 's, J>, SystemParamValidationError> {
        let frame = state.shared.time.get().frame;
        let asker = state.asker.as_mut().expect("the build refuses systems that name unknown jobs");
        asker.started = 0;
        // SAFETY: the caller's promise is the same.
        let structure = unsafe { Structure::get_param(&mut state.structure, meta, world, tick) }?;
        Ok(Jobs { structure, asker, frame })
    }
}
