//! Maps and graphs as state of worlds: the same on any threads, stored, continued and replayed.

use super::CanonicalCodec;
use crate::graph::{breadth_first, shortest_paths};
use diptych_components::graph::{Edge, Graph};
use diptych_components::rank::RankMap;
use diptych_engine::prelude::*;

type Scores = RankMap<u64, i64>;
type Roads = Graph<u64, u32, String>;

/// Scores come and go by chance, and each ends up with the entry of its own middle changed.
fn play(mut scores: Query<(Id, Next<Scores>)>, random: Random) {
    scores.par_rows(|(id, mut row)| {
        let mut stream = random.of(*id);
        let mut next = row.prev().clone();
        for _ in 0..8 {
            let key = stream.below(200);
            if stream.below(3) == 0 {
                next.delete(&key);
            } else {
                next.set(key, stream.below(1_000) as i64);
            }
        }
        if let Some((&key, &value)) = next.select(next.len() / 2) {
            next.set(key, value + next.rank(&key) as i64);
        }
        row.set(next);
    });
}

/// Roads are built and torn down by chance; the farthest node from the first gets its distance as data.
fn build(mut roads: Query<(Id, Next<Roads>)>, random: Random) {
    roads.par_rows(|(id, mut row)| {
        let mut stream = random.of(*id);
        let mut next = row.prev().clone();
        for _ in 0..6 {
            let (from, to) = (stream.below(30), stream.below(30));
            match stream.below(4) {
                0 => drop(next.remove_edge(&from, &to)),
                1 => drop(next.remove_node(&from)),
                weight => {
                    let edge = Edge::of(weight as f64 / 4.0).with(format!("of frame {}", weight));
                    next.set_edge(from, to, edge).expect("it is small");
                }
            }
        }
        let start = next.nodes().next().map(|(id, _)| *id);
        let Some(start) = start else { return };
        let paths = shortest_paths(&next, &start, |_, _, edge| edge.weight).expect("no weight is below 0");
        let farthest = paths.distance.iter().max_by(|one, two| one.1.total_cmp(two.1).then(one.0.cmp(two.0)));
        let (node, distance) =
            farthest.map(|(node, distance)| (*node, *distance)).expect("the start is there");
        let hops = breadth_first(&next, &start, |id| *id == node).expect("it is there").order.len();
        next.set_node_data(&node, (distance * 4.0) as u32 + hops as u32).expect("it is there");
        row.set(next);
    });
}

fn world(builder: EngineBuilder) -> EngineBuilder {
    builder
        .state_with::<Scores, CanonicalCodec>("game.scores", 1)
        .state_with::<Roads, CanonicalCodec>("game.roads", 1)
        .system("game.play", play)
        .system("game.build", build)
        .setup("game", |world: &mut Structure<'_, '_>| {
            for number in 0..300 {
                let roads = if number % 2 == 0 { Roads::directed() } else { Roads::undirected() };
                world.spawn((Scores::new(), roads));
            }
        })
}

fn run(builder: EngineBuilder, frames: u64) -> Digest {
    let mut engine = world(builder).build().unwrap_or_else(|error| panic!("{error}"));
    engine.run(Pace::frames(frames - engine.frame())).unwrap_or_else(|error| panic!("{error}"));
    for (_, scores) in engine.view().iter::<Scores>() {
        assert_eq!(scores.validate(), Ok(()));
    }
    engine.digest()
}

/// Claim: one digest on any number of threads.
#[test]
fn threads_do_not_matter() {
    let one = run(Engine::in_memory().threads(1), 40);
    for threads in [2, 4, 8].into_iter().filter(|_| cfg!(feature = "threads")) {
        assert_eq!(run(Engine::in_memory().threads(threads), 40), one, "on {threads} threads");
    }
    assert_ne!(run(Engine::in_memory(), 39), one, "a frame less is another world");
}

/// Claim: the same digest for a world that is stored, dropped and opened again at any frame, and for its replay: no
/// answer follows from what only the running map or graph knew.
#[cfg(feature = "store")]
#[test]
fn stored_continued_and_replayed() {
    let one = run(Engine::in_memory(), 40);
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    for frame in [1, 2, 3, 17, 40] {
        let digest = run(Engine::open(folder.path()), frame);
        assert!(frame < 40 || digest == one, "in pieces");
    }
    let replay = world(Engine::in_memory()).replay(folder.path(), ReplayFrom::Oldest);
    let mut replay = replay.unwrap_or_else(|error| panic!("{error}"));
    replay.run_to(u64::MAX).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((replay.frame(), replay.digest()), (40, one));
}
