//! The nodes of a tree in the order in which values go down it, kept between frames.
//!
//! Layout: breadth first, so that each level is a run, and the children of a node are one. Invariant: it holds
//! as long as no row of its tables has come, gone or moved, and no `Parent` in them has changed, which it
//! knows by the tables' versions. The order of siblings has no meaning here.

use super::{Parent, Tree};
use crate::buffer::{State, Typed};
use bevy_ecs::storage::TableId;

/// No parent.
pub(super) const NONE: u32 = u32::MAX;

/// One entity that holds both types.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    /// The place of its table in [`Order::tables`].
    pub(super) table: u32,
    pub(super) row: u32,
    /// The parent's place in [`Order::nodes`], if it is a node.
    pub(super) parent: u32,
}

/// A table of nodes, as it was when the order was made.
#[derive(Debug, PartialEq)]
pub(super) struct OrderedTable {
    pub(super) id: TableId,
    rows: u64,
    links: u64,
    /// Values that structure or inputs wrote into rows, of either type.
    pub(super) edits: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Order {
    pub(super) tables: Vec<OrderedTable>,
    pub(super) nodes: Vec<Node>,
    /// Where the children of each node begin; those of the next node follow.
    pub(super) children: Vec<u32>,
    /// Where each level begins, and where the last ends.
    pub(super) levels: Vec<u32>,
    /// For each table, the node of each row.
    pub(super) places: Vec<Vec<u32>>,
    /// The last frame in which values went down.
    pub(super) frame: u64,
}

/// The tables that hold both types, as they are now.
pub(super) fn tables<L: State, G: State>(
    locals: &Typed<L>,
    globals: &Typed<G>,
    parents: &Typed<Parent>,
) -> impl Iterator<Item = OrderedTable> {
    globals.by_table.iter().filter_map(|(id, marks)| {
        let edits = locals.by_table.get(id)?.edits + marks.edits;
        let links = parents.by_table.get(id).map_or(0, |marks| marks.version);
        Some(OrderedTable { id, rows: marks.version, links, edits })
    })
}

impl Order {
    /// Whether the order still holds for `tables`.
    pub(super) fn holds(&self, mut tables: impl Iterator<Item = OrderedTable>) -> bool {
        let same = |old: &OrderedTable, new: OrderedTable| {
            (old.id, old.rows, old.links) == (new.id, new.rows, new.links)
        };
        self.tables.iter().all(|old| tables.next().is_some_and(|new| same(old, new)))
            && tables.next().is_none()
    }

    /// Makes the order anew. Cost: a hop a node.
    pub(super) fn rebuild(
        &mut self,
        tables: Vec<OrderedTable>,
        tree: &Tree<'_, '_>,
        values: impl Fn(TableId) -> (usize, Option<*const Parent>),
    ) {
        self.tables = tables;
        let mut firsts: Vec<u32> = Vec::new();
        let (mut flat, mut count) = (Vec::new(), 0_u32);
        for (number, table) in self.tables.iter().enumerate() {
            let place = table.id.as_usize();
            firsts.resize(firsts.len().max(place + 1), NONE);
            firsts[place] = count;
            let (rows, _) = values(table.id);
            count += rows as u32;
            flat.extend((0..rows as u32).map(|row| Node { table: number as u32, row, parent: NONE }));
        }
        // How many children each node has, then where they end, then, as they are put down, where they begin.
        let mut ends = vec![0_u32; flat.len() + 1];
        let mut at = 0;
        for table in &self.tables {
            let (rows, parents) = values(table.id);
            for row in 0..rows {
                let parent = parents.and_then(|parents| tree.location(parents, row));
                if let Some((table, row)) = parent
                    && let Some(first) = firsts.get(table.as_usize()).filter(|first| **first != NONE)
                {
                    flat[at].parent = first + row;
                    ends[(first + row) as usize] += 1;
                }
                at += 1;
            }
        }
        let mut sum = 0;
        for end in &mut ends {
            sum += *end;
            *end = sum;
        }
        let mut below = vec![0_u32; sum as usize];
        let mut queue: Vec<u32> = Vec::with_capacity(flat.len());
        for (child, node) in flat.iter().enumerate().rev() {
            if node.parent == NONE {
                queue.push(child as u32);
            } else {
                let end = &mut ends[node.parent as usize];
                *end -= 1;
                below[*end as usize] = child as u32;
            }
        }
        queue.reverse();
        self.lay_out(&flat, &ends, &below, queue);
    }

    /// Breadth first from the roots in `queue`.
    fn lay_out(&mut self, flat: &[Node], begins: &[u32], below: &[u32], mut queue: Vec<u32>) {
        self.nodes.clear();
        self.children.clear();
        self.levels.clear();
        self.levels.push(0);
        let mut ranks = vec![NONE; flat.len()];
        let mut level_end = queue.len();
        let mut at = 0;
        while at < queue.len() {
            let here = queue[at] as usize;
            ranks[here] = at as u32;
            let parent = flat[here].parent;
            let parent = if parent == NONE { NONE } else { ranks[parent as usize] };
            self.nodes.push(Node { parent, ..flat[here] });
            self.children.push(queue.len() as u32);
            queue.extend_from_slice(&below[begins[here] as usize..begins[here + 1] as usize]);
            at += 1;
            if at == level_end {
                self.levels.push(at as u32);
                level_end = queue.len();
            }
        }
        self.children.push(queue.len() as u32);
        assert!(self.nodes.len() == flat.len(), "a tree has no circle");
        self.places.resize_with(self.tables.len(), Vec::new);
        self.places.iter_mut().for_each(Vec::clear);
        let mut rest = ranks.as_slice();
        for run in flat.chunk_by(|a, b| a.table == b.table) {
            let (ranks, others) = rest.split_at(run.len());
            self.places[run[0].table as usize].extend_from_slice(ranks);
            rest = others;
        }
    }
}
