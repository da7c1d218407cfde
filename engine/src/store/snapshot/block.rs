//! Blocks of a portable stream: each says what it is and how long, and ends in its checksum.
//!
//! Invariant: a reader knows at each byte whether it stands between blocks; a cut, a changed or a strange byte is an
//! error that names the block by number, kind and offset. Left out: what is in the blocks.

use std::io::{ErrorKind, Read, Write};

use xxhash_rust::xxh3::Xxh3Default;

use crate::store::{RECORD_BYTES_MAX, StoreError};

/// The first bytes of a block.
const MAGIC: &[u8; 4] = b"DPSN";
/// The format of blocks and of what is in them.
pub(crate) const SNAPSHOT_FORMAT: u16 = 1;
const HEAD_BYTES: usize = 16;

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Tag {
    Header = 1,
    Catalog = 2,
    Facts = 3,
    Base = 4,
    Copy = 5,
    Page = 6,
    Marker = 7,
    End = 8,
    Delta = 16,
    Close = 17,
}

impl Tag {
    const ALL: [Self; 10] = [
        Self::Header,
        Self::Catalog,
        Self::Facts,
        Self::Base,
        Self::Copy,
        Self::Page,
        Self::Marker,
        Self::End,
        Self::Delta,
        Self::Close,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Header => "the header",
            Self::Catalog => "the catalog of types",
            Self::Facts => "the facts",
            Self::Base => "the tables",
            Self::Copy => "the last record",
            Self::Page => "a page of rows",
            Self::Marker => "a marker",
            Self::End => "the end",
            Self::Delta => "a delta",
            Self::Close => "the close of the stream",
        }
    }
}

/// One block whose checksum is right.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) tag: Tag,
    pub(crate) payload: Vec<u8>,
    /// Where it began, in bytes.
    at: u64,
}

/// Writes blocks.
#[derive(Debug)]
pub(crate) struct BlockWriter<W> {
    out: W,
    bytes: u64,
}

impl<W: Write> BlockWriter<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, bytes: 0 }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn put(&mut self, tag: Tag, payload: &[u8]) -> Result<(), StoreError> {
        let length = payload.len() as u64;
        if length > RECORD_BYTES_MAX {
            let reason = format!("{} of {length} bytes; a block has at most {RECORD_BYTES_MAX}", tag.name());
            return Err(StoreError::refused("a snapshot", reason));
        }
        let mut head = [0; HEAD_BYTES];
        head[..4].copy_from_slice(MAGIC);
        head[4..6].copy_from_slice(&SNAPSHOT_FORMAT.to_le_bytes());
        head[6..8].copy_from_slice(&(tag as u16).to_le_bytes());
        head[8..].copy_from_slice(&length.to_le_bytes());
        let sum = checksum(&head, payload).to_le_bytes();
        for part in [&head[..], payload, &sum[..]] {
            self.out.write_all(part).map_err(|error| written(&error))?;
        }
        self.bytes += (HEAD_BYTES + payload.len() + sum.len()) as u64;
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> Result<(), StoreError> {
        self.out.flush().map_err(|error| written(&error))
    }
}

fn written(error: &std::io::Error) -> StoreError {
    StoreError::refused("writing the stream", error.to_string())
}

/// Reads blocks.
#[derive(Debug)]
pub(crate) struct BlockReader<R> {
    input: R,
    bytes: u64,
    blocks: u64,
    spare: Vec<u8>,
}

impl<R: Read> BlockReader<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, bytes: 0, blocks: 0, spare: Vec::new() }
    }

    /// Bytes read so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// A buffer to be filled again.
    pub(crate) fn give_back(&mut self, block: Block) {
        self.spare = block.payload;
    }

    /// The next block; `None` where the stream ends between two.
    pub(crate) fn next(&mut self) -> Result<Option<Block>, StoreError> {
        let mut head = [0; HEAD_BYTES];
        match self.fill(&mut head)? {
            0 => return Ok(None),
            HEAD_BYTES => {}
            read => return Err(self.cut(read as u64, "the head of a block")),
        }
        if head[..4] != *MAGIC {
            return Err(self.refuse("no block begins here: this is no snapshot, or bytes are lost before it"));
        }
        let format = u16::from_le_bytes([head[4], head[5]]);
        if format != SNAPSHOT_FORMAT {
            let reason = format!(
                "the format is {format}, this build reads {SNAPSHOT_FORMAT}; use the program that wrote it, or a newer one"
            );
            return Err(self.refuse(&reason));
        }
        let number = u16::from_le_bytes([head[6], head[7]]);
        let tag = Tag::ALL.into_iter().find(|tag| *tag as u16 == number);
        let tag =
            tag.ok_or_else(|| self.refuse(&format!("{number} is no kind of block that this build knows")))?;
        let length = super::super::delta::header_u64(&head, 8);
        if length > RECORD_BYTES_MAX {
            return Err(self.refuse(&format!(
                "{} announces {length} bytes, at most {RECORD_BYTES_MAX} are one block",
                tag.name()
            )));
        }
        let mut payload = std::mem::take(&mut self.spare);
        payload.clear();
        // Grows with what comes, not with what was announced.
        let read =
            (&mut self.input).take(length).read_to_end(&mut payload).map_err(|error| self.failed(&error))?;
        let mut sum = [0; 8];
        if read as u64 != length || self.fill(&mut sum)? != sum.len() {
            return Err(self.cut(HEAD_BYTES as u64 + payload.len() as u64, tag.name()));
        }
        if u64::from_le_bytes(sum) != checksum(&head, &payload) {
            return Err(self.refuse(&format!(
                "the checksum of {} does not match: a byte was changed; copy the stream again",
                tag.name()
            )));
        }
        let at = self.bytes;
        self.bytes += HEAD_BYTES as u64 + length + sum.len() as u64;
        self.blocks += 1;
        Ok(Some(Block { tag, payload, at }))
    }

    /// Reads as many bytes as come; fewer than asked for only at the end.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<usize, StoreError> {
        let mut read = 0;
        while read < bytes.len() {
            match self.input.read(&mut bytes[read..]) {
                Ok(0) => break,
                Ok(more) => read += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(&error)),
            }
        }
        Ok(read)
    }

    fn failed(&self, error: &std::io::Error) -> StoreError {
        self.refuse(&format!("reading failed: {error}"))
    }

    fn cut(&self, read: u64, what: &str) -> StoreError {
        self.refuse(&format!("the stream is cut in {what}, {read} bytes after its beginning; copy it again"))
    }

    /// Something is wrong where the next block should be.
    pub(crate) fn refuse(&self, reason: &str) -> StoreError {
        let what = format!("block {} at byte {} of the stream", self.blocks + 1, self.bytes);
        StoreError::refused(what, reason)
    }

    /// What is wrong with a block that was read.
    pub(crate) fn placed(&self, block: &Block, error: StoreError) -> StoreError {
        let what = format!("block {} at byte {} of the stream, {}", self.blocks, block.at, block.tag.name());
        StoreError::refused(what, error.to_string())
    }
}

fn checksum(head: &[u8], payload: &[u8]) -> u64 {
    let mut hash = Xxh3Default::new();
    hash.update(head);
    hash.update(payload);
    hash.digest()
}
