//! One system: how it is registered, what it becomes, and whether it runs in a frame.
//!
//! Invariant: whether a task runs follows from the number and kind of the frame, its stored settings and what exists, so a
//! replay runs the same ones. A task that does not run still settles what it owns: its rows keep their values.

use super::Phase;
use bevy_ecs::component::ComponentId;
use bevy_ecs::query::FilteredAccessSet;
use bevy_ecs::storage::Tables;
use bevy_ecs::system::{BoxedSystem, IntoSystem};

/// A system as it was registered.
pub(crate) struct SystemSpec {
    pub(crate) name: String,
    pub(crate) phase: Phase,
    pub(crate) config: SystemConfig,
}

/// What can be registered as a system: a bevy system function, alone or with settings.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a system of Diptych",
    note = "each parameter must be one that a system may name; filters go second, as in `Query<Next<Heat>, With<Stove>>`",
    note = "settings are on the system, not on the engine: `.system(\"cool\", cool.every(4))`"
)]
pub trait IntoTask<Marker>: Sized {
    /// The system with its settings.
    #[doc(hidden)]
    fn into_config(self) -> SystemConfig;

    /// Runs `prepare` before this system whenever it runs, as part of it: same name, same task, same ownership.
    fn prepare<M, P: IntoSystem<(), (), M>>(self, prepare: P) -> SystemConfig {
        let mut config = self.into_config();
        config.parts.insert(0, Box::new(IntoSystem::into_system(prepare)));
        config
    }

    /// Runs `cleanup` after this system whenever it runs, as part of it.
    fn cleanup<M, P: IntoSystem<(), (), M>>(self, cleanup: P) -> SystemConfig {
        let mut config = self.into_config();
        config.parts.push(Box::new(IntoSystem::into_system(cleanup)));
        config
    }

    /// Runs only in steps whose number is a multiple of `frames`, until a [`Control`](crate::Control) says
    /// otherwise; every frame is a step, but for still ones. `Clock::dt` stays the step of one frame. What was
    /// marked as changed, and transient values, of the frames between pass it by.
    ///
    /// # Panics
    /// When `frames` is 0.
    fn every(self, frames: u32) -> SystemConfig {
        assert!(frames > 0, "a system cannot run every 0 frames; give 1 or more");
        SystemConfig { every: frames, ..self.into_config() }
    }

    /// Runs in still frames too, which [`Engine::answer`](crate::Engine::answer) makes: there world time stands,
    /// and only such systems run, whatever their `every`. All others rest as in a frame that is not theirs, and
    /// what was marked as changed, and transient values, of the step before have passed them by afterwards.
    fn answering(self) -> SystemConfig {
        SystemConfig { answering: true, ..self.into_config() }
    }

    /// Skips the system in frames in which none of its queries can match an entity. Not for a system that
    /// spawns the first one.
    fn skip_if_empty(self) -> SystemConfig {
        SystemConfig { skip_if_empty: true, ..self.into_config() }
    }
}

impl<Marker, S: IntoSystem<(), (), Marker>> IntoTask<Marker> for S {
    fn into_config(self) -> SystemConfig {
        let parts: Vec<BoxedSystem> = vec![Box::new(IntoSystem::into_system(self))];
        SystemConfig { parts, every: 1, skip_if_empty: false, answering: false }
    }
}

/// A system with settings: something before or after it, and when it runs.
pub struct SystemConfig {
    /// In the order in which they run.
    pub(crate) parts: Vec<BoxedSystem>,
    pub(crate) every: u32,
    pub(crate) skip_if_empty: bool,
    pub(crate) answering: bool,
}

impl core::fmt::Debug for SystemConfig {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SystemConfig")
            .field("parts", &self.parts.len())
            .field("every", &self.every)
            .field("skip_if_empty", &self.skip_if_empty)
            .field("answering", &self.answering)
            .finish()
    }
}

/// Tells [`SystemConfig`] from a plain system function.
#[derive(Debug)]
pub struct IsSystemConfig;

impl IntoTask<IsSystemConfig> for SystemConfig {
    fn into_config(self) -> SystemConfig {
        self
    }
}

/// The frame being made, as far as it decides who runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// The number of the step; of no meaning in a still frame.
    pub(crate) step: u64,
    pub(crate) still: bool,
}

/// When a task runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turns {
    pub(crate) enabled: bool,
    /// Steps between two runs; at least 1.
    pub(crate) every: u32,
}

impl Turns {
    /// Whether `step` is one of them.
    fn holds(self, step: u64) -> bool {
        self.enabled && (self.every == 1 || step.is_multiple_of(u64::from(self.every)))
    }
}

/// A system ready to run.
pub(crate) struct Task {
    pub(crate) name: String,
    pub(crate) phase: Phase,
    pub(crate) parts: Vec<BoxedSystem>,
    /// Whether it has commands to hand over at the commit.
    pub(crate) structural: bool,
    /// Indices of the columns it owns.
    pub(crate) owns: Vec<usize>,
    /// Names of the types it reads.
    pub(crate) reads: Vec<String>,
    /// Indices of the columns whose values of this frame it reads.
    pub(crate) reads_now: Vec<usize>,
    pub(crate) scratch: Vec<String>,
    /// As registered.
    pub(crate) every: u32,
    /// As registered, unless a control says otherwise.
    pub(crate) turns: Turns,
    /// The tables that give it something to do, where it is skipped without any.
    pub(crate) wants: Option<Vec<Wanted>>,
    /// Whether it runs in still frames.
    pub(crate) answering: bool,
    /// Whether it ran in the frame being made.
    pub(crate) ran: bool,
    pub(crate) nanos: u64,
    pub(crate) failure: Option<String>,
    pub(crate) access: FilteredAccessSet,
}

impl Task {
    /// Whether `moment` is one of its turns, if there is something to do.
    #[inline]
    pub(crate) fn is_called(&self, moment: Moment) -> bool {
        if moment.still { self.answering && self.turns.enabled } else { self.turns.holds(moment.step) }
    }

    /// Whether it runs at `moment`.
    #[inline]
    pub(crate) fn is_due(&self, moment: Moment, tables: &Tables) -> bool {
        self.is_called(moment)
            && self.wants.as_ref().is_none_or(|wants| wants.iter().any(|wanted| wanted.is_there(tables)))
    }
}

/// A shape of table that one of a task's queries matches.
#[derive(Debug)]
pub(crate) struct Wanted {
    with: Vec<ComponentId>,
    without: Vec<ComponentId>,
}

impl Wanted {
    /// The shapes that the queries behind `access` match; `None` without a query. `resource` marks what is
    /// no query but a resource.
    pub(super) fn of(access: &FilteredAccessSet, resource: Option<ComponentId>) -> Option<Vec<Self>> {
        let sets = access.filtered_accesses().iter().flat_map(|query| query.filter_sets());
        let sets = sets.filter(|set| !resource.is_some_and(|resource| set.with().contains(resource)));
        let shape = |set: &bevy_ecs::query::AccessFilters| Self {
            with: set.with().iter().collect(),
            without: set.without().iter().collect(),
        };
        let shapes: Vec<Self> = sets.map(shape).collect();
        (!shapes.is_empty()).then_some(shapes)
    }

    fn is_there(&self, tables: &Tables) -> bool {
        tables.iter().any(|table| {
            table.entity_count() > 0
                && self.with.iter().all(|id| table.has_column(*id))
                && !self.without.iter().any(|id| table.has_column(*id))
        })
    }
}
