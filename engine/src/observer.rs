//! Observers: what is kept beside the world and follows from its committed frames, such as an index or an export.
//!
//! Invariant: an observer sees every frame from `begin` on, once and in order, and after `stopped` nothing; a rollback
//! is another `begin`, with an earlier frame. It
//! only looks, so no frame depends on it, unless a system reads what it keeps: then that must follow from the
//! views alone, and be made again in `begin`. Which rows changed is left to hooks and late systems.

use crate::error::{BuildError, Error, Result};
use crate::frame::Frame;
use crate::panics::panic_text;
use crate::view::View;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Keeps something beside the world that follows from committed frames: an index, an export.
///
/// Its calls run on the engine's pool, so [`par_each`](crate::par_each) helps them; waiting for the engine or
/// leasing inside of one is refused. A panic in `begin` or `commit` stops the engine as a system's does.
///
/// ```
/// use diptych_engine::prelude::*;
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use std::sync::Arc;
///
/// #[derive(Default)]
/// struct Latest(AtomicU64);
/// impl Observer for Latest {
///     fn commit(&self, view: View<'_>) {
///         self.0.store(view.frame(), Ordering::Relaxed);
///     }
/// }
/// # fn main() -> diptych_engine::Result<()> {
/// let latest = Arc::new(Latest::default());
/// let mut engine = Engine::in_memory().observer("latest", latest.clone()).build()?;
/// engine.run(Pace::frames(3))?;
/// assert_eq!(latest.0.load(Ordering::Relaxed), 3);
/// # Ok(())
/// # }
/// ```
pub trait Observer: Send + Sync + 'static {
    /// When the world is there: made or recovered, before a startup frame; sees the committed frame. Again after
    /// each rollback, with the frame that was gone back to: what was kept of later frames is to be forgotten.
    fn begin(&self, _view: View<'_>) {}

    /// At the end of each commit, after inputs, messages and hooks, while no lease is held and no system runs.
    ///
    /// Keep it short: the commit waits. A commit that fails after this, as by a later observer or the store, is
    /// followed by [`Observer::stopped`], and the frame that was seen is not committed.
    fn commit(&self, _view: View<'_>) {}

    /// Once: the engine failed (why) or was dropped. Nothing comes after it. May be called in the middle of a
    /// failing frame; a panic in it is logged and goes no further.
    fn stopped(&self, _reason: &str) {}
}

/// The observers of a world, in the order of their names.
#[derive(Default)]
pub(crate) struct Observers {
    list: Vec<(String, Arc<dyn Observer>)>,
    /// Whether `begin` was called and `stopped` was not.
    running: bool,
}

impl Observers {
    /// Adds one; `order` comes when all are there.
    pub(crate) fn add(&mut self, name: &str, observer: Arc<dyn Observer>) {
        self.list.push((name.to_owned(), observer));
    }

    /// Puts them in the order of their names; a name that comes twice is refused.
    pub(crate) fn order(&mut self, errors: &mut Vec<BuildError>) {
        self.list.sort_by(|a, b| a.0.cmp(&b.0));
        for twins in self.list.windows(2).filter(|twins| twins[0].0 == twins[1].0) {
            errors.push(BuildError::DuplicateObserver { name: twins[0].0.clone() });
        }
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|(name, _)| name.as_str())
    }

    /// Tells all of them that nothing comes any more, once.
    pub(crate) fn stop(&mut self, reason: &str) {
        if !core::mem::take(&mut self.running) {
            return;
        }
        for (name, observer) in &self.list {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| observer.stopped(reason))) {
                let message = panic_text(&*panic);
                tracing::error!(observer = name, message, "an observer panicked when it was stopped");
            }
        }
    }

    /// Shows a frame to all of them; a panic is an error that names whose it was.
    fn show(&self, view: View<'_>, call: impl Fn(&dyn Observer, View<'_>)) -> Result<()> {
        self.list.iter().try_for_each(|(name, observer)| {
            let called = catch_unwind(AssertUnwindSafe(|| call(&**observer, view)));
            called.map_err(|panic| Error::Panicked {
                system: format!("(the observer {name})"),
                frame: view.frame(),
                message: panic_text(&*panic).to_owned(),
            })
        })
    }
}

impl Frame {
    /// Lets the observers look at the world that was made or recovered.
    pub(crate) fn begin_observers(&mut self) -> Result<()> {
        self.observers.running = true;
        let begin = |frame: &mut Self| {
            let view = View::new(frame.world(), &frame.shared);
            frame.observers.show(view, |observer, view| observer.begin(view))
        };
        self.guarded(self.committed, begin)
    }

    /// Lets them begin again with the world as it was rolled back.
    pub(crate) fn begin_again(&self) -> Result<()> {
        let view = View::new(self.world(), &self.shared);
        self.observers.show(view, |observer, view| observer.begin(view))
    }

    /// Shows them the frame whose commit is ending.
    pub(crate) fn show_commit(&self) -> Result<()> {
        // Frame 0 is shown by `begin`.
        if self.observers.list.is_empty() || !self.observers.running {
            return Ok(());
        }
        let view = View::new(self.world(), &self.shared);
        self.observers.show(view, |observer, view| observer.commit(view))
    }
}
