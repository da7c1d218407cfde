//! Bodies under gravity: where they are, how they move, what they weigh, and the files they come from.
//!
//! Invariant: bodies that were read from a file are finite, of no negative mass, and no two are at one place.
//! Units are whatever makes the gravitational constant 1; the planets here use astronomical units, years of
//! 365.24 days, and a solar mass of 4 pi^2. How bodies move is behaviour and lives in `diptych-systems`.

use bytemuck::{Pod, Zeroable};
use glam::DVec3;

mod planets;
mod table;

pub use table::{BODIES_MAX, BodiesError, BodiesFault, NAME_BYTES_MAX};

/// Where a body is; in astronomical units for the planets.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
pub struct Position(pub DVec3);

const _: () = assert!(size_of::<Position>() == 24);

/// How a body moves; in astronomical units per year for the planets.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
pub struct Velocity(pub DVec3);

const _: () = assert!(size_of::<Velocity>() == 24);

/// What a body weighs, times the gravitational constant; the Sun's is 4 pi^2.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
pub struct Mass(pub f64);

const _: () = assert!(size_of::<Mass>() == 8);

/// What a body is called. Not plain old data: it needs a codec where it is registered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BodyName(pub String);

/// One body as it is read from a file, before it becomes an entity.
#[derive(Clone, PartialEq, Debug)]
pub struct Body {
    /// What it is called.
    pub name: BodyName,
    /// What it weighs.
    pub mass: Mass,
    /// Where it is.
    pub position: Position,
    /// How it moves.
    pub velocity: Velocity,
}

/// A system of bodies, in the order in which sums run over them.
///
/// # Examples
/// ```
/// use diptych_components::nbody::Bodies;
/// let two = b"name,mass,x,y,z,vx,vy,vz\nA,1,0,0,0,0,0,0\nB,2.5,1,0,0,0,1,0\n";
/// assert_eq!(Bodies::parse("two.csv", two).unwrap().as_slice()[1].mass.0, 2.5);
/// let error = Bodies::parse("two.csv", b"name,mass,x,y,z,vx,vy,vz\nA,nan,0,0,0,0,0,0\n").unwrap_err();
/// assert!(error.to_string().starts_with("two.csv: line 2, column mass: "));
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct Bodies(Vec<Body>);

impl Bodies {
    /// The bodies in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Body] {
        &self.0
    }

    /// The bodies as bytes that are the same for every way of writing them down: for each, the length of its name
    /// as 32 bits, its name, then mass, x, y, z, vx, vy, vz as 64 bit floats, all little-endian.
    #[must_use]
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for body in &self.0 {
            // It fits: names have at most `NAME_BYTES_MAX` bytes.
            bytes.extend((body.name.0.len() as u32).to_le_bytes());
            bytes.extend(body.name.0.as_bytes());
            bytes.extend(body.mass.0.to_le_bytes());
            let vectors = [body.position.0, body.velocity.0];
            bytes.extend(vectors.into_iter().flat_map(|vector| vector.to_array()).flat_map(f64::to_le_bytes));
        }
        bytes
    }
}
