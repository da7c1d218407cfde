//! The database as the store uses it: one small keyspace, one per checkpoint epoch, one per segment of the log of inputs.
//!
//! Invariant: an epoch is given up only after the switch away from it is synced.
//! Left out: threads and queues (see `writer`), the check before opening (see `journal`), what becomes of keyspaces that are
//! given up (see `retired`), and how one is emptied (see `stock`).

mod retired;
mod stock;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fjall::compaction::Fifo;
use fjall::{AbstractTree, Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use self::retired::Retired;
use self::stock::{Purpose, Stock};
use super::codec::{Cursor, Fields};
use super::keys::{LOG, RETIRED, WORLD, epoch_name, epoch_number, log_name, log_number};
use super::log::LogStart;
use super::{FaultPlan, StoreError};

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
/// Sequence numbers that are passed by at each opening: more than are taken between two batches.
const NUMBERS_PASSED_BY: u64 = 1 << 16;

/// An open database.
pub(crate) struct Disk {
    db: Database,
    pub(crate) world: Keyspace,
    /// Current epoch first, the one being written last. Never empty once a world exists.
    pub(crate) epochs: Vec<(u64, Keyspace)>,
    /// Segments of the log of inputs, the one being written last.
    pub(crate) logs: Vec<(u64, Keyspace)>,
    /// Where the log begins; nothing in worlds of earlier builds.
    pub(crate) log_start: Option<LogStart>,
    /// Made ahead, while the journal has just been synced: making a keyspace syncs a dozen small files,
    /// and each of those syncs waits for the journal's dirty pages too.
    spare: Option<Spare>,
    /// Epochs that are on their way to tables.
    settling: Vec<Keyspace>,
    stock: Stock,
    /// What counts for nothing any more.
    retired: Retired,
    /// Faults that a test injects into the steps of this database, and how many there were.
    faults: FaultPlan,
    steps: AtomicU64,
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
        // fjall numbers on after the last batch that it finds. Deleting a keyspace took numbers that no batch has, and a
        // new keyspace may get the id of a deleted one: what is written of it must be newer than its deletion.
        db.supervisor.seqno.fetch_max(db.supervisor.seqno.get() + NUMBERS_PASSED_BY);
        let options = || KeyspaceCreateOptions::default().manual_journal_persist(true);
        let world = db.keyspace(WORLD, options).map_err(failed)?;
        let mut disk = Self {
            db,
            world,
            epochs: Vec::new(),
            logs: Vec::new(),
            log_start: None,
            spare: None,
            settling: Vec::new(),
            stock: Stock::default(),
            retired: Retired::default(),
            faults: FaultPlan::default(),
            steps: AtomicU64::new(0),
        };
        disk.find_keyspaces()?;
        Ok(disk)
    }

    /// The number of the newest batch that a table of the database in `path` holds. fjall's own tables, which take numbers
    /// too, come without a batch.
    pub(crate) fn newest_in_tables(path: &Path) -> Result<Option<u64>, StoreError> {
        let disk = Self::open(path)?;
        let mut newest = None;
        for name in disk.db.list_keyspace_names() {
            let keyspace = disk.create(&name, KeyspaceCreateOptions::default)?;
            newest = newest.max(keyspace.tree.get_highest_persisted_seqno());
        }
        Ok(newest)
    }

    /// Finds epochs and segments, each by the number it holds.
    fn find_keyspaces(&mut self) -> Result<(), StoreError> {
        let start = self.world.get(LOG).map_err(|error| unreadable(&error))?;
        self.log_start = start.map(|bytes| LogStart::decode(&bytes)).transpose()?;
        let retired = self.world.get(RETIRED).map_err(|error| unreadable(&error))?;
        let retired = match &retired {
            None => String::new(),
            Some(bytes) => Cursor::checked(bytes).and_then(|mut cursor| Ok(cursor.text()?.to_owned()))?,
        };
        for name in self.db.list_keyspace_names() {
            let (epoch, log) = (epoch_number(&name), log_number(&name));
            let Some(named) = epoch.or(log) else { continue };
            // The options of a keyspace that is there are of no effect.
            let keyspace = self.create(&name, KeyspaceCreateOptions::default)?;
            if retired.lines().any(|retired| retired == &*name) {
                self.retired.add(keyspace);
                continue;
            }
            let number = held_number(&keyspace)?.unwrap_or(named);
            match epoch {
                Some(_) => self.epochs.push((number, keyspace)),
                // Of a log that was begun anew; a crash came before it was deleted.
                None if self.log_start.is_some_and(|start| number < start.segment) => {
                    self.retired.add(keyspace)
                }
                None => self.logs.push((number, keyspace)),
            }
        }
        self.epochs.sort_unstable_by_key(|(number, _)| *number);
        self.logs.sort_unstable_by_key(|(number, _)| *number);
        Ok(())
    }

    fn create(
        &self,
        name: &str,
        options: impl FnOnce() -> KeyspaceCreateOptions,
    ) -> Result<Keyspace, StoreError> {
        let options = || options().manual_journal_persist(true);
        self.db.keyspace(name, options).map_err(|error| StoreError::engine("creating a keyspace", &error))
    }

    /// The number of the next segment of the log.
    pub(crate) fn next_log_number(&self) -> u64 {
        let first = self.log_start.map_or(0, |start| start.segment);
        self.logs.last().map_or(first, |(number, _)| number + 1)
    }

    /// Begins the next segment of the log.
    pub(crate) fn next_log(&mut self) -> Result<(), StoreError> {
        let number = self.next_log_number();
        let segment = match self.stock.take(Purpose::Log) {
            Some(segment) => self.number_again(segment, number)?,
            None => {
                let segment = self.create(&log_name(number), KeyspaceCreateOptions::default)?;
                self.stock.made(&segment, Purpose::Log);
                segment
            }
        };
        self.logs.push((number, segment));
        Ok(())
    }

    /// The segment being written, if there is a log.
    pub(crate) fn log(&self) -> Option<&Keyspace> {
        self.logs.last().map(|(_, segment)| segment)
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
        let spare = self.spare.take().expect("it was prepared in the line above");
        let number = self.epochs.last().map_or(0, |(number, _)| number + 1);
        let keyspace = match spare {
            Spare::New(keyspace) => keyspace,
            Spare::Again(keyspace) => self.number_again(keyspace, number)?,
        };
        self.epochs.push((number, keyspace));
        Ok(number)
    }

    /// Makes the keyspace of the next epoch ahead of time.
    pub(crate) fn prepare_epoch(&mut self, state_bytes: u64) -> Result<(), StoreError> {
        if self.spare.is_some() {
            return Ok(());
        }
        let small = state_bytes <= SMALL_STATE_BYTES_MAX;
        let purpose = if small { Purpose::SmallEpoch } else { Purpose::LargeEpoch };
        self.spare = Some(match self.stock.take(purpose) {
            Some(keyspace) => Spare::Again(keyspace),
            None => {
                let number = self.epochs.last().map_or(0, |(number, _)| number + 1);
                let memtable = if small { MEMTABLE_BYTES_SMALL } else { MEMTABLE_BYTES_LARGE };
                // Keys only grow and nothing is overwritten: tables never overlap, so there is nothing to compact.
                let options = || {
                    KeyspaceCreateOptions::default()
                        .max_memtable_size(memtable)
                        .expect_point_read_hits(true)
                        .compaction_strategy(Arc::new(Fifo::new(u64::MAX, None)))
                };
                let keyspace = self.create(&epoch_name(number), options)?;
                self.stock.made(&keyspace, purpose);
                Spare::New(keyspace)
            }
        });
        Ok(())
    }

    /// An emptied keyspace gets its new number, and is not retired any more.
    fn number_again(&self, keyspace: Keyspace, number: u64) -> Result<Keyspace, StoreError> {
        let retired = self.encode_retired();
        let number = Fields::default().u64(number).finish();
        self.write(&[(&keyspace, stock::NUMBER, &number), (&self.world, RETIRED.as_bytes(), &retired)])?;
        Ok(keyspace)
    }

    /// The epoch being written.
    pub(crate) fn writing(&self) -> &Keyspace {
        &self.epochs.last().expect("a world has an epoch from its creation on").1
    }

    /// From here on this befalls what is done to the database.
    pub(crate) fn befall(&mut self, faults: FaultPlan) {
        (self.faults, self.steps) = (faults, AtomicU64::new(0));
    }

    /// Does to the next step what a test asked for.
    fn step(&self) -> Result<(), StoreError> {
        // Relaxed: a count, of one thread.
        let earlier = self.steps.fetch_add(1, Ordering::Relaxed);
        self.faults.at_step(earlier + 1)
    }

    /// Writes the values in one atomic batch.
    pub(crate) fn write(&self, values: &[(&Keyspace, &[u8], &[u8])]) -> Result<(), StoreError> {
        self.step()?;
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
        self.step()?;
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
}

/// The keyspace of the next epoch.
enum Spare {
    New(Keyspace),
    /// Emptied: its name says another number.
    Again(Keyspace),
}

/// The number that a keyspace says it has; `None` where its name says it.
fn held_number(keyspace: &Keyspace) -> Result<Option<u64>, StoreError> {
    let held = keyspace.get(stock::NUMBER).map_err(|error| unreadable(&error))?;
    held.map(|bytes| Cursor::checked(&bytes)?.u64()).transpose()
}

fn unreadable(error: &fjall::Error) -> StoreError {
    StoreError::engine("reading which keyspaces there are", error)
}

#[cfg(test)]
mod tests;
