//! Despawning: runs of entities at once, each with everybody below it.
//!
//! Invariant: losses are told in the order of the commands, parents first; rows go by descending number, so
//! that no removal moves a row that is still to go. Who goes with whom is in `tree/edit.rs`.

#![expect(unsafe_code, reason = "writes columns and marks while it has the world to itself")]

use super::{Editor, Shift};
use crate::error::Result;
use crate::id::Id;
use crate::structure::Target;
use bevy_ecs::entity::Entity;
use std::collections::BTreeSet;

/// An entity that is about to go.
#[derive(Clone, Copy)]
pub(crate) struct Doomed {
    pub(crate) table: u32,
    row: u32,
    pub(crate) entity: Entity,
    pub(crate) id: Id,
}

impl Editor<'_> {
    /// Despawns the gathered entities: told in the order of the commands, carried out by descending rows, so
    /// that no removal moves a row that is still to go.
    pub(super) fn despawn_run(&mut self) -> Result<()> {
        let mut targets = core::mem::take(&mut self.doomed);
        let mut doomed: Vec<Doomed> = Vec::with_capacity(targets.len());
        let mut seen = BTreeSet::new();
        targets.drain(..).for_each(|target| self.doom(target, &mut seen, &mut doomed));
        self.doomed = targets;
        self.check_doomed(&doomed)?;
        let mut sorted = doomed.clone();
        sorted.sort_unstable_by_key(|doomed| core::cmp::Reverse((doomed.table, doomed.row)));
        let named = sorted.len();
        sorted.dedup_by_key(|doomed| doomed.id);
        if sorted.len() < named {
            seen.clear();
            doomed.retain(|doomed| seen.insert(doomed.id));
        }
        self.note_removals(&doomed);
        self.unlink(&doomed);
        for rows in sorted.chunk_by(|a, b| a.table == b.table) {
            self.despawn_rows(rows);
        }
        Ok(())
    }

    /// Where an entity that is about to go stands.
    pub(crate) fn doomed_row(&self, entity: Entity) -> Option<Doomed> {
        let location = self.location(entity)?;
        let (table, row) = (self.tables.number(location.table_id), location.table_row.index_u32());
        Some(Doomed { table, row, entity, id: self.id_at(location) })
    }

    /// Tells whoever asks for removals, in the order of the commands.
    fn note_removals(&mut self, doomed: &[Doomed]) {
        for rows in doomed.chunk_by(|a, b| a.table == b.table) {
            let Some(first) = rows.first() else { continue };
            let info = &self.tables.list[first.table as usize];
            for column in info.columns.iter().map(|index| &*self.columns[usize::from(*index)]) {
                if column.has_remove_hooks() {
                    for doomed in rows {
                        let (table, row) = (self.table(info.id), doomed.row as usize);
                        // SAFETY: the editor has the world to itself, and the rows are still there.
                        unsafe { column.run_remove_hooks(table, self.slot, row, doomed.id) };
                    }
                }
                // SAFETY: the editor has the engine to itself.
                let removed = unsafe { column.removed().get_mut() };
                removed.extend(rows.iter().map(|doomed| doomed.id));
            }
        }
        self.journal.lost |= !doomed.is_empty();
    }

    /// Despawns a living entity, and everybody below it; nobody where one of them is reserved to another system.
    pub(crate) fn despawn(&mut self, entity: Entity) -> Result<()> {
        self.doomed.push(Target::Entity(entity));
        self.despawn_run()
    }

    /// Despawns rows of one table, given in descending order.
    fn despawn_rows(&mut self, rows: &[Doomed]) {
        let Some(table) = rows.first().map(|doomed| doomed.table) else { return };
        let info = &self.tables.list[table as usize];
        let id = info.id;
        for column in info.columns.iter().map(|index| &*self.columns[usize::from(*index)]) {
            // SAFETY: the editor has the engine to itself.
            let marks = unsafe { column.by_table().get_mut(info.id) };
            let marks = marks.expect("the table list enters every table");
            rows.iter().for_each(|doomed| marks.swap_remove(self.slot, doomed.row as usize, self.stamp));
        }
        // SAFETY: the editor has the engine to itself.
        let index = unsafe { self.shared.ids.get_mut() };
        for doomed in rows {
            self.keep_moved(table, doomed.row as usize);
            index.remove(doomed.id);
            self.world.despawn(doomed.entity);
            // The last row has moved into the hole, unless it was the hole itself.
            if let Some(moved) = self.ids.ids(self.table(id)).get(doomed.row as usize) {
                index.move_to(*moved, id, doomed.row);
            }
            self.journal.shifts.push(Shift::SwapRemove { table, row: doomed.row });
        }
    }
}
