//! The frame: wave, commit, encode; the part of an engine that runs on the pool.
//!
//! Invariant: what a frame makes depends on the committed state, the systems' names and the inputs applied at
//! its commit. `frames` always describes the frame being made, so the previous slot is the committed one.
//! Durability is the store's; pacing is `pace`.

#![expect(unsafe_code, reason = "has the world to itself between waves")]

mod commit;
mod digests;
mod encode;
mod recover;

use crate::buffer::{Column, IdColumn};
use crate::editor::{Editor, Journal};
use crate::error::{Error, Result};
use crate::input::{Envelope, Inputs};
use crate::lease::LeaseGate;
use crate::schedule::Schedule;
use crate::shared::Shared;
use crate::stats::Stats;
use crate::tables::TableList;
use crate::view::{Copies, WorldCell};
use crate::wave;
use bevy_ecs::world::World;
pub(crate) use digests::Digests;
pub use digests::{Digest, DigestPolicy};
pub(crate) use encode::{Committed, Encoder};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

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
    pub(crate) gate: LeaseGate,
    pub(crate) inputs: Inputs,
    pub(crate) journal: Journal,
    /// Inputs applied in the last commit, for its record.
    pub(crate) applied: Vec<Envelope>,
    pub(crate) digests: Digests,
    pub(crate) encoder: Option<Encoder>,
    pub(crate) copies: Copies,
    pub(crate) stats: Stats,
    /// The last committed frame.
    pub(crate) committed: u64,
    pub(crate) poisoned: Option<String>,
}

/// Indices of the columns that some step of every commit looks at, so that it need not ask all of them.
#[derive(Debug, Default)]
pub(crate) struct Special {
    /// Without an owner: settled at the commit.
    pub(crate) unowned: Vec<usize>,
    pub(crate) strict: Vec<usize>,
    pub(crate) hooked: Vec<usize>,
}

impl Special {
    pub(crate) fn of(columns: &[Arc<dyn Column>], owners: &[Option<String>]) -> Self {
        let all = 0..columns.len();
        Self {
            unowned: all.clone().filter(|index| owners[*index].is_none()).collect(),
            strict: all.clone().filter(|index| columns[*index].strict()).collect(),
            hooked: all.filter(|index| columns[*index].has_hooks()).collect(),
        }
    }
}

impl Frame {
    /// Makes and commits one frame.
    pub(crate) fn step(&mut self) -> Result<()> {
        if let Some(reason) = &self.poisoned {
            return Err(Error::Poisoned { frame: self.committed, reason: reason.clone() });
        }
        if wave::in_wave() {
            return Err(Error::NestedTick);
        }
        let frame = self.committed + 1;
        self.guarded(frame, Self::make)
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
            Err(Error::Panicked { system, frame, message: wave::message(&*panic) })
        });
        if let Err(error) = &result {
            let reason = error.to_string();
            self.gate.poison(&reason);
            self.inputs.queue().fail(&reason);
            self.poisoned = Some(reason);
        }
        result
    }

    fn make(&mut self) -> Result<()> {
        let frame = self.committed + 1;
        let _span = tracing::debug_span!("frame", frame).entered();
        self.stats.frames += 1;
        if !wave::is_timed(frame) {
            self.run_wave(frame)?;
            return self.commit(frame);
        }
        let start = Instant::now();
        self.run_wave(frame)?;
        let waved = Instant::now();
        self.commit(frame)?;
        self.stats.wave_nanos = (waved - start).as_nanos() as u64;
        self.stats.commit_nanos = waved.elapsed().as_nanos() as u64;
        Ok(())
    }

    /// The wave, beside the encoding of the last commit where that is still open.
    fn run_wave(&mut self, frame: u64) -> Result<()> {
        // SAFETY: leases read the previous slot only, and nothing else uses the world during a wave.
        let world = unsafe { self.cell.cell() };
        let Self { schedule, columns, encoder, shared, tables, digests, .. } = self;
        let pending = encoder.as_mut().and_then(|encoder| Some((encoder.take_pending()?, encoder)));
        let outcome = match pending {
            None => wave::run(schedule, world, columns, frame),
            Some((job, encoder)) => {
                let committed = Committed {
                    frame: frame - 1,
                    // SAFETY: the encoding reads the previous slot and its marks, which no system writes.
                    world: unsafe { self.cell.get() },
                    columns,
                    tables,
                    shared,
                    digest: digests.last,
                };
                let (encoded, outcome) = rayon::join(
                    || encoder.complete(job, &committed),
                    || wave::run(schedule, world, columns, frame),
                );
                encoded?;
                outcome
            }
        };
        outcome.map_err(|(system, message)| Error::Panicked { system, frame, message })
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
            slot,
            stamp,
            acting: String::new(),
            doomed: Vec::new(),
        }
    }

    /// The world, to look at between frames.
    pub(crate) fn world(&self) -> &World {
        // SAFETY: `&self` keeps frames from being made, and only a frame writes the world.
        unsafe { self.cell.get() }
    }
}
