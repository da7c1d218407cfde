//! Graphs as data: nodes and edges by name, with what lies on them. Ways through them are in `diptych-systems`.
//!
//! Invariant: every walk is in the order of names and never that of history, so that equal graphs have equal bytes; a
//! weight is finite, and never -0.0. Left out: several edges between two nodes in one direction.

mod bytes;
mod error;
mod json;
mod name;

pub use error::GraphError;
pub use json::GRAPH_JSON_BYTES_MAX;
pub use name::{NodeId, NodeName};

use std::collections::{BTreeMap, BTreeSet};

/// Nodes of a graph.
pub const GRAPH_NODES_MAX: usize = 1 << 24;
/// Edges of a graph.
pub const GRAPH_EDGES_MAX: usize = 1 << 26;

/// What joins two nodes.
///
/// # Examples
/// ```
/// use diptych_components::graph::Edge;
/// let road = Edge::of(2.5).with("gravel");
/// assert_eq!((road.weight, road.data), (2.5, Some("gravel")));
/// assert_eq!(Edge::<()>::default().weight, 1.0);
/// ```
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Edge<E = ()> {
    /// What it costs to go along it; 1 unless said otherwise. Finite.
    pub weight: f64,
    /// What lies on it.
    pub data: Option<E>,
}

impl<E> Default for Edge<E> {
    fn default() -> Self {
        Self::of(1.0)
    }
}

impl<E> Edge<E> {
    /// An edge of this weight without data.
    #[must_use]
    pub const fn of(weight: f64) -> Self {
        Self { weight, data: None }
    }

    /// The same edge with data.
    #[must_use]
    pub fn with(self, data: E) -> Self {
        Self { data: Some(data), ..self }
    }
}

/// A directed or undirected graph with names for nodes, data on nodes, and weights and data on edges.
///
/// # Examples
/// ```
/// use diptych_components::graph::{Edge, Graph};
/// let mut roads: Graph<&str, (), &str> = Graph::undirected();
/// roads.add_edge("b", "a", Edge::of(3.0).with("gravel"))?;
/// roads.add_node("c", None)?;
/// assert_eq!(roads.edge(&"a", &"b").and_then(|edge| edge.data), Some("gravel"));
/// assert_eq!(roads.neighbours(&"a").map(|(node, _)| *node).collect::<Vec<_>>(), ["b"]);
/// assert!(!roads.add_edge("a", "b", Edge::default())?, "there is one already");
/// assert!(roads.remove_node(&"b") && roads.edge_count() == 0 && roads.node_count() == 2);
/// # Ok::<(), diptych_components::graph::GraphError>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Graph<K, N = (), E = ()> {
    directed: bool,
    nodes: BTreeMap<K, Node<K, N, E>>,
    edges: usize,
}

#[derive(Clone, PartialEq, Debug)]
struct Node<K, N, E> {
    data: Option<N>,
    /// Where edges of this node lead. Undirected, an edge is with the lower of its two nodes.
    out: BTreeMap<K, Edge<E>>,
    /// The nodes whose `out` has this one. Undirected, this node itself is not among them.
    back: BTreeSet<K>,
}

impl<K, N, E> Node<K, N, E> {
    const fn new(data: Option<N>) -> Self {
        Self { data, out: BTreeMap::new(), back: BTreeSet::new() }
    }
}

impl<K, N, E> Graph<K, N, E> {
    /// A graph without nodes whose edges lead one way.
    #[must_use]
    pub const fn directed() -> Self {
        Self { directed: true, nodes: BTreeMap::new(), edges: 0 }
    }

    /// A graph without nodes whose edges lead both ways.
    #[must_use]
    pub const fn undirected() -> Self {
        Self { directed: false, nodes: BTreeMap::new(), edges: 0 }
    }

    /// Whether edges lead one way.
    #[must_use]
    pub const fn is_directed(&self) -> bool {
        self.directed
    }

    /// How many nodes there are.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// How many edges there are; one that leads both ways is one.
    #[must_use]
    pub const fn edge_count(&self) -> usize {
        self.edges
    }

    /// Every node with its data, by name.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = (&K, Option<&N>)> {
        self.nodes.iter().map(|(id, node)| (id, node.data.as_ref()))
    }

    /// Every edge once, by its two names; undirected, the lower one is first.
    pub fn edges(&self) -> impl Iterator<Item = (&K, &K, &Edge<E>)> {
        self.nodes.iter().flat_map(|(from, node)| node.out.iter().map(move |(to, edge)| (from, to, edge)))
    }
}

impl<K: NodeId, N, E> Graph<K, N, E> {
    /// Adds a node; of one that is there, replaces the data where some is given. Whether it is new.
    ///
    /// # Errors
    /// When there are [`GRAPH_NODES_MAX`] already.
    pub fn add_node(&mut self, id: K, data: Option<N>) -> Result<bool, GraphError> {
        if let Some(node) = self.nodes.get_mut(&id) {
            if data.is_some() {
                node.data = data;
            }
            return Ok(false);
        }
        if self.nodes.len() == GRAPH_NODES_MAX {
            return Err(GraphError::TooManyNodes);
        }
        self.nodes.insert(id, Node::new(data));
        Ok(true)
    }

    /// Whether there is this node.
    #[must_use]
    pub fn has_node(&self, id: &K) -> bool {
        self.nodes.contains_key(id)
    }

    /// What lies on a node; `None` also where there is no such node.
    #[must_use]
    pub fn node_data(&self, id: &K) -> Option<&N> {
        self.nodes.get(id)?.data.as_ref()
    }

    /// Sets what lies on a node and gives what lay there.
    ///
    /// # Errors
    /// When there is no such node.
    pub fn set_node_data(&mut self, id: &K, data: N) -> Result<Option<N>, GraphError> {
        let node = self.nodes.get_mut(id).ok_or_else(|| GraphError::no_node(id))?;
        Ok(node.data.replace(data))
    }

    /// Takes a node and all its edges out. Whether it was there.
    pub fn remove_node(&mut self, id: &K) -> bool {
        let Some(node) = self.nodes.remove(id) else { return false };
        let loops = usize::from(self.directed && node.out.contains_key(id));
        self.edges -= node.out.len() + node.back.len() - loops;
        for to in node.out.keys() {
            self.nodes.get_mut(to).map(|other| other.back.remove(id));
        }
        for from in &node.back {
            self.nodes.get_mut(from).map(|other| other.out.remove(id));
        }
        true
    }

    /// Adds an edge, and its nodes where they are missing; leaves one that is there as it is. Whether it is new.
    ///
    /// # Errors
    /// When the weight is not finite, or there are too many nodes or edges.
    pub fn add_edge(&mut self, from: K, to: K, edge: Edge<E>) -> Result<bool, GraphError> {
        if self.has_edge(&from, &to) {
            checked_weight(&from, &to, edge.weight)?;
            return Ok(false);
        }
        self.set_edge(from, to, edge)?;
        Ok(true)
    }

    /// As [`add_edge`](Self::add_edge), and overwrites an edge that is there, which it gives.
    ///
    /// # Errors
    /// As [`add_edge`](Self::add_edge).
    pub fn set_edge(&mut self, from: K, to: K, edge: Edge<E>) -> Result<Option<Edge<E>>, GraphError> {
        let weight = checked_weight(&from, &to, edge.weight)?;
        let is_new = !self.has_edge(&from, &to);
        let missing = |id: &K| usize::from(!self.nodes.contains_key(id));
        let nodes = missing(&from) + if from == to { 0 } else { missing(&to) };
        if self.nodes.len() + nodes > GRAPH_NODES_MAX {
            return Err(GraphError::TooManyNodes);
        }
        if is_new && self.edges == GRAPH_EDGES_MAX {
            return Err(GraphError::TooManyEdges);
        }
        let (from, to) = if self.directed || from <= to { (from, to) } else { (to, from) };
        if self.directed || from != to {
            self.nodes.entry(to.clone()).or_insert(Node::new(None)).back.insert(from.clone());
        }
        self.edges += usize::from(is_new);
        let node = self.nodes.entry(from).or_insert(Node::new(None));
        Ok(node.out.insert(to, Edge { weight, ..edge }))
    }

    /// Whether an edge leads from one node to the other.
    #[must_use]
    pub fn has_edge(&self, from: &K, to: &K) -> bool {
        self.edge(from, to).is_some()
    }

    /// The edge from one node to the other.
    #[must_use]
    pub fn edge(&self, from: &K, to: &K) -> Option<&Edge<E>> {
        let (from, to) = self.ends(from, to);
        self.nodes.get(from)?.out.get(to)
    }

    /// What lies on an edge, to be changed.
    #[must_use]
    pub fn edge_data_mut(&mut self, from: &K, to: &K) -> Option<&mut Option<E>> {
        let (from, to) = self.ends(from, to);
        Some(&mut self.nodes.get_mut(from)?.out.get_mut(to)?.data)
    }

    /// Takes an edge out and gives it.
    pub fn remove_edge(&mut self, from: &K, to: &K) -> Option<Edge<E>> {
        let (from, to) = self.ends(from, to);
        let edge = self.nodes.get_mut(from)?.out.remove(to)?;
        self.nodes.get_mut(to)?.back.remove(from);
        self.edges -= 1;
        Some(edge)
    }

    /// The nodes that edges of this one lead to, by name; none where there is no such node.
    pub fn neighbours(&self, id: &K) -> impl Iterator<Item = (&K, &Edge<E>)> {
        let node = self.nodes.get_key_value(id);
        let lower = node.filter(|_| !self.directed).into_iter().flat_map(|(id, node)| {
            node.back.iter().filter_map(|lower| self.nodes[lower].out.get(id).map(|edge| (lower, edge)))
        });
        lower.chain(node.into_iter().flat_map(|(_, node)| &node.out))
    }

    /// The nodes from which edges lead here, by name; undirected, the same as [`neighbours`](Self::neighbours).
    pub fn sources(&self, id: &K) -> impl Iterator<Item = &K> {
        let node = self.nodes.get(id);
        let higher = node.filter(|_| !self.directed).into_iter().flat_map(|node| node.out.keys());
        node.into_iter().flat_map(|node| &node.back).chain(higher)
    }

    /// How many edges lead away from a node: 0 where there is none, and an edge to itself is one.
    #[must_use]
    pub fn degree(&self, id: &K) -> usize {
        let lower = |node: &Node<K, N, E>| if self.directed { 0 } else { node.back.len() };
        self.nodes.get(id).map_or(0, |node| node.out.len() + lower(node))
    }

    /// Which node keeps an edge, and under which name.
    fn ends<'a>(&self, from: &'a K, to: &'a K) -> (&'a K, &'a K) {
        if self.directed || from <= to { (from, to) } else { (to, from) }
    }
}

impl<K, N, E> Default for Graph<K, N, E> {
    fn default() -> Self {
        Self::undirected()
    }
}

/// The weight as it is kept: -0.0 is 0.0, so that equal edges have equal bytes.
fn checked_weight<K: NodeId>(from: &K, to: &K, weight: f64) -> Result<f64, GraphError> {
    if !weight.is_finite() {
        return Err(GraphError::Weight { from: format!("{from:?}"), to: format!("{to:?}"), weight });
    }
    Ok(weight + 0.0)
}

#[cfg(test)]
mod tests;
