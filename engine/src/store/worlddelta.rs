//! What some frames changed, as one value: from one frame of a world to a later one.
//!
//! Invariant: it names where it begins, where it ends and the types it speaks of, so whoever applies it can refuse it
//! before anything changes. Its records are those of the store. Left out: applying it (see `viewworld`).

use super::codec::{Cursor, Fields, malformed};
use super::delta::Link;
use super::kept::Kept;
use super::{DeltaReader, StoreError, TypeEntry, catalog};
use crate::patch::Patch;

/// Format of an encoded delta.
const DELTA_MAGIC: u64 = u64::from_le_bytes(*b"DPDELTA1");

/// The changes from one frame of a world to a later one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldDelta {
    pub(crate) source: u64,
    pub(crate) source_link: Link,
    pub(crate) target: u64,
    pub(crate) target_link: Link,
    /// By key.
    pub(crate) types: Vec<TypeEntry>,
    /// Sealed, oldest first.
    pub(crate) records: Vec<Vec<u8>>,
}

impl WorldDelta {
    /// What the kept records say of the frames after `source`; `None` where they do not reach back so far.
    pub(crate) fn of(kept: &Kept, types: &[TypeEntry], source: u64) -> Option<Self> {
        let target = *kept.sources().end();
        Some(Self {
            source,
            source_link: kept.link_at(source)?,
            target,
            target_link: kept.link_at(target)?,
            types: types.to_vec(),
            records: kept.after(source).map(<[u8]>::to_vec).collect(),
        })
    }

    /// The frame that it begins with.
    #[must_use]
    pub fn source(&self) -> u64 {
        self.source
    }

    /// The frame that it leads to.
    #[must_use]
    pub fn target(&self) -> u64 {
        self.target
    }

    /// The types by key.
    #[must_use]
    pub fn types(&self) -> &[TypeEntry] {
        &self.types
    }

    /// Bytes of its records.
    #[must_use]
    pub fn record_bytes(&self) -> u64 {
        self.records.iter().map(|record| record.len() as u64).sum()
    }

    /// One value, with a checksum.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut fields = Fields::default();
        fields.u64(DELTA_MAGIC);
        for (frame, link) in [(self.source, self.source_link), (self.target, self.target_link)] {
            fields.u64(frame).u64(link.frame).u64(link.checksum);
        }
        fields.bytes(&catalog::encode(&self.types)).count(self.records.len());
        for record in &self.records {
            fields.bytes(record);
        }
        fields.finish()
    }

    /// Reads one value back. Whether it fits a world is asked when it is applied.
    ///
    /// # Errors
    /// The bytes are no delta, cut or changed.
    pub fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let what = |error: StoreError| StoreError::refused("the delta", error.to_string());
        Self::read(bytes).map_err(what)
    }

    fn read(bytes: &[u8]) -> Result<Self, StoreError> {
        let mut cursor = Cursor::checked(bytes)?;
        if cursor.u64()? != DELTA_MAGIC {
            return Err(malformed(0, "this is no delta that this build reads (magic)"));
        }
        let mut place = || -> Result<(u64, Link), StoreError> {
            Ok((cursor.u64()?, Link { frame: cursor.u64()?, checksum: cursor.u64()? }))
        };
        let ((source, source_link), (target, target_link)) = (place()?, place()?);
        let length = cursor.u64()?;
        let types = catalog::decode(cursor.take(length)?)?;
        catalog::check(&types)?;
        let mut records = Vec::new();
        for _ in 0..cursor.u64()? {
            let length = cursor.u64()?;
            records.push(cursor.take(length)?.to_vec());
        }
        if !cursor.is_at_end() {
            return Err(malformed(cursor.at(), "bytes are left over"));
        }
        Ok(Self { source, source_link, target, target_link, types, records })
    }

    /// The records, each checked on its own and in its chain.
    pub(crate) fn checked(&self) -> Result<Vec<DeltaReader<'_>>, StoreError> {
        let refuse = |reason: String| StoreError::refused("the delta", reason);
        if self.target < self.source {
            return Err(refuse(format!("it leads back, from frame {} to {}", self.source, self.target)));
        }
        let (mut link, mut frame) = (self.source_link, self.source);
        let mut readers = Vec::with_capacity(self.records.len());
        for (number, bytes) in self.records.iter().enumerate() {
            let place = |reason: String| refuse(format!("record {number}: {reason}"));
            let record = DeltaReader::parse(bytes).map_err(|error| place(error.to_string()))?;
            if record.is_page() || record.frame() <= frame || record.frame() > self.target {
                return Err(place(format!("frame {} does not come after {frame}", record.frame())));
            }
            if record.previous() != link {
                return Err(place(format!(
                    "the record of frame {} does not follow the one before",
                    record.frame()
                )));
            }
            (link, frame) = (record.link(), record.frame());
            readers.push(record);
        }
        if link != self.target_link {
            return Err(refuse(format!(
                "its records end at frame {frame}, not where it says (frame {})",
                self.target
            )));
        }
        Ok(readers)
    }

    /// What it changes, as patches, seen from `before`, the world it begins with: entities in order of `Id`.
    ///
    /// # Errors
    /// As [`ViewWorld::apply_delta`](super::ViewWorld::apply_delta); `before` is as it was.
    pub fn patches(&self, before: &super::ViewWorld) -> Result<Vec<Patch>, StoreError> {
        let mut after = before.clone();
        after.apply_delta(self)?;
        Ok(crate::patch::between(before.image(), after.image()))
    }
}
