//! One piece of a job's work, and what becomes of it: bytes in, bytes or an error out.
//!
//! Invariant: whatever a job does, running it gives an outcome or the work back; no panic of a job leaves this
//! file, and no answer that is too large.

use super::codec::Outcome;
use super::error::JobError;
use core::any::Any;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Bytes of an answer, encoded; a larger one is delivered as [`JobError::TooLarge`].
pub const ANSWER_BYTES_MAX: usize = 1 << 20;

/// A job's answer in bytes, or its own error.
pub(crate) type Given = Result<Vec<u8>, String>;
/// A future that is polled on the threads of jobs.
pub(crate) type Asked = Pin<Box<dyn Future<Output = Given> + Send>>;

type Call = dyn Fn(&[u8]) -> Given + Send + Sync;
type Ask = dyn Fn(&[u8]) -> Result<Asked, String> + Send + Sync;

/// How a job is carried out.
#[derive(Clone)]
pub(crate) enum Run {
    /// By a function that answers.
    Call(Arc<Call>),
    /// By a function that makes a future.
    Ask(Arc<Ask>),
}

/// Work for a thread.
pub(crate) enum Work {
    /// To be begun, with the bytes of the request.
    New(Run, Arc<[u8]>),
    /// Begun, and waiting for something.
    Begun(Asked),
}

/// What became of work.
pub(crate) enum Ran {
    Done(Outcome),
    Waits(Work),
}

impl Work {
    /// Runs as far as it goes without waiting. `waker` is asked for only where something can wait.
    pub(crate) fn run(self, waker: impl FnOnce() -> Waker) -> Ran {
        let ran = catch_unwind(AssertUnwindSafe(|| {
            let mut future = match self {
                Self::New(Run::Call(call), request) => return Ok(call(&request)),
                Self::New(Run::Ask(ask), request) => match ask(&request) {
                    Ok(future) => future,
                    Err(error) => return Ok(Err(error)),
                },
                Self::Begun(future) => future,
            };
            match future.as_mut().poll(&mut Context::from_waker(&waker())) {
                Poll::Ready(given) => Ok(given),
                Poll::Pending => Err(future),
            }
        }));
        match ran {
            Ok(Ok(given)) => Ran::Done(outcome(given)),
            Ok(Err(future)) => Ran::Waits(Self::Begun(future)),
            Err(panic) => {
                let message = crate::panic_text(&*panic).to_owned();
                drop_payload(panic);
                Ran::Done(Err(JobError::panicked(message)))
            }
        }
    }

    /// Drops work that nobody wants any more. Dropping a future runs code of the user's, which may panic.
    pub(crate) fn discard(self) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(self))) {
            tracing::warn!("a job's future panicked as it was dropped");
            drop_payload(panic);
        }
    }
}

/// Drops what a panic carried, which is the user's, too, and may panic again; what that one carries stays.
fn drop_payload(payload: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        core::mem::forget(again);
    }
}

fn outcome(given: Given) -> Outcome {
    match given {
        Ok(bytes) if bytes.len() > ANSWER_BYTES_MAX => {
            Err(JobError::TooLarge { bytes: bytes.len() as u64, max: ANSWER_BYTES_MAX as u64 })
        }
        Ok(bytes) => Ok(bytes.into()),
        Err(message) => Err(JobError::failed(message)),
    }
}
