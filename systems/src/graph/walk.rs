//! Walks from one node to all that can be reached.
//!
//! Invariant: neighbours are looked at by name. Left out: weights.

use diptych_components::graph::{Graph, GraphError, NodeId};
use std::collections::{BTreeMap, VecDeque};

/// Where a walk came along.
#[derive(Clone, PartialEq, Debug)]
pub struct Walk<K> {
    /// For each node that was found the one it was found from; `None` for the first.
    pub parent: BTreeMap<K, Option<K>>,
    /// The nodes that were visited, in their order.
    pub order: Vec<K>,
}

impl<K: NodeId> Walk<K> {
    /// The nodes from the first to this one, both included, as the walk found it; `None` where it did not.
    #[must_use]
    pub fn path_to(&self, id: &K) -> Option<Vec<K>> {
        let mut path = vec![id.clone()];
        let mut parent = self.parent.get(id)?;
        while let Some(above) = parent {
            path.push(above.clone());
            parent = self.parent.get(above)?;
        }
        path.reverse();
        Some(path)
    }
}

/// Visits what can be reached from `start`, the nearest first; ends after a node for which `stop` is true.
///
/// `parent` also has the nodes that were found and not yet visited.
///
/// # Examples
/// ```
/// use diptych_components::graph::{Edge, Graph};
/// use diptych_systems::graph::breadth_first;
/// let mut graph: Graph<u8> = Graph::undirected();
/// for (from, to) in [(1, 3), (1, 2), (2, 4), (3, 4), (4, 5)] {
///     graph.add_edge(from, to, Edge::default())?;
/// }
/// let walk = breadth_first(&graph, &1, |node| *node == 4)?;
/// assert_eq!(walk.order, [1, 2, 3, 4]);
/// assert_eq!(walk.path_to(&4), Some(vec![1, 2, 4]));
/// # Ok::<(), diptych_components::graph::GraphError>(())
/// ```
///
/// # Errors
/// When there is no node `start`.
pub fn breadth_first<K: NodeId, N, E>(
    graph: &Graph<K, N, E>,
    start: &K,
    mut stop: impl FnMut(&K) -> bool,
) -> Result<Walk<K>, GraphError> {
    let mut walk = begin(graph, start)?;
    walk.parent.insert(start.clone(), None);
    let mut next = VecDeque::from([start.clone()]);
    while let Some(id) = next.pop_front() {
        walk.order.push(id.clone());
        if stop(&id) {
            break;
        }
        for (to, _) in graph.neighbours(&id) {
            if !walk.parent.contains_key(to) {
                walk.parent.insert(to.clone(), Some(id.clone()));
                next.push_back(to.clone());
            }
        }
    }
    Ok(walk)
}

/// Visits what can be reached from `start`, going on from the last node that was visited as long as there is a way;
/// ends after a node for which `stop` is true.
///
/// # Errors
/// When there is no node `start`.
pub fn depth_first<K: NodeId, N, E>(
    graph: &Graph<K, N, E>,
    start: &K,
    mut stop: impl FnMut(&K) -> bool,
) -> Result<Walk<K>, GraphError> {
    let mut walk = begin(graph, start)?;
    let mut next = vec![(start.clone(), None)];
    while let Some((id, from)) = next.pop() {
        if walk.parent.contains_key(&id) {
            continue;
        }
        walk.parent.insert(id.clone(), from);
        walk.order.push(id.clone());
        if stop(&id) {
            break;
        }
        let first = next.len();
        let fresh = graph.neighbours(&id).filter(|(to, _)| !walk.parent.contains_key(*to));
        next.extend(fresh.map(|(to, _)| (to.clone(), Some(id.clone()))));
        next[first..].reverse();
    }
    Ok(walk)
}

fn begin<K: NodeId, N, E>(graph: &Graph<K, N, E>, start: &K) -> Result<Walk<K>, GraphError> {
    if !graph.has_node(start) {
        return Err(GraphError::no_node(start));
    }
    Ok(Walk { parent: BTreeMap::new(), order: Vec::new() })
}
