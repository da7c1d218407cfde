//! Whether a system ran in the step before the one being made, so that what changed in that step is all that it missed.

use diptych_engine::prelude::Clock;

/// The frame and the step in which a system ran last; kept in a `Local`, which a rollback leaves as it is.
///
/// Invariant: after a start, a still frame, frames left out and a rollback the next frame follows nothing: its number alone
/// would not say so, where as many still frames were made as a rollback took back.
#[derive(Debug, Default)]
pub struct LastRun(Option<(u64, u64)>);

impl LastRun {
    /// Notes the frame being made; answers whether the last one noted was the step before it.
    pub(crate) fn follows(&mut self, clock: &Clock) -> bool {
        let now = (clock.frame(), clock.step());
        self.0.replace(now).is_some_and(|(frame, step)| (frame + 1, step + 1) == now)
    }
}
