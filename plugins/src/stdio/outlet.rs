//! The way out: a thread that writes, so that a world need not wait for whoever reads.
//!
//! Invariant: bytes go out in order; at most [`UNREAD_BYTES_MAX`] and one batch wait, and beyond it the world waits.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::shared::LOOK_AGAIN;

/// Bytes of replies that nobody has read yet; then no more requests are served until some are.
pub const UNREAD_BYTES_MAX: usize = 64 << 20;

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    ended: bool,
    failed: Option<std::io::ErrorKind>,
}

#[derive(Debug, Default)]
struct Pipe {
    state: Mutex<State>,
    filled: Condvar,
    emptied: Condvar,
}

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The ticker's end.
pub(super) struct Outlet {
    pipe: Arc<Pipe>,
    writer: JoinHandle<()>,
}

impl Outlet {
    pub(super) fn new(output: impl Write + Send + 'static) -> std::io::Result<Self> {
        let pipe = Arc::<Pipe>::default();
        let other = pipe.clone();
        let writer =
            std::thread::Builder::new().name("replies".to_owned()).spawn(move || write(&other, output))?;
        Ok(Self { pipe, writer })
    }

    /// Takes bytes; an error if what was written before failed.
    pub(super) fn put(&self, bytes: &mut Vec<u8>) -> Result<(), std::io::ErrorKind> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut state = self.pipe.lock();
        while state.bytes.len() > UNREAD_BYTES_MAX && state.failed.is_none() {
            let waited = self.pipe.emptied.wait_timeout(state, LOOK_AGAIN);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if let Some(failed) = state.failed {
            return Err(failed);
        }
        if state.bytes.is_empty() {
            std::mem::swap(&mut state.bytes, bytes);
        } else {
            state.bytes.append(bytes);
        }
        bytes.clear();
        self.pipe.filled.notify_one();
        Ok(())
    }

    /// Waits until everything is written.
    pub(super) fn finish(self) -> Result<(), std::io::ErrorKind> {
        self.pipe.lock().ended = true;
        self.pipe.filled.notify_one();
        assert!(self.writer.join().is_ok(), "the writing thread does not panic");
        let failed = self.pipe.lock().failed;
        failed.map_or(Ok(()), Err)
    }
}

fn write(pipe: &Pipe, mut output: impl Write) {
    let mut bytes = Vec::new();
    loop {
        let mut state = pipe.lock();
        while state.bytes.is_empty() && !state.ended {
            let waited = pipe.filled.wait_timeout(state, LOOK_AGAIN);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if state.bytes.is_empty() {
            return;
        }
        std::mem::swap(&mut state.bytes, &mut bytes);
        drop(state);
        pipe.emptied.notify_one();
        let written = output.write_all(&bytes).and_then(|()| output.flush());
        bytes.clear();
        if let Err(error) = written {
            let mut state = pipe.lock();
            state.failed = Some(error.kind());
            drop(state);
            pipe.emptied.notify_one();
            return;
        }
    }
}
