//! Graphs by name: nodes and edges as state of a world, and ways through them.
//!
//! Invariant: adds nothing; the graph is data, the ways are functions of it, and [`CanonicalCodec`] is its door to the
//! engine.
//!
//! ```
//! use diptych::graph::{CanonicalCodec, Edge, Graph, shortest_path};
//! use diptych::prelude::*;
//!
//! type Roads = Graph<u32, String>;
//!
//! /// Traffic: each road that is taken gets longer.
//! fn travel(mut roads: Query<Next<Roads>>) {
//!     for mut row in &mut roads {
//!         let mut next = row.prev().clone();
//!         let way = shortest_path(&next, &1, &3, |_, _, edge| edge.weight).expect("both places are there");
//!         for pair in way.expect("there is a way").nodes.windows(2) {
//!             let weight = next.edge(&pair[0], &pair[1]).expect("the way leads along it").weight;
//!             next.set_edge(pair[0], pair[1], Edge::of(weight + 1.0)).expect("it is finite");
//!         }
//!         row.set(next);
//!     }
//! }
//! let mut roads = Roads::undirected();
//! for (from, to, length) in [(1, 2, 2.0), (2, 3, 3.0), (1, 3, 10.0)] {
//!     roads.add_edge(from, to, Edge::of(length))?;
//! }
//! let mut engine = Engine::in_memory()
//!     .state_with::<Roads, CanonicalCodec>("map.roads", 1)
//!     .system("map.travel", travel)
//!     .setup("map", move |world: &mut Structure<'_, '_>| {
//!         world.spawn((roads,));
//!     })
//!     .build()?;
//! engine.run(Pace::frames(4))?;
//! let way = shortest_path(engine.view().single::<Roads>().unwrap(), &1, &3, |_, _, edge| edge.weight)?;
//! assert_eq!(way.map(|way| (way.distance, way.nodes)), Some((11.0, vec![1, 3])));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use diptych_components::graph::*;
pub use diptych_systems::canonical::CanonicalCodec;
pub use diptych_systems::graph::*;
