//! Reading the log of a world: from a copy of its directory, so that it may run meanwhile.
//!
//! Invariant: entries come in the order of their frames, each linked to the one before; a gap is an error that names
//! it. Nothing is written to the user's directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::entry::Entry;
use crate::store::delta::Link;
use crate::store::directory::refuse;
use crate::store::disk::Disk;
use crate::store::history::Look;
use crate::store::inspect::{COPY_TRIES_MAX, Copy, OpenedCopy, check_is_world, is_running, open_copy};
use crate::store::marks::{FrameMarks, marks};
use crate::store::recovery::Recovered;
use crate::store::world::RawWorld;
use crate::store::{DeltaReader, Image, StoreError, TypeEntry, keys};

/// The log of inputs of a world, to be read once from its beginning.
pub struct LogReader {
    dir: PathBuf,
    facts: BTreeMap<String, String>,
    look: Look,
    entries: Box<dyn Iterator<Item = Result<(u64, fjall::UserKey, fjall::UserValue), StoreError>> + Send>,
    /// The entry that was read last, and whether there was one.
    link: Option<Link>,
    disk: Disk,
    /// Goes last: the database is in it.
    _copy: Copy,
}

impl std::fmt::Debug for LogReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let last = self.last_frame();
        f.debug_struct("LogReader").field("dir", &self.dir).field("last", &last).finish_non_exhaustive()
    }
}

impl LogReader {
    /// Opens the log of the world in `dir`.
    ///
    /// # Errors
    /// It is no world, it is damaged, or it cannot be read or copied.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        check_is_world(dir)?;
        let running = is_running(dir)?;
        let mut tries = 1;
        loop {
            let copy = Copy::of(dir, None)?;
            let name = copy.path.display().to_string();
            match open_copy(&copy.path) {
                Ok(opened) => return Ok(Self::of(dir, copy, opened)),
                // Only of a running world can a bad copy be the copy's own fault.
                Err(_) if running && tries < COPY_TRIES_MAX => tries += 1,
                Err(error) => return Err(error.renamed(&name, &dir.display().to_string())),
            }
        }
    }

    fn of(dir: &Path, copy: Copy, opened: OpenedCopy) -> Self {
        let OpenedCopy { disk, facts, look, .. } = opened;
        let entries = disk.logs.clone().into_iter().flat_map(|(number, segment)| {
            segment.range(keys::FIRST..).map(move |guard| {
                let (key, value) = guard.into_inner().map_err(|error| {
                    StoreError::damaged(format!("log-{number}"), format!("a block cannot be read: {error:?}"))
                })?;
                Ok((number, key, value))
            })
        });
        let entries = Box::new(entries);
        Self { dir: dir.to_owned(), facts, look, entries, link: None, disk, _copy: copy }
    }

    /// What the world was made with.
    #[must_use]
    pub fn facts(&self) -> &BTreeMap<String, String> {
        &self.facts
    }

    /// The stored types.
    #[must_use]
    pub fn types(&self) -> &[TypeEntry] {
        &self.look.types
    }

    /// The last frame of the world; `None` where it has none.
    #[must_use]
    pub fn last_frame(&self) -> Option<u64> {
        self.look.head.checked_sub(1)
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
        let mut types = self.look.types.clone();
        let entry = segment.get(keys::key(0, keys::ENTRY, 0));
        let entry = entry.map_err(|error| StoreError::engine("reading the log of inputs", &error))?;
        if let Some(program) = entry.and_then(|entry| Entry::decode(&entry).ok()?.0.opened) {
            // Types that were registered later have the keys behind.
            let known = super::types_of(&program);
            let last = types.iter().rposition(|entry| known.contains(&entry.name));
            types.truncate(last.map_or(types.len(), |last| last + 1));
        }
        let record = DeltaReader::parse(&record).map_err(place)?;
        let mut world = RawWorld::new(&types);
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
            digest_former: world.digest_former,
            stored_types: types,
            repaired: None,
            tail: None,
            link: None,
        }))
    }

    /// The world at a frame that is kept.
    ///
    /// # Errors
    /// It is not kept, or what is there is damaged.
    pub fn at(&self, frame: u64) -> Result<Recovered, StoreError> {
        self.look.recovered(frame)
    }

    /// The world at a frame that is kept, as bytes.
    ///
    /// # Errors
    /// As [`LogReader::at`].
    pub fn image(&self, frame: u64) -> Result<Image, StoreError> {
        Ok(Image::new(self.look.recovered(frame)?, self.facts.clone()))
    }

    /// The world at one of its first frames, as bytes, if it is kept anywhere.
    pub(crate) fn first_image(&self, frame: u64) -> Option<Image> {
        let origin = || if frame == 0 { self.origin().ok()? } else { None };
        let recovered = self.at(frame).ok().or_else(origin)?;
        Some(Image::new(recovered, self.facts.clone()))
    }

    /// The first frame of which the log knows what came in; 0 where it begins with the world.
    ///
    /// # Errors
    /// What is there is damaged; or there is no log.
    pub fn first_logged(&self) -> Result<u64, StoreError> {
        let Some((number, segment)) = self.disk.logs.first() else {
            return Err(self.refusal("it has no log of inputs; keep one: .input_log(InputLog { .. })"));
        };
        // Whatever came before the first entry of a segment that is not the first one is gone.
        let first = || Ok::<_, StoreError>(super::first_frame(segment)?.unwrap_or(self.look.head));
        match self.disk.log_start {
            Some(start) if start.segment == *number => Ok(start.from),
            Some(start) => Ok(start.from.max(first()?)),
            // An earlier build may have begun it in the midst of a world.
            None => first(),
        }
    }

    /// The first frame that is kept from which the log goes on; 0 where it begins with the world.
    ///
    /// # Errors
    /// What is there is damaged; or there is no log, or no such frame.
    pub fn oldest(&self) -> Result<u64, StoreError> {
        let first = self.first_logged()?;
        if self.look.head == 0 {
            return Err(self.refusal("it has no frame yet"));
        }
        if first == 0 && self.has_origin()? {
            return Ok(0);
        }
        // Of frames that are known by their inputs alone the checkpoints between them can be begun with.
        self.look.first_from(first.saturating_sub(1)).ok_or_else(|| {
            self.refusal(&format!(
                "its log of inputs begins with frame {first}, and no frame before it is kept"
            ))
        })
    }

    fn has_origin(&self) -> Result<bool, StoreError> {
        let Some((_, segment)) = self.disk.logs.first() else { return Ok(false) };
        let read = segment.contains_key(keys::key(0, keys::RECORD, 0));
        read.map_err(|error| StoreError::engine("reading the log of inputs", &error))
    }

    pub(super) fn epochs(&self) -> Vec<(u64, fjall::Keyspace)> {
        self.look.epochs.clone()
    }

    /// The frame after which the records of all frames are kept; `None` where frames have none.
    pub(super) fn first_with_records(&self) -> Option<u64> {
        self.look.first_with_records()
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
