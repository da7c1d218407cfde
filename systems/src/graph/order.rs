//! Orders and components.
//!
//! Invariant: as in the parent: names decide. Strongly connected components are petgraph's, put in order.

use super::{breadth_first, to_petgraph};
use core::cmp::Reverse;
use diptych_components::graph::{Graph, GraphError, NodeId};
use petgraph::graph::NodeIndex;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// All nodes so that every edge leads forwards; of nodes that may come next, the least does.
///
/// # Errors
/// When the graph is undirected, or has at least one cycle; the error shows one.
pub fn topological_sort<K: NodeId, N, E>(graph: &Graph<K, N, E>) -> Result<Vec<K>, GraphError> {
    if !graph.is_directed() {
        return Err(GraphError::Undirected("a topological order"));
    }
    let mut before: BTreeMap<&K, usize> =
        graph.nodes().map(|(id, _)| (id, graph.sources(id).count())).collect();
    let free = before.iter().filter(|(_, count)| **count == 0);
    let mut free: BinaryHeap<Reverse<&K>> = free.map(|(id, _)| Reverse(*id)).collect();
    let mut order = Vec::new();
    while let Some(Reverse(id)) = free.pop() {
        before.remove(id);
        order.push(id.clone());
        for (to, _) in graph.neighbours(id) {
            let count =
                before.get_mut(to).expect("a node that an edge leads to is not in the order before that");
            *count -= 1;
            if *count == 0 {
                free.push(Reverse(to));
            }
        }
    }
    match before.first_key_value() {
        None => Ok(order),
        Some((first, _)) => Err(GraphError::Cycle(cycle(graph, &before, first))),
    }
}

/// A cycle among nodes of which each has another one of them before it.
fn cycle<K: NodeId, N, E>(graph: &Graph<K, N, E>, rest: &BTreeMap<&K, usize>, first: &K) -> Vec<String> {
    let (mut path, mut seen): (Vec<&K>, BTreeSet<&K>) = (Vec::new(), BTreeSet::new());
    let mut at = first;
    while seen.insert(at) {
        path.push(at);
        let mut sources = graph.sources(at).filter(|id| rest.contains_key(*id));
        at = sources.next().expect("a node that is left has another one before it");
    }
    let start = path.iter().position(|id| *id == at).expect("it was seen, so it is in the path");
    path.push(at);
    // It was followed backwards.
    path[start..].iter().rev().map(|id| format!("{id:?}")).collect()
}

/// The parts of an undirected graph that are joined: each in the order of a breadth-first walk from its least node,
/// and they in the order of these.
///
/// # Errors
/// When the graph is directed.
pub fn connected_components<K: NodeId, N, E>(graph: &Graph<K, N, E>) -> Result<Vec<Vec<K>>, GraphError> {
    if graph.is_directed() {
        return Err(GraphError::Directed("connected components"));
    }
    let (mut seen, mut components) = (BTreeSet::new(), Vec::new());
    for (id, _) in graph.nodes() {
        if !seen.contains(id) {
            let order = breadth_first(graph, id, |_| false)?.order;
            seen.extend(order.iter().cloned());
            components.push(order);
        }
    }
    Ok(components)
}

/// The largest parts of a directed graph in which every node can be reached from every other: each in the order of
/// names, and they in the order of their least nodes.
///
/// # Errors
/// When the graph is undirected.
pub fn strongly_connected_components<K: NodeId, N, E>(
    graph: &Graph<K, N, E>,
) -> Result<Vec<Vec<K>>, GraphError> {
    if !graph.is_directed() {
        return Err(GraphError::Undirected("strong connection"));
    }
    let other = to_petgraph(graph);
    let mut components = petgraph::algo::kosaraju_scc(&other);
    components.iter_mut().for_each(|component| component.sort_unstable());
    components.sort_unstable();
    let named = |component: Vec<NodeIndex>| component.into_iter().map(|node| other[node].clone()).collect();
    Ok(components.into_iter().map(named).collect())
}
