//! The world as the store sees it: tables of columns of bytes, and the replay of records onto them.
//!
//! Invariant: a record that does not fit the world (an unknown table, a row beyond the end, a wrong row
//! size) is an error that says so, never a panic and never a guess. A transient column has values only in
//! rows that the last record set; every other row is blank: zeros, or no bytes where rows differ in length.
//! Left out: checksums and the chain of records (see `recovery`), and what the bytes mean.

use std::collections::BTreeMap;

use super::base::Base;
use super::catalog::RowKind;
use super::codec::Cursor;
use super::delta::Mark;
use super::reader::{DeltaReader, Operation, Run};
use super::{Column, StoreError, TypeEntry};

/// A table: its types in column order, its rows, a column per type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveredTable {
    /// Type keys in column order.
    pub types: Vec<u16>,
    /// Number of rows.
    pub rows: u32,
    /// One per type.
    pub columns: Vec<Column>,
}

/// How a type's rows are stored, and whether they live for one frame.
#[derive(Clone, Copy, Debug)]
struct Kind {
    row: RowKind,
    transient: bool,
}

/// Rows of a transient type that have values.
#[derive(Clone, Copy, Debug)]
struct Lent {
    table: u32,
    key: u16,
    first_row: u32,
    count: u32,
}

/// Tables, counters and digest under replay.
#[derive(Clone, Debug)]
pub struct RawWorld {
    kinds: Vec<Kind>,
    /// Where transient values stand: what the next record blanks.
    lent: Vec<Lent>,
    /// All tables in the order of their creation.
    pub tables: Vec<RecoveredTable>,
    /// Next serial of each id counter.
    pub serials: BTreeMap<u32, u64>,
    /// The last known digest and its frame.
    pub digest: Option<(u64, u128)>,
    /// The frame of the last digest by the hash before the present one.
    pub digest_former: Option<u64>,
    /// The step of the last record, in seconds.
    pub dt: f64,
}

impl RawWorld {
    /// An empty world of the given types; a type's key is its index.
    #[must_use]
    pub fn new(types: &[TypeEntry]) -> Self {
        Self {
            kinds: types.iter().map(|entry| Kind { row: entry.row, transient: entry.transient }).collect(),
            lent: Vec::new(),
            tables: Vec::new(),
            serials: BTreeMap::new(),
            digest: None,
            digest_former: None,
            dt: 0.0,
        }
    }

    /// Makes the tables of a base; their values are zero until pages and records give them.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where the base names unknown types.
    pub fn load_base(&mut self, base: &Base) -> Result<(), StoreError> {
        let place = || format!("the checkpoint of frame {}", base.frame);
        self.tables.clear();
        self.lent.clear();
        for shape in &base.tables {
            let ordinal = self.tables.len() as u32;
            self.add_table(ordinal, shape.types.clone()).map_err(|r| StoreError::damaged(place(), r))?;
            self.push(ordinal, shape.rows).map_err(|r| StoreError::damaged(place(), r))?;
        }
        self.serials.clone_from(&base.serials);
        (self.digest, self.digest_former) = (base.digest, None);
        self.dt = base.dt;
        Ok(())
    }

    /// Applies a record or page.
    ///
    /// # Errors
    /// [`StoreError::Malformed`] or [`StoreError::Damaged`] where it does not fit this world.
    pub fn apply(&mut self, delta: &DeltaReader<'_>) -> Result<(), StoreError> {
        if !delta.is_page() {
            self.blank_transient();
        }
        for operation in delta.operations() {
            self.apply_one(&operation?, delta.frame()).map_err(|reason| {
                let what = if delta.is_page() { "a page" } else { "the record" };
                StoreError::damaged(format!("{what} of frame {}", delta.frame()), reason)
            })?;
        }
        if !delta.is_page() {
            self.dt = delta.dt();
        }
        Ok(())
    }

    /// Gives rows of transient types the values that a checkpoint kept of the record of its frame.
    pub(crate) fn apply_copy(&mut self, copy: &DeltaReader<'_>) -> Result<(), StoreError> {
        for operation in copy.operations() {
            let operation = operation?;
            if let Operation::Fixed(run) | Operation::Variable(run) = operation
                && self.is_transient(run.key)
                && !run.bytes.is_empty()
            {
                self.apply_one(&operation, copy.frame()).map_err(|reason| {
                    StoreError::damaged(format!("the kept record of frame {}", copy.frame()), reason)
                })?;
            }
        }
        Ok(())
    }

    /// A frame is over: the values of transient types are gone. Costs what the last record set.
    pub(crate) fn blank_transient(&mut self) {
        for Lent { table, key, first_row, count } in self.lent.drain(..) {
            let Some(table) = self.tables.get_mut(table as usize) else { continue };
            if let Some(index) = table.types.iter().position(|other| *other == key) {
                table.columns[index].blank(first_row, count);
            }
        }
    }

    /// Says where values of transient types stand in tables that came from elsewhere.
    pub(crate) fn lend_marked(&mut self, marks: &[super::MarkedRows]) {
        for marked in marks.iter().filter(|marked| self.kinds[usize::from(marked.key)].transient) {
            let super::MarkedRows { table, key, first_row, count, .. } = *marked;
            self.lent.push(Lent { table, key, first_row, count });
        }
    }

    fn is_transient(&self, key: u16) -> bool {
        self.kinds.get(usize::from(key)).is_some_and(|kind| kind.transient)
    }

    fn apply_one(&mut self, operation: &Operation<'_>, frame: u64) -> Result<(), String> {
        match *operation {
            Operation::Table { ordinal, types } => self.add_table(ordinal, types.iter().collect()),
            Operation::Push { table, count } => self.push(table, count),
            Operation::SwapRemove { table, row } => self.swap_remove(table, row),
            Operation::MoveRow { from, row, to } => self.move_row(from, row, to),
            Operation::Fixed(run) | Operation::Variable(run)
                if run.mark == Mark::Moved && self.is_transient(run.key) =>
            {
                Ok(())
            }
            Operation::Fixed(run) => {
                self.lend(&run);
                self.fixed(&run)
            }
            Operation::Variable(run) => {
                self.lend(&run);
                self.variable(&run)
            }
            Operation::Serial { system_key, next } => {
                self.serials.insert(system_key, next);
                Ok(())
            }
            Operation::Digest(digest) => {
                self.digest = Some((frame, digest));
                Ok(())
            }
            Operation::DigestFormer => {
                self.digest_former = Some(frame);
                Ok(())
            }
            Operation::Removed { .. } | Operation::Input { .. } | Operation::Note { .. } => Ok(()),
        }
    }

    fn add_table(&mut self, ordinal: u32, types: Vec<u16>) -> Result<(), String> {
        if ordinal as usize != self.tables.len() {
            return Err(format!("table {ordinal} is created as number {}", self.tables.len()));
        }
        let columns = types.iter().map(|key| self.column(*key)).collect::<Result<_, _>>()?;
        self.tables.push(RecoveredTable { types, rows: 0, columns });
        Ok(())
    }

    fn column(&self, key: u16) -> Result<Column, String> {
        match self.kinds.get(usize::from(key)).map(|kind| kind.row) {
            Some(RowKind::Fixed(size)) => Ok(Column::Fixed { size, bytes: Vec::new() }),
            Some(RowKind::Variable) => Ok(Column::Variable { blobs: Vec::new() }),
            None => Err(format!("type key {key} is not in the catalog")),
        }
    }

    fn push(&mut self, table: u32, count: u32) -> Result<(), String> {
        let table = table_mut(&mut self.tables, table)?;
        table.rows = table.rows.checked_add(count).ok_or("more than 4294967295 rows")?;
        for column in &mut table.columns {
            column.resize(table.rows)?;
        }
        Ok(())
    }

    fn swap_remove(&mut self, table: u32, row: u32) -> Result<(), String> {
        if !self.lent.is_empty() {
            return Err("rows of a transient type are set before structure moves rows".to_owned());
        }
        let ordinal = table;
        let table = table_mut(&mut self.tables, table)?;
        if row >= table.rows {
            return Err(format!("row {row} of table {ordinal} is removed, it has {} rows", table.rows));
        }
        table.rows -= 1;
        for column in &mut table.columns {
            column.swap_remove(row, table.rows);
        }
        Ok(())
    }

    fn move_row(&mut self, from: u32, row: u32, to: u32) -> Result<(), String> {
        if from == to {
            return Err(format!("row {row} of table {from} moves into its own table"));
        }
        self.push(to, 1)?;
        let mut target = std::mem::replace(
            table_mut(&mut self.tables, to)?,
            RecoveredTable { types: Vec::new(), rows: 0, columns: Vec::new() },
        );
        let result = table_mut(&mut self.tables, from).and_then(|source| {
            if row >= source.rows {
                return Err(format!("row {row} of table {from} moves, it has {} rows", source.rows));
            }
            for (key, column) in target.types.iter().zip(&mut target.columns) {
                if let Some(index) = source.types.iter().position(|other| other == key) {
                    column.copy_row(target.rows - 1, &source.columns[index], row);
                }
            }
            Ok(())
        });
        *table_mut(&mut self.tables, to)? = target;
        result.and_then(|()| self.swap_remove(from, row))
    }

    /// Remembers where values of a transient type come to stand.
    fn lend(&mut self, run: &Run<'_>) {
        if self.is_transient(run.key) {
            let Run { table, key, first_row, count, .. } = *run;
            self.lent.push(Lent { table, key, first_row, count });
        }
    }

    fn fixed(&mut self, run: &Run<'_>) -> Result<(), String> {
        let Column::Fixed { size, bytes } = run_column(&mut self.tables, run)? else {
            return Err(format!("type key {} is variable, its rows came as fixed", run.key));
        };
        let size = *size as usize;
        if run.bytes.len() as u64 != u64::from(run.count) * size as u64 {
            return Err(format!(
                "{} rows of {size} bytes came as {} bytes (type key {})",
                run.count,
                run.bytes.len(),
                run.key
            ));
        }
        let start = run.first_row as usize * size;
        bytes[start..start + run.bytes.len()].copy_from_slice(run.bytes);
        Ok(())
    }

    fn variable(&mut self, run: &Run<'_>) -> Result<(), String> {
        let Column::Variable { blobs } = run_column(&mut self.tables, run)? else {
            return Err(format!("type key {} is fixed, its rows came as variable", run.key));
        };
        let mut cursor = Cursor::new(run.bytes, 0);
        for blob in &mut blobs[run.first_row as usize..][..run.count as usize] {
            let length = cursor.u32().map_err(|error| error.to_string())?;
            *blob = cursor.take(u64::from(length)).map_err(|error| error.to_string())?.into();
        }
        if cursor.is_at_end() { Ok(()) } else { Err(format!("{} rows leave bytes over", run.count)) }
    }
}

fn table_mut(tables: &mut [RecoveredTable], ordinal: u32) -> Result<&mut RecoveredTable, String> {
    let count = tables.len();
    tables
        .get_mut(ordinal as usize)
        .ok_or_else(|| format!("table {ordinal} does not exist, there are {count}"))
}

fn run_column<'a>(tables: &'a mut [RecoveredTable], run: &Run<'_>) -> Result<&'a mut Column, String> {
    let table = table_mut(tables, run.table)?;
    let end = u64::from(run.first_row) + u64::from(run.count);
    if end > u64::from(table.rows) {
        return Err(format!("rows up to {end} of table {} are set, it has {}", run.table, table.rows));
    }
    let index = table.types.iter().position(|key| *key == run.key);
    let index = index.ok_or_else(|| format!("table {} has no type key {}", run.table, run.key))?;
    Ok(&mut table.columns[index])
}
