//! Ctrl-C as a stop signal, for programs that run a world until somebody has had enough.
//!
//! Invariant: the handler only sets a flag; the run ends at its next commit, with nothing half done. A process
//! has one handler, so all interruptible runs of a process share it. Other signals are left out.

use std::sync::OnceLock;

use diptych_engine::{Pace, StopSignal};

/// The exit code of a process that an interrupt has ended: 128 and the number of the signal.
const EXIT_INTERRUPTED: i32 = 130;

/// Given by the process's first Ctrl-C, for good.
static INTERRUPTED: OnceLock<StopSignal> = OnceLock::new();

/// Ends runs at Ctrl-C.
pub trait Interruptible {
    /// Until Ctrl-C (or SIGTERM, SIGHUP): the run ends at its next commit, and so does every later run with
    /// such a pace. A second Ctrl-C ends the process at once, with exit code 130; what was durable stays.
    ///
    /// It takes the place of an earlier [`Pace::until`].
    ///
    /// ```no_run
    /// use diptych::prelude::*;
    /// # fn main() -> diptych::Result<()> {
    /// let mut engine = Engine::in_memory().build()?;
    /// engine.run(Pace::hz(60.0).until_interrupted())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    /// When the program has a handler of its own: give your handler a [`StopSignal`] then, and the pace
    /// [`Pace::until`] that signal.
    #[must_use]
    fn until_interrupted(self) -> Self;
}

impl Interruptible for Pace {
    fn until_interrupted(self) -> Self {
        self.until(INTERRUPTED.get_or_init(catch))
    }
}

/// Whether there was a Ctrl-C since something [became interruptible](Interruptible).
pub fn is_interrupted() -> bool {
    INTERRUPTED.get().is_some_and(StopSignal::is_stopped)
}

/// A signal that the process's Ctrl-C gives from now on.
fn catch() -> StopSignal {
    let stop = StopSignal::new();
    let signal = stop.clone();
    let caught = ctrlc::set_handler(move || {
        if signal.is_stopped() {
            std::process::exit(EXIT_INTERRUPTED);
        }
        signal.stop();
    });
    assert!(
        caught.is_ok(),
        "Ctrl-C cannot be caught ({caught:?}); where the program has a handler, let it give a StopSignal"
    );
    stop
}
