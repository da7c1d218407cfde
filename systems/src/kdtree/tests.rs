//! The tree against lists that are looked through from end to end.

use super::KdTree;
use bevy_ecs::prelude::Resource;
use diptych_engine::prelude::*;
use glam::DVec2;
use std::sync::{Arc, Mutex};

/// Points from a seed, some of them at one place, some on one line.
fn points(count: u32, seed: u64) -> Vec<DVec2> {
    let mut state = seed;
    let mut unit = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    };
    let place = |n: u32| match n % 7 {
        0 => DVec2::new(0.25, 0.75),
        1 => DVec2::new(unit(), 0.5),
        _ => DVec2::new(unit(), unit()),
    };
    (0..count).map(place).collect()
}

/// Claim: leaves hold each point once, no more than the bucket, inside of the boxes of all nodes above.
#[test]
fn every_point_is_in_one_leaf() {
    for (count, bucket) in [(0, 32), (1, 32), (2, 2), (3, 2), (31, 4), (1000, 32), (5000, 7), (9001, 33)] {
        let points = points(count, 3);
        let mut tree = KdTree::default();
        tree.rebuild(&points, bucket);
        let mut seen = vec![0; points.len()];
        for leaf in tree.leaves() {
            assert!(tree.slots(leaf).len() <= bucket, "leaf {leaf} of {count}");
            for slot in tree.slots(leaf) {
                let item = tree.item(slot) as usize;
                seen[item] += 1;
                assert_eq!(tree.point(slot), points[item]);
                let mut node = leaf;
                while node > 0 {
                    assert_eq!(tree.bounds(node).distance_squared(points[item]), 0.0, "node {node}");
                    node /= 2;
                }
            }
        }
        assert!(seen.iter().all(|times| *times == 1), "{count} points");
    }
}

/// Claim: queries answer what a look at every point answers, with points at one place and queries on points.
#[test]
fn queries_are_those_of_a_list() {
    let points = points(3000, 11);
    let mut tree = KdTree::default();
    tree.rebuild(&points, 16);
    for (n, &at) in points.iter().step_by(37).enumerate() {
        let at = if n % 3 == 0 { at } else { at + DVec2::splat(0.013) };
        let radius = 0.002 * n as f64;
        let mut found = Vec::new();
        tree.within(at, radius, &mut found);
        found.sort_unstable();
        let near = |(item, point): (u32, &DVec2)| {
            let (x, y) = (point.x - at.x, point.y - at.y);
            (x * x + y * y <= radius * radius).then_some(item)
        };
        assert_eq!(found, (0..).zip(&points).filter_map(near).collect::<Vec<_>>());
        let by_distance = |(item, point): (u32, &DVec2)| {
            let (x, y) = (point.x - at.x, point.y - at.y);
            (x * x + y * y, item)
        };
        let best = (0..).zip(&points).map(by_distance).min_by(|a, b| a.partial_cmp(b).expect("numbers"));
        assert_eq!(tree.nearest(at).map(|(item, distance)| (distance, item)), best);
        let (low, high) = (at - radius, at + DVec2::new(radius, 0.1));
        found.clear();
        tree.inside(low, high, usize::MAX, &mut found);
        found.sort_unstable();
        let inside = |point: &DVec2| point.cmpgt(low).all() && point.cmplt(high).all();
        let all: Vec<u32> = (0..).zip(&points).filter(|(_, at)| inside(at)).map(|(item, _)| item).collect();
        assert_eq!(found, all);
        found.clear();
        tree.inside(low, high, 2, &mut found);
        assert_eq!(found.len(), all.len().min(2), "the limit of the seed's query");
    }
}

/// Claim: what is no number is left out and asked for in vain, and nothing else is lost.
#[test]
fn what_is_no_number_is_left_out() {
    let mut points = points(100, 5);
    points[17] = DVec2::new(f64::NAN, 0.0);
    points[50] = DVec2::new(0.0, f64::INFINITY);
    let mut tree = KdTree::default();
    assert_eq!(tree.nearest(DVec2::ZERO), None);
    tree.rebuild(&points, 8);
    assert_eq!(tree.len(), 98);
    assert!((0..98).all(|slot| ![17, 50].contains(&tree.item(slot))));
    assert_eq!(tree.nearest(DVec2::new(f64::NAN, 0.0)), None);
    let mut found = Vec::new();
    tree.within(DVec2::ZERO, f64::NAN, &mut found);
    assert!(found.is_empty());
}

/// Claim: a tree is the same on any number of threads, and whatever it was before: its order is that of the points.
#[test]
fn the_order_follows_from_the_points() {
    /// The items by slot, as a system has found them.
    #[derive(Resource, Clone, Default)]
    struct Found(Arc<Mutex<Vec<u32>>>);

    fn build(found: Res<Found>, mut tree: Local<KdTree>, clock: Clock) {
        // Another tree first, to begin with what is left of it.
        let points = if clock.frame() == 1 { points(777, 2) } else { points(20_000, 8) };
        tree.rebuild(&points, 32);
        *found.0.lock().expect("nobody panics") = (0..tree.len()).map(|slot| tree.item(slot)).collect();
    }

    let mut alone = KdTree::default();
    alone.rebuild(&points(20_000, 8), 32);
    let expected: Vec<u32> = (0..alone.len()).map(|slot| alone.item(slot)).collect();
    for threads in [1, 2, 4, 8].into_iter().filter(|count| cfg!(feature = "threads") || *count == 1) {
        let found = Found::default();
        let builder = Engine::in_memory().threads(threads).resource(found.clone()).system("build", build);
        let mut engine = builder.build().unwrap_or_else(|error| panic!("{error}"));
        engine.run(Pace::frames(2)).unwrap_or_else(|error| panic!("{error}"));
        assert!(*found.0.lock().expect("nobody panics") == expected, "on {threads} threads");
    }
}
