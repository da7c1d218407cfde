//! Graphs as JSON: `{"directed":..,"nodes":[{"id":..,"data":..}],"edges":[{"u":..,"v":..,"weight":..,"data":..}]}`.
//!
//! Invariant: equal graphs have equal texts. What is missing in a text is as when it is not said to the graph itself:
//! no data, a weight of 1, a node that only edges name. Nodes or edges twice, and unknown members, are refused.

use super::{Edge, Graph, GraphError, NodeId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Bytes of a graph's text that are read.
pub const GRAPH_JSON_BYTES_MAX: usize = 256 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole<N, E> {
    directed: bool,
    nodes: Vec<N>,
    edges: Vec<E>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeText<K, N> {
    id: K,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    data: Option<N>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EdgeText<K, E> {
    u: K,
    v: K,
    #[serde(default = "one")]
    weight: f64,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    data: Option<E>,
}

fn none<T>() -> Option<T> {
    None
}

fn one() -> f64 {
    1.0
}

impl<K: NodeId + Serialize, N: Serialize, E: Serialize> Graph<K, N, E> {
    /// The graph as JSON.
    ///
    /// # Errors
    /// When a name or data has no JSON: a map whose keys are no texts, for one.
    pub fn to_json(&self) -> Result<String, GraphError> {
        let nodes = self.nodes().map(|(id, data)| NodeText { id, data });
        let edges = self.edges().map(|(u, v, Edge { weight, data })| {
            let (weight, data) = (*weight, data.as_ref());
            EdgeText { u, v, weight, data }
        });
        let whole = Whole { directed: self.directed, nodes: nodes.collect(), edges: edges.collect() };
        serde_json::to_string(&whole).map_err(|error| GraphError::Json(error.to_string()))
    }
}

impl<K: NodeId + DeserializeOwned, N: DeserializeOwned, E: DeserializeOwned> Graph<K, N, E> {
    /// The graph of a JSON text.
    ///
    /// # Errors
    /// When the text is no JSON of a graph, has something twice, or is too long; the error says where.
    pub fn from_json(text: &str) -> Result<Self, GraphError> {
        if text.len() > GRAPH_JSON_BYTES_MAX {
            let reason = format!("it has {} bytes, and {GRAPH_JSON_BYTES_MAX} are read", text.len());
            return Err(GraphError::Json(reason));
        }
        let whole: Whole<NodeText<K, N>, EdgeText<K, E>> =
            serde_json::from_str(text).map_err(|error| GraphError::Json(error.to_string()))?;
        let mut graph = if whole.directed { Self::directed() } else { Self::undirected() };
        for NodeText { id, data } in whole.nodes {
            if graph.has_node(&id) {
                return Err(GraphError::Json(format!("it has the node {id:?} twice")));
            }
            graph.add_node(id, data)?;
        }
        for EdgeText { u, v, weight, data } in whole.edges {
            if graph.has_edge(&u, &v) {
                return Err(GraphError::Json(format!("it has the edge from {u:?} to {v:?} twice")));
            }
            graph.add_edge(u, v, Edge { weight, data })?;
        }
        Ok(graph)
    }
}
