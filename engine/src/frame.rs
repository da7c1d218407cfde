//! The frame: wave, commit, encode; the part of an engine that runs on the pool.
//!
//! Invariant: what a frame makes depends on the committed state, the systems' names and the inputs applied at
//! its commit. `frames` always describes the frame being made, so the previous slot is the committed one.
//! Durability is the store's; pacing is `pace`.

#![expect(unsafe_code, reason = "has the world to itself between waves")]

#[cfg(feature = "store")]
mod again;
mod census;
mod commit;
mod digests;
#[cfg(feature = "store")]
mod encode;
#[cfg(feature = "store")]
mod image;
#[cfg(feature = "store")]
mod recover;
mod rewind;
#[cfg(not(feature = "store"))]
mod unstored;

use crate::annex::Annex;
use crate::buffer::{Column, IdColumn};
use crate::control::Control;
use crate::editor::{Editor, Journal};
use crate::error::{Error, Result};
use crate::input::{Envelope, Inputs};
use crate::intake::Intake;
use crate::lease::LeaseGate;
use crate::observer::Observers;
use crate::registry::Registry;
use crate::rewind::Rewind;
use crate::schedule::{Moment, Schedule};
use crate::shared::Shared;
use crate::stats::Stats;
use crate::still::Still;
#[cfg(feature = "store")]
pub(crate) use crate::store::{Recovered, Tail};
use crate::structure::Commands;
use crate::tables::TableList;
use crate::timer::Stopwatch;
use crate::view::{Copies, WorldCell};
use crate::wave;
#[cfg(feature = "store")]
pub(crate) use again::since;
use bevy_ecs::world::World;
pub(crate) use census::Census;
use core::any::TypeId;
pub(crate) use digests::Digests;
pub use digests::{Digest, DigestPolicy};
#[cfg(feature = "store")]
pub(crate) use encode::Encoder;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
#[cfg(not(feature = "store"))]
pub(crate) use unstored::{Encoder, Recovered, Tail};

/// How long a commit waits for leases before it names their holders and fails.
pub const LEASE_WAIT_MAX: Duration = Duration::from_secs(10);
/// Inputs applied in one commit; the rest wait for the next.
pub const INPUTS_A_COMMIT_MAX: usize = 65_536;

/// Everything a frame needs.
pub(crate) struct Frame {
    pub(crate) cell: Arc<WorldCell>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) columns: Vec<Arc<dyn Column>>,
    pub(crate) ids: Arc<IdColumn>,
    pub(crate) tables: TableList,
    pub(crate) schedule: Schedule,
    pub(crate) special: Special,
    /// In the order of their stored names.
    pub(crate) annexes: Vec<Arc<dyn Annex>>,
    pub(crate) observers: Observers,
    pub(crate) gate: LeaseGate,
    pub(crate) inputs: Inputs,
    pub(crate) journal: Journal,
    /// Inputs applied in the last commit, for the log.
    pub(crate) applied: Vec<Envelope>,
    /// In the order of their names.
    pub(crate) intakes: Vec<Intake>,
    /// Everything that makes the frames, a line each.
    #[cfg_attr(not(feature = "store"), expect(dead_code, reason = "only what is stored is made again"))]
    pub(crate) program: String,
    /// The inputs of the frame being made, where it is one that was made before.
    pub(crate) again: Option<Vec<Envelope>>,
    pub(crate) digests: Digests,
    pub(crate) encoder: Option<Encoder>,
    /// The last frames, in a world that can be rolled back.
    pub(crate) rewind: Option<Rewind>,
    pub(crate) copies: Copies,
    pub(crate) stats: Stats,
    /// The last committed frame.
    pub(crate) committed: u64,
    pub(crate) poisoned: Option<String>,
}

/// Indices of the columns that some step of every commit looks at, so that it need not ask all of them.
#[derive(Debug, Default)]
pub(crate) struct Special {
    /// Without an owner: settled when the wave is over.
    pub(crate) unowned: Vec<usize>,
    pub(crate) strict: Vec<usize>,
    pub(crate) hooked: Vec<usize>,
    pub(crate) transient: Vec<usize>,
    /// The one of the controls.
    pub(crate) control: usize,
    /// The one of the count of still frames, where systems are answering.
    pub(crate) still: Option<usize>,
}

impl Special {
    pub(crate) fn of(columns: &[Arc<dyn Column>], owners: &[Option<String>]) -> Self {
        let all = 0..columns.len();
        let of_type = |type_id| all.clone().find(|index| columns[*index].state_type() == type_id);
        Self {
            unowned: all.clone().filter(|index| owners[*index].is_none()).collect(),
            strict: all.clone().filter(|index| columns[*index].strict()).collect(),
            hooked: all.clone().filter(|index| columns[*index].has_hooks()).collect(),
            transient: all.clone().filter(|index| columns[*index].transient()).collect(),
            control: of_type(TypeId::of::<Control>()).expect("the build registers the type of controls"),
            still: of_type(TypeId::of::<Still>()),
        }
    }
}

/// The committed frame as an encoding sees it; nothing of it is written before the next commit.
#[cfg_attr(not(feature = "store"), expect(dead_code, reason = "only the encoding looks at it"))]
pub(crate) struct Committed<'a> {
    pub(crate) annexes: &'a [Arc<dyn Annex>],
    pub(crate) frame: u64,
    pub(crate) world: &'a World,
    pub(crate) columns: &'a [Arc<dyn Column>],
    pub(crate) tables: &'a TableList,
    pub(crate) shared: &'a Shared,
    /// The last digest and its frame.
    pub(crate) digest: Option<(u64, Digest)>,
}

impl Frame {
    /// Makes and commits one step.
    pub(crate) fn step(&mut self) -> Result<()> {
        self.advance(false)
    }

    /// Makes and commits one still frame.
    pub(crate) fn answer(&mut self) -> Result<()> {
        if self.special.still.is_none() {
            return Err(Error::NothingAnswers);
        }
        self.advance(true)
    }

    fn advance(&mut self, still: bool) -> Result<()> {
        if let Some(reason) = &self.poisoned {
            return Err(Error::Poisoned { frame: self.committed, reason: reason.clone() });
        }
        if wave::in_wave() {
            return Err(Error::NestedTick);
        }
        let frame = self.committed + 1;
        self.shared.set_still(still);
        let made = self.guarded(frame, Self::make);
        self.shared.set_still(false);
        made
    }

    /// Who runs in `frame`, or ran in it.
    fn moment(&self, frame: u64) -> Moment {
        Moment { step: frame - self.shared.time.get().still, still: self.shared.is_still() }
    }

    /// Does a part of `frame`; a failure of it, also a panic, stops the engine for good.
    pub(crate) fn guarded(&mut self, frame: u64, part: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        if let Some(reason) = &self.poisoned {
            return Err(Error::Poisoned { frame: self.committed, reason: reason.clone() });
        }
        // Systems' panics are caught in the wave; what is left are setups, hooks, inputs and the engine itself.
        let made = catch_unwind(AssertUnwindSafe(|| part(self)));
        let result = made.unwrap_or_else(|panic| {
            let system = "(the commit: a setup, a hook, an input or a command)".to_owned();
            Err(Error::Panicked { system, frame, message: crate::panic_text(&*panic).to_owned() })
        });
        if let Err(error) = &result {
            let reason = error.to_string();
            self.gate.poison(&reason);
            self.inputs.queue().fail(&reason);
            self.observers.stop(&reason);
            self.poisoned = Some(reason);
        }
        result
    }

    fn make(&mut self) -> Result<()> {
        let frame = self.committed + 1;
        let _span = tracing::debug_span!("frame", frame).entered();
        self.stats.frames += 1;
        self.stats.still_frames += u64::from(self.shared.is_still());
        if !self.is_timed() {
            self.run_wave(frame)?;
            self.commit(frame)?;
            return self.look_back();
        }
        let start = Stopwatch::start();
        self.run_wave(frame)?;
        let wave_nanos = start.nanos();
        let waved = Stopwatch::start();
        self.commit(frame)?;
        self.stats.wave_nanos = wave_nanos;
        self.stats.commit_nanos = waved.nanos();
        self.look_back()
    }

    /// What comes after the commit: the late systems, and then what the commit has changed about who runs.
    fn look_back(&mut self) -> Result<()> {
        let late = self.run_late();
        if late.is_err() {
            // The frame is committed: its record must not go down with the engine.
            self.hand_over()?;
        }
        late?;
        if self.controls_changed() {
            self.refresh_turns();
        }
        Ok(())
    }

    /// Whether the frame being made is timed.
    fn is_timed(&self) -> bool {
        let Stats { frames, still_frames, .. } = self.stats;
        // Each kind by its own count: turns of the two must not hide one of them.
        wave::is_timed(if self.shared.is_still() { still_frames } else { frames - still_frames })
    }

    /// Makes frame 1 of a new world by its startup systems alone.
    pub(crate) fn start_up(&mut self, startup: Schedule) -> Result<()> {
        let own = Special::of(&self.columns, &startup.owners);
        // Nobody else runs in this frame, so nobody else can be asked for coverage.
        let strict = own.strict.iter().copied().filter(|index| startup.owners[*index].is_some()).collect();
        let schedule = core::mem::replace(&mut self.schedule, startup);
        let special = core::mem::replace(&mut self.special, Special { strict, ..own });
        let done = self.guarded(1, Self::make);
        self.schedule = schedule;
        self.special = special;
        if let Some(rewind) = &mut self.rewind {
            // It cannot be made again.
            rewind.forget_before();
        }
        // A startup system may have made a control.
        self.refresh_turns();
        done
    }

    /// The systems that look at the committed frame.
    fn run_late(&mut self) -> Result<()> {
        let (timed, moment) = (self.is_timed(), self.moment(self.committed));
        let Self { schedule: Schedule { tasks, late, .. }, columns, committed, .. } = self;
        if late.is_empty() {
            return Ok(());
        }
        // SAFETY: late systems read the committed slot, as leases do, and write scratch, which no lease reads.
        let world = unsafe { self.cell.cell() };
        let failed = |(system, message)| Error::LatePanicked { system, frame: *committed, message };
        wave::run(tasks, late, world, columns, moment, timed).map_err(failed)
    }

    /// The wave, beside the encoding of the last commit where that is still open; then what derives from it.
    fn run_wave(&mut self, frame: u64) -> Result<()> {
        let (timed, moment) = (self.is_timed(), self.moment(frame));
        // SAFETY: leases read the previous slot only, and nothing else uses the world during a wave.
        let world = unsafe { self.cell.cell() };
        let Self { schedule, columns, encoder, shared, tables, digests, special, annexes, .. } = self;
        let Schedule { tasks, waves, derived, .. } = schedule;
        let (waves, derived) = waves.split_at(*derived);
        let pending = encoder.as_mut().and_then(|encoder| Some((encoder.take_pending()?, encoder)));
        let outcome = match pending {
            None => wave::run(tasks, waves, world, columns, moment, timed),
            Some((job, encoder)) => {
                let committed = Committed {
                    annexes,
                    frame: frame - 1,
                    // SAFETY: the encoding reads the previous slot and its marks, which no system writes.
                    world: unsafe { self.cell.get() },
                    columns,
                    tables,
                    shared,
                    digest: digests.last,
                };
                let (encoded, outcome) = crate::pool::join(
                    || encoder.complete(job, &committed),
                    || wave::run(tasks, waves, world, columns, moment, timed),
                );
                encoded?;
                outcome
            }
        };
        let panicked = |(system, message)| Error::Panicked { system, frame, message };
        outcome.map_err(panicked)?;
        // SAFETY: no wave runs, and only the list of tables is kept.
        let list = unsafe { &world.storages().tables };
        // Types that no system owns: inputs and structure may have changed them in the last frame.
        for index in &special.unowned {
            // SAFETY: the wave is over, so nobody else writes the next slot, nor reads it yet.
            unsafe { columns[*index].settle(list) };
        }
        if derived.is_empty() {
            return Ok(());
        }
        wave::run(tasks, derived, world, columns, moment, timed).map_err(panicked)
    }

    /// Lets the annexes look at the world that was made or recovered.
    pub(crate) fn begin_annexes(&mut self) {
        let annexes = self.annexes.clone();
        let roles = self.shared.frames.roles();
        // SAFETY: the engine is being built.
        let mut editor = unsafe { self.editor(roles.prev(), roles.stamps[roles.prev()]) };
        // SAFETY: as above.
        annexes.iter().for_each(|annex| unsafe { annex.begin(&mut editor) });
    }

    /// Hands on the world while nothing runs, on behalf of nobody yet.
    ///
    /// # Safety
    /// No wave runs, no lease is held, and the answer is the only way into the world while it lives.
    pub(crate) unsafe fn editor(&mut self, slot: usize, stamp: u8) -> Editor<'_> {
        Editor {
            // SAFETY: the caller's promise.
            world: unsafe { self.cell.get_mut() },
            shared: &self.shared,
            columns: &self.columns,
            ids: &self.ids,
            tables: &mut self.tables,
            owners: &self.schedule.owners,
            journal: &mut self.journal,
            undo: self.rewind.as_mut().map(|rewind| &mut rewind.undo),
            slot,
            stamp,
            acting: String::new(),
            doomed: Vec::new(),
        }
    }

    /// Ends a run: its last frame has a digest, and its record is with the store.
    pub(crate) fn end_run(&mut self) -> Result<()> {
        self.take_digest();
        self.hand_over()
    }

    pub(crate) fn stats(&self) -> Stats {
        let mut stats = self.stats.clone();
        stats.entities = self.shared.ids.get().len();
        stats.rollback_bytes = self.rewind.as_ref().map_or(0, Rewind::bytes);
        stats.inputs_waiting = self.inputs.queue().len() as u64;
        stats.systems = self.schedule.tasks.iter().map(|task| (task.name.clone(), task.nanos)).collect();
        self.annexes.iter().for_each(|annex| annex.fill(&mut stats));
        if let Some(encoder) = &self.encoder {
            encoder.fill(&mut stats);
        }
        stats
    }

    /// Hands the commit what a setup issued.
    pub(crate) fn issue(&mut self, commands: Commands) {
        // SAFETY: no wave runs.
        let world = unsafe { self.cell.get_mut() };
        world.resource_mut::<Registry>().issued.push(commands);
    }

    /// The world, to look at between frames.
    pub(crate) fn world(&self) -> &World {
        // SAFETY: `&self` keeps frames from being made, and only a frame writes the world.
        unsafe { self.cell.get() }
    }
}
