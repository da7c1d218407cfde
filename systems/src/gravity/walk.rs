//! From the root down to every group: who is far enough away to count as a whole, and who is nearby.
//!
//! Invariant: a node meets nodes of its own depth only, and of those the children of whom its parent was not far from.
//! Being far is the same from both sides, so whom a node meets meets it too, and each pair of bodies meets once: in two
//! far nodes or in two near leaves. Nodes are met in the order of their numbers, whatever the threads.

use super::clusters::Clusters;
use diptych_engine::par_each;

/// From the nodes of this depth on, each with all below it is a job.
const SPLIT_DEPTH: u32 = 6;

/// What is to be done on the way.
pub(super) trait Visitor: Sync {
    /// What a node hands down to its children.
    type State: Copy + Send + Sync;
    /// What comes out for each slot.
    type Out: Send;

    /// What the root begins with.
    fn begin(&self) -> Self::State;
    /// A node meets one that is far away.
    fn meet_far(&self, target: usize, source: usize, state: &mut Self::State);
    /// What a child begins with.
    fn hand_down(&self, parent: usize, child: usize, state: &Self::State) -> Self::State;
    /// A leaf has met all it meets; `near` are the leaves that were never far, itself among them.
    fn finish(&self, leaf: usize, near: &[u32], state: &Self::State, out: &mut [Self::Out]);
}

/// A node that has yet to meet its candidates.
struct Step<S> {
    node: usize,
    candidates: Vec<u32>,
    state: S,
}

/// Lets every node meet whom it meets; `out` has a place a slot.
pub(super) fn walk<V: Visitor>(clusters: &Clusters, visitor: &V, out: &mut [V::Out]) {
    assert_eq!(out.len(), clusters.len(), "a place for each slot");
    if clusters.is_empty() {
        return;
    }
    let mut steps = vec![Step { node: 1, candidates: vec![1], state: visitor.begin() }];
    for _ in 0..clusters.tree.depth().min(SPLIT_DEPTH) {
        let halve = |step: Step<V::State>| {
            let mut near = Vec::new();
            let state = meet(clusters, visitor, step.node, &step.candidates, step.state, &mut near);
            [2 * step.node, 2 * step.node + 1].map(|child| Step {
                node: child,
                candidates: near.iter().flat_map(|node| [2 * node, 2 * node + 1]).collect(),
                state: visitor.hand_down(step.node, child, &state),
            })
        };
        steps = steps.into_iter().flat_map(halve).collect();
    }
    let mut rest = out;
    let mut jobs: Vec<_> = Vec::with_capacity(steps.len());
    for step in steps {
        let (own, others) = rest.split_at_mut(clusters.tree.slots(step.node).len());
        rest = others;
        jobs.push((step, own));
    }
    par_each(&mut jobs, |_, (step, out)| {
        let mut stack = core::mem::take(&mut step.candidates);
        descend(clusters, visitor, step.node, 0, step.state, &mut stack, out);
    });
}

/// Lets a node meet its candidates; who is not far goes to `near`.
#[inline]
fn meet<V: Visitor>(
    clusters: &Clusters,
    visitor: &V,
    node: usize,
    candidates: &[u32],
    mut state: V::State,
    near: &mut Vec<u32>,
) -> V::State {
    let (law, own) = (clusters.law(), &clusters.nodes[node]);
    for &candidate in candidates {
        if own.is_far(&clusters.nodes[candidate as usize], law) {
            visitor.meet_far(node, candidate as usize, &mut state);
        } else {
            near.push(candidate);
        }
    }
    state
}

/// A node and all below it; its candidates are the end of the stack from `from` on.
fn descend<V: Visitor>(
    clusters: &Clusters,
    visitor: &V,
    node: usize,
    from: usize,
    state: V::State,
    stack: &mut Vec<u32>,
    out: &mut [V::Out],
) {
    let mut near = Vec::new();
    let state = meet(clusters, visitor, node, &stack[from..], state, &mut near);
    if node.ilog2() == clusters.tree.depth() {
        return visitor.finish(node, &near, &state, out);
    }
    let (lower, upper) = out.split_at_mut(clusters.tree.slots(2 * node).len());
    for (child, out) in [(2 * node, lower), (2 * node + 1, upper)] {
        let end = stack.len();
        stack.extend(near.iter().flat_map(|node| [2 * node, 2 * node + 1]));
        descend(clusters, visitor, child, end, visitor.hand_down(node, child, &state), stack, out);
        stack.truncate(end);
    }
}
