//! A flat tree of points in the plane, halved again and again across the longer side of their cell.
//!
//! Invariant: which points a node has follows from the list that it was built from, never from threads: each half is
//! selected from its whole by one of them. Halves are exact, and all leaves are at one depth, so the tree needs no links:
//! the children of node `n` are `2 n` and `2 n + 1`, the root is 1. Points that are no numbers are left out. Meant to be
//! built anew in each frame, from the committed one, and read in the next.

mod build;
mod query;

use bytemuck::{Pod, Zeroable};
use glam::DVec2;

/// The most points of a tree.
pub const POINTS_MAX: usize = u32::MAX as usize;
/// The most points of a leaf.
pub const BUCKET_MAX: usize = 1 << 12;

/// The smallest box around the points of a node.
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Bounds {
    /// The lowest coordinates.
    pub low: DVec2,
    /// The highest coordinates.
    pub high: DVec2,
}

impl Bounds {
    /// Around nothing.
    pub const EMPTY: Bounds = Bounds { low: DVec2::INFINITY, high: DVec2::NEG_INFINITY };

    /// Around both.
    #[inline]
    #[must_use]
    pub fn union(self, other: Bounds) -> Bounds {
        Bounds { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// The square of the distance from a place to the nearest one of the box; 0 inside.
    #[inline]
    #[must_use]
    pub fn distance_squared(&self, at: DVec2) -> f64 {
        (self.low - at).max(at - self.high).max(DVec2::ZERO).length_squared()
    }

    /// The square of the distance between the two boxes; 0 where they overlap.
    #[inline]
    #[must_use]
    pub fn gap_squared(&self, other: &Bounds) -> f64 {
        (self.low - other.high).max(other.low - self.high).max(DVec2::ZERO).length_squared()
    }
}

/// The boxes of the two children of a node: who asks for one asks for both, and in one line of the cache that is one miss.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C, align(64))]
struct Siblings([Bounds; 2]);

/// A point and which one it is, while the tree is built.
#[derive(Clone, Copy, Debug)]
struct Entry {
    at: [f64; 2],
    item: u32,
}

/// Points in the order of the leaves, and the boxes of all nodes.
///
/// ```
/// use diptych_systems::kdtree::KdTree;
/// use glam::DVec2;
///
/// let points: Vec<DVec2> = (0..100).map(|n| DVec2::new(f64::from(n), 0.5)).collect();
/// let mut tree = KdTree::default();
/// tree.rebuild(&points, 8);
/// assert_eq!(tree.nearest(DVec2::new(41.8, 9.0)).map(|(item, _)| item), Some(42));
/// let mut found = Vec::new();
/// tree.within(DVec2::new(10.0, 0.5), 1.5, &mut found);
/// found.sort_unstable();
/// assert_eq!(found, [9, 10, 11]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct KdTree {
    entries: Vec<Entry>,
    /// By node from 1 on; leaves are the last half.
    siblings: Vec<Siblings>,
    depth: u32,
}

impl KdTree {
    /// Points in the tree.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How often the points are halved: the depth of every leaf.
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.depth
    }

    /// Nodes that are leaves: 2 to the depth of them.
    #[must_use]
    pub fn leaves(&self) -> core::ops::Range<usize> {
        1 << self.depth..2 << self.depth
    }

    /// Where the points of a node lie among all: a node's are those of its children, side by side.
    #[inline]
    #[must_use]
    pub fn slots(&self, node: usize) -> core::ops::Range<usize> {
        let depth = node.ilog2();
        let index = (node - (1 << depth)) as u64;
        // It fits: 2^depth is at most the points, of which there are fewer than 2^32.
        let start = |index: u64| ((index * self.entries.len() as u64) >> depth) as usize;
        start(index)..start(index + 1)
    }

    /// The box of a node.
    #[inline]
    #[must_use]
    pub fn bounds(&self, node: usize) -> &Bounds {
        &self.siblings[node / 2].0[node % 2]
    }

    /// The place of the point in a slot.
    #[inline]
    #[must_use]
    pub fn point(&self, slot: usize) -> DVec2 {
        DVec2::from_array(self.entries[slot].at)
    }

    /// Which point is in a slot: its index in the list that the tree was built from.
    #[inline]
    #[must_use]
    pub fn item(&self, slot: usize) -> u32 {
        self.entries[slot].item
    }
}

#[cfg(test)]
mod tests;
