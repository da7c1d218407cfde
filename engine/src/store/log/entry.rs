//! One entry of the log of inputs: what came into one frame, as bytes behind a checksum.
//!
//! Invariant: equal entries after equal links give equal bytes, and no bytes make a reader panic or allocate more
//! than they hold.

use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use crate::store::codec::{Cursor, Fields, malformed};
use crate::store::delta::Link;
use crate::store::{RECORD_BYTES_MAX, StoreError};

const MAGIC: u32 = u32::from_le_bytes(*b"DPL1");
const STILL: u8 = 1;
const OPENED: u8 = 2;
const DIGEST: u8 = 4;

/// What came into a frame. A step into which nothing came has no entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The frame.
    pub frame: u64,
    /// Whether it was a still one.
    pub still: bool,
    /// In the first frame after the world was made or opened: the program that makes the frames from here on.
    pub opened: Option<String>,
    /// The world's digest after the frame, where one was taken.
    pub digest: Option<u128>,
    /// What was taken, in order: inputs, then intakes by their names.
    pub taken: Vec<Taken>,
}

/// One input, or what one intake took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// From where it came; of an intake nothing.
    pub source: Arc<str>,
    /// The name of the input's type or of the intake.
    pub name: Arc<str>,
    /// Its version.
    pub version: u32,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Entry {
    /// Whether there is something to write down.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.still && self.opened.is_none() && self.digest.is_none() && self.taken.is_empty()
    }

    /// Bytes that it takes in a queue, about.
    pub(crate) fn size(&self) -> u64 {
        self.taken.iter().map(|taken| 64 + taken.bytes.len() as u64).sum::<u64>() + 64
    }

    /// The same, if the store takes so many.
    pub(crate) fn bounded(&self) -> Result<u64, StoreError> {
        let (frame, bytes) = (self.frame, self.size());
        match bytes > RECORD_BYTES_MAX {
            true => Err(StoreError::TooLarge { frame, bytes, max: RECORD_BYTES_MAX }),
            false => Ok(bytes),
        }
    }

    /// Its bytes when it follows the entry that `previous` names, and the link of the next.
    pub(crate) fn encode(&self, previous: Link) -> (Vec<u8>, Link) {
        let mut fields = Fields::default();
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let flags = flag(self.still, STILL)
            | flag(self.opened.is_some(), OPENED)
            | flag(self.digest.is_some(), DIGEST);
        fields.u32(MAGIC).u8(flags).u64(self.frame).u64(previous.frame).u64(previous.checksum);
        if let Some(program) = &self.opened {
            fields.text(program);
        }
        if let Some(digest) = self.digest {
            fields.u128(digest);
        }
        fields.count(self.taken.len());
        for Taken { source, name, version, bytes } in &self.taken {
            fields.text(source).text(name).u32(*version).bytes(bytes);
        }
        let bytes = fields.finish();
        let link = Link { frame: self.frame, checksum: xxh3_64(&bytes) };
        (bytes, link)
    }

    /// The entry, what it follows, and its own link.
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Self, Link, Link), StoreError> {
        let mut cursor = Cursor::checked(bytes)?;
        if cursor.u32()? != MAGIC {
            return Err(malformed(0, "this is no entry of a log of inputs (magic)"));
        }
        let flags = cursor.u8()?;
        if flags & !(STILL | OPENED | DIGEST) != 0 {
            return Err(malformed(4, format!("{flags} are no flags that this build knows")));
        }
        let frame = cursor.u64()?;
        let previous = Link { frame: cursor.u64()?, checksum: cursor.u64()? };
        let opened = if flags & OPENED == 0 { None } else { Some(cursor.text()?.to_owned()) };
        let digest = if flags & DIGEST == 0 { None } else { Some(cursor.u128()?) };
        let mut taken = Vec::new();
        for _ in 0..cursor.u64()? {
            let (source, name) = (cursor.text()?.into(), cursor.text()?.into());
            let (version, length) = (cursor.u32()?, cursor.u64()?);
            taken.push(Taken { source, name, version, bytes: cursor.take(length)?.to_owned() });
        }
        if !cursor.is_at_end() {
            return Err(malformed(cursor.at(), "bytes are left over"));
        }
        let entry = Self { frame, still: flags & STILL != 0, opened, digest, taken };
        let link = Link { frame, checksum: xxh3_64(bytes) };
        Ok((entry, previous, link))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Claim: an entry comes back as it was, and no changed or cut byte is taken for an entry.
    #[test]
    fn entries_come_back_and_damage_is_seen() {
        let taken = |name: &str, bytes: &[u8]| Taken {
            source: "a".into(),
            name: name.into(),
            version: 3,
            bytes: bytes.to_owned(),
        };
        let entry = Entry {
            frame: 9,
            still: true,
            opened: Some("plugin a 1".to_owned()),
            digest: Some(7),
            taken: vec![taken("x", b"one"), taken("y", b"")],
        };
        let before = Link { frame: 4, checksum: 5 };
        let (bytes, link) = entry.encode(before);
        assert_eq!(Entry::decode(&bytes).expect("it was just written"), (entry, before, link));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(Entry::decode(&changed).is_err(), "byte {at} was changed");
            assert!(Entry::decode(&bytes[..at]).is_err(), "{at} bytes were left");
        }
    }
}
