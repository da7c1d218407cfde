//! Orders against the closed form and against small steps, conservation, bounds and faults.

use super::*;
use diptych_components::eidolon::{PINNED, VERLET};

/// Numbers from -1 to 1 that follow from a seed.
fn numbers(mut state: u64) -> impl FnMut() -> f64 {
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

fn vector(next: &mut impl FnMut() -> f64) -> Vec8 {
    Vec8(core::array::from_fn(|_| next()))
}

fn particles(count: u32, charge: f64) -> Vec<Particle> {
    let mut next = numbers(7);
    let particle = |n| Particle {
        position: vector(&mut next),
        velocity: vector(&mut next),
        charge: vector(&mut next) * charge,
        mass: 1.0 + 0.5 * f64::from(n % 3),
        circuit: n % 3,
        flags: 0,
    };
    (0..count).map(particle).collect()
}

fn field(settings: FieldSettings, particles: &[Particle]) -> Field {
    let mut field = Field { settings, ..Field::default() };
    particles.iter().for_each(|particle| field.add(*particle, Push::default()));
    field
}

fn run(settings: FieldSettings, particles: &[Particle], dt: f64, steps: u32) -> Vec<Particle> {
    let mut field = field(settings, particles);
    (0..steps).for_each(|_| field.step(dt));
    field.bodies.iter().map(|body| body.particle).collect()
}

/// Root of the mean square of the distance in position and velocity.
fn distance(one: &[Particle], other: &[Particle]) -> f64 {
    let pairs = one.iter().zip(other);
    let squares = pairs.map(|(a, b)| {
        (a.position - b.position).length_squared() + (a.velocity - b.velocity).length_squared()
    });
    (squares.sum::<f64>() / one.len() as f64).sqrt()
}

/// Each particle swings about its layer's barycentre, which drifts and slows down: exact where all masses of a layer
/// are equal, because then viscosity brakes the layer as it brakes one particle.
fn closed_form(settings: FieldSettings, particles: &[Particle], time: f64) -> Vec<Particle> {
    let damping = |mass: f64| settings.viscosity / mass;
    let mean = |circuit: u32, of: fn(&Particle) -> Vec8| {
        let layer: Vec<Vec8> = particles.iter().filter(|p| p.circuit == circuit).map(of).collect();
        layer.iter().fold(Vec8::ZERO, |sum, one| sum + *one) * (1.0 / layer.len() as f64)
    };
    let moved = |particle: &Particle| {
        let gamma = damping(particle.mass);
        let (middle, drift) =
            (mean(particle.circuit, |p| p.position), mean(particle.circuit, |p| p.velocity));
        let (x, v) = (particle.position - middle, particle.velocity - drift);
        let omega = (settings.stiffness - gamma * gamma / 4.0).sqrt();
        let (sin, cos, fade) =
            (libm::sin(omega * time), libm::cos(omega * time), libm::exp(-gamma / 2.0 * time));
        let b = (v + x * (gamma / 2.0)) * (1.0 / omega);
        let slope = b * omega - x * (gamma / 2.0);
        let turn = x * omega + b * (gamma / 2.0);
        let slowed = libm::exp(-gamma * time);
        let way = if gamma > 0.0 { (1.0 - slowed) / gamma } else { time };
        Particle {
            position: middle + drift * way + (x * cos + b * sin) * fade,
            velocity: drift * slowed + (slope * cos - turn * sin) * fade,
            ..*particle
        }
    };
    particles.iter().map(moved).collect()
}

/// Measured orders of three halvings, each within a tenth of what it should be.
fn assert_order(what: &str, integrator: u32, errors: &[f64]) {
    let expected = if integrator == RK4 { 4.0 } else { 2.0 };
    let orders: Vec<f64> = errors.windows(2).map(|pair| libm::log2(pair[0] / pair[1])).collect();
    println!("{what}: errors {errors:?}, orders {orders:.3?}");
    assert!(orders.iter().all(|order| (order - expected).abs() < 0.1), "{what}: {orders:?}");
}

/// Claim: halving the step divides the error against the closed form by 4 and by 16, without and with viscosity.
#[test]
fn orders_against_the_closed_form() {
    let mut particles = particles(200, 0.0);
    particles.iter_mut().for_each(|particle| particle.mass = 1.0 + f64::from(particle.circuit));
    for (integrator, name) in [(VERLET, "Verlet"), (RK4, "RK4")] {
        for viscosity in [0.0, 0.3] {
            let settings =
                FieldSettings { integrator, viscosity, stiffness: 2.0, ..FieldSettings::default() };
            let exact = closed_form(settings, &particles, 4.0);
            let errors = [40, 80, 160, 320]
                .map(|steps| distance(&run(settings, &particles, 4.0 / f64::from(steps), steps), &exact));
            assert_order(&format!("{name}, closed form, viscosity {viscosity}"), integrator, &errors);
        }
    }
}

/// Claim: with charges, unequal masses, viscosity and a steady push too, the orders are 2 and 4, measured against a run
/// in small steps.
#[test]
fn orders_with_all_forces() {
    let particles = particles(48, 1.0);
    let push = |field: &mut Field| field.bodies[5].push = Push(Vec8::axis(2) * 3.0);
    let run = |settings: FieldSettings, steps: u32| {
        let mut field = field(settings, &particles);
        push(&mut field);
        (0..steps).for_each(|_| field.step(1.0 / f64::from(steps)));
        field.bodies.iter().map(|body| body.particle).collect::<Vec<_>>()
    };
    for (integrator, name) in [(VERLET, "Verlet"), (RK4, "RK4")] {
        let settings = FieldSettings {
            integrator,
            viscosity: 0.4,
            coupling: 0.5,
            softening: 0.5,
            ..FieldSettings::default()
        };
        let fine = run(FieldSettings { integrator: RK4, ..settings }, 2048);
        let errors = [32, 64, 128, 256].map(|steps| distance(&run(settings, steps), &fine));
        assert_order(&format!("{name}, all forces"), integrator, &errors);
    }
}

/// Claim: without viscosity momentum stays to rounding, and the energy of Verlet comes back to where it was.
#[test]
fn momentum_and_energy_stay() {
    let particles = particles(60, 1.0);
    let momentum = |particles: &[Particle]| {
        particles.iter().fold(Vec8::ZERO, |sum, particle| sum + particle.velocity * particle.mass)
    };
    let all: f64 = particles.iter().map(|p| p.mass * p.velocity.length_squared().sqrt()).sum();
    for integrator in [VERLET, RK4] {
        let settings =
            FieldSettings { integrator, coupling: 0.5, softening: 0.5, ..FieldSettings::default() };
        let later = run(settings, &particles, 0.01, 2000);
        let error = (momentum(&later) - momentum(&particles)).length_squared().sqrt() / all;
        let drift = energy(&settings, &later) / energy(&settings, &particles) - 1.0;
        println!("integrator {integrator}: momentum error {error:.1e}, energy drift {drift:.1e}");
        assert!(error < 1e-12, "momentum {error:e}");
        assert!(drift.abs() < 1e-4, "energy {drift:e}");
        assert!(distance(&later, &particles) > 0.1, "they move");
    }
}

/// Claim: bodies stay within bounds, however fast, and bounce off elastically.
#[test]
fn bounds_hold() {
    let settings = FieldSettings { bound: 1.5, stiffness: 0.0, ..FieldSettings::default() };
    let mut particle = Particle { mass: 1.0, velocity: Vec8::axis(0) * 2.0, ..Particle::default() };
    let after = |particle, steps| run(settings, &[particle], 1.0, steps)[0];
    assert_eq!((after(particle, 1).position, after(particle, 1).velocity.0[0]), (Vec8::axis(0), -2.0));
    assert_eq!(after(particle, 3), particle);
    for speed in [1e3, -7.3e9, 1e300] {
        particle.velocity = Vec8([speed; 8]);
        let Particle { position, velocity, .. } = after(particle, 9);
        assert!(position.0.iter().all(|x| x.abs() <= 1.5), "{position:?}");
        assert!(velocity.0.iter().all(|v| v.abs() == speed.abs()), "{velocity:?}");
    }
}

/// Claim: pinned bodies stay, and pull; two at one place do not become nothing; an empty field does nothing.
#[test]
fn the_odd_ones() {
    for integrator in [VERLET, RK4] {
        let settings = FieldSettings { integrator, ..FieldSettings::default() };
        assert!(run(settings, &[], 0.1, 3).is_empty());
        let pinned = Particle {
            mass: 1.0,
            flags: PINNED,
            velocity: Vec8::axis(1),
            charge: Vec8::axis(0),
            ..Particle::default()
        };
        let free = Particle { flags: 0, velocity: Vec8::ZERO, ..pinned };
        let after = run(settings, &[pinned, free, free], 0.1, 3);
        assert_eq!(after, [pinned, free, free], "at one place nothing pushes");
        let aside = Particle { position: Vec8::axis(4), ..free };
        let after = run(settings, &[pinned, aside], 0.1, 3);
        assert_eq!(after[0], pinned);
        assert!(after[1].position.0[4] < 1.0, "pulled towards the middle between both");
    }
}

/// Claim: however strong viscosity is for a light particle, and whatever the step, it and its layer come to rest, under
/// either integrator.
#[test]
fn viscosity_never_drives() {
    for integrator in [VERLET, RK4] {
        for ratio in [0.5, 3.0, 30.0, 1e6] {
            let settings = FieldSettings { integrator, viscosity: 10.0, ..FieldSettings::default() };
            let mut particles = particles(40, 0.0);
            let (dt, before) = (0.01, energy(&settings, &particles));
            particles[3].mass = settings.viscosity * dt / ratio;
            let after = run(settings, &particles, dt, 2000);
            let later = energy(&settings, &after);
            assert!(later < before / 2.0, "integrator {integrator}, {ratio} a step: {before} became {later}");
            assert!(after.iter().all(|particle| particle.position.is_within(2.0)), "{after:?}");
        }
    }
}
