//! Values that go down a tree: each entity's from its parent's and its own.
//!
//! Invariant: every row has the value that going down the whole tree would give it, but only rows are looked
//! at whose own value was set or whose parent's has changed. Levels run one after the other, the nodes of one
//! beside each other; a node writes its own row only and reads rows of the level above, so the result does
//! not depend on threads. What a value means is the closure's.

#![expect(unsafe_code, reason = "reads and writes rows of table columns from several threads")]

use super::order::{self, NONE, Node, Order};
use super::{Parent, Tree};
use crate::buffer::raw::{self, AtomicBool, AtomicU64, Ordering};
use crate::buffer::{Kind, PAGE_SHIFT, Roles, Side, State, Typed};
use crate::query::{Next, PREVIOUS, Read};
use crate::registry::Registry;
use crate::sync::Mutex;
use bevy_ecs::storage::TableId;
use bevy_ecs::system::Query;
use core::any::TypeId;
use std::collections::BTreeMap;
use std::ops::Range;

/// Words of 64 nodes that one job looks at; fewer are not worth another thread.
const JOB_WORDS: usize = 16;

/// What is kept between the frames of a system, by the two types.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<BTreeMap<(TypeId, TypeId), Scratch>>);

#[derive(Debug, Default)]
struct Scratch {
    order: Order,
    /// A bit a node: to be looked at.
    due: Vec<AtomicU64>,
    /// Whether a node's value has changed.
    changed: Vec<AtomicBool>,
}

impl Tree<'_, '_> {
    /// Gives every entity that holds both types `compose(its parent's value, its own local)`, parents before
    /// children, in parallel. Who has no parent that holds both gets `None`.
    ///
    /// `compose` must follow from its arguments alone: it is not asked again for rows whose local was not set
    /// and whose parent's value has not changed. A value that comes out equal is no change. The tree is that
    /// of the last commit. In a derive system `locals` is `Query<Now<L>>`, elsewhere `Query<Prev<L>>`.
    ///
    /// Let nothing else of the system write `G`: what it has set before gives way, and what it sets after this
    /// stands only until the row is looked at again, as every row is in the first frame after a restart.
    ///
    /// Cost: what changed, and a hop a node in frames after structure or links of these entities changed.
    ///
    /// ```
    /// use diptych_engine::prelude::*;
    /// #[derive(Clone, Copy, Pod, Zeroable)]
    /// #[repr(C)]
    /// struct Offset(f64);
    /// #[derive(Clone, Copy, Pod, Zeroable)]
    /// #[repr(C)]
    /// struct Position(f64);
    /// fn place(tree: Tree, offsets: Query<Now<Offset>>, mut positions: Query<Next<Position>>) {
    ///     tree.propagate(&offsets, &mut positions, |parent, offset| {
    ///         Position(parent.map_or(0.0, |parent: &Position| parent.0) + offset.0)
    ///     });
    /// }
    /// # fn main() -> diptych_engine::Result<()> {
    /// let mut engine = Engine::in_memory()
    ///     .state::<Offset>("motion.offset", 1)
    ///     .state::<Position>("motion.position", 1)
    ///     .hierarchy()
    ///     .derive("place", place)
    ///     .setup("carts", |structure| {
    ///         let cart = structure.spawn((Offset(40.0), Position(0.0)));
    ///         let wheel = structure.spawn((Offset(2.0), Position(0.0)));
    ///         structure.attach(wheel, cart);
    ///     })
    ///     .build()?;
    /// engine.step()?;
    /// let positions: f64 = engine.view().iter::<Position>().map(|(_, position)| position.0).sum();
    /// assert_eq!(positions, 40.0 + 42.0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn propagate<L: State, G: State, const WHEN: u8>(
        &self,
        locals: &Query<'_, '_, Read<L, WHEN>>,
        globals: &mut Query<'_, '_, Next<G>>,
        compose: impl Fn(Option<&G>, &L) -> G + Sync,
    ) {
        // The queries are what lets this read the one column and write the other.
        let _ = (locals, globals);
        // SAFETY: the registry is written at commits and builds only.
        let registry = unsafe { self.world.get_resource::<Registry>() };
        let registry = registry.expect("a diptych world has its registry");
        let known = "the query has found the type";
        let (locals, globals) = (registry.typed::<L>().expect(known), registry.typed::<G>().expect(known));
        let parents = registry.typed::<Parent>().expect("the build refuses Tree without a hierarchy");
        let key = (TypeId::of::<L>(), TypeId::of::<G>());
        // Taken out, so that no lock is held while `compose` runs.
        let mut scratch = self.kept.0.lock().remove(&key).unwrap_or_default();
        let roles = self.shared.frames.roles();
        let frame = self.shared.time.get().frame;
        let mut all =
            frame != scratch.order.frame + 1 || locals.transient || globals.transient || globals.strict;
        let tables = || order::tables(&locals, &globals, &parents);
        if !scratch.order.holds(tables()) {
            let values = |id: TableId| {
                let table = &self.parents.tables()[id];
                // SAFETY: `slots` are the type's own component ids.
                let start = unsafe { raw::column::<Parent>(table, parents.slots[roles.prev()]) };
                (table.entity_count() as usize, start.map(<*mut Parent>::cast_const))
            };
            scratch.order.rebuild(tables().collect(), self, values);
            scratch.resize();
            all = true;
        }
        let marked = if WHEN == PREVIOUS { roles.prev() } else { roles.next };
        // What the system has written itself gives way; which rows that are, is not known before it ends.
        let written = || {
            globals
                .by_table
                .iter()
                .any(|(_, marks)| marks.sides[roles.next].touched(roles.stamps[roles.next]))
        };
        all = all || scratch.is_all(&locals, marked, roles) || written();
        if !all {
            scratch.due.iter_mut().for_each(|word| *word.get_mut() = 0);
            scratch.seed(&locals, &globals, marked, roles);
        }
        scratch.order.frame = frame;
        scratch.order.tables = tables().collect();
        if all || scratch.due.iter_mut().any(|word| *word.get_mut() != 0) {
            scratch.changed.iter_mut().for_each(|changed| *changed.get_mut() = false);
            let slot = if WHEN == PREVIOUS { roles.prev() } else { roles.next };
            let table = |id: TableId| self.sources(&locals, &globals, id, slot, roles);
            let tables = scratch.order.tables.iter().map(|ordered| table(ordered.id)).collect();
            let pass = Pass {
                scratch: &scratch,
                tables,
                all,
                stamp: roles.stamps[roles.next],
                globals: &globals,
                compose,
            };
            pass.run();
        }
        self.kept.0.lock().insert(key, scratch);
    }

    /// Where the entity of the `row`-th parent value stands.
    pub(super) fn location(&self, parents: *const Parent, row: usize) -> Option<(TableId, u32)> {
        // SAFETY: the caller gives a row of the column.
        let parent = unsafe { parents.add(row) };
        // SAFETY: the value is initialized, and nobody writes previous slots during a wave.
        let parent = unsafe { *parent };
        self.parents.location(parent.id())
    }

    fn sources<'t, L: State, G: State>(
        &self,
        locals: &Typed<L>,
        globals: &'t Typed<G>,
        id: TableId,
        slot: usize,
        roles: Roles,
    ) -> Source<'t, L, G> {
        let table = &self.parents.tables()[id];
        let held = "the table holds both types";
        // SAFETY: `slots` are the type's own component ids.
        let local = unsafe { raw::column::<L>(table, locals.slots[slot]) };
        // SAFETY: as above.
        let prev = unsafe { raw::column::<G>(table, globals.slots[roles.prev()]) };
        // SAFETY: as above.
        let next = unsafe { raw::column::<G>(table, globals.slots[roles.next]) };
        let side = &globals.by_table.get(id).expect(held).sides[roles.next];
        let stamp = roles.stamps[roles.next];
        if side.is_paged(stamp) {
            // Rows that the system has set itself are told one by one from here on.
            let rows = side.marks.len();
            (0..rows.div_ceil(1 << PAGE_SHIFT)).for_each(|page| side.spell_out(page, rows, stamp));
        }
        Source {
            local: local.expect(held).cast_const(),
            prev: prev.expect(held).cast_const(),
            next: next.expect(held),
            side,
        }
    }
}

impl Scratch {
    fn resize(&mut self) {
        let nodes = self.order.nodes.len();
        self.due.resize_with(nodes.div_ceil(64), AtomicU64::default);
        self.changed.resize_with(nodes, AtomicBool::default);
    }

    /// Whether every local was set.
    fn is_all<L: State>(&self, locals: &Typed<L>, slot: usize, roles: Roles) -> bool {
        let is_all =
            |id| locals.by_table.get(id).is_some_and(|marks| marks.sides[slot].is_all(roles.stamps[slot]));
        !self.order.tables.is_empty() && self.order.tables.iter().all(|table| is_all(table.id))
    }

    /// Finds the nodes whose local was set, and those that structure or inputs have written to since the last
    /// frame: their marks are in the previous slot.
    fn seed<L: State, G: State>(&self, locals: &Typed<L>, globals: &Typed<G>, slot: usize, roles: Roles) {
        for (table, places) in self.order.tables.iter().zip(&self.order.places) {
            let held = "the table holds both types";
            let local = locals.by_table.get(table.id).expect(held);
            let global = globals.by_table.get(table.id).expect(held);
            let due = |rows: Range<usize>, _| places[rows].iter().for_each(|node| self.set_due(*node));
            local.changed_runs(slot, roles.stamps[slot], due);
            if local.edits + global.edits != table.edits {
                let prev = roles.prev();
                local.changed_runs(prev, roles.stamps[prev], due);
                global.changed_runs(prev, roles.stamps[prev], due);
            }
        }
    }

    /// The children of one node, a word at a time.
    fn set_run_due(&self, mut nodes: Range<usize>) {
        while !nodes.is_empty() {
            let (word, bit) = (nodes.start / 64, nodes.start % 64);
            let count = nodes.len().min(64 - bit);
            let bits = (u64::MAX >> (64 - count)) << bit;
            if self.due[word].load(Ordering::Relaxed) & bits != bits {
                self.due[word].fetch_or(bits, Ordering::Relaxed);
            }
            nodes.start += count;
        }
    }

    /// Relaxed, as all here: a join of the pool lies between who sets and who looks.
    fn set_due(&self, node: u32) {
        self.due[node as usize / 64].fetch_or(1 << (node % 64), Ordering::Relaxed);
    }
}

/// The columns of one table.
struct Source<'t, L, G> {
    local: *const L,
    prev: *const G,
    next: *mut G,
    side: &'t Side,
}

/// Values on their way down.
struct Pass<'t, L: State, G: State, F> {
    scratch: &'t Scratch,
    tables: Vec<Source<'t, L, G>>,
    /// Every node is due.
    all: bool,
    stamp: u8,
    globals: &'t Typed<G>,
    compose: F,
}

// SAFETY: threads write different rows of `next` and their marks, and read rows that nobody writes meanwhile;
// `L` and `G` are `Send` and `Sync`.
unsafe impl<L: State, G: State, F: Sync> Sync for Pass<'_, L, G, F> {}

impl<L: State, G: State, F: Fn(Option<&G>, &L) -> G + Sync> Pass<'_, L, G, F> {
    fn run(&self) {
        for level in self.scratch.order.levels.array_windows() {
            let [start, end] = level.map(|bound| bound as usize);
            if start < end {
                self.fork(start / 64..end.div_ceil(64), &(start..end));
            }
        }
    }

    /// Looks at the nodes of one level in these words.
    fn fork(&self, words: Range<usize>, level: &Range<usize>) {
        if words.len() > JOB_WORDS {
            let half = words.start + words.len() / 2;
            crate::pool::join(|| self.fork(words.start..half, level), || self.fork(half..words.end, level));
            return;
        }
        for word in words {
            let (first, end) = (level.start.max(word * 64), level.end.min(word * 64 + 64));
            if self.all {
                (first..end).for_each(|node| self.visit(node));
                continue;
            }
            let mask = (u64::MAX << (first % 64)) & (u64::MAX >> (63 - (end - 1) % 64));
            let mut due = self.scratch.due[word].load(Ordering::Relaxed) & mask;
            while due != 0 {
                self.visit(word * 64 + due.trailing_zeros() as usize);
                due &= due - 1;
            }
        }
    }

    #[inline(always)]
    fn visit(&self, number: usize) {
        let Order { nodes, children, .. } = &self.scratch.order;
        let Node { table, row, parent } = nodes[number];
        let (source, row) = (&self.tables[table as usize], row as usize);
        let above = if parent == NONE { None } else { Some(self.value(parent)) };
        // SAFETY: the order holds rows of the tables as they are.
        let local = unsafe { source.local.add(row) };
        // SAFETY: the value is initialized; the caller's query lets nobody write it.
        let value = (self.compose)(above, unsafe { &*local });
        // SAFETY: as for `local`.
        let prev = unsafe { source.prev.add(row) };
        // SAFETY: the value is initialized, and nobody writes previous slots during a wave.
        let prev = unsafe { &*prev };
        let mark = &source.side.marks[row];
        let set = self.stamp | Kind::Changed as u8;
        if !(self.globals.io.equal)(prev, &value) {
            // SAFETY: as for `local`.
            let next = unsafe { source.next.add(row) };
            // SAFETY: the value is initialized; this visit alone has the row, by the caller's query.
            unsafe { *next = value };
            source.side.touch_page(row >> PAGE_SHIFT, self.stamp);
            mark.store(set, Ordering::Relaxed);
            self.scratch.changed[number].store(true, Ordering::Relaxed);
            if !self.all {
                self.scratch.set_run_due(children[number] as usize..children[number + 1] as usize);
            }
        } else if self.globals.strict || mark.load(Ordering::Relaxed) == set {
            // SAFETY: as for `local`.
            let next = unsafe { source.next.add(row) };
            // SAFETY: as above.
            unsafe { (*next).clone_from(prev) };
            source.side.touch_page(row >> PAGE_SHIFT, self.stamp);
            mark.store(self.stamp | Kind::Carried as u8, Ordering::Relaxed);
        }
    }

    /// The value of a node of a level that is done.
    fn value(&self, number: u32) -> &G {
        let Node { table, row, .. } = self.scratch.order.nodes[number as usize];
        let source = &self.tables[table as usize];
        let changed = self.scratch.changed[number as usize].load(Ordering::Relaxed);
        let start = if changed { source.next.cast_const() } else { source.prev };
        // SAFETY: the order holds rows of the tables as they are.
        let place = unsafe { start.add(row as usize) };
        // SAFETY: the value is initialized, and nodes of levels that are done are written no more.
        unsafe { &*place }
    }
}
