//! What the engine does with a column of rows without knowing their type.
//!
//! Invariant: everything `unsafe` here asks for the same two things: who writes a slot is alone with it, and
//! who changes rows is alone with the world.

#![expect(unsafe_code, reason = "declares operations on table columns")]

use super::{ByTable, CodecError, Gain, Roles, RowStage, Shelf};
use crate::editor::Editor;
use crate::id::Id;
use crate::phased::Phased;
use bevy_ecs::component::ComponentId;
use bevy_ecs::entity::Entity;
use bevy_ecs::storage::{Table, TableId, Tables};
use core::any::TypeId;
use std::ops::Range;

/// A type whose rows the engine keeps: a buffered type, or the `Id`s.
pub(crate) trait Column: Send + Sync {
    fn name(&self) -> &str;
    fn state_type(&self) -> TypeId;
    fn type_name(&self) -> &'static str;
    fn version(&self) -> u32;
    fn layout(&self) -> u64;
    /// Bytes of a row, `None` where rows differ in length.
    fn fixed(&self) -> Option<u32>;
    fn strict(&self) -> bool;
    /// Whether a value lives for one frame: what the last commit did not set is blank.
    fn transient(&self) -> bool;
    /// Makes rows of `slot` blank: those that `marked` and its stamp say were set. Only for transient types.
    ///
    /// # Safety
    /// The caller has the world to itself.
    unsafe fn expire(&self, tables: &Tables, marked: usize, stamp: u8, slot: usize);
    fn slots(&self) -> [ComponentId; 2];
    /// Rows set twice since the last call.
    fn take_twice(&self) -> u64;
    fn by_table(&self) -> &ByTable;
    /// The entities that lost the type in the last commit, in the order in which they lost it.
    fn removed(&self) -> &Phased<Vec<Id>>;
    fn has_hooks(&self) -> bool;
    fn has_remove_hooks(&self) -> bool;
    /// Whether a table without rows can be made again.
    fn has_blank(&self) -> bool;
    /// Settles the frame being made: finds what was set and copies what must be carried.
    ///
    /// # Safety
    /// The caller is the owner's task after its loops, or has the world to itself.
    unsafe fn settle(&self, tables: &Tables);
    /// The bytes of `rows` in a slot, if the type is plain old data.
    ///
    /// # Safety
    /// Nobody writes the slot while the bytes live.
    unsafe fn row_bytes<'t>(&self, table: &'t Table, slot: usize, rows: Range<usize>) -> Option<&'t [u8]>;
    /// Appends the encoding of one row to `out`.
    ///
    /// # Safety
    /// Nobody writes the slot meanwhile.
    unsafe fn encode_row(&self, table: &Table, slot: usize, row: usize, out: &mut Vec<u8>);
    /// The wrapping sum of the row hashes of `rows`; `ids` are those of the whole table.
    ///
    /// # Safety
    /// Nobody writes the slot meanwhile.
    unsafe fn hash_rows(&self, table: &Table, slot: usize, rows: Range<usize>, ids: &[Id]) -> u128;
    /// Finds what the sum of row hashes gains by each of `rows`, whose value is that of `slot` and was that of the
    /// other slot; `ids` are those of the whole table.
    ///
    /// # Safety
    /// Nobody writes either slot meanwhile.
    unsafe fn hash_changes(&self, table: &Table, slot: usize, rows: &mut [Gain], ids: &[Id]);
    /// Whether bytes are a value of the type.
    fn check(&self, bytes: &[u8]) -> Result<(), CodecError>;
    /// Sets an entity's value, or gives it one: what the bytes say, or a blank one.
    fn put(&self, editor: &mut Editor<'_>, entity: Entity, bytes: Option<&[u8]>) -> crate::Result<()>;
    /// Takes the type from an entity.
    fn take_from(&self, editor: &mut Editor<'_>, entity: Entity) -> crate::Result<()>;
    /// A place for one row on its way from stored bytes into a table.
    fn stage(&self) -> Box<dyn RowStage>;
    /// A place for values of the type that are overwritten.
    fn shelf(&self) -> Box<dyn Shelf>;
    /// Calls the hooks of rows added and changed in the frame that `roles.prev()` holds.
    ///
    /// # Safety
    /// Nobody writes the slot meanwhile.
    unsafe fn run_hooks(&self, tables: &Tables, ids: &dyn Fn(TableId, usize) -> Id, roles: Roles);
    /// Calls the removal hooks for a row that is about to go.
    ///
    /// # Safety
    /// Nobody writes the slot meanwhile and `row` is in `table`.
    unsafe fn run_remove_hooks(&self, table: &Table, slot: usize, row: usize, id: Id);
}
