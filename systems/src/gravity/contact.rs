//! Collisions: who touches whom, and what becomes of the two.
//!
//! Invariant: what a pair does is worked out from both sides by the same steps on the same numbers, so that impulses and
//! masses given are those taken. A body that several others touch gets the sum of what each pair does, never an average.
//!
//! Bodies that approach each other get one impulse along the line between them that turns their approach around, so a
//! pair by itself keeps its kinetic energy. What still overlaps after the next step is pushed apart, each by the part of
//! the other's mass, so that their barycentre stays. Two bodies on one point have no line between them: the first by slot
//! goes to the left, the second to the right.

use super::clusters::{Clusters, NONE};
use core::ops::Range;
use diptych_components::gravity::MASS_MIN;
use diptych_engine::par_each;
use glam::DVec2;

/// Leaves whose bodies one job looks at.
const LEAVES: usize = 16;

/// What collisions do to a body.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Contact {
    /// The slot of the body.
    pub slot: u32,
    /// What its velocity gains.
    pub velocity: DVec2,
    /// What its mass gains.
    pub mass: f64,
    /// What its place gains.
    pub correction: DVec2,
}

/// Some leaves, who touches whom with the first in them, and what comes of it.
#[derive(Debug)]
struct Job {
    leaves: Range<usize>,
    pairs: Vec<[u32; 2]>,
    contacts: Vec<Contact>,
}

/// What collisions do in a step of `dt` seconds, for each body that touches another, along the slots.
pub fn contacts(clusters: &Clusters, dt: f64, out: &mut Vec<Contact>) {
    out.clear();
    let Some(law) = clusters.law.filter(|_| !clusters.is_empty()) else { return };
    let leaves = clusters.tree.leaves();
    let end = leaves.end;
    let job = |first| Job { leaves: first..end.min(first + LEAVES), pairs: Vec::new(), contacts: Vec::new() };
    let mut jobs: Vec<Job> = leaves.step_by(LEAVES).map(job).collect();
    par_each(&mut jobs, |_, job| {
        job.leaves.clone().for_each(|leaf| touching(clusters, law.touch, leaf, &mut job.pairs));
        job.pairs.sort_unstable();
    });
    let nearest = if law.exchange == 0 { Vec::new() } else { nearest(clusters, &jobs) };
    par_each(&mut jobs, |_, job| {
        let bodies = job.pairs.chunk_by(|a, b| a[0] == b[0]);
        job.contacts.extend(bodies.map(|pairs| collide(clusters, pairs, &nearest, dt)));
    });
    jobs.iter().for_each(|job| out.extend(&job.contacts));
}

/// Appends each pair of touching bodies whose first is in this leaf.
fn touching(clusters: &Clusters, touch: f64, leaf: usize, pairs: &mut Vec<[u32; 2]>) {
    let (tree, bounds) = (&clusters.tree, clusters.tree.bounds(leaf));
    let reach = touch * (clusters.nodes[leaf].scale + clusters.nodes[1].scale);
    tree.leaves_near(
        |other| bounds.gap_squared(other) < reach * reach,
        |other, others| {
            for slot in tree.slots(leaf) {
                let (at, scale) = (clusters.movers[slot].position, clusters.scale[slot]);
                let reach = touch * (scale + clusters.nodes[other].scale);
                if tree.bounds(other).distance_squared(at) >= reach * reach {
                    continue;
                }
                for other in others.clone().filter(|other| *other != slot) {
                    let (x, y) = (clusters.x[other] - at.x, clusters.y[other] - at.y);
                    let reach = touch * (scale + clusters.scale[other]);
                    if x * x + y * y < reach * reach {
                        pairs.push([slot as u32, other as u32]);
                    }
                }
            }
        },
    );
}

/// By slot, whom a body touches nearest; of several at one distance the first by slot.
fn nearest(clusters: &Clusters, jobs: &[Job]) -> Vec<u32> {
    let mut nearest = vec![(NONE, f64::INFINITY); clusters.len()];
    for &[slot, other] in jobs.iter().flat_map(|job| &job.pairs) {
        let place = |slot: u32| clusters.movers[slot as usize].position;
        let distance = (place(slot) - place(other)).length_squared();
        let best = &mut nearest[slot as usize];
        if distance < best.1 {
            *best = (other, distance);
        }
    }
    nearest.into_iter().map(|(other, _)| other).collect()
}

/// What all that touch a body do to it; the first of each pair is the body.
fn collide(clusters: &Clusters, pairs: &[[u32; 2]], nearest: &[u32], dt: f64) -> Contact {
    let slot = pairs[0][0];
    let mutual = |a: u32, b: u32| nearest.get(a as usize) == Some(&b) && nearest.get(b as usize) == Some(&a);
    // Who exchanges mass does so with one other: with whom it touches nearest, if that says the same of it.
    let mut contact = Contact { slot, velocity: DVec2::ZERO, mass: 0.0, correction: DVec2::ZERO };
    let own = clusters.movers[slot as usize];
    let mut partner = None;
    for &[_, other] in pairs.iter().filter(|pair| mutual(slot, pair[1])) {
        let meeting = Meeting::of(clusters, slot, other);
        let gain = meeting.gain(clusters.law().least_mass);
        if meeting.approach < 0.0 && gain != 0.0 {
            contact.mass = gain;
            contact.velocity = meeting.exchanged(gain) - own.velocity;
            partner = Some(other);
        }
    }
    let next_mass = own.body.mass + contact.mass;
    for &[_, other] in pairs {
        let meeting = Meeting::of(clusters, slot, other);
        if meeting.approach < 0.0 && partner != Some(other) {
            contact.velocity += meeting.impulse() / next_mass;
        }
        contact.correction += meeting.push(clusters.law().touch, dt);
    }
    contact
}

/// Two bodies that touch, from the side of the first.
struct Meeting {
    /// Own first, then the other's.
    mass: [f64; 2],
    scale: [f64; 2],
    velocity: [DVec2; 2],
    distance: f64,
    /// From the other to the own, of length 1.
    normal: DVec2,
    /// The speed along the normal; negative while they approach each other.
    approach: f64,
}

impl Meeting {
    fn of(clusters: &Clusters, slot: u32, other: u32) -> Meeting {
        let [a, b] = [slot, other].map(|slot| clusters.movers[slot as usize]);
        let away = a.position - b.position;
        let distance = away.length();
        let normal = match distance > 0.0 {
            true => away / distance,
            false => DVec2::new(if slot < other { -1.0 } else { 1.0 }, 0.0),
        };
        Meeting {
            mass: [a.body.mass, b.body.mass],
            scale: [a.body.scale, b.body.scale],
            velocity: [a.velocity, b.velocity],
            distance,
            normal,
            approach: (a.velocity - b.velocity).dot(normal),
        }
    }

    fn reduced_mass(&self) -> f64 {
        self.mass[0] * self.mass[1] / (self.mass[0] + self.mass[1])
    }

    /// The momentum that the first gets where the two keep their masses.
    fn impulse(&self) -> DVec2 {
        self.normal * (-2.0 * self.reduced_mass() * self.approach)
    }

    /// What the first gains of mass: the larger takes from the smaller, of its mass the part that their scales differ by
    /// among both masses, and leaves it `least`.
    fn gain(&self, least: f64) -> f64 {
        let ([own, other], [own_scale, other_scale]) = (self.mass, self.scale);
        let (smaller, sign) = if own_scale > other_scale { (other, 1.0) } else { (own, -1.0) };
        let wanted = smaller * (own_scale - other_scale).abs() / (own + other);
        sign * wanted.min(smaller - least.max(MASS_MIN)).max(0.0)
    }

    /// The velocity of the first after an exchange: masses move over, the approach is turned around, and the speed at
    /// which the two part is the one that keeps their kinetic energy.
    fn exchanged(&self, gain: f64) -> DVec2 {
        let [own, other] = self.mass;
        let (sum, [own_next, other_next]) = (own + other, [own + gain, other - gain]);
        let middle = (self.velocity[0] * own + self.velocity[1] * other) / sum;
        let apart = (self.velocity[0] - self.velocity[1]) - self.normal * (2.0 * self.approach);
        let speed = (own * other / (own_next * other_next)).sqrt();
        middle + apart * (speed * other_next / sum)
    }

    /// By how much the first is pushed: its part of the overlap that will not be gone by itself after a step.
    fn push(&self, touch: f64, dt: f64) -> DVec2 {
        let overlap = touch * (self.scale[0] + self.scale[1]) - self.distance;
        let left = (overlap - self.approach.abs() * dt).max(0.0);
        self.normal * (left * (self.mass[1] / (self.mass[0] + self.mass[1])))
    }
}
