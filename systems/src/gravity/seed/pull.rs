//! Gravity of the source: of each body of a group on the others of it, and of groups on the bodies of others.
//!
//! Invariant: sums run in the order of bodies and of groups. The strength is the gravitational constant times both masses
//! times the distance, divided by its square, whichever way round it is computed.

use super::vector::Vector;
use diptych_components::gravity::{Barycentre, Body};
use glam::DVec2;

/// A body as the two kinds of gravity read it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pulled {
    pub(super) at: DVec2,
    pub(super) body: Body,
    pub(super) group: u32,
}

/// The vector towards `there`, as long as the strength; none where that is no number.
fn strength(gravity: f64, there: DVec2, mass: f64, target: &Pulled) -> DVec2 {
    let away = there - target.at;
    let used = away.hypot().abs();
    let length = (away.x * away.x + away.y * away.y).sqrt();
    let strength = (-gravity * mass * target.body.mass * used / (length * length)).abs();
    away.with_length(strength).unwrap_or(DVec2::ZERO)
}

/// What the other members of its group do to a body.
pub(super) fn near(gravity: f64, target: usize, members: &[u32], bodies: &[Pulled]) -> DVec2 {
    let own = &bodies[target];
    let others = members.iter().map(|member| *member as usize).filter(|member| *member != target);
    others.fold(DVec2::ZERO, |sum, other| {
        let other = &bodies[other];
        if (other.at - own.at).hypot().abs() < own.body.scale {
            return sum;
        }
        sum.plus(strength(gravity, other.at, other.body.mass, own)).unwrap_or(sum)
    })
}

/// What the other groups do to a body; `has_members` says which there are.
pub(super) fn far(gravity: f64, own: &Pulled, groups: &[Barycentre], has_members: &[bool]) -> DVec2 {
    let others = (0..).zip(groups).zip(has_members).filter(|((id, _), has)| **has && *id != own.group);
    others.fold(DVec2::ZERO, |sum, ((_, group), _)| {
        let reach = 2.0 * own.body.scale;
        if (group.at - own.at).hypot().abs() < reach * reach {
            return sum;
        }
        sum.plus(strength(gravity, group.at, group.mass, own)).unwrap_or(sum)
    })
}
