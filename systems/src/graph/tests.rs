//! Ways through random graphs against petgraph and against plain searches; what is refused; long lines of nodes.

use super::*;
use diptych_components::graph::GraphError;
use proptest::prelude::*;
use std::collections::BTreeSet;

type Small = Graph<u8>;

fn graph(directed: bool, edges: &[(u8, u8, u8)]) -> Small {
    let mut graph = if directed { Small::directed() } else { Small::undirected() };
    for (from, to, weight) in edges {
        graph.add_edge(*from, *to, Edge::of(f64::from(*weight))).expect("it is small");
    }
    graph
}

fn edges() -> impl Strategy<Value = Vec<(u8, u8, u8)>> {
    prop::collection::vec((0_u8..14, 0_u8..14, 0_u8..5), 0..50)
}

fn weight<E>(_: &u8, _: &u8, edge: &Edge<E>) -> f64 {
    edge.weight
}

/// The sum along a path, if it is one.
fn length(graph: &Small, nodes: &[u8]) -> Option<f64> {
    nodes.windows(2).map(|pair| graph.edge(&pair[0], &pair[1]).map(|edge| edge.weight)).sum()
}

/// Distances by going along every edge as often as there are nodes: Bellman and Ford.
fn plain_distances(graph: &Small, start: u8) -> BTreeMap<u8, f64> {
    let mut distance = BTreeMap::from([(start, 0.0)]);
    for _ in 0..graph.node_count() {
        for (from, _) in graph.nodes() {
            for (to, edge) in graph.neighbours(from) {
                let Some(way) = distance.get(from).map(|way| way + edge.weight) else { continue };
                let known = distance.entry(*to).or_insert(way);
                *known = known.min(way);
            }
        }
    }
    distance
}

/// What can be reached, by asking again and again.
fn reached(graph: &Small, start: u8) -> BTreeSet<u8> {
    plain_distances(graph, start).into_keys().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Claim: both walks visit what can be reached, once, from a parent that leads there; the first finds the ways of
    /// fewest edges.
    #[test]
    fn walks(directed in any::<bool>(), edges in edges(), start in 0_u8..14) {
        let graph = graph(directed, &edges);
        prop_assume!(graph.has_node(&start));
        let hops = self::graph(directed, &edges.iter().map(|(from, to, _)| (*from, *to, 1)).collect::<Vec<_>>());
        let hops = plain_distances(&hops, start);
        for walk in [breadth_first(&graph, &start, |_| false), depth_first(&graph, &start, |_| false)] {
            let walk = walk.expect("the node is there");
            prop_assert_eq!(walk.order.iter().copied().collect::<BTreeSet<_>>(), reached(&graph, start));
            prop_assert_eq!(walk.order.len(), walk.parent.len());
            for id in &walk.order {
                let path = walk.path_to(id).expect("it was visited");
                prop_assert_eq!((path.first(), path.last()), (Some(&start), Some(id)));
                prop_assert!(length(&graph, &path).is_some());
            }
        }
        let walk = breadth_first(&graph, &start, |_| false).expect("the node is there");
        for id in &walk.order {
            prop_assert_eq!(walk.path_to(id).map(|path| path.len() as f64 - 1.0), hops.get(id).copied());
        }
    }

    /// Claim: distances are those of a plain search and petgraph's, and the paths are as long as they say; A* with an
    /// estimate that is never too much finds ways as short.
    #[test]
    fn shortest_ways(directed in any::<bool>(), edges in edges(), start in 0_u8..14, goal in 0_u8..14) {
        let graph = graph(directed, &edges);
        prop_assume!(graph.has_node(&start) && graph.has_node(&goal));
        let paths = shortest_paths(&graph, &start, weight).expect("no weight is below 0");
        prop_assert_eq!(&paths.distance, &plain_distances(&graph, start));
        let other = to_petgraph(&graph);
        let place = |id: u8| other.node_indices().find(|node| *other[*node] == id).expect("it is there");
        let theirs = petgraph::algo::dijkstra(&other, place(start), None, |edge| edge.weight().weight);
        prop_assert_eq!(theirs.len(), paths.distance.len());
        for (id, distance) in &paths.distance {
            let path = paths.path_to(id).expect("it has a distance");
            prop_assert_eq!((path.distance, theirs.get(&place(*id))), (*distance, Some(distance)));
            prop_assert_eq!(length(&graph, &path.nodes), Some(*distance));
            prop_assert_eq!(path.nodes.first(), Some(&start));
        }
        let direct = shortest_path(&graph, &start, &goal, weight).expect("no weight is below 0");
        prop_assert_eq!(direct.as_ref().map(|path| path.distance), paths.distance.get(&goal).copied());
        // Of the way that is left, half: never too much.
        let back = graph_reversed(&graph);
        let left = plain_distances(&back, goal);
        let estimate = |id: &u8| left.get(id).map_or(0.0, |left| left / 2.0);
        let guided = a_star(&graph, &start, &goal, estimate, weight).expect("no weight is below 0");
        prop_assert_eq!(guided.as_ref().map(|path| path.distance), paths.distance.get(&goal).copied());
        if let Some(path) = guided {
            prop_assert_eq!(length(&graph, &path.nodes), Some(path.distance));
            prop_assert_eq!((path.nodes.first(), path.nodes.last()), (Some(&start), Some(&goal)));
        }
    }

    /// Claim: there is an order just where petgraph sees no cycle; every edge leads forwards in it; and where there is
    /// none, the cycle that is shown is one.
    #[test]
    fn orders(edges in edges()) {
        let graph = graph(true, &edges);
        let cyclic = petgraph::algo::is_cyclic_directed(&to_petgraph(&graph));
        match topological_sort(&graph) {
            Ok(order) => {
                prop_assert!(!cyclic && order.len() == graph.node_count());
                let place = |id| order.iter().position(|other| other == id).expect("it is in the order");
                prop_assert!(graph.edges().all(|(from, to, _)| place(from) < place(to)));
            }
            Err(GraphError::Cycle(names)) => {
                let nodes: Vec<u8> = names.iter().map(|name| name.parse().expect("a number")).collect();
                prop_assert!(cyclic && nodes.len() > 1 && nodes.first() == nodes.last());
                prop_assert!(length(&graph, &nodes).is_some(), "{nodes:?}");
            }
            Err(error) => prop_assert!(false, "{error}"),
        }
    }

    /// Claim: two nodes are in one component just where each can be reached from the other.
    #[test]
    fn components(directed in any::<bool>(), edges in edges()) {
        let graph = graph(directed, &edges);
        let components = if directed { strongly_connected_components(&graph) } else { connected_components(&graph) };
        let components = components.expect("it is the right question");
        let nodes: Vec<u8> = graph.nodes().map(|(id, _)| *id).collect();
        let mut flat = components.concat();
        flat.sort_unstable();
        prop_assert_eq!(&flat, &nodes);
        prop_assert!(components.windows(2).all(|pair| pair[0].iter().min() < pair[1].iter().min()));
        for first in &nodes {
            for second in &nodes {
                let both = reached(&graph, *first).contains(second) && reached(&graph, *second).contains(first);
                let together = components.iter().any(|part| part.contains(first) && part.contains(second));
                prop_assert_eq!(both, together, "{} and {}", first, second);
            }
        }
    }
}

fn graph_reversed(graph: &Small) -> Small {
    let mut back = if graph.is_directed() { Small::directed() } else { Small::undirected() };
    for (id, _) in graph.nodes() {
        back.add_node(*id, None).expect("it is small");
    }
    for (from, to, edge) in graph.edges() {
        back.set_edge(*to, *from, *edge).expect("it is small");
    }
    back
}

/// Claim: the order of names decides: of the ways that are equally short, of what is visited next, of what is free.
#[test]
fn names_decide() {
    let diamond = graph(true, &[(9, 3, 1), (9, 7, 1), (3, 1, 1), (7, 1, 1), (7, 5, 1)]);
    let order = |walk: Result<Walk<u8>, GraphError>| walk.expect("the node is there").order;
    assert_eq!(order(breadth_first(&diamond, &9, |_| false)), [9, 3, 7, 1, 5]);
    assert_eq!(order(depth_first(&diamond, &9, |_| false)), [9, 3, 1, 7, 5]);
    assert_eq!(order(breadth_first(&diamond, &9, |id| *id == 7)), [9, 3, 7]);
    assert_eq!(order(depth_first(&diamond, &9, |id| *id == 1)), [9, 3, 1]);
    let path =
        shortest_path(&diamond, &9, &1, weight).expect("no weight is below 0").expect("there is a way");
    assert_eq!(path.nodes, [9, 3, 1]);
    assert_eq!(topological_sort(&diamond), Ok(vec![9, 3, 7, 1, 5]));
}

/// Claim: what has no answer is refused, and the refusal names what it is about.
#[test]
fn refusals() {
    let (one_way, both_ways) = (graph(true, &[(1, 2, 1), (2, 1, 1)]), graph(false, &[(1, 2, 1)]));
    let said = |error: GraphError| error.to_string();
    assert!(
        said(topological_sort(&both_ways).expect_err("undirected")).contains("requires a directed graph")
    );
    assert!(
        said(topological_sort(&one_way).expect_err("a cycle")).contains("at least one cycle, 1 -> 2 -> 1")
    );
    assert!(
        said(connected_components(&one_way).expect_err("directed")).contains("requires an undirected graph")
    );
    let error = strongly_connected_components(&both_ways).expect_err("undirected");
    assert!(said(error).contains("requires a directed graph"));
    for error in [
        breadth_first(&one_way, &7, |_| false).map(drop),
        depth_first(&one_way, &7, |_| false).map(drop),
        shortest_paths(&one_way, &7, weight).map(drop),
        shortest_path(&one_way, &1, &7, weight).map(drop),
        a_star(&one_way, &1, &7, |_| 0.0, weight).map(drop),
        a_star(&one_way, &7, &1, |_| 0.0, weight).map(drop),
    ] {
        assert_eq!(error, Err(GraphError::NoNode("7".to_owned())));
    }
    let mut debts: Graph<u8> = Graph::directed();
    debts.add_edge(1, 2, Edge::of(-4.0)).expect("a graph may have it");
    for error in [
        shortest_paths(&debts, &1, weight).map(drop),
        shortest_path(&debts, &1, &2, weight).map(drop),
        a_star(&debts, &1, &2, |_| 0.0, weight).map(drop),
    ] {
        assert!(said(error.expect_err("below 0")).contains("from 1 to 2 weighs -4"));
    }
    let nan = |_: &u8, _: &u8, _: &Edge| f64::NAN;
    assert!(matches!(shortest_paths(&one_way, &1, nan), Err(GraphError::Weight { .. })));
    assert!(matches!(a_star(&one_way, &1, &2, |_| 0.0, nan), Err(GraphError::Weight { .. })));
    for wrong in [f64::NAN, -1.0] {
        assert!(matches!(a_star(&one_way, &1, &2, |_| wrong, weight), Err(GraphError::Estimate { .. })));
    }
    // One that says too much, at the goal too, finds a way, and says how long it is.
    let path =
        a_star(&one_way, &1, &2, |_| 7.0, weight).expect("no weight is below 0").expect("there is a way");
    assert_eq!((path.distance, path.nodes), (1.0, vec![1, 2]));
    // An edge that nobody may go along.
    assert_eq!(shortest_path(&one_way, &1, &2, |_, _, _| f64::INFINITY), Ok(None));
    assert_eq!(a_star(&one_way, &1, &2, |_| 0.0, |_, _, _| f64::INFINITY), Ok(None));
}

/// Claim: a line of 200,000 nodes, on which a search that calls itself would leave its stack, is walked.
#[test]
fn long_lines() {
    let mut line: Graph<u32> = Graph::directed();
    let count = 200_000;
    for id in 1..count {
        line.add_edge(id - 1, id, Edge::default()).expect("it fits");
    }
    assert_eq!(strongly_connected_components(&line).map(|parts| parts.len()), Ok(count as usize));
    assert_eq!(depth_first(&line, &0, |_| false).map(|walk| walk.order.len()), Ok(count as usize));
    assert_eq!(topological_sort(&line).map(|order| order.len()), Ok(count as usize));
    let paths = shortest_paths(&line, &0, |_, _, edge| edge.weight).expect("no weight is below 0");
    assert_eq!(paths.path_to(&(count - 1)).map(|path| path.distance), Some(f64::from(count - 1)));
}
