//! Faults that a test injects into the store's writer: what fails, what stalls, and where the writer halts as if the
//! process had ended there.
//!
//! Invariant: a fault only leaves out, delays or refuses what the writer would do; it never does anything else. Left
//! out: damage to files that are written already (see `testkit`).

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::StoreError;

/// How long a halted writer waits to be released.
pub const HALT_SECONDS_MAX: u64 = 60;

/// Faults for [`EngineBuilder::faults`](crate::EngineBuilder::faults); none by default.
///
/// Writes are the batches of records and pages, in their order; syncs are those of the journal. Both count from 1
/// after each opening of the world.
///
/// ```
/// # use diptych_engine::prelude::*;
/// # use diptych_engine::store::FaultPlan;
/// # #[derive(Clone, Copy, Pod, Zeroable)]
/// # #[repr(C)]
/// # struct Age(u64);
/// fn grow(mut ages: Query<Next<Age>>) {
///     ages.par_rows(|mut age| age.set(Age(age.prev().0 + 1)));
/// }
/// # fn main() -> diptych_engine::Result<()> {
/// # let directory = std::env::temp_dir().join(format!("diptych-faults-{}", std::process::id()));
/// # let dir = &directory;
/// let mut engine = Engine::open(dir)
///     .state::<Age>("life.age", 1)
///     .system("grow", grow)
///     .setup("life", |structure| {
///         structure.spawn((Age(0),));
///     })
///     .durability(Durability::Synced)
///     .faults(FaultPlan { fail_sync: 3, ..FaultPlan::default() })
///     .build()?;
/// let failed = (0..100).find_map(|_| engine.step().and_then(|()| engine.flush()).err());
/// assert!(failed.is_some_and(|error| error.to_string().contains("injected fault")));
/// # drop(engine);
/// # std::fs::remove_dir_all(&directory).expect("the directory is ours");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct FaultPlan {
    /// Sleep before every so many writes; 0 for never.
    pub stall_every: u64,
    /// How long.
    pub stall: Duration,
    /// The number of the write that fails, from 1; 0 for none.
    pub fail_write: u64,
    /// The number of the sync that fails, from 1; 0 for none.
    pub fail_sync: u64,
    /// Bytes of records and pages after which every write fails as on a full disk; 0 for no end.
    pub full_after: u64,
    /// The number of the write before which the process aborts, from 1; 0 for none.
    pub abort_write: u64,
    /// Bytes of records after which a checkpoint is due, in place of the usual bound; 0 for the usual one.
    pub checkpoint_bytes: u64,
    /// Bytes that a checkpoint copies in a frame, in place of the usual number; 0 for the usual one.
    pub copy_bytes: u64,
    /// Where the writer halts, as if the process had ended.
    pub halt: Option<Halt>,
}

/// A point in the writer's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HaltAt {
    /// Before this write.
    Write(u64),
    /// Before this sync: what was written is in the system's hands at most.
    Sync(u64),
    /// After this sync, before the watermark says so.
    Report(u64),
    /// Before this step of the database, from 1: a batch, a sync, or a step by which keyspaces that nobody needs any more
    /// go. Those of the opening itself do not count.
    Step(u64),
}

/// Halts a writer at a point, so that the directory can be copied as a crash would leave it.
///
/// While it stands still, nothing is written and nothing more becomes durable. Release it before the engine is
/// dropped: the writer then ends with an error, and writes nothing.
#[derive(Clone, Debug)]
pub struct Halt {
    at: HaltAt,
    gate: Arc<Gate>,
}

#[derive(Debug, Default)]
struct Gate {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct State {
    reached: bool,
    released: bool,
}

impl Halt {
    /// A halt at this point.
    #[must_use]
    pub fn new(at: HaltAt) -> Self {
        Self { at, gate: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.gate.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the writer stands there.
    #[must_use]
    pub fn is_reached(&self) -> bool {
        self.lock().reached
    }

    /// Waits until the writer stands there; `false` when the time is over.
    #[must_use]
    pub fn wait(&self, timeout: Duration) -> bool {
        let waiting = |state: &mut State| !state.reached;
        let waited = self.gate.moved.wait_timeout_while(self.lock(), timeout, waiting);
        waited.unwrap_or_else(PoisonError::into_inner).0.reached
    }

    /// Lets the writer end, without writing anything.
    pub fn release(&self) {
        self.lock().released = true;
        self.gate.moved.notify_all();
    }

    /// The writer has come to a point: where it is this one, it ends once it is released.
    fn pass(&self, at: HaltAt) -> Result<(), StoreError> {
        if self.at != at {
            return Ok(());
        }
        let mut state = self.lock();
        state.reached = true;
        self.gate.moved.notify_all();
        let released =
            self.gate
                .moved
                .wait_timeout_while(state, Duration::from_secs(HALT_SECONDS_MAX), |state| !state.released);
        drop(released.unwrap_or_else(PoisonError::into_inner));
        Err(injected("halting", "injected fault: the writer was halted here"))
    }
}

fn injected(action: &'static str, message: &str) -> StoreError {
    StoreError::Engine { action, message: message.to_owned() }
}

impl FaultPlan {
    /// What befalls a write, which is the `number`-th and brings all writes to `bytes`.
    pub(super) fn at_write(&self, number: u64, bytes: u64) -> Result<(), StoreError> {
        if self.stall_every > 0 && number.is_multiple_of(self.stall_every) {
            std::thread::sleep(self.stall);
        }
        if number == self.abort_write {
            std::process::abort();
        }
        if number == self.fail_write {
            return Err(injected("writing a batch", "injected fault"));
        }
        if self.full_after > 0 && bytes > self.full_after {
            return Err(injected("writing a batch", "injected fault: no space left on device"));
        }
        self.pass(HaltAt::Write(number))
    }

    /// What befalls a sync.
    pub(super) fn at_sync(&self, number: u64) -> Result<(), StoreError> {
        if number == self.fail_sync {
            return Err(injected("syncing the journal", "injected fault"));
        }
        self.pass(HaltAt::Sync(number))
    }

    /// What befalls the report of a sync.
    pub(super) fn at_report(&self, number: u64) -> Result<(), StoreError> {
        self.pass(HaltAt::Report(number))
    }

    /// What befalls a step of the database.
    pub(super) fn at_step(&self, number: u64) -> Result<(), StoreError> {
        self.pass(HaltAt::Step(number))
    }

    fn pass(&self, at: HaltAt) -> Result<(), StoreError> {
        self.halt.as_ref().map_or(Ok(()), |halt| halt.pass(at))
    }
}
