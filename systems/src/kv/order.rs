//! Keys in the order of their bytes, kept only as far as somebody asks.
//!
//! Invariant: every key that was put and not taken is either in the tree or pending; [`Order::settle`] leaves none
//! pending. Who never scans pays a push for a put and a swap for a take. Left out: whose keys they are; a slot is a
//! number to this file.

use std::collections::BTreeMap;
use std::collections::btree_map::Range;
use std::ops::Bound;
use std::sync::Arc;

/// In [`Order::places`]: the key of the slot is in the tree.
const IN_TREE: u32 = u32::MAX;
/// When one key pends for so many in the tree, the tree is built anew from both instead of searched for each.
const REBUILD_SHARE: usize = 8;

/// See the head of the file.
#[derive(Default, Debug)]
pub(super) struct Order {
    tree: BTreeMap<Arc<[u8]>, u32>,
    /// Slots whose keys came since the last [`Order::settle`], in no order.
    pending: Vec<u32>,
    /// By slot: its place in `pending`, or [`IN_TREE`].
    places: Vec<u32>,
}

impl Order {
    /// Takes note of a key that was not there.
    #[inline]
    pub(super) fn put(&mut self, slot: u32) {
        let index = slot as usize;
        if index >= self.places.len() {
            self.places.resize(index + 1, IN_TREE);
        }
        self.places[index] = self.pending.len() as u32;
        self.pending.push(slot);
    }

    /// Forgets the key of a slot.
    pub(super) fn take(&mut self, slot: u32, key: &[u8]) {
        let place = self.places[slot as usize];
        if place == IN_TREE {
            let was = self.tree.remove(key);
            debug_assert_eq!(was, Some(slot), "the tree has each settled key");
            return;
        }
        self.pending.swap_remove(place as usize);
        if let Some(moved) = self.pending.get(place as usize) {
            self.places[*moved as usize] = place;
        }
    }

    /// Brings every pending key into the tree; `key` gives the key of a slot.
    pub(super) fn settle<'a>(&mut self, key: impl Fn(u32) -> &'a Arc<[u8]>) {
        if self.pending.is_empty() {
            return;
        }
        let news = self.pending.drain(..).inspect(|slot| self.places[*slot as usize] = IN_TREE);
        let news = news.map(|slot| (Arc::clone(key(slot)), slot));
        if news.len() * REBUILD_SHARE < self.tree.len() {
            self.tree.extend(news);
        } else {
            // Both are sorted then, and joined in one pass.
            let mut news: BTreeMap<_, _> = news.collect();
            self.tree.append(&mut news);
        }
    }

    /// The settled keys with this prefix, ascending by bytes, behind `after` where there is one.
    pub(super) fn range<'a>(&'a self, prefix: &'a [u8], after: Option<&'a [u8]>) -> Ordered<'a> {
        debug_assert!(self.pending.is_empty(), "keys are settled before they are asked for");
        let from = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        Ordered { rest: self.tree.range::<[u8], _>((from, Bound::Unbounded)), prefix }
    }

    /// Forgets all keys and keeps the room.
    pub(super) fn clear(&mut self) {
        self.tree.clear();
        self.pending.clear();
        self.places.clear();
    }

    /// Gives room beyond so many keys back.
    pub(super) fn shrink(&mut self, kept: usize) {
        self.pending.shrink_to(kept);
        self.places.shrink_to(kept);
    }

    /// Bytes on the heap, the tree's nodes estimated as three quarters full.
    pub(super) fn heap_bytes(&self) -> usize {
        let entry = size_of::<Arc<[u8]>>() + size_of::<u32>();
        self.tree.len() * entry * 4 / 3
            + (self.pending.capacity() + self.places.capacity()) * size_of::<u32>()
    }
}

/// See [`Order::range`].
pub(super) struct Ordered<'a> {
    rest: Range<'a, Arc<[u8]>, u32>,
    prefix: &'a [u8],
}

impl<'a> Iterator for Ordered<'a> {
    type Item = (&'a Arc<[u8]>, u32);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (key, slot) = self.rest.next()?;
        key.starts_with(self.prefix).then_some((key, *slot))
    }
}
