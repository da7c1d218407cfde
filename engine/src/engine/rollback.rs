//! Going back, as an embedder asks for it.
//!
//! Invariant: a refusal has changed nothing. How frames are undone is `frame/rewind.rs`'s.

use super::Engine;
use crate::builder::EngineBuilder;
use crate::error::Result;
use crate::frame::Census;

impl Engine {
    /// Undoes the frames after `frame`: the world is what that frame committed, bit for bit, and goes on from there.
    /// The frames are then made again, as a rule with other inputs; with the same ones they are the same.
    ///
    /// State is put back, with what `Changed`, `Removed` and transient values of that frame say, messages and answers
    /// under way, world time, controls and open requests of jobs (those answered since are asked again). Observers
    /// begin again with `frame`; hooks are not called, and late systems see frames again as they are made again.
    /// Handles (`Entity`) may lead to other entities than before. Inputs that wait, and requests to a runtime, stay.
    /// What is outside the world is not touched: scratch, resources, `Local`s, and what systems, hooks and jobs have
    /// done elsewhere.
    ///
    /// Cost: what the undone frames have changed.
    ///
    /// ```
    /// use diptych_engine::prelude::*;
    /// #[derive(Clone, Copy, Pod, Zeroable)]
    /// #[repr(C)]
    /// struct Age(u64);
    /// fn grow(mut ages: Query<Next<Age>>) {
    ///     ages.par_rows(|mut age| age.set(Age(age.prev().0 + 1)));
    /// }
    /// # fn main() -> diptych_engine::Result<()> {
    /// let mut engine = Engine::in_memory()
    ///     .state::<Age>("life.age", 1)
    ///     .system("grow", grow)
    ///     .setup("life", |structure| {
    ///         structure.spawn((Age(0),));
    ///     })
    ///     .rollback(8)
    ///     .build()?;
    /// engine.run(Pace::frames(20))?;
    /// engine.rollback_to(14)?;
    /// assert_eq!(engine.view().single::<Age>().map(|age| age.0), Some(14));
    /// engine.step()?;
    /// assert_eq!(engine.frame(), 15);
    /// assert!(engine.rollback_to(3).is_err(), "too old");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Without [`rollback`](EngineBuilder::rollback), for a frame that is not kept any more or not made yet, inside a
    /// tick, and under a lease: then nothing has happened. When the engine has stopped. When an observer panics in
    /// `begin`, which stops the engine.
    pub fn rollback_to(&mut self, frame: u64) -> Result<()> {
        self.check_caller()?;
        let Self { frame: world, pool, .. } = self;
        pool.install(|| world.rollback_to(frame))
    }

    /// The oldest frame that [`Engine::rollback_to`] can go back to; `None` where frames are not kept.
    pub fn rollback_oldest(&self) -> Option<u64> {
        self.frame.rewind.as_ref().and_then(|rewind| rewind.oldest())
    }

    /// The hash of every row of the committed frame by itself, for who looks for a difference.
    pub(crate) fn census(&self) -> Census {
        self.frame.census()
    }
}

impl EngineBuilder {
    /// Keeps what the last `frames` frames overwrote, so that [`Engine::rollback_to`] can undo them; 0, unless said
    /// otherwise, keeps nothing. At most [`ROLLBACK_FRAMES_MAX`](crate::ROLLBACK_FRAMES_MAX), and for worlds in
    /// memory only.
    ///
    /// Cost: each commit copies the old values of the rows that it changed.
    #[must_use]
    pub fn rollback(mut self, frames: u32) -> Self {
        self.rollback = frames;
        self
    }

    /// Bytes that the frames kept for a rollback may take; where they would take more, fewer frames are kept. What
    /// values own outside their rows, as a `String` does, is not counted.
    /// [`ROLLBACK_BYTES_MAX`](crate::ROLLBACK_BYTES_MAX) unless said otherwise.
    #[must_use]
    pub fn rollback_bytes(mut self, bytes: u64) -> Self {
        self.rollback_bytes = bytes;
        self
    }
}
