//! A world as one portable stream of bytes: a snapshot, written from an image and read into one.
//!
//! Invariant: what is read is the world that was written, to the digest, tables and rows in their order, or it is
//! refused with the block and what is wrong there; memory follows the bytes that came, never what they announce.
//! Left out: directories (see `import`), JSON (the facade crate), and streams of deltas (see `viewworld`).

mod block;
mod columns;

use std::collections::BTreeMap;
use std::io::{Read, Write};

use crate::sabotage::{self, Bug};

pub(crate) use block::{Block, BlockReader, BlockWriter, Tag};

use super::base::{Base, TableShape};
use super::codec::{decode_facts, encode_facts};
use super::delta::{DeltaWriter, Link, Mark, seal};
use super::marks::marks;
use super::recovery::{decode_end, encode_end};
use super::{Column, DeltaReader, Image, Marker, Recovered, RecoveredTable, StoreError, TypeEntry, catalog};
use columns::Columns;

/// Bytes of rows in one page, about.
const PAGE_BYTES: usize = 256 << 10;

/// What a snapshot says beside its world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// What a live engine had and a snapshot cannot hold.
    pub markers: Vec<Marker>,
}

/// Writes a world; answers the bytes written. `progress` is told the rows written and those there are.
///
/// # Errors
/// Writing failed, or a row is larger than a record may be.
pub fn write_snapshot(
    image: &Image,
    extras: &Extras,
    out: impl Write,
    mut progress: impl FnMut(u64, u64),
) -> Result<u64, StoreError> {
    let mut blocks = BlockWriter::new(out);
    write_blocks(image, extras, &mut blocks, &mut progress)?;
    blocks.flush()?;
    Ok(blocks.bytes())
}

pub(crate) fn write_blocks(
    image: &Image,
    extras: &Extras,
    blocks: &mut BlockWriter<impl Write>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), StoreError> {
    let link = image.link.unwrap_or(Link::NONE);
    let mut header = Vec::new();
    header.extend_from_slice(&image.frame.to_le_bytes());
    header.push(u8::from(image.link.is_some()));
    blocks.put(Tag::Header, &header)?;
    blocks.put(Tag::Catalog, &catalog::encode(&image.types))?;
    blocks.put(Tag::Facts, &encode_facts(&image.facts))?;
    blocks.put(Tag::Base, &base_of(image).encode(link))?;
    blocks.put(Tag::Copy, &copy_of_image(image))?;
    for marker in &extras.markers {
        blocks.put(Tag::Marker, &marker.encode())?;
    }
    let (mut pages, mut last, mut rows) = (0, Link::NONE, 0);
    let all = image.tables.iter().map(|table| u64::from(table.rows) * table.columns.len() as u64).sum();
    let mut writer = DeltaWriter::default();
    each_page(image, &mut writer, |mut page, count| {
        last = seal(&mut page, last);
        pages += 1;
        rows += count;
        progress(rows, all);
        blocks.put(Tag::Page, &page)?;
        Ok(page)
    })?;
    let mut end = encode_end(pages, last);
    end.extend_from_slice(&(extras.markers.len() as u64).to_le_bytes());
    end.extend_from_slice(&image.digest().0.to_le_bytes());
    blocks.put(Tag::End, &end)
}

pub(crate) fn base_of(image: &Image) -> Base {
    let shape = |table: &RecoveredTable| TableShape { types: table.types.clone(), rows: table.rows };
    Base {
        frame: image.frame,
        dt: image.dt,
        tables: image.tables.iter().map(shape).collect(),
        serials: image.serials.clone(),
        digest: image.stored_digest,
        by_inputs: false,
    }
}

/// The record of the image's frame without what its pages have: marks, removals, notes, transient values.
pub(crate) fn copy_of_image(image: &Image) -> Vec<u8> {
    let mut writer = DeltaWriter::default();
    writer.begin(Vec::new(), image.frame, image.dt);
    for marked in image.marks.iter().filter(|_| !sabotage::now_and_then(Bug::SnapshotWithoutMark)) {
        let super::MarkedRows { key, table, first_row, count, mark } = *marked;
        let transient = image.types[usize::from(key)].transient;
        let column = image.tables[table as usize].column(key).filter(|_| transient);
        match column {
            Some(Column::Variable { blobs }) => {
                writer.rows_variable(key, table, first_row, count, mark, |n, out| {
                    out.extend_from_slice(&blobs[(first_row + n) as usize]);
                });
            }
            Some(Column::Fixed { size, bytes }) => {
                let (first, size) = (first_row as usize, *size as usize);
                let rows = &bytes[first * size..(first + count as usize) * size];
                writer.rows_fixed(key, table, first_row, count, mark, rows);
            }
            None => writer.rows_fixed(key, table, first_row, count, mark, &[]),
        }
    }
    image.removed.iter().for_each(|(key, ids)| writer.removed(*key, ids));
    for (name, bytes) in &image.notes {
        writer.note(name, |out| out.extend_from_slice(bytes));
    }
    writer.finish().into_sealed_bytes()
}

/// Hands out unsealed pages with all rows, table by table, column by column, and how many rows of columns each has.
pub(crate) fn each_page(
    image: &Image,
    writer: &mut DeltaWriter,
    mut page: impl FnMut(Vec<u8>, u64) -> Result<Vec<u8>, StoreError>,
) -> Result<(), StoreError> {
    let mut buffer = Vec::new();
    let (mut open, mut held) = (false, 0);
    for (number, table) in (0..).zip(&image.tables) {
        for (key, column) in table.types.iter().zip(&table.columns) {
            if image.types[usize::from(*key)].transient {
                continue;
            }
            let mut row = 0;
            while row < table.rows {
                if !open {
                    writer.begin_page(std::mem::take(&mut buffer), image.frame);
                    open = true;
                }
                let before = writer.size();
                let count = column.write_rows(writer, *key, number, row, table.rows);
                (row, held) = (row + count, held + u64::from(count));
                assert!(writer.size() > before, "a run has a head");
                if writer.size() >= PAGE_BYTES as u64 {
                    buffer = page(writer.finish().bytes, held)?;
                    (open, held) = (false, 0);
                }
            }
        }
    }
    if open {
        page(writer.finish().bytes, held)?;
    }
    Ok(())
}

impl Column {
    /// Writes rows from `first` on, about a page of them; answers how many.
    fn write_rows(&self, writer: &mut DeltaWriter, key: u16, table: u32, first: u32, rows: u32) -> u32 {
        let start = first as usize;
        match self {
            Self::Fixed { size, bytes } => {
                let size = *size as usize;
                let count = ((PAGE_BYTES / size.max(1)).max(1) as u32).min(rows - first);
                let run = &bytes[start * size..(start + count as usize) * size];
                writer.rows_fixed(key, table, first, count, Mark::Moved, run);
                count
            }
            Self::Variable { blobs } => {
                let mut bytes = 0;
                let mut fits = |blob: &[u8]| {
                    let room = bytes < PAGE_BYTES;
                    bytes += blob.len() + 4;
                    room
                };
                let count = blobs[start..].iter().take_while(|blob| fits(blob)).count() as u32;
                writer.rows_variable(key, table, first, count, Mark::Moved, |n, out| {
                    out.extend_from_slice(&blobs[start + n as usize]);
                });
                count
            }
        }
    }
}

/// Reads one snapshot, to its end block; what follows is left where it is. `progress` is told the bytes read.
///
/// # Errors
/// The stream is no snapshot, of another format, cut, damaged or not whole; the message says which block.
pub fn read_snapshot(input: impl Read, mut progress: impl FnMut(u64)) -> Result<(Image, Extras), StoreError> {
    let mut blocks = BlockReader::new(input);
    let mut reader = SnapshotReader::default();
    while !reader.ended {
        let Some(block) = blocks.next()? else {
            return Err(blocks.refuse("the stream ends before the snapshot's end; copy it again"));
        };
        reader.take(&block).map_err(|error| blocks.placed(&block, error))?;
        progress(blocks.bytes());
    }
    reader.finish().map_err(|error| StoreError::refused("the snapshot", error.to_string()))
}

/// What has been read so far.
#[derive(Default)]
pub(crate) struct SnapshotReader {
    frame: Option<(u64, bool)>,
    types: Option<Vec<TypeEntry>>,
    facts: Option<BTreeMap<String, String>>,
    base: Option<(Base, Link)>,
    copy: Vec<u8>,
    extras: Extras,
    columns: Columns,
    pages: u32,
    last: Link,
    digest: u128,
    /// Bytes of blocks.
    came: u64,
    pub(crate) ended: bool,
}

impl SnapshotReader {
    /// Takes the next block.
    pub(crate) fn take(&mut self, block: &Block) -> Result<(), StoreError> {
        let out_of_order =
            || StoreError::refused("the block", "it comes out of order; the file was put together wrongly");
        let ready = |ready: bool| if ready { Ok(()) } else { Err(out_of_order()) };
        self.came += block.payload.len() as u64;
        match block.tag {
            Tag::Header => {
                ready(self.frame.is_none())?;
                let (frame, known) = block.payload.split_first_chunk::<8>().ok_or_else(out_of_order)?;
                self.frame = Some((u64::from_le_bytes(*frame), known == [1]));
                self.last = Link::NONE;
            }
            Tag::Catalog => {
                ready(self.frame.is_some() && self.types.is_none())?;
                let types = catalog::decode(&block.payload)?;
                catalog::check(&types)?;
                self.types = Some(types);
            }
            Tag::Facts => {
                ready(self.types.is_some() && self.facts.is_none())?;
                self.facts = Some(decode_facts(&block.payload)?);
            }
            Tag::Base => {
                ready(self.facts.is_some() && self.base.is_none())?;
                let (base, link) = Base::decode(&block.payload)?;
                let (frame, _) = self.frame.ok_or_else(out_of_order)?;
                ready(base.frame == frame)?;
                let types = self.types.as_deref().unwrap_or_default();
                self.columns = Columns::new(types, &base.tables)?;
                self.base = Some((base, link));
            }
            Tag::Copy => {
                ready(self.base.is_some() && self.copy.is_empty())?;
                let copy = DeltaReader::parse(&block.payload)?;
                ready(Some(copy.frame()) == self.frame.map(|(frame, _)| frame) && !copy.is_page())?;
                self.copy.clone_from(&block.payload);
            }
            Tag::Marker => {
                ready(!self.copy.is_empty())?;
                let marker = Marker::decode(&block.payload)?;
                ready(Some(marker.frame) == self.frame.map(|(frame, _)| frame))?;
                self.extras.markers.push(marker);
            }
            Tag::Page => {
                ready(!self.copy.is_empty())?;
                let page = DeltaReader::parse(&block.payload)?;
                ready(page.is_page() && page.previous() == self.last)?;
                self.columns.page(&page)?;
                (self.pages, self.last) = (self.pages + 1, page.link());
            }
            Tag::End => {
                ready(!self.copy.is_empty())?;
                let (end, digest) = block.payload.split_last_chunk::<16>().ok_or_else(out_of_order)?;
                let (end, markers) = end.split_last_chunk::<8>().ok_or_else(out_of_order)?;
                ready(decode_end(end)? == (self.pages, self.last))?;
                ready(u64::from_le_bytes(*markers) == self.extras.markers.len() as u64)?;
                self.digest = u128::from_le_bytes(*digest);
                self.ended = true;
            }
            Tag::Delta | Tag::Close => return Err(out_of_order()),
        }
        Ok(())
    }

    /// The whole world.
    pub(crate) fn finish(self) -> Result<(Image, Extras), StoreError> {
        let whole = || StoreError::refused("the snapshot", "blocks are missing");
        let ((frame, known), types) = (self.frame.ok_or_else(whole)?, self.types.ok_or_else(whole)?);
        let ((base, link), facts) = (self.base.ok_or_else(whole)?, self.facts.ok_or_else(whole)?);
        let copy = DeltaReader::parse(&self.copy)?;
        let tables = self.columns.finish(&types, &copy, self.came)?;
        let found = marks(&copy)?;
        let recovered = Recovered {
            frame,
            dt: base.dt,
            tables,
            marks: found.marks,
            removed: found.removed,
            notes: found.notes,
            serials: base.serials,
            digest: base.digest,
            stored_types: types,
            repaired: None,
            digest_former: None,
            tail: None,
            link: known.then_some(link),
        };
        let digest = self.digest;
        Ok((checked_image(recovered, facts, digest)?, self.extras))
    }
}

/// The image of parts that came from elsewhere, looked through whole; `digest` is what it must have.
///
/// # Errors
/// Types, tables, rows and marks do not fit each other, or the digest is another.
pub fn checked_image(
    recovered: Recovered,
    facts: BTreeMap<String, String>,
    digest: u128,
) -> Result<Image, StoreError> {
    catalog::check(&recovered.stored_types)?;
    columns::check(&recovered)?;
    let image = Image::new(recovered, facts);
    if let Some(problem) = image.problems().first() {
        return Err(StoreError::refused("the world", problem));
    }
    if image.digest().0 != digest {
        let made = image.digest();
        let reason = format!("it was written with the digest {digest:032x}, and its rows give {made}");
        return Err(StoreError::refused("the world", reason));
    }
    Ok(image)
}
