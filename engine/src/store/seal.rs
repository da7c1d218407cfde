//! The chain of records: each names the frame and the checksum of the one before.

use xxhash_rust::xxh3::xxh3_64;

use super::delta::{HEADER_BYTES, NO_FRAME};

/// The end of the chain that a record continues: frame and header checksum of the record before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The record's frame; all ones for none.
    pub frame: u64,
    /// The checksum of its header.
    pub checksum: u64,
}

impl Default for Link {
    fn default() -> Self {
        Self::NONE
    }
}

impl Link {
    pub(crate) const NONE: Self = Self { frame: NO_FRAME, checksum: 0 };
}

/// Fills in the chain and the checksums; the returned link is this record's own.
pub(crate) fn seal(bytes: &mut [u8], previous: Link) -> Link {
    let payload_bytes = (bytes.len() - HEADER_BYTES) as u64;
    let payload = xxh3_64(&bytes[HEADER_BYTES..]);
    bytes[24..32].copy_from_slice(&previous.frame.to_le_bytes());
    bytes[32..40].copy_from_slice(&previous.checksum.to_le_bytes());
    bytes[40..48].copy_from_slice(&payload_bytes.to_le_bytes());
    bytes[48..56].copy_from_slice(&payload.to_le_bytes());
    let checksum = xxh3_64(&bytes[..56]);
    bytes[56..64].copy_from_slice(&checksum.to_le_bytes());
    Link { frame: header_u64(bytes, 8), checksum }
}

/// The eight bytes at `offset` of a header, which is at least [`HEADER_BYTES`] long.
pub(crate) fn header_u64(bytes: &[u8], offset: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[offset..offset + 8]);
    u64::from_le_bytes(word)
}
