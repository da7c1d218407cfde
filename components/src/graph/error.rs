//! Why something cannot be done to a graph, or with one.
//!
//! Invariant: names the node or edge. Left out: nothing here ends a frame; each is a value.

use super::{GRAPH_EDGES_MAX, GRAPH_NODES_MAX};
use core::fmt::Debug;

/// Why something cannot be done to a graph, or with one.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// There is no such node.
    #[error("the graph has no node {0}: add it first")]
    NoNode(String),
    /// A weight is NaN or infinite.
    #[error("the edge from {from} to {to} cannot weigh {weight}: weights are finite numbers")]
    Weight {
        /// Where the edge begins.
        from: String,
        /// Where it ends.
        to: String,
        /// What it was to weigh.
        weight: f64,
    },
    /// A shortest way is asked for where going on can make it shorter.
    #[error("the edge from {from} to {to} weighs {weight}: shortest ways need weights that are not negative")]
    NegativeWeight {
        /// Where the edge begins.
        from: String,
        /// Where it ends.
        to: String,
        /// What it weighs.
        weight: f64,
    },
    /// An estimate is NaN or negative.
    #[error("the estimate from {from} is {estimate}: estimates are numbers that are not negative")]
    Estimate {
        /// From where.
        from: String,
        /// What was estimated.
        estimate: f64,
    },
    /// The question has an answer for directed graphs only.
    #[error("{0} requires a directed graph, and this one is undirected")]
    Undirected(&'static str),
    /// The question has an answer for undirected graphs only.
    #[error(
        "{0} requires an undirected graph, and this one is directed: ask for strongly connected components"
    )]
    Directed(&'static str),
    /// An order is asked for that a circle does not have.
    #[error("the graph has at least one cycle, {}: there is no order in which every edge leads forwards", .0.join(" -> "))]
    Cycle(Vec<String>),
    /// There are [`GRAPH_NODES_MAX`].
    #[error("a graph has at most {GRAPH_NODES_MAX} nodes")]
    TooManyNodes,
    /// There are [`GRAPH_EDGES_MAX`].
    #[error("a graph has at most {GRAPH_EDGES_MAX} edges")]
    TooManyEdges,
    /// A text is no graph.
    #[error("the text is no graph: {0}")]
    Json(String),
}

impl GraphError {
    /// There is no node of this name.
    pub fn no_node(id: &impl Debug) -> Self {
        Self::NoNode(format!("{id:?}"))
    }
}
