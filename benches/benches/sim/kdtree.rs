//! The tree of points beside kiddo's: building, who is within a distance, who is nearest.
//!
//! Invariant: both sides have the same points and are asked the same; answers are compared once. One thread.

use benches::{Suite, Target};
use diptych_systems::kdtree::KdTree;
use glam::DVec2;
use kiddo::{ImmutableKdTree, SquaredEuclidean};
use std::hint::black_box;
use std::time::Instant;

const POINTS: usize = 100_000;
const QUERIES: usize = 20_000;
/// About ten points are this near.
const RADIUS: f64 = 0.0056;
const BUCKET: usize = 32;

pub(crate) fn run(suite: &mut Suite) {
    let points: Vec<DVec2> = (0..POINTS as u64).map(place).collect();
    let pairs: Vec<[f64; 2]> = points.iter().map(DVec2::to_array).collect();
    let asked: Vec<DVec2> = (0..QUERIES as u64).map(|n| place(n + 7_000_000)).collect();
    let mut tree = KdTree::default();
    tree.rebuild(&points, BUCKET);
    let peer = ImmutableKdTree::<f64, 2>::new_from_slice(&pairs).expect("sound points");
    agree(&tree, &peer, &asked);
    let name = format!("kdtree, build, {POINTS} points");
    if suite.wants(&name) {
        let mut again = KdTree::default();
        let mut ours = || timed(POINTS, || again.rebuild(black_box(&points), BUCKET));
        let mut kiddo = || {
            timed(POINTS, || {
                black_box(
                    ImmutableKdTree::<f64, 2>::new_from_slice(black_box(&pairs)).expect("sound points"),
                );
            })
        };
        suite.compare(&name, "ns/point", Target::Ratio(1.3), &mut ours, ("kiddo", &mut kiddo));
    }
    let name = format!("kdtree, within, {POINTS} points");
    if suite.wants(&name) {
        let mut found = Vec::new();
        let mut ours = || {
            timed(QUERIES, || {
                for at in &asked {
                    found.clear();
                    tree.within(*at, RADIUS, &mut found);
                    black_box(&found);
                }
            })
        };
        let mut kiddo = || {
            timed(QUERIES, || {
                for at in &asked {
                    black_box(within(&peer, *at));
                }
            })
        };
        suite.compare(&name, "ns/query", Target::Ratio(1.3), &mut ours, ("kiddo", &mut kiddo));
    }
    let name = format!("kdtree, nearest, {POINTS} points");
    if suite.wants(&name) {
        let mut ours = || timed(QUERIES, || asked.iter().map(|at| tree.nearest(*at)).for_each(keep));
        let mut kiddo = || timed(QUERIES, || asked.iter().map(|at| nearest(&peer, *at)).for_each(keep));
        suite.compare(&name, "ns/query", Target::Ratio(1.3), &mut ours, ("kiddo", &mut kiddo));
    }
}

type Peer = ImmutableKdTree<f64, 2>;

fn within(peer: &Peer, at: DVec2) -> Vec<u32> {
    let found =
        peer.query(&at.to_array()).within::<SquaredEuclidean<f64>>(RADIUS * RADIUS).unsorted().execute();
    found.into_iter().map(|found| found.item).collect()
}

fn nearest(peer: &Peer, at: DVec2) -> f64 {
    peer.query(&at.to_array()).nearest_one::<SquaredEuclidean<f64>>().execute().distance
}

/// Both answer alike.
fn agree(tree: &KdTree, peer: &Peer, asked: &[DVec2]) {
    for at in asked.iter().step_by(100) {
        let mut found = Vec::new();
        tree.within(*at, RADIUS, &mut found);
        assert_eq!(found.len(), within(peer, *at).len(), "within {at}");
        let distance = tree.nearest(*at).map_or(f64::NAN, |(_, distance)| distance);
        assert!((distance - nearest(peer, *at)).abs() < 1e-15, "nearest to {at}");
    }
}

/// Has the answer made.
fn keep<T>(answer: T) {
    black_box(&answer);
}

/// Nanoseconds a piece.
fn timed(pieces: usize, work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_nanos() as f64 / pieces as f64
}

/// A place in the unit square.
fn place(n: u64) -> DVec2 {
    let unit = |n: u64| {
        let mut bits = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    };
    DVec2::new(unit(2 * n + 1), unit(2 * n + 2))
}
