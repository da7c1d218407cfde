//! The source's systems as plain loops over arrays, frame by frame: what the rules of the seed are compared with.
//!
//! Invariant: written from the source alone, a system after the other, each from the arrays of the frame before.

use crate::gravity::{
    Barycentre, Body, Correction, Deflection, FarGravity, Group, Law, NearGravity, Particle, Position,
    TreeNode, Velocity,
};
use bytemuck::{Pod, bytes_of};
use diptych_engine::prelude::*;

type Pair = [f64; 2];

/// All arrays at one frame.
#[derive(Clone, Default)]
struct Arrays {
    pos: Vec<Pair>,
    vel: Vec<Pair>,
    correction: Vec<Pair>,
    deflection: Vec<Pair>,
    near: Vec<Pair>,
    far: Vec<Pair>,
    mass: Vec<f64>,
    scale: Vec<f64>,
    group: Vec<usize>,
    /// x, y, pid.
    tree: Vec<(Pair, i64)>,
    /// x, y, mass.
    barycentres: Vec<(Pair, f64)>,
}

pub(super) struct World {
    now: Arrays,
    law: Law,
    /// Bodies that something hit, counted in each frame, and those that several hit at once.
    pub(super) hit: usize,
    pub(super) crowded: usize,
}

fn hypot(v: Pair) -> f64 {
    libm::hypot(v[0], v[1])
}

fn set_length(v: Pair, length: f64) -> Pair {
    let angle = libm::atan2(v[1], v[0]);
    [libm::cos(angle) * length, libm::sin(angle) * length]
}

fn rotate(v: Pair, angle: f64) -> Pair {
    let (cos, sin) = (libm::cos(angle), libm::sin(angle));
    [v[0] * cos - v[1] * sin, v[0] * sin + v[1] * cos]
}

fn minus(a: Pair, b: Pair) -> Pair {
    [a[0] - b[0], a[1] - b[1]]
}

impl World {
    pub(super) fn new(particles: &[Particle], law: Law) -> World {
        let zero = vec![[0.0; 2]; particles.len()];
        let mut depth = 1;
        while 2_usize.pow(depth) <= particles.len() {
            depth += 1;
        }
        // Two levels more than a tree without equal coordinates has.
        let nodes = 2_usize.pow(depth + 2) - 1;
        let now = Arrays {
            pos: particles.iter().map(|body| body.position.to_array()).collect(),
            vel: particles.iter().map(|body| body.velocity.to_array()).collect(),
            correction: zero.clone(),
            deflection: zero.clone(),
            near: zero.clone(),
            far: zero,
            mass: particles.iter().map(|body| body.mass).collect(),
            scale: particles.iter().map(|body| libm::cbrt(body.mass)).collect(),
            group: vec![0; particles.len()],
            tree: vec![([0.0; 2], -1); nodes],
            barycentres: vec![([0.0; 2], 0.0); nodes / law.bucket as usize + 1],
        };
        World { now, law, hit: 0, crowded: 0 }
    }

    pub(super) fn step(&mut self) {
        let now = &self.now;
        let mut next = now.clone();
        for id in 0..now.pos.len() {
            for axis in 0..2 {
                let p = now.vel[id][axis] + now.vel[id][axis] + now.correction[id][axis];
                next.pos[id][axis] = now.pos[id][axis] + p;
                let d = now.deflection[id];
                let v = if d[0] != 0.0 || d[1] != 0.0 { d[axis] } else { now.vel[id][axis] };
                next.vel[id][axis] = v + (now.near[id][axis] + now.far[id][axis]);
            }
        }
        next.tree.fill(([0.0; 2], -1));
        construct(&mut next.tree, &mut (0..now.pos.len()).collect::<Vec<_>>(), &now.pos, 0, 0);
        self.group(&mut next);
        self.near(&mut next);
        self.far(&mut next);
        let impacts = self.collide(&mut next);
        self.hit += impacts.len();
        self.crowded += impacts.iter().filter(|impacts| **impacts > 1).count();
        self.now = next;
    }

    fn group(&self, next: &mut Arrays) {
        let (now, bucket) = (&self.now, self.law.bucket as usize);
        for (node, (_, pid)) in now.tree.iter().enumerate() {
            if *pid != -1 {
                next.group[*pid as usize] = node / bucket;
            }
        }
        for (group, barycentre) in next.barycentres.iter_mut().enumerate() {
            let (mut sum, mut mass) = ([0.0; 2], 0.0);
            for id in (0..now.pos.len()).filter(|id| next.group[*id] == group) {
                sum[0] += now.pos[id][0] * now.mass[id];
                sum[1] += now.pos[id][1] * now.mass[id];
                mass += now.mass[id];
            }
            *barycentre = (if mass > 0.0 { sum.map(|sum| sum / mass) } else { sum }, mass);
        }
    }

    fn pull(&self, target: usize, center: Pair, mass: f64) -> Pair {
        let dist = minus(center, self.now.pos[target]);
        let used = hypot(dist);
        let mag = (dist[0] * dist[0] + dist[1] * dist[1]).sqrt();
        set_length(dist, (-self.law.gravity * mass * self.now.mass[target] * used / (mag * mag)).abs())
    }

    fn near(&self, next: &mut Arrays) {
        let now = &self.now;
        for target in 0..now.pos.len() {
            let mut vel = [0.0; 2];
            for affector in 0..now.pos.len() {
                if affector == target || now.group[affector] != now.group[target] {
                    continue;
                }
                if hypot(minus(now.pos[affector], now.pos[target])) >= now.scale[target] {
                    let pull = self.pull(target, now.pos[affector], now.mass[affector]);
                    vel = [vel[0] + pull[0], vel[1] + pull[1]];
                }
            }
            next.near[target] = vel;
        }
    }

    fn far(&self, next: &mut Arrays) {
        let now = &self.now;
        for target in 0..now.pos.len() {
            let mut vel = [0.0; 2];
            for (group, (center, mass)) in now.barycentres.iter().enumerate() {
                if !now.group.contains(&group) || now.group[target] == group {
                    continue;
                }
                let least = 2.0 * now.scale[target];
                if hypot(minus(*center, now.pos[target])) >= least * least {
                    let pull = self.pull(target, *center, *mass);
                    vel = [vel[0] + pull[0], vel[1] + pull[1]];
                }
            }
            next.far[target] = vel;
        }
    }

    /// Answers the impacts of each body that has some.
    fn collide(&self, next: &mut Arrays) -> Vec<u32> {
        let (now, mut counts) = (&self.now, Vec::new());
        let size = 64;
        for first in (0..now.pos.len()).step_by(size) {
            // Each worker has particles of its own.
            let (mut mass, mut scale) = (now.mass.clone(), now.scale.clone());
            for target in first..(first + size).min(now.pos.len()) {
                let (mut correction, mut deflection, mut impacts) = ([0.0; 2], [0.0; 2], 0);
                let mut elements = Vec::new();
                query(&now.tree, now.pos[target], 4.0 * scale[target], 0, 0, &mut elements);
                elements.sort_by(|a, b| {
                    let far = |id: &usize| hypot(minus(now.pos[*id], now.pos[target]));
                    far(a).partial_cmp(&far(b)).expect("numbers")
                });
                for affector in elements {
                    let dist = minus(now.pos[affector], now.pos[target]);
                    let (used, threshold) = (hypot(dist), 0.01 * (scale[affector] + scale[target]));
                    if affector == target || threshold <= used {
                        continue;
                    }
                    let total = mass[affector] + mass[target];
                    let push = set_length(dist, threshold - used);
                    for axis in 0..2 {
                        correction[axis] = correction[axis] - now.vel[target][axis] - push[axis];
                    }
                    if scale[target] > scale[affector] {
                        mass[target] += mass[target] * ((scale[target] - scale[affector]) / total);
                        scale[target] = libm::cbrt(mass[target]);
                    }
                    if scale[target] < scale[affector] && self.law.least_mass > mass[target] {
                        mass[target] -= mass[target] * ((scale[affector] - scale[target]) / total);
                        scale[target] = libm::cbrt(mass[target]);
                    }
                    impacts += 1;
                    let (vector1, vector2) = (now.vel[target], now.vel[affector]);
                    let theta = libm::atan2(vector1[1] - vector2[1], vector1[0] - vector2[0]);
                    let (v1, v2) = (rotate(vector1, theta), rotate(vector2, theta));
                    let (m, n) = (mass[target], mass[affector]);
                    let u1 = rotate([v1[0] * (m - n) / (m + n) + v2[0] * 2.0 * (n / (m + n)), v1[1]], -theta);
                    deflection = [deflection[0] + u1[0], deflection[1] + u1[1]];
                }
                if impacts > 0 {
                    counts.push(impacts);
                    deflection = deflection.map(|part| part / f64::from(impacts));
                    correction = correction.map(|part| part / f64::from(impacts));
                }
                (next.correction[target], next.deflection[target]) = (correction, deflection);
                (next.mass[target], next.scale[target]) = (mass[target], scale[target]);
            }
        }
        counts
    }

    /// All arrays as bits.
    pub(super) fn seen_bits(&self) -> Vec<Vec<u64>> {
        let now = &self.now;
        let pairs = |array: &[Pair]| array.iter().flatten().map(|part| part.to_bits()).collect();
        let body =
            now.mass.iter().zip(&now.scale).flat_map(|(mass, scale)| [mass.to_bits(), scale.to_bits()]);
        let deflection = now.deflection.iter().flat_map(|d| [d[0].to_bits(), d[1].to_bits(), 0]);
        let tree = now.tree.iter().flat_map(|(at, pid)| [at[0].to_bits(), at[1].to_bits(), *pid as u64]);
        let groups = now.barycentres.iter().flat_map(|(at, mass)| [at[0], at[1], *mass].map(f64::to_bits));
        vec![
            pairs(&now.pos),
            pairs(&now.vel),
            pairs(&now.correction),
            pairs(&now.near),
            pairs(&now.far),
            deflection.collect(),
            body.collect(),
            tree.collect(),
            groups.collect(),
            now.group.iter().map(|group| *group as u64).collect(),
        ]
    }

    /// The same of an engine's frame.
    pub(super) fn seen(view: View<'_>) -> Vec<Vec<u64>> {
        vec![
            bits::<Position>(view),
            bits::<Velocity>(view),
            bits::<Correction>(view),
            bits::<NearGravity>(view),
            bits::<FarGravity>(view),
            bits::<Deflection>(view),
            bits::<Body>(view),
            bits::<TreeNode>(view),
            bits::<Barycentre>(view),
            view.iter::<Group>().map(|(_, group)| u64::from(group.0)).collect(),
        ]
    }
}

fn bits<T: Pod + Send + Sync>(view: View<'_>) -> Vec<u64> {
    let words = |row: &T| -> Vec<u64> {
        let words = bytes_of(row).chunks_exact(8);
        words.map(|word| u64::from_le_bytes(word.try_into().expect("eight bytes"))).collect()
    };
    view.iter::<T>().flat_map(|(_, row)| words(row)).collect()
}

fn construct(tree: &mut [(Pair, i64)], points: &mut [usize], pos: &[Pair], node: usize, depth: usize) {
    if node >= tree.len() || points.is_empty() {
        return;
    }
    let axis = depth % 2;
    points.sort_by(|a, b| pos[*a][axis].partial_cmp(&pos[*b][axis]).expect("numbers"));
    let median = points[points.len() / 2];
    tree[node] = (pos[median], median as i64);
    let split = pos[median][axis];
    let mut left: Vec<usize> = points.iter().copied().filter(|p| pos[*p][axis] < split).collect();
    let mut right: Vec<usize> =
        points.iter().copied().filter(|p| *p != median && pos[*p][axis] >= split).collect();
    construct(tree, &mut left, pos, 2 * node + 1, depth + 1);
    construct(tree, &mut right, pos, 2 * node + 2, depth + 1);
}

fn query(tree: &[(Pair, i64)], at: Pair, range: f64, node: usize, depth: usize, matches: &mut Vec<usize>) {
    let Some(&([x, y], pid)) = tree.get(node).filter(|(_, pid)| *pid != -1) else { return };
    let (min, max) = ([at[0] - range, at[1] - range], [at[0] + range, at[1] + range]);
    if x > min[0] && y > min[1] && x < max[0] && y < max[1] {
        matches.push(pid as usize);
    }
    let axis = depth % 2;
    if [x, y][axis] <= max[axis] {
        query(tree, at, range, 2 * node + 1, depth + 1, matches);
    }
    if [x, y][axis] >= min[axis] {
        query(tree, at, range, 2 * node + 2, depth + 1, matches);
    }
}
