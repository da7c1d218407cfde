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
/// What an exchange leaves to the smaller body at least, as a part of its mass: enough that its speed stays a number.
const KEPT_SHARE_MIN: f64 = 1e-6;

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

/// Some leaves, whom each of their bodies touches nearest, and what comes of all that touch it.
#[derive(Debug)]
pub(super) struct Job {
    leaves: Range<usize>,
    /// [`NONE`] for a body that touches nobody; of several at one distance the first by slot.
    pub(super) nearest: Vec<u32>,
    pub(super) contacts: Vec<Contact>,
}

/// What collisions do in a step of `dt` seconds, for each body that touches another, along the slots.
///
/// Cost: a look at each pair of bodies in leaves within reach of each other, twice where they touch; and of memory that of
/// bodies, because however many touch, no pair is kept.
pub fn contacts(clusters: &Clusters, dt: f64, out: &mut Vec<Contact>) {
    out.clear();
    if clusters.law.is_some() && !clusters.is_empty() {
        jobs(clusters, dt).iter().for_each(|job| out.extend(&job.contacts));
    }
}

/// All of it, done.
pub(super) fn jobs(clusters: &Clusters, dt: f64) -> Vec<Job> {
    let leaves = clusters.tree.leaves();
    let end = leaves.end;
    let job =
        |first| Job { leaves: first..end.min(first + LEAVES), nearest: Vec::new(), contacts: Vec::new() };
    let mut jobs: Vec<Job> = leaves.step_by(LEAVES).map(job).collect();
    par_each(&mut jobs, |_, job| {
        job.leaves.clone().for_each(|leaf| find_nearest(clusters, leaf, &mut job.nearest));
    });
    // Leaves are in the order of their slots, and so are jobs.
    let nearest: Vec<u32> = jobs.iter().flat_map(|job| &job.nearest).copied().collect();
    par_each(&mut jobs, |_, job| {
        job.leaves.clone().for_each(|leaf| collide(clusters, leaf, &nearest, dt, &mut job.contacts));
    });
    jobs
}

/// Visits each pair of touching bodies whose first is in this leaf and asked about, with the square of their distance. A
/// body meets others in the order of their slots.
fn touching(
    clusters: &Clusters,
    leaf: usize,
    is_asked: impl Fn(usize) -> bool,
    mut visit: impl FnMut(usize, usize, f64),
) {
    let (tree, bounds, touch) = (&clusters.tree, clusters.tree.bounds(leaf), clusters.law().touch);
    let reach = touch * (clusters.nodes[leaf].scale + clusters.nodes[1].scale);
    tree.leaves_near(
        |other| bounds.gap_squared(other) < reach * reach,
        |other, others| {
            for slot in tree.slots(leaf).filter(|slot| is_asked(*slot)) {
                let (at, scale) = (clusters.movers[slot].position, clusters.scale[slot]);
                let reach = touch * (scale + clusters.nodes[other].scale);
                if tree.bounds(other).distance_squared(at) >= reach * reach {
                    continue;
                }
                for other in others.clone().filter(|other| *other != slot) {
                    let (x, y) = (clusters.x[other] - at.x, clusters.y[other] - at.y);
                    let (squared, reach) = (x * x + y * y, touch * (scale + clusters.scale[other]));
                    if squared < reach * reach {
                        visit(slot, other, squared);
                    }
                }
            }
        },
    );
}

/// Appends, for each body of a leaf, whom it touches nearest.
fn find_nearest(clusters: &Clusters, leaf: usize, nearest: &mut Vec<u32>) {
    let slots = clusters.tree.slots(leaf);
    let mut best = vec![(NONE, f64::INFINITY); slots.len()];
    touching(
        clusters,
        leaf,
        |_| true,
        |slot, other, squared| {
            let best = &mut best[slot - slots.start];
            if squared < best.1 {
                *best = (other as u32, squared);
            }
        },
    );
    nearest.extend(best.into_iter().map(|(other, _)| other));
}

/// Appends what all that touch them do to the bodies of a leaf.
fn collide(clusters: &Clusters, leaf: usize, nearest: &[u32], dt: f64, out: &mut Vec<Contact>) {
    let slots = clusters.tree.slots(leaf);
    let touches = |slot: usize| nearest[slot] != NONE;
    if !slots.clone().any(touches) {
        return;
    }
    let mut struck: Vec<Struck> =
        slots.clone().map(|slot| Struck::begin(clusters, slot as u32, nearest)).collect();
    touching(clusters, leaf, touches, |slot, other, _| {
        struck[slot - slots.start].meet(clusters, other as u32, dt);
    });
    out.extend(
        struck.into_iter().map(|struck| struck.contact).filter(|contact| touches(contact.slot as usize)),
    );
}

/// A body while those that touch it are gone through.
struct Struck {
    contact: Contact,
    /// With whom it exchanges mass, or [`NONE`].
    partner: u32,
    /// What it weighs after that.
    next_mass: f64,
}

impl Struck {
    /// Who exchanges mass does so with one other: with whom it touches nearest, if that says the same of it.
    fn begin(clusters: &Clusters, slot: u32, nearest: &[u32]) -> Struck {
        let (law, own, other) = (clusters.law(), clusters.movers[slot as usize], nearest[slot as usize]);
        let mut contact = Contact { slot, velocity: DVec2::ZERO, mass: 0.0, correction: DVec2::ZERO };
        let mut partner = NONE;
        if law.exchange != 0 && other != NONE && nearest[other as usize] == slot {
            let meeting = Meeting::of(clusters, slot, other);
            let gain = meeting.gain(law.least_mass);
            if meeting.approach < 0.0 && gain != 0.0 {
                contact.mass = gain;
                contact.velocity = meeting.exchanged(gain) - own.velocity;
                partner = other;
            }
        }
        Struck { contact, partner, next_mass: own.body.mass + contact.mass }
    }

    /// Adds what another does to it.
    fn meet(&mut self, clusters: &Clusters, other: u32, dt: f64) {
        let meeting = Meeting::of(clusters, self.contact.slot, other);
        if meeting.approach < 0.0 && self.partner != other {
            self.contact.velocity += meeting.impulse() / self.next_mass;
        }
        self.contact.correction += meeting.push(clusters.law().touch, dt);
    }
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
    /// among both masses, and leaves it `least` and [`KEPT_SHARE_MIN`]. The larger never passes the most that a body may
    /// weigh: of masses that large what moves over is beyond the last digit.
    fn gain(&self, least: f64) -> f64 {
        let ([own, other], [own_scale, other_scale]) = (self.mass, self.scale);
        let (smaller, sign) = if own_scale > other_scale { (other, 1.0) } else { (own, -1.0) };
        let wanted = smaller * (own_scale - other_scale).abs() / (own + other);
        let kept = least.max(MASS_MIN).max(smaller * KEPT_SHARE_MIN);
        sign * wanted.min(smaller - kept).max(0.0)
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
