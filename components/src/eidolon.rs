//! The Eidolon field: particles in eight dimensions, the settings of their field, and the states of its layers.
//!
//! Invariant: plain data. A particle belongs to one field and to one of its eight circuits, whose particles together
//! are a layer. Units are the embedder's. How particles move is behaviour and lives in `diptych-systems`.

use bytemuck::{Pod, Zeroable};

mod update;
mod vec8;

pub use update::{AddressedUpdate, FieldUpdate, UPDATE_PARTS_MAX};
pub use vec8::{AXES, Vec8};

/// Circuits of a field; their numbers count from 0.
pub const CIRCUITS: usize = 8;
/// Particles of one field, at most: what an update would add beyond is refused and counted.
pub const PARTICLES_MAX: usize = 1 << 20;
/// Particles of one field that carry a charge, at most: each feels each other one, so a step costs their square.
pub const CHARGED_MAX: usize = 1 << 13;
/// Fields of one world that move, at most: those with the lowest `Id`s.
pub const FIELDS_MAX: usize = 64;
/// Bytes of a field's name, at most.
pub const NAME_BYTES_MAX: usize = 255;
/// Numbers of a particle and of a field's settings are at most this large, either way, and masses at least one over it:
/// sums and products of these stay far from where doubles end, so that one particle cannot make another no number.
pub const NUMBER_MAX: f64 = 1e50;
/// The least softening.
pub const SOFTENING_MIN: f64 = 1e-9;
/// A flag of a particle: it pulls and pushes, and stays where it is. The other flags are the embedder's.
pub const PINNED: u32 = 1;

/// Where a particle is.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Default, Pod, Zeroable)]
pub struct Position(pub Vec8);

/// How a particle moves, by unit of time.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Default, Pod, Zeroable)]
pub struct Velocity(pub Vec8);

/// What a particle weighs. One that is no number, or not above 0, has no place in its field: see [`Particle::fault`].
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Default, Pod, Zeroable)]
pub struct Mass(pub f64);

/// What a particle pushes others away with, a number an axis: two push as strongly as the product of their charges
/// says, axis by axis, and pull where that is negative. All zero: none.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Default, Pod, Zeroable)]
pub struct Charge(pub Vec8);

/// A force on a particle from outside, for the next step: whoever steps particles takes it away again.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Default, Pod, Zeroable)]
pub struct Push(pub Vec8);

/// What a particle belongs to.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Pod, Zeroable)]
pub struct Member {
    /// The `Id` of its field as a plain number, because this crate knows no engine.
    pub field: u64,
    /// The circuit, 0 to 7.
    pub circuit: u32,
    /// [`PINNED`] and what else the embedder marks.
    pub flags: u32,
}

/// A particle before it becomes an entity.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Default, Pod, Zeroable)]
pub struct Particle {
    /// Where it is.
    pub position: Vec8,
    /// How it moves.
    pub velocity: Vec8,
    /// What it pushes with.
    pub charge: Vec8,
    /// What it weighs; above 0.
    pub mass: f64,
    /// The circuit, 0 to 7.
    pub circuit: u32,
    /// [`PINNED`] and what else the embedder marks.
    pub flags: u32,
}

const _: () = assert!(size_of::<Particle>() == 208);

/// What is wrong with a particle.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParticleFault {
    /// A position, velocity or charge that is no number, or too large.
    #[error("a particle's position, velocity and charge must be numbers between -1e50 and 1e50")]
    Number,
    /// No mass, a negative one, or one that is no number, or too large or small.
    #[error("a particle's mass must be a number from 1e-50 to 1e50")]
    Mass,
    /// A circuit that no field has.
    #[error("a particle's circuit must be 0 to 7")]
    Circuit,
}

impl Particle {
    /// What keeps it out of a field. A particle with a fault is left where it is and does nothing to others.
    ///
    /// ```
    /// use diptych_components::eidolon::{Particle, ParticleFault};
    /// let mut particle = Particle { mass: 1.0, ..Particle::default() };
    /// assert_eq!(particle.fault(), None);
    /// particle.mass = f64::NAN;
    /// assert_eq!(particle.fault(), Some(ParticleFault::Mass));
    /// ```
    #[must_use]
    pub fn fault(&self) -> Option<ParticleFault> {
        let vectors = [self.position, self.velocity, self.charge];
        if !(1.0 / NUMBER_MAX..=NUMBER_MAX).contains(&self.mass) {
            Some(ParticleFault::Mass)
        } else if !vectors.iter().all(|vector| vector.is_within(NUMBER_MAX)) {
            Some(ParticleFault::Number)
        } else if self.circuit as usize >= CIRCUITS {
            Some(ParticleFault::Circuit)
        } else {
            None
        }
    }

    /// Whether it pushes others.
    #[must_use]
    pub fn is_charged(&self) -> bool {
        self.charge != Vec8::ZERO
    }

    /// Whether it stays where it is.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        self.flags & PINNED != 0
    }

    /// Energy of its motion; none of one that stays where it is, whatever its velocity says.
    #[must_use]
    pub fn motion(&self) -> f64 {
        if self.is_pinned() { 0.0 } else { 0.5 * self.mass * self.velocity.length_squared() }
    }
}

/// How a field's particles are stepped, [`FieldSettings::integrator`].
pub const VERLET: u32 = 0;
/// By the classic method of Runge and Kutta of fourth order.
pub const RK4: u32 = 1;

/// What a field does to its particles.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
pub struct FieldSettings {
    /// Pull towards the layer's barycentre, by unit of distance and of mass; not below 0. Its root is the angular
    /// velocity with which a particle swings about it.
    pub stiffness: f64,
    /// Push of two unit charges at unit distance, but for the softening; where negative, like charges pull.
    pub coupling: f64,
    /// The distance within which the push of charges grows no more; at least [`SOFTENING_MIN`].
    pub softening: f64,
    /// Force against the motion, by unit of velocity; not below 0.
    pub viscosity: f64,
    /// Particles stay between minus this and this on every axis, by reflection; 0 is without bounds.
    pub bound: f64,
    /// [`VERLET`] or [`RK4`].
    pub integrator: u32,
    /// Zero.
    pub reserved: u32,
}

const _: () = assert!(size_of::<FieldSettings>() == 48);

impl Default for FieldSettings {
    fn default() -> Self {
        Self {
            stiffness: 1.0,
            coupling: 0.05,
            softening: 0.1,
            viscosity: 0.0,
            bound: 0.0,
            integrator: VERLET,
            reserved: 0,
        }
    }
}

/// What is wrong with a field's settings.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsFault {
    /// A number outside of what it may be.
    #[error("the field's {0} is {1}, and must be {2}")]
    Number(&'static str, f64, &'static str),
    /// An integrator that there is not.
    #[error("the field's integrator is {0}, and must be 0 (Verlet) or 1 (RK4)")]
    Integrator(u32),
}

impl FieldSettings {
    /// What is wrong, if anything: the particles of such a field rest.
    ///
    /// # Errors
    /// The first setting that is outside of what it may be.
    pub fn check(&self) -> Result<(), SettingsFault> {
        let not_below = "a number from 0 to 1e50";
        let number = |name, value: f64, is_right: bool, wanted| {
            if value.abs() <= NUMBER_MAX && is_right {
                Ok(())
            } else {
                Err(SettingsFault::Number(name, value, wanted))
            }
        };
        number("stiffness", self.stiffness, self.stiffness >= 0.0, not_below)?;
        number("coupling", self.coupling, true, "a number between -1e50 and 1e50")?;
        number("softening", self.softening, self.softening >= SOFTENING_MIN, "a number from 1e-9 to 1e50")?;
        number("viscosity", self.viscosity, self.viscosity >= 0.0, not_below)?;
        number("bound", self.bound, self.bound >= 0.0, "a number above 0 and at most 1e50, or 0 for none")?;
        if self.integrator > RK4 { Err(SettingsFault::Integrator(self.integrator)) } else { Ok(()) }
    }
}

/// What a field is called. Not plain old data: it needs a codec where it is registered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldName(pub String);

/// Who is in a field, and what updates have done to it since it was made.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Pod, Zeroable)]
pub struct Ledger {
    /// Particles that belong to the field, those with a fault among them.
    pub population: u64,
    /// Those of them that carry a charge.
    pub charged: u64,
    /// Particles with a fault, as the last frame found them.
    pub faulty: u64,
    /// Particles added.
    pub added: u64,
    /// Particles removed.
    pub removed: u64,
    /// Forces that acted.
    pub pushed: u64,
    /// Parts of updates that were refused: a particle with a fault or beyond a limit, a subject that is no particle
    /// of the field, a force that is no number, and all of an update of more than [`UPDATE_PARTS_MAX`].
    pub refused: u64,
}

impl Ledger {
    /// Whether an update may be applied, as far as its length goes; counts all parts of one that is too long as refused.
    pub fn accepts(&mut self, update: &FieldUpdate) -> bool {
        let is_short = update.parts() <= UPDATE_PARTS_MAX;
        if !is_short {
            self.refused += update.parts() as u64;
        }
        is_short
    }

    /// Whether the field may take in a particle; counts it as added or refused.
    pub fn admit(&mut self, particle: &Particle) -> bool {
        let charged = self.charged + u64::from(particle.is_charged());
        let has_room = self.population < PARTICLES_MAX as u64 && charged <= CHARGED_MAX as u64;
        if !has_room || particle.fault().is_some() {
            self.refused += 1;
            return false;
        }
        (self.population, self.charged, self.added) = (self.population + 1, charged, self.added + 1);
        true
    }

    /// Counts a particle as removed.
    pub fn release(&mut self, is_charged: bool) {
        self.population = self.population.saturating_sub(1);
        self.charged = self.charged.saturating_sub(u64::from(is_charged));
        self.removed += 1;
    }
}

/// The state of one circuit of a field, after the step in which it is seen.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
pub struct LayerState {
    /// The `Id` of the field as a plain number.
    pub field: u64,
    /// The circuit, 0 to 7.
    pub circuit: u32,
    /// Particles without a fault.
    pub population: u32,
    /// Energy of motion, and of the pull towards the barycentre; that of charges is the whole field's.
    pub energy: f64,
    /// Mean position, weighted by mass.
    pub barycenter: Vec8,
    /// Variance of the position an axis, weighted by mass.
    pub variance: Vec8,
    /// The last step in which the above changed.
    pub step: u64,
}

const _: () = assert!(size_of::<LayerState>() == 160);

impl LayerState {
    /// The state of a layer without particles.
    #[must_use]
    pub fn empty(field: u64, circuit: u32) -> LayerState {
        LayerState { field, circuit, ..Zeroable::zeroed() }
    }
}
