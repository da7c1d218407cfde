//! The store: takes the record of each commit to disk and gives the world back.
//!
//! It knows names, sizes, tables, rows and bytes, and nothing of the ECS. A world's directory holds
//! `FORMAT` (what it is), `LOCK`, `watermark` (how far it was synced) and `db` (fjall).
//! Invariants: what [`Store::durable_frame`] has said is never lost; what is damaged is refused, never
//! guessed; after a failed write nothing more is acknowledged.
//! Left out: encoding of components, upcasters and digests of worlds (the engine does those).

mod absent;
mod backup;
mod base;
mod catalog;
mod changes;
mod codec;
mod column;
mod delta;
mod diff;
mod directory;
pub(crate) mod disk;
mod durable;
mod error;
mod faults;
mod held;
mod history;
mod image;
mod import;
mod inspect;
pub(crate) mod journal;
mod kept;
mod keys;
mod log;
mod marker;
mod marks;
mod options;
mod partial;
mod past;
mod queue;
mod reader;
mod recovery;
mod room;
mod seal;
mod sink;
mod snapshot;
pub(crate) mod tables;
mod viewworld;
pub(crate) mod watermark;
mod world;
mod worlddelta;
mod writer;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub use backup::{Backup, backup};
pub use base::{Base, TableShape};
pub use catalog::{RowKind, TypeEntry};
pub use changes::TypeChanges;
pub use column::Column;
pub use delta::{Delta, DeltaWriter, Link, Mark};
pub use diff::{ComponentDiff, RowDiff, diff};
pub use durable::DurableFrames;
pub use error::{FactMismatch, StoreError};
pub use faults::{HALT_SECONDS_MAX, Halt, HaltAt};
pub use history::{HISTORY_BYTES, HISTORY_EPOCHS_MAX, History};
pub use image::{Component, Image};
pub use import::{check_empty, import};
pub use inspect::{FileState, Report, TypeReport, inspect, verify};
pub use kept::{DELTA_BYTES_MAX, DELTA_FRAMES_MAX};
pub use log::{Entry, LOG_ORIGIN_BYTES_MAX, LOG_SEGMENT_BYTES, LogReader, Taken};
pub(crate) use log::{Records, difference, types_of};
pub use marker::Marker;
pub use marks::MarkedRows;
pub use options::{Durability, FaultPlan, InputLog, StoreOptions, StoreStats};
pub use past::{LOOKS_MAX, Past, at};
pub use reader::{DeltaReader, Ids, Keys, Operation, Operations, Run};
pub use recovery::{Recovered, Tail};
pub use room::{WORLD_BYTES_FREE_MAX, WORLD_BYTES_SHARE_MAX, world_bytes_max};
pub(crate) use sink::Sink;
pub use snapshot::{Extras, checked_image, read_snapshot, write_snapshot};
pub use viewworld::{Follower, Publisher, Update, ViewWorld};
pub use world::{RawWorld, RecoveredTable};

pub use worlddelta::WorldDelta;

pub(crate) use catalog::created;
pub(crate) use directory::{DATABASE, compare_stored};
use directory::{Opened, open_directory};
use queue::{Item, Queue};
use writer::Writer;

/// A record or page may have so many bytes: fjall stores the length of a value as `u32`.
pub const RECORD_BYTES_MAX: u64 = u32::MAX as u64;

/// Records since the last checkpoint before the next one is due, at least, in bytes.
///
/// With the records of the epoch before, which stay while a checkpoint is copied, this is the constant part
/// of a world's size on disk and of the store's memory.
pub const CHECKPOINT_BYTES_MIN: u64 = 64 << 20;

/// The same while frames come faster than the disk takes them: an epoch costs two dozen small syncs.
pub const CHECKPOINT_BYTES_MIN_SATURATED: u64 = 256 << 20;

/// An open world directory. One thread submits; dropping it writes, syncs and closes.
#[derive(Debug)]
pub struct Store {
    queue: Arc<Queue>,
    types: Vec<TypeEntry>,
    past: Past,
    /// The end of the chain of records when it was opened.
    opened_at: delta::Link,
    /// Frame + 1 of the last submitted frame.
    submitted: u64,
    flushes: u64,
    record_bytes: u64,
    page_bytes: u64,
    /// Bytes of the log of inputs since the last checkpoint, which it needs; and how many make the next one due.
    entry_bytes: u64,
    entry_bytes_max: u64,
    /// Bytes of records below which no checkpoint is due.
    checkpoint_bytes: u64,
    /// Submits that had waited when the last checkpoint began.
    waits: u64,
    copying: bool,
    upgrade_pending: bool,
    /// Released when the store is dropped, after the writer has closed the database.
    _lock: std::fs::File,
}

impl Store {
    /// Opens the world in `dir`, or creates it. `None` where no frame was ever submitted.
    ///
    /// `facts` are what the world is made with; a new directory keeps them, an old one compares them.
    /// Types get their keys in the order given; key 0 is the column of ids and is not in `types`.
    ///
    /// # Errors
    /// Another process holds it, facts or types differ, the directory is something else, or what had been
    /// promised to be on disk is damaged; each names what and where. Nothing that counts is changed: at most
    /// an unsynced, damaged tail was cut off before facts and types were compared. Nor is it by an opening that
    /// is successful, until the first frame or checkpoint is handed over, or [`confirm`](Self::confirm) is called: a store
    /// that is dropped before leaves the world to whoever made it.
    pub fn open(
        dir: &Path,
        types: &[TypeEntry],
        facts: &BTreeMap<String, String>,
        options: &StoreOptions,
    ) -> Result<(Self, Option<Recovered>), StoreError> {
        let opened = open_directory(dir, types, facts, options)?;
        let Opened { lock, disk, position, recovered, stored, types, kept, opening, upgrade, marker, log } =
            opened;
        let bytes = options.faults.checkpoint_bytes;
        let checkpoint_bytes = if bytes == 0 { CHECKPOINT_BYTES_MIN } else { bytes };
        let queue = Arc::new(Queue::new(options.queue_frames_max, options.queue_bytes_max, position.head));
        let mut store = Self {
            queue: Arc::clone(&queue),
            types: types.clone(),
            past: Past::running(Arc::clone(&queue), Arc::new(facts.clone()), dir),
            opened_at: position.link,
            submitted: position.head,
            flushes: 0,
            record_bytes: position.record_bytes,
            page_bytes: position.page_bytes,
            entry_bytes: log.bytes(),
            entry_bytes_max: checkpoint_bytes.max(options.inputs.bytes / 4),
            checkpoint_bytes,
            waits: 0,
            copying: false,
            upgrade_pending: upgrade && recovered.is_some(),
            _lock: lock,
        };
        let upgrade = store.upgrade_pending.then_some(types);
        store.upgrade_pending = upgrade.is_some();
        let writer =
            Writer::new(queue, disk, marker, log, options, position, (kept, opening), (stored, upgrade));
        std::thread::Builder::new()
            .name("diptych store".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| StoreError::io("starting the writer thread for", dir, &error))?;
        Ok((store, recovered))
    }

    /// The key of a registered type; `diptych.id` is 0. Keys never change in a directory.
    #[must_use]
    pub fn type_key(&self, name: &str) -> Option<u16> {
        let index = self.types.iter().position(|entry| entry.name == name)?;
        u16::try_from(index).ok()
    }

    /// The types by key.
    pub(crate) fn types(&self) -> &[TypeEntry] {
        &self.types
    }

    /// The end of the chain of records when it was opened.
    pub(crate) fn opened_at(&self) -> delta::Link {
        self.opened_at
    }

    /// A cleared buffer for [`DeltaWriter::begin`]; buffers of written records come back here.
    #[must_use]
    pub fn buffer(&self) -> Vec<u8> {
        self.queue.buffer()
    }

    /// Hands the record of the next frame to the writer thread; waits while the queue is full. Frames
    /// between the last one and this one were empty.
    ///
    /// # Errors
    /// The writer failed earlier, hangs, an upgrade needs its checkpoint first, or the record is larger than
    /// [`RECORD_BYTES_MAX`].
    ///
    /// # Panics
    /// If the frame was submitted before, or `record` is a page.
    pub fn submit(&mut self, record: Delta) -> Result<(), StoreError> {
        self.submit_with(record, None)
    }

    /// The same, with what came into the frame: both or neither will be there.
    ///
    /// # Errors
    /// As [`Store::submit`].
    ///
    /// # Panics
    /// As [`Store::submit`].
    pub fn submit_with(&mut self, record: Delta, entry: Option<Entry>) -> Result<(), StoreError> {
        let frame = record.frame();
        assert!(!record.is_page(), "a page of frame {frame} was submitted as a record");
        assert!(frame >= self.submitted, "frame {frame} comes after frame {}", self.submitted - 1);
        if self.upgrade_pending {
            return Err(StoreError::UpgradePending);
        }
        let size = bounded(&record)?;
        let entry_size = entry.as_ref().map_or(Ok(0), Entry::bounded)?;
        self.queue.put(Item::Record(record, entry.map(Box::new)))?;
        self.entry_bytes += entry_size;
        self.submitted = frame + 1;
        self.record_bytes += size;
        Ok(())
    }

    /// Frames up to this one were empty. Cheap: written with the next record, at a flush, or when the
    /// writer is idle.
    pub fn empty_to(&mut self, frame: u64) {
        if frame >= self.submitted {
            self.submitted = frame + 1;
            self.queue.note_empty(frame);
        }
    }

    /// Hands over what came into the next frame, which has no record.
    ///
    /// # Errors
    /// The writer failed earlier or hangs.
    ///
    /// # Panics
    /// If the frame was submitted before.
    pub(crate) fn submit_entry(&mut self, entry: Entry) -> Result<(), StoreError> {
        let frame = entry.frame;
        assert!(frame >= self.submitted, "frame {frame} comes after frame {}", self.submitted);
        self.entry_bytes += entry.bounded()?;
        self.queue.put(Item::Entry(Box::new(entry)))?;
        self.submitted = frame + 1;
        Ok(())
    }

    /// Begins a checkpoint of the world as the last submitted frame left it. Its values follow as
    /// [`page`](Self::page)s, at once or over several frames; from now on each record must hold the values
    /// of moved rows too ([`Mark::Moved`]).
    ///
    /// # Errors
    /// The writer failed earlier or hangs.
    ///
    /// # Panics
    /// If a checkpoint is being copied, or `base.frame` is not the last submitted frame.
    pub fn begin_checkpoint(&mut self, base: Base) -> Result<(), StoreError> {
        self.begin_checkpoint_with(base, None)
    }

    /// The same of a frame without a record: `copy` is what a checkpoint would keep of that.
    pub(crate) fn begin_checkpoint_with(
        &mut self,
        base: Base,
        copy: Option<Vec<u8>>,
    ) -> Result<(), StoreError> {
        assert!(!self.copying, "a checkpoint is being copied already");
        assert!(
            base.frame.checked_add(1) == Some(self.submitted),
            "a checkpoint of frame {} begins, but {} frames were submitted",
            base.frame,
            self.submitted
        );
        self.queue.put(Item::Begin(base, copy))?;
        self.copying = true;
        self.record_bytes = 0;
        self.page_bytes = 0;
        self.entry_bytes = 0;
        self.waits = self.queue.stats().submit_waits;
        Ok(())
    }

    /// Hands over copies of rows as they are after the last submitted frame.
    ///
    /// # Errors
    /// The writer failed earlier or hangs.
    ///
    /// # Panics
    /// If no checkpoint is being copied, or `page` is none or of another frame than the last.
    pub fn page(&mut self, page: Delta) -> Result<(), StoreError> {
        assert!(self.copying, "no checkpoint is being copied");
        assert!(page.is_page(), "a record was handed over as a page");
        assert!(
            page.frame() + 1 == self.submitted,
            "a page of frame {} comes after frame {}",
            page.frame(),
            self.submitted - 1
        );
        self.page_bytes += bounded(&page)?;
        self.queue.put(Item::Page(page))
    }

    /// The last page was handed over: the checkpoint becomes current, the older one is deleted.
    ///
    /// # Errors
    /// The writer failed earlier or hangs.
    ///
    /// # Panics
    /// If no checkpoint is being copied.
    pub fn end_checkpoint(&mut self) -> Result<(), StoreError> {
        assert!(self.copying, "no checkpoint is being copied");
        self.queue.put(Item::End)?;
        self.copying = false;
        self.upgrade_pending = false;
        Ok(())
    }

    /// Whether so much was recorded since the last checkpoint that the next one pays, or so much came in that the log of
    /// inputs would outgrow its bounds: what has come since a checkpoint cannot go.
    #[must_use]
    pub fn checkpoint_due(&self) -> bool {
        let bound = self.checkpoint_bytes.max(2 * self.page_bytes);
        if !self.copying && self.entry_bytes > self.entry_bytes_max {
            return true;
        }
        if self.copying || self.upgrade_pending || self.record_bytes <= bound {
            return !self.copying && self.upgrade_pending;
        }
        let saturated = self.queue.stats().submit_waits > self.waits;
        !saturated || self.record_bytes > CHECKPOINT_BYTES_MIN_SATURATED
    }

    /// Whether stored types have older versions: a whole checkpoint must then come before any record.
    #[must_use]
    pub fn upgrade_pending(&self) -> bool {
        self.upgrade_pending
    }

    /// Writes and syncs everything submitted, empty frames too, in every mode of durability.
    ///
    /// # Errors
    /// The writer failed or hangs.
    pub fn flush(&mut self) -> Result<(), StoreError> {
        self.flushes += 1;
        self.queue.put(Item::Flush { token: self.flushes, head: self.submitted })?;
        self.queue.wait_flushed(self.flushes)
    }

    /// Why the writer stopped, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<StoreError> {
        self.queue.error()
    }

    /// What the writer did so far.
    #[must_use]
    pub fn stats(&self) -> StoreStats {
        self.queue.stats()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.queue.close();
        if !self.queue.wait_closed() {
            tracing::error!("the disk hangs: the store could not be closed");
        }
    }
}

fn bounded(delta: &Delta) -> Result<u64, StoreError> {
    let bytes = delta.size();
    if bytes > RECORD_BYTES_MAX {
        return Err(StoreError::TooLarge { frame: delta.frame(), bytes, max: RECORD_BYTES_MAX });
    }
    Ok(bytes)
}
