//! Graphs as bytes: the kind, the nodes by name, the edges by the places of their nodes.
//!
//! Invariant: one graph has one encoding. Whatever is out of order, twice, or names a place that is not there is
//! refused.

use super::{Edge, GRAPH_EDGES_MAX, GRAPH_NODES_MAX, Graph, Node, NodeId};
use crate::canonical::{Canonical, Real, put_count};
use crate::fields::{FieldError, Fields};
use std::collections::BTreeMap;

impl<K: Canonical + NodeId, N: Canonical, E: Canonical> Graph<K, N, E> {
    /// Appends its bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.put(out);
    }

    /// Reads a graph that is all of `bytes`.
    ///
    /// # Errors
    /// When they are not the encoding of a graph.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = Fields(bytes);
        let graph = Self::read(&mut fields)?;
        fields.end()?;
        Ok(graph)
    }
}

impl<K: Canonical + NodeId, N: Canonical, E: Canonical> Canonical for Graph<K, N, E> {
    fn put(&self, out: &mut Vec<u8>) {
        self.directed.put(out);
        put_count(self.nodes.len(), out);
        for (id, node) in &self.nodes {
            id.put(out);
            node.data.put(out);
        }
        let places: BTreeMap<&K, u32> = self.nodes.keys().zip(0..).collect();
        put_count(self.edges, out);
        for (from, to, edge) in self.edges() {
            places[from].put(out);
            places[to].put(out);
            Real(edge.weight).put(out);
            edge.data.put(out);
        }
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        let mut graph = Self { directed: bool::read(fields)?, nodes: BTreeMap::new(), edges: 0 };
        let ids = read_nodes(fields, &mut graph)?;
        let count = fields.u32()?;
        if count as usize > GRAPH_EDGES_MAX {
            return Err(FieldError(format!("{count} edges are more than {GRAPH_EDGES_MAX}")));
        }
        let mut last = None;
        for place in 0..count {
            let (from, to) = (fields.u32()?, fields.u32()?);
            let (weight, data) = (Real::read(fields)?.0, Option::read(fields)?);
            let refuse = |what: &str| Err(FieldError(format!("edge {place}, {from} to {to}, {what}")));
            let (Some(from_id), Some(to_id)) = (ids.get(from as usize), ids.get(to as usize)) else {
                return refuse("is between nodes that are not there");
            };
            if last.is_some_and(|last| last >= (from, to)) || !graph.directed && from > to {
                return refuse("is not in its place");
            }
            if !weight.is_finite() || weight == 0.0 && weight.is_sign_negative() {
                return refuse("has a weight that is no finite number, or -0.0");
            }
            last = Some((from, to));
            let edge = Edge { weight, data };
            graph
                .set_edge(from_id.clone(), to_id.clone(), edge)
                .map_err(|error| FieldError(error.to_string()))?;
        }
        Ok(graph)
    }
}

/// Takes the nodes, and gives their names in order.
fn read_nodes<K: Canonical + NodeId, N: Canonical, E>(
    fields: &mut Fields<'_>,
    graph: &mut Graph<K, N, E>,
) -> Result<Vec<K>, FieldError> {
    let count = fields.u32()?;
    if count as usize > GRAPH_NODES_MAX {
        return Err(FieldError(format!("{count} nodes are more than {GRAPH_NODES_MAX}")));
    }
    let mut ids: Vec<K> = Vec::new();
    for place in 0..count {
        let (id, data) = (K::read(fields)?, Option::read(fields)?);
        if ids.last().is_some_and(|last| *last >= id) {
            return Err(FieldError(format!("the name of node {place} is not above the one before it")));
        }
        graph.nodes.insert(id.clone(), Node::new(data));
        ids.push(id);
    }
    Ok(ids)
}
