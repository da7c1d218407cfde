//! The states of a field's layers, derived from this step's positions.
//!
//! Invariant: moments are merged in the order of blocks, about their own means, so that a layer far from the middle of
//! the field has its variance to full precision.

use diptych_components::eidolon::{
    CIRCUITS, Charge, FIELDS_MAX, FieldSettings, LayerState, Mass, Member, Particle, Position, Vec8, Velocity,
};
use diptych_engine::prelude::*;

/// Mass, mean and spread of some particles.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    /// How many they are.
    pub population: u32,
    /// Their mass.
    pub mass: f64,
    /// Mean position by mass.
    pub mean: Vec8,
    /// Sum of mass times the square of the distance from the mean, an axis.
    pub spread: Vec8,
    /// Energy of motion.
    pub motion: f64,
}

impl Moments {
    /// Of one particle without a fault.
    #[must_use]
    pub fn of(particle: &Particle) -> Moments {
        let Particle { mass, position: mean, .. } = *particle;
        Moments { population: 1, mass, mean, spread: Vec8::ZERO, motion: particle.motion() }
    }

    /// Of both together.
    #[must_use]
    pub fn merged(self, other: Moments) -> Moments {
        if self.population == 0 || other.population == 0 {
            return if self.population == 0 { other } else { self };
        }
        let mass = self.mass + other.mass;
        let (between, share) = (other.mean - self.mean, other.mass / mass);
        Moments {
            population: self.population + other.population,
            mass,
            mean: self.mean + between * share,
            spread: self.spread + other.spread + between.map(|way| way * way) * (self.mass * share),
            motion: self.motion + other.motion,
        }
    }

    /// As the state of a layer in a field of this stiffness.
    fn state(&self, field: u64, circuit: u32, stiffness: f64) -> LayerState {
        if self.population == 0 {
            return LayerState::empty(field, circuit);
        }
        let pull = 0.5 * stiffness * self.spread.0.iter().sum::<f64>();
        LayerState {
            field,
            circuit,
            population: self.population,
            energy: self.motion + pull,
            barycenter: self.mean,
            variance: self.spread * (1.0 / self.mass),
            step: 0,
        }
    }
}

/// A particle as this step has moved it.
type Moved = (Now<Position>, Now<Velocity>, Prev<Mass>, Prev<Charge>, Prev<Member>);

/// Sets each layer's state from the positions and velocities of this step; one that stays as it was keeps its step. A
/// field whose settings are wrong pulls nobody.
pub fn describe_layers(
    mut layers: Query<Next<LayerState>>,
    fields: Query<(Id, Prev<FieldSettings>)>,
    mut particles: Query<Moved>,
    clock: Clock,
) {
    let stiffness = |settings: &FieldSettings| settings.check().map_or(0.0, |()| settings.stiffness);
    let mut fields: Vec<(u64, f64)> =
        fields.iter().map(|(id, settings)| (id.bits(), stiffness(settings))).collect();
    fields.sort_by_key(|(field, _)| *field);
    fields.truncate(FIELDS_MAX);
    let place = |field: u64| fields.binary_search_by_key(&field, |(field, _)| *field).ok();
    let moments = particles.reduce_blocks(
        |(positions, velocities, masses, charges, members)| {
            let mut all = vec![[Moments::default(); CIRCUITS]; fields.len()];
            for row in 0..members.len() {
                let particle =
                    particle(&positions[row], &velocities[row], &masses[row], &charges[row], &members[row]);
                let Some(field) = place(members[row].field) else { continue };
                if particle.fault().is_none() {
                    let layer = &mut all[field][particle.circuit as usize];
                    *layer = layer.merged(Moments::of(&particle));
                }
            }
            all
        },
        |mut sum, more| {
            let pairs = sum.as_flattened_mut().iter_mut().zip(more.as_flattened());
            pairs.for_each(|(sum, more)| *sum = sum.merged(*more));
            sum
        },
    );
    let moments = moments.unwrap_or_else(|| vec![[Moments::default(); CIRCUITS]; fields.len()]);
    for mut layer in &mut layers {
        let before = *layer.prev();
        let Some(field) = place(before.field) else { continue };
        let Some(moments) = moments[field].get(before.circuit as usize) else { continue };
        let state = moments.state(before.field, before.circuit, fields[field].1);
        if state != (LayerState { step: 0, ..before }) {
            layer.set(LayerState { step: clock.step(), ..state });
        }
    }
}

/// The parts of a particle together.
pub(super) fn particle(
    position: &Position,
    velocity: &Velocity,
    mass: &Mass,
    charge: &Charge,
    member: &Member,
) -> Particle {
    Particle {
        position: position.0,
        velocity: velocity.0,
        charge: charge.0,
        mass: mass.0,
        circuit: member.circuit,
        flags: member.flags,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Claim: however particles are cut into parts, mean and variance are those of the plain formulas; also where
    /// they lie far out, where the mean of squares would have lost everything.
    #[test]
    fn moments_are_the_plain_ones() {
        for far in [0.0, 1e9] {
            let at = |n: u32| Particle {
                position: Vec8([far + f64::from(n % 4) - 1.5; 8]),
                mass: 1.0 + f64::from(n % 2),
                ..Particle::default()
            };
            let all: Vec<Moments> = (0..400).map(|n| Moments::of(&at(n))).collect();
            let sum = |part: &[Moments]| part.iter().fold(Moments::default(), |sum, one| sum.merged(*one));
            // Positions -1.5 and 0.5 weigh 1, -0.5 and 1.5 weigh 2.
            let mean = (-1.5 + 0.5 + 2.0 * (-0.5 + 1.5)) / 6.0;
            let square = (2.25 + 0.25 + 2.0 * (0.25 + 2.25)) / 6.0;
            for cut in [0, 1, 123, 400] {
                let moments = sum(&all[..cut]).merged(sum(&all[cut..]));
                let state = moments.state(1, 0, 1.0);
                assert_eq!(state.population, 400);
                assert!((state.barycenter.0[3] - far - mean).abs() < 1e-6, "{state:?}");
                assert!((state.variance.0[3] - (square - mean * mean)).abs() < 1e-6, "{state:?}");
            }
        }
    }
}
