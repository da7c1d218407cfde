//! Transforms of a tree of 100,000 nodes: `derive` with `Tree::propagate` beside bevy_transform's propagation.
//!
//! Invariant: the same trees and the same arithmetic on both sides, checked: bevy's own `Transform` and
//! `GlobalTransform` are our state, composed by `mul_transform`. bevy's side is what its `TransformPlugin` adds,
//! in its order: `mark_dirty_trees`, `propagate_parent_transforms`, `sync_simple_transforms`. Each sample gives two
//! rows. "alone" is the call of `propagate`, without the derive phase around it, beside the three systems;
//! "frame" adds what writes the locals, on one thread on either side, and our commit. Without the feature
//! `bevy-transform-threads` bevy's propagation is its version for one thread.

mod worlds;

use benches::report::{Row, Samples};
use benches::{Suite, Target};
use bevy_transform::components::{GlobalTransform, Transform};
use bevy_transform::systems::StaticTransformOptimizations;
use worlds::{Sample, bevy, ours};

const NODES: usize = 100_000;
/// With the load "1 % change" this many locals are set in a frame.
const FEW: usize = NODES / 100;
const FRAMES: u64 = 20;
/// Frames that both worlds have made when they are compared.
const FIRST_FRAMES: u64 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// Eight children each, seven levels.
    Fan,
    /// Each node below any earlier one, about thirty levels.
    Random,
}

impl Shape {
    /// The parent of a node; the root is its own.
    fn parent(self, node: usize) -> usize {
        match self {
            Self::Fan => node.saturating_sub(1) / 8,
            Self::Random => scattered(node) % node.max(1),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Load {
    All,
    Few,
    None,
}

/// A number that follows from `n` and looks like none.
fn scattered(n: usize) -> usize {
    ((n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24) as usize
}

/// The nodes whose locals are set under the load [`Load::Few`].
fn few() -> impl Iterator<Item = usize> {
    // Of each hundred one, so that none comes twice.
    (0..FEW).map(|n| n * 100 + scattered(n) % 100)
}

/// The first local of a node.
fn local(node: usize) -> Transform {
    let mut local = Transform::from_xyz(0.5, 0.25, (node % 7) as f32 * 0.125);
    local.rotate_z((node % 13) as f32 * 0.1);
    local
}

/// What sets a local: back and forth, so that values stay small and each differs from the last.
fn moved(mut local: Transform) -> Transform {
    local.translation.x = 1.0 - local.translation.x + 0.125;
    local
}

/// What one child's value is made of, on our side as on bevy's.
fn compose(parent: Option<&GlobalTransform>, local: &Transform) -> GlobalTransform {
    parent.map_or_else(|| GlobalTransform::from(*local), |parent| parent.mul_transform(*local))
}

/// A sum that does not depend on the order of nodes and changes when a bit of any of them does.
fn checksum<'a>(globals: impl Iterator<Item = &'a GlobalTransform>) -> u64 {
    let mix = |sum: u64, part: &f32| (sum ^ u64::from(part.to_bits())).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let one = |global: &GlobalTransform| global.affine().to_cols_array().iter().fold(1, mix);
    globals.map(one).fold(0, u64::wrapping_add)
}

pub(crate) fn run(suite: &mut Suite) {
    let shapes = [("fan-out 8", Shape::Fan), ("random", Shape::Random)];
    let loads = [("all change", Load::All), ("1 % change", Load::Few), ("none change", Load::None)];
    for (shape_name, shape) in shapes {
        for (load_name, load) in loads {
            for threads in [1, 2] {
                let name = format!("tree of {NODES}, {shape_name}, {load_name}, {threads} thread(s)");
                compare(suite, &name, (shape, load, threads), StaticTransformOptimizations::Enabled);
                if load == Load::All {
                    // What bevy advises where everything moves.
                    let name = format!("{name}, bevy without static optimizations");
                    compare(suite, &name, (shape, load, threads), StaticTransformOptimizations::Disabled);
                }
            }
        }
    }
}

fn compare(
    suite: &mut Suite,
    name: &str,
    (shape, load, threads): (Shape, Load, usize),
    optimizations: StaticTransformOptimizations,
) {
    let names = [format!("{name}, alone"), format!("{name}, frame")];
    if !names.iter().any(|name| suite.wants(name)) {
        return;
    }
    let (mut ours, our_sum) = ours(shape, load, threads);
    let (mut peer, peer_sum) = bevy(shape, load, optimizations);
    assert_eq!(our_sum, peer_sum, "{name}: both sides compute the same");
    let mut sides = [Vec::new(), Vec::new()];
    ours();
    peer();
    for _ in 0..suite.reps() {
        sides[0].push(ours());
        sides[1].push(peer());
    }
    let peer_name = match cfg!(feature = "bevy-transform-threads") {
        true => "bevy_transform, multi-threaded",
        false => "bevy_transform, serial",
    };
    let parts: [fn(&Sample) -> f64; 2] = [|sample| sample.alone, |sample| sample.frame];
    for (name, part) in names.into_iter().zip(parts) {
        let samples = |side: &[Sample]| Samples(side.iter().map(part).collect());
        suite.row(Row {
            name,
            unit: "us/frame",
            ours: samples(&sides[0]),
            peer: Some((peer_name.to_owned(), samples(&sides[1]))),
            target: if load == Load::All { Target::Ratio(1.3) } else { Target::None },
        });
    }
}
