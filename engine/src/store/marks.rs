//! What of a record belongs to its frame alone: marks, removals, notes, and values of transient types.
//!
//! Invariant: a record's copy gives the same of these as the record, and so does a copy of the copy.
//! Left out: values of other types; pages and later records have them.

use std::collections::{BTreeMap, BTreeSet};

use super::StoreError;
use super::delta::{DeltaWriter, Mark};
use super::reader::{DeltaReader, Operation, Run};

/// A value that the last commit set: what the next frame sees as changed or added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkedRows {
    /// Type key.
    pub key: u16,
    /// Ordinal of the table.
    pub table: u32,
    /// First row.
    pub first_row: u32,
    /// Number of rows.
    pub count: u32,
    /// [`Mark::Changed`] or [`Mark::Added`].
    pub mark: Mark,
}

/// What the next frame sees of one frame, beside the world.
#[derive(Debug, Default)]
pub(crate) struct FrameMarks {
    pub(crate) marks: Vec<MarkedRows>,
    /// Ids that lost a type, per type key.
    pub(crate) removed: BTreeMap<u16, Vec<u64>>,
    pub(crate) notes: BTreeMap<String, Vec<u8>>,
}

/// Reads the marks of a record, or of its copy, without applying it.
pub(crate) fn marks(delta: &DeltaReader<'_>) -> Result<FrameMarks, StoreError> {
    let mut found = FrameMarks::default();
    for operation in delta.operations() {
        match operation? {
            Operation::Fixed(run) | Operation::Variable(run) if run.mark != Mark::Moved => {
                let Run { key, table, first_row, count, mark, .. } = run;
                found.marks.push(MarkedRows { key, table, first_row, count, mark });
            }
            Operation::Removed { key, ids } => found.removed.entry(key).or_default().extend(ids.iter()),
            Operation::Note { name, bytes } => {
                found.notes.insert(name.to_owned(), bytes.to_owned());
            }
            _ => {}
        }
    }
    Ok(found)
}

/// The copy of a record that a checkpoint of its frame keeps: the marks, but the values of `transient` keys
/// alone. A marked run without bytes is a mark whose value is elsewhere.
pub(crate) fn copy_of(record: &[u8], transient: &BTreeSet<u16>) -> Result<Vec<u8>, StoreError> {
    let record = DeltaReader::parse(record)?;
    let mut writer = DeltaWriter::default();
    writer.begin(Vec::new(), record.frame(), record.dt());
    for operation in record.operations() {
        match operation? {
            Operation::Variable(run)
                if run.mark != Mark::Moved && transient.contains(&run.key) && !run.bytes.is_empty() =>
            {
                writer.rows_encoded(&run);
            }
            Operation::Fixed(run) | Operation::Variable(run) if run.mark != Mark::Moved => {
                let bytes = if transient.contains(&run.key) { run.bytes } else { &[] };
                writer.rows_fixed(run.key, run.table, run.first_row, run.count, run.mark, bytes);
            }
            Operation::Removed { key, ids } => writer.removed(key, &ids.iter().collect::<Vec<_>>()),
            Operation::Note { name, bytes } => writer.note(name, |out| out.extend_from_slice(bytes)),
            _ => {}
        }
    }
    Ok(writer.finish().into_sealed_bytes())
}
