//! The writer thread: takes what waits, writes each commit as one atomic batch, then persists once.
//!
//! Invariant: a frame is published only after it and all before it are as durable as was asked for; after
//! the first failure nothing is written or published any more.
//! Left out: waiting and bounds (see `queue`), and the layout inside the database (see `disk`).

mod checkpoint;
mod opening;

use std::collections::{BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::checkpoint::Checkpoint;
pub(crate) use self::opening::Opening;
use crate::sabotage::{self, Bug};

use super::delta::{Delta, Link, seal};
use super::directory::Marker;
use super::disk::Disk;
use super::history::{History, Kept, Look};
use super::keys;
use super::log::{Entry, LOG_ORIGIN_BYTES_MAX, Log};
use super::queue::{Item, Queue, Taken};
use super::recovery::{Position, encode_head};
use super::{Durability, FaultPlan, StoreError, StoreOptions, TypeEntry, catalog};

/// How long a store that is dropped waits for those who look back: until then the database is open.
const LOOKS_WAIT_MAX: Duration = Duration::from_secs(30);
const LOOKS_PAUSE: Duration = Duration::from_millis(2);

/// The state of the writer thread.
pub(crate) struct Writer {
    queue: Arc<Queue>,
    disk: Disk,
    marker: Marker,
    log: Log,
    durability: Durability,
    faults: FaultPlan,
    writes: u64,
    /// Bytes of those.
    written: u64,
    syncs: u64,
    link: Link,
    /// Frame + 1: written, and of that synced.
    head: u64,
    synced: u64,
    last_record: Vec<u8>,
    /// Keys of the types whose values a checkpoint keeps in its copy of the last record.
    transient: BTreeSet<u16>,
    /// Size of the state as of the last checkpoint.
    page_bytes: u64,
    checkpoint: Option<Checkpoint>,
    /// The catalog to store at the end of the next checkpoint.
    upgrade: Option<Vec<TypeEntry>>,
    /// What this opening changes, until that is written.
    opening: Option<Opening>,
    /// Who makes frames from the next switch on, where that is to be written with it.
    program: Option<Vec<u8>>,
    sync_wanted: bool,
    /// Checkpoints in a row that deleted nothing because the directory was being copied.
    spared: u32,
    history: History,
    kept: Kept,
    /// The catalog as it is stored.
    types: Vec<TypeEntry>,
}

impl Writer {
    #[expect(clippy::too_many_arguments, reason = "what opening has found, once")]
    pub(crate) fn new(
        queue: Arc<Queue>,
        disk: Disk,
        marker: Marker,
        log: Log,
        options: &StoreOptions,
        position: Position,
        (kept, opening): (Kept, Opening),
        (types, upgrade): (Vec<TypeEntry>, Option<Vec<TypeEntry>>),
    ) -> Self {
        let Position { link, head, last_record, page_bytes, .. } = position;
        let transient = catalog::transient_keys(upgrade.as_ref().unwrap_or(&types));
        let mut writer = Self {
            queue,
            disk,
            marker,
            log,
            durability: options.durability,
            faults: options.faults.clone(),
            writes: 0,
            written: 0,
            syncs: 0,
            link,
            head,
            synced: head,
            last_record,
            transient,
            page_bytes,
            checkpoint: None,
            upgrade,
            opening: Some(opening),
            program: None,
            sync_wanted: false,
            spared: 0,
            history: options.history,
            kept,
            types,
        };
        writer.disk.befall(options.faults.clone());
        writer.tell_retained();
        writer
    }

    /// Runs until the queue is closed or something fails.
    pub(crate) fn run(mut self) {
        let queue = Arc::clone(&self.queue);
        // The database may panic on what it finds; whoever waits must learn that too.
        let ended = catch_unwind(AssertUnwindSafe(|| self.work()));
        let failure = match ended {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(panic) => Some(format!("the writer thread panicked: {}", crate::panic_text(&*panic))),
        };
        if let Some(message) = failure {
            tracing::error!(message, "the store stopped");
            queue.fail(message);
        }
        // The database closes before the end is told: whoever waited may open the directory again. It is open as long as
        // anybody looks at an epoch; nobody begins to any more.
        let waited = Instant::now();
        while self.disk.is_lent() && waited.elapsed() < LOOKS_WAIT_MAX {
            std::thread::sleep(LOOKS_PAUSE);
        }
        drop(self);
        queue.closed();
    }

    fn work(&mut self) -> Result<(), StoreError> {
        let mut items = VecDeque::new();
        loop {
            let started = Instant::now();
            match self.queue.take(&mut items) {
                Taken::Items => self.group(&mut items)?,
                Taken::Idle(empty) => self.idle(empty)?,
                Taken::Closed(empty) => {
                    self.write_head(empty)?;
                    if self.opening.is_some() {
                        // Refused, or nothing came of it: all is as it was found.
                        return Ok(());
                    }
                    self.sync_wanted = true;
                    return self.persist(started);
                }
            }
        }
    }

    fn group(&mut self, items: &mut VecDeque<Item>) -> Result<(), StoreError> {
        let started = Instant::now();
        let mut flushes = 0;
        if !items.iter().all(Item::only_looks) {
            self.confirm()?;
        }
        for item in items.drain(..) {
            self.item(item, &mut flushes)?;
        }
        self.persist(started)?;
        // Between two checkpoints too, so that no more is kept than was asked for.
        let outlived = self.opening.is_none() && self.kept.is_outlived(self.head, self.history);
        if (outlived || self.disk.is_untidy()) && !self.marker.is_read() {
            self.forget();
            self.tidy()?;
        }
        self.disk.tend()?;
        if flushes > 0 {
            self.queue.flushed(flushes);
        }
        Ok(())
    }

    fn idle(&mut self, empty: u64) -> Result<(), StoreError> {
        let started = Instant::now();
        self.write_head(empty)?;
        // An unfinished group of `Every(n)` does not wait for a world that pauses.
        self.sync_wanted |= matches!(self.durability, Durability::Every(_)) && self.synced < self.head;
        if self.queue.durable() < self.head || self.sync_wanted { self.persist(started) } else { Ok(()) }
    }

    fn item(&mut self, item: Item, flushes: &mut u64) -> Result<(), StoreError> {
        match item {
            Item::Record(delta, entry) => self.record(delta, entry.as_deref()),
            Item::Entry(entry) => self.entry(&entry),
            Item::Page(delta) => self.page(delta),
            Item::Begin(base, copy) => {
                let size = copy.as_ref().map_or(0, Vec::len) as u64;
                self.begin(&base, copy.as_deref())?;
                self.queue.written(size, copy);
                Ok(())
            }
            Item::End => {
                self.end()?;
                self.queue.written(0, None);
                Ok(())
            }
            // Done before the first item of any kind.
            Item::Confirm => {
                self.queue.written(0, None);
                Ok(())
            }
            Item::Flush { token, head } => {
                self.write_head(head)?;
                *flushes = token;
                self.sync_wanted = true;
                self.queue.written(0, None);
                Ok(())
            }
            Item::Look { answer, head } => {
                let (epochs, kept) = (self.disk.epochs.clone(), self.kept.clone());
                // Whoever asked may have given up.
                let (types, head, _lent) = (self.types.clone(), self.head.max(head), self.disk.lend());
                let _ = answer.try_send(Look { epochs, kept, types, head, _lent });
                self.queue.written(0, None);
                Ok(())
            }
        }
    }

    /// Does to this write what a test asked for.
    fn fault(&mut self, size: u64) -> Result<(), StoreError> {
        self.writes += 1;
        self.written += size;
        self.faults.at_write(self.writes, self.written)
    }

    fn record(&mut self, mut delta: Delta, entry: Option<&Entry>) -> Result<(), StoreError> {
        let (frame, size) = (delta.frame(), delta.size() + entry.map_or(0, Entry::size));
        self.fault(size)?;
        let link = seal(&mut delta.bytes, self.link);
        let key = keys::key(frame, keys::RECORD, 0);
        let record: (_, &[u8], &[u8]) = (self.disk.writing(), &key, &delta.bytes);
        match (entry, self.disk.log()) {
            (Some(entry), Some(segment)) => {
                let entry_key = keys::key(frame, keys::ENTRY, 0);
                let value = self.log.next(entry);
                let logged: (_, &[u8], &[u8]) = (segment, &entry_key, &value);
                if frame == 0 && delta.bytes.len() as u64 <= LOG_ORIGIN_BYTES_MAX {
                    // What a replay from the beginning begins with.
                    self.disk.write(&[record, (segment, &key, &delta.bytes), logged])?;
                } else {
                    self.disk.write(&[record, logged])?;
                }
            }
            _ => self.disk.write(&[record])?,
        }
        if !sabotage::now_and_then(Bug::CommitWithoutHead) {
            self.link = link;
        }
        self.head = frame + 1;
        match (&mut self.checkpoint, self.kept.starts.last_mut()) {
            (Some(checkpoint), _) => checkpoint.record_bytes += size,
            (None, Some(current)) => current.bytes += size,
            (None, None) => {}
        }
        let old = std::mem::replace(&mut self.last_record, delta.bytes);
        self.queue.written(size, Some(old));
        Ok(())
    }

    /// What came into a frame that has no record, with the head.
    fn entry(&mut self, entry: &Entry) -> Result<(), StoreError> {
        self.fault(entry.size())?;
        let key = keys::key(entry.frame, keys::ENTRY, 0);
        let value = self.log.next(entry);
        self.head = entry.frame + 1;
        let head = encode_head(self.head, self.link, self.log.link);
        let segment = self.disk.log().expect("a world that is known by its inputs has a log");
        self.disk.write(&[(segment, &key, &value), (&self.disk.world, keys::HEAD.as_bytes(), &head)])?;
        self.queue.written(entry.size(), None);
        Ok(())
    }

    /// Writes the head where frames without a record came after the last one.
    fn write_head(&mut self, head: u64) -> Result<(), StoreError> {
        if head > self.head {
            self.confirm()?;
            let value = encode_head(head, self.link, self.log.link);
            self.disk.write(&[(&self.disk.world, keys::HEAD.as_bytes(), &value)])?;
            self.head = head;
        }
        Ok(())
    }

    fn persist(&mut self, started: Instant) -> Result<(), StoreError> {
        if sabotage::is(Bug::UnsyncedAcknowledgement) {
            self.queue.publish(self.head, |_| {});
        }
        let wanted = match self.durability {
            Durability::Memory | Durability::Buffered | Durability::Inputs(_) => false,
            Durability::Synced => self.synced < self.head,
            Durability::Every(frames) => self.head - self.synced >= u64::from(frames),
        };
        if wanted || self.sync_wanted {
            self.sync_wanted = false;
            self.sync()?;
        } else if self.durability != Durability::Memory {
            self.disk.hand_over()?;
        }
        let durable = match self.durability {
            Durability::Buffered | Durability::Inputs(_) => self.head,
            _ => self.synced,
        };
        self.tell_retained();
        let busy = started.elapsed();
        self.queue.publish(durable, |stats| {
            stats.groups += 1;
            stats.write_time += busy;
            stats.write_time_max = stats.write_time_max.max(busy);
        });
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        let started = Instant::now();
        self.syncs += 1;
        self.faults.at_sync(self.syncs)?;
        self.disk.sync()?;
        self.faults.at_report(self.syncs)?;
        self.marker.synced(self.head, self.link)?;
        self.synced = self.head;
        let spent = started.elapsed();
        let durable = self.queue.durable();
        self.queue.publish(durable, |stats| {
            stats.syncs += 1;
            stats.sync_time += spent;
            stats.sync_time_max = stats.sync_time_max.max(spent);
        });
        Ok(())
    }
}
