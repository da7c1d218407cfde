//! One step of one field: forces and the two integrators.
//!
//! Invariant: pure, in one order of operations, with the field cut into parts of constant length: the bits are the same
//! on any number of threads. Forces at a stage come from all positions of that stage, barycentres among them. Both
//! integrators keep their order with viscosity, and brake by the exact exponential, so that no viscosity, however strong
//! for a mass, speeds anything up. Verlet is drift, kick, brake, kick, drift, a step that is its own mirror and so of
//! second order. Runge and Kutta step the velocity times the inverse of the brake, an integrating factor (Lawson 1967,
//! SIAM J. Numer. Anal. 4, 372), on which viscosity does not act; it is written in brakes alone, which are at most
//! 1. Reflection at bounds, and forces that change from step to step, are of first order.

use diptych_components::eidolon::{CHARGED_MAX, CIRCUITS, FieldSettings, Particle, Push, RK4, Vec8};
use diptych_engine::par_each;

/// Bodies of a part: what one thread does in one go.
pub const PART_BODIES: usize = 128;

/// A particle while it is stepped.
#[derive(Clone, Copy, Debug)]
pub struct Body {
    /// What it is.
    pub particle: Particle,
    /// A force of this step.
    pub push: Push,
    /// Its place among the sources, or `u32::MAX`.
    source: u32,
    at: Stage,
    /// What viscosity leaves of a velocity in half a step.
    brake: f64,
    /// Sums of the stages' slopes.
    sum: Stage,
}

/// Position and velocity at a stage, or their slopes.
#[derive(Clone, Copy, Debug, Default)]
struct Stage {
    position: Vec8,
    velocity: Vec8,
}

/// What pushes others.
#[derive(Clone, Copy, Debug)]
struct Source {
    position: Vec8,
    charge: Vec8,
}

/// Mass, and mass times position, of a layer.
type Weights = [(f64, Vec8); CIRCUITS];

/// A field and its bodies, which all have no fault.
#[derive(Debug, Default)]
pub struct Field {
    /// What it does to them.
    pub settings: FieldSettings,
    /// In the order in which sums run over them.
    pub bodies: Vec<Body>,
    sources: Vec<Source>,
    weights: Vec<Weights>,
}

impl Field {
    /// Takes in a particle without a fault. Of more than [`CHARGED_MAX`] charged ones, those beyond neither push nor
    /// are pushed.
    pub fn add(&mut self, particle: Particle, push: Push) {
        let is_source = particle.is_charged() && self.sources.len() < CHARGED_MAX;
        let source = if is_source { self.sources.len() as u32 } else { u32::MAX };
        if is_source {
            self.sources.push(Source { position: particle.position, charge: particle.charge });
        }
        let (at, sum) = (Stage::default(), Stage::default());
        self.bodies.push(Body { particle, push, source, at, brake: 1.0, sum });
    }

    /// Forgets all bodies; keeps their room.
    pub fn clear(&mut self) {
        self.bodies.clear();
        self.sources.clear();
    }

    /// Steps all bodies by `dt`. Costs each charged body's look at each other one, once for Verlet and four times for
    /// RK4, and besides what there is.
    pub fn step(&mut self, dt: f64) {
        if self.settings.integrator == RK4 {
            self.step_rk4(dt)
        } else {
            self.step_verlet(dt)
        }
        let bound = self.settings.bound;
        if bound > 0.0 {
            self.sweep(|body, _| {
                if body.mobility() > 0.0 {
                    reflect(&mut body.particle, bound);
                }
            });
        }
    }

    fn step_verlet(&mut self, dt: f64) {
        let (half, viscosity) = (dt / 2.0, self.settings.viscosity);
        self.sweep(|body, _| {
            let Particle { position, velocity, .. } = body.particle;
            body.at = Stage { position: position + velocity * half * body.mobility(), velocity };
        });
        self.settle();
        self.sweep(|body, forces| {
            if body.mobility() == 0.0 {
                return;
            }
            let kick = forces.acceleration(body) * half;
            let brake = if viscosity > 0.0 { libm::exp(-viscosity / body.particle.mass * dt) } else { 1.0 };
            let velocity = (body.particle.velocity + kick) * brake + kick;
            body.particle.velocity = velocity;
            body.particle.position = body.at.position + velocity * half;
        });
    }

    fn step_rk4(&mut self, dt: f64) {
        let viscosity = self.settings.viscosity;
        self.sweep(|body, _| {
            let Particle { position, velocity, mass, .. } = body.particle;
            body.at = Stage { position, velocity: velocity * body.mobility() };
            body.brake = if viscosity > 0.0 { libm::exp(-viscosity / mass * (dt / 2.0)) } else { 1.0 };
            body.sum = Stage::default();
        });
        for Leg { weight, ahead, halves: [start, slope, end] } in LEGS {
            self.settle();
            self.sweep(|body, forces| {
                if body.mobility() == 0.0 {
                    return;
                }
                let brakes = [1.0, body.brake, body.brake * body.brake];
                let (velocity, gain) = (body.at.velocity, forces.acceleration(body));
                body.sum.position += velocity * weight;
                body.sum.velocity += gain * (weight * brakes[end]);
                body.at.position = body.particle.position + velocity * (ahead * dt);
                body.at.velocity =
                    body.particle.velocity * brakes[start] + gain * (ahead * dt * brakes[slope]);
            });
        }
        self.sweep(|body, _| {
            if body.mobility() > 0.0 {
                let kept = body.brake * body.brake;
                body.particle.position += body.sum.position * (dt / 6.0);
                body.particle.velocity = body.particle.velocity * kept + body.sum.velocity * (dt / 6.0);
            }
        });
    }

    /// Makes the forces those of the stage that the bodies are at.
    fn settle(&mut self) {
        for body in &self.bodies {
            if let Some(source) = self.sources.get_mut(body.source as usize) {
                source.position = body.at.position;
            }
        }
        let parts = self.bodies.len().div_ceil(PART_BODIES);
        self.weights.clear();
        self.weights.resize(parts, Weights::default());
        let bodies = &self.bodies;
        par_each(&mut self.weights, |part, weights| {
            let first = part * PART_BODIES;
            for body in &bodies[first..bodies.len().min(first + PART_BODIES)] {
                let (mass, moment) = &mut weights[body.particle.circuit as usize];
                *mass += body.particle.mass;
                *moment += body.at.position * body.particle.mass;
            }
        });
    }

    /// Visits every body, in parallel, with the forces of the stage that was settled last.
    fn sweep(&mut self, visit: impl Fn(&mut Body, &Forces<'_>) + Sync) {
        let forces = Forces {
            settings: &self.settings,
            barycenters: barycenters(&self.weights),
            sources: &self.sources,
        };
        let mut parts: Vec<&mut [Body]> = self.bodies.chunks_mut(PART_BODIES).collect();
        par_each(&mut parts, |_, part| part.iter_mut().for_each(|body| visit(body, &forces)));
    }
}

/// A stage of the classic method of Runge and Kutta.
struct Leg {
    /// Of its slopes in the sum, in sixths.
    weight: f64,
    /// How far they lead to the next stage, in steps.
    ahead: f64,
    /// Half steps of viscosity: from the beginning to the next stage, from this one there, and from this one to the end.
    halves: [usize; 3],
}

/// Its four stages: at the beginning, twice in the middle, at the end.
const LEGS: [Leg; 4] = [
    Leg { weight: 1.0, ahead: 0.5, halves: [1, 1, 2] },
    Leg { weight: 2.0, ahead: 0.5, halves: [1, 0, 1] },
    Leg { weight: 2.0, ahead: 1.0, halves: [2, 1, 1] },
    Leg { weight: 1.0, ahead: 0.0, halves: [2, 0, 0] },
];

impl Body {
    /// 0 for a body that stays where it is, and 1 for others.
    fn mobility(&self) -> f64 {
        if self.particle.is_pinned() { 0.0 } else { 1.0 }
    }
}

/// The middles of the layers, by circuit; of a layer without particles the middle of the field.
fn barycenters(parts: &[Weights]) -> [Vec8; CIRCUITS] {
    let mut all = Weights::default();
    for part in parts {
        for ((mass, moment), (more, further)) in all.iter_mut().zip(part) {
            *mass += more;
            *moment += *further;
        }
    }
    all.map(|(mass, moment)| if mass > 0.0 { moment * (1.0 / mass) } else { Vec8::ZERO })
}

/// What acts on bodies at one stage.
struct Forces<'a> {
    settings: &'a FieldSettings,
    barycenters: [Vec8; CIRCUITS],
    sources: &'a [Source],
}

impl Forces<'_> {
    /// All but viscosity.
    fn acceleration(&self, body: &Body) -> Vec8 {
        let Body { particle, push, at, .. } = body;
        let middle = self.barycenters[particle.circuit as usize];
        let mut force = push.0;
        if body.source != u32::MAX {
            force += self.repulsion(at.position, particle.charge);
        }
        (middle - at.position) * self.settings.stiffness + force * (1.0 / particle.mass)
    }

    /// The push of all sources on a charge. Its own is zero, as is that of one at the same place.
    fn repulsion(&self, here: Vec8, charge: Vec8) -> Vec8 {
        let softening = self.settings.softening * self.settings.softening;
        let mut sum = Vec8::ZERO;
        for source in self.sources {
            let away = here - source.position;
            let squared = away.length_squared() + softening;
            sum += away * (charge.dot(source.charge) / (squared * squared.sqrt()));
        }
        sum * self.settings.coupling
    }
}

/// Folds a body back into the bounds, as often as it passed them.
fn reflect(particle: &mut Particle, bound: f64) {
    for (x, v) in particle.position.0.iter_mut().zip(&mut particle.velocity.0) {
        if (-bound..=bound).contains(x) {
            continue;
        }
        // There and back again is four bounds; in the second half of the way it comes back.
        let way = (*x + bound).rem_euclid(4.0 * bound);
        if way > 2.0 * bound {
            (*x, *v) = (3.0 * bound - way, -*v);
        } else {
            *x = way - bound;
        }
    }
}

/// Energy of a field: of motion, of the pull to the layers' barycentres, and of charges. Takes time in proportion to
/// the square of the charged particles, of which it sees the first [`CHARGED_MAX`]. Particles that rest, because they
/// are pinned or their field's settings are wrong, have no energy of motion, and in such a field nor any other.
#[must_use]
pub fn energy(settings: &FieldSettings, particles: &[Particle]) -> f64 {
    if settings.check().is_err() {
        return 0.0;
    }
    let mut weights = [Weights::default()];
    for particle in particles {
        let (mass, moment) = &mut weights[0][particle.circuit as usize];
        *mass += particle.mass;
        *moment += particle.position * particle.mass;
    }
    let middles = barycenters(&weights);
    let mut energy = 0.0;
    for particle in particles {
        let away = particle.position - middles[particle.circuit as usize];
        let pull = settings.stiffness * away.length_squared();
        energy += particle.motion() + 0.5 * particle.mass * pull;
    }
    let charged: Vec<&Particle> =
        particles.iter().filter(|particle| particle.is_charged()).take(CHARGED_MAX).collect();
    for (index, one) in charged.iter().enumerate() {
        for other in &charged[index + 1..] {
            let squared = (one.position - other.position).length_squared();
            let distance = (squared + settings.softening * settings.softening).sqrt();
            energy += settings.coupling * one.charge.dot(other.charge) / distance;
        }
    }
    energy
}

#[cfg(test)]
mod tests;
