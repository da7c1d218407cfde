//! The children of each parent, in order.
//!
//! Layout: for each parent its children as (place, child), ascending, in runs of at most 256. Places are far
//! apart, so that a child can come between two others; where there is no room, as few neighbours as give
//! room move. Invariant: it changes at commits only and follows from the `Parent` values alone.

use crate::id::Id;
use std::collections::BTreeMap;

/// Between a last child and the one that is appended after it.
const GAP: u64 = 1 << 32;
/// The place of an only child.
const MIDDLE: u64 = 1 << 63;
/// Children of a run; a longer one is cut in two.
const RUN_MAX: usize = 256;
/// Neighbours on each side that move first when there is no room between two children.
const WINDOW_MIN: usize = 8;
/// How far apart children must be after a move, so that moves stay rare.
const ROOM_MIN: u64 = 1 << 16;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct TreeIndex {
    parents: BTreeMap<Id, Siblings>,
    /// Children in all.
    len: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    place: u64,
    child: Id,
}

#[derive(Debug, Default)]
struct Siblings {
    /// None is empty.
    runs: Vec<Vec<Entry>>,
    len: usize,
}

impl TreeIndex {
    /// Whether nobody is anybody's child.
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many are somebody's child.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The children of `parent`, in order.
    pub(crate) fn children(&self, parent: Id) -> Children<'_> {
        let siblings = self.parents.get(&parent);
        Children { runs: siblings.map_or(&[], |siblings| &siblings.runs), run: &[] }
    }

    /// Everybody below `root`, each parent before its children, children in order.
    pub(crate) fn descendants(&self, root: Id) -> Descendants<'_> {
        Descendants { tree: self, stack: vec![self.children(root)] }
    }

    /// Enters a child whose place is free.
    pub(crate) fn insert(&mut self, parent: Id, place: u64, child: Id) {
        self.parents.entry(parent).or_default().insert(Entry { place, child });
        self.len += 1;
    }

    /// Takes a child out; nothing happens when it is not there.
    pub(crate) fn remove(&mut self, parent: Id, place: u64) {
        let Some(siblings) = self.parents.get_mut(&parent) else { return };
        self.len -= u64::from(siblings.remove(place));
        if siblings.len == 0 {
            self.parents.remove(&parent);
        }
    }

    /// Takes all children of a parent out.
    pub(crate) fn remove_all(&mut self, parent: Id) {
        self.len -= self.parents.remove(&parent).map_or(0, |siblings| siblings.len as u64);
    }

    /// A free place before the child that is `index`-th now, or after the last; `moved` gets the children that
    /// had to make room, with their new places.
    pub(crate) fn make_room(&mut self, parent: Id, index: usize, moved: &mut Vec<(Id, u64)>) -> u64 {
        let Some(siblings) = self.parents.get_mut(&parent) else { return MIDDLE };
        let index = index.min(siblings.len);
        siblings.room(index).unwrap_or_else(|| siblings.spread(index, moved))
    }
}

impl Siblings {
    /// The run in which `place` is or would be.
    fn run_of(&self, place: u64) -> usize {
        self.runs.partition_point(|run| run[0].place <= place).saturating_sub(1)
    }

    fn insert(&mut self, entry: Entry) {
        self.len += 1;
        let number = self.run_of(entry.place);
        let last = number + 1 >= self.runs.len();
        let Some(run) = self.runs.get_mut(number) else {
            self.runs.push(vec![entry]);
            return;
        };
        let at = run.partition_point(|other| other.place < entry.place);
        assert!(run.get(at).is_none_or(|other| other.place != entry.place), "two children in one place");
        if run.len() < RUN_MAX {
            run.insert(at, entry);
        } else if last && at == run.len() {
            self.runs.push(vec![entry]);
        } else {
            let mut rest = run.split_off(RUN_MAX / 2);
            match at.checked_sub(RUN_MAX / 2) {
                Some(at) => rest.insert(at, entry),
                None => run.insert(at, entry),
            }
            self.runs.insert(number + 1, rest);
        }
    }

    fn remove(&mut self, place: u64) -> bool {
        let number = self.run_of(place);
        let Some(run) = self.runs.get_mut(number) else { return false };
        let Ok(at) = run.binary_search_by_key(&place, |entry| entry.place) else { return false };
        run.remove(at);
        self.len -= 1;
        if run.is_empty() {
            self.runs.remove(number);
        } else if number + 1 < self.runs.len()
            && self.runs[number].len() + self.runs[number + 1].len() <= RUN_MAX / 2
        {
            let next = self.runs.remove(number + 1);
            self.runs[number].extend(next);
        }
        true
    }

    /// The `index`-th child; a step a run.
    fn entry_mut(&mut self, mut index: usize) -> Option<&mut Entry> {
        for run in &mut self.runs {
            if index < run.len() {
                return run.get_mut(index);
            }
            index -= run.len();
        }
        None
    }

    fn place(&mut self, index: usize) -> Option<u64> {
        if index + 1 == self.len {
            return self.runs.last().and_then(|run| run.last()).map(|entry| entry.place);
        }
        self.entry_mut(index).map(|entry| entry.place)
    }

    /// A free place before the `index`-th child.
    fn room(&mut self, index: usize) -> Option<u64> {
        let before = index.checked_sub(1).and_then(|index| self.place(index));
        let after = if index == self.len { None } else { self.place(index) };
        match (before, after) {
            (None, None) => Some(MIDDLE),
            (Some(before), None) => before.checked_add(GAP),
            (None, Some(after)) => after.checked_sub(GAP),
            (Some(before), Some(after)) => {
                let middle = before + (after - before) / 2;
                (middle > before).then_some(middle)
            }
        }
    }

    /// Moves the neighbours of a place before the `index`-th child apart, and answers that place. The window
    /// doubles until there is room, so that the cost is that of a few moves an insertion on average.
    fn spread(&mut self, index: usize, moved: &mut Vec<(Id, u64)>) -> u64 {
        let mut width = WINDOW_MIN;
        loop {
            let (start, end) = (index.saturating_sub(width), (index + width).min(self.len));
            let low = start.checked_sub(1).and_then(|before| self.place(before)).unwrap_or(0);
            let high = if end == self.len { u64::MAX } else { self.place(end).unwrap_or(u64::MAX) };
            let step = (high - low) / (end - start + 2) as u64;
            if step < ROOM_MIN && end - start < self.len {
                width *= 2;
                continue;
            }
            assert!(step > 0, "more children than places");
            for number in start..end {
                let rank = (number - start + 1 + usize::from(number >= index)) as u64;
                let entry = self.entry_mut(number).expect("the window lies among the children");
                entry.place = low + step * rank;
                moved.push((entry.child, entry.place));
            }
            return low + step * (index - start + 1) as u64;
        }
    }
}

/// The children of one entity, in order.
#[derive(Debug, Clone)]
pub struct Children<'a> {
    runs: &'a [Vec<Entry>],
    run: &'a [Entry],
}

impl Iterator for Children<'_> {
    type Item = Id;

    #[inline]
    fn next(&mut self) -> Option<Id> {
        loop {
            if let Some((first, rest)) = self.run.split_first() {
                self.run = rest;
                return Some(first.child);
            }
            let (run, runs) = self.runs.split_first()?;
            (self.run, self.runs) = (run, runs);
        }
    }
}

/// Everybody below one entity, depth first: each parent before its children, children in order.
#[derive(Debug, Clone)]
pub struct Descendants<'a> {
    tree: &'a TreeIndex,
    stack: Vec<Children<'a>>,
}

impl Iterator for Descendants<'_> {
    type Item = Id;

    fn next(&mut self) -> Option<Id> {
        while let Some(children) = self.stack.last_mut() {
            if let Some(child) = children.next() {
                self.stack.push(self.tree.children(child));
                return Some(child);
            }
            self.stack.pop();
        }
        None
    }
}
