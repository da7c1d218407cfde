//! The column of `Id`s, kept, stored and hashed like any other, but in one slot: an `Id` never changes.
//!
//! Invariant: both "slots" are the same table column.

#![expect(unsafe_code, reason = "reads and writes a table column through raw pointers")]

use super::shelf::IdShelf;
use super::stage::CopyStage;
use super::{ByTable, CodecError, Column, Gain, Roles, RowStage, Shelf, raw};
use crate::digest::{ID_TYPE_NAME, sum_rows, type_seed};
use crate::editor::Editor;
use crate::id::Id;
use crate::phased::Phased;
use bevy_ecs::component::ComponentId;
use bevy_ecs::entity::Entity;
use bevy_ecs::storage::{Table, TableId, Tables};
use bevy_ecs::world::World;
use core::any::TypeId;
use std::ops::Range;

const ID_VERSION: u32 = 1;

/// See the module.
pub(crate) struct IdColumn {
    component: ComponentId,
    by_table: ByTable,
    removed: Phased<Vec<Id>>,
    seed: u64,
}

impl IdColumn {
    pub(crate) fn new(world: &mut World) -> Self {
        Self {
            component: world.register_component::<Id>(),
            by_table: ByTable::default(),
            removed: Phased::default(),
            seed: type_seed(ID_TYPE_NAME),
        }
    }

    /// The `Id`s of a table's rows.
    pub(crate) fn ids<'t>(&self, table: &'t Table) -> &'t [Id] {
        // SAFETY: `component` is the id of `Id`.
        let start = unsafe { raw::plain_column::<Id>(table, self.component) };
        // SAFETY: the column has a value for each row; they are written only at spawn and when frames are undone.
        start
            .map_or(&[], |start| unsafe { core::slice::from_raw_parts(start, table.entity_count() as usize) })
    }
}

impl Column for IdColumn {
    fn name(&self) -> &str {
        ID_TYPE_NAME
    }

    fn state_type(&self) -> TypeId {
        TypeId::of::<Id>()
    }

    fn type_name(&self) -> &'static str {
        core::any::type_name::<Id>()
    }

    fn version(&self) -> u32 {
        ID_VERSION
    }

    fn layout(&self) -> u64 {
        8 << 8 | 8
    }

    fn fixed(&self) -> Option<u32> {
        Some(8)
    }

    fn strict(&self) -> bool {
        false
    }

    fn transient(&self) -> bool {
        false
    }

    unsafe fn expire(&self, _: &Tables, _: usize, _: u8, _: usize) {}

    fn slots(&self) -> [ComponentId; 2] {
        [self.component; 2]
    }

    fn take_twice(&self) -> u64 {
        0
    }

    fn by_table(&self) -> &ByTable {
        &self.by_table
    }

    fn removed(&self) -> &Phased<Vec<Id>> {
        &self.removed
    }

    fn has_blank(&self) -> bool {
        true
    }

    fn has_remove_hooks(&self) -> bool {
        false
    }

    fn has_hooks(&self) -> bool {
        false
    }

    unsafe fn settle(&self, _: &Tables) {}

    unsafe fn row_bytes<'t>(&self, table: &'t Table, _: usize, rows: Range<usize>) -> Option<&'t [u8]> {
        Some(bytemuck::must_cast_slice(&self.ids(table)[rows]))
    }

    unsafe fn encode_row(&self, table: &Table, _: usize, row: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.ids(table)[row].bits().to_le_bytes());
    }

    unsafe fn hash_rows(&self, _: &Table, _: usize, rows: Range<usize>, ids: &[Id]) -> u128 {
        let ids = &ids[rows];
        sum_rows(self.seed, ids, ids)
    }

    unsafe fn hash_changes(&self, _: &Table, _: usize, rows: &mut [Gain], _: &[Id]) {
        // Nobody sets an `Id`.
        rows.iter_mut().for_each(|row| row.gain = 0);
    }

    fn check(&self, _: &[u8]) -> Result<(), CodecError> {
        Err(CodecError::new("an Id is given once and never changes"))
    }

    fn put(&self, _: &mut Editor<'_>, _: Entity, _: Option<&[u8]>) -> crate::Result<()> {
        unreachable!("an Id is given once and never changes")
    }

    fn take_from(&self, _: &mut Editor<'_>, _: Entity) -> crate::Result<()> {
        unreachable!("an Id goes with its entity")
    }

    fn stage(&self) -> Box<dyn RowStage> {
        let decode = |bytes: &[u8]| {
            let bytes = bytes.try_into().map_err(|_| CodecError::new("an Id has 8 bytes"))?;
            Ok(Id::from_bits(u64::from_le_bytes(bytes)))
        };
        Box::new(CopyStage { component: self.component, decode, blank: Id::default(), value: None })
    }

    fn shelf(&self) -> Box<dyn Shelf> {
        Box::new(IdShelf { component: self.component, values: Vec::new() })
    }

    unsafe fn run_hooks(&self, _: &Tables, _: &dyn Fn(TableId, usize) -> Id, _: Roles) {}

    unsafe fn run_remove_hooks(&self, _: &Table, _: usize, _: usize, _: Id) {}
}
