//! Shortest ways: Dijkstra's and A*.
//!
//! Not petgraph's: its Dijkstra keeps no way, and its A* panics in debug builds where an estimate at the goal is not 0,
//! and then gives a distance that is not the way's.
//!
//! Invariant: weights below 0 and such as are no numbers are refused, as soon as they are met. A way whose length
//! leaves the doubles does not exist.

use core::cmp::Reverse;
use diptych_components::canonical::Real;
use diptych_components::graph::{Edge, Graph, GraphError, NodeId};
use std::collections::{BTreeMap, BinaryHeap};

/// A way through a graph.
#[derive(Clone, PartialEq, Debug)]
pub struct Path<K> {
    /// The sum of the weights along it.
    pub distance: f64,
    /// Its nodes, both ends included.
    pub nodes: Vec<K>,
}

/// The shortest ways from one node to all that can be reached.
#[derive(Clone, PartialEq, Debug)]
pub struct ShortestPaths<K> {
    /// How far each node is that can be reached.
    pub distance: BTreeMap<K, f64>,
    /// The last node before each, but for the first.
    pub previous: BTreeMap<K, K>,
}

impl<K: NodeId> ShortestPaths<K> {
    /// The way to a node; `None` where there is none.
    #[must_use]
    pub fn path_to(&self, id: &K) -> Option<Path<K>> {
        let distance = *self.distance.get(id)?;
        let mut nodes = vec![id.clone()];
        let mut last = id;
        while let Some(previous) = self.previous.get(last) {
            nodes.push(previous.clone());
            last = previous;
        }
        nodes.reverse();
        Some(Path { distance, nodes })
    }
}

/// The shortest ways from `start` to all nodes, by Dijkstra. `weight_of` says what an edge weighs, from its ends and
/// itself: `|_, _, edge| edge.weight` for what it is said to.
///
/// Of ways that are equally short, the one that was found first stays: nodes are left by distance, then name.
///
/// # Errors
/// When there is no node `start`, or an edge that is met weighs less than 0 or NaN.
pub fn shortest_paths<K: NodeId, N, E>(
    graph: &Graph<K, N, E>,
    start: &K,
    weight_of: impl FnMut(&K, &K, &Edge<E>) -> f64,
) -> Result<ShortestPaths<K>, GraphError> {
    search(graph, start, None, |_| 0.0, weight_of)
}

/// The shortest way from `start` to `goal`, by Dijkstra; `None` where there is none.
///
/// # Examples
/// ```
/// use diptych_components::graph::{Edge, Graph};
/// use diptych_systems::graph::shortest_path;
/// let mut graph: Graph<&str> = Graph::directed();
/// graph.add_edge("s", "a", Edge::of(2.0))?;
/// graph.add_edge("a", "b", Edge::of(3.0))?;
/// graph.add_edge("s", "b", Edge::of(10.0))?;
/// let path = shortest_path(&graph, &"s", &"b", |_, _, edge| edge.weight)?.expect("there is a way");
/// assert_eq!((path.distance, path.nodes), (5.0, vec!["s", "a", "b"]));
/// # Ok::<(), diptych_components::graph::GraphError>(())
/// ```
///
/// # Errors
/// As [`shortest_paths`], and when there is no node `goal`.
pub fn shortest_path<K: NodeId, N, E>(
    graph: &Graph<K, N, E>,
    start: &K,
    goal: &K,
    weight_of: impl FnMut(&K, &K, &Edge<E>) -> f64,
) -> Result<Option<Path<K>>, GraphError> {
    if !graph.has_node(goal) {
        return Err(GraphError::no_node(goal));
    }
    Ok(search(graph, start, Some(goal), |_| 0.0, weight_of)?.path_to(goal))
}

/// The shortest way from `start` to `goal`, by A*; `None` where there is none. `estimate` says how far the goal is at
/// least: where it says too much, the way may be longer than the shortest.
///
/// Of ways that are equally short, one that was found first stays: nodes are left by distance and estimate together,
/// then name.
///
/// # Errors
/// When there is no node `start` or `goal`, an edge that is met weighs less than 0 or NaN, or an estimate is.
pub fn a_star<K: NodeId, N, E>(
    graph: &Graph<K, N, E>,
    start: &K,
    goal: &K,
    estimate: impl FnMut(&K) -> f64,
    weight_of: impl FnMut(&K, &K, &Edge<E>) -> f64,
) -> Result<Option<Path<K>>, GraphError> {
    if !graph.has_node(goal) {
        return Err(GraphError::no_node(goal));
    }
    Ok(search(graph, start, Some(goal), estimate, weight_of)?.path_to(goal))
}

/// Dijkstra's search, which is A* where nothing is known of the way that is left.
fn search<K: NodeId, N, E>(
    graph: &Graph<K, N, E>,
    start: &K,
    goal: Option<&K>,
    mut estimate: impl FnMut(&K) -> f64,
    mut weight_of: impl FnMut(&K, &K, &Edge<E>) -> f64,
) -> Result<ShortestPaths<K>, GraphError> {
    if !graph.has_node(start) {
        return Err(GraphError::no_node(start));
    }
    let mut found =
        ShortestPaths { distance: BTreeMap::from([(start.clone(), 0.0)]), previous: BTreeMap::new() };
    let first = checked_estimate(start, estimate(start))?;
    // What the whole way may be, the node, and how far it was when it was found.
    let mut next = BinaryHeap::from([Reverse((Real(first), start.clone(), Real(0.0)))]);
    while let Some(Reverse((_, id, Real(distance)))) = next.pop() {
        // An older, longer way here.
        if found.distance.get(&id).is_some_and(|shortest| distance > *shortest) {
            continue;
        }
        if goal == Some(&id) {
            break;
        }
        for (to, edge) in graph.neighbours(&id) {
            let longer = distance + checked_weight(&id, to, weight_of(&id, to, edge))?;
            if longer < found.distance.get(to).copied().unwrap_or(f64::INFINITY) {
                let whole = longer + checked_estimate(to, estimate(to))?;
                found.distance.insert(to.clone(), longer);
                found.previous.insert(to.clone(), id.clone());
                next.push(Reverse((Real(whole), to.clone(), Real(longer))));
            }
        }
    }
    Ok(found)
}

fn checked_weight<K: NodeId>(from: &K, to: &K, weight: f64) -> Result<f64, GraphError> {
    let (from, to) = (|| format!("{from:?}"), || format!("{to:?}"));
    if weight.is_nan() {
        return Err(GraphError::Weight { from: from(), to: to(), weight });
    }
    if weight < 0.0 {
        return Err(GraphError::NegativeWeight { from: from(), to: to(), weight });
    }
    Ok(weight)
}

fn checked_estimate<K: NodeId>(from: &K, estimate: f64) -> Result<f64, GraphError> {
    if estimate.is_nan() || estimate < 0.0 {
        return Err(GraphError::Estimate { from: format!("{from:?}"), estimate });
    }
    Ok(estimate)
}
