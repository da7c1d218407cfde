//! A process that ends at a chosen moment, as by `kill -9`.
//!
//! Invariant: it ends by an abort: nothing is flushed, closed or unwound.

use crate::builder::EngineBuilder;
use crate::observer::Observer;
use crate::store::FaultPlan;
use crate::view::View;
use std::sync::Arc;

/// Ends the own process at a moment of a world's life; for a test that runs itself again as a child.
///
/// ```no_run
/// use diptych_engine::prelude::*;
/// use diptych_engine::testkit::Crash;
/// # fn world(builder: EngineBuilder) -> EngineBuilder { builder }
/// // In the child:
/// let builder = Crash::after_frames(100).plan(world(Engine::open("the child's world")));
/// builder.build()?.run(Pace::frames(1000))?;
/// unreachable!("the process ended at the commit of frame 100");
/// # #[expect(unreachable_code, reason = "the example ends above")]
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crash(At);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Frame(u64),
    Write(u64),
}

impl Crash {
    /// At the end of the commit of this frame, before its record is handed to the store.
    #[must_use]
    pub fn after_frames(frame: u64) -> Self {
        Self(At::Frame(frame))
    }

    /// After so many batches were written by the store in this process, before the next one. Those that it had not
    /// handed to the system yet are lost.
    #[must_use]
    pub fn after_writes(writes: u64) -> Self {
        Self(At::Write(writes))
    }

    /// Prepares a world for it. Replaces faults that were given before.
    #[must_use]
    pub fn plan(self, builder: EngineBuilder) -> EngineBuilder {
        match self.0 {
            At::Frame(frame) => builder.observer("testkit.crash", Arc::new(End(frame))),
            At::Write(writes) => {
                builder.faults(FaultPlan { abort_write: writes + 1, ..FaultPlan::default() })
            }
        }
    }
}

/// Aborts at the commit of a frame.
#[derive(Debug)]
struct End(u64);

impl Observer for End {
    fn commit(&self, view: View<'_>) {
        if view.frame() >= self.0 {
            std::process::abort();
        }
    }
}
