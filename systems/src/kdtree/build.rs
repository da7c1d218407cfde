//! How a tree is built: halves by selection, the upper levels with all threads on the parts of a level.
//!
//! Invariant: a part is halved by its own points alone, so that it does not matter who does it.

use super::{BUCKET_MAX, Bounds, Entry, KdTree, POINTS_MAX, Siblings};
use core::cmp::Ordering;
use diptych_engine::par_each;
use glam::DVec2;

/// From this many parts on, each is finished by one thread.
const PARTS: usize = 64;
/// Trees of fewer points are built by one thread.
const ALONE: usize = 2048;

/// The points of a node that are still in any order, and the cell that they lie in.
struct Part<'a> {
    entries: &'a mut [Entry],
    bounds: &'a mut [Bounds],
    /// The node, among the nodes of its depth.
    index: u64,
    depth: u32,
    cell: Bounds,
}

impl KdTree {
    /// Forgets what there was and takes these points; the item of a point is its index. A leaf gets at most `bucket`
    /// points, and two as the least.
    ///
    /// # Panics
    /// When there are more than [`POINTS_MAX`] points.
    pub fn rebuild(&mut self, points: &[DVec2], bucket: usize) {
        assert!(points.len() <= POINTS_MAX, "a tree has at most {POINTS_MAX} points, not {}", points.len());
        let entries = (0..).zip(points).filter(|(_, at)| at.is_finite());
        self.entries.clear();
        self.entries.extend(entries.map(|(item, at)| Entry { at: at.to_array(), item }));
        let bucket = bucket.clamp(2, BUCKET_MAX);
        self.depth = 0;
        while self.entries.len().div_ceil(1 << self.depth) > bucket {
            self.depth += 1;
        }
        self.siblings.clear();
        self.siblings.resize(1 << self.depth, Siblings([Bounds::EMPTY; 2]));
        self.halve();
        let bounds: &mut [Bounds] = bytemuck::cast_slice_mut(&mut self.siblings);
        for node in (1..1 << self.depth).rev() {
            bounds[node] = bounds[2 * node].union(bounds[2 * node + 1]);
        }
    }

    /// Brings all points into the order of the leaves, and finds the boxes of the leaves.
    fn halve(&mut self) {
        let (all, depth) = (self.entries.len() as u64, self.depth);
        let cell = bounds_of(&self.entries);
        let bounds: &mut [Bounds] = bytemuck::cast_slice_mut(&mut self.siblings);
        let (entries, bounds) = (&mut self.entries[..], &mut bounds[1 << depth..]);
        let mut parts = vec![Part { entries, bounds, index: 0, depth: 0, cell }];
        let split = if all < ALONE as u64 { 0 } else { depth.min(PARTS.ilog2()) };
        for _ in 0..split {
            par_each(&mut parts, |_, part| part.select(all));
            parts = parts.into_iter().flat_map(|part| part.halves(all)).collect();
        }
        par_each(&mut parts, |_, part| part.finish(all, depth));
    }
}

impl<'a> Part<'a> {
    /// Where its points begin among all, and where its second half and what comes after it do.
    fn starts(&self, all: u64) -> [usize; 3] {
        let start = |index: u64, depth: u32| ((index * all) >> depth) as usize;
        let (index, depth) = (self.index, self.depth);
        [start(index, depth), start(2 * index + 1, depth + 1), start(index + 1, depth)]
    }

    /// Puts the lower half of its points first, across the longer side of its cell.
    fn select(&mut self, all: u64) {
        let [start, middle, end] = self.starts(all);
        // Of a single point, which half of two leaves gets it is said by the numbers alone.
        if end - start < 2 {
            return;
        }
        match self.axis() {
            0 => select_along::<0>(self.entries, middle - start),
            _ => select_along::<1>(self.entries, middle - start),
        }
    }

    /// The axis along which its cell is longer.
    fn axis(&self) -> usize {
        let size = self.cell.high - self.cell.low;
        usize::from(size.y > size.x)
    }

    /// Its two halves, after `select`.
    fn halves(self, all: u64) -> [Part<'a>; 2] {
        let [start, middle, _] = self.starts(all);
        let axis = self.axis();
        let (mut low, mut high) = (self.cell, self.cell);
        if let Some(first) = self.entries.get(middle - start) {
            low.high[axis] = first.at[axis];
            high.low[axis] = first.at[axis];
        }
        let (lower, upper) = self.entries.split_at_mut(middle - start);
        let (first, second) = self.bounds.split_at_mut(self.bounds.len() / 2);
        let (index, depth) = (2 * self.index, self.depth + 1);
        [
            Part { entries: lower, bounds: first, index, depth, cell: low },
            Part { entries: upper, bounds: second, index: index + 1, depth, cell: high },
        ]
    }

    /// Everything below it, down to `depth`.
    fn finish(&mut self, all: u64, depth: u32) {
        if self.depth == depth {
            self.bounds[0] = bounds_of(self.entries);
            return;
        }
        self.select(all);
        let (entries, bounds) = (&mut *self.entries, &mut *self.bounds);
        let whole = Part { entries, bounds, index: self.index, depth: self.depth, cell: self.cell };
        for mut half in whole.halves(all) {
            half.finish(all, depth);
        }
    }
}

/// Puts the lowest `count` points along an axis first.
fn select_along<const AXIS: usize>(entries: &mut [Entry], count: usize) {
    // Points are numbers; of equal ones those come first that the selection leaves there, which their order decides.
    let order = |a: &Entry, b: &Entry| a.at[AXIS].partial_cmp(&b.at[AXIS]).unwrap_or(Ordering::Equal);
    entries.select_nth_unstable_by(count, order);
}

fn bounds_of(entries: &[Entry]) -> Bounds {
    let around = |bounds: Bounds, entry: &Entry| {
        let at = DVec2::from_array(entry.at);
        Bounds { low: bounds.low.min(at), high: bounds.high.max(at) }
    };
    entries.iter().fold(Bounds::EMPTY, around)
}
