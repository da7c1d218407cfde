//! The bounded queue between the engine's thread and the writer's, and what the writer publishes.
//!
//! Invariant: frames and bytes stay counted until they are written, so the bound covers what the writer
//! holds too; after a failure nothing more is accepted and every waiter learns why.
//! Left out: what the items mean (see `writer`).

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::base::Base;
use super::delta::Delta;
use super::history::Look;
use super::log::Entry;
use super::past::LOOKS_MAX;
use super::{StoreError, StoreStats};
use crate::watermark::{WaitError, Watermark};

/// How long a submit, flush or close waits for the disk before it gives up.
pub(crate) const STALL_SECONDS_MAX: u64 = 120;
/// How long the writer sleeps when nothing arrives, then writes the head of empty frames.
pub(crate) const IDLE: Duration = Duration::from_millis(100);
/// Buffers kept for reuse, and their bytes.
const POOL_BUFFERS_MAX: usize = 1024;
const POOL_BYTES_MAX: u64 = 64 << 20;

/// What the writer is asked to do, in order.
#[derive(Debug)]
pub(crate) enum Item {
    Record(Delta, Option<Box<Entry>>),
    /// What came into a frame that has no record.
    Entry(Box<Entry>),
    Page(Delta),
    /// With the copy of the record of its frame, where there is no record.
    Begin(Base, Option<Vec<u8>>),
    End,
    /// Nothing refuses the opening any more.
    Confirm,
    /// Answer with `token` when all frames before `head` are synced.
    Flush {
        token: u64,
        head: u64,
    },
    /// Hand out what is needed to look back, at frames before `head` too that have no record.
    Look {
        answer: SyncSender<Look>,
        head: u64,
    },
}

/// What the writer finds in the queue.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Taken {
    /// Something to write.
    Items,
    /// Nothing; frames before this one were made, those behind the last record without one.
    Idle(u64),
    /// The same, and nothing will come any more.
    Closed(u64),
}

impl Item {
    /// Whether nothing is written for it.
    pub(crate) fn only_looks(&self) -> bool {
        matches!(self, Self::Look { .. })
    }

    fn size(&self) -> u64 {
        match self {
            Self::Record(delta, entry) => delta.size() + entry.as_ref().map_or(0, |entry| entry.size()),
            Self::Page(delta) => delta.size(),
            Self::Entry(entry) => entry.size(),
            Self::Begin(_, copy) => copy.as_ref().map_or(0, Vec::len) as u64,
            _ => 0,
        }
    }
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    frames: u32,
    bytes: u64,
    /// A submit waits for room.
    waiting: bool,
    pool: Vec<Vec<u8>>,
    pool_bytes: u64,
    flushed: u64,
    closing: bool,
    closed: bool,
    error: Option<StoreError>,
    stats: StoreStats,
}

/// A caller that looks back.
#[derive(Debug)]
pub(crate) struct Looking<'a> {
    looks: &'a AtomicU32,
}

impl Drop for Looking<'_> {
    fn drop(&mut self) {
        self.looks.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Shared by the store and its writer.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    progressed: Condvar,
    /// Frame + 1 up to which frames without a record are known; 0 for none.
    empty: AtomicU64,
    /// Frame + 1 up to which frames are durable; 0 for none.
    durable: Watermark,
    /// The frames that can be looked at.
    retained: Mutex<Option<RangeInclusive<u64>>>,
    looks: AtomicU32,
    frames_max: u32,
    bytes_max: u64,
}

impl Queue {
    pub(crate) fn new(frames_max: u32, bytes_max: u64, durable: u64) -> Self {
        assert!(frames_max > 0 && bytes_max > 0, "a queue of no frames or bytes lets nothing through");
        Self {
            state: Mutex::default(),
            arrived: Condvar::new(),
            progressed: Condvar::new(),
            empty: AtomicU64::new(0),
            durable: Watermark::new(durable),
            retained: Mutex::new(None),
            looks: AtomicU32::new(0),
            frames_max,
            bytes_max,
        }
    }

    /// No foreign code runs under this lock, so its poison means nothing.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A cleared buffer for the next record.
    pub(crate) fn buffer(&self) -> Vec<u8> {
        let mut state = self.lock();
        let buffer = state.pool.pop().unwrap_or_default();
        state.pool_bytes -= buffer.capacity() as u64;
        buffer
    }

    /// Puts an item in, waiting for room; one item always fits into an empty queue.
    pub(crate) fn put(&self, item: Item) -> Result<(), StoreError> {
        let size = item.size();
        let mut state = self.lock();
        let mut waited: Option<Instant> = None;
        while state.error.is_none()
            && state.frames > 0
            && (state.frames >= self.frames_max || state.bytes + size > self.bytes_max)
        {
            let since = *waited.get_or_insert_with(Instant::now);
            state.waiting = true;
            state = self.wait(state, since, "the queue was full")?;
        }
        if let Some(since) = waited {
            state.stats.submit_waits += 1;
            state.stats.submit_wait_time += since.elapsed();
        }
        if let Some(error) = &state.error {
            return Err(error.clone());
        }
        if state.closing {
            let last_frame = self.durable().checked_sub(1);
            return Err(StoreError::Stopped { last_frame, message: "the world was closed".to_owned() });
        }
        state.frames += 1;
        state.bytes += size;
        state.stats.queue_frames_peak = state.stats.queue_frames_peak.max(state.frames);
        state.stats.queue_bytes_peak = state.stats.queue_bytes_peak.max(state.bytes);
        state.items.push_back(item);
        let wake = state.items.len() == 1;
        drop(state);
        if wake {
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Asks for what is needed to look back at every frame that is known by now.
    pub(crate) fn look(&self, answer: SyncSender<Look>) -> Result<(), StoreError> {
        // Whoever has noted empty frames has put every record before them, so those come before this item.
        let head = self.empty.load(Ordering::Relaxed);
        self.put(Item::Look { answer, head })
    }

    fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        since: Instant,
        waiting: &'static str,
    ) -> Result<MutexGuard<'a, State>, StoreError> {
        let Some(left) = Duration::from_secs(STALL_SECONDS_MAX).checked_sub(since.elapsed()) else {
            return Err(StoreError::Stalled { seconds: STALL_SECONDS_MAX, waiting });
        };
        let (state, _) = self.progressed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        Ok(state)
    }

    /// Waits until the writer has answered flush `token`.
    pub(crate) fn wait_flushed(&self, token: u64) -> Result<(), StoreError> {
        let since = Instant::now();
        let mut state = self.lock();
        while state.flushed < token && state.error.is_none() {
            state = self.wait(state, since, "a flush was waited for")?;
        }
        state.error.clone().map_or(Ok(()), Err)
    }

    /// Waits until `frame` is durable; `false` when the time is over.
    pub(crate) fn wait_durable(&self, frame: u64, timeout: Duration) -> Result<bool, StoreError> {
        match self.durable.wait(frame.saturating_add(1), timeout) {
            Ok(_) => Ok(true),
            Err(WaitError::TimedOut { .. }) => Ok(false),
            Err(WaitError::UnderLease(holder)) => Err(StoreError::UnderLease { holder: holder.to_string() }),
            // The queue keeps the whole error, of which the watermark has the words.
            Err(failed) => Err(self.error().unwrap_or_else(|| StoreError::Stopped {
                last_frame: self.durable().checked_sub(1),
                message: failed.to_string(),
            })),
        }
    }

    /// Frame + 1 of the last durable frame.
    pub(crate) fn durable(&self) -> u64 {
        self.durable.get()
    }

    pub(crate) fn note_empty(&self, frame: u64) {
        // Relaxed: the value is all there is; the writer reads it under no other promise.
        self.empty.store(frame + 1, Ordering::Relaxed);
    }

    pub(crate) fn error(&self) -> Option<StoreError> {
        self.lock().error.clone()
    }

    pub(crate) fn stats(&self) -> StoreStats {
        let state = self.lock();
        StoreStats { queue_frames: state.frames, queue_bytes: state.bytes, ..state.stats }
    }

    /// The frames that can be looked at.
    pub(crate) fn retained(&self) -> Option<RangeInclusive<u64>> {
        self.retained.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One of the few that may look back at a time; it ends with what is returned.
    pub(crate) fn begin_look(&self) -> Result<Looking<'_>, StoreError> {
        // Relaxed: a number of callers, which guards no memory.
        let begun = self.looks.fetch_add(1, Ordering::Relaxed);
        let looking = Looking { looks: &self.looks };
        if begun < LOOKS_MAX { Ok(looking) } else { Err(StoreError::Looks { max: LOOKS_MAX }) }
    }

    // The writer's side.

    pub(crate) fn retain(&self, frames: Option<RangeInclusive<u64>>) {
        *self.retained.lock().unwrap_or_else(PoisonError::into_inner) = frames;
    }

    /// Moves everything that waits into `items`, waiting up to [`IDLE`] for something.
    pub(crate) fn take(&self, items: &mut VecDeque<Item>) -> Taken {
        let mut state = self.lock();
        if state.items.is_empty() && !state.closing {
            (state, _) = self.arrived.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut state.items, items);
        match (items.is_empty(), state.closing) {
            (false, _) => Taken::Items,
            // Read under the lock: empty frames noted after a record that is not in `items` cannot show here,
            // because that record would have had to pass this lock first.
            (true, false) => Taken::Idle(self.empty.load(Ordering::Relaxed)),
            (true, true) => Taken::Closed(self.empty.load(Ordering::Relaxed)),
        }
    }

    /// An item of `size` bytes is written; its buffer may be used again.
    pub(crate) fn written(&self, size: u64, buffer: Option<Vec<u8>>) {
        let mut state = self.lock();
        state.frames -= 1;
        state.bytes -= size;
        if let Some(mut buffer) = buffer
            && state.pool.len() < POOL_BUFFERS_MAX
            && state.pool_bytes + buffer.capacity() as u64 <= POOL_BYTES_MAX
        {
            buffer.clear();
            state.pool_bytes += buffer.capacity() as u64;
            state.pool.push(buffer);
        }
        // Waking a waiting submit for each record would cost more than writing it: half of the room at once.
        let roomy = state.frames <= self.frames_max / 2 && state.bytes <= self.bytes_max / 2;
        let wake = roomy && std::mem::take(&mut state.waiting);
        drop(state);
        if wake {
            self.progressed.notify_all();
        }
    }

    pub(crate) fn publish(&self, durable: u64, update: impl FnOnce(&mut StoreStats)) {
        let mut state = self.lock();
        update(&mut state.stats);
        drop(state);
        self.durable.advance(durable);
    }

    pub(crate) fn flushed(&self, token: u64) {
        self.lock().flushed = token;
        self.progressed.notify_all();
    }

    /// Keeps the first failure; everything queued is dropped.
    pub(crate) fn fail(&self, message: String) {
        let last_frame = self.durable().checked_sub(1);
        let mut state = self.lock();
        let words = message.clone();
        state.error.get_or_insert(StoreError::Stopped { last_frame, message });
        state.items.clear();
        drop(state);
        self.durable.fail(&words);
        self.progressed.notify_all();
    }

    pub(crate) fn close(&self) {
        self.lock().closing = true;
        self.arrived.notify_one();
    }

    pub(crate) fn closed(&self) {
        self.lock().closed = true;
        self.progressed.notify_all();
    }

    /// Waits for the writer to end; `false` when the disk hangs.
    pub(crate) fn wait_closed(&self) -> bool {
        let since = Instant::now();
        let mut state = self.lock();
        while !state.closed {
            match self.wait(state, since, "closing") {
                Ok(next) => state = next,
                Err(_) => return false,
            }
        }
        true
    }
}
