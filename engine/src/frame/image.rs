//! The committed frame as an image: the bytes that a store would give back, of a world that runs.
//!
//! Invariant: it is what recovery would find of this frame, tables, rows and marks in their order.

#![expect(unsafe_code, reason = "reads committed columns")]

use super::{Encoder, Frame};
use crate::buffer::{Column, Kind};
use crate::store::{Column as Raw, Image, Mark, MarkedRows, Recovered, RecoveredTable, RowKind, TypeEntry};
use crate::tables::TableInfo;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Frame {
    /// A copy of the committed frame. The record of it must be with the encoder already.
    pub(crate) fn image(&self, facts: BTreeMap<String, String>) -> Image {
        let sink = self.encoder.as_ref().map(Encoder::sink);
        let types: Vec<TypeEntry> = match sink {
            Some(sink) => sink.types().to_vec(),
            None => super::encode::created_types(&self.columns),
        };
        let keys: Vec<u16> = match &self.encoder {
            Some(encoder) => encoder.keys().to_vec(),
            None => (0..self.columns.len() as u16).collect(),
        };
        let kept = sink.and_then(|sink| sink.kept());
        let mut marks = Vec::new();
        let mut tables = Vec::with_capacity(self.tables.list.len());
        for (number, info) in (0..).zip(&self.tables.list) {
            tables.push(self.table_image(number, info, &keys, &mut marks));
        }
        let removed = self.columns.iter().zip(&keys).filter(|(column, _)| !column.removed().get().is_empty());
        let removed =
            removed.map(|(column, key)| (*key, column.removed().get().iter().map(|id| id.bits()).collect()));
        let mut notes = BTreeMap::new();
        for annex in self.annexes.iter().filter(|annex| !annex.is_quiet()) {
            let mut bytes = Vec::with_capacity(annex.size());
            annex.write(&mut bytes);
            notes.insert(annex.name().to_owned(), bytes);
        }
        let recovered = Recovered {
            frame: self.committed,
            dt: self.shared.time.get().dt,
            tables,
            marks,
            removed: removed.collect(),
            notes,
            serials: self.shared.serials.get().iter().map(|(key, next)| (key.0, *next)).collect(),
            digest: self.digests.last.map(|(frame, digest)| (frame, digest.0)),
            stored_types: types,
            repaired: None,
            digest_former: None,
            tail: None,
            link: kept.and_then(|kept| kept.link_at(self.committed)),
        };
        Image::new(recovered, facts)
    }

    /// The rows of a table; what the frame set goes to `marks`.
    fn table_image(
        &self,
        number: u32,
        info: &TableInfo,
        keys: &[u16],
        marks: &mut Vec<MarkedRows>,
    ) -> RecoveredTable {
        let rows = self.world().storages().tables[info.id].entity_count();
        let roles = self.shared.frames.roles();
        let (slot, stamp) = (roles.prev(), roles.stamps[roles.prev()]);
        let mut columns = Vec::with_capacity(info.columns.len());
        for index in info.columns.iter().map(|index| usize::from(*index)) {
            let column = &self.columns[index];
            let mut set = Vec::new();
            if let Some(found) = column.by_table().get(info.id) {
                found.changed_runs(slot, stamp, |run, kind| {
                    let mark = if kind == Kind::Added { Mark::Added } else { Mark::Changed };
                    let (first_row, count) = (run.start as u32, run.len() as u32);
                    marks.push(MarkedRows { key: keys[index], table: number, first_row, count, mark });
                    set.push(run);
                });
            }
            let read = if column.transient() { set } else { core::iter::once(0..rows as usize).collect() };
            columns.push(self.column_image(column, info, rows as usize, read));
        }
        let types = info.columns.iter().map(|index| keys[usize::from(*index)]).collect();
        RecoveredTable { types, rows, columns }
    }

    /// The rows of a column: those of `read`, all others blank.
    fn column_image(
        &self,
        column: &Arc<dyn Column>,
        info: &TableInfo,
        rows: usize,
        read: Vec<core::ops::Range<usize>>,
    ) -> Raw {
        let table = &self.world().storages().tables[info.id];
        let slot = self.shared.frames.roles().prev();
        match column.fixed() {
            Some(size) => {
                let width = size as usize;
                let mut bytes = vec![0; rows * width];
                for run in read {
                    // SAFETY: no wave runs, and the committed slot is not written until the next commit.
                    let held = unsafe { column.row_bytes(table, slot, run.clone()) };
                    let held = held.expect("fixed rows are plain old data");
                    bytes[run.start * width..run.end * width].copy_from_slice(held);
                }
                Raw::Fixed { size, bytes }
            }
            None => {
                let mut blobs: Vec<Box<[u8]>> = vec![Box::default(); rows];
                for row in read.into_iter().flatten() {
                    let mut bytes = Vec::new();
                    // SAFETY: as above.
                    unsafe { column.encode_row(table, slot, row, &mut bytes) };
                    blobs[row] = bytes.into();
                }
                Raw::Variable { blobs }
            }
        }
    }
}

/// A column as a store knows it.
pub(super) fn type_entry(column: &Arc<dyn Column>) -> TypeEntry {
    TypeEntry {
        name: column.name().to_owned(),
        version: column.version(),
        row: column.fixed().map_or(RowKind::Variable, RowKind::Fixed),
        layout: column.layout(),
        transient: column.transient(),
    }
}
