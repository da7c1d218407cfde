//! What a world of gravity is made from, and what it must not be.
//!
//! Invariant: options that passed [`Options::check`] make a sound world, and equal options make equal bits.

use super::{BODIES_MAX, Law, MASS_MAX, MASS_MIN, Particle, ParticleFault};
use diptych_systems::kdtree::BUCKET_MAX;
use glam::DVec2;
use std::fmt;
use std::str::FromStr;

/// By which rules bodies live.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Rules {
    /// An acceleration is a force divided by a mass, and every force and impulse has its counterpart: momentum stays.
    #[default]
    Conserving,
    /// Those of the source that the scene was made after, to the letter. Momentum does not stay.
    Seed,
}

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rules::Conserving => "conserving",
            Rules::Seed => "seed",
        })
    }
}

impl FromStr for Rules {
    type Err = OptionsError;

    fn from_str(text: &str) -> Result<Rules, OptionsError> {
        match text {
            "conserving" => Ok(Rules::Conserving),
            "seed" => Ok(Rules::Seed),
            _ => Err(OptionsError::Rules(text.to_owned())),
        }
    }
}

/// What a world of gravity is made from; the engine adds the seconds of a step.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Options {
    /// How many bodies, up to [`BODIES_MAX`]; 1000 by default. One alone flies straight on.
    pub bodies: usize,
    /// From which the bodies follow; 1 by default.
    pub seed: u64,
    /// By which rules they live; the conserving ones by default.
    pub rules: Rules,
    /// Whether bodies that collide exchange mass; true by default. Masses always do under the rules of the seed.
    pub exchange: bool,
    /// The gravitational constant: 0.05 by default, under the rules of the seed 0.0001, since there a force is added to a
    /// velocity undivided, once a frame.
    pub gravity: Option<f64>,
    /// The radius of the disc that bodies begin in, in units of length; twice the square root of their number by default,
    /// where neighbours are about 3 apart and a body of mass 1 has a scale of 1.
    pub radius: Option<f64>,
    /// How fast the disc turns, as a part of the speed at which it would neither shrink nor grow; 0.8 by default.
    pub spin: f64,
    /// Two bodies collide nearer than this times the sum of their scales; 0.1 by default. Under the rules of the seed it
    /// is 0.01, whatever is said here.
    pub touch: f64,
    /// Two groups pull each other as wholes where their radii together are less than this part of their distance; 0.5 by
    /// default, and at most 0.9. With 0 every body pulls every other by itself, in time that grows with their square.
    pub opening: f64,
    /// The most bodies of a group, from 2 to [`BUCKET_MAX`]; 32 by default.
    pub bucket: usize,
    /// What an exchange of mass leaves to the smaller body at least; 0.1 by default.
    pub least_mass: f64,
    /// How many seconds bodies have, on average; none by default, which is for ever. Each has from half to one and a half
    /// times as long.
    pub lifetime: Option<f64>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            bodies: 1000,
            seed: 1,
            rules: Rules::Conserving,
            exchange: true,
            gravity: None,
            radius: None,
            spin: 0.8,
            touch: 0.1,
            opening: 0.5,
            bucket: 32,
            least_mass: 0.1,
            lifetime: None,
        }
    }
}

/// What is wrong with options or bodies.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum OptionsError {
    /// No bodies, or too many.
    #[error("a world of gravity cannot have {0} bodies; give it from 1 to {BODIES_MAX}")]
    Bodies(usize),
    /// A number that is out of its range.
    #[error("{name} cannot be {value}; give {expected}")]
    Range {
        /// Which option.
        name: &'static str,
        /// What was given.
        value: f64,
        /// What it may be.
        expected: &'static str,
    },
    /// Groups too small or too large.
    #[error("a group cannot have {0} bodies at most; give from 2 to {BUCKET_MAX}")]
    Bucket(usize),
    /// Rules that there are not.
    #[error("there are no rules called {0}; say conserving or seed")]
    Rules(String),
    /// A lifetime under rules that know none.
    #[error(
        "a lifetime cannot be given under the rules of the seed; leave it out, or take the conserving rules"
    )]
    Lifetime,
    /// A body that is not sound.
    #[error("body {index} is not sound: {fault}")]
    Particle {
        /// Which one, from 0.
        index: usize,
        /// What is wrong with it.
        fault: ParticleFault,
    },
}

impl Options {
    /// Whether a world can be made from these.
    ///
    /// ```
    /// use diptych::gravity::Options;
    ///
    /// assert!(Options::default().check().is_ok());
    /// let error = Options { opening: f64::NAN, ..Options::default() }.check().unwrap_err();
    /// assert_eq!(error.to_string(), "opening cannot be NaN; give a number from 0 to 0.9");
    /// ```
    ///
    /// # Errors
    /// The first option that is out of its range.
    pub fn check(&self) -> Result<(), OptionsError> {
        if !(1..=BODIES_MAX).contains(&self.bodies) {
            return Err(OptionsError::Bodies(self.bodies));
        }
        if !(2..=BUCKET_MAX).contains(&self.bucket) {
            return Err(OptionsError::Bucket(self.bucket));
        }
        if self.rules == Rules::Seed && self.lifetime.is_some() {
            return Err(OptionsError::Lifetime);
        }
        let ranges = [
            ("gravity", self.gravity(), 0.0, 1e6, "a number from 0 to 1e6"),
            ("radius", self.radius(), 1e-6, 1e12, "a number from 1e-6 to 1e12"),
            ("spin", self.spin, -10.0, 10.0, "a number from -10 to 10"),
            ("touch", self.touch, 0.0, 0.5, "a number from 0 to 0.5"),
            ("opening", self.opening, 0.0, 0.9, "a number from 0 to 0.9"),
            ("least_mass", self.least_mass, MASS_MIN, MASS_MAX, "a number from 1e-30 to 1e30"),
            ("lifetime", self.lifetime.unwrap_or(1.0), 1e-9, 1e12, "a number of seconds from 1e-9 to 1e12"),
        ];
        for (name, value, least, most, expected) in ranges {
            if !(least..=most).contains(&value) {
                return Err(OptionsError::Range { name, value, expected });
            }
        }
        Ok(())
    }

    fn gravity(&self) -> f64 {
        self.gravity.unwrap_or(match self.rules {
            Rules::Conserving => 0.05,
            Rules::Seed => 0.0001,
        })
    }

    fn radius(&self) -> f64 {
        self.radius.unwrap_or(2.0 * (self.bodies as f64).sqrt())
    }

    /// The constants of the world.
    pub(super) fn law(&self) -> Law {
        Law {
            gravity: self.gravity(),
            touch: self.touch,
            opening: self.opening,
            least_mass: self.least_mass,
            // It fits: it was checked.
            bucket: self.bucket as u32,
            exchange: u32::from(self.exchange),
        }
    }

    /// The same as a sentence.
    pub(super) fn law_fact(&self) -> String {
        let Law { gravity, touch, opening, least_mass, bucket, exchange } = self.law();
        format!(
            "gravity {gravity}, touch {touch}, opening {opening}, least mass {least_mass}, bucket {bucket}, exchange {exchange}"
        )
    }

    /// A disc of bodies at rest as a whole, evenly filled, that turns like a wheel.
    pub(super) fn particles(&self) -> Vec<Particle> {
        let (radius, mut random) = (self.radius(), Splitmix(self.seed));
        let mut particle = |_| {
            let (distance, angle) = (radius * random.unit().sqrt(), core::f64::consts::TAU * random.unit());
            let position = DVec2::new(libm::cos(angle), libm::sin(angle)) * distance;
            let lifetime = self.lifetime.map_or(f64::INFINITY, |mean| mean * (0.5 + random.unit()));
            let wander = DVec2::new(random.unit() - 0.5, random.unit() - 0.5);
            Particle { position, velocity: wander, mass: 0.5 + random.unit(), lifetime }
        };
        let mut particles: Vec<Particle> = (0..self.bodies).map(&mut particle).collect();
        let mass: f64 = particles.iter().map(|body| body.mass).sum();
        // The speed at the rim of an even disc whose pull is what keeps it turning, and at each place in proportion.
        let rim = (self.gravity() * mass).sqrt();
        for body in &mut particles {
            body.velocity = body.velocity * (0.1 * rim) + body.position.perp() * (self.spin * rim / radius);
        }
        let drift = particles.iter().map(|body| body.velocity * body.mass).sum::<DVec2>() / mass;
        // One alone would otherwise stand still.
        if self.bodies > 1 {
            particles.iter_mut().for_each(|body| body.velocity -= drift);
        }
        particles
    }
}

/// Numbers from a seed, after Steele, Lea and Flood (2014).
struct Splitmix(u64);

impl Splitmix {
    /// At least 0 and below 1.
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}
