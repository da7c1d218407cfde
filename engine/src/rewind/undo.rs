//! What one commit overwrites: the values that it changes, the rows that it moves, the tables that it enters.
//!
//! Invariant: a row is kept before its first change, as the frame before had it; rows that frame did not have are
//! not kept. So of a place that was kept more than once the oldest value is the right one. Runs of values are
//! kept when the wave is over and nothing of the commit has happened; of them and a kept row they win,
//! because a transient value may have become blank in between.

#![expect(unsafe_code, reason = "reads table columns while it has the world to itself")]

use crate::buffer::{Column, Roles, Shelf};
use crate::tables::{TableInfo, TableList};
use bevy_ecs::storage::{Table, Tables};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// See the module.
#[derive(Default)]
pub(crate) struct Undo {
    /// Rows of each table in the frame before.
    pub(crate) rows_before: Vec<u32>,
    /// By the table's number and the column's index.
    runs: BTreeMap<(u32, u16), Runs>,
    /// By the table's number.
    rows: BTreeMap<u32, Rows>,
    /// Tables that the commit entered.
    pub(crate) entered: Vec<u32>,
}

/// Values of one column in one table.
struct Runs {
    /// Where they were, in the order in which they lie on the shelf.
    ranges: Vec<Range<u32>>,
    shelf: Box<dyn Shelf>,
}

/// Whole rows of one table.
struct Rows {
    places: Vec<u32>,
    /// A bit a row: whether it is kept.
    kept: Vec<u64>,
    /// One for each column of the table, in their order.
    shelves: Vec<Box<dyn Shelf>>,
}

impl Undo {
    /// Keeps what the wave overwrites: what the next slot has new, as the previous one has it.
    ///
    /// # Safety
    /// No wave runs, and nothing of the commit has happened yet.
    pub(crate) unsafe fn keep_wave(
        &mut self,
        list: &TableList,
        columns: &[Arc<dyn Column>],
        tables: &Tables,
        roles: Roles,
    ) {
        self.rows_before.clear();
        for (number, info) in list.list.iter().enumerate() {
            let table = &tables[info.id];
            self.rows_before.push(table.entity_count());
            for index in &info.columns {
                let column = &*columns[usize::from(*index)];
                let Some(marks) = column.by_table().get(info.id) else { continue };
                let slots = [roles.next, roles.prev()];
                // A transient value also changes by being over.
                let slots = if column.transient() { &slots[..] } else { &slots[..1] };
                for slot in slots {
                    if marks.sides[*slot].touched(roles.stamps[*slot]) {
                        let runs = self
                            .runs
                            .entry((number as u32, *index))
                            .or_insert_with(|| Runs { ranges: Vec::new(), shelf: column.shelf() });
                        marks.changed_runs(*slot, roles.stamps[*slot], |rows, _| {
                            runs.ranges.push(rows.start as u32..rows.end as u32);
                            // SAFETY: no wave runs, by the caller's promise.
                            unsafe { runs.shelf.keep(table, roles.prev(), rows) };
                        });
                    }
                }
            }
        }
    }

    /// Keeps a row that is about to be changed, if the frame before had it and it is not kept already. `slot` is
    /// the one that holds the values of the frame before.
    pub(crate) fn touch(
        &mut self,
        number: u32,
        info: &TableInfo,
        columns: &[Arc<dyn Column>],
        table: &Table,
        (slot, row): (usize, usize),
    ) {
        let before = self.rows_before.get(number as usize).map_or(0, |rows| *rows as usize);
        if row >= before {
            return;
        }
        let rows = self.rows.entry(number).or_insert_with(|| {
            let shelves = info.columns.iter().map(|index| columns[usize::from(*index)].shelf());
            Rows { places: Vec::new(), kept: Vec::new(), shelves: shelves.collect() }
        });
        rows.kept.resize(rows.kept.len().max(before.div_ceil(64)), 0);
        let (word, bit) = (&mut rows.kept[row / 64], 1 << (row % 64));
        if *word & bit != 0 {
            return;
        }
        *word |= bit;
        rows.places.push(row as u32);
        // SAFETY: structure and inputs are applied while nothing else runs.
        rows.shelves.iter_mut().for_each(|shelf| unsafe { shelf.keep(table, slot, row..row + 1) });
    }

    /// Whether the whole of a column was overwritten, in a table of so many rows.
    pub(crate) fn covers(&self, table: u32, column: u16, rows: u32) -> bool {
        let runs = self.runs.get(&(table, column));
        runs.is_some_and(|runs| runs.ranges.iter().any(|run| run.start == 0 && run.end >= rows))
    }

    /// Writes everything back that is in a row below `rows_of` its table; of columns, those that are `wanted`.
    ///
    /// # Safety
    /// The caller has the world to itself, and each table has at least so many rows.
    pub(crate) unsafe fn put_back(
        &self,
        list: &TableList,
        tables: &Tables,
        slot: usize,
        rows_of: impl Fn(u32) -> u32,
        wanted: impl Fn(u32, u16) -> bool,
        mut told: impl FnMut(u32, u16, Range<u32>),
    ) {
        for (number, rows) in &self.rows {
            let (info, end) = (&list.list[*number as usize], rows_of(*number));
            let table = &tables[info.id];
            for (shelf, index) in rows.shelves.iter().zip(&info.columns) {
                for (place, row) in rows.places.iter().enumerate().filter(|(_, row)| **row < end) {
                    let range = *row as usize..*row as usize + 1;
                    // SAFETY: the caller's promise.
                    unsafe { shelf.put_back(place, table, slot, range) };
                    told(*number, *index, *row..*row + 1);
                }
            }
        }
        for ((number, index), runs) in &self.runs {
            if !wanted(*number, *index) {
                continue;
            }
            let table = &tables[list.list[*number as usize].id];
            let (mut first, end) = (0, rows_of(*number));
            for run in &runs.ranges {
                let within = run.start.min(end)..run.end.min(end);
                if !within.is_empty() {
                    let range = within.start as usize..within.end as usize;
                    // SAFETY: the caller's promise.
                    unsafe { runs.shelf.put_back(first, table, slot, range) };
                    told(*number, *index, within);
                }
                first += run.len();
            }
        }
    }

    /// Bytes of what is kept.
    pub(crate) fn bytes(&self) -> u64 {
        let runs = self.runs.values().map(|runs| runs.shelf.bytes() + size_of_val(&*runs.ranges) as u64);
        let rows = self.rows.values().map(|rows| {
            let own = size_of_val(&*rows.places) + size_of_val(&*rows.kept);
            rows.shelves.iter().map(|shelf| shelf.bytes()).sum::<u64>() + own as u64
        });
        runs.sum::<u64>() + rows.sum::<u64>()
    }

    /// Forgets everything; what was not used loses its memory too.
    pub(crate) fn clear(&mut self) {
        self.rows_before.clear();
        self.entered.clear();
        self.runs.retain(|_, runs| runs.shelf.len() > 0);
        for runs in self.runs.values_mut() {
            runs.ranges.clear();
            runs.shelf.clear();
        }
        self.rows.retain(|_, rows| !rows.places.is_empty());
        for rows in self.rows.values_mut() {
            rows.places.iter().for_each(|row| rows.kept[*row as usize / 64] = 0);
            rows.places.clear();
            rows.shelves.iter_mut().for_each(|shelf| shelf.clear());
        }
    }
}

/// The rows that any of `undos` has kept, by table, ascending and each once, below `rows_of` their table.
pub(crate) fn visit_touched<'a>(
    undos: impl Iterator<Item = &'a Undo>,
    rows_of: impl Fn(u32) -> u32,
) -> BTreeMap<u32, Vec<u32>> {
    let mut touched: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (number, rows) in undos.flat_map(|undo| &undo.rows) {
        let end = rows_of(*number);
        touched.entry(*number).or_default().extend(rows.places.iter().filter(|row| **row < end));
    }
    for rows in touched.values_mut() {
        rows.sort_unstable();
        rows.dedup();
    }
    touched
}
