//! How much one script may take.
//!
//! Invariant: whatever a script can make grow has a limit here, and each has a name. Left out: limits of entries and
//! events, which are the host's.

use diptych_components::slp;

/// How much one script may take. Beyond `steps_a_frame` it is suspended; beyond all else it ends with an ERROR.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Steps before it waits for the next frame; 0 counts as 1. A step is one form or argument, one pass of an
    /// iteration, or 64 bytes that `eval` parses; the host may ask for more, for bytes that are written.
    pub steps_a_frame: u64,
    /// Steps from its start to its end.
    pub steps_in_all: u64,
    /// Calls, lists and arguments that are open at once.
    pub stack: u32,
    /// Bytes of the values and keys it holds and of the programs that `eval` is in, without its own text.
    pub bytes: u64,
    /// What `eval` parses.
    pub parse: slp::Limits,
}

/// Bytes of a line of the log; what is longer is cut.
pub const LOG_LINE_BYTES_MAX: usize = 64 << 10;

/// Bytes of text that count as one step of `eval`.
pub(super) const TEXT_BYTES_A_STEP: u64 = 64;

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps_a_frame: 100_000,
            steps_in_all: 1_000_000,
            stack: 16_384,
            bytes: 16 << 20,
            parse: slp::Limits::default(),
        }
    }
}
