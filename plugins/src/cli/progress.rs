//! How far a run is: a bar on a terminal, now and then a line elsewhere, both on standard error.
//!
//! Invariant: it never touches standard output, and nothing of the world depends on it.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// The display of one run.
pub(crate) enum Progress {
    /// On a terminal.
    Bar(ProgressBar),
    /// Elsewhere.
    Lines {
        /// The frame to reach.
        goal: u64,
        /// When the last line was written.
        last: Instant,
    },
    /// Elsewhere, of a copy.
    ByteLines {
        /// Bytes to copy.
        goal: u64,
        /// When the last line was written.
        last: Instant,
    },
}

impl Progress {
    /// Begins at `frame`, on the way to `goal`.
    pub(crate) fn new(frame: u64, goal: u64) -> Progress {
        if !std::io::stderr().is_terminal() {
            return Progress::Lines { goal, last: Instant::now() };
        }
        let bar =
            ProgressBar::with_draw_target(Some(goal), ProgressDrawTarget::stderr()).with_position(frame);
        let style = ProgressStyle::with_template("{bar:32} frame {pos}/{len} {per_sec} {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.reset_eta();
        Progress::Bar(bar)
    }

    /// A copy of so many bytes.
    pub(crate) fn bytes(goal: u64) -> Progress {
        if !std::io::stderr().is_terminal() {
            return Progress::ByteLines { goal, last: Instant::now() };
        }
        let bar = ProgressBar::with_draw_target(Some(goal), ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{bar:32} {bytes} of {total_bytes} {bytes_per_sec} {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Progress::Bar(bar)
    }

    /// The run is at `frame` now, or the copy at this byte.
    pub(crate) fn at(&mut self, frame: u64) {
        match self {
            Progress::Bar(bar) => bar.set_position(frame),
            Progress::Lines { goal, last } => {
                if last.elapsed() >= LINE_EVERY {
                    *last = Instant::now();
                    let _ = writeln!(std::io::stderr(), "frame {frame} of {goal}");
                }
            }
            Progress::ByteLines { goal, last } => {
                if last.elapsed() >= LINE_EVERY {
                    *last = Instant::now();
                    let _ = writeln!(std::io::stderr(), "{} of {} MiB", frame >> 20, *goal >> 20);
                }
            }
        }
    }

    /// Takes the bar away, so that what follows begins on a line of its own.
    pub(crate) fn end(self) {
        if let Progress::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
