//! Bodies in the plane that pull each other and bounce: what each holds, and the law they live by.
//!
//! Invariant: a [`Particle`] that passed [`Particle::check`] is finite and within the limits here, so that no sum, power
//! or quotient of the scene can leave the numbers. Every array of the scene is a type of its own, written by one system.
//! Left out: behaviour, which is in `diptych-systems`, and where bodies come from.

use bytemuck::{Pod, Zeroable};
use glam::DVec2;

/// The most bodies of a world.
pub const BODIES_MAX: usize = 1 << 20;
/// How far from the origin a body may be on each axis, and how fast it may go: the sixth powers of it are still numbers.
pub const PLACE_MAX: f64 = 1e30;
/// The most that a body may weigh.
pub const MASS_MAX: f64 = 1e30;
/// The least that a body may weigh.
pub const MASS_MIN: f64 = 1e-30;

/// Where a body is.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
pub struct Position(pub DVec2);

/// How a body moves, in units of length a second; under the rules of the seed a frame.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
pub struct Velocity(pub DVec2);

/// By how much a body is pushed out of those that it overlaps, in units of length; added once to where it is.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
pub struct Correction(pub DVec2);

/// What collisions did to a body.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
pub struct Deflection {
    /// What is added to its velocity; under the rules of the seed, what takes its place where it is not zero.
    pub velocity: DVec2,
    /// What it gains of mass, or loses where it is negative; nothing under the rules of the seed.
    pub mass: f64,
}

/// The force of the bodies in the groups nearby: mass times length divided by the square of seconds.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
pub struct NearGravity(pub DVec2);

/// The force of the groups far away, in the same unit.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
pub struct FarGravity(pub DVec2);

/// What a body weighs, and its scale: the cube root of that.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
pub struct Body {
    /// Its mass.
    pub mass: f64,
    /// The cube root of its mass, from which its reach follows.
    pub scale: f64,
}

impl Body {
    /// A body of this mass.
    #[must_use]
    pub fn of(mass: f64) -> Body {
        Body { mass, scale: libm::cbrt(mass) }
    }
}

/// Which group of neighbours a body is in: a leaf of the tree, counted along it.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Pod, Zeroable)]
pub struct Group(pub u32);

/// Seconds that a body still has; infinite for one that stays.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
pub struct Lifetime(pub f64);

/// The constants of a world, on an entity of its own.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
pub struct Law {
    /// The gravitational constant: two bodies pull each other with it times both masses divided by their distance.
    pub gravity: f64,
    /// Two bodies collide nearer than this times the sum of their scales.
    pub touch: f64,
    /// Two groups pull each other as wholes where their radii together are less than this part of their distance; with
    /// 0 every body pulls every other by itself.
    pub opening: f64,
    /// What an exchange of mass leaves to the smaller body at least.
    pub least_mass: f64,
    /// The most bodies of a group.
    pub bucket: u32,
    /// Whether bodies that collide exchange mass: 1, or 0.
    pub exchange: u32,
}

/// What a world began with, on the entity of the law: what drifts are measured against.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
pub struct Origin {
    /// The momentum of all bodies as they were made, and of those that came in later.
    pub momentum: DVec2,
    /// Kinetic and potential energy, from the first frame on that has forces.
    pub energy: f64,
    /// What an energy drift is divided by: the kinetic energy of that frame and the gravitational constant times a
    /// quarter of the square of all mass. The latter is the kinetic energy of a steady cloud, and it does not, as the
    /// potential energy of a pull that falls with the distance does, depend on the unit of length.
    pub unit: f64,
    /// Seconds of a step, by which places and velocities of a frame are brought to one moment; 0 where they are of one,
    /// and before it is known.
    pub tick: f64,
    /// Bodies that it was made with and those that came in later; with [`Departed::bodies`] this says how many there are.
    pub bodies: u64,
    /// [`Origin::KNOWN`] from then on, or what there is before.
    pub is_known: u64,
}

impl Origin {
    /// No force is committed yet.
    pub const UNKNOWN: u64 = 0;
    /// The frame is committed whose energy it will be.
    pub const HAS_FORCES: u64 = 1;
    /// The energy is written down.
    pub const KNOWN: u64 = 2;
}

/// What left the world with bodies whose time was over, on the entity of the law.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
pub struct Departed {
    /// The sum of their momenta.
    pub momentum: DVec2,
    /// The sum of their masses.
    pub mass: f64,
    /// How many they were.
    pub bodies: u64,
}

/// A node of the tree under the rules of the seed, on an entity of its own.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
pub struct TreeNode {
    /// Where its body is.
    pub at: DVec2,
    /// Its body, by row; negative for an empty node.
    pub body: i64,
}

impl TreeNode {
    /// A node without a body.
    pub const EMPTY: TreeNode = TreeNode { at: DVec2::ZERO, body: -1 };
}

/// A group under the rules of the seed, on an entity of its own.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
pub struct Barycentre {
    /// The mean of its members' places, by mass.
    pub at: DVec2,
    /// What they weigh together.
    pub mass: f64,
}

/// A body before it becomes an entity.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
pub struct Particle {
    /// Where it is.
    pub position: DVec2,
    /// How it moves.
    pub velocity: DVec2,
    /// What it weighs.
    pub mass: f64,
    /// Seconds that it has; infinite for one that stays.
    pub lifetime: f64,
}

/// What a body must not be.
#[derive(Clone, Copy, PartialEq, Debug, thiserror::Error)]
pub enum ParticleFault {
    /// Its place is no number, or too far out.
    #[error("it is at {0}; give it two numbers from -{PLACE_MAX:e} to {PLACE_MAX:e}")]
    Position(DVec2),
    /// Its velocity is no number, or too fast.
    #[error("it moves by {0}; give it two numbers from -{PLACE_MAX:e} to {PLACE_MAX:e}")]
    Velocity(DVec2),
    /// It weighs nothing, less, or no number.
    #[error("it weighs {0}; a body weighs from {MASS_MIN:e} to {MASS_MAX:e}")]
    Mass(f64),
    /// Its time is over before it begins, or is no number.
    #[error("it has {0} seconds; give it more than 0, or infinitely many")]
    Lifetime(f64),
}

impl Particle {
    /// A body that stays.
    #[must_use]
    pub fn new(position: DVec2, velocity: DVec2, mass: f64) -> Particle {
        Particle { position, velocity, mass, lifetime: f64::INFINITY }
    }

    /// Whether a world may hold it.
    ///
    /// ```
    /// use diptych_components::gravity::Particle;
    /// use glam::DVec2;
    ///
    /// assert!(Particle::new(DVec2::ZERO, DVec2::X, 1.0).check().is_ok());
    /// let fault = Particle::new(DVec2::new(f64::NAN, 0.0), DVec2::X, 1.0).check().unwrap_err();
    /// assert!(fault.to_string().starts_with("it is at [NaN, 0]; give it two numbers"));
    /// ```
    ///
    /// # Errors
    /// What is wrong with it, of its place, velocity, mass and lifetime the first.
    pub fn check(&self) -> Result<(), ParticleFault> {
        if !is_sound(self.position) {
            return Err(ParticleFault::Position(self.position));
        }
        if !is_sound(self.velocity) {
            return Err(ParticleFault::Velocity(self.velocity));
        }
        if !(MASS_MIN..=MASS_MAX).contains(&self.mass) {
            return Err(ParticleFault::Mass(self.mass));
        }
        if self.lifetime > 0.0 { Ok(()) } else { Err(ParticleFault::Lifetime(self.lifetime)) }
    }
}

/// Whether both parts are numbers within [`PLACE_MAX`].
#[inline]
#[must_use]
pub fn is_sound(vector: DVec2) -> bool {
    vector.x.abs() <= PLACE_MAX && vector.y.abs() <= PLACE_MAX
}
