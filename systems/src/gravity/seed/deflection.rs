//! Collisions of the source: deflection, push and exchange of mass, shard by shard.
//!
//! Invariant: shards see each other's previous masses and nothing else of each other, so they run beside each other. Within a
//! shard bodies come in order, and a later one meets the masses that earlier ones have by then.

use super::tree::query;
use super::vector::{NotANumber, Vector};
use diptych_components::gravity::{Body, TreeNode};
use glam::DVec2;

/// Bodies of a shard.
pub const SHARD: usize = 64;
/// Two bodies collide nearer than this times the sum of their scales.
const TOUCH: f64 = 0.01;

/// A body as collisions read it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Colliding {
    pub(super) at: DVec2,
    pub(super) velocity: DVec2,
    pub(super) body: Body,
}

/// What becomes of a body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deflected {
    pub(super) deflection: DVec2,
    pub(super) correction: DVec2,
    pub(super) body: Body,
}

/// The bodies of a shard, from `first` on, against all.
pub(super) fn shard(
    least_mass: f64,
    nodes: &[TreeNode],
    bodies: &[Colliding],
    first: usize,
    out: &mut [Deflected],
) {
    for (n, out) in out.iter_mut().enumerate() {
        *out = Deflected { deflection: DVec2::ZERO, correction: DVec2::ZERO, body: bodies[first + n].body };
    }
    for n in 0..out.len() {
        target(least_mass, nodes, bodies, first, n, out);
    }
}

fn target(
    least_mass: f64,
    nodes: &[TreeNode],
    bodies: &[Colliding],
    first: usize,
    n: usize,
    out: &mut [Deflected],
) {
    let (own, mut found) = (bodies[first + n], Vec::new());
    query(nodes, own.at, 4.0 * out[n].body.scale, &mut found);
    let distance =
        |body: &u32| bodies.get(*body as usize).map_or(f64::INFINITY, |other| (other.at - own.at).hypot());
    found.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
    let mut impacts = 0.0;
    for other in found.into_iter().map(|other| other as usize).filter(|other| *other != first + n) {
        let Some(affector) = bodies.get(other) else { continue };
        // One of the same shard as it is by now, another as it was.
        let in_shard = other.checked_sub(first).and_then(|member| out.get(member));
        let other = Colliding { body: in_shard.map_or(affector.body, |member| member.body), ..*affector };
        if let Ok(Some(next)) = hit(least_mass, &own, out[n], &other) {
            impacts += 1.0;
            out[n] = next;
        }
    }
    if impacts > 0.0 {
        out[n].deflection /= impacts;
        out[n].correction /= impacts;
    }
}

/// What a body that collides becomes; nothing where the two do not touch.
fn hit(
    least_mass: f64,
    own: &Colliding,
    mut target: Deflected,
    affector: &Colliding,
) -> Result<Option<Deflected>, NotANumber> {
    let away = affector.at - own.at;
    let used = away.hypot().abs();
    let threshold = TOUCH * (affector.body.scale + target.body.scale);
    // As the source asks it: what is no number does not touch.
    if threshold.partial_cmp(&used) != Some(core::cmp::Ordering::Greater) {
        return Ok(None);
    }
    let total = affector.body.mass + target.body.mass;
    target.correction -= own.velocity;
    target.correction -= away.with_length(threshold - used)?;
    if target.body.scale > affector.body.scale {
        let factor = (target.body.scale - affector.body.scale) / total;
        target.body = Body::of(target.body.mass + target.body.mass * factor);
    }
    if target.body.scale < affector.body.scale && least_mass > target.body.mass {
        let factor = (affector.body.scale - target.body.scale) / total;
        target.body = Body::of(target.body.mass - target.body.mass * factor);
    }
    let between = own.velocity - affector.velocity;
    let angle = libm::atan2(between.y, between.x);
    let (first, second) = (own.velocity.turned(angle)?, affector.velocity.turned(angle)?);
    let (m, other) = (target.body.mass, affector.body.mass);
    let along = first.x * (m - other) / (m + other) + second.x * 2.0 * (other / (m + other));
    target.deflection = target.deflection.plus(DVec2::new(along, first.y).turned(-angle)?)?;
    Ok(Some(target))
}
