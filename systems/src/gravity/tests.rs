//! Kernels without an engine: far forces against a sum over all pairs, collisions pair by pair.

use super::{Clusters, Contact, Mover, contacts, energy, far_forces, near_forces};
use diptych_components::gravity::{Body, Law};
use glam::DVec2;

const LAW: Law = Law { gravity: 1.0, touch: 0.1, opening: 0.5, least_mass: 0.1, bucket: 32, exchange: 1 };

/// Bodies in a disc that is denser in its middle, some in pairs that touch.
fn cloud(count: u32, seed: u64) -> Vec<Option<Mover>> {
    let mut state = seed;
    let mut unit = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    };
    let size = f64::from(count).sqrt();
    let mut last = DVec2::ZERO;
    let mover = |n: u32| {
        let angle = core::f64::consts::TAU * unit();
        let at = DVec2::new(libm::cos(angle), libm::sin(angle)) * (size * unit());
        last = if n % 5 == 4 { last + DVec2::new(0.05, 0.03) } else { at };
        let velocity = DVec2::new(unit() - 0.5, unit() - 0.5);
        Some(Mover { position: last, velocity, body: Body::of(0.5 + unit()) })
    };
    (0..count).map(mover).collect()
}

fn clusters(law: Law, movers: &[Option<Mover>]) -> Clusters {
    let mut clusters = Clusters::default();
    clusters.rebuild(law, movers);
    clusters
}

/// Forces by row.
fn forces(law: Law, movers: &[Option<Mover>]) -> Vec<DVec2> {
    let clusters = clusters(law, movers);
    let (mut near, mut far) = (Vec::new(), Vec::new());
    near_forces(&clusters, &mut near);
    far_forces(&clusters, &mut far);
    let sums: Vec<DVec2> = near.iter().zip(&far).map(|(near, far)| *near + *far).collect();
    clusters.by_row(&sums, DVec2::ZERO).collect()
}

/// The law as it is written, over all pairs.
fn direct(movers: &[Option<Mover>]) -> Vec<DVec2> {
    let bodies: Vec<Mover> = movers.iter().flatten().copied().collect();
    let pull = |on: &Mover, of: &Mover| {
        let (away, cut_off) = (of.position - on.position, 0.5 * (of.body.scale + on.body.scale));
        let faded = away.length_squared().max(cut_off * cut_off);
        away * (on.body.mass * of.body.mass / faded)
    };
    bodies.iter().map(|on| bodies.iter().map(|of| pull(on, of)).sum()).collect()
}

/// The root of the mean of the squares of the relative errors of accelerations.
fn error(movers: &[Option<Mover>], found: &[DVec2], right: &[DVec2]) -> f64 {
    let squares = found
        .iter()
        .zip(right)
        .zip(movers)
        .map(|((found, right), _)| (*found - *right).length_squared() / right.length_squared());
    (squares.sum::<f64>() / found.len() as f64).sqrt()
}

/// Claim: an opening of 0 is the sum over all pairs; at the default the error is below 1 in 10,000, and it grows with the
/// opening.
#[test]
fn far_forces_are_those_of_all_pairs() {
    for count in [1, 2, 3, 40, 3000] {
        let movers = cloud(count, 7);
        let right = direct(&movers);
        let exact = forces(Law { opening: 0.0, ..LAW }, &movers);
        if count == 1 {
            assert_eq!(exact, [DVec2::ZERO], "a body alone");
            continue;
        }
        assert!(error(&movers, &exact, &right) < 1e-12, "{count} bodies one by one");
        let [half, wide] =
            [0.5, 0.9].map(|opening| error(&movers, &forces(Law { opening, ..LAW }, &movers), &right));
        eprintln!("{count} bodies: rms relative error {half:e} at an opening of 0.5, {wide:e} at 0.9");
        assert!(
            half < 1e-4 && wide < 1e-2 && (count < 100 || (wide > half && half > 1e-9)),
            "{count}: {half} {wide}"
        );
    }
}

/// Claim: groups within the cut-off of their members are never far, however small they are for their distance: the pull
/// between them has faded, which a series does not know.
#[test]
fn heavy_groups_are_near() {
    // The scale of a mass of 1000 is 10, and so is the cut-off between two.
    let heavy =
        |x: f64| Mover { position: DVec2::new(x, 0.0), velocity: DVec2::ZERO, body: Body::of(1000.0) };
    let places = [0.0, 0.01, 3.0, 3.01, 30.0, 30.01];
    // Two small groups within the cut-off alone, and with a third one beyond it, which is far and seen as a series.
    for (count, most) in [(4, 1e-12), (6, 1e-6)] {
        let movers: Vec<_> = places[..count].iter().map(|x| Some(heavy(*x))).collect();
        let (found, right) = (forces(Law { bucket: 2, ..LAW }, &movers), direct(&movers));
        let error = error(&movers, &found, &right);
        assert!(error < most, "{error:e} of {count}: {found:?} and {right:?}");
    }
}

/// Claim: the sum of all forces is nothing to rounding, at any opening, though each is wrong by much more.
#[test]
fn forces_have_their_counterparts() {
    let movers = cloud(5000, 9);
    for opening in [0.0, 0.3, 0.5, 0.9, 2.0] {
        let forces = forces(Law { opening, ..LAW }, &movers);
        let (sum, size) =
            forces.iter().fold((DVec2::ZERO, 0.0), |(sum, size), f| (sum + *f, size + f.length()));
        assert!(sum.length() < 1e-14 * size, "{sum} of {size} at an opening of {opening}");
    }
}

/// Claim: the potential energy is that of the forces: its slope along any motion is the work of the forces.
#[test]
fn forces_are_the_slope_of_the_energy() {
    let movers = cloud(2000, 4);
    let moved = |by: f64| -> Vec<_> {
        let step =
            |mover: &Option<Mover>| mover.map(|m| Mover { position: m.position + m.velocity * by, ..m });
        movers.iter().map(step).collect()
    };
    for opening in [0.0, 0.5] {
        let law = Law { opening, ..LAW };
        let step = 1e-5;
        let slope =
            (energy(law, &moved(step)).potential - energy(law, &moved(-step)).potential) / (2.0 * step);
        let forces = forces(law, &movers);
        let work = forces.iter().zip(movers.iter().flatten()).map(|(f, m)| f.dot(m.velocity));
        let (work, size) = work.fold((0.0, 0.0), |(sum, size), w| (sum - w, size + w.abs()));
        assert!(
            (slope - work).abs() < 1e-4 * size,
            "{slope} and {work} of {size} at an opening of {opening}"
        );
    }
}

fn momentum(movers: &[Option<Mover>]) -> DVec2 {
    movers.iter().flatten().map(|mover| mover.velocity * mover.body.mass).sum()
}

/// The bodies after what collisions do, by row.
fn collided(law: Law, movers: &[Option<Mover>]) -> (Vec<Option<Mover>>, usize) {
    let clusters = clusters(law, movers);
    let mut found = Vec::new();
    contacts(&clusters, 0.01, &mut found);
    let mut after = movers.to_vec();
    for Contact { slot, velocity, mass, correction } in &found {
        let mover = after[clusters.tree.item(*slot as usize) as usize].as_mut().expect("it has a slot");
        mover.velocity += *velocity;
        mover.position += *correction;
        mover.body = if *mass == 0.0 { mover.body } else { Body::of(mover.body.mass + mass) };
    }
    (after, found.len())
}

/// Claim: collisions keep momentum, mass and the barycentre of those pushed, with exchange and without; every body that
/// touches another is found.
#[test]
fn collisions_keep_momentum_and_mass() {
    let movers = cloud(2000, 21);
    for exchange in [0, 1] {
        let law = Law { exchange, ..LAW };
        let (after, count) = collided(law, &movers);
        let bodies: Vec<Mover> = movers.iter().flatten().copied().collect();
        let touches = |a: &Mover| {
            let near =
                |b: &&Mover| (a.position - b.position).length() < law.touch * (a.body.scale + b.body.scale);
            bodies.iter().filter(near).count() > 1
        };
        assert_eq!(count, bodies.iter().filter(|body| touches(body)).count(), "exchange {exchange}");
        assert!(count > 500);
        let size: f64 = bodies.iter().map(|body| body.velocity.length() * body.body.mass).sum();
        assert!((momentum(&after) - momentum(&movers)).length() < 1e-14 * size, "exchange {exchange}");
        let mass =
            |movers: &[Option<Mover>]| movers.iter().flatten().map(|mover| mover.body.mass).sum::<f64>();
        assert!((mass(&after) - mass(&movers)).abs() < 1e-12 * mass(&movers));
        let changed =
            after.iter().zip(&movers).filter(|(a, b)| a.map(|a| a.body) != b.map(|b| b.body)).count();
        assert_eq!(changed > 100, exchange == 1, "{changed} masses changed");
        assert!(after.iter().flatten().all(|mover| mover.body.mass >= law.least_mass * 0.999));
    }
}

/// Claim: two bodies alone keep their kinetic energy, head on and aslant, with exchange and without; who parts already is
/// left alone.
#[test]
fn pairs_are_elastic() {
    let pair = |at: DVec2, velocity: DVec2, mass: f64| {
        let first = Mover { position: DVec2::ZERO, velocity: DVec2::new(0.3, 0.1), body: Body::of(1.0) };
        vec![Some(first), Some(Mover { position: at, velocity, body: Body::of(mass) })]
    };
    let kinetic = |movers: &[Option<Mover>]| -> f64 {
        movers.iter().flatten().map(|m| 0.5 * m.body.mass * m.velocity.length_squared()).sum()
    };
    for exchange in [0, 1] {
        for (at, mass) in
            [(DVec2::new(0.15, 0.0), 1.0), (DVec2::new(0.1, 0.1), 3.0), (DVec2::new(0.02, -0.12), 0.4)]
        {
            let law = Law { exchange, ..LAW };
            let meeting = pair(at, -at, mass);
            let (after, count) = collided(law, &meeting);
            assert_eq!(count, 2);
            assert!((kinetic(&after) - kinetic(&meeting)).abs() < 1e-14 * kinetic(&meeting), "{at} {mass}");
            assert!(after[0] != meeting[0], "they bounced");
            let (again, _) = collided(law, &after);
            assert_eq!(
                again[0].map(|m| (m.velocity, m.body)),
                after[0].map(|m| (m.velocity, m.body)),
                "they part"
            );
            let parting = pair(at, DVec2::new(0.3, 0.1) + at, mass);
            assert_eq!(collided(law, &parting).0[0].map(|m| m.velocity), parting[0].map(|m| m.velocity));
        }
    }
}

/// Claim: bodies on one point, and many of them, get finite pushes that keep the barycentre, and no pull.
#[test]
fn one_point_is_defined() {
    let body =
        |n: u32| Mover { position: DVec2::ONE, velocity: DVec2::ZERO, body: Body::of(1.0 + f64::from(n)) };
    let movers: Vec<_> = (0..100).map(|n| Some(body(n))).collect();
    assert!(forces(LAW, &movers).iter().all(|force| *force == DVec2::ZERO));
    let (after, count) = collided(LAW, &movers);
    assert_eq!(count, 100);
    let barycentre = |movers: &[Option<Mover>]| -> DVec2 {
        movers.iter().flatten().map(|mover| mover.position * mover.body.mass).sum()
    };
    assert!((barycentre(&after) - barycentre(&movers)).length() < 1e-9);
    assert!(after.iter().flatten().all(|mover| mover.position.is_finite()));
    assert!(after[0].expect("there").position != after[1].expect("there").position);
}

/// Claim: however small the least mass, an exchange between light bodies leaves both of them mass, and all is a number.
#[test]
fn exchanges_leave_mass() {
    let body = |x: f64, mass: f64| {
        Some(Mover { position: DVec2::new(x, 0.0), velocity: DVec2::new(-x, 0.0), body: Body::of(mass) })
    };
    for mass in [1e-6, 1e-12, 1e-20] {
        let movers = vec![body(0.002, 1e-3), body(-0.002, mass)];
        let (after, count) = collided(Law { least_mass: 1e-30, ..LAW }, &movers);
        assert_eq!(count, 2);
        let [larger, smaller] = [0, 1].map(|n| after[n].expect("there"));
        assert!(larger.velocity.is_finite() && smaller.velocity.is_finite(), "{after:?}");
        assert!(smaller.body.mass >= mass * 0.9e-6 && smaller.body.mass < mass, "{after:?}");
        let size = momentum(&movers).length();
        assert!((momentum(&after) - momentum(&movers)).length() <= 1e-12 * size, "{after:?}");
    }
}

/// Claim: where all touch all, what is kept is a number a body, and momentum stays; a stored pair would be some of them.
#[test]
fn crowds_cost_no_memory() {
    let movers = cloud(3000, 5);
    let crowd: Vec<_> =
        movers.iter().map(|m| m.map(|m| Mover { position: m.position * 1e-6, ..m })).collect();
    let jobs = super::contact::jobs(&clusters(LAW, &crowd), 0.01);
    assert_eq!(jobs.iter().map(|job| job.contacts.len()).sum::<usize>(), crowd.len());
    let kept: usize = jobs.iter().map(|job| job.contacts.capacity() + job.nearest.capacity()).sum();
    assert!(kept <= 8 * crowd.len(), "{kept} numbers for {} bodies", crowd.len());
    let (after, _) = collided(LAW, &crowd);
    let size: f64 = crowd.iter().flatten().map(|body| body.velocity.length() * body.body.mass).sum();
    assert!((momentum(&after) - momentum(&crowd)).length() < 1e-12 * size);
}
