//! Any bytes at all are a graph or an error, as stored bytes and as JSON; what is a graph has one encoding, and questions
//! about it have answers.
#![no_main]

use diptych_components::graph::{Graph, NodeName};
use diptych_systems::graph::{
    breadth_first, shortest_paths, strongly_connected_components, topological_sort,
};
use libfuzzer_sys::fuzz_target;

type Any = Graph<NodeName, String, String>;

fuzz_target!(|bytes: &[u8]| {
    let stored = Any::decode(bytes);
    if let Ok(graph) = &stored {
        let mut again = Vec::new();
        graph.encode(&mut again);
        assert_eq!(again, bytes);
    }
    let text = core::str::from_utf8(bytes).ok().and_then(|text| Any::from_json(text).ok());
    for graph in stored.into_iter().chain(text) {
        let text = graph.to_json().expect("names and data are texts");
        assert_eq!(Any::from_json(&text).expect("its own text"), graph);
        drop((topological_sort(&graph), strongly_connected_components(&graph)));
        if let Some((first, _)) = graph.nodes().next() {
            let reached = breadth_first(&graph, first, |_| false).expect("it is there").order.len();
            if let Ok(paths) = shortest_paths(&graph, first, |_, _, edge| edge.weight) {
                assert!(paths.distance.len() <= reached);
            }
        }
    }
});
