//! Bodies in groups of neighbours, and groups in larger ones: the tree that forces and collisions are found by.
//!
//! Invariant: all of it follows from the bodies that it was rebuilt from, on any number of threads. It is made anew in each
//! frame and never stored. A body that is not among the numbers has no slot.

use super::expansion::Moments;
use super::motion::Mover;
use crate::kdtree::{Bounds, KdTree};
use bevy_ecs::prelude::Resource;
use diptych_components::gravity::{Body, Law, is_sound};
use diptych_engine::{Id, par_each};
use glam::DVec2;

/// No slot, and nobody.
pub(super) const NONE: u32 = u32::MAX;
/// Bodies or nodes that one thread works on at a time.
const CHUNK: usize = 1024;

/// A node as others see it from afar.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Node {
    /// The barycentre.
    pub(super) centre: DVec2,
    /// No member is further from there.
    pub(super) radius: f64,
    /// The largest scale of a member.
    pub(super) scale: f64,
    pub(super) mass: f64,
    pub(super) moments: Moments,
}

/// See the head of the file.
#[derive(Resource, Debug, Default)]
pub struct Clusters {
    /// The frame that it was made in; its readers look at no other.
    pub(super) frame: u64,
    pub(super) law: Option<Law>,
    /// By row: who it is and its slot, or [`NONE`].
    pub(super) ids: Vec<Id>,
    pub(super) slots: Vec<u32>,
    pub(super) tree: KdTree,
    /// By slot.
    pub(super) movers: Vec<Mover>,
    /// By slot, apart, for loops over many pairs.
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    pub(super) mass: Vec<f64>,
    pub(super) scale: Vec<f64>,
    /// By node.
    pub(super) nodes: Vec<Node>,
    points: Vec<DVec2>,
}

impl Clusters {
    /// Forgets what there was and takes these bodies, one a row; `None` is a row that takes no part.
    pub fn rebuild(&mut self, law: Law, movers: &[Option<Mover>]) {
        self.law = Some(law);
        let place = |mover: &Option<Mover>| mover.map_or(DVec2::NAN, |mover| mover.position);
        self.points.clear();
        self.points.extend(movers.iter().map(place).map(|at| if is_sound(at) { at } else { DVec2::NAN }));
        self.tree.rebuild(&self.points, law.bucket as usize);
        self.fill_slots(movers);
        self.summarise();
    }

    /// Groups: leaves of the tree.
    #[must_use]
    pub fn groups(&self) -> usize {
        self.tree.leaves().len()
    }

    /// Bodies that have a slot.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tree.len()
    }

    /// Whether no body has one.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tree.is_empty()
    }

    /// The law it was made under.
    pub(super) fn law(&self) -> &Law {
        self.law.as_ref().expect("whoever reads it has rebuilt it")
    }

    /// The value in the slot of each row, or `none`.
    pub fn by_row<'a, T: Copy>(&'a self, values: &'a [T], none: T) -> impl Iterator<Item = T> + 'a {
        self.slots.iter().map(move |&slot| if slot == NONE { none } else { values[slot as usize] })
    }

    fn fill_slots(&mut self, movers: &[Option<Mover>]) {
        self.slots.clear();
        self.slots.resize(movers.len(), NONE);
        for slot in 0..self.tree.len() {
            self.slots[self.tree.item(slot) as usize] = slot as u32;
        }
        let tree = &self.tree;
        let blank =
            Mover { position: DVec2::ZERO, velocity: DVec2::ZERO, body: Body { mass: 0.0, scale: 0.0 } };
        self.movers.resize(tree.len(), blank);
        for column in [&mut self.x, &mut self.y, &mut self.mass, &mut self.scale] {
            column.resize(tree.len(), 0.0);
        }
        let columns =
            self.movers.chunks_mut(CHUNK).zip(self.x.chunks_mut(CHUNK)).zip(self.y.chunks_mut(CHUNK));
        let columns = columns.zip(self.mass.chunks_mut(CHUNK)).zip(self.scale.chunks_mut(CHUNK));
        let mut chunks: Vec<_> = columns.collect();
        par_each(&mut chunks, |chunk, ((((to, x), y), mass), scale)| {
            for (n, to) in to.iter_mut().enumerate() {
                let row = tree.item(chunk * CHUNK + n) as usize;
                *to = movers[row].expect("a row without a body has no point");
                (x[n], y[n]) = (to.position.x, to.position.y);
                (mass[n], scale[n]) = (to.body.mass, to.body.scale);
            }
        });
    }

    /// Barycentres, reaches and moments of all nodes, from the leaves upwards.
    fn summarise(&mut self) {
        let (tree, movers) = (&self.tree, &self.movers);
        self.nodes.clear();
        self.nodes.resize(2 << tree.depth(), Node::default());
        if tree.is_empty() {
            return;
        }
        for depth in (0..=tree.depth()).rev() {
            let (above, below) = self.nodes.split_at_mut(2 << depth);
            let level = &mut above[1 << depth..];
            let mut chunks: Vec<_> = level.chunks_mut(CHUNK / 16).collect();
            par_each(&mut chunks, |chunk, nodes| {
                for (n, node) in nodes.iter_mut().enumerate() {
                    let index = chunk * (CHUNK / 16) + n;
                    let bounds = tree.bounds((1 << depth) + index);
                    *node = match below.get(2 * index..2 * index + 2) {
                        Some([left, right]) => Node::of_groups(left, right, bounds),
                        _ => Node::of_bodies(&movers[tree.slots((1 << depth) + index)], bounds),
                    };
                }
            });
        }
    }
}

impl Node {
    fn of_bodies(bodies: &[Mover], bounds: &Bounds) -> Node {
        let mass: f64 = bodies.iter().map(|body| body.body.mass).sum();
        let centre = bodies.iter().map(|body| body.position * body.body.mass).sum::<DVec2>() / mass;
        let scale = bodies.iter().map(|body| body.body.scale).fold(0.0, f64::max);
        let mut moments = Moments::default();
        bodies.iter().for_each(|body| moments.add_body(body.body.mass, body.position - centre));
        Node { centre, radius: reach(centre, bounds), scale, mass, moments }
    }

    fn of_groups(left: &Node, right: &Node, bounds: &Bounds) -> Node {
        let mass = left.mass + right.mass;
        let centre = (left.centre * left.mass + right.centre * right.mass) / mass;
        let mut moments = Moments::default();
        for part in [left, right] {
            moments.add_group(&part.moments, part.centre - centre);
        }
        Node { centre, radius: reach(centre, bounds), scale: left.scale.max(right.scale), mass, moments }
    }

    /// Whether two groups pull each other as wholes: the same answer, whichever of the two asks.
    #[inline]
    pub(super) fn is_far(&self, other: &Node, law: &Law) -> bool {
        let squared = (self.centre - other.centre).length_squared();
        let radii = self.radius + other.radius;
        // Within the cut-off between two bodies a pull is no longer that of its place alone.
        let reach = radii + 0.5 * (self.scale + other.scale);
        radii * radii < law.opening * law.opening * squared && reach * reach <= squared
    }
}

/// From a barycentre to the farthest corner of a box.
fn reach(centre: DVec2, bounds: &Bounds) -> f64 {
    (centre - bounds.low).max(bounds.high - centre).length()
}
