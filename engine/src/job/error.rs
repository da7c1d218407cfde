//! What can go wrong with a job: refused at its start, or answered with an error.
//!
//! Invariant: both are values. An error of a job is stored and delivered like an answer; its text is bounded.

use std::time::Duration;

/// Bytes of a job's own error message or of its panic's; longer ones are cut.
pub const JOB_ERROR_BYTES_MAX: usize = 4096;

/// Why a job has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// The job itself said so.
    #[error("the job failed: {0}")]
    Failed(String),
    /// The job panicked.
    #[error("the job panicked: {0}")]
    Panicked(String),
    /// The job took too long. Raise its timeout with `.job_timeout`, or ask for less.
    #[error("the job was not done after {:?}, its timeout", .after)]
    TimedOut {
        /// The timeout, of wall clock, from when the job began to run.
        after: Duration,
    },
    /// The answer was too large.
    #[error("the job's answer has {bytes} bytes; the limit is {max}")]
    TooLarge {
        /// The answer's bytes.
        bytes: u64,
        /// The limit.
        max: u64,
    },
    /// Jobs that never come back hold every thread that could be had.
    #[error(
        "no thread can run the job; {lost} are held by jobs that ran into their timeout and have not come back"
    )]
    NoThread {
        /// Threads held by jobs that were given up.
        lost: u32,
    },
}

impl JobError {
    pub(crate) fn failed(message: String) -> Self {
        Self::Failed(cut(message))
    }

    pub(crate) fn panicked(message: String) -> Self {
        Self::Panicked(cut(message))
    }
}

fn cut(mut message: String) -> String {
    if message.len() > JOB_ERROR_BYTES_MAX {
        message.truncate(message.floor_char_boundary(JOB_ERROR_BYTES_MAX));
    }
    message
}

/// Why a job was not started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JobRefused {
    /// Too many of the system's requests are open. Try again when some are answered.
    #[error(
        "{open} requests of this job are open, at most {max} may be; start it again when some are answered"
    )]
    Full {
        /// Open requests of this system and job, those of this frame with them.
        open: u32,
        /// The limit.
        max: u32,
    },
    /// The request is too large.
    #[error("the request has {bytes} bytes; the limit is {max}")]
    TooLarge {
        /// The request's bytes.
        bytes: u64,
        /// The limit.
        max: u64,
    },
}
