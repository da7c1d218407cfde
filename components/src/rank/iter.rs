//! A walk over the entries of neighbouring ranks.
//!
//! Invariant: by key; it holds a path through the tree, so that a step costs constant time on average.

use super::tree::{NONE, Tree};
use core::fmt;

/// Entries of a [`RankMap`](super::RankMap) by key.
pub struct Iter<'a, K, V> {
    tree: &'a Tree<K, V>,
    /// The next node last, and before it those above that come later.
    path: Vec<u32>,
    left: usize,
}

impl<'a, K, V> Iter<'a, K, V> {
    /// The entries of the ranks from `start` to before `end`.
    pub(super) fn new(tree: &'a Tree<K, V>, start: usize, end: usize) -> Self {
        let left = end.saturating_sub(start);
        let mut iter = Self { tree, path: Vec::new(), left };
        let (mut at, mut rank) = (if left == 0 { NONE } else { tree.root }, start);
        while at != NONE {
            let node = &tree.nodes[at as usize];
            let before = tree.size(node.left);
            if rank <= before {
                iter.path.push(at);
            }
            match rank.cmp(&before) {
                core::cmp::Ordering::Less => at = node.left,
                core::cmp::Ordering::Equal => break,
                core::cmp::Ordering::Greater => {
                    rank -= before + 1;
                    at = node.right;
                }
            }
        }
        iter
    }
}

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let at = self.path.pop()?;
        let mut below = self.tree.nodes[at as usize].right;
        while below != NONE {
            self.path.push(below);
            below = self.tree.nodes[below as usize].left;
        }
        Some(self.tree.entry(at))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<K, V> ExactSizeIterator for Iter<'_, K, V> {}

impl<K, V> Clone for Iter<'_, K, V> {
    fn clone(&self) -> Self {
        Self { tree: self.tree, path: self.path.clone(), left: self.left }
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Iter<'_, K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.clone()).finish()
    }
}
