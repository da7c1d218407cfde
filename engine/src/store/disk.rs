//! The database as the store uses it: one small keyspace and one per checkpoint epoch.
//!
//! Invariant: an epoch is deleted only after the switch away from it is synced.
//! Left out: threads and queues (see `writer`), and the check before opening (see `journal`).

use std::path::Path;

use fjall::compaction::Fifo;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::StoreError;
use super::keys::{WORLD, epoch_name, epoch_number, log_name, log_number};

/// The epoch of a small state stays in memory and in the journal until it is deleted: no table is written.
const SMALL_STATE_BYTES_MAX: u64 = 64 << 20;
const MEMTABLE_BYTES_SMALL: u64 = 448 << 20;
/// The epoch of a larger one goes to tables early, so that journals and memory stay small.
const MEMTABLE_BYTES_LARGE: u64 = 64 << 20;
/// All journals together, in bytes; fjall flushes the oldest epoch's memtable beyond that.
const JOURNAL_BYTES_MAX: u64 = 1 << 30;
/// Blocks are read once, at recovery: no cache is worth its memory.
const CACHE_BYTES: u64 = 1 << 20;
const WORKER_THREADS: usize = 1;

/// An open database.
pub(crate) struct Disk {
    db: Database,
    pub(crate) world: Keyspace,
    /// Current epoch first, the one being written last. Never empty once a world exists.
    pub(crate) epochs: Vec<(u64, Keyspace)>,
    /// Segments of the log of inputs, the one being written last.
    pub(crate) logs: Vec<(u64, Keyspace)>,
    /// Made ahead, while the journal has just been synced: making a keyspace syncs a dozen small files,
    /// and each of those syncs waits for the journal's dirty pages too.
    spare: Option<(u64, Keyspace)>,
    /// Epochs that are on their way to tables.
    settling: Vec<Keyspace>,
}

impl Disk {
    /// Opens or creates the database in `path`; deletes nothing.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let failed = |error: fjall::Error| match error {
            fjall::Error::Locked => StoreError::Locked { path: path.parent().unwrap_or(path).to_owned() },
            fjall::Error::InvalidVersion(_) => {
                let place = path.join("version").display().to_string();
                StoreError::damaged(place, "it does not name a format of the database that this build reads")
            }
            error => StoreError::engine("opening the database", &error),
        };
        let db = Database::builder(path)
            .manual_journal_persist(true)
            .max_journaling_size(JOURNAL_BYTES_MAX)
            .cache_size(CACHE_BYTES)
            .worker_threads(WORKER_THREADS)
            .open()
            .map_err(failed)?;
        let options = || KeyspaceCreateOptions::default().manual_journal_persist(true);
        let world = db.keyspace(WORLD, options).map_err(failed)?;
        let mut numbers: Vec<u64> =
            db.list_keyspace_names().iter().filter_map(|name| epoch_number(name)).collect();
        numbers.sort_unstable();
        let mut segments: Vec<u64> =
            db.list_keyspace_names().iter().filter_map(|name| log_number(name)).collect();
        segments.sort_unstable();
        let mut disk =
            Self { db, world, epochs: Vec::new(), logs: Vec::new(), spare: None, settling: Vec::new() };
        for number in numbers {
            let epoch = disk.open_epoch(number, 0)?;
            disk.epochs.push(epoch);
        }
        for number in segments {
            disk.open_log(number)?;
        }
        Ok(disk)
    }

    fn open_log(&mut self, number: u64) -> Result<(), StoreError> {
        let options = || KeyspaceCreateOptions::default().manual_journal_persist(true);
        let segment = self.db.keyspace(&log_name(number), options);
        let segment = segment
            .map_err(|error| StoreError::engine("creating a keyspace of the log of inputs", &error))?;
        self.logs.push((number, segment));
        Ok(())
    }

    /// Begins the next segment of the log.
    pub(crate) fn next_log(&mut self) -> Result<(), StoreError> {
        self.open_log(self.logs.last().map_or(0, |(number, _)| number + 1))
    }

    /// The segment being written, if there is a log.
    pub(crate) fn log(&self) -> Option<&Keyspace> {
        self.logs.last().map(|(_, segment)| segment)
    }

    /// Deletes the oldest segment of the log; never the one being written.
    pub(crate) fn drop_first_log(&mut self) -> Result<(), StoreError> {
        assert!(self.logs.len() > 1, "the segment being written stays");
        let (_, segment) = self.logs.remove(0);
        let deleted = self.db.delete_keyspace(segment);
        deleted.map_err(|error| StoreError::engine("deleting an old segment of the log of inputs", &error))
    }

    /// Brings the log's newest entries into a table: what stays in memory holds up journals that are done.
    pub(crate) fn flush_log(&self) -> Result<(), StoreError> {
        let Some(segment) = self.log() else { return Ok(()) };
        let flushed = segment.rotate_memtable();
        flushed.map(drop).map_err(|error| StoreError::engine("sealing the log of inputs", &error))
    }

    /// Takes or creates the keyspace of the next epoch, of a state of about so many bytes; it is written from now on.
    pub(crate) fn next_epoch(&mut self, state_bytes: u64) -> Result<u64, StoreError> {
        self.prepare_epoch(state_bytes)?;
        let epoch = self.spare.take().expect("it was prepared in the line above");
        let number = epoch.0;
        self.epochs.push(epoch);
        Ok(number)
    }

    /// Makes the keyspace of the next epoch ahead of time.
    pub(crate) fn prepare_epoch(&mut self, state_bytes: u64) -> Result<(), StoreError> {
        if self.spare.is_none() {
            let number = self.epochs.last().map_or(0, |(number, _)| number + 1);
            self.spare = Some(self.open_epoch(number, state_bytes)?);
        }
        Ok(())
    }

    fn open_epoch(&self, number: u64, state_bytes: u64) -> Result<(u64, Keyspace), StoreError> {
        // Keys only grow and nothing is overwritten: tables never overlap, so there is nothing to compact.
        let small = state_bytes <= SMALL_STATE_BYTES_MAX;
        let memtable = if small { MEMTABLE_BYTES_SMALL } else { MEMTABLE_BYTES_LARGE };
        let options = || {
            KeyspaceCreateOptions::default()
                .manual_journal_persist(true)
                .max_memtable_size(memtable)
                .expect_point_read_hits(true)
                .compaction_strategy(std::sync::Arc::new(Fifo::new(u64::MAX, None)))
        };
        let keyspace = self
            .db
            .keyspace(&epoch_name(number), options)
            .map_err(|error| StoreError::engine("creating the keyspace of an epoch", &error))?;
        Ok((number, keyspace))
    }

    /// The epoch being written.
    pub(crate) fn writing(&self) -> &Keyspace {
        &self.epochs.last().expect("a world has an epoch from its creation on").1
    }

    /// Writes the values in one atomic batch; the size of the batch in the journal, in bytes.
    pub(crate) fn write(&self, values: &[(&Keyspace, &[u8], &[u8])]) -> Result<(), StoreError> {
        let mut batch = self.db.batch().durability(None);
        for (keyspace, key, value) in values {
            batch.insert(keyspace, *key, *value);
        }
        batch.commit().map_err(|error| StoreError::engine("writing a batch", &error))
    }

    /// Hands everything written to the operating system.
    pub(crate) fn hand_over(&self) -> Result<(), StoreError> {
        self.persist(PersistMode::Buffer)
    }

    /// Brings everything written to the disk.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        self.persist(PersistMode::SyncData)
    }

    fn persist(&self, mode: PersistMode) -> Result<(), StoreError> {
        self.db.persist(mode).map_err(|error| StoreError::engine("syncing the journal", &error))
    }

    /// Brings epochs that are only kept from memory to tables, so that their journals can go; those that are there
    /// already cost nothing.
    pub(crate) fn settle(&mut self, epochs: std::ops::Range<u64>) -> Result<(), StoreError> {
        for (_, keyspace) in self.epochs.iter().filter(|(number, _)| epochs.contains(number)) {
            keyspace
                .rotate_memtable()
                .map_err(|error| StoreError::engine("bringing an old epoch to tables", &error))?;
            self.settling.push(keyspace.clone());
        }
        Ok(())
    }

    /// Once old epochs are in tables: lets fjall see it, which keeps their memory until something else is sealed.
    pub(crate) fn tend(&mut self) -> Result<(), StoreError> {
        if self.settling.is_empty() || self.settling.iter().any(|epoch| epoch.sealed_memtable_count() > 0) {
            return Ok(());
        }
        self.settling.clear();
        self.world.rotate_memtable().map_err(|error| StoreError::engine("sealing the journal", &error))?;
        Ok(())
    }

    /// Deletes the epochs before `current`, which must be synced as the current one.
    pub(crate) fn delete_before(&mut self, current: u64) -> Result<(), StoreError> {
        let kept = self.epochs.iter().position(|(number, _)| *number >= current).unwrap_or(0);
        if kept == 0 {
            return Ok(());
        }
        for (_, keyspace) in self.epochs.drain(..kept) {
            self.db
                .delete_keyspace(keyspace)
                .map_err(|error| StoreError::engine("deleting an old epoch", &error))?;
        }
        // fjall seals and drops journals only when it flushes something; without this a journal whose
        // epochs are all deleted would grow for ever.
        self.world.rotate_memtable().map_err(|error| StoreError::engine("sealing the journal", &error))?;
        Ok(())
    }
}
