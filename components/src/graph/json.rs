//! Graphs as JSON: `{"directed":..,"nodes":[{"id":..,"data":..}],"edges":[{"u":..,"v":..,"weight":..,"data":..}]}`.
//!
//! Invariant: equal graphs have equal texts, and a text gives back the graph that it was made of, with every bit of a
//! weight, if its names and data do. What is missing in a text is as when it is not said to the graph itself: no data, a
//! weight of 1, a node that only edges name. Data that is `null` is data where the type has such a value, and else none.
//! Nodes or edges twice, and unknown members, are refused.

use super::{Edge, Graph, GraphError, NodeId};
use core::fmt;
use core::marker::PhantomData;
use serde::de::value::UnitDeserializer;
use serde::de::{DeserializeOwned, Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

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
    #[serde(default = "none", deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[serde(bound(deserialize = "N: Deserialize<'de>"))]
    data: Option<N>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EdgeText<K, E> {
    u: K,
    v: K,
    #[serde(default = "one")]
    weight: f64,
    #[serde(default = "none", deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[serde(bound(deserialize = "E: Deserialize<'de>"))]
    data: Option<E>,
}

fn none<T>() -> Option<T> {
    None
}

fn one() -> f64 {
    1.0
}

/// Data that is in a text: also `null`, which an `Option` would take for nothing, where it is some value's JSON.
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    struct Said<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Said<T> {
        type Value = Option<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("data")
        }

        fn visit_none<E: Error>(self) -> Result<Option<T>, E> {
            Ok(T::deserialize(UnitDeserializer::<E>::new()).ok())
        }

        fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Option<T>, D::Error> {
            T::deserialize(from).map(Some)
        }
    }

    from.deserialize_option(Said(PhantomData))
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
