//! What an engine knows of its past: images of earlier frames, and copies of the world.
//!
//! Invariant: nothing here changes the world. Left out: how long frames are kept (see `store`).

use super::Engine;
use crate::error::{Error, Result};

impl Engine {
    /// The world as it was after `frame`, as bytes: any frame that is kept, the last committed one too. Frames go
    /// on while others look back with [`Engine::past`]; this waits for the store to have written what was committed.
    ///
    /// ```
    /// use diptych_engine::prelude::*;
    /// #[derive(Clone, Copy, Pod, Zeroable)]
    /// #[repr(C)]
    /// struct Age(u64);
    /// fn grow(mut ages: Query<Next<Age>>) {
    ///     ages.par_rows(|mut age| age.set(Age(age.prev().0 + 1)));
    /// }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("world");
    /// let mut engine = Engine::open(path)
    ///     .state::<Age>("life.age", 1)
    ///     .system("grow", grow)
    ///     .setup("one", |structure| {
    ///         structure.spawn((Age(0),));
    ///     })
    ///     .history(diptych_engine::store::History::frames(1000))
    ///     .build()?;
    /// engine.run(Pace::frames(10))?;
    /// let then = engine.at(3)?;
    /// let ages: Vec<&[u8]> = then.rows("life.age").map(|(_, bytes)| bytes).collect();
    /// assert_eq!(ages, [3_u64.to_le_bytes()]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The frame is not kept (the error says which are), the store has failed, or the world is in memory.
    pub fn at(&mut self, frame: u64) -> Result<crate::store::Image> {
        let Self { frame: made, pool, .. } = self;
        pool.install(|| made.hand_over())?;
        let Some(past) = self.past() else {
            let reason = "a world in memory keeps no past; open it in a directory";
            return Err(Error::Store(reason.to_owned()));
        };
        past.at(frame).map_err(|error| Error::Store(error.to_string()))
    }

    /// The frames that [`Engine::at`] gives; `None` in memory. The last ones may still be on their way to the disk.
    pub fn retained(&self) -> Option<core::ops::RangeInclusive<u64>> {
        let kept = self.past()?.retained();
        let first = kept.map_or(self.frame.committed, |kept| *kept.start());
        Some(first..=self.frame.committed)
    }

    /// A handle that looks back on other threads, while frames go on; `None` in memory. It sees a frame when the
    /// next one begins, or when `step` or `run` returns.
    pub fn past(&self) -> Option<crate::store::Past> {
        self.frame.encoder.as_ref().and_then(|encoder| encoder.past())
    }

    /// Copies the world to `target`, which must not exist or be an empty directory: every committed frame, and the
    /// history. To copy while frames go on, use [`Past::backup`](crate::store::Past::backup) on another thread.
    ///
    /// # Errors
    /// As [`store::backup`](crate::store::backup); and when the world is in memory.
    pub fn backup(&mut self, target: impl AsRef<std::path::Path>) -> Result<crate::store::Backup> {
        self.flush()?;
        let Some(past) = self.past() else {
            let reason = "a world in memory cannot be copied; open it in a directory";
            return Err(Error::Store(reason.to_owned()));
        };
        let made = past.backup(target.as_ref(), &mut |_, _| {});
        made.map_err(|error| Error::Store(error.to_string()))
    }
}
