//! The source's systems, one an array: all read the previous frame, and none waits for another.
//!
//! Invariant: a body is its row, a node and a group are theirs, in the order of their making; bodies may be added and not
//! taken away.

#![expect(clippy::type_complexity, reason = "the signature of a system says what it reads and owns")]

use super::deflection::{Colliding, Deflected, SHARD, shard};
use super::pull::{Pulled, far, near};
use super::tree::construct;
use crate::gravity::systems::{Everything, Whole, keep_origin_by};
use diptych_components::gravity::{
    Barycentre, Body, Correction, Deflection, FarGravity, Group, Law, NearGravity, Origin, Position,
    TreeNode, Velocity, is_sound,
};
use diptych_engine::prelude::*;
use diptych_engine::{State, par_each};
use glam::DVec2;

/// Where bodies are: twice the velocity on, as the source has it, and pushed.
pub fn move_bodies(mut bodies: Query<(Next<Position>, Prev<Velocity>, Prev<Correction>), Whole>) {
    bodies.par_rows(|(mut position, velocity, correction)| {
        let step = velocity.0 + velocity.0 + correction.0;
        let next = position.prev().0 + step;
        position.set(if is_sound(next) { Position(next) } else { *position.prev() });
    });
}

/// How bodies move: deflected where they were, and pulled.
pub fn accelerate(
    mut bodies: Query<(Next<Velocity>, Prev<Deflection>, Prev<NearGravity>, Prev<FarGravity>), Whole>,
) {
    bodies.par_rows(|(mut velocity, deflection, near, far)| {
        let is_deflected = deflection.velocity != DVec2::ZERO;
        let base = if is_deflected { deflection.velocity } else { velocity.prev().0 };
        let next = base + (near.0 + far.0);
        velocity.set(if is_sound(next) { Velocity(next) } else { *velocity.prev() });
    });
}

/// The tree over the places of bodies.
pub fn build_tree(bodies: Query<Prev<Position>, Whole>, mut nodes: Query<Next<TreeNode>>) {
    let places: Vec<DVec2> = bodies.iter().map(|position| position.0).collect();
    let mut tree = vec![TreeNode::EMPTY; nodes.iter().count()];
    construct(&places, &mut tree);
    write(&mut nodes, &tree);
}

/// Which bucket of the tree each body is in, and where the buckets are.
pub fn name_groups(
    mut bodies: Query<(Next<Group>, Prev<Position>, Prev<Body>), Whole>,
    nodes: Query<Prev<TreeNode>>,
    mut groups: Query<Next<Barycentre>>,
    laws: Query<Prev<Law>>,
) {
    let Some(law) = laws.iter().next() else { return };
    let bucket = (law.bucket as usize).max(1);
    let mut names: Vec<Option<u32>> = Vec::new();
    for (node, TreeNode { body, .. }) in
        nodes.iter().enumerate().filter(|(_, node)| **node != TreeNode::EMPTY)
    {
        let row = body.max(&0).unsigned_abs() as usize;
        names.resize(names.len().max(row + 1), None);
        names[row] = Some((node / bucket) as u32);
    }
    let mut sums = vec![Barycentre { at: DVec2::ZERO, mass: 0.0 }; groups.iter().count()];
    let mut row = 0;
    bodies.blocks(|(mut block, positions, bodies)| {
        for (n, (position, body)) in positions.iter().zip(bodies).enumerate() {
            let prev = block.prev()[n];
            let group = names.get(row).copied().flatten().map_or(prev, Group);
            if group != prev {
                block.set(n, group);
            }
            if let Some(sum) = sums.get_mut(group.0 as usize) {
                sum.at += position.0 * body.mass;
                sum.mass += body.mass;
            }
            row += 1;
        }
    });
    for sum in sums.iter_mut().filter(|sum| sum.mass > 0.0) {
        sum.at /= sum.mass;
    }
    write(&mut groups, &sums);
}

/// Writes a whole array.
fn write<T: State + Copy>(rows: &mut Query<Next<T>>, values: &[T]) {
    let mut first = 0;
    rows.blocks(|mut block| {
        let next = block.split().1;
        next.copy_from_slice(&values[first..first + next.len()]);
        first += next.len();
    });
}

/// Bodies as gravity reads them, and the constant; nothing without a law.
fn pulled(bodies: &Query<(Prev<Position>, Prev<Body>, Prev<Group>), Whole>) -> Vec<Pulled> {
    let take = |(position, body, group): (&Position, &Body, &Group)| Pulled {
        at: position.0,
        body: *body,
        group: group.0,
    };
    bodies.iter().map(take).collect()
}

/// What the others of its group do to each body; groups beside each other.
pub fn pull_by_near(
    bodies: Query<(Prev<Position>, Prev<Body>, Prev<Group>), Whole>,
    mut forces: Query<Next<NearGravity>, Whole>,
    laws: Query<Prev<Law>>,
) {
    let Some(law) = laws.iter().next() else { return };
    let bodies = pulled(&bodies);
    let mut members: Vec<u32> = (0..bodies.len() as u32).collect();
    members.sort_by_key(|row| bodies[*row as usize].group);
    let same = |a: &u32, b: &u32| bodies[*a as usize].group == bodies[*b as usize].group;
    let mut groups: Vec<(&[u32], Vec<DVec2>)> =
        members.chunk_by(same).map(|group| (group, Vec::new())).collect();
    par_each(&mut groups, |_, (group, out)| {
        out.extend(group.iter().map(|target| near(law.gravity, *target as usize, group, &bodies)));
    });
    let mut sums = vec![NearGravity(DVec2::ZERO); bodies.len()];
    for (row, force) in groups.iter().flat_map(|(group, out)| group.iter().zip(out)) {
        sums[*row as usize] = NearGravity(*force);
    }
    write_whole(&mut forces, &sums);
}

/// What the other groups do to each body; bodies beside each other.
pub fn pull_by_far(
    bodies: Query<(Prev<Position>, Prev<Body>, Prev<Group>), Whole>,
    groups: Query<Prev<Barycentre>>,
    mut forces: Query<Next<FarGravity>, Whole>,
    laws: Query<Prev<Law>>,
) {
    let Some(law) = laws.iter().next() else { return };
    let (bodies, groups): (_, Vec<Barycentre>) = (pulled(&bodies), groups.iter().copied().collect());
    let mut has_members = vec![false; groups.len()];
    for body in &bodies {
        if let Some(has) = has_members.get_mut(body.group as usize) {
            *has = true;
        }
    }
    let mut sums = vec![FarGravity(DVec2::ZERO); bodies.len()];
    let mut chunks: Vec<_> = sums.chunks_mut(SHARD).zip(bodies.chunks(SHARD)).collect();
    par_each(&mut chunks, |_, (out, bodies)| {
        for (out, body) in out.iter_mut().zip(*bodies) {
            *out = FarGravity(far(law.gravity, body, &groups, &has_members));
        }
    });
    write_whole(&mut forces, &sums);
}

/// Writes a whole array of bodies.
fn write_whole<T: State + Copy>(rows: &mut Query<Next<T>, Whole>, values: &[T]) {
    let mut first = 0;
    rows.blocks(|mut block| {
        let next = block.split().1;
        next.copy_from_slice(&values[first..first + next.len()]);
        first += next.len();
    });
}

/// What collisions do; shards beside each other.
pub fn deflect(
    bodies: Query<(Prev<Position>, Prev<Velocity>, Prev<Body>), Whole>,
    nodes: Query<Prev<TreeNode>>,
    mut out: Query<(Next<Deflection>, Next<Correction>, Next<Body>), Whole>,
    laws: Query<Prev<Law>>,
) {
    let Some(law) = laws.iter().next() else { return };
    let take = |(position, velocity, body): (&Position, &Velocity, &Body)| Colliding {
        at: position.0,
        velocity: velocity.0,
        body: *body,
    };
    let bodies: Vec<Colliding> = bodies.iter().map(take).collect();
    let nodes: Vec<TreeNode> = nodes.iter().copied().collect();
    let blank =
        |body: &Colliding| Deflected { deflection: DVec2::ZERO, correction: DVec2::ZERO, body: body.body };
    let mut all: Vec<Deflected> = bodies.iter().map(blank).collect();
    let mut shards: Vec<_> = all.chunks_mut(SHARD).collect();
    par_each(&mut shards, |index, out| shard(law.least_mass, &nodes, &bodies, index * SHARD, out));
    let mut first = 0;
    out.blocks(|(mut deflections, mut corrections, mut bodies)| {
        let (deflections, corrections, next) =
            (deflections.split().1, corrections.split().1, bodies.split().1);
        for (row, value) in all[first..first + next.len()].iter().enumerate() {
            deflections[row] = Deflection { velocity: value.deflection, mass: 0.0 };
            corrections[row] = Correction(value.correction);
            next[row] = value.body;
        }
        first += next.len();
    });
}

/// What drifts are measured against; places and velocities are of one moment here.
pub fn keep_origin(origins: Query<(Next<Origin>, Prev<Law>)>, bodies: Query<Everything, Whole>) {
    keep_origin_by(0.0, origins, bodies);
}
