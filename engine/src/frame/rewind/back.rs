//! The world of an earlier frame, put together again.
//!
//! Invariant: after it the world is what the frame committed: every value in its slot, every row in its place of its
//! table, every `Id`, mark, removal, note and serial number. bevy's handles are no part of that: rows at the end
//! of a table are ended and made until there are as many as there were, and then get their old `Id`s and values. Tables
//! that were made in an undone frame stay, without rows, until they are made again.

#![expect(unsafe_code, reason = "has the world to itself between waves")]

use super::Frame;
use crate::buffer::RowStage;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::registry::Registry;
use crate::rewind::{Undo, visit_touched};
use crate::sabotage::{self, Bug};
use crate::tree::Parent;
use bevy_ecs::component::ComponentId;
use bevy_ecs::entity::Entity;
use bevy_ecs::storage::TableId;
use bevy_ecs::world::World;
use std::collections::BTreeMap;
use std::ops::Range;

/// The way back to a frame.
struct Way {
    /// Oldest first.
    undos: Vec<Undo>,
    /// Rows of each table then.
    rows: Vec<u32>,
    /// Rows that have changed as a whole since, and are below those.
    touched: BTreeMap<u32, Vec<u32>>,
    /// The slot that becomes the committed one.
    slot: usize,
}

/// A row as it stands.
struct Seen<'a> {
    id: Id,
    entity: Entity,
    table: TableId,
    row: u32,
    parent: Option<&'a Parent>,
}

impl Way {
    fn rows_of(&self, number: u32) -> u32 {
        self.rows.get(number as usize).copied().unwrap_or(0)
    }
}

impl Frame {
    /// Makes the world what `frame` committed, while no lease is held.
    pub(super) fn go_back(&mut self, frame: u64) -> Result<()> {
        let rewind = self.rewind.as_mut().expect("the caller has looked");
        let undone = rewind.take_after(frame);
        let mut undos: Vec<Undo> = undone.into_iter().map(|kept| kept.undo).collect();
        let rows = core::mem::take(&mut undos.first_mut().expect("a later frame was made").rows_before);
        let rows_of = |number: u32| rows.get(number as usize).copied().unwrap_or(0);
        let touched = visit_touched(undos.iter(), rows_of);
        let way = Way { undos, rows, touched, slot: (frame & 1) as usize };
        self.take_out(&way);
        self.fit_rows(&way);
        self.overwrite(&way);
        self.turn_back(frame);
        self.put_in(&way);
        let rewind = self.rewind.as_mut().expect("the caller has looked");
        let Way { undos, rows, .. } = way;
        for undo in undos {
            undo.entered.iter().for_each(|number| self.tables.list[*number as usize].dormant = true);
            rewind.recycle(undo);
        }
        let rows: u64 = rows.iter().map(|rows| u64::from(*rows)).sum();
        assert_eq!(self.shared.ids.get().len(), rows, "every row has its Id, and no other one is there");
        self.put_back_beside()?;
        if let Some(encoder) = &mut self.encoder {
            encoder.begin_again(frame);
        }
        self.refresh_turns();
        self.copy_again();
        self.begin_again()
    }

    /// Takes the rows that are about to change out of the indices of `Id`s and of children.
    fn take_out(&self, way: &Way) {
        // SAFETY: the rollback has the engine to itself.
        let index = unsafe { self.shared.ids.get_mut() };
        // SAFETY: as above.
        let tree = unsafe { self.shared.tree.get_mut() };
        let slot = self.shared.frames.roles().prev();
        self.visit_rows(way, slot, |row| {
            index.remove(row.id);
            if let Some(parent) = row.parent {
                tree.remove(parent.id(), parent.place());
            }
        });
    }

    /// Enters the rows that have changed into both indices.
    fn put_in(&self, way: &Way) {
        // SAFETY: the rollback has the engine to itself.
        let index = unsafe { self.shared.ids.get_mut() };
        // SAFETY: as above.
        let tree = unsafe { self.shared.tree.get_mut() };
        self.visit_rows(way, way.slot, |row| {
            index.insert_many([(row.id, row.entity)], row.table, row.row);
            if let Some(parent) = row.parent {
                tree.insert(parent.id(), parent.place(), row.id);
            }
        });
    }

    /// Calls `visit` with each row that there is and that has changed as a whole, or is beyond the rows of before.
    fn visit_rows(&self, way: &Way, slot: usize, mut visit: impl FnMut(Seen<'_>)) {
        let parents = self.world().resource::<Registry>().typed::<Parent>();
        for (number, info) in self.tables.list.iter().enumerate() {
            let table = &self.world().storages().tables[info.id];
            let (end, rows) = (way.rows_of(number as u32), table.entity_count());
            let touched = way.touched.get(&(number as u32)).map_or(&[][..], Vec::as_slice);
            let touched = touched.iter().copied().filter(|row| *row < rows);
            // SAFETY: the rollback has the world to itself.
            let parents = parents.as_ref().and_then(|typed| unsafe { typed.values(table, slot) });
            let (ids, entities) = (self.ids.ids(table), table.entities());
            for row in touched.chain(end.min(rows)..rows) {
                let place = row as usize;
                let parent = parents.map(|parents| &parents[place]);
                visit(Seen { id: ids[place], entity: entities[place], table: info.id, row, parent });
            }
        }
    }

    /// Gives every table as many rows as it had; new ones are blank.
    fn fit_rows(&mut self, way: &Way) {
        // SAFETY: the rollback has the engine to itself.
        let world = unsafe { self.cell.get_mut() };
        for (number, info) in self.tables.list.iter().enumerate() {
            let (end, rows) = (way.rows_of(number as u32), world.storages().tables[info.id].entity_count());
            if end == rows && !way.touched.contains_key(&(number as u32)) {
                continue;
            }
            let mut stages: Vec<Box<dyn RowStage>> = Vec::new();
            if end > rows {
                stages.extend(info.columns.iter().map(|index| self.columns[usize::from(*index)].stage()));
            }
            (rows..end).for_each(|_| spawn_blank(world, &mut stages));
            for row in (end..rows).rev() {
                let last = world.storages().tables[info.id].entities()[row as usize];
                world.despawn(last);
            }
            assert_eq!(world.storages().tables[info.id].entity_count(), end, "rows come and go at the end");
            for index in &info.columns {
                // SAFETY: the rollback has the engine to itself.
                let marks = unsafe { self.columns[usize::from(*index)].by_table().get_mut(info.id) };
                let marks = marks.expect("the table list enters every table");
                marks.set_rows(end as usize);
                marks.version += 1;
            }
        }
        world.clear_trackers();
    }

    /// Writes the old values back, newest first, so that the oldest stand in the end.
    fn overwrite(&self, way: &Way) {
        let tables = &self.world().storages().tables;
        // Where a frame has overwritten a whole column, what later ones did to it does not matter.
        let mut first_whole: BTreeMap<(u32, u16), usize> = BTreeMap::new();
        for (number, info) in self.tables.list.iter().enumerate() {
            let rows = way.rows_of(number as u32);
            for index in &info.columns {
                let key = (number as u32, *index);
                let whole = way.undos.iter().position(|undo| rows > 0 && undo.covers(key.0, key.1, rows));
                first_whole.extend(whole.map(|place| (key, place)));
            }
        }
        for (place, undo) in way.undos.iter().enumerate().rev() {
            let wanted =
                |number, index| first_whole.get(&(number, index)).is_none_or(|first| *first >= place);
            let told = |number: u32, index: u16, rows: Range<u32>| {
                let table = self.tables.list[number as usize].id;
                let marks = self.columns[usize::from(index)].by_table().get(table);
                marks
                    .expect("the table list enters every table")
                    .restale(rows.start as usize..rows.end as usize);
            };
            // SAFETY: the rollback has the world to itself, and has given each table its rows.
            unsafe {
                undo.put_back(&self.tables, tables, way.slot, |number| way.rows_of(number), wanted, told)
            };
        }
    }

    /// Time, the roles of the slots and what is marked are those of `frame` again.
    fn turn_back(&mut self, frame: u64) {
        let again = self.shared.frames.begin_again(frame + 1);
        for (slot, _) in again.iter().enumerate().filter(|(_, wrapped)| **wrapped) {
            for column in &self.columns {
                // SAFETY: the rollback has the engine to itself.
                unsafe { column.by_table().clear(slot) };
            }
        }
        let kept = self.rewind.as_ref().and_then(|rewind| rewind.newest()).expect("the caller has looked");
        // SAFETY: as above.
        let time = unsafe { self.shared.time.get_mut() };
        (time.frame, time.still) = (frame + 1, kept.still);
        // SAFETY: as above.
        let serials = unsafe { self.shared.serials.get_mut() };
        if !sabotage::is(Bug::SerialNotUndone) {
            serials.clone_from(&kept.serials);
        }
        let roles = self.shared.frames.roles();
        for run in kept.marks.iter().filter(|_| !sabotage::now_and_then(Bug::MarkNotUndone)) {
            let table = self.tables.list[run.table as usize].id;
            let marks = self.columns[usize::from(run.column)].by_table().get(table);
            let rows = run.start as usize..run.end as usize;
            let marks = marks.expect("the table list enters every table");
            marks.set_run(roles.prev(), rows, run.kind, roles.stamps[roles.prev()]);
        }
        for column in &self.columns {
            // SAFETY: as above.
            unsafe { column.removed().get_mut() }.clear();
        }
        for (index, ids) in &kept.removed {
            // SAFETY: as above.
            unsafe { self.columns[usize::from(*index)].removed().get_mut() }.extend_from_slice(ids);
        }
        self.journal.clear();
        self.journal.lost = !kept.removed.is_empty();
        self.applied.clear();
        self.digests.forget();
        self.committed = frame;
    }

    /// Messages and answers are those of the frame again, and the open requests.
    fn put_back_beside(&mut self) -> Result<()> {
        let kept = self.rewind.as_ref().and_then(|rewind| rewind.newest()).expect("the caller has looked");
        for (annex, note) in self.annexes.iter().zip(&kept.notes) {
            // SAFETY: the rollback has the engine to itself.
            let restored = unsafe { annex.restore(note) };
            restored.map_err(|error| Error::Rollback {
                frame: kept.frame,
                reason: format!("the {} of the frame cannot be read back: {error}", annex.name()),
            })?;
        }
        let annexes = self.annexes.clone();
        let roles = self.shared.frames.roles();
        // SAFETY: as above.
        let mut editor = unsafe { self.editor(roles.prev(), roles.stamps[roles.prev()]) };
        // SAFETY: as above.
        annexes.iter().for_each(|annex| unsafe { annex.go_back(&mut editor) });
        Ok(())
    }
}

/// Makes a row at the end of a table, all columns at once, so that no archetype lies between.
fn spawn_blank(world: &mut World, stages: &mut [Box<dyn RowStage>]) {
    let mut components: Vec<ComponentId> = Vec::with_capacity(stages.len() * 2);
    let mut values = Vec::with_capacity(stages.len() * 2);
    for stage in stages {
        assert!(stage.load_blank(), "the build refuses types without a blank value");
        // SAFETY: the stage was loaded, and its values are moved into the world right below.
        unsafe { stage.take(&mut components, &mut values) };
    }
    let mut entity = world.spawn_empty();
    // SAFETY: each value is of the component beside it, and both slots and the `Id` are there once.
    unsafe { entity.insert_by_ids(&components, values.into_iter()) };
}
