//! Copies the world into a checkpoint, some rows a frame, while frames go on.
//!
//! Invariant: a page holds rows as they are after the frame it is stamped with; from the beginning of the
//! copy to its end, every row that structure moves is in the record too, so that no value slips between.
//! Values of transient types are in no page: the base's copy of its record has them.

use super::{Committed, Encoder, Frame, Rows, failed};
use crate::editor::Shift;
use crate::error::Result;
use crate::sabotage::{self, Bug};
use crate::store::{Base, DeltaWriter, Mark, TableShape};
use std::collections::{BTreeMap, BTreeSet};

/// Bytes copied in one frame, about: a checkpoint of 24 MB takes a hundred frames.
pub(super) const COPY_BYTES_A_FRAME: usize = 256 << 10;

/// Where the copy of a checkpoint is.
pub(super) struct Copying {
    /// Rows of each table when the copy began.
    rows: Vec<u32>,
    table: usize,
    column: usize,
    row: u32,
}

impl Encoder {
    /// Begins a checkpoint where one is due, and goes on with it.
    pub(super) fn copy_some(&mut self, committed: &Committed<'_>) -> Result<()> {
        if self.copying.is_none() {
            if !self.sink.checkpoint_due() {
                return Ok(());
            }
            self.begin_copy(committed, None)?;
        }
        let budget = if self.sink.upgrade_pending() { usize::MAX } else { self.copy_bytes };
        self.copy_pages(committed, budget)
    }

    /// Makes a whole checkpoint at once, in the types of today: the last record does not fit them.
    pub(super) fn upgrade(&mut self, committed: &Committed<'_>) -> Result<()> {
        let copy = self.marks_of(committed);
        self.copy_all_with(committed, Some(copy))
    }

    /// Makes a whole checkpoint at once of a frame without a record, with the copy of it that there would be.
    pub(super) fn copy_all_with(&mut self, committed: &Committed<'_>, copy: Option<Vec<u8>>) -> Result<()> {
        // One that was begun when the world was made is ended first.
        self.copy_pages(committed, usize::MAX)?;
        self.begin_copy(committed, copy)?;
        self.copy_pages(committed, usize::MAX)
    }

    fn begin_copy(&mut self, committed: &Committed<'_>, copy: Option<Vec<u8>>) -> Result<()> {
        let base = self.base(committed);
        let rows = base.tables.iter().map(|table| table.rows).collect();
        self.sink.begin_checkpoint_with(base, copy).map_err(failed)?;
        self.checkpoint = committed.frame;
        self.copying = Some(Copying { rows, table: 0, column: 0, row: 0 });
        Ok(())
    }

    fn base(&self, committed: &Committed<'_>) -> Base {
        let tables = &committed.world.storages().tables;
        let shape = |info: &crate::tables::TableInfo| TableShape {
            types: info.columns.iter().map(|index| self.keys[usize::from(*index)]).collect(),
            rows: tables[info.id].entity_count(),
        };
        Base {
            frame: committed.frame,
            dt: committed.shared.time.get().dt,
            tables: committed.tables.list.iter().map(shape).collect(),
            serials: committed
                .shared
                .serials
                .get()
                .iter()
                .map(|(key, next)| (key.0, *next))
                .collect::<BTreeMap<_, _>>(),
            digest: committed.digest.map(|(frame, digest)| (frame, digest.0)),
            by_inputs: self.by_inputs,
        }
    }

    fn copy_pages(&mut self, committed: &Committed<'_>, budget: usize) -> Result<()> {
        let Some(mut copying) = self.copying.take() else { return Ok(()) };
        let tables = &committed.world.storages().tables;
        let roles = committed.shared.frames.roles();
        let slot = roles.prev();
        let mut left = budget;
        let mut writer = core::mem::take(&mut self.writer);
        let mut open = false;
        while left > 0 && copying.table < copying.rows.len() {
            let info = &committed.tables.list[copying.table];
            let Some(index) = info.columns.get(copying.column).map(|index| usize::from(*index)) else {
                (copying.table, copying.column, copying.row) = (copying.table + 1, 0, 0);
                continue;
            };
            // Rows that came after the copy began are in records; rows that went need no copy.
            let end = copying.rows[copying.table].min(tables[info.id].entity_count());
            if copying.row >= end {
                (copying.column, copying.row) = (copying.column + 1, 0);
                continue;
            }
            let column = &*committed.columns[index];
            let upgrade = self.sink.upgrade_pending();
            if column.transient() && !upgrade {
                (copying.column, copying.row) = (copying.column + 1, 0);
                continue;
            }
            let size = column.fixed().map_or(64, |size| size.max(1)) as usize;
            let count = ((left / size).max(1) as u32)
                .min(end - copying.row)
                .min((COPY_BYTES_A_FRAME / size).max(1) as u32);
            if !open {
                writer.begin_page(self.sink.buffer(), committed.frame);
                open = true;
            }
            let number = copying.table as u32;
            let rows = Rows { column, table: &tables[info.id], slot, number, key: self.keys[index] };
            if column.transient() {
                // The copy of the record has the old version's values: the new ones are here, as marked.
                if let Some(marks) = column.by_table().get(info.id) {
                    rows.write_changed(&mut writer, marks, roles.stamps[slot]);
                }
                (copying.column, copying.row) = (copying.column + 1, 0);
                continue;
            }
            rows.write(&mut writer, copying.row as usize..(copying.row + count) as usize, Mark::Moved);
            copying.row += count;
            left = left.saturating_sub(size * count as usize);
            if writer.size() >= COPY_BYTES_A_FRAME as u64 {
                self.sink.page(writer.finish()).map_err(failed)?;
                open = false;
            }
        }
        if open {
            self.sink.page(writer.finish()).map_err(failed)?;
        }
        self.writer = writer;
        if copying.table < copying.rows.len() && !sabotage::now_and_then(Bug::ShortCheckpoint) {
            self.copying = Some(copying);
            return Ok(());
        }
        self.sink.end_checkpoint().map_err(failed)
    }
}

impl Frame {
    /// Makes a whole checkpoint of the committed frame at once, where stored types have older versions.
    pub(crate) fn upgrade_now(&mut self) -> Result<()> {
        let Some(mut encoder) = self.encoder.take_if(|encoder| encoder.upgrade_pending()) else {
            return Ok(());
        };
        let done = encoder.upgrade(&self.as_committed());
        self.encoder = Some(encoder);
        done
    }

    /// The end of an opening: where the world is known by its inputs from here on, or was until now, its state is
    /// written down.
    pub(crate) fn settle_opening(&mut self, was_by_inputs: bool) -> Result<()> {
        self.hand_over()?;
        let Some(mut encoder) = self.encoder.take() else { return Ok(()) };
        let wanted = was_by_inputs || encoder.checkpoint_every.is_some();
        let done = if wanted { encoder.checkpoint_at_opening(&self.as_committed()) } else { Ok(()) };
        self.encoder = Some(encoder);
        done
    }

    /// Nothing refuses the world any more: what the opening changes of it may be written down.
    pub(crate) fn confirm_opening(&mut self) -> Result<()> {
        self.encoder.as_mut().map_or(Ok(()), |encoder| encoder.sink.confirm().map_err(failed))
    }

    /// A clean end: the state of a world that is known by its inputs is written down, so that any program can open it.
    pub(crate) fn settle_end(&mut self) -> Result<()> {
        let by_inputs = |encoder: &Encoder| encoder.by_inputs && encoder.checkpoint != self.committed;
        if self.encoder.as_ref().is_some_and(by_inputs) { self.settle_opening(true) } else { Ok(()) }
    }

    /// Writes every row that this commit's structure moved: the copy may have passed its new place already.
    pub(super) fn write_moved(&self, writer: &mut DeltaWriter, keys: &[u16]) {
        let tables = &self.world().storages().tables;
        let count = |number: u32| tables[self.tables.list[number as usize].id].entity_count();
        let slot = self.shared.frames.roles().prev();
        let mut moved: BTreeSet<(u32, u32)> = BTreeSet::new();
        // Backwards from the tables' final lengths, so that each shift's length at its time is known.
        let mut lengths: BTreeMap<u32, u32> = BTreeMap::new();
        for shift in self.journal.shifts.iter().rev() {
            match *shift {
                Shift::Table(_) => {}
                Shift::Push { table, count: rows } => {
                    *lengths.entry(table).or_insert_with(|| count(table)) -= rows
                }
                Shift::SwapRemove { table, row } => {
                    *lengths.entry(table).or_insert_with(|| count(table)) += 1;
                    moved.insert((table, row));
                }
                Shift::Move { from, row, to } => {
                    *lengths.entry(from).or_insert_with(|| count(from)) += 1;
                    let length = lengths.entry(to).or_insert_with(|| count(to));
                    *length -= 1;
                    moved.insert((to, *length));
                    moved.insert((from, row));
                }
            }
        }
        for (number, row) in moved.into_iter().filter(|(number, row)| *row < count(*number)) {
            let info = &self.tables.list[number as usize];
            for index in info.columns.iter().map(|index| usize::from(*index)) {
                let column = &*self.columns[index];
                if column.transient() {
                    continue;
                }
                let rows = Rows { column, table: &tables[info.id], slot, number, key: keys[index] };
                rows.write(writer, row as usize..row as usize + 1, Mark::Moved);
            }
        }
    }
}
