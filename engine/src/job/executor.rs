//! Who carries jobs out: threads of their own, or, without the feature `threads`, the commit itself.
//!
//! Invariant: both versions answer whatever is submitted exactly once, unless it is cancelled, and none lets a
//! panic of a job through. With a latency, a world cannot tell them apart.

#[cfg(not(feature = "threads"))]
mod inline;
#[cfg(feature = "threads")]
mod threaded;

#[cfg(not(feature = "threads"))]
pub(super) use inline::Executor;
#[cfg(feature = "threads")]
pub(super) use threaded::Executor;

use std::time::Duration;

/// Threads of jobs, unless said otherwise.
pub const JOB_THREADS: u32 = 2;
/// Threads of jobs at most.
pub const JOB_THREADS_MAX: u32 = 256;
/// Threads that jobs may hold beyond their timeouts before requests fail for want of threads.
pub const JOB_THREADS_LOST_MAX: u32 = 16;
/// How long dropping an engine waits for jobs that run; after that their threads are left to themselves.
pub const JOB_DROP_WAIT_MAX: Duration = Duration::from_millis(500);
