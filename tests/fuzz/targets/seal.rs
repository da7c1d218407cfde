//! Checksums, lengths and chains made right again, so that changed bytes reach what stands behind them.
//!
//! Invariant: what is whole stays as it is. What cannot be made right is left, for the reader to refuse.
//! Left out: digests, which only the reader can tell; streams (see `stream`).

use xxhash_rust::xxh3::xxh3_64;

/// Bytes of a record's head.
const RECORD_HEAD: usize = 64;
/// Bytes of a checksum.
pub const SUM: usize = 8;

/// The frame and the checksum of a record, which the next one names.
pub type Link = [u64; 2];

/// An encoded delta: its catalog, its records in their chain, where they lead to, and all of it.
pub fn delta(bytes: &mut [u8]) {
    let _ = records(bytes);
    value(bytes);
}

fn records(bytes: &mut [u8]) -> Option<()> {
    let end = bytes.len().checked_sub(SUM)?;
    let mut link = link_at(bytes, 16)?;
    let mut at = 64_usize.checked_add(usize::try_from(word(bytes, 56)?).ok()?)?;
    value(bytes.get_mut(64..at)?);
    let count = word(bytes, at)?;
    at += 8;
    for number in 0..count {
        let left = end.checked_sub(at + 8)?;
        // The last one has all that is left.
        let length = usize::try_from(word(bytes, at)?).unwrap_or(usize::MAX);
        let length = if number + 1 == count { left } else { length.min(left) };
        put(bytes, at, length as u64);
        link = record(bytes.get_mut(at + 8..at + 8 + length)?, link);
        at += 8 + length;
    }
    put_link(bytes, 40, link);
    Some(())
}

/// A record or page behind the one before; gives its own link.
pub fn record(bytes: &mut [u8], previous: Link) -> Link {
    let Some(length) = bytes.len().checked_sub(RECORD_HEAD) else { return previous };
    put_link(bytes, 24, previous);
    put(bytes, 40, length as u64);
    put(bytes, 48, xxh3_64(&bytes[RECORD_HEAD..]));
    put(bytes, 56, xxh3_64(&bytes[..56]));
    [word(bytes, 8).unwrap_or_default(), word(bytes, 56).unwrap_or_default()]
}

/// A value that ends in the checksum of what is before.
pub fn value(bytes: &mut [u8]) {
    if let Some(end) = bytes.len().checked_sub(SUM) {
        put(bytes, end, xxh3_64(&bytes[..end]));
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub fn link_at(bytes: &[u8], at: usize) -> Option<Link> {
    Some([word(bytes, at)?, word(bytes, at + 8)?])
}

pub fn put(bytes: &mut [u8], at: usize, value: u64) {
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

pub fn put_link(bytes: &mut [u8], at: usize, [frame, checksum]: Link) {
    put(bytes, at, frame);
    put(bytes, at + 8, checksum);
}
