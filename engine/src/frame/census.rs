//! Every row of a world by itself, as a hash: so that a difference between two worlds has a place.
//!
//! Invariant: two worlds with one digest have one census. It costs what exists, and is for tests and for the moment
//! in which something has gone wrong.

#![expect(unsafe_code, reason = "reads columns while no wave runs")]

use super::Frame;
use crate::id::Id;
use std::collections::BTreeMap;

/// See the module: of each component, by its stored name, the hash of each entity's row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Census(BTreeMap<String, BTreeMap<Id, u128>>);

impl Census {
    /// The first component and entity that differ. What lies beside the columns has no entity.
    pub(crate) fn difference(&self, other: &Self) -> (String, Option<Id>) {
        let none = BTreeMap::new();
        let names = self.0.keys().chain(other.0.keys());
        let differs = |name: &&String| self.0.get(*name) != other.0.get(*name);
        let Some(name) = names.filter(differs).min() else {
            return ("nothing that is looked at".to_owned(), None);
        };
        let (ours, others) = (self.0.get(name).unwrap_or(&none), other.0.get(name).unwrap_or(&none));
        let ids = ours.keys().chain(others.keys());
        let first = ids.filter(|id| ours.get(id) != others.get(id)).min().copied();
        (name.clone(), first.filter(|id| *id != Id::default()))
    }
}

impl Frame {
    /// The census of the committed frame.
    pub(crate) fn census(&self) -> Census {
        let roles = self.shared.frames.roles();
        let (slot, stamp) = (roles.prev(), roles.stamps[roles.prev()]);
        let tables = &self.world().storages().tables;
        let mut census = Census::default();
        for column in &self.columns {
            let rows_of = census.0.entry(column.name().to_owned()).or_default();
            for (id, marks) in column.by_table().iter() {
                let (table, ids) = (&tables[id], self.ids.ids(&tables[id]));
                let mut enter = |row: usize| {
                    // SAFETY: no wave runs.
                    rows_of.insert(ids[row], unsafe { column.hash_rows(table, slot, row..row + 1, ids) });
                };
                if column.transient() {
                    marks.changed_runs(slot, stamp, |run, _| run.for_each(&mut enter));
                } else {
                    (0..ids.len()).for_each(enter);
                }
            }
        }
        for annex in self.annexes.iter().filter(|annex| !annex.is_quiet()) {
            let rows = BTreeMap::from([(Id::default(), crate::annex::digest(&**annex))]);
            census.0.insert(annex.name().to_owned(), rows);
        }
        census
    }
}
