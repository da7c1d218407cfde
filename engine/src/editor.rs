//! Carries out structure while nothing runs, and keeps marks, tables, `Id`s and the journal in step with it.
//!
//! Invariant: every row that bevy moves, this moves in the marks in the same way (append at the end, the last
//! row into the hole), and the journal says so to the store. Only the inserted type counts as changed.

#![expect(unsafe_code, reason = "writes columns and marks while it has the world to itself")]

mod despawn;

pub(crate) use despawn::Doomed;

use crate::buffer::raw::Slot;
use crate::buffer::{Column, IdColumn, Kind, PAGE_SHIFT, State, Typed};
use crate::error::{Error, Result};
use crate::id::{Id, SystemKey};
use crate::registry::Registry;
use crate::rewind::Undo;
use crate::sabotage::{self, Bug};
use crate::shared::Shared;
use crate::structure::{Bundle, Command, Commands, Known, Spawned, Spawner, Target};
use crate::tables::TableList;
use crate::tree::Refusal;
use bevy_ecs::entity::{Entity, EntityLocation};
use bevy_ecs::storage::{Table, TableId};
use bevy_ecs::world::World;
use core::any::type_name;
use std::sync::Arc;

/// What happened to rows in one commit, physically and in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shift {
    /// A new table; its number and columns are in the table list.
    Table(u32),
    /// Rows appended.
    Push { table: u32, count: u32 },
    /// The last row moved into the hole.
    SwapRemove { table: u32, row: u32 },
    /// A row appended to another table; the last row of the old one moved into the hole.
    Move { from: u32, row: u32, to: u32 },
}

/// The physical record of one commit's structure.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) shifts: Vec<Shift>,
    pub(crate) dropped: u64,
    /// Whether any entity lost a type.
    pub(crate) lost: bool,
    /// Attachments that were refused, and the last of them; see `Frame::note_refusals`.
    pub(crate) attachments_refused: u64,
    pub(crate) refusal: Option<Refusal>,
    /// What inputs were refused of rows that are reserved to a system, and the last of it.
    pub(crate) changes_refused: u64,
    pub(crate) reserved: Option<Error>,
    /// Tables that have come back after a rollback, each with one before which it lies and after which it came.
    pub(crate) disorder: Vec<(u32, u32)>,
}

impl Journal {
    pub(crate) fn clear(&mut self) {
        self.shifts.clear();
        (self.dropped, self.lost) = (0, false);
    }
}

/// Exclusive hands on the world.
pub(crate) struct Editor<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) shared: &'a Shared,
    pub(crate) columns: &'a [Arc<dyn Column>],
    pub(crate) ids: &'a IdColumn,
    pub(crate) tables: &'a mut TableList,
    /// The owner of each column, by the column's index.
    pub(crate) owners: &'a [Option<String>],
    pub(crate) journal: &'a mut Journal,
    /// Where rows are kept before they change, in a world that can be rolled back.
    pub(crate) undo: Option<&'a mut Undo>,
    /// The slot whose marks and values are those of the frame being committed, and its stamp.
    pub(crate) slot: usize,
    pub(crate) stamp: u8,
    /// On whose behalf: a system, a setup or an input.
    pub(crate) acting: String,
    /// The despawns of the run that is being gathered.
    pub(crate) doomed: Vec<Target>,
}

impl Editor<'_> {
    /// Carries out what one system issued, in order, and empties the buffer.
    pub(crate) fn apply(&mut self, commands: &mut Commands) -> Result<()> {
        self.acting.clone_from(&commands.system);
        self.apply_list(commands)?;
        commands.chunks.clear();
        self.keep_serial(commands.key, commands.serial);
        Ok(())
    }

    fn apply_list(&mut self, commands: &mut Commands) -> Result<()> {
        let mut list = commands.list.drain(..).peekable();
        while let Some(command) = list.next() {
            match command {
                Command::Spawn { bundle, count } => {
                    let batch = commands.batches.get_mut(&bundle).expect("a spawn has its batch");
                    batch.apply(self, count)?;
                }
                Command::Despawn(target) => {
                    self.doomed.push(target);
                    // A run of despawns goes at once, so that rows at the end go without a move.
                    if !matches!(list.peek(), Some(Command::Despawn(_))) {
                        self.despawn_run()?;
                    }
                }
                Command::Edit(target, edit) => match self.find(target) {
                    Some(entity) => edit.apply(self, entity)?,
                    None => self.journal.dropped += 1,
                },
                Command::Attach { child, parent, at } => drop(self.attach(child, parent, at)?),
                Command::Detach(child) => drop(self.detach(child)?),
                Command::Chunk(place) => self.apply_list(&mut commands.chunks[place])?,
            }
        }
        drop(list);
        commands.batches.values_mut().for_each(|batch| batch.clear());
        Ok(())
    }

    /// Remembers the serial number of a key's next spawn.
    pub(crate) fn keep_serial(&mut self, key: SystemKey, serial: u64) {
        if serial > 0 && self.shared.serial(key) != serial {
            // SAFETY: the editor has the engine to itself.
            unsafe { self.shared.serials.get_mut() }.insert(key, serial);
        }
    }

    /// The handle of a living entity.
    pub(crate) fn find(&self, target: Target) -> Option<Entity> {
        match target {
            Target::Id(id) => self.shared.ids.get().get(id),
            // bevy keeps resources on entities too; those are none of ours.
            Target::Entity(entity) => {
                let ours = |location: EntityLocation| self.tables.holds(location.table_id);
                self.location(entity).is_some_and(ours).then_some(entity)
            }
        }
    }

    /// Spawns entities of one shape, in order.
    pub(crate) fn spawn_many<B: Bundle>(
        &mut self,
        spawned: &[Spawned],
        bundles: impl Iterator<Item = B>,
    ) -> Result<()> {
        if let Some(type_name) = B::engine_owned() {
            return Err(Error::EngineOwned { system: self.acting.clone(), type_name });
        }
        let known = Known(self.world.resource::<Registry>());
        if let Some(type_name) = B::unregistered(&known) {
            return Err(Error::Unregistered { system: self.acting.clone(), type_name });
        }
        B::check_reserved(&known, &self.acting)?;
        let mut table = TableId::empty();
        for (spawned, bundle) in spawned.iter().zip(bundles) {
            let mut spawner = Spawner { world: self.world, spawned: *spawned, table };
            bundle.spawn(&mut spawner);
            table = spawner.table;
        }
        // SAFETY: the editor has the engine to itself.
        let index = unsafe { self.shared.ids.get_mut() };
        let first = self.table(table).entity_count() - spawned.len() as u32;
        index.insert_many(spawned.iter().map(|spawned| (spawned.id, spawned.entity)), table, first);
        self.enter_new_tables();
        let number = self.tables.number(table);
        self.push_marks(number, spawned.len(), |_| Kind::Added);
        self.journal.shifts.push(Shift::Push { table: number, count: spawned.len() as u32 });
        Ok(())
    }

    /// Gives an entity a value, over an old one only if nobody else owns the type.
    pub(crate) fn insert<T: State>(&mut self, entity: Entity, value: T) -> Result<()> {
        let (index, typed) = self.typed::<T>()?;
        let location = self.location(entity).expect("the caller has found the entity");
        if !self.table(location.table_id).has_column(typed.slots[0]) {
            let bundle = (Slot::<T, 0>(value.clone()), Slot::<T, 1>(value));
            self.relocate(entity, location, index, |entity| {
                entity.insert(bundle);
            });
            return Ok(());
        }
        if let Some(owner) = &self.owners[index]
            && *owner != self.acting
        {
            return Err(Error::NotOwner {
                system: self.acting.clone(),
                owner: owner.clone(),
                type_name: type_name::<T>().to_owned(),
                id: self.id_at(location),
            });
        }
        self.write(&typed, location, value);
        Ok(())
    }

    /// Sets a value as an input: in the committed slot, counted as set in this frame.
    pub(crate) fn set<T: State>(&mut self, entity: Entity, value: T) -> Result<bool> {
        let (_, typed) = self.typed::<T>()?;
        let location = self.location(entity).expect("the caller has found the entity");
        let held = self.table(location.table_id).has_column(typed.slots[0]);
        if held {
            self.write(&typed, location, value);
        }
        Ok(held)
    }

    /// The committed value of an entity's type.
    pub(crate) fn get<T: State>(&self, entity: Entity) -> Option<&T> {
        let typed = self.world.resource::<Registry>().typed::<T>()?;
        let location = self.location(entity)?;
        // SAFETY: the editor has the world to itself, and the answer borrows the editor.
        let values = unsafe { typed.values(self.table(location.table_id), self.slot) }?;
        values.get(location.table_row.index())
    }

    /// Takes a type from an entity.
    pub(crate) fn remove<T: State>(&mut self, entity: Entity) -> Result<()> {
        let (index, typed) = self.typed::<T>()?;
        let location = self.location(entity).expect("the caller has found the entity");
        if self.table(location.table_id).has_column(typed.slots[0]) {
            note_removal(self.world, &*self.columns[index], self.slot, location, self.id_at(location));
            self.journal.lost = true;
            self.relocate(entity, location, index, |entity| {
                entity.remove_with_requires::<(Slot<T, 0>, Slot<T, 1>)>();
            });
        }
        Ok(())
    }

    fn typed<T: State>(&self) -> Result<(usize, Arc<Typed<T>>)> {
        let typed = self.world.resource::<Registry>().typed::<T>().ok_or_else(|| Error::Unregistered {
            system: self.acting.clone(),
            type_name: type_name::<T>(),
        })?;
        let index = self.columns.iter().position(|column| column.slots() == typed.slots);
        Ok((index.expect("every registered type has its column"), typed))
    }

    fn write<T: State>(&mut self, typed: &Typed<T>, location: EntityLocation, value: T) {
        let (table, row) = (location.table_id, location.table_row.index());
        self.keep_row(self.tables.number(table), row);
        for slot in [0, 1] {
            if slot == self.slot && sabotage::now_and_then(Bug::LateFlip) {
                continue;
            }
            // SAFETY: the editor has the world to itself, and the row was found in the table.
            unsafe { typed.write(self.table(table), slot, row, value.clone()) };
        }
        // SAFETY: the editor has the engine to itself.
        let marks = unsafe { typed.by_table.get_mut(table) }.expect("the table holds the type");
        marks.edits += 1;
        // Both slots have the new value: the digest must not take one of them for the old one.
        marks.sums.mark_whole(row >> PAGE_SHIFT);
        if marks.kind(self.slot, row, self.stamp) != Kind::Added {
            marks.set_kind(self.slot, row, Kind::Changed, self.stamp);
        }
    }

    /// Moves an entity to another table by `change`, and its marks with it.
    fn relocate(
        &mut self,
        entity: Entity,
        before: EntityLocation,
        changed: usize,
        change: impl FnOnce(&mut bevy_ecs::world::EntityWorldMut<'_>),
    ) {
        let (from, row) = (self.tables.number(before.table_id), before.table_row.index());
        let kinds: Vec<(u16, Kind)> = self.tables.list[from as usize]
            .columns
            .iter()
            .map(|index| {
                let marks = self.columns[usize::from(*index)].by_table().get(before.table_id);
                (*index, marks.map_or(Kind::Untouched, |marks| marks.kind(self.slot, row, self.stamp)))
            })
            .collect();
        self.keep_moved(from, row);
        change(&mut self.world.entity_mut(entity));
        self.enter_new_tables();
        let after = self.location(entity).expect("the entity is alive");
        // SAFETY: the editor has the engine to itself.
        let index = unsafe { self.shared.ids.get_mut() };
        index.move_to(self.id_at(after), after.table_id, after.table_row.index_u32());
        if let Some(id) = self.ids.ids(self.table(before.table_id)).get(row) {
            index.move_to(*id, before.table_id, row as u32);
        }
        let to = self.tables.number(after.table_id);
        self.drop_marks(from, row);
        self.push_marks(to, 1, |index| {
            let old = kinds.iter().find(|(old, _)| usize::from(*old) == index);
            old.map_or(if index == changed { Kind::Added } else { Kind::Untouched }, |(_, kind)| *kind)
        });
        self.journal.shifts.push(Shift::Move { from, row: row as u32, to });
    }

    fn push_marks(&mut self, table: u32, count: usize, kind: impl Fn(usize) -> Kind) {
        self.wake(table);
        let info = &self.tables.list[table as usize];
        for index in info.columns.iter().map(|index| usize::from(*index)) {
            // SAFETY: the editor has the engine to itself.
            let marks = unsafe { self.columns[index].by_table().get_mut(info.id) };
            let marks = marks.expect("the table list enters every table");
            let kind = kind(index);
            marks.push_many(self.slot, count, kind, self.stamp);
        }
    }

    fn drop_marks(&mut self, table: u32, row: usize) {
        let info = &self.tables.list[table as usize];
        for index in &info.columns {
            // SAFETY: the editor has the engine to itself.
            let marks = unsafe { self.columns[usize::from(*index)].by_table().get_mut(info.id) };
            marks.expect("the table list enters every table").swap_remove(self.slot, row, self.stamp);
        }
    }

    fn enter_new_tables(&mut self) {
        for number in self.tables.enter_new(self.world, self.columns) {
            self.journal.shifts.push(Shift::Table(number));
            if let Some(undo) = &mut self.undo {
                undo.entered.push(number);
            }
        }
    }

    /// A table that was first made in a frame that was undone is there again.
    fn wake(&mut self, table: u32) {
        if !self.tables.list[table as usize].dormant {
            return;
        }
        let later = self.tables.wake(table);
        self.journal.disorder.extend(later.map(|later| (table, later)));
        if let Some(undo) = &mut self.undo {
            undo.entered.push(table);
        }
    }

    /// Keeps a row before it is removed, and the last one, which takes its place.
    fn keep_moved(&mut self, table: u32, row: usize) {
        if self.undo.is_some() {
            let rows = self.table(self.tables.list[table as usize].id).entity_count() as usize;
            self.keep_row(table, row);
            self.keep_row(table, rows - 1);
        }
    }

    /// Keeps a row before it changes.
    fn keep_row(&mut self, number: u32, row: usize) {
        let Some(undo) = &mut self.undo else { return };
        let info = &self.tables.list[number as usize];
        let table = &self.world.storages().tables[info.id];
        // Before the change of roles and after it, the frame before is in the other slot.
        undo.touch(number, info, self.columns, table, (1 - self.slot, row));
    }

    fn location(&self, entity: Entity) -> Option<EntityLocation> {
        self.world.entities().get_spawned(entity).ok()
    }

    fn table(&self, table: TableId) -> &Table {
        &self.world.storages().tables[table]
    }

    pub(crate) fn id_of(&self, entity: Entity) -> Option<Id> {
        self.location(entity).map(|location| self.id_at(location))
    }

    pub(crate) fn id_at(&self, location: EntityLocation) -> Id {
        self.ids.ids(self.table(location.table_id))[location.table_row.index()]
    }
}

/// Tells whoever asks for removals of the column's type that an entity has lost it.
fn note_removal(world: &World, column: &dyn Column, slot: usize, location: EntityLocation, id: Id) {
    if column.has_remove_hooks() {
        let table = &world.storages().tables[location.table_id];
        // SAFETY: the editor has the world to itself, and the row was found in the table.
        unsafe { column.run_remove_hooks(table, slot, location.table_row.index(), id) };
    }
    // SAFETY: the editor has the engine to itself.
    unsafe { column.removed().get_mut() }.push(id);
}
