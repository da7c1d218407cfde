//! Ways through graphs: walks, shortest ways, orders, components. Pure functions of a graph.
//!
//! Invariant: where several answers are right, the names of nodes decide, so that equal graphs get equal answers. No
//! function recurses over a graph. Left out: whatever else petgraph knows; [`to_petgraph`] is its door.

mod order;
mod shortest;
mod walk;

pub use order::{connected_components, strongly_connected_components, topological_sort};
pub use shortest::{Path, ShortestPaths, a_star, shortest_path, shortest_paths};
pub use walk::{Walk, breadth_first, depth_first};

use diptych_components::graph::{Edge, Graph, NodeId};
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::BTreeMap;

/// The graph for petgraph's algorithms: a node's index is its place in the order of names; an edge that leads both ways
/// is two. What lies on nodes and edges is borrowed.
///
/// Costs a copy of the structure. petgraph breaks ties by order of insertion, which is that of names here.
///
/// # Examples
/// ```
/// use diptych_components::graph::{Edge, Graph};
/// use diptych_systems::graph::to_petgraph;
/// let mut graph: Graph<&str> = Graph::directed();
/// graph.add_edge("a", "b", Edge::default())?;
/// graph.add_edge("b", "a", Edge::default())?;
/// assert!(petgraph::algo::is_cyclic_directed(&to_petgraph(&graph)));
/// # Ok::<(), diptych_components::graph::GraphError>(())
/// ```
#[must_use]
pub fn to_petgraph<K: NodeId, N, E>(graph: &Graph<K, N, E>) -> DiGraph<&K, &Edge<E>> {
    let mut other = DiGraph::with_capacity(graph.node_count(), graph.edge_count());
    let places: BTreeMap<&K, NodeIndex> = graph.nodes().map(|(id, _)| (id, other.add_node(id))).collect();
    for (id, _) in graph.nodes() {
        // Backwards: petgraph walks the edges of a node from the last that was added.
        let edges: Vec<_> = graph.neighbours(id).collect();
        for (to, edge) in edges.into_iter().rev() {
            other.add_edge(places[id], places[to], edge);
        }
    }
    other
}

#[cfg(test)]
mod tests;
