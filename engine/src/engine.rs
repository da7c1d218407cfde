//! The engine as an embedder holds it: step, run, read, ask.
//!
//! Invariant: everything that makes frames runs on the engine's own pool; everything else only looks.

#[cfg(feature = "store")]
mod past;
#[cfg(feature = "store")]
mod portable;
mod rollback;

use crate::builder::EngineBuilder;
use crate::digest::ComponentSum;
use crate::error::{Error, Result};
use crate::explain::Explanation;
use crate::frame::{Digest, Frame};
use crate::input::Inputs;
use crate::pace::{Metronome, Pace};
use crate::pool::Pool;
use crate::stats::Stats;
use crate::view::{Reader, View};
use std::collections::BTreeMap;
use std::time::Duration;

/// A double-buffered world and everything that moves it.
///
/// ```
/// use diptych_engine::prelude::*;
///
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Position(f64);
/// #[derive(Clone, Copy, Pod, Zeroable)]
/// #[repr(C)]
/// struct Velocity(f64);
///
/// fn drift(mut bodies: Query<(Next<Position>, Prev<Velocity>)>, clock: Clock) {
///     bodies.par_rows(|(mut position, velocity)| {
///         position.set(Position(position.prev().0 + velocity.0 * clock.dt()));
///     });
/// }
///
/// # fn main() -> diptych_engine::Result<()> {
/// let mut engine = Engine::in_memory()
///     .state::<Position>("motion.position", 1)
///     .state::<Velocity>("motion.velocity", 1)
///     .system("drift", drift)
///     .setup("motion.setup", |structure| {
///         structure.spawn((Position(0.0), Velocity(2.0)));
///     })
///     .dt(0.5)
///     .build()?;
/// engine.run(Pace::frames(10))?;
/// assert_eq!(engine.view().single::<Position>().map(|position| position.0), Some(10.0));
/// # Ok(())
/// # }
/// ```
pub struct Engine {
    pub(crate) frame: Frame,
    pub(crate) pool: Pool,
    local: Vec<&'static str>,
    /// What is not stored: the stored name of the type beside which it lies, if any, and its own name.
    #[cfg_attr(not(feature = "store"), expect(dead_code, reason = "only snapshots tell of it"))]
    unstored: Vec<(String, &'static str)>,
    facts: BTreeMap<String, String>,
}

impl core::fmt::Debug for Engine {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Engine").field("frame", &self.frame.committed).finish_non_exhaustive()
    }
}

impl Engine {
    pub(crate) fn new(
        frame: Frame,
        pool: Pool,
        local: Vec<&'static str>,
        unstored: Vec<(String, &'static str)>,
        facts: BTreeMap<String, String>,
    ) -> Self {
        Self { frame, pool, local, unstored, facts }
    }

    /// Begins an engine whose world lives in this directory: made there, or recovered from it, by `build`. It
    /// comes with the feature `store`, as [`Engine::durable`] does.
    #[cfg(feature = "store")]
    pub fn open(path: impl AsRef<std::path::Path>) -> EngineBuilder {
        EngineBuilder::new(Some(path.as_ref()))
    }

    /// Begins an engine without a store.
    pub fn in_memory() -> EngineBuilder {
        EngineBuilder::new(None)
    }

    /// Makes and commits one step. To make many, [`Engine::run`] is faster: it enters the pool once.
    ///
    /// # Errors
    /// A system's panic, a refused command, a lease that was held too long, a failed store. The frame is not
    /// committed then, and the engine makes no more.
    pub fn step(&mut self) -> Result<()> {
        self.check_caller()?;
        let Self { frame, pool, .. } = self;
        pool.install(|| {
            frame.step()?;
            // Nobody can say when the next frame comes; the record must not wait for it.
            frame.hand_over()
        })
    }

    /// Makes and commits one *still* frame: world time stands, and only systems registered as
    /// [`answering`](crate::IntoTask::answering) run. Everything else is as in any frame: inputs are applied and
    /// answered, messages go on, the frame has a number and a record. So requests that cannot wait for the next
    /// step are served, and the simulation does not notice.
    ///
    /// ```
    /// use diptych_engine::prelude::*;
    /// #[derive(Clone, Copy, Pod, Zeroable)]
    /// #[repr(C)]
    /// struct Asked(u64);
    /// #[derive(Clone, Copy, Pod, Zeroable)]
    /// #[repr(C)]
    /// struct Age(u64);
    /// fn count(mut counts: Query<Next<Asked>>) {
    ///     counts.par_rows(|mut count| count.set(Asked(count.prev().0 + 1)));
    /// }
    /// fn grow(mut ages: Query<Next<Age>>) {
    ///     ages.par_rows(|mut age| age.set(Age(age.prev().0 + 1)));
    /// }
    /// # fn main() -> diptych_engine::Result<()> {
    /// let mut engine = Engine::in_memory()
    ///     .state::<Asked>("desk.asked", 1)
    ///     .state::<Age>("life.age", 1)
    ///     .system("count", count.answering())
    ///     .system("grow", grow)
    ///     .setup("all", |structure| {
    ///         structure.spawn((Asked(0), Age(0)));
    ///     })
    ///     .build()?;
    /// engine.step()?;
    /// engine.answer()?;
    /// let (asked, age) = (engine.view().single::<Asked>(), engine.view().single::<Age>());
    /// assert_eq!((asked.map(|n| n.0), age.map(|n| n.0)), (Some(2), Some(1)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Engine::step`]; and when no system is answering, which changes nothing.
    pub fn answer(&mut self) -> Result<()> {
        self.check_caller()?;
        let Self { frame, pool, .. } = self;
        pool.install(|| {
            frame.answer()?;
            frame.hand_over()
        })
    }

    /// Makes still frames as long as `more` says so, asked before each; answers how many were made. For a server with
    /// requests: it enters the pool once, and a frame's record is encoded beside the next frame.
    ///
    /// # Errors
    /// As [`Engine::answer`].
    pub fn answer_while(&mut self, mut more: impl FnMut() -> bool + Send) -> Result<u64> {
        self.check_caller()?;
        let Self { frame, pool, .. } = self;
        pool.install(|| {
            let mut made = 0;
            while more() {
                frame.answer()?;
                made += 1;
            }
            if made > 0 {
                // Nobody can say when the next frame comes; the record must not wait for it.
                frame.hand_over()?;
            }
            Ok(made)
        })
    }

    /// Makes frames at a pace, until it ends; answers how many were made. The last frame has a digest.
    ///
    /// # Errors
    /// As [`Engine::step`].
    pub fn run(&mut self, pace: Pace) -> Result<u64> {
        self.check_caller()?;
        if let Some(hz) = pace.hz.filter(|_| !crate::timer::HAS_CLOCK) {
            let reason = "this target has no clock to pace by; run a number of frames, at the host's pace";
            return Err(Error::Setting { setting: "pace", value: format!("{hz} Hz"), reason });
        }
        let Self { frame, pool, .. } = self;
        pool.install(|| run_frames(frame, &pace))
    }

    /// A tick inside a tick, or under a lease of this thread, would wait for itself.
    pub(crate) fn check_caller(&self) -> Result<()> {
        // A parallel loop's blocks run on any thread of the pool.
        if crate::wave::in_wave() || crate::lease::is_pool_thread() {
            return Err(Error::NestedTick);
        }
        match self.frame.gate.holder_here() {
            Some(holder) => Err(Error::Lease(format!(
                "this thread holds the lease {holder}, for which the commit would wait; make frames outside it"
            ))),
            None => Ok(()),
        }
    }

    /// The last committed frame.
    pub fn frame(&self) -> u64 {
        self.frame.committed
    }

    /// The last frame that is durable; the last committed one in memory.
    pub fn durable_frame(&self) -> u64 {
        let durable = self.frame.encoder.as_ref().and_then(|encoder| encoder.durable_frame());
        durable.unwrap_or(self.frame.committed)
    }

    /// The digest of the committed frame.
    pub fn digest(&mut self) -> Digest {
        let Self { frame, pool, .. } = self;
        pool.install(|| frame.take_digest())
    }

    /// What each component adds to the digest of the committed frame, by name. Of two worlds that should be equal
    /// and are not, the components that differ are those whose sums or rows do.
    pub fn component_digests(&mut self) -> Vec<ComponentSum> {
        let Self { frame, pool, .. } = self;
        pool.install(|| frame.component_sums())
    }

    /// The last committed frame, to look at. After a failed commit it may show half of that commit; open the
    /// world again then. (A [`Reader`] refuses.)
    pub fn view(&self) -> View<'_> {
        View::new(self.frame.world(), &self.frame.shared)
    }

    /// A handle that reads the last committed frame from other threads.
    pub fn reader(&self) -> Reader {
        Reader {
            cell: self.frame.cell.clone(),
            shared: self.frame.shared.clone(),
            gate: self.frame.gate.clone(),
            copies: self.frame.copies.clone(),
        }
    }

    /// A handle that sends inputs from any thread.
    pub fn inputs(&self) -> Inputs {
        self.frame.inputs.clone()
    }

    /// Waits until every committed frame is durable; answers the durable frame.
    ///
    /// # Errors
    /// When the store has failed.
    pub fn flush(&mut self) -> Result<u64> {
        let Self { frame, pool, .. } = self;
        pool.install(|| frame.flush())
    }

    /// Waits until `frame` is durable; answers the durable frame.
    ///
    /// # Errors
    /// When the store has failed, or the time is over.
    pub fn wait_durable(&mut self, frame: u64, timeout: Duration) -> Result<u64> {
        if self.durable_frame() >= frame {
            return Ok(self.durable_frame());
        }
        self.frame.wait_durable(frame, timeout)
    }

    /// A handle that waits for durable frames on other threads; `None` in memory. A frame's record reaches
    /// the store when the next frame begins, or when `step` or `run` returns.
    #[cfg(feature = "store")]
    pub fn durable(&self) -> Option<crate::store::DurableFrames> {
        self.frame.encoder.as_ref().and_then(|encoder| encoder.durable())
    }

    /// What the engine has done and how long it took.
    pub fn stats(&self) -> Stats {
        self.frame.stats()
    }

    /// Who owns and reads what, in which wave; prints as text with a Mermaid graph.
    pub fn explain(&self) -> Explanation {
        Explanation::of(&self.frame, &self.local, &self.facts)
    }

    /// A resource that was registered: a plugin's handle for whoever holds the engine.
    pub fn resource<R: bevy_ecs::resource::Resource>(&self) -> Option<&R> {
        self.frame.world().get_resource::<R>()
    }

    /// What was repaired at opening, as a sentence: an unsynced tail that was cut off.
    pub fn repaired(&self) -> Option<&str> {
        self.frame.encoder.as_ref().and_then(|encoder| encoder.repaired())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // A clean end writes what is still waiting; a failure was reported by the call that met it.
        let mut reason = "the engine was dropped".to_owned();
        let Self { frame, pool, .. } = self;
        if frame.poisoned.is_none()
            && let Err(error) = pool.install(|| frame.settle_end()).and_then(|()| self.flush())
        {
            tracing::error!(%error, "the last frames were not stored");
            reason = format!("the engine was dropped, and its last frames were not stored: {error}");
        }
        self.frame.observers.stop(&reason);
        self.frame.inputs.queue().close();
        self.frame.annexes.iter().for_each(|annex| annex.end());
    }
}

fn run_frames(frame: &mut Frame, pace: &Pace) -> Result<u64> {
    let mut metronome = pace.hz.map(|hz| Metronome::new(hz, pace.catch_up));
    let mut made = 0;
    while pace.frames.is_none_or(|frames| made < frames) && !pace.stop.is_stopped() {
        // The last frame of a run has its digest in its record, where the end is known beforehand.
        frame.digests.wanted = pace.frames == Some(made + 1);
        if let Some(metronome) = &mut metronome {
            frame.hand_over()?;
            frame.stats.frames_skipped += metronome.wait(&pace.stop);
            if pace.stop.is_stopped() {
                break;
            }
        }
        frame.step()?;
        made += 1;
    }
    if made > 0 {
        frame.end_run()?;
    }
    Ok(made)
}
