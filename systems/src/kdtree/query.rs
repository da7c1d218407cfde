//! What a tree is asked: who is within a distance, who is in a box, who is nearest.
//!
//! Invariant: answers follow from the points alone; of points at one distance the nearest is the one of the lower item.

use super::KdTree;
use glam::DVec2;

/// Deeper than any tree: [`super::POINTS_MAX`] is below 2 to the 32.
const DEPTH_MAX: usize = 33;

impl KdTree {
    /// Appends the items of all points whose distance from a place is at most `radius`, along the leaves.
    pub fn within(&self, at: DVec2, radius: f64, found: &mut Vec<u32>) {
        let reach = radius * radius;
        self.leaves_near(
            |bounds| bounds.distance_squared(at) <= reach,
            |_, slots| {
                for entry in &self.entries[slots] {
                    let (x, y) = (entry.at[0] - at.x, entry.at[1] - at.y);
                    if x * x + y * y <= reach {
                        found.push(entry.item);
                    }
                }
            },
        );
    }

    /// Appends the items of points strictly inside of a box, along the leaves, until there are `limit` of them.
    pub fn inside(&self, low: DVec2, high: DVec2, limit: usize, found: &mut Vec<u32>) {
        self.leaves_near(
            |bounds| {
                bounds.high.x > low.x
                    && bounds.high.y > low.y
                    && bounds.low.x < high.x
                    && bounds.low.y < high.y
            },
            |_, slots| {
                for entry in &self.entries[slots] {
                    let [x, y] = entry.at;
                    if x > low.x && y > low.y && x < high.x && y < high.y && found.len() < limit {
                        found.push(entry.item);
                    }
                }
            },
        );
    }

    /// Calls `visit` with every leaf and its slots for which, and for all nodes above it, `wanted` holds; in order.
    #[inline]
    pub fn leaves_near(
        &self,
        wanted: impl Fn(&super::Bounds) -> bool,
        mut visit: impl FnMut(usize, core::ops::Range<usize>),
    ) {
        if self.is_empty() {
            return;
        }
        let first_leaf = 1_usize << self.depth;
        let (mut waiting, mut count) = ([0_usize; DEPTH_MAX], 1);
        waiting[0] = 1;
        while count > 0 {
            count -= 1;
            let node = waiting[count];
            if !wanted(self.bounds(node)) {
                continue;
            }
            if node >= first_leaf {
                visit(node, self.slots(node));
                continue;
            }
            waiting[count] = 2 * node + 1;
            waiting[count + 1] = 2 * node;
            count += 2;
        }
    }

    /// The item of the point nearest to a place, and the square of its distance; `None` for a tree without points, and
    /// for a place that is no number.
    #[must_use]
    pub fn nearest(&self, at: DVec2) -> Option<(u32, f64)> {
        if self.is_empty() {
            return None;
        }
        let first_leaf = 1_usize << self.depth;
        let mut best = (u32::MAX, f64::INFINITY);
        let (mut waiting, mut count) = ([(0_usize, 0.0_f64); DEPTH_MAX], 1);
        waiting[0] = (1, 0.0);
        while count > 0 {
            count -= 1;
            let (mut node, distance) = waiting[count];
            if distance > best.1 {
                continue;
            }
            while node < first_leaf {
                let children = [2 * node, 2 * node + 1];
                let [left, right] = self.siblings[node].0.map(|bounds| bounds.distance_squared(at));
                let (near, far) = if right < left { (1, 0) } else { (0, 1) };
                let far_distance = left.max(right);
                if far_distance <= best.1 {
                    waiting[count] = (children[far], far_distance);
                    count += 1;
                }
                node = children[near];
            }
            for entry in &self.entries[self.slots(node)] {
                let (x, y) = (entry.at[0] - at.x, entry.at[1] - at.y);
                let distance = x * x + y * y;
                if distance < best.1 || (distance == best.1 && entry.item < best.0) {
                    best = (entry.item, distance);
                }
            }
        }
        (best.0 != u32::MAX).then_some(best)
    }
}
