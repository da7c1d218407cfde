//! Reading records and pages: every length is checked before it is believed.
//!
//! Invariant: no byte string makes the reader panic, loop for ever or allocate more than its own size.
//! Left out: whether tables, rows and types exist; replay checks that against the world it has.

use xxhash_rust::xxh3::xxh3_64;

use super::StoreError;
use super::codec::{Cursor, malformed};
use super::delta::{
    FORMAT, HEADER_BYTES, KIND_PAGE, KIND_RECORD, Link, MAGIC, Mark, TAG_DIGEST, TAG_DIGEST_FORMER,
    TAG_FIXED, TAG_INPUT, TAG_MOVE_ROW, TAG_NOTE, TAG_PUSH, TAG_REMOVED, TAG_SCATTERED, TAG_SERIAL,
    TAG_SWAP_REMOVE, TAG_TABLE, TAG_VARIABLE, header_u64,
};

/// A record or page whose header and checksums are right.
#[derive(Clone, Copy, Debug)]
pub struct DeltaReader<'a> {
    bytes: &'a [u8],
    kind: u16,
}

/// One operation of a record, in the order of replay. See [`DeltaWriter`](super::DeltaWriter).
#[expect(missing_docs, reason = "the fields are the writer's arguments, documented there")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation<'a> {
    Table { ordinal: u32, types: Keys<'a> },
    Push { table: u32, count: u32 },
    SwapRemove { table: u32, row: u32 },
    MoveRow { from: u32, row: u32, to: u32 },
    Fixed(Run<'a>),
    Variable(Run<'a>),
    Removed { key: u16, ids: Ids<'a> },
    Input { source: &'a str, type_name: &'a str, version: u32, bytes: &'a [u8] },
    Serial { system_key: u32, next: u64 },
    Digest(u128),
    DigestFormer,
    Note { name: &'a str, bytes: &'a [u8] },
}

/// Values of neighbouring rows of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run<'a> {
    /// Type key.
    pub key: u16,
    /// Ordinal of the table.
    pub table: u32,
    /// First row.
    pub first_row: u32,
    /// Number of rows.
    pub count: u32,
    /// Why it is there.
    pub mark: Mark,
    /// Fixed: the rows one after the other. Variable: each row behind its length as `u32`.
    pub bytes: &'a [u8],
}

/// Type keys of a table, two bytes each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys<'a>(&'a [u8]);

impl Keys<'_> {
    /// The keys in column order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        self.0.as_chunks::<2>().0.iter().map(|key| u16::from_le_bytes(*key))
    }
}

/// Entity ids, eight bytes each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids<'a>(&'a [u8]);

impl Ids<'_> {
    /// The ids as they were written.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.as_chunks::<8>().0.iter().map(|id| u64::from_le_bytes(*id))
    }
}

impl<'a> DeltaReader<'a> {
    /// Checks header, length and checksums.
    ///
    /// # Errors
    /// [`StoreError::Malformed`] with the offset of what is wrong.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, StoreError> {
        if bytes.len() < HEADER_BYTES {
            return Err(malformed(bytes.len(), "the header of 64 bytes ends early"));
        }
        if bytes[0..4] != MAGIC.to_le_bytes() {
            return Err(malformed(0, "this is no record (magic)"));
        }
        if header_u64(bytes, 56) != xxh3_64(&bytes[..56]) {
            return Err(malformed(56, "the header's checksum does not match"));
        }
        let format = u16::from_le_bytes([bytes[4], bytes[5]]);
        if format != FORMAT {
            return Err(malformed(4, format!("format {format} is not {FORMAT}, the one this build reads")));
        }
        let kind = u16::from_le_bytes([bytes[6], bytes[7]]);
        if kind != KIND_RECORD && kind != KIND_PAGE {
            return Err(malformed(6, format!("{kind} is no kind of record")));
        }
        let payload = &bytes[HEADER_BYTES..];
        if header_u64(bytes, 40) != payload.len() as u64 {
            return Err(malformed(40, "the length in the header is not the length of the record"));
        }
        if header_u64(bytes, 48) != xxh3_64(payload) {
            return Err(malformed(HEADER_BYTES, "the checksum of the record does not match"));
        }
        Ok(Self { bytes, kind })
    }

    /// The frame of the commit.
    #[must_use]
    pub fn frame(&self) -> u64 {
        header_u64(self.bytes, 8)
    }

    /// The frame's step, in seconds.
    #[must_use]
    pub fn dt(&self) -> f64 {
        f64::from_bits(header_u64(self.bytes, 16))
    }

    /// A page of a checkpoint, not a commit.
    #[must_use]
    pub fn is_page(&self) -> bool {
        self.kind == KIND_PAGE
    }

    /// The operations in the order of replay; ends after the first error.
    #[must_use]
    pub fn operations(&self) -> Operations<'a> {
        Operations { cursor: Cursor::new(self.bytes, HEADER_BYTES), scattered: None }
    }

    /// Its size, in bytes, header included.
    pub(crate) fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// The frame of a record that was parsed before.
    pub(crate) fn header_frame(bytes: &[u8]) -> Option<u64> {
        (bytes.len() >= HEADER_BYTES).then(|| header_u64(bytes, 8))
    }

    pub(crate) fn previous(&self) -> Link {
        Link { frame: header_u64(self.bytes, 24), checksum: header_u64(self.bytes, 32) }
    }

    pub(crate) fn link(&self) -> Link {
        Link { frame: self.frame(), checksum: header_u64(self.bytes, 56) }
    }
}

/// Iterator over the operations of a record.
#[derive(Clone, Debug)]
pub struct Operations<'a> {
    cursor: Cursor<'a>,
    /// Single rows still to be handed out, each as a run of its own.
    scattered: Option<Run<'a>>,
}

impl<'a> Iterator for Operations<'a> {
    type Item = Result<Operation<'a>, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(row) = self.scattered_row() {
            return Some(Ok(Operation::Fixed(row)));
        }
        if self.cursor.is_at_end() {
            return None;
        }
        let operation = self.operation();
        if operation.is_err() {
            self.cursor.skip_to_end();
        }
        Some(operation)
    }
}

impl<'a> Operations<'a> {
    fn operation(&mut self) -> Result<Operation<'a>, StoreError> {
        let start = self.cursor.at();
        let tag = self.cursor.u8()?;
        Ok(match tag {
            TAG_TABLE => {
                let ordinal = self.cursor.u32()?;
                let count = u64::from(self.cursor.u16()?);
                Operation::Table { ordinal, types: Keys(self.cursor.take(count * 2)?) }
            }
            TAG_PUSH => Operation::Push { table: self.cursor.u32()?, count: self.cursor.u32()? },
            TAG_SWAP_REMOVE => Operation::SwapRemove { table: self.cursor.u32()?, row: self.cursor.u32()? },
            TAG_MOVE_ROW => Operation::MoveRow {
                from: self.cursor.u32()?,
                row: self.cursor.u32()?,
                to: self.cursor.u32()?,
            },
            TAG_FIXED => Operation::Fixed(self.run()?),
            TAG_SCATTERED => Operation::Fixed(self.scattered(start)?),
            TAG_VARIABLE => Operation::Variable(self.run()?),
            TAG_REMOVED => {
                let key = self.cursor.u16()?;
                let count = self.cursor.u64()?;
                let bytes = count.checked_mul(8).ok_or_else(|| malformed(start, "too many removed ids"))?;
                Operation::Removed { key, ids: Ids(self.cursor.take(bytes)?) }
            }
            TAG_INPUT => {
                let source = self.cursor.name()?;
                let type_name = self.cursor.name()?;
                let version = self.cursor.u32()?;
                let length = self.cursor.u64()?;
                Operation::Input { source, type_name, version, bytes: self.cursor.take(length)? }
            }
            TAG_SERIAL => Operation::Serial { system_key: self.cursor.u32()?, next: self.cursor.u64()? },
            TAG_DIGEST_FORMER => {
                self.cursor.take(16)?;
                Operation::DigestFormer
            }
            TAG_DIGEST => {
                let mut digest = [0; 16];
                digest.copy_from_slice(self.cursor.take(16)?);
                Operation::Digest(u128::from_le_bytes(digest))
            }
            TAG_NOTE => {
                let name = self.cursor.name()?;
                let length = self.cursor.u64()?;
                Operation::Note { name, bytes: self.cursor.take(length)? }
            }
            other => return Err(malformed(start, format!("{other} is no operation"))),
        })
    }

    /// The first of some single rows; at least one is there, and all are whole.
    fn scattered(&mut self, start: usize) -> Result<Run<'a>, StoreError> {
        let run = self.run()?;
        let size = u64::from(run.first_row) + 4;
        if run.count == 0 || size.checked_mul(u64::from(run.count)) != Some(run.bytes.len() as u64) {
            return Err(malformed(
                start,
                format!("{} single rows came as {} bytes", run.count, run.bytes.len()),
            ));
        }
        self.scattered = Some(run);
        self.scattered_row().ok_or_else(|| malformed(start, "no single row"))
    }

    fn scattered_row(&mut self) -> Option<Run<'a>> {
        let run = self.scattered.as_mut().filter(|run| run.count > 0)?;
        let (row, rest) = run.bytes.split_at(run.first_row as usize + 4);
        let (number, bytes) = row.split_first_chunk::<4>()?;
        (run.count, run.bytes) = (run.count - 1, rest);
        Some(Run { first_row: u32::from_le_bytes(*number), count: 1, bytes, ..*run })
    }

    fn run(&mut self) -> Result<Run<'a>, StoreError> {
        let start = self.cursor.at();
        let mark = match self.cursor.u8()? {
            1 => Mark::Changed,
            2 => Mark::Added,
            3 => Mark::Moved,
            other => return Err(malformed(start, format!("{other} is no mark"))),
        };
        let (key, table, first_row, count) =
            (self.cursor.u16()?, self.cursor.u32()?, self.cursor.u32()?, self.cursor.u32()?);
        let length = self.cursor.u64()?;
        Ok(Run { key, table, first_row, count, mark, bytes: self.cursor.take(length)? })
    }
}

#[cfg(all(test, not(diptych_loom)))]
mod tests {
    use super::super::delta::DeltaWriter;
    use super::*;

    /// A digest by the former hash is passed by, as what it is; nobody takes it for one by the present hash.
    #[test]
    fn a_former_digest_is_no_digest() {
        let mut writer = DeltaWriter::default();
        writer.begin(Vec::new(), 7, 0.5);
        writer.digest(11);
        writer.serial(3, 4);
        let mut bytes = writer.finish().bytes;
        let digest = |bytes: &[u8]| {
            let mut operations = DeltaReader { bytes, kind: KIND_RECORD }.operations();
            let first = operations.next().expect("two operations").expect("whole");
            let former = matches!(first, Operation::DigestFormer);
            assert!(former || first == Operation::Digest(11), "{first:?}");
            let second = operations.next().expect("two operations").expect("whole");
            assert_eq!(second, Operation::Serial { system_key: 3, next: 4 });
            (!former).then_some(11)
        };
        assert_eq!(digest(&bytes), Some(11));
        bytes[HEADER_BYTES] = TAG_DIGEST_FORMER;
        assert_eq!(digest(&bytes), None);
    }

    /// Single rows whose bytes no number of 64 bits can count are refused like all that are not there.
    #[test]
    fn single_rows_beyond_all_bytes_are_refused() {
        let mut writer = DeltaWriter::default();
        writer.begin(Vec::new(), 7, 0.5);
        let mut bytes = writer.finish().bytes;
        bytes.extend_from_slice(&[TAG_SCATTERED, Mark::Changed as u8, 1, 0]);
        // Table, bytes of a row, rows, and bytes of them all.
        for number in [0, u32::MAX, u32::MAX, 0, 0] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let mut operations = DeltaReader { bytes: &bytes, kind: KIND_RECORD }.operations();
        let refusal = operations.next().expect("an operation").expect_err("no such bytes").to_string();
        assert!(refusal.contains("4294967295 single rows came as 0 bytes"), "{refusal}");
    }
}
