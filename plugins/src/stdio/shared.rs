//! What the reading thread and the ticking one share.
//!
//! Invariant: requests have numbers without gaps, in the order of their lines. `sent` says below which all are in the
//! world's queue or refused, `seen` below which all were in a frame; both only grow. Everything changes under one lock, and
//! whoever changes it wakes the other side.

use super::request::Local;
use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Between two looks of who waits for nothing in particular.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What becomes of a request.
#[derive(Debug)]
pub(super) enum Entry {
    /// Its reply is its answer's value.
    Run,
    /// Its reply is whether its answer is an ERROR.
    Done,
    /// Its reply is known.
    Ready(Box<[u8]>),
    /// It is done between frames.
    Local(Local),
}

/// Requests in a row.
#[derive(Debug, Default)]
pub(super) struct Batch {
    first: u64,
    entries: Vec<(u32, Entry)>,
    /// Their ids, one behind the other; each entry has the end of its own.
    ids: Vec<u8>,
}

impl Batch {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn push(&mut self, number: u64, id: &[u8], entry: Entry) {
        if self.entries.is_empty() {
            self.first = number;
        }
        self.ids.extend_from_slice(id);
        // A batch has some thousand entries at most, so its ids are far below 4 GiB.
        self.entries.push((self.ids.len() as u32, entry));
    }

    /// The numbers it holds.
    pub(super) fn numbers(&self) -> Range<u64> {
        self.first..self.first + self.entries.len() as u64
    }

    /// The id and what becomes of the request with this number.
    pub(super) fn at(&mut self, number: u64) -> (&[u8], &mut Entry) {
        let index = (number - self.first) as usize;
        let from = index.checked_sub(1).map_or(0, |before| self.entries[before].0 as usize);
        let (to, entry) = &mut self.entries[index];
        (&self.ids[from..*to as usize], entry)
    }

    /// Gives this reply to those of these numbers that were to be sent.
    pub(super) fn refuse(&mut self, numbers: &Range<u64>, body: &[u8]) {
        for (number, (_, entry)) in (self.first..).zip(&mut self.entries) {
            if numbers.contains(&number) && matches!(entry, Entry::Run | Entry::Done) {
                *entry = Entry::Ready(body.into());
            }
        }
    }
}

/// Requests that were announced and could not be sent.
#[derive(Debug)]
pub(super) struct Unsent {
    pub(super) numbers: Range<u64>,
    pub(super) message: String,
}

#[derive(Debug, Default)]
struct State {
    batches: Vec<Batch>,
    /// At most one a batch that was not taken yet.
    unsent: Vec<Unsent>,
    sent: u64,
    seen: u64,
    ended: bool,
    gone: bool,
}

/// The two sides.
#[derive(Debug, Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    to_reader: Condvar,
    to_ticker: Condvar,
}

/// What the reader has done.
pub(super) struct News {
    pub(super) batches: Vec<Batch>,
    pub(super) unsent: Vec<Unsent>,
    pub(super) sent: u64,
    pub(super) ended: bool,
}

/// The ticking side has ended.
#[derive(Debug)]
pub(super) struct Gone;

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until all requests below `number` were in a frame.
    pub(super) fn wait_for(&self, number: u64) -> Result<(), Gone> {
        let mut state = self.lock();
        while !state.gone && state.seen < number {
            let waited = self.to_reader.wait_timeout(state, LOOK_AGAIN);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if state.gone { Err(Gone) } else { Ok(()) }
    }

    pub(super) fn announce(&self, batch: Batch) {
        self.lock().batches.push(batch);
    }

    /// Requests below `number` are in the world's queue, or refused.
    pub(super) fn sent(&self, number: u64, unsent: Option<Unsent>) {
        let mut state = self.lock();
        state.sent = number;
        state.unsent.extend(unsent);
        drop(state);
        self.to_ticker.notify_one();
    }

    /// The reader has read to the end.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.to_ticker.notify_one();
    }

    /// The ticker ends.
    pub(super) fn go(&self) {
        self.lock().gone = true;
        self.to_reader.notify_one();
    }

    pub(super) fn seen(&self, number: u64) {
        self.lock().seen = number;
        self.to_reader.notify_one();
    }

    /// Waits for news of a reader that was at `sent`, at most so long.
    pub(super) fn news(&self, sent: u64, wait: Duration) -> News {
        let mut state = self.lock();
        if state.sent == sent && state.batches.is_empty() && !state.ended && !wait.is_zero() {
            let waited = self.to_ticker.wait_timeout(state, wait);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let (batches, unsent) = (std::mem::take(&mut state.batches), std::mem::take(&mut state.unsent));
        News { batches, unsent, sent: state.sent, ended: state.ended }
    }
}
