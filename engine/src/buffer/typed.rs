//! One buffered type: its two columns in every table, their marks, and the typed work of the commit.
//!
//! Invariant: during a wave its owner's task alone touches the next slot; everybody may read the previous one.

#![expect(unsafe_code, reason = "reads and writes table columns through raw pointers")]

use super::raw::{self, AtomicU64, Ordering, Slot};
use super::shelf::TypedShelf;
use super::stage::TypedStage;
use super::{
    ByTable, CodecError, Column, Frames, Gain, Kind, Roles, RowIo, RowStage, Shelf, State, TableMarks,
};
use crate::editor::Editor;
use crate::error::Error;
use crate::id::Id;
use crate::phased::Phased;
use crate::sabotage::{self, Bug};
use bevy_ecs::component::ComponentId;
use bevy_ecs::entity::Entity;
use bevy_ecs::storage::{Table, TableId, Tables};
use bevy_ecs::world::World;
use core::any::TypeId;
use std::ops::Range;
use std::sync::Arc;

/// Called at the commit for a row that was added, changed or removed.
pub(crate) type Hook<T> = Arc<dyn Fn(Id, &T) + Send + Sync>;

/// A buffered type `T` of one world.
pub(crate) struct Typed<T: State> {
    pub(crate) name: String,
    pub(crate) version: u32,
    pub(crate) slots: [ComponentId; 2],
    pub(crate) io: RowIo<T>,
    pub(crate) strict: bool,
    /// Values live for one frame: rows that the last commit did not set are blank, in both slots.
    pub(crate) transient: bool,
    pub(crate) hash_seed: u64,
    pub(crate) frames: Arc<Frames>,
    /// Rows that their owner set twice in a frame; counted in debug builds.
    pub(crate) twice: AtomicU64,
    pub(crate) on_change: Vec<Hook<T>>,
    pub(crate) on_add: Vec<Hook<T>>,
    pub(crate) on_remove: Vec<Hook<T>>,
    pub(crate) by_table: ByTable,
    pub(crate) removed: Phased<Vec<Id>>,
}

impl<T: State> Typed<T> {
    pub(crate) fn new(
        world: &mut World,
        frames: Arc<Frames>,
        name: &str,
        version: u32,
        strict: bool,
        io: RowIo<T>,
    ) -> Self {
        Self {
            slots: [world.register_component::<Slot<T, 0>>(), world.register_component::<Slot<T, 1>>()],
            hash_seed: crate::digest::type_seed(name),
            name: name.to_owned(),
            version,
            io,
            strict,
            transient: false,
            frames,
            twice: AtomicU64::new(0),
            on_change: Vec::new(),
            on_add: Vec::new(),
            on_remove: Vec::new(),
            by_table: ByTable::default(),
            removed: Phased::default(),
        }
    }

    /// Takes back what was set in a frame.
    #[cold]
    pub(crate) fn unset(&self, prev: &T, next: &mut T) {
        if self.transient {
            *next = (self.io.blank)().expect("the build refuses types without a blank value");
        } else {
            next.clone_from(prev);
        }
    }

    /// The marks of this type in `table`.
    #[inline]
    pub(crate) fn table(&self, table: TableId) -> Option<&TableMarks> {
        self.by_table.get(table)
    }

    /// The values of `slot` in `table`.
    ///
    /// # Safety
    /// Nobody writes the slot while the slice lives.
    pub(crate) unsafe fn values<'t>(&self, table: &'t Table, slot: usize) -> Option<&'t [T]> {
        // SAFETY: `slots` are this type's own component ids.
        let start = unsafe { raw::column::<T>(table, self.slots[slot]) }?;
        // SAFETY: the column has a value for each row; the caller excludes writers.
        Some(unsafe { core::slice::from_raw_parts(start, table.entity_count() as usize) })
    }

    /// Writes `value` into one slot of a row.
    ///
    /// # Safety
    /// The caller has the world to itself; `row` is in `table`.
    pub(crate) unsafe fn write(&self, table: &Table, slot: usize, row: usize, value: T) {
        // SAFETY: `slots` are this type's own component ids.
        let start = unsafe { raw::column::<T>(table, self.slots[slot]) }.expect("the table holds the type");
        // SAFETY: the row is in the table, so the column has a value there.
        let place = unsafe { start.add(row) };
        // SAFETY: the caller has the world to itself, and the value there is initialized.
        unsafe { *place = value };
    }

    /// Copies to the next slot what changed in the last frame and was not set in this one.
    ///
    /// # Safety
    /// The caller is the owner's task after its loops, or has the world to itself.
    unsafe fn carry(&self, table: &Table, marks: &TableMarks, roles: Roles) {
        let (prev, next) = (roles.prev(), roles.next);
        let (prev_stamp, next_stamp) = (roles.stamps[prev], roles.stamps[next]);
        if !marks.sides[prev].touched(prev_stamp) || marks.sides[next].is_all(next_stamp) {
            return;
        }
        // SAFETY: `slots` are this type's own component ids.
        let from = unsafe { raw::column::<T>(table, self.slots[prev]) };
        // SAFETY: as above.
        let to = unsafe { raw::column::<T>(table, self.slots[next]) };
        let (Some(from), Some(to)) = (from, to) else { return };
        let untouched = !marks.sides[next].touched(next_stamp);
        marks.changed_runs(prev, prev_stamp, |range, _| {
            for row in range {
                if untouched || !is_set(marks.kind(next, row, next_stamp)) {
                    // SAFETY: the row is in the table.
                    let to = unsafe { to.add(row) };
                    // SAFETY: the value is initialized; only this task writes the next slot.
                    let place = unsafe { &mut *to };
                    // SAFETY: the row is in the table.
                    let from = unsafe { from.add(row) };
                    // SAFETY: the value is initialized; nobody writes the previous slot.
                    let value = unsafe { &*from };
                    place.clone_from(value);
                }
            }
        });
    }
}

/// Whether a row has its new value in the slot.
fn is_set(kind: Kind) -> bool {
    matches!(kind, Kind::Changed | Kind::Added)
}

impl<T: State> Column for Typed<T> {
    fn name(&self) -> &str {
        &self.name
    }

    fn state_type(&self) -> TypeId {
        TypeId::of::<T>()
    }

    fn type_name(&self) -> &'static str {
        core::any::type_name::<T>()
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn layout(&self) -> u64 {
        self.io.layout
    }

    fn fixed(&self) -> Option<u32> {
        self.io.fixed
    }

    fn strict(&self) -> bool {
        self.strict
    }

    fn transient(&self) -> bool {
        self.transient
    }

    unsafe fn expire(&self, tables: &Tables, marked: usize, stamp: u8, slot: usize) {
        for (id, marks) in self.by_table.iter() {
            let table = &tables[id];
            marks.changed_runs(marked, stamp, |rows, _| {
                for row in rows {
                    let blank = (self.io.blank)().expect("the build refuses types without a blank value");
                    // SAFETY: the caller has the world to itself, and marks are kept for rows of the table.
                    unsafe { self.write(table, slot, row, blank) };
                }
            });
        }
    }

    fn slots(&self) -> [ComponentId; 2] {
        self.slots
    }

    fn take_twice(&self) -> u64 {
        self.twice.swap(0, Ordering::Relaxed)
    }

    fn by_table(&self) -> &ByTable {
        &self.by_table
    }

    unsafe fn settle(&self, tables: &Tables) {
        let roles = self.frames.roles();
        for (id, marks) in self.by_table.iter() {
            let table = &tables[id];
            marks.resolve(roles.next, roles.stamps[roles.next]);
            if !self.transient && !sabotage::now_and_then(Bug::SkippedCarry) {
                // SAFETY: the owner's loops are over, by the caller's promise.
                unsafe { self.carry(table, marks, roles) };
            }
        }
    }

    unsafe fn row_bytes<'t>(&self, table: &'t Table, slot: usize, rows: Range<usize>) -> Option<&'t [u8]> {
        let as_bytes = self.io.as_bytes?;
        // SAFETY: the caller's promise.
        let values = unsafe { self.values(table, slot) }?;
        Some(as_bytes(&values[rows]))
    }

    unsafe fn encode_row(&self, table: &Table, slot: usize, row: usize, out: &mut Vec<u8>) {
        // SAFETY: the caller's promise.
        let values = unsafe { self.values(table, slot) }.expect("the table holds the type");
        (self.io.encode)(&values[row], out);
    }

    unsafe fn hash_rows(&self, table: &Table, slot: usize, rows: Range<usize>, ids: &[Id]) -> u128 {
        // SAFETY: the caller's promise.
        let values = unsafe { self.values(table, slot) }.expect("the table holds the type");
        (self.io.sum)(self.hash_seed, &ids[rows.clone()], &values[rows])
    }

    unsafe fn hash_changes(&self, table: &Table, slot: usize, rows: &mut [Gain], ids: &[Id]) {
        // SAFETY: the caller's promise.
        let new = unsafe { self.values(table, slot) }.expect("the table holds the type");
        // SAFETY: as above.
        let old = unsafe { self.values(table, 1 - slot) }.expect("the table holds the type");
        (self.io.gain)(self.hash_seed, ids, [new, old], rows);
    }

    fn check(&self, bytes: &[u8]) -> Result<(), CodecError> {
        (self.io.decode)(bytes).map(drop)
    }

    fn put(&self, editor: &mut Editor<'_>, entity: Entity, bytes: Option<&[u8]>) -> crate::Result<()> {
        let value = match bytes {
            Some(bytes) => (self.io.decode)(bytes).map_err(|error| Error::Input(error.to_string()))?,
            None => (self.io.blank)().expect("the build refuses types without a blank value"),
        };
        if !editor.set(entity, value.clone())? {
            editor.insert(entity, value)?;
        }
        Ok(())
    }

    fn take_from(&self, editor: &mut Editor<'_>, entity: Entity) -> crate::Result<()> {
        editor.remove::<T>(entity)
    }

    fn stage(&self) -> Box<dyn RowStage> {
        Box::new(TypedStage { slots: self.slots, decode: self.io.decode, blank: self.io.blank, values: None })
    }

    fn shelf(&self) -> Box<dyn Shelf> {
        let blank = self.transient.then_some(self.io.blank);
        Box::new(TypedShelf { slots: self.slots, blank, values: Vec::new() })
    }

    unsafe fn run_hooks(&self, tables: &Tables, ids: &dyn Fn(TableId, usize) -> Id, roles: Roles) {
        let (slot, stamp) = (roles.prev(), roles.stamps[roles.prev()]);
        for (id, marks) in self.by_table.iter() {
            let table = &tables[id];
            // SAFETY: the caller's promise.
            let Some(values) = (unsafe { self.values(table, slot) }) else { continue };
            marks.changed_runs(slot, stamp, |range, kind| {
                for row in range {
                    let entity = ids(id, row);
                    let added = if kind == Kind::Added { &self.on_add[..] } else { &[] };
                    added.iter().chain(&self.on_change).for_each(|hook| hook(entity, &values[row]));
                }
            });
        }
    }

    fn removed(&self) -> &Phased<Vec<Id>> {
        &self.removed
    }

    fn has_blank(&self) -> bool {
        (self.io.blank)().is_some()
    }

    fn has_remove_hooks(&self) -> bool {
        !self.on_remove.is_empty()
    }

    fn has_hooks(&self) -> bool {
        !(self.on_add.is_empty() && self.on_change.is_empty())
    }

    unsafe fn run_remove_hooks(&self, table: &Table, slot: usize, row: usize, id: Id) {
        // SAFETY: the caller's promise.
        if let Some(values) = unsafe { self.values(table, slot) } {
            self.on_remove.iter().for_each(|hook| hook(id, &values[row]));
        }
    }
}

impl<T: State> core::fmt::Debug for Typed<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Typed")
            .field("name", &self.name)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
