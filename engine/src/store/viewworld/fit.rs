//! Whether records fit a world, found without touching it: tables, rows and lengths of values are followed alone.
//!
//! Invariant: whatever passes here, [`RawWorld::apply`](crate::store::RawWorld::apply) carries out; each of its
//! refusals has its twin here. Rows that are added must be paid for by bytes of the record.

use std::collections::BTreeMap;

use crate::store::codec::Cursor;
use crate::store::reader::Run;
use crate::store::room::{Room, row_bytes};
use crate::store::{DeltaReader, Image, Mark, Operation, RowKind, StoreError, TypeEntry};

/// A table: its types, how many rows it has, and the bytes of each.
struct Shape {
    types: Vec<u16>,
    rows: u32,
    row_bytes: u64,
}

/// The shapes of a world under replay.
struct Shapes<'a> {
    types: &'a [TypeEntry],
    /// Tables that the records touch or make; the others are as in the image.
    changed: BTreeMap<u32, Shape>,
    image: &'a Image,
    count: u32,
    /// Whether transient rows were set in this record already.
    lent: bool,
    /// Rows that this record may still add: each has an `Id`, or a removal, in its bytes.
    paid: u64,
    /// How large the world is, and may become.
    room: Room,
}

/// Refuses records that do not fit, naming frame and operation; answers how large the world is afterwards.
pub(super) fn check(image: &Image, records: &[DeltaReader<'_>], room: Room) -> Result<Room, StoreError> {
    let mut shapes = Shapes {
        types: &image.types,
        changed: BTreeMap::new(),
        image,
        count: image.tables.len() as u32,
        lent: false,
        paid: 0,
        room,
    };
    for record in records {
        shapes.lent = false;
        shapes.paid = record.size() / 8;
        for (number, operation) in record.operations().enumerate() {
            let tried =
                operation.map_err(|error| error.to_string()).and_then(|operation| shapes.one(&operation));
            tried.map_err(|reason| {
                StoreError::refused(
                    "the delta",
                    format!("operation {number} of frame {}: {reason}", record.frame()),
                )
            })?;
        }
    }
    Ok(shapes.room)
}

impl Shapes<'_> {
    fn one(&mut self, operation: &Operation<'_>) -> Result<(), String> {
        match *operation {
            Operation::Table { ordinal, types } => self.table(ordinal, types.iter().collect()),
            Operation::Push { table, count } => self.push(table, count),
            Operation::SwapRemove { table, row } => self.remove(table, row),
            Operation::MoveRow { from, row, to } => {
                if from == to {
                    return Err(format!("row {row} of table {from} moves into its own table"));
                }
                self.push(to, 1)?;
                self.remove(from, row)
            }
            Operation::Fixed(run) => self.run(&run, true),
            Operation::Variable(run) => self.run(&run, false),
            Operation::Removed { key, .. } if usize::from(key) >= self.types.len() => {
                Err(format!("the type key {key} is not in the catalog"))
            }
            _ => Ok(()),
        }
    }

    fn table(&mut self, ordinal: u32, types: Vec<u16>) -> Result<(), String> {
        if ordinal != self.count {
            return Err(format!("table {ordinal} is created as number {}", self.count));
        }
        let mut sorted = types.clone();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) || sorted.first() != Some(&0) {
            return Err(format!("table {ordinal} has a type twice, or no column of ids"));
        }
        let known = |key: &u16| self.types.get(usize::from(*key)).is_some_and(|entry| !entry.is_dropped());
        if let Some(key) = types.iter().find(|key| !known(key)) {
            return Err(format!("type key {key} is not in the catalog"));
        }
        let row_bytes = row_bytes(self.types, &types);
        self.changed.insert(ordinal, Shape { types, rows: 0, row_bytes });
        self.count += 1;
        Ok(())
    }

    fn shape(&mut self, table: u32) -> Result<&mut Shape, String> {
        if !self.changed.contains_key(&table) {
            let stored = self.image.tables.get(table as usize);
            let stored =
                stored.ok_or_else(|| format!("table {table} does not exist, there are {}", self.count))?;
            let (types, rows) = (stored.types.clone(), stored.rows);
            let row_bytes = row_bytes(self.types, &types);
            self.changed.insert(table, Shape { types, rows, row_bytes });
        }
        Ok(self.changed.get_mut(&table).expect("it was put there above"))
    }

    fn push(&mut self, table: u32, count: u32) -> Result<(), String> {
        let paid = self.paid.checked_sub(u64::from(count));
        self.paid = paid.ok_or_else(|| format!("{count} rows are added that the record has no bytes for"))?;
        let shape = self.shape(table)?;
        shape.rows = shape.rows.checked_add(count).ok_or("more than 4294967295 rows")?;
        let row_bytes = shape.row_bytes;
        self.room.grow(count, row_bytes)
    }

    fn remove(&mut self, table: u32, row: u32) -> Result<(), String> {
        if self.lent {
            return Err("rows of a transient type are set before structure moves rows".to_owned());
        }
        let shape = self.shape(table)?;
        if row >= shape.rows {
            return Err(format!("row {row} of table {table} goes, it has {} rows", shape.rows));
        }
        shape.rows -= 1;
        let row_bytes = shape.row_bytes;
        self.room.shrink(row_bytes);
        Ok(())
    }

    fn run(&mut self, run: &Run<'_>, fixed: bool) -> Result<(), String> {
        let entry = self.types.get(usize::from(run.key));
        let entry = entry.ok_or_else(|| format!("type key {} is not in the catalog", run.key))?;
        if entry.transient {
            if run.mark == Mark::Moved {
                return Ok(());
            }
            self.lent = true;
        }
        let shape = self.shape(run.table)?;
        if u64::from(run.first_row) + u64::from(run.count) > u64::from(shape.rows) {
            let end = u64::from(run.first_row) + u64::from(run.count);
            return Err(format!("rows up to {end} of table {} are set, it has {}", run.table, shape.rows));
        }
        if !shape.types.contains(&run.key) {
            return Err(format!("table {} has no type {}", run.table, entry.name));
        }
        match (entry.row, fixed) {
            (RowKind::Fixed(size), true) => {
                let wanted = u64::from(size) * u64::from(run.count);
                if run.bytes.len() as u64 != wanted {
                    return Err(format!(
                        "{} rows of {} came as {} bytes",
                        run.count,
                        entry.name,
                        run.bytes.len()
                    ));
                }
                Ok(())
            }
            (RowKind::Variable, false) => blobs(run).map_err(|error| error.to_string()),
            _ => Err(format!("rows of {} came in another kind than they are stored in", entry.name)),
        }
    }
}

fn blobs(run: &Run<'_>) -> Result<(), StoreError> {
    let mut cursor = Cursor::new(run.bytes, 0);
    for _ in 0..run.count {
        let length = u64::from(cursor.u32()?);
        cursor.take(length)?;
    }
    if cursor.is_at_end() {
        return Ok(());
    }
    Err(StoreError::refused("the rows", "bytes are left over"))
}
