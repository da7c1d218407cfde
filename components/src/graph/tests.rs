//! Graphs against a plain set of edges, their two formats, and what they refuse.

use super::{Edge, Graph, GraphError, NodeName};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

type Small = Graph<u8, u16, u16>;

#[derive(Clone, Debug)]
enum Step {
    Node(u8, Option<u16>),
    RemoveNode(u8),
    Add(u8, u8, f64),
    Set(u8, u8, f64),
    RemoveEdge(u8, u8),
}

fn step() -> impl Strategy<Value = Step> {
    use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
    let id = || 0_u8..12;
    let weight = || POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO;
    prop_oneof![
        2 => (id(), any::<Option<u16>>()).prop_map(|(id, data)| Step::Node(id, data)),
        1 => id().prop_map(Step::RemoveNode),
        6 => (id(), id(), weight()).prop_map(|(from, to, weight)| Step::Add(from, to, weight)),
        3 => (id(), id(), weight()).prop_map(|(from, to, weight)| Step::Set(from, to, weight)),
        3 => (id(), id()).prop_map(|(from, to)| Step::RemoveEdge(from, to)),
    ]
}

/// A graph as plain as can be: every edge under both its names where it leads both ways.
#[derive(Default)]
struct Plain {
    directed: bool,
    nodes: BTreeMap<u8, Option<u16>>,
    edges: BTreeMap<(u8, u8), f64>,
}

impl Plain {
    fn set(&mut self, from: u8, to: u8, weight: f64) {
        for id in [from, to] {
            self.nodes.entry(id).or_default();
        }
        self.edges.insert((from, to), weight);
        if !self.directed {
            self.edges.insert((to, from), weight);
        }
    }

    fn apply(&mut self, step: &Step) {
        match *step {
            Step::Node(id, data) => {
                let node = self.nodes.entry(id).or_default();
                *node = data.or(*node);
            }
            Step::RemoveNode(id) => {
                self.nodes.remove(&id);
                self.edges.retain(|(from, to), _| *from != id && *to != id);
            }
            Step::Add(from, to, _) if self.edges.contains_key(&(from, to)) => {}
            Step::Add(from, to, weight) | Step::Set(from, to, weight) => self.set(from, to, weight),
            Step::RemoveEdge(from, to) => {
                self.edges.remove(&(from, to));
                if !self.directed {
                    self.edges.remove(&(to, from));
                }
            }
        }
    }
}

fn apply(graph: &mut Small, step: &Step) {
    match *step {
        Step::Node(id, data) => drop(graph.add_node(id, data)),
        Step::RemoveNode(id) => drop(graph.remove_node(&id)),
        Step::Add(from, to, weight) => drop(graph.add_edge(from, to, Edge::of(weight))),
        Step::Set(from, to, weight) => drop(graph.set_edge(from, to, Edge::of(weight))),
        Step::RemoveEdge(from, to) => drop(graph.remove_edge(&from, &to)),
    }
}

fn bytes(graph: &Small) -> Vec<u8> {
    let mut bytes = Vec::new();
    graph.encode(&mut bytes);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Claim: after any history, every question has the answer of a plain set of edges; both formats give the graph
    /// back; a graph made of its nodes and edges anew, backwards, is equal and has the same bytes.
    #[test]
    fn as_a_set_of_edges(directed in any::<bool>(), steps in prop::collection::vec(step(), 0..80)) {
        let empty = || if directed { Small::directed() } else { Small::undirected() };
        let (mut graph, mut plain) = (empty(), Plain { directed, ..Plain::default() });
        for step in &steps {
            apply(&mut graph, step);
            plain.apply(step);
        }
        let nodes: Vec<_> = graph.nodes().map(|(id, data)| (*id, data.copied())).collect();
        prop_assert_eq!(nodes, plain.nodes.iter().map(|(id, data)| (*id, *data)).collect::<Vec<_>>());
        let once = plain.edges.iter().filter(|((from, to), _)| directed || from <= to);
        let edges: Vec<_> = graph.edges().map(|(from, to, edge)| ((*from, *to), edge.weight)).collect();
        prop_assert_eq!(&edges, &once.map(|(ends, weight)| (*ends, *weight)).collect::<Vec<_>>());
        prop_assert_eq!(graph.edge_count(), edges.len());
        for id in 0..13 {
            let out: Vec<_> = graph.neighbours(&id).map(|(to, edge)| (*to, edge.weight)).collect();
            let expected = plain.edges.iter().filter(|((from, _), _)| *from == id);
            prop_assert_eq!(&out, &expected.map(|((_, to), weight)| (*to, *weight)).collect::<Vec<_>>());
            prop_assert_eq!(graph.degree(&id), out.len());
            let into: Vec<_> = graph.sources(&id).copied().collect();
            let expected: BTreeSet<u8> = plain.edges.keys().filter(|(_, to)| *to == id).map(|ends| ends.0).collect();
            prop_assert_eq!(into, expected.into_iter().collect::<Vec<_>>());
        }
        prop_assert_eq!(&Small::decode(&bytes(&graph)).expect("its own bytes"), &graph);
        let text = graph.to_json().expect("numbers have JSON");
        prop_assert_eq!(&Small::from_json(&text).expect("its own text"), &graph);

        let mut again = empty();
        for ((from, to), weight) in plain.edges.iter().rev() {
            again.add_edge(*from, *to, Edge::of(*weight)).expect("it was there before");
        }
        for (id, data) in plain.nodes.iter().rev() {
            again.add_node(*id, *data).expect("it was there before");
        }
        prop_assert_eq!(&again, &graph);
        prop_assert_eq!(bytes(&again), bytes(&graph));
    }

    /// Claim: any bytes are a graph that has them as its encoding, or are refused.
    #[test]
    fn any_bytes(input in prop::collection::vec(0_u8..3, 0..60)) {
        if let Ok(graph) = Small::decode(&input) {
            prop_assert_eq!(bytes(&graph), input);
        }
    }
}

/// Claim: texts with data, without, and with names of both kinds are read; what is wrong is said.
#[test]
fn texts() {
    type Named = Graph<NodeName, String, String>;
    let text = r#"{"directed":false,"nodes":[{"id":1,"data":"alpha"}],"edges":[{"u":"B","v":1},{"u":"B","v":"B","weight":2.5,"data":"line"}]}"#;
    let graph = Named::from_json(text).expect("a graph");
    let (one, b) = (NodeName::from(1), NodeName::from("B"));
    assert_eq!(graph.node_data(&one).map(String::as_str), Some("alpha"));
    assert_eq!(graph.edge(&one, &b).map(|edge| edge.weight), Some(1.0));
    assert_eq!(
        graph.to_json().expect("texts"),
        r#"{"directed":false,"nodes":[{"id":1,"data":"alpha"},{"id":"B"}],"edges":[{"u":1,"v":"B","weight":1.0},{"u":"B","v":"B","weight":2.5,"data":"line"}]}"#
    );
    for (text, expected) in [
        ("{", "EOF"),
        (r#"{"directed":true,"nodes":[]}"#, "edges"),
        (r#"{"directed":true,"nodes":[{"id":1},{"id":1}],"edges":[]}"#, "node 1 twice"),
        (r#"{"directed":false,"nodes":[],"edges":[{"u":1,"v":2},{"u":2,"v":1}]}"#, "from 2 to 1 twice"),
        (r#"{"directed":true,"nodes":[],"edges":[{"u":1,"v":2,"weight":1e999}]}"#, "number out of range"),
        (r#"{"directed":true,"nodes":[],"edges":[],"more":1}"#, "unknown field"),
        (r#"{"directed":true,"nodes":[{"id":1.5}],"edges":[]}"#, "line 1"),
    ] {
        let error = Named::from_json(text).expect_err(text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

/// Claim: a weight comes back from a text to its last bit, and so does data whose JSON is `null`; where a type has no such
/// value, `null` is no data.
#[test]
fn texts_lose_nothing() {
    let mut graph = Graph::<u8, Option<u8>, ()>::directed();
    graph.add_node(1, Some(None)).expect("a node");
    graph.add_node(2, Some(Some(7))).expect("a node");
    graph.add_edge(1, 2, Edge { weight: 927.690_343_269_303_9, data: Some(()) }).expect("an edge");
    graph.add_edge(2, 1, Edge { weight: f64::MIN_POSITIVE / 3.0, data: None }).expect("an edge");
    let text = graph.to_json().expect("numbers have JSON");
    assert_eq!(Graph::from_json(&text), Ok(graph), "{text}");
    let text = r#"{"directed":true,"nodes":[{"id":1,"data":null}],"edges":[]}"#;
    let graph = Graph::<u8, String, String>::from_json(text).expect("a graph");
    assert_eq!((graph.has_node(&1), graph.node_data(&1)), (true, None));
}

/// Claim: weights that are no numbers are refused with both names, also where an edge is there; -0.0 is 0.0; what
/// lies on nodes and edges can be changed; a node that is missing is named.
#[test]
fn edits() {
    let mut graph: Graph<&str, u8, u8> = Graph::directed();
    for weight in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error = graph.add_edge("a", "b", Edge::of(weight)).expect_err("no weight").to_string();
        assert!(error.contains("\"a\"") && error.contains("\"b\""), "{error}");
        assert_eq!(graph.node_count(), 0, "what is refused changes nothing");
    }
    assert_eq!(graph.add_edge("a", "b", Edge::of(-0.0)), Ok(true));
    assert!(graph.edge(&"a", &"b").is_some_and(|edge| edge.weight.is_sign_positive()));
    assert!(graph.add_edge("a", "b", Edge::of(f64::NAN)).is_err());
    assert!(!graph.has_edge(&"b", &"a"));
    graph.edge_data_mut(&"a", &"b").map(|data| data.replace(7)).expect("the edge is there");
    let old = graph.set_edge("a", "b", Edge::of(2.0)).expect("a weight");
    assert_eq!(old, Some(Edge { weight: 0.0, data: Some(7) }));
    assert_eq!(graph.set_node_data(&"a", 1), Ok(None));
    assert_eq!(graph.set_node_data(&"a", 2), Ok(Some(1)));
    assert_eq!(graph.set_node_data(&"c", 1), Err(GraphError::NoNode("\"c\"".to_owned())));
    assert_eq!((graph.node_data(&"a"), graph.node_data(&"c")), (Some(&2), None));
    assert!(!graph.remove_node(&"c") && graph.remove_edge(&"b", &"a").is_none());
    let copy = graph.clone();
    assert!(graph.remove_node(&"b") && copy.edge_count() == 1 && graph.edge_count() == 0);
}
