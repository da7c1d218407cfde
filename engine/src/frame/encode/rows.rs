//! Committed rows on their way into a record or a page.

#![expect(unsafe_code, reason = "reads committed columns")]

use crate::buffer::{Column, Kind, TableMarks};
use crate::store::{DeltaWriter, Mark};

/// The rows of one column in one table, on their way into a record.
pub(super) struct Rows<'a> {
    pub(super) column: &'a dyn Column,
    pub(super) table: &'a bevy_ecs::storage::Table,
    pub(super) slot: usize,
    pub(super) number: u32,
    pub(super) key: u16,
}

impl Rows<'_> {
    /// Writes the rows that the committed frame set.
    pub(super) fn write_changed(&self, writer: &mut DeltaWriter, marks: &TableMarks, stamp: u8) {
        marks.changed_runs(self.slot, stamp, |range, kind| {
            let mark = if kind == Kind::Added { Mark::Added } else { Mark::Changed };
            self.write(writer, range, mark);
        });
    }

    pub(super) fn write(&self, writer: &mut DeltaWriter, rows: std::ops::Range<usize>, mark: Mark) {
        let (first, count) = (rows.start as u32, rows.len() as u32);
        // SAFETY: the committed slot is not written until the next commit.
        match unsafe { self.column.row_bytes(self.table, self.slot, rows.clone()) } {
            Some(bytes) => writer.rows_fixed(self.key, self.number, first, count, mark, bytes),
            None => writer.rows_variable(self.key, self.number, first, count, mark, |n, out| {
                // SAFETY: as above.
                unsafe { self.column.encode_row(self.table, self.slot, rows.start + n as usize, out) };
            }),
        }
    }
}
