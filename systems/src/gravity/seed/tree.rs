//! The tree of the source: a body a node, halved by the median along the axes in turn.
//!
//! Invariant: left of a node is what is below it along its axis, right what is not, without itself. A body for whom there is
//! no node left, as where many are on one point, is not in the tree.

use diptych_components::gravity::TreeNode;
use glam::DVec2;

/// Levels beyond those of a tree without equal coordinates.
const LEVELS_MORE: u32 = 2;

/// Nodes of a tree of so many bodies.
#[must_use]
pub fn nodes_for(bodies: usize) -> usize {
    (1 << (bodies.max(1).ilog2() + 1 + LEVELS_MORE)) - 1
}

/// Builds the tree of these places over all nodes.
pub(super) fn construct(places: &[DVec2], nodes: &mut [TreeNode]) {
    nodes.fill(TreeNode::EMPTY);
    let mut points: Vec<(u32, DVec2)> =
        (0..).zip(places.iter().copied()).filter(|(_, at)| at.is_finite()).collect();
    place(&mut points, nodes, 0, 0);
}

fn place(points: &mut [(u32, DVec2)], nodes: &mut [TreeNode], node: usize, depth: usize) {
    let axis = depth % 2;
    points.sort_by(|a, b| a.1[axis].total_cmp(&b.1[axis]));
    let (Some(&median), Some(place_of)) = (points.get(points.len() / 2), nodes.get_mut(node)) else { return };
    *place_of = TreeNode { at: median.1, body: i64::from(median.0) };
    let split = median.1[axis];
    // The points are sorted: left are those before the first that is not below the split.
    let mut left: Vec<_> = points.iter().copied().filter(|point| point.1[axis] < split).collect();
    let is_right = |point: &(u32, DVec2)| point.0 != median.0 && point.1[axis] >= split;
    let mut right: Vec<_> = points.iter().copied().filter(is_right).collect();
    place(&mut left, nodes, 2 * node + 1, depth + 1);
    place(&mut right, nodes, 2 * node + 2, depth + 1);
}

/// Appends the bodies of nodes strictly inside of the square around a place, in the order in which the source finds them.
pub(super) fn query(nodes: &[TreeNode], at: DVec2, range: f64, found: &mut Vec<u32>) {
    let (low, high) = (at - range, at + range);
    let mut waiting = vec![(0, 0)];
    while let Some((node, depth)) = waiting.pop() {
        let Some(TreeNode { at, body }) = nodes.get(node).copied().filter(|node| *node != TreeNode::EMPTY)
        else {
            continue;
        };
        if at.cmpgt(low).all() && at.cmplt(high).all() {
            found.extend(u32::try_from(body));
        }
        let axis = depth % 2;
        if at[axis] >= low[axis] {
            waiting.push((2 * node + 2, depth + 1));
        }
        if at[axis] <= high[axis] {
            waiting.push((2 * node + 1, depth + 1));
        }
    }
}
