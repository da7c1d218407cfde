//! The store's own word on what was synced: two slots in one small file, written in turn.
//!
//! Invariant: a slot is written only after the sync that it reports, so a readable slot is never ahead of
//! the disk; a torn slot leaves the other, which only says less. The file itself needs no sync.
//! Left out: what is checked against it (see `journal` and `recovery`).

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::sabotage;

use super::StoreError;
use super::codec::{Cursor, Fields};
use super::delta::Link;
use super::journal::Place;

pub(crate) const WATERMARK_FILE: &str = "watermark";
pub(crate) const WATERMARK_NEW: &str = "watermark.new";
/// Slots stand on pages of their own.
pub(crate) const SLOT_BYTES: usize = 4096;
const SLOT_USED_BYTES: usize = 64;
const MAGIC: u64 = u64::from_le_bytes(*b"DPWMARK1");

/// How the file is, beside what it says.
#[derive(Debug)]
pub(crate) enum Condition {
    /// Both slots are as they were written.
    Whole,
    /// One slot is unreadable: a crash may leave that.
    Torn(String),
    /// No crash leaves that.
    Damaged(StoreError),
}

/// What was synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Watermark {
    /// Grows with every slot written.
    pub(crate) sequence: u64,
    /// Frame + 1; 0 for none.
    pub(crate) head: u64,
    /// End of the chain of records.
    pub(crate) link: Link,
    /// How far the journals were synced.
    pub(crate) place: Place,
}

impl Watermark {
    fn encode(&self) -> Vec<u8> {
        let mut fields = Fields::default();
        fields.u64(MAGIC).u64(self.sequence).u64(self.head).u64(self.link.frame).u64(self.link.checksum);
        fields.u64(self.place.file).u64(self.place.offset).finish()
    }

    fn decode(slot: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::checked(slot.get(..SLOT_USED_BYTES)?).ok()?;
        if cursor.u64().ok()? != MAGIC {
            return None;
        }
        Some(Self {
            sequence: cursor.u64().ok()?,
            head: cursor.u64().ok()?,
            link: Link { frame: cursor.u64().ok()?, checksum: cursor.u64().ok()? },
            place: Place { file: cursor.u64().ok()?, offset: cursor.u64().ok()? },
        })
    }

    /// The newest whole slot of the file in `dir`.
    pub(crate) fn read(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(WATERMARK_FILE);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let reason = "the file is missing; without it nobody knows what had been synced";
                return Err(StoreError::damaged(path.display().to_string(), reason));
            }
            Err(error) => return Err(StoreError::io("reading", &path, &error)),
        };
        let slots = bytes.chunks(SLOT_BYTES).filter_map(Self::decode);
        slots.max_by_key(|slot| slot.sequence).ok_or_else(|| {
            StoreError::damaged(format!("{} at byte 0", path.display()), "neither of its two slots is whole")
        })
    }

    /// Makes the file of a new world, in which nothing but its creation was synced.
    pub(crate) fn create(dir: &Path) -> Result<(), StoreError> {
        let first = Self { sequence: 0, head: 0, link: Link::NONE, place: Place::default() };
        let mut bytes = first.encode();
        bytes.resize(2 * SLOT_BYTES, 0);
        // By a rename: an unreadable file is never the trace of a creation that was cut short.
        let (new, path) = (dir.join(WATERMARK_NEW), dir.join(WATERMARK_FILE));
        super::directory::write_file(&new, &bytes)?;
        std::fs::rename(&new, &path).map_err(|error| StoreError::io("renaming", &new, &error))
    }

    /// What is wrong with the file although a slot can be read.
    pub(crate) fn condition(dir: &Path) -> Result<Condition, StoreError> {
        let newest = Self::read(dir)?;
        let path = dir.join(WATERMARK_FILE);
        let bytes = std::fs::read(&path).map_err(|error| StoreError::io("reading", &path, &error))?;
        if bytes.len() < 2 * SLOT_BYTES {
            let reason = format!("the file is cut, {} bytes are expected", 2 * SLOT_BYTES);
            let place = format!("{} at byte {}", path.display(), bytes.len());
            return Ok(Condition::Damaged(StoreError::damaged(place, reason)));
        }
        for (number, slot) in bytes.chunks(SLOT_BYTES).take(2).enumerate() {
            // The second slot of a new world was never written.
            let unused =
                number == 1 && newest.sequence == 0 && slot[..SLOT_USED_BYTES].iter().all(|b| *b == 0);
            if Self::decode(slot).is_none() && !unused {
                return Ok(Condition::Torn(format!(
                    "{} at byte {}: one of its two slots is torn, as a crash may leave it; the other counts",
                    path.display(),
                    number * SLOT_BYTES
                )));
            }
        }
        Ok(Condition::Whole)
    }
}

/// Writes watermarks into the slots in turn.
#[derive(Debug)]
pub(crate) struct WatermarkFile {
    path: PathBuf,
    file: File,
    last: Watermark,
}

impl WatermarkFile {
    pub(crate) fn open(dir: &Path, last: Watermark) -> Result<Self, StoreError> {
        let path = dir.join(WATERMARK_FILE);
        let file = OpenOptions::new()
            .write(true)
            .open(&path)
            .map_err(|error| StoreError::io("opening", &path, &error))?;
        Ok(Self { path, file, last })
    }

    pub(crate) fn write(&mut self, head: u64, link: Link, place: Place) -> Result<(), StoreError> {
        let next = Watermark { sequence: self.last.sequence + 1, head, link, place };
        let slot = (next.sequence % 2) * SLOT_BYTES as u64;
        self.file
            .seek(SeekFrom::Start(slot))
            .and_then(|_| self.file.write_all(sabotage::halved(&next.encode())))
            .map_err(|error| StoreError::io("writing", &self.path, &error))?;
        self.last = next;
        Ok(())
    }
}
