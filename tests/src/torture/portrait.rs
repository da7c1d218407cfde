//! What two images of one frame must have in common, beyond values: rows in their places, marks, removals, mail, serials.
//!
//! Invariant: tables go by their types, since tables that undone frames have made stay, without rows, among the others.

use diptych_engine::store::{Column, Image, Mark};
use std::collections::BTreeMap;

/// The types of a table.
type Types = Vec<u16>;

/// A frame, to be compared with another image of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Portrait {
    /// Columns in the order of the types.
    tables: BTreeMap<Types, Vec<Column>>,
    /// Table, type, first row, rows.
    marks: Vec<(Types, u16, u32, u32, Mark)>,
    removed: BTreeMap<u16, Vec<u64>>,
    notes: BTreeMap<String, Vec<u8>>,
    serials: BTreeMap<u32, u64>,
}

impl Portrait {
    pub(crate) fn of(image: &Image) -> Self {
        let tables = image.tables().iter().filter(|table| table.rows > 0);
        let types = |table: u32| image.tables()[table as usize].types.clone();
        let mut marks: Vec<_> = image
            .marks()
            .iter()
            .map(|mark| (types(mark.table), mark.key, mark.first_row, mark.count, mark.mark))
            .collect();
        marks.sort_unstable();
        Self {
            tables: tables.map(|table| (table.types.clone(), table.columns.clone())).collect(),
            marks,
            removed: image.removed().clone(),
            notes: image.notes().clone(),
            serials: image.serials().clone(),
        }
    }

    /// What differs first, as a word; nothing where they are equal.
    pub(crate) fn difference(&self, other: &Self) -> Result<(), String> {
        let differ = [
            ("rows", self.tables != other.tables),
            ("marks", self.marks != other.marks),
            ("removals", self.removed != other.removed),
            ("messages and answers", self.notes != other.notes),
            ("serials", self.serials != other.serials),
        ];
        let Some((what, _)) = differ.into_iter().find(|(_, differ)| *differ) else { return Ok(()) };
        let told = match what {
            "marks" => format!("{:?}, {:?}", self.marks, other.marks),
            "removals" => format!("{:?}, {:?}", self.removed, other.removed),
            "serials" => format!("{:?}, {:?}", self.serials, other.serials),
            _ => String::new(),
        };
        Err(format!("the {what} differ {told}"))
    }
}
