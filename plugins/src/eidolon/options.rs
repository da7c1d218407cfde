//! What a field is made of: how many particles, which forces, and the seed of where they are.
//!
//! Invariant: equal options make equal worlds, and the text of options says all of them.

use core::fmt;
use diptych_components::eidolon::{
    CHARGED_MAX, CIRCUITS, FieldSettings, NAME_BYTES_MAX, PARTICLES_MAX, Particle, RK4, SettingsFault,
    VERLET, Vec8,
};

/// Particles when nothing else is said.
pub const PARTICLES_DEFAULT: u32 = 512;

/// What [`EidolonPlugin`](super::EidolonPlugin) makes its field of. Particles go to the circuits in turn; each circuit
/// has its own place, one unit along its own axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// What the field is called; default `eidolon`.
    pub name: String,
    /// How many particles; default [`PARTICLES_DEFAULT`], at most [`PARTICLES_MAX`].
    pub particles: u32,
    /// How many of them, the first ones, carry a charge; default all that there may be, [`CHARGED_MAX`].
    pub charged: u32,
    /// Seed of places, velocities, masses and charges; default 1.
    pub seed: u64,
    /// By fourth order Runge and Kutta in place of Verlet; default no.
    pub is_rk4: bool,
    /// Pull to the layer's barycentre; default 1.
    pub stiffness: f64,
    /// Push of charges; default 0.05.
    pub coupling: f64,
    /// Distance within which that push grows no more; default 0.1.
    pub softening: f64,
    /// Force against motion; default 0.
    pub viscosity: f64,
    /// Half of the field's side; default 0, without bounds.
    pub bound: f64,
}

/// What is wrong with options.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsFault {
    /// Too many particles.
    #[error("{0} particles are too many for a field: ask for at most {max}", max = PARTICLES_MAX)]
    Particles(u32),
    /// Too many charged ones.
    #[error("{0} charged particles are too many for a field: ask for at most {max}", max = CHARGED_MAX)]
    Charged(u32),
    /// A name that is too long or none.
    #[error("the field's name has {0} bytes, and must have 1 to {max}", max = NAME_BYTES_MAX)]
    Name(usize),
    /// A setting outside of what it may be.
    #[error(transparent)]
    Settings(#[from] SettingsFault),
}

impl Default for Options {
    fn default() -> Self {
        let FieldSettings { stiffness, coupling, softening, viscosity, bound, .. } = FieldSettings::default();
        Self {
            name: "eidolon".to_owned(),
            particles: PARTICLES_DEFAULT,
            charged: CHARGED_MAX as u32,
            seed: 1,
            is_rk4: false,
            stiffness,
            coupling,
            softening,
            viscosity,
            bound,
        }
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options { name, particles, charged, seed, .. } = self;
        let integrator = if self.is_rk4 { "rk4" } else { "verlet" };
        write!(f, "{name:?}, {particles} particles, {charged} charged, seed {seed}, {integrator}")?;
        write!(f, ", stiffness {}, coupling {}", self.stiffness, self.coupling)?;
        write!(f, ", softening {}, viscosity {}, bound {}", self.softening, self.viscosity, self.bound)
    }
}

impl Options {
    /// What is wrong, if anything.
    ///
    /// # Errors
    /// The first option that is outside of what it may be.
    pub fn check(&self) -> Result<(), OptionsFault> {
        if self.particles as usize > PARTICLES_MAX {
            return Err(OptionsFault::Particles(self.particles));
        }
        if self.charged as usize > CHARGED_MAX {
            return Err(OptionsFault::Charged(self.charged));
        }
        if self.name.is_empty() || self.name.len() > NAME_BYTES_MAX {
            return Err(OptionsFault::Name(self.name.len()));
        }
        Ok(self.settings().check()?)
    }

    /// What the field does to its particles.
    #[must_use]
    pub fn settings(&self) -> FieldSettings {
        FieldSettings {
            stiffness: self.stiffness,
            coupling: self.coupling,
            softening: self.softening,
            viscosity: self.viscosity,
            bound: self.bound,
            integrator: if self.is_rk4 { RK4 } else { VERLET },
            reserved: 0,
        }
    }

    /// The particles of frame 0.
    pub fn particles(&self) -> impl Iterator<Item = Particle> + use<> {
        let (seed, charged) = (self.seed, self.charged);
        (0..self.particles).map(move |n| particle(seed, n, n < charged))
    }
}

fn particle(seed: u64, n: u32, is_charged: bool) -> Particle {
    let number = |k: u64| unit(seed, u64::from(n), k) * 2.0 - 1.0;
    let circuit = n as usize % CIRCUITS;
    let spread = |first: u64, scale: f64| Vec8(core::array::from_fn(|k| number(first + k as u64) * scale));
    Particle {
        position: Vec8::axis(circuit) + spread(0, 0.5),
        velocity: spread(8, 0.25),
        charge: if is_charged { spread(16, 1.0) } else { Vec8::ZERO },
        mass: 1.0 + 0.5 * number(24),
        circuit: circuit as u32,
        flags: 0,
    }
}

/// A number from 0 to 1 that follows from its place alone, by splitmix64's mixing.
fn unit(seed: u64, row: u64, column: u64) -> f64 {
    let mix = |mut z: u64| {
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    let counter = (row << 5 | column).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mix(mix(seed).wrapping_add(counter)) >> 11) as f64 / (1_u64 << 53) as f64
}
