//! The record of one commit, as bytes: a header of 64 bytes, then operations in the order of their replay.
//!
//! Invariant: every operation states its own length, so a reader that knows no type can walk it. All
//! integers are little-endian. The writer only copies: one reused buffer, no allocation in steady state;
//! checksums and the chain to the record before are filled in by [`seal`], on the store's thread.
//! Pages of a checkpoint are records of another kind: value runs only.
//! Left out: what the bytes of a row mean.

use super::reader::Run;
pub use super::seal::Link;
pub(crate) use super::seal::{header_u64, seal};

/// Bytes of the header.
pub(crate) const HEADER_BYTES: usize = 64;
pub(crate) const MAGIC: u32 = u32::from_le_bytes(*b"DPR1");
pub(crate) const FORMAT: u16 = 1;
pub(crate) const KIND_RECORD: u16 = 1;
pub(crate) const KIND_PAGE: u16 = 2;
/// Stands for "no frame" where a frame is stored.
pub(crate) const NO_FRAME: u64 = u64::MAX;

pub(crate) const TAG_TABLE: u8 = 1;
pub(crate) const TAG_PUSH: u8 = 2;
pub(crate) const TAG_SWAP_REMOVE: u8 = 3;
pub(crate) const TAG_MOVE_ROW: u8 = 4;
pub(crate) const TAG_FIXED: u8 = 5;
pub(crate) const TAG_VARIABLE: u8 = 6;
pub(crate) const TAG_REMOVED: u8 = 7;
pub(crate) const TAG_INPUT: u8 = 8;
pub(crate) const TAG_SERIAL: u8 = 9;
/// A digest by the hash before the present one: read, and compared with nothing.
pub(crate) const TAG_DIGEST_FORMER: u8 = 10;
/// Single rows of one column, each behind its row number; the head's first row is the size of a row.
pub(crate) const TAG_SCATTERED: u8 = 11;
/// Named bytes that belong to this frame alone.
pub(crate) const TAG_NOTE: u8 = 12;
pub(crate) const TAG_DIGEST: u8 = 13;

/// Why a value is in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Mark {
    /// Set in this commit.
    Changed = 1,
    /// The row came into being, or gained the type, in this commit.
    Added = 2,
    /// The row only moved, or is copied into a page: its value, not a change.
    Moved = 3,
}

/// A finished record or page on its way to the store.
#[derive(Debug)]
pub struct Delta {
    pub(crate) bytes: Vec<u8>,
}

impl Delta {
    /// The frame it belongs to.
    #[must_use]
    pub fn frame(&self) -> u64 {
        header_u64(&self.bytes, 8)
    }

    /// Its size, in bytes, header included.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The bytes as they are stored when nothing was stored before; for tests and tools.
    #[must_use]
    pub fn into_sealed_bytes(mut self) -> Vec<u8> {
        seal(&mut self.bytes, Link::NONE);
        self.bytes
    }

    pub(crate) fn is_page(&self) -> bool {
        self.bytes[6..8] == KIND_PAGE.to_le_bytes()
    }
}

/// Builds records and pages into a reused buffer.
///
/// Order within a record: [`table`](Self::table) and structure, then value runs at final positions, then
/// the rest. Replay applies operations as they were written.
///
/// ```
/// use diptych_engine::store::{DeltaWriter, DeltaReader, Mark};
/// let mut writer = DeltaWriter::default();
/// writer.begin(Vec::new(), 7, 0.01);
/// writer.table(0, &[0, 1]);
/// writer.push(0, 1);
/// writer.rows_fixed(0, 0, 0, 1, Mark::Added, &42_u64.to_le_bytes());
/// let bytes = writer.finish().into_sealed_bytes();
/// assert_eq!(DeltaReader::parse(&bytes)?.frame(), 7);
/// # Ok::<(), diptych_engine::store::StoreError>(())
/// ```
#[derive(Debug, Default)]
pub struct DeltaWriter {
    buffer: Vec<u8>,
    open: bool,
    /// The last operation, if more single rows of its column may still be put into it.
    scattered: Option<Scattered>,
}

#[derive(Clone, Copy, Debug)]
struct Scattered {
    start: usize,
    end: usize,
    key: u16,
    table: u32,
    mark: Mark,
    size: usize,
    count: u32,
}

impl DeltaWriter {
    /// Begins the record of `frame`, in a buffer from [`Store::buffer`](super::Store::buffer).
    ///
    /// # Panics
    /// If the last record was not finished.
    pub fn begin(&mut self, buffer: Vec<u8>, frame: u64, dt: f64) {
        self.begin_kind(buffer, KIND_RECORD, frame, dt);
    }

    /// Begins a page of a checkpoint: copies made when `frame` was the last commit. Only value runs.
    ///
    /// # Panics
    /// If the last record was not finished.
    pub fn begin_page(&mut self, buffer: Vec<u8>, frame: u64) {
        self.begin_kind(buffer, KIND_PAGE, frame, 0.0);
    }

    fn begin_kind(&mut self, mut buffer: Vec<u8>, kind: u16, frame: u64, dt: f64) {
        assert!(!self.open, "the record before frame {frame} was not finished");
        buffer.clear();
        buffer.extend_from_slice(&[0; HEADER_BYTES]);
        buffer[0..4].copy_from_slice(&MAGIC.to_le_bytes());
        buffer[4..6].copy_from_slice(&FORMAT.to_le_bytes());
        buffer[6..8].copy_from_slice(&kind.to_le_bytes());
        buffer[8..16].copy_from_slice(&frame.to_le_bytes());
        buffer[16..24].copy_from_slice(&dt.to_bits().to_le_bytes());
        self.buffer = buffer;
        self.scattered = None;
        self.open = true;
    }

    /// Ends the record.
    ///
    /// # Panics
    /// If none was begun.
    pub fn finish(&mut self) -> Delta {
        assert!(self.open, "no record was begun");
        self.open = false;
        Delta { bytes: std::mem::take(&mut self.buffer) }
    }

    /// Bytes written so far, header included.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.buffer.len() as u64
    }

    /// A new table. Tables are numbered 0.. in the order of their creation; `types` in column order.
    ///
    /// # Panics
    /// If there are more than 65535 types.
    pub fn table(&mut self, ordinal: u32, types: &[u16]) {
        let count = u16::try_from(types.len()).expect("type keys are u16, so a table has at most 65535");
        self.operation::<7>(TAG_TABLE, &[&ordinal.to_le_bytes(), &count.to_le_bytes()]);
        for key in types {
            self.buffer.extend_from_slice(&key.to_le_bytes());
        }
    }

    /// `count` rows appended; their values are unspecified until given.
    pub fn push(&mut self, table: u32, count: u32) {
        self.operation::<9>(TAG_PUSH, &[&table.to_le_bytes(), &count.to_le_bytes()]);
    }

    /// The last row moves into the hole.
    pub fn swap_remove(&mut self, table: u32, row: u32) {
        self.operation::<9>(TAG_SWAP_REMOVE, &[&table.to_le_bytes(), &row.to_le_bytes()]);
    }

    /// The row is appended to `to`; columns of both tables keep its value; the last row of `from` fills
    /// the hole.
    pub fn move_row(&mut self, from: u32, row: u32, to: u32) {
        self.operation::<13>(TAG_MOVE_ROW, &[&from.to_le_bytes(), &row.to_le_bytes(), &to.to_le_bytes()]);
    }

    /// Values of `count` rows of a fixed type, one after the other (no bytes for a tag).
    ///
    /// Single rows of one column that follow each other share a head.
    #[inline]
    pub fn rows_fixed(&mut self, key: u16, table: u32, first_row: u32, count: u32, mark: Mark, bytes: &[u8]) {
        if count == 1 {
            return self.row_fixed(key, table, first_row, mark, bytes);
        }
        let mut head = [0; RUN_BYTES];
        self.run_head(&mut head, TAG_FIXED, key, table, first_row, count, mark, bytes.len() as u64);
        self.buffer.reserve(RUN_BYTES + bytes.len());
        self.buffer.extend_from_slice(&head);
        self.buffer.extend_from_slice(bytes);
    }

    #[inline]
    fn row_fixed(&mut self, key: u16, table: u32, row: u32, mark: Mark, bytes: &[u8]) {
        let mut run = match self.scattered {
            Some(run)
                if run.end == self.buffer.len()
                    && (run.key, run.table, run.mark, run.size) == (key, table, mark, bytes.len()) =>
            {
                run
            }
            _ => {
                let (start, size) = (self.buffer.len(), bytes.len());
                let mut head = [0; RUN_BYTES];
                self.run_head(&mut head, TAG_SCATTERED, key, table, size as u32, 0, mark, 0);
                self.buffer.extend_from_slice(&head);
                Scattered { start, end: 0, key, table, mark, size, count: 0 }
            }
        };
        self.buffer.extend_from_slice(&row.to_le_bytes());
        self.buffer.extend_from_slice(bytes);
        run.end = self.buffer.len();
        run.count += 1;
        let length = (run.end - run.start - RUN_BYTES) as u64;
        let counts = &mut self.buffer[run.start + 12..run.start + RUN_BYTES];
        counts[..4].copy_from_slice(&run.count.to_le_bytes());
        counts[4..].copy_from_slice(&length.to_le_bytes());
        self.scattered = Some(run);
    }

    /// Values of `count` rows of a variable type: `row(i, out)` appends row `first_row + i` to `out`.
    ///
    /// # Panics
    /// If a row is larger than 4 GiB.
    pub fn rows_variable(
        &mut self,
        key: u16,
        table: u32,
        first_row: u32,
        count: u32,
        mark: Mark,
        mut row: impl FnMut(u32, &mut Vec<u8>),
    ) {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(&[0; RUN_BYTES]);
        for index in 0..count {
            let at = self.buffer.len();
            self.buffer.extend_from_slice(&[0; 4]);
            row(index, &mut self.buffer);
            let length = u32::try_from(self.buffer.len() - at - 4).expect("a row of at most 4 GiB");
            self.buffer[at..at + 4].copy_from_slice(&length.to_le_bytes());
        }
        let bytes = (self.buffer.len() - start - RUN_BYTES) as u64;
        let mut head = [0; RUN_BYTES];
        self.run_head(&mut head, TAG_VARIABLE, key, table, first_row, count, mark, bytes);
        self.buffer[start..start + RUN_BYTES].copy_from_slice(&head);
    }

    /// The rows of a variable type as a record or page holds them already.
    pub(crate) fn rows_encoded(&mut self, run: &Run<'_>) {
        let Run { key, table, first_row, count, mark, bytes } = *run;
        let mut head = [0; RUN_BYTES];
        self.run_head(&mut head, TAG_VARIABLE, key, table, first_row, count, mark, bytes.len() as u64);
        self.buffer.extend_from_slice(&head);
        self.buffer.extend_from_slice(bytes);
    }

    /// Ids that lost the type in this commit, also by despawn. Nothing is written where there are none.
    pub fn removed(&mut self, key: u16, ids: &[u64]) {
        if ids.is_empty() {
            return;
        }
        self.operation::<11>(TAG_REMOVED, &[&key.to_le_bytes(), &(ids.len() as u64).to_le_bytes()]);
        for id in ids {
            self.buffer.extend_from_slice(&id.to_le_bytes());
        }
    }

    /// An external input as it was applied in this commit; a log for replay, not applied at recovery.
    ///
    /// # Panics
    /// If a name is longer than 65535 bytes.
    pub fn input(&mut self, source: &str, type_name: &str, version: u32, bytes: &[u8]) {
        self.operation::<1>(TAG_INPUT, &[]);
        for name in [source, type_name] {
            let length = u16::try_from(name.len()).expect("a name of at most 65535 bytes");
            self.buffer.extend_from_slice(&length.to_le_bytes());
            self.buffer.extend_from_slice(name.as_bytes());
        }
        self.buffer.extend_from_slice(&version.to_le_bytes());
        self.buffer.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.buffer.extend_from_slice(bytes);
    }

    /// Named bytes that belong to this frame and are gone with the next; `write` appends them to the record.
    ///
    /// A name that is given twice in a record keeps its last bytes.
    ///
    /// # Panics
    /// If the name is longer than 65535 bytes, or `write` takes bytes away.
    pub fn note(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
        let length = u16::try_from(name.len()).expect("a name of at most 65535 bytes");
        self.operation::<3>(TAG_NOTE, &[&length.to_le_bytes()]);
        self.buffer.extend_from_slice(name.as_bytes());
        let at = self.buffer.len();
        self.buffer.extend_from_slice(&[0; 8]);
        write(&mut self.buffer);
        let bytes = self.buffer.len().checked_sub(at + 8);
        let bytes = bytes.expect("whoever writes a note only appends to the record") as u64;
        self.buffer[at..at + 8].copy_from_slice(&bytes.to_le_bytes());
    }

    /// The next serial of an id counter.
    pub fn serial(&mut self, system_key: u32, next: u64) {
        self.operation::<13>(TAG_SERIAL, &[&system_key.to_le_bytes(), &next.to_le_bytes()]);
    }

    /// The world's digest after this commit.
    pub fn digest(&mut self, digest: u128) {
        self.operation::<17>(TAG_DIGEST, &[&digest.to_le_bytes()]);
    }

    fn operation<const N: usize>(&mut self, tag: u8, fields: &[&[u8]]) {
        assert!(self.open, "no record was begun");
        let mut bytes = [tag; N];
        let mut at = 1;
        for field in fields {
            bytes[at..at + field.len()].copy_from_slice(field);
            at += field.len();
        }
        self.buffer.extend_from_slice(&bytes);
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one run, in their stored order")]
    #[inline]
    fn run_head(
        &self,
        head: &mut [u8; RUN_BYTES],
        tag: u8,
        key: u16,
        table: u32,
        first_row: u32,
        count: u32,
        mark: Mark,
        bytes: u64,
    ) {
        assert!(self.open, "no record was begun");
        head[0] = tag;
        head[1] = mark as u8;
        head[2..4].copy_from_slice(&key.to_le_bytes());
        head[4..8].copy_from_slice(&table.to_le_bytes());
        head[8..12].copy_from_slice(&first_row.to_le_bytes());
        head[12..16].copy_from_slice(&count.to_le_bytes());
        head[16..24].copy_from_slice(&bytes.to_le_bytes());
    }
}

/// Bytes of the head of a value run: tag, mark, key, table, first row, count, length.
pub(crate) const RUN_BYTES: usize = 24;
