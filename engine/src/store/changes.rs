//! What became of stored names: types that are called otherwise now, and types that are gone.
//!
//! Invariant: a key stays the key of its type; a renamed type takes its new name, a dropped one leaves an entry
//! without a name, whose key is never used again. Tables that become equal are one, rows in stored order.
//! Left out: which changes make sense together (the build checks that), and values (upcasters).

use std::collections::{BTreeMap, BTreeSet};

use super::catalog::RowKind;
use super::marks::MarkedRows;
use super::{Recovered, RecoveredTable, TypeEntry};
use crate::builder::RENAMES_MAX;

/// Changes of stored names, of all versions of a program together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeChanges {
    /// From each old name to the one that followed it.
    pub renamed: BTreeMap<String, String>,
    /// Names of types that are gone.
    pub dropped: BTreeSet<String>,
}

impl TypeChanges {
    /// What a stored name is called now; `None` where it is dropped.
    #[must_use]
    pub fn name_now<'a>(&'a self, stored: &'a str) -> Option<&'a str> {
        let mut name = stored;
        for _ in 0..RENAMES_MAX {
            if self.dropped.contains(name) {
                return None;
            }
            match self.renamed.get(name) {
                Some(next) => name = next,
                None => break,
            }
        }
        Some(name)
    }

    /// What the stored name of a frame's note is now, by the name of its message or type.
    fn note_now(&self, stored: &str) -> Option<String> {
        if stored == JOBS_NOTE {
            return (!self.dropped.contains(JOB_TYPE)).then(|| stored.to_owned());
        }
        match stored.strip_prefix(MESSAGE_NOTE) {
            Some(label) => self.name_now(label).map(|now| format!("{MESSAGE_NOTE}{now}")),
            None => Some(stored.to_owned()),
        }
    }
}

/// How the note of a message begins; its name follows.
const MESSAGE_NOTE: &str = "message ";
/// The note of the answers of jobs, which goes with the type of requests.
const JOBS_NOTE: &str = "jobs";
const JOB_TYPE: &str = "diptych.job";

impl TypeEntry {
    /// What stands for a type that was dropped.
    pub(crate) fn dropped() -> Self {
        Self { name: String::new(), version: 0, row: RowKind::Fixed(0), layout: 0, transient: false }
    }

    /// Whether the type was dropped: its key is taken, and nothing has it.
    #[must_use]
    pub fn is_dropped(&self) -> bool {
        self.name.is_empty()
    }
}

impl Recovered {
    /// Takes out what was dropped, and calls notes by their new names.
    pub(crate) fn change(&mut self, changes: &TypeChanges, types: &[TypeEntry]) {
        let notes = std::mem::take(&mut self.notes);
        self.notes = notes
            .into_iter()
            .filter_map(|(name, bytes)| changes.note_now(&name).map(|now| (now, bytes)))
            .collect();
        let dead = |key: u16| types.get(usize::from(key)).is_none_or(TypeEntry::is_dropped);
        if !self.tables.iter().any(|table| table.types.iter().any(|key| dead(*key))) {
            self.removed.retain(|key, _| !dead(*key));
            return;
        }
        let mut tables: Vec<RecoveredTable> = Vec::new();
        let mut numbers: BTreeMap<BTreeSet<u16>, usize> = BTreeMap::new();
        // Of each old table: its new number, and where its rows begin there.
        let mut places: Vec<(u32, u32)> = Vec::new();
        for table in std::mem::take(&mut self.tables) {
            let RecoveredTable { types, rows, columns } = table;
            let (types, columns) = types.into_iter().zip(columns).filter(|(key, _)| !dead(*key)).unzip();
            let table = RecoveredTable { types, rows, columns };
            let held: BTreeSet<u16> = table.types.iter().copied().collect();
            let number = *numbers.entry(held).or_insert(tables.len());
            match tables.get_mut(number) {
                Some(first) => {
                    places.push((number as u32, first.rows));
                    append(first, table);
                }
                None => {
                    places.push((number as u32, 0));
                    tables.push(table);
                }
            }
        }
        self.tables = tables;
        self.marks.retain(|marked| !dead(marked.key));
        for MarkedRows { table, first_row, .. } in &mut self.marks {
            if let Some((number, first)) = places.get(*table as usize) {
                (*table, *first_row) = (*number, *first_row + first);
            }
        }
        self.removed.retain(|key, _| !dead(*key));
    }
}

impl RecoveredTable {
    /// The column of a type.
    pub(crate) fn column(&self, key: u16) -> Option<&super::Column> {
        let index = self.types.iter().position(|other| *other == key)?;
        self.columns.get(index)
    }
}

/// Puts the rows of a table behind those of another with the same types.
fn append(first: &mut RecoveredTable, table: RecoveredTable) {
    first.rows += table.rows;
    for (key, column) in table.types.iter().zip(table.columns) {
        let index = first.types.iter().position(|other| other == key);
        first.columns[index.expect("both have the same types")].append(column);
    }
}

#[cfg(test)]
mod tests;
