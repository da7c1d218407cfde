//! The pull of one body on another, one step of all of them, and their energy.
//!
//! Invariant: pure, in doubles, by additions, multiplications, divisions and square roots only, in one order of
//! operations: the bits are the same on every machine. Fused operations and softening are left out.

use diptych_components::nbody::{Mass, Position, Velocity};
use glam::DVec3;

/// A body as the others feel it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PointMass {
    /// Where it is.
    pub position: Position,
    /// What it weighs.
    pub mass: Mass,
}

/// What `there` adds to the velocity of a body at `here` in `dt`.
///
/// The two must not be at one place, where the pull has no direction and the answer is no number.
#[must_use]
pub fn pull(here: Position, there: &PointMass, dt: f64) -> DVec3 {
    let away = here.0 - there.position.0;
    let squared = away.length_squared();
    -(away * there.mass.0 * (dt / (squared * squared.sqrt())))
}

/// One step of symplectic Euler for the body at `position`: its velocity from the present places of the `others`
/// in their order, then its position from the new velocity.
#[must_use]
pub fn step<'a>(
    position: Position,
    velocity: Velocity,
    others: impl Iterator<Item = &'a PointMass>,
    dt: f64,
) -> (Position, Velocity) {
    let velocity = others.fold(velocity.0, |sum, other| sum + pull(position, other, dt));
    (Position(position.0 + velocity * dt), Velocity(velocity))
}

/// Kinetic and potential energy of all bodies, summed in their order.
///
/// Takes time in proportion to the square of their number.
#[must_use]
pub fn energy(bodies: &[(PointMass, Velocity)]) -> f64 {
    let mut energy = 0.0;
    for (index, (body, velocity)) in bodies.iter().enumerate() {
        energy += 0.5 * body.mass.0 * velocity.0.length_squared();
        for (other, _) in &bodies[index + 1..] {
            energy -= body.mass.0 * other.mass.0 / (body.position.0 - other.position.0).length();
        }
    }
    energy
}

#[cfg(test)]
mod tests {
    use diptych_components::nbody::{Bodies, Velocity};

    use super::{PointMass, energy, step};

    const DT: f64 = 0.01;

    fn planets() -> Vec<(PointMass, Velocity)> {
        let bodies = Bodies::planets();
        let state = bodies.as_slice().iter();
        state.map(|body| (PointMass { position: body.position, mass: body.mass }, body.velocity)).collect()
    }

    fn stepped(bodies: &[(PointMass, Velocity)]) -> Vec<(PointMass, Velocity)> {
        let next = |(index, (body, velocity)): (usize, &(PointMass, Velocity))| {
            let others =
                bodies.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, (body, _))| body);
            let (position, velocity) = step(body.position, *velocity, others, DT);
            (PointMass { position, ..*body }, velocity)
        };
        bodies.iter().enumerate().map(next).collect()
    }

    /// Claim: the energies that the Benchmarks Game publishes, to their nine decimals.
    #[test]
    fn energies_are_the_published_ones() {
        let (mut bodies, mut done) = (planets(), 0);
        for (frame, expected) in [(0, "-0.169075164"), (1000, "-0.169087605"), (50_000, "-0.169078071")] {
            while done < frame {
                bodies = stepped(&bodies);
                done += 1;
            }
            assert_eq!(format!("{:.9}", energy(&bodies)), expected, "at frame {frame}");
        }
    }

    /// Claim: the step equals, bit for bit, the pairwise form in which the task is usually written, which visits
    /// each pair once and updates both bodies in place.
    #[test]
    fn pairwise_form_gives_the_same_bits() {
        let mut bodies = planets();
        let mut pairwise: Vec<[f64; 7]> = bodies
            .iter()
            .map(|(body, velocity)| {
                let ([x, y, z], [u, v, w]) = (body.position.0.to_array(), velocity.0.to_array());
                [x, y, z, u, v, w, body.mass.0]
            })
            .collect();
        for frame in 1..=1000 {
            bodies = stepped(&bodies);
            advance(&mut pairwise);
            for ((body, velocity), plain) in bodies.iter().zip(&pairwise) {
                assert_eq!(body.position.0.to_array(), plain[..3], "position at frame {frame}");
                assert_eq!(velocity.0.to_array(), plain[3..6], "velocity at frame {frame}");
            }
        }
    }

    fn advance(bodies: &mut [[f64; 7]]) {
        for i in 0..bodies.len() {
            for j in i + 1..bodies.len() {
                let [dx, dy, dz] = [0, 1, 2].map(|axis| bodies[i][axis] - bodies[j][axis]);
                let squared = dx * dx + dy * dy + dz * dz;
                let magnitude = DT / (squared * squared.sqrt());
                for (axis, d) in [dx, dy, dz].into_iter().enumerate() {
                    bodies[i][3 + axis] -= d * bodies[j][6] * magnitude;
                    bodies[j][3 + axis] += d * bodies[i][6] * magnitude;
                }
            }
        }
        for body in bodies {
            for axis in 0..3 {
                body[axis] += DT * body[3 + axis];
            }
        }
    }
}
