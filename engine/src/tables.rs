//! The tables that hold entities, numbered in the order of their creation, and the columns of each.
//!
//! Invariant: a table's number is its place among tables with an `Id` column, in creation order; recovery
//! makes them in the same order, so numbers in records stay true.

use crate::buffer::Column;
use crate::id::Id;
use crate::registry::Registry;
use crate::reserve::Reservation;
use bevy_ecs::storage::TableId;
use bevy_ecs::world::World;
use std::sync::Arc;

/// No table of ours.
const NONE: u32 = u32::MAX;

/// The tables of a world.
#[derive(Debug, Default)]
pub(crate) struct TableList {
    pub(crate) list: Vec<TableInfo>,
    numbers: Vec<u32>,
    /// Whether rows of any of them are reserved.
    pub(crate) reserved: bool,
}

/// One table.
#[derive(Debug, Clone)]
pub(crate) struct TableInfo {
    pub(crate) id: TableId,
    /// Indices into the registry's columns, ascending; the first is the `Id` column.
    pub(crate) columns: Vec<u16>,
    /// Who alone may command the rows; nobody in most tables.
    pub(crate) reserved: Vec<Arc<Reservation>>,
    /// Whether the frame that made it was undone, and none has made it again: it has no rows.
    pub(crate) dormant: bool,
}

impl TableList {
    /// The number of a table that holds entities.
    pub(crate) fn number(&self, table: TableId) -> u32 {
        self.numbers[table.as_usize()]
    }

    /// Whether a table holds entities of ours.
    pub(crate) fn holds(&self, table: TableId) -> bool {
        self.numbers.get(table.as_usize()).is_some_and(|number| *number != NONE)
    }

    /// Counts a dormant table as made now. Answers the tables that were made before it and have higher numbers: bevy
    /// walks tables in the order of their numbers, and a number cannot change.
    pub(crate) fn wake(&mut self, number: u32) -> impl Iterator<Item = u32> {
        self.list[number as usize].dormant = false;
        let later = (number + 1..).zip(&self.list[number as usize + 1..]);
        later.filter(|(_, info)| !info.dormant).map(|(number, _)| number)
    }

    /// Numbers the tables that have come since the last call, and makes their marks. Answers the numbers.
    #[expect(unsafe_code, reason = "enters tables into the marks of their types")]
    pub(crate) fn enter_new(&mut self, world: &World, columns: &[Arc<dyn Column>]) -> core::ops::Range<u32> {
        let tables = &world.storages().tables;
        let before = self.list.len() as u32;
        let ids = world.component_id::<Id>();
        let registry = world.resource::<Registry>();
        for id in (self.numbers.len()..tables.len()).map(TableId::from_usize) {
            let table = &tables[id];
            if !ids.is_some_and(|ids| table.has_column(ids)) {
                self.numbers.push(NONE);
                continue;
            }
            let held = columns.iter().enumerate().filter(|(_, column)| table.has_column(column.slots()[0]));
            let held: Vec<u16> = held.map(|(index, _)| index as u16).collect();
            self.numbers.push(self.list.len() as u32);
            for index in &held {
                // SAFETY: structure changes only at commits and at build, while nothing else runs.
                unsafe { columns[usize::from(*index)].by_table().enter(id) };
            }
            let types = held.iter().map(|index| columns[usize::from(*index)].state_type());
            let reserved = registry.reserved_among(types);
            self.reserved |= !reserved.is_empty();
            self.list.push(TableInfo { id, columns: held, reserved, dormant: false });
        }
        before..self.list.len() as u32
    }
}
