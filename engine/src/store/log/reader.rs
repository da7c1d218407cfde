//! Reading the log of a world: from a copy of its directory, so that it may run meanwhile.
//!
//! Invariant: entries come in the order of their frames, each linked to the one before; a gap is an error that names
//! it. Nothing is written to the user's directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::entry::Entry;
use crate::store::delta::Link;
use crate::store::directory::{DATABASE, refuse};
use crate::store::disk::Disk;
use crate::store::inspect::{Copy, checked_copy};
use crate::store::marks::{FrameMarks, marks};
use crate::store::recovery::{Recovered, WorldValues, recover, world_values};
use crate::store::watermark::Watermark;
use crate::store::world::RawWorld;
use crate::store::{DeltaReader, StoreError, TypeEntry, keys};

/// The log of inputs of a world, to be read once from its beginning.
pub struct LogReader {
    dir: PathBuf,
    values: WorldValues,
    /// Frame + 1 of the last frame.
    head: u64,
    entries: Box<dyn Iterator<Item = Result<(u64, fjall::UserKey, fjall::UserValue), StoreError>> + Send>,
    /// The entry that was read last, and whether there was one.
    link: Option<Link>,
    disk: Disk,
    /// Goes last: the database is in it.
    _copy: Copy,
}

impl std::fmt::Debug for LogReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogReader").field("dir", &self.dir).field("head", &self.head).finish_non_exhaustive()
    }
}

impl LogReader {
    /// Opens the log of the world in `dir`.
    ///
    /// # Errors
    /// It is no world, it is damaged, or it cannot be read or copied.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let copy = checked_copy(dir)?;
        let database = copy.path.join(DATABASE);
        let disk = Disk::open(&database)?;
        let values = world_values(&disk)?;
        let watermark = Watermark::read(&copy.path)?;
        let (_, position) = recover(&disk, &values, watermark.link)?;
        let segments: Vec<_> = disk.logs.clone();
        let entries = segments.into_iter().flat_map(|(number, segment)| {
            segment.iter().map(move |guard| {
                let (key, value) = guard.into_inner().map_err(|error| {
                    StoreError::damaged(format!("log-{number}"), format!("a block cannot be read: {error:?}"))
                })?;
                Ok((number, key, value))
            })
        });
        Ok(Self {
            dir: dir.to_owned(),
            head: position.head,
            values,
            entries: Box::new(entries),
            link: None,
            disk,
            _copy: copy,
        })
    }

    /// What the world was made with.
    #[must_use]
    pub fn facts(&self) -> &BTreeMap<String, String> {
        &self.values.facts
    }

    /// The stored types.
    #[must_use]
    pub fn types(&self) -> &[TypeEntry] {
        &self.values.types
    }

    /// The last frame of the world; `None` where it has none.
    #[must_use]
    pub fn last_frame(&self) -> Option<u64> {
        self.head.checked_sub(1)
    }

    /// The world as its setups made it, if the log goes back so far.
    ///
    /// # Errors
    /// What is there is damaged.
    pub fn origin(&self) -> Result<Option<Recovered>, StoreError> {
        let Some((number, segment)) = self.disk.logs.first() else { return Ok(None) };
        let read = segment.get(keys::key(0, keys::RECORD, 0));
        let Some(record) = read.map_err(|error| StoreError::engine("reading the log of inputs", &error))?
        else {
            return Ok(None);
        };
        let place = |error: StoreError| {
            StoreError::damaged(format!("log-{number}, the record of frame 0"), error.to_string())
        };
        let record = DeltaReader::parse(&record).map_err(place)?;
        let mut world = RawWorld::new(&self.values.types);
        world.apply(&record).map_err(place)?;
        let FrameMarks { marks, removed, notes } = marks(&record).map_err(place)?;
        Ok(Some(Recovered {
            frame: 0,
            dt: world.dt,
            tables: world.tables,
            marks,
            removed,
            notes,
            serials: world.serials,
            digest: world.digest,
            stored_types: self.values.types.clone(),
            repaired: None,
            tail: None,
        }))
    }

    /// The next entry; `None` at the end.
    ///
    /// # Errors
    /// It is damaged, or does not follow the one before.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, StoreError> {
        loop {
            let Some(read) = self.entries.next() else { return Ok(None) };
            let (number, key, value) = read?;
            let place = |what: &str| format!("{}: log-{number}, {what}", self.dir.display());
            let Some((frame, kind)) = keys::parse(&key) else {
                return Err(StoreError::damaged(place("a key"), "it is malformed"));
            };
            if kind == keys::RECORD {
                continue;
            }
            let what = format!("the entry of frame {frame}");
            let (entry, previous, link) = Entry::decode(&value)
                .map_err(|error| StoreError::damaged(place(&what), error.to_string()))?;
            if entry.frame != frame {
                let reason = format!("it says that it is of frame {}", entry.frame);
                return Err(StoreError::damaged(place(&what), reason));
            }
            if self.link.is_some_and(|last| last != previous) {
                let reason = format!("it follows frame {}, whose entry is not before it", previous.frame);
                return Err(StoreError::damaged(place(&what), reason));
            }
            self.link = Some(link);
            return Ok(Some(entry));
        }
    }

    /// The refusal of a world without a log.
    #[must_use]
    pub fn refusal(&self, reason: &str) -> StoreError {
        refuse(&self.dir, reason.to_owned())
    }
}
