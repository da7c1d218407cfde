//! The records of the last frames, kept in memory as the store has them: what deltas are made of.
//!
//! Invariant: what is kept has no gap, and each record is sealed into the same chain as the store's, so that two
//! worlds with one link have one history. Bounded by frames and by bytes; the oldest go first.
//! Left out: what is made of them (see `delta_since` of the engine).

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use xxhash_rust::xxh3::xxh3_64;

use super::delta::{Link, header_u64, seal};

/// Bytes of records that are kept, at most; a frame whose record is larger cannot be asked for.
pub const DELTA_BYTES_MAX: u64 = 256 << 20;
/// Frames whose records can be kept.
pub const DELTA_FRAMES_MAX: u64 = 65_536;

/// Records by frame, oldest first.
#[derive(Debug)]
pub(crate) struct Kept {
    records: VecDeque<Vec<u8>>,
    bytes: u64,
    frames_max: u64,
    bytes_max: u64,
    /// All records of later frames are here, and it follows this link.
    start: (u64, Link),
    /// The last frame, with or without a record, and the end of the chain.
    last: (u64, Link),
    /// A buffer that can be filled again.
    spare: Vec<u8>,
}

impl Kept {
    /// Keeps the records after `frame`, which follow `link`.
    pub(crate) fn new(frame: u64, link: Link, frames_max: u64, bytes_max: u64) -> Self {
        Self {
            records: VecDeque::new(),
            bytes: 0,
            frames_max: frames_max.clamp(1, DELTA_FRAMES_MAX),
            bytes_max,
            start: (frame, link),
            last: (frame, link),
            spare: Vec::new(),
        }
    }

    /// Forgets all records; the next one comes after `frame` and follows `link`.
    pub(crate) fn begin_anew(&mut self, frame: u64, link: Link) {
        (self.start, self.last) = ((frame, link), (frame, link));
        self.records.clear();
        self.bytes = 0;
    }

    /// Keeps a copy of a record.
    pub(crate) fn copy(&mut self, record: &[u8]) {
        let mut bytes = std::mem::take(&mut self.spare);
        bytes.clear();
        bytes.extend_from_slice(record);
        self.take(bytes);
    }

    /// Keeps a record.
    pub(crate) fn take(&mut self, mut record: Vec<u8>) {
        let link = seal(&mut record, self.last.1);
        self.last = (link.frame, link);
        self.bytes += record.len() as u64;
        self.records.push_back(record);
        self.forget();
    }

    /// Frames up to this one had no record.
    pub(crate) fn empty_to(&mut self, frame: u64) {
        self.last.0 = self.last.0.max(frame);
        self.forget();
    }

    /// Frames after this one were undone: what comes now is another history, and begins here. Tables that undone
    /// frames have made stay, so no later record makes them: even the same frames lead on only from here.
    pub(crate) fn begin_again(&mut self, frame: u64) {
        let Link { frame: undone, checksum } = self.last.1;
        let checksum = xxh3_64(bytemuck::bytes_of(&[undone, checksum, frame]));
        self.records.clear();
        self.bytes = 0;
        self.last = (frame, Link { frame, checksum });
        self.start = self.last;
    }

    /// An empty buffer, of a record that was forgotten where there is one.
    pub(crate) fn buffer(&mut self) -> Vec<u8> {
        let mut buffer = std::mem::take(&mut self.spare);
        buffer.clear();
        buffer
    }

    /// Frames that can be the source of a delta, and its target.
    pub(crate) fn sources(&self) -> RangeInclusive<u64> {
        self.start.0..=self.last.0
    }

    /// The end of the chain at a frame that can be a source.
    pub(crate) fn link_at(&self, frame: u64) -> Option<Link> {
        if !self.sources().contains(&frame) {
            return None;
        }
        let before = self.records.iter().rev().find(|record| header_u64(record, 8) <= frame);
        Some(before.map_or(self.start.1, |record| link_of(record)))
    }

    /// The sealed records after `frame`, oldest first.
    pub(crate) fn after(&self, frame: u64) -> impl Iterator<Item = &[u8]> {
        let first = self.records.partition_point(|record| header_u64(record, 8) <= frame);
        self.records.range(first..).map(Vec::as_slice)
    }

    /// The sealed record of a frame; `None` where it had none, or is not kept.
    pub(crate) fn record(&self, frame: u64) -> Option<&[u8]> {
        self.after(frame.checked_sub(1)?).next().filter(|record| header_u64(record, 8) == frame)
    }

    fn forget(&mut self) {
        let oldest = self.last.0.saturating_sub(self.frames_max);
        while let Some(record) = self.records.front() {
            if header_u64(record, 8) > oldest && self.bytes <= self.bytes_max {
                break;
            }
            let link = link_of(record);
            self.start = (link.frame, link);
            self.bytes -= record.len() as u64;
            self.spare = self.records.pop_front().expect("the front was looked at");
        }
        self.start.0 = self.start.0.max(oldest);
    }
}

fn link_of(record: &[u8]) -> Link {
    Link { frame: header_u64(record, 8), checksum: header_u64(record, 56) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{DeltaReader, DeltaWriter};

    fn record(frame: u64, room: usize) -> Vec<u8> {
        let mut writer = DeltaWriter::default();
        writer.begin(Vec::new(), frame, 0.5);
        writer.note("room", |out| out.resize(out.len() + room, 7));
        writer.finish().bytes
    }

    fn frames(kept: &Kept, after: u64) -> Vec<u64> {
        kept.after(after).map(|bytes| DeltaReader::parse(bytes).map_or(0, |record| record.frame())).collect()
    }

    #[test]
    fn what_is_kept_is_a_chain_without_gaps_bounded_by_frames_and_bytes() {
        let mut kept = Kept::new(3, Link::NONE, 4, 1 << 20);
        assert_eq!(kept.sources(), 3..=3);
        for frame in [4, 5, 8] {
            kept.copy(&record(frame, 10));
        }
        assert_eq!(frames(&kept, 4), [5, 8]);
        let at_five = kept.link_at(5);
        assert_eq!(at_five, kept.link_at(7), "a frame without a record has the link of the one before");
        assert_ne!(at_five, kept.link_at(8));
        let last = kept.after(5).next().map(|bytes| DeltaReader::parse(bytes).map(|r| r.previous()));
        assert_eq!(last.and_then(Result::ok), at_five, "each record names the one before");
        kept.empty_to(10);
        assert_eq!(kept.sources(), 6..=10);
        assert_eq!(kept.link_at(6), at_five);
        assert_eq!(kept.link_at(5), None);
        let mut small = Kept::new(0, Link::NONE, 100, 400);
        for frame in 1..=9 {
            small.copy(&record(frame, 100));
        }
        assert_eq!((small.sources(), frames(&small, 0)), (7..=9, vec![8, 9]));
        small.copy(&record(10, 1000));
        assert_eq!((small.sources(), frames(&small, 0)), (10..=10, vec![]));
    }
}
