//! The systems of the conserving rules, one an array.
//!
//! Invariant: all read the previous frame. The tree is made first in each frame, from what is committed: its system writes
//! a resource that others read, so it comes in a wave before them, its name being the first of theirs. All loop over the
//! bodies that hold everything, in the same order, so that a row has one number for all of them.

#![expect(clippy::type_complexity, reason = "the signature of a system says what it reads and owns")]

use super::clusters::Clusters;
use super::contact::{Contact, contacts};
use super::force::{far_forces, near_forces};
use super::motion::{Committed, Mover, driven, moved, next_body};
use diptych_components::gravity::{
    Body, Correction, Deflection, Departed, FarGravity, Group, Law, Lifetime, NearGravity, Origin, Position,
    Velocity,
};
use diptych_engine::prelude::*;
use diptych_engine::{State, par_each};
use glam::DVec2;

/// Rows that one thread writes at a time.
const CHUNK: usize = 4096;

/// Who holds all of a body.
pub(super) type Whole = (
    With<Position>,
    With<Velocity>,
    With<Correction>,
    With<Deflection>,
    With<NearGravity>,
    With<FarGravity>,
    With<Body>,
    With<Group>,
    With<Lifetime>,
);

/// All that is committed of a body.
pub(super) type Everything = (
    Id,
    Prev<Position>,
    Prev<Velocity>,
    Prev<Correction>,
    Prev<Deflection>,
    Prev<NearGravity>,
    Prev<FarGravity>,
    Prev<Body>,
    Prev<Lifetime>,
);

/// Where bodies are: each goes on as it moved, and is pushed out of those that it overlapped.
pub fn move_bodies(
    mut bodies: Query<(Next<Position>, Prev<Velocity>, Prev<Correction>), Whole>,
    clock: Clock,
) {
    let dt = clock.dt();
    bodies.par_rows(|(mut position, velocity, correction)| {
        let next = moved(*position.prev(), *velocity, *correction, dt);
        position.set(Position(next));
    });
}

/// How bodies move: by the forces of the last frame divided by their masses, and by what collisions gave them.
pub fn accelerate(
    mut bodies: Query<
        (Next<Velocity>, Prev<Deflection>, Prev<NearGravity>, Prev<FarGravity>, Prev<Body>),
        Whole,
    >,
    clock: Clock,
) {
    let dt = clock.dt();
    bodies.par_rows(|(mut velocity, deflection, near, far, body)| {
        let next = driven(*velocity.prev(), *deflection, near.0 + far.0, *body, dt);
        velocity.set(Velocity(next));
    });
}

/// Makes the tree that the others read: the bodies as they will be when its forces are felt.
pub fn build_clusters(
    mut bodies: Query<Everything, Whole>,
    laws: Query<Prev<Law>>,
    clock: Clock,
    mut clusters: ResMut<Clusters>,
    mut movers: Local<Vec<Option<Mover>>>,
) {
    let Some(&law) = laws.iter().next() else { return };
    let (dt, clusters) = (clock.dt(), &mut *clusters);
    gather(&mut bodies, &mut clusters.ids, &mut movers, |body| body.ahead(dt));
    clusters.rebuild(law, &movers);
    clusters.frame = clock.frame();
}

/// Takes what is asked of each body, by row.
fn gather<T: Send>(
    bodies: &mut Query<Everything, Whole>,
    ids: &mut Vec<Id>,
    out: &mut Vec<Option<T>>,
    ask: impl Fn(&Committed) -> Option<T> + Sync,
) {
    ids.clear();
    out.clear();
    bodies.blocks(|(block_ids, position, velocity, correction, deflection, near, far, body, lifetime)| {
        let first = out.len();
        ids.extend_from_slice(block_ids);
        out.resize_with(first + block_ids.len(), || None);
        let mut chunks: Vec<_> = out[first..].chunks_mut(CHUNK).collect();
        par_each(&mut chunks, |chunk, out| {
            for (row, out) in (chunk * CHUNK..).zip(out.iter_mut()) {
                *out = ask(&Committed {
                    position: position[row],
                    velocity: velocity[row],
                    correction: correction[row],
                    deflection: deflection[row],
                    near: near[row],
                    far: far[row],
                    body: body[row],
                    lifetime: lifetime[row],
                });
            }
        });
    });
}

/// The pull of the bodies in the groups nearby.
pub fn pull_by_near(
    mut bodies: Query<(Id, Next<NearGravity>), Whole>,
    clusters: Res<Clusters>,
    clock: Clock,
    mut forces: Local<Vec<DVec2>>,
) {
    if clusters.frame == clock.frame() {
        near_forces(&clusters, &mut forces);
        spread(&mut bodies, &clusters, |slot, gravity| NearGravity(force(&forces, slot, gravity)));
    }
}

/// The pull of the groups far away.
pub fn pull_by_far(
    mut bodies: Query<(Id, Next<FarGravity>), Whole>,
    clusters: Res<Clusters>,
    clock: Clock,
    mut forces: Local<Vec<DVec2>>,
) {
    if clusters.frame == clock.frame() {
        far_forces(&clusters, &mut forces);
        spread(&mut bodies, &clusters, |slot, gravity| FarGravity(force(&forces, slot, gravity)));
    }
}

/// With the gravitational constant; nothing for a row without a slot.
fn force(forces: &[DVec2], slot: u32, gravity: f64) -> DVec2 {
    forces.get(slot as usize).map_or(DVec2::ZERO, |force| *force * gravity)
}

/// Writes each row from its slot.
fn spread<T: State>(
    bodies: &mut Query<(Id, Next<T>), Whole>,
    clusters: &Clusters,
    value: impl Fn(u32, f64) -> T + Sync,
) {
    let (mut first, gravity) = (0, clusters.law().gravity);
    bodies.blocks(|(ids, mut block)| {
        let slots = rows(clusters, &mut first, ids);
        let mut chunks: Vec<_> = block.split().1.chunks_mut(CHUNK).zip(slots.chunks(CHUNK)).collect();
        par_each(&mut chunks, |_, (next, slots)| {
            next.iter_mut().zip(*slots).for_each(|(next, slot)| *next = value(*slot, gravity));
        });
    });
}

/// The slots of the block whose rows come next.
fn rows<'a>(clusters: &'a Clusters, first: &mut usize, ids: &[Id]) -> &'a [u32] {
    let rows = *first..*first + ids.len();
    *first = rows.end;
    debug_assert_eq!(
        &clusters.ids[rows.clone()],
        ids,
        "all systems loop over the same rows in the same order"
    );
    &clusters.slots[rows]
}

/// Which group each body is in.
pub fn name_groups(mut bodies: Query<(Id, Next<Group>), Whole>, clusters: Res<Clusters>, clock: Clock) {
    if clusters.frame != clock.frame() {
        return;
    }
    let mut groups = vec![0; clusters.len()];
    for (group, leaf) in (0..).zip(clusters.tree.leaves()) {
        groups[clusters.tree.slots(leaf)].fill(group);
    }
    let mut first = 0;
    bodies.blocks(|(ids, mut block)| {
        let (slots, prev) = (rows(&clusters, &mut first, ids), block.prev());
        for (row, slot) in slots.iter().enumerate() {
            let group = groups.get(*slot as usize).map_or(prev[row], |group| Group(*group));
            if group != prev[row] {
                block.set(row, group);
            }
        }
    });
}

/// What collisions do: to velocities, masses and places. Masses change when the velocities do that belong to them.
pub fn deflect(
    mut bodies: Query<(Id, Next<Deflection>, Next<Correction>, Next<Body>), Whole>,
    clusters: Res<Clusters>,
    clock: Clock,
    mut found: Local<Vec<Contact>>,
) {
    found.clear();
    if clusters.frame == clock.frame() {
        contacts(&clusters, clock.dt(), &mut found);
    }
    let mut by_row: Vec<(u32, Contact)> =
        found.iter().map(|contact| (clusters.tree.item(contact.slot as usize), *contact)).collect();
    by_row.sort_unstable_by_key(|(row, _)| *row);
    let (mut first, mut by_row) = (0_usize, by_row.into_iter().peekable());
    bodies.blocks(|(ids, mut deflections, mut corrections, mut block)| {
        for row in 0..ids.len() {
            let new = by_row.next_if(|(next, _)| *next as usize == first + row).map(|(_, contact)| contact);
            let (deflection, correction) = (deflections.prev()[row], corrections.prev()[row]);
            if deflection.mass != 0.0 {
                block.set(row, next_body(block.prev()[row], deflection));
            }
            let next = new.map_or(Deflection { velocity: DVec2::ZERO, mass: 0.0 }, |contact| Deflection {
                velocity: contact.velocity,
                mass: contact.mass,
            });
            if next != deflection {
                deflections.set(row, next);
            }
            let next = Correction(new.map_or(DVec2::ZERO, |contact| contact.correction));
            if next != correction {
                corrections.set(row, next);
            }
        }
        first += ids.len();
    });
}

/// Time runs out: bodies end, and what they take along is written down.
pub fn decay(
    mut bodies: Query<(Everything, Next<Lifetime>), Whole>,
    mut departed: Query<Next<Departed>>,
    mut structure: Structure,
    clock: Clock,
) {
    let (dt, mut gone) = (clock.dt(), Departed { momentum: DVec2::ZERO, mass: 0.0, bodies: 0 });
    bodies.blocks(|(everything, mut lifetimes)| {
        let (ids, position, velocity, correction, deflection, near, far, body, lifetime) = everything;
        for row in (0..ids.len()).filter(|row| lifetime[*row].0.is_finite()) {
            let committed = Committed {
                position: position[row],
                velocity: velocity[row],
                correction: correction[row],
                deflection: deflection[row],
                near: near[row],
                far: far[row],
                body: body[row],
                lifetime: lifetime[row],
            };
            if committed.is_ending(dt) {
                let mass = committed.next_body().mass;
                gone.momentum += committed.next_velocity(dt) * mass;
                gone.mass += mass;
                gone.bodies += 1;
                structure.despawn(ids[row]);
            } else {
                lifetimes.set(row, Lifetime(lifetime[row].0 - dt));
            }
        }
    });
    if gone.bodies > 0 {
        departed.par_rows(|mut departed| {
            let before = *departed.prev();
            departed.set(Departed {
                momentum: before.momentum + gone.momentum,
                mass: before.mass + gone.mass,
                bodies: before.bodies + gone.bodies,
            });
        });
    }
}

/// What drifts are measured against: the energy of the first frame that has forces.
pub fn keep_origin(
    origins: Query<(Next<Origin>, Prev<Law>)>,
    bodies: Query<Everything, Whole>,
    clock: Clock,
) {
    keep_origin_by(clock.tick(), origins, bodies);
}

/// The same, with places and velocities brought to one moment by steps of `tick` seconds.
pub(super) fn keep_origin_by(
    tick: f64,
    mut origins: Query<(Next<Origin>, Prev<Law>)>,
    mut bodies: Query<Everything, Whole>,
) {
    origins.blocks(|(mut block, laws)| {
        for (row, law) in laws.iter().enumerate() {
            let origin = block.prev()[row];
            match origin.is_known {
                Origin::UNKNOWN => block.set(row, Origin { tick, is_known: Origin::HAS_FORCES, ..origin }),
                Origin::HAS_FORCES => {
                    let (mut ids, mut movers) = (Vec::new(), Vec::new());
                    gather(&mut bodies, &mut ids, &mut movers, |body| Some(body.in_step(tick)));
                    let energy = super::energy(*law, &movers);
                    let unit = energy.kinetic + energy.steady;
                    block
                        .set(row, Origin { energy: energy.total(), unit, is_known: Origin::KNOWN, ..origin });
                }
                _ => {}
            }
        }
    });
}
