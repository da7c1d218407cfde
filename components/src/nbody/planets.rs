//! The Sun and the four giant planets, as the n-body task of the Computer Language Benchmarks Game gives them.
//!
//! Invariant: their momenta sum to nothing (the Sun's makes up for the others'), so the system stays where it is.

use core::f64::consts::PI;

use glam::DVec3;

use super::{Bodies, Body, BodyName, Mass, Position, Velocity};

/// The Sun's mass in the units of this system.
const SOLAR_MASS: f64 = 4.0 * PI * PI;
/// The given velocities are per day.
const DAYS_PER_YEAR: f64 = 365.24;

/// Name, position, velocity per day, solar masses.
const PLANETS: [(&str, [f64; 3], [f64; 3], f64); 4] = [
    (
        "Jupiter",
        [4.841431442464721, -1.1603200440274284, -0.10362204447112311],
        [0.001660076642744037, 0.007699011184197404, -6.90460016972063e-05],
        0.0009547919384243266,
    ),
    (
        "Saturn",
        [8.34336671824458, 4.124798564124305, -0.4035234171143214],
        [-0.002767425107264116, 0.004998528012349172, 2.3041729757376393e-05],
        0.0002858859806661308,
    ),
    (
        "Uranus",
        [12.894369562139131, -15.111151401698631, -0.22330757889265573],
        [0.002964601375647616, 0.0023784717395948095, -2.9658956854023756e-05],
        4.366244043351563e-05,
    ),
    (
        "Neptune",
        [15.379697114850917, -25.919314609987964, 0.17925877295037118],
        [0.0026806777249038932, 0.001628241700382423, -9.515922545197159e-05],
        5.1513890204661145e-05,
    ),
];

impl Bodies {
    /// Sun, Jupiter, Saturn, Uranus and Neptune, their total momentum taken from the Sun's.
    #[must_use]
    pub fn planets() -> Bodies {
        let body = |name: &str, mass, position, velocity| Body {
            name: BodyName(name.to_owned()),
            mass: Mass(mass),
            position: Position(position),
            velocity: Velocity(velocity),
        };
        let planets = PLANETS.map(|(name, position, per_day, solar_masses)| {
            let velocity = DVec3::from_array(per_day) * DAYS_PER_YEAR;
            body(name, solar_masses * SOLAR_MASS, DVec3::from_array(position), velocity)
        });
        let momentum =
            planets.iter().fold(DVec3::ZERO, |sum, planet| sum + planet.velocity.0 * planet.mass.0);
        let sun = body("Sun", SOLAR_MASS, DVec3::ZERO, -momentum / SOLAR_MASS);
        Bodies([sun].into_iter().chain(planets).collect())
    }
}

#[cfg(test)]
mod tests {
    use glam::DVec3;

    use super::Bodies;

    /// Claim: the whole system is at rest, to the last few bits.
    #[test]
    fn momentum_is_offset() {
        let bodies = Bodies::planets();
        let momentum = bodies.as_slice().iter().map(|body| body.velocity.0 * body.mass.0).sum::<DVec3>();
        assert!(momentum.length() < 1e-16, "{momentum}");
        assert_eq!(bodies.as_slice().len(), 5);
    }

    /// Claim: the shipped file holds exactly these bodies, bit for bit.
    #[test]
    fn shipped_file_is_the_same() {
        let file = include_bytes!("../../../examples/data/planets.csv");
        let read = Bodies::parse("planets.csv", file).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(read.canonical_bytes(), Bodies::planets().canonical_bytes());
    }
}
