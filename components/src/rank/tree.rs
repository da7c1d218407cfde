//! The tree of a map: nodes in one list, which name each other by their places in it.
//!
//! Invariant: heights of siblings differ by one at most, so no walk is deeper than 45; each node knows its height and
//! how many nodes it and those below are. The places of nodes follow from history and are never seen.

use super::RANK_ENTRIES_MAX;
use core::borrow::Borrow;
use core::cmp::Ordering;

/// The place of no node.
pub(super) const NONE: u32 = u32::MAX;
const _: () = assert!(RANK_ENTRIES_MAX < NONE as usize);

/// What is wrong with a tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RankFault {
    /// A key does not lie between its neighbours: the `Ord` of the keys contradicts itself.
    #[error("the key at rank {rank} is not above the one before it: look at the Ord of the keys")]
    Order {
        /// Its place.
        rank: usize,
    },
    /// The sides of a node differ in height by more than one.
    #[error("the sides of the node at rank {rank} are {left} and {right} high: the tree is not balanced")]
    Balance {
        /// Its place.
        rank: usize,
        /// The height on its left.
        left: u32,
        /// The height on its right.
        right: u32,
    },
    /// A node's height or count is not that of the nodes below it.
    #[error("the node at rank {rank} counts wrongly what is below it")]
    Counts {
        /// Its place.
        rank: usize,
    },
}

#[derive(Clone)]
pub(super) struct Node<K, V> {
    pub(super) key: K,
    pub(super) value: V,
    pub(super) left: u32,
    pub(super) right: u32,
    /// Nodes from here downwards.
    pub(super) size: u32,
    /// Nodes above each other from here downwards.
    pub(super) height: u32,
}

pub(super) struct Tree<K, V> {
    pub(super) nodes: Vec<Node<K, V>>,
    pub(super) root: u32,
}

impl<K: Clone, V: Clone> Clone for Tree<K, V> {
    fn clone(&self) -> Self {
        Self { nodes: self.nodes.clone(), root: self.root }
    }

    /// Into the allocation that is there: a row of state is settled so.
    fn clone_from(&mut self, from: &Self) {
        self.nodes.clone_from(&from.nodes);
        self.root = from.root;
    }
}

impl<K, V> Tree<K, V> {
    pub(super) const fn new() -> Self {
        Self { nodes: Vec::new(), root: NONE }
    }

    /// The tree of entries whose keys ascend, as low as can be.
    pub(super) fn from_sorted(entries: Vec<(K, V)>) -> Self {
        let node = |(key, value)| Node { key, value, left: NONE, right: NONE, size: 1, height: 1 };
        let mut tree = Self { nodes: entries.into_iter().map(node).collect(), root: NONE };
        tree.root = tree.link(0, tree.nodes.len() as u32);
        tree
    }

    /// Links the nodes of the places from `start` to before `end`, and gives the one on top.
    fn link(&mut self, start: u32, end: u32) -> u32 {
        if start == end {
            return NONE;
        }
        let middle = start + (end - start) / 2;
        let (left, right) = (self.link(start, middle), self.link(middle + 1, end));
        let node = &mut self.nodes[middle as usize];
        (node.left, node.right) = (left, right);
        self.recount(middle);
        middle
    }

    pub(super) fn entry(&self, at: u32) -> (&K, &V) {
        let node = &self.nodes[at as usize];
        (&node.key, &node.value)
    }

    pub(super) fn size(&self, at: u32) -> usize {
        self.nodes.get(at as usize).map_or(0, |node| node.size as usize)
    }

    pub(super) fn height(&self, at: u32) -> u32 {
        self.nodes.get(at as usize).map_or(0, |node| node.height)
    }

    pub(super) fn select(&self, mut rank: usize) -> Option<u32> {
        let mut at = self.root;
        while let Some(node) = self.nodes.get(at as usize) {
            let before = self.size(node.left);
            match rank.cmp(&before) {
                Ordering::Less => at = node.left,
                Ordering::Equal => return Some(at),
                Ordering::Greater => {
                    rank -= before + 1;
                    at = node.right;
                }
            }
        }
        None
    }

    fn recount(&mut self, at: u32) {
        let Node { left, right, .. } = self.nodes[at as usize];
        let (size, height) = (self.size(left) + self.size(right), self.height(left).max(self.height(right)));
        let node = &mut self.nodes[at as usize];
        (node.size, node.height) = (size as u32 + 1, height + 1);
    }

    /// Makes `at` right when one of its sides has gained or lost one in height; gives the node in its place.
    fn balance(&mut self, at: u32) -> u32 {
        let Node { left, right, .. } = self.nodes[at as usize];
        let (left_height, right_height) = (self.height(left), self.height(right));
        if left_height > right_height + 1 {
            let Node { left: outer, right: inner, .. } = self.nodes[left as usize];
            if self.height(inner) > self.height(outer) {
                self.nodes[at as usize].left = self.turn_left(left);
            }
            return self.turn_right(at);
        }
        if right_height > left_height + 1 {
            let Node { left: inner, right: outer, .. } = self.nodes[right as usize];
            if self.height(inner) > self.height(outer) {
                self.nodes[at as usize].right = self.turn_right(right);
            }
            return self.turn_left(at);
        }
        self.recount(at);
        at
    }

    /// The right child goes up into the place of `at`.
    fn turn_left(&mut self, at: u32) -> u32 {
        let top = self.nodes[at as usize].right;
        self.nodes[at as usize].right = self.nodes[top as usize].left;
        self.nodes[top as usize].left = at;
        self.recount(at);
        self.recount(top);
        top
    }

    /// The left child goes up into the place of `at`.
    fn turn_right(&mut self, at: u32) -> u32 {
        let top = self.nodes[at as usize].left;
        self.nodes[at as usize].left = self.nodes[top as usize].right;
        self.nodes[top as usize].right = at;
        self.recount(at);
        self.recount(top);
        top
    }

    /// Takes the first node below `at` out: that node, and the one now in the place of `at`.
    fn detach_first(&mut self, at: u32) -> (u32, u32) {
        let Node { left, right, .. } = self.nodes[at as usize];
        if left == NONE {
            return (at, right);
        }
        let (first, rest) = self.detach_first(left);
        self.nodes[at as usize].left = rest;
        (first, self.balance(at))
    }
}

impl<K: Ord, V> Tree<K, V> {
    /// The node of a key, or [`NONE`].
    pub(super) fn find<Q: Ord + ?Sized>(&self, key: &Q) -> u32
    where
        K: Borrow<Q>,
    {
        let mut at = self.root;
        while let Some(node) = self.nodes.get(at as usize) {
            at = match key.cmp(node.key.borrow()) {
                Ordering::Less => node.left,
                Ordering::Equal => break,
                Ordering::Greater => node.right,
            };
        }
        at
    }

    /// How many keys are below `key`; with `or_equal`, below or equal.
    pub(super) fn rank<Q: Ord + ?Sized>(&self, key: &Q, or_equal: bool) -> usize
    where
        K: Borrow<Q>,
    {
        let (mut at, mut rank) = (self.root, 0);
        while let Some(node) = self.nodes.get(at as usize) {
            let order = node.key.borrow().cmp(key);
            if order == Ordering::Less || or_equal && order == Ordering::Equal {
                rank += self.size(node.left) + 1;
                at = node.right;
            } else {
                at = node.left;
            }
        }
        rank
    }

    pub(super) fn set(&mut self, key: K, value: V) -> Option<V> {
        let at = self.find(&key);
        if let Some(node) = self.nodes.get_mut(at as usize) {
            return Some(core::mem::replace(&mut node.value, value));
        }
        assert!(self.nodes.len() < RANK_ENTRIES_MAX, "a map holds at most {RANK_ENTRIES_MAX} entries");
        let added = self.nodes.len() as u32;
        self.nodes.push(Node { key, value, left: NONE, right: NONE, size: 1, height: 1 });
        self.root = self.attach(self.root, added);
        None
    }

    /// Hangs the node `added`, whose key is new, below `at`; gives the node now in the place of `at`.
    fn attach(&mut self, at: u32, added: u32) -> u32 {
        if at == NONE {
            return added;
        }
        let Node { left, right, .. } = self.nodes[at as usize];
        if self.nodes[added as usize].key < self.nodes[at as usize].key {
            self.nodes[at as usize].left = self.attach(left, added);
        } else {
            self.nodes[at as usize].right = self.attach(right, added);
        }
        self.balance(at)
    }

    pub(super) fn delete<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let found = self.find(key);
        if found == NONE {
            return None;
        }
        self.root = self.detach(self.root, key, found);
        Some(self.drop_node(found))
    }

    /// Takes the node `found` of this key, which is `at` or below it, out; gives the node now in the place of `at`.
    fn detach<Q: Ord + ?Sized>(&mut self, at: u32, key: &Q, found: u32) -> u32
    where
        K: Borrow<Q>,
    {
        let Node { left, right, .. } = self.nodes[at as usize];
        if at == found {
            return self.without(at);
        }
        if key < self.nodes[at as usize].key.borrow() {
            self.nodes[at as usize].left = self.detach(left, key, found);
        } else {
            self.nodes[at as usize].right = self.detach(right, key, found);
        }
        self.balance(at)
    }

    /// What takes the place of `at` when it goes.
    fn without(&mut self, at: u32) -> u32 {
        let Node { left, right, .. } = self.nodes[at as usize];
        if left == NONE || right == NONE {
            return if left == NONE { right } else { left };
        }
        let (next, rest) = self.detach_first(right);
        let node = &mut self.nodes[next as usize];
        (node.left, node.right) = (left, rest);
        self.balance(next)
    }

    /// Takes a node that no other names out of the list; the last one moves into its place.
    fn drop_node(&mut self, at: u32) -> V {
        let last = self.nodes.len() as u32 - 1;
        if at != last {
            let mut above = NONE;
            let mut walk = self.root;
            while walk != last {
                let node = &self.nodes[walk as usize];
                above = walk;
                let is_below = self.nodes[last as usize].key < node.key;
                walk = if is_below { node.left } else { node.right };
            }
            match self.nodes.get_mut(above as usize) {
                None => self.root = at,
                Some(node) if node.left == last => node.left = at,
                Some(node) => node.right = at,
            }
        }
        self.nodes.swap_remove(at as usize).value
    }

    pub(super) fn validate(&self) -> Result<(), RankFault> {
        let mut seen: Vec<u32> = Vec::new();
        self.validate_below(self.root, &mut seen)?;
        if seen.len() != self.nodes.len() {
            return Err(RankFault::Counts { rank: seen.len() });
        }
        Ok(())
    }

    /// Height and size of what is below, whose nodes are added to `seen`.
    fn validate_below(&self, at: u32, seen: &mut Vec<u32>) -> Result<(u32, u32), RankFault> {
        let Some(node) = self.nodes.get(at as usize) else { return Ok((0, 0)) };
        // A node that is named twice would else lead round and round.
        if node.height <= self.height(node.left).max(self.height(node.right)) {
            return Err(RankFault::Counts { rank: seen.len() });
        }
        let (left, left_size) = self.validate_below(node.left, seen)?;
        let rank = seen.len();
        if seen.last().is_some_and(|last| self.nodes[*last as usize].key >= node.key) {
            return Err(RankFault::Order { rank });
        }
        seen.push(at);
        let (right, right_size) = self.validate_below(node.right, seen)?;
        if left.abs_diff(right) > 1 {
            return Err(RankFault::Balance { rank, left, right });
        }
        let (height, size) = (left.max(right) + 1, left_size + right_size + 1);
        if (node.height, node.size) != (height, size) {
            return Err(RankFault::Counts { rank });
        }
        Ok((height, size))
    }
}
