//! Tables of a snapshot while its pages come: each page's rows are the next ones, so columns only grow.
//!
//! Invariant: nothing is allocated for rows that have not come; at the end every column is whole. Transient columns
//! are blank but for what the frame's record has.

use crate::store::base::TableShape;
use crate::store::codec::Cursor;
use std::collections::BTreeMap;

use crate::id::{SERIAL_BITS, SERIAL_MAX};
use crate::store::delta::Mark;
use crate::store::reader::Run;
use crate::store::room::{Room, row_bytes};
use crate::store::{
    Column, DeltaReader, Operation, Recovered, RecoveredTable, RowKind, StoreError, TypeEntry,
};

/// The columns so far.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    tables: Vec<RecoveredTable>,
    transient: Vec<bool>,
    /// The column that grows, and its rows so far.
    table: usize,
    column: usize,
    rows: u32,
}

fn refused(reason: impl Into<String>) -> StoreError {
    StoreError::refused("the world", reason)
}

impl Columns {
    /// Empty columns of these shapes.
    pub(crate) fn new(types: &[TypeEntry], shapes: &[TableShape]) -> Result<Self, StoreError> {
        let mut tables: Vec<RecoveredTable> = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for (number, shape) in shapes.iter().enumerate() {
            let mut held = shape.types.clone();
            held.sort_unstable();
            if held.first() != Some(&0) {
                return Err(refused(format!("table {number} has no column of ids")));
            }
            if held.windows(2).any(|pair| pair[0] == pair[1]) {
                return Err(refused(format!("table {number} has a type twice")));
            }
            if !seen.insert(held) {
                return Err(refused(format!("table {number} has the same types as an earlier one")));
            }
            let column = |key: &u16| match types.get(usize::from(*key)).filter(|entry| !entry.is_dropped()) {
                Some(TypeEntry { row: RowKind::Fixed(size), .. }) => {
                    Ok(Column::Fixed { size: *size, bytes: Vec::new() })
                }
                Some(_) => Ok(Column::Variable { blobs: Vec::new() }),
                None => Err(refused(format!(
                    "table {number} has the type key {key}, which is not in the catalog"
                ))),
            };
            let columns = shape.types.iter().map(column).collect::<Result<_, _>>()?;
            tables.push(RecoveredTable { types: shape.types.clone(), rows: shape.rows, columns });
        }
        let transient = types.iter().map(|entry| entry.transient).collect();
        Ok(Self { tables, transient, table: 0, column: 0, rows: 0 })
    }

    /// Appends the rows of a page.
    pub(crate) fn page(&mut self, page: &DeltaReader<'_>) -> Result<(), StoreError> {
        for operation in page.operations() {
            match operation? {
                Operation::Fixed(run) | Operation::Variable(run) => self.run(&run)?,
                _ => return Err(refused("a page holds something else than rows")),
            }
        }
        Ok(())
    }

    fn run(&mut self, run: &Run<'_>) -> Result<(), StoreError> {
        self.skip_full();
        let Some(table) = self.tables.get_mut(self.table) else {
            return Err(refused("a page has rows beyond the last table"));
        };
        let expected = (self.table as u32, table.types[self.column], self.rows);
        if (run.table, run.key, run.first_row) != expected || run.mark != Mark::Moved {
            return Err(refused(format!(
                "rows from {} of type key {} in table {} come where rows from {} of {} in {} should",
                run.first_row, run.key, run.table, expected.2, expected.1, expected.0
            )));
        }
        if u64::from(self.rows) + u64::from(run.count) > u64::from(table.rows) {
            return Err(refused(format!("table {} has more rows than announced", self.table)));
        }
        append(&mut table.columns[self.column], run)?;
        self.rows += run.count;
        Ok(())
    }

    /// Goes on to the next column that still needs rows.
    fn skip_full(&mut self) {
        while let Some(table) = self.tables.get(self.table) {
            let Some(key) = table.types.get(self.column) else {
                (self.table, self.column, self.rows) = (self.table + 1, 0, 0);
                continue;
            };
            if self.rows < table.rows && !self.transient[usize::from(*key)] {
                return;
            }
            (self.column, self.rows) = (self.column + 1, 0);
        }
    }

    /// The whole tables, with the values of transient types that the frame's record has; `came` bytes have come.
    pub(crate) fn finish(
        mut self,
        types: &[TypeEntry],
        copy: &DeltaReader<'_>,
        came: u64,
    ) -> Result<Vec<RecoveredTable>, StoreError> {
        self.skip_full();
        if let Some(table) = self.tables.get(self.table) {
            return Err(refused(format!(
                "{} of {} rows of type key {} in table {} came",
                self.rows, table.rows, table.types[self.column], self.table
            )));
        }
        let (mut raw, mut room) = (super::super::RawWorld::new(types), Room::default());
        room.came(came);
        for table in &mut self.tables {
            room.grow(table.rows, row_bytes(types, &table.types)).map_err(refused)?;
            for (key, column) in table.types.iter().zip(&mut table.columns) {
                if self.transient[usize::from(*key)] {
                    column.resize(table.rows).map_err(refused)?;
                }
            }
        }
        check_marks(&self.tables, types, copy)?;
        raw.tables = self.tables;
        raw.apply_copy(copy)?;
        Ok(raw.tables)
    }
}

/// The last frame that a world from elsewhere may have: no world comes so far, and there is room behind it.
const FRAME_MAX: u64 = u64::MAX >> 1;

/// Whether tables, columns, names and marks fit the types and each other.
pub(crate) fn check(world: &Recovered) -> Result<(), StoreError> {
    if world.frame > FRAME_MAX {
        return Err(refused("it has a frame number that no frame has"));
    }
    let shape = |table: &RecoveredTable| TableShape { types: table.types.clone(), rows: table.rows };
    let shapes: Vec<TableShape> = world.tables.iter().map(shape).collect();
    drop(Columns::new(&world.stored_types, &shapes)?);
    for (number, table) in world.tables.iter().enumerate() {
        for (key, column) in table.types.iter().zip(&table.columns) {
            let rows = u64::from(table.rows);
            let fits = match (column, world.stored_types[usize::from(*key)].row) {
                (Column::Fixed { size, bytes }, RowKind::Fixed(wanted)) => {
                    *size == wanted && bytes.len() as u64 == rows * u64::from(wanted)
                }
                (Column::Variable { blobs }, RowKind::Variable) => blobs.len() as u64 == rows,
                _ => false,
            };
            if !fits || table.columns.len() != table.types.len() {
                return Err(refused(format!(
                    "the rows of type key {key} in table {number} are not as many as announced"
                )));
            }
        }
    }
    world.tables.iter().try_for_each(|table| check_ids(table, &world.serials))?;
    for marked in &world.marks {
        if !are_there(&world.tables, marked.table, marked.key, marked.first_row, marked.count) {
            return Err(refused(format!(
                "row {} of table {} is marked, and not there",
                marked.first_row, marked.table
            )));
        }
    }
    match world.removed.keys().find(|key| usize::from(**key) >= world.stored_types.len()) {
        Some(key) => Err(refused(format!("the type key {key} was removed, and is not there"))),
        None => Ok(()),
    }
}

/// Whether each entity's name has been given out, and none that is yet to be.
fn check_ids(table: &RecoveredTable, serials: &BTreeMap<u32, u64>) -> Result<(), StoreError> {
    let Some(Column::Fixed { size: 8, bytes }) = table.column(0) else { return Ok(()) };
    for id in bytes.as_chunks::<8>().0 {
        let id = u64::from_le_bytes(*id);
        let (key, serial) = ((id >> SERIAL_BITS) as u32, id & SERIAL_MAX);
        if key == 0 || serials.get(&key).is_none_or(|next| serial >= *next) {
            return Err(refused(format!(
                "the entity {id:016x} has a name that nobody has given out yet, by the serials of the world"
            )));
        }
    }
    Ok(())
}

/// Whether the marks and removals of a record name rows and types that are there.
fn check_marks(
    tables: &[RecoveredTable],
    types: &[TypeEntry],
    copy: &DeltaReader<'_>,
) -> Result<(), StoreError> {
    for operation in copy.operations() {
        match operation? {
            Operation::Fixed(run) | Operation::Variable(run) => {
                if !are_there(tables, run.table, run.key, run.first_row, run.count) {
                    return Err(refused(format!(
                        "the last record marks row {} of type key {} in table {}, which is not there",
                        run.first_row, run.key, run.table
                    )));
                }
            }
            Operation::Removed { key, .. } if usize::from(key) >= types.len() => {
                return Err(refused(format!(
                    "the last record removes the type key {key}, which is not there"
                )));
            }
            Operation::Removed { .. } | Operation::Note { .. } => {}
            _ => return Err(refused("the last record holds something else than marks, removals and notes")),
        }
    }
    Ok(())
}

/// Whether a table has these rows of a type; no rows are there only where the type is.
fn are_there(tables: &[RecoveredTable], table: u32, key: u16, first: u32, count: u32) -> bool {
    let table = tables.get(table as usize).filter(|table| table.column(key).is_some());
    table.is_some_and(|table| u64::from(first) + u64::from(count) <= u64::from(table.rows))
}

fn append(column: &mut Column, run: &Run<'_>) -> Result<(), StoreError> {
    match column {
        Column::Fixed { size, bytes } => {
            if run.bytes.len() as u64 != u64::from(run.count) * u64::from(*size) {
                let came = run.bytes.len();
                return Err(refused(format!("{} rows of {size} bytes came as {came} bytes", run.count)));
            }
            bytes.extend_from_slice(run.bytes);
        }
        Column::Variable { blobs } => {
            let mut cursor = Cursor::new(run.bytes, 0);
            for _ in 0..run.count {
                let length = u64::from(cursor.u32()?);
                blobs.push(cursor.take(length)?.into());
            }
            if !cursor.is_at_end() {
                return Err(refused(format!("{} rows leave bytes over", run.count)));
            }
        }
    }
    Ok(())
}
