//! What is to change in a field: particles to add and to remove, and forces for one step.
//!
//! Invariant: what is written can be read, however much it is, because a stored world holds updates under way. No bytes
//! make a reader panic or allocate more than they hold, and equal updates have equal bytes. Whether an update or a part
//! of one may be is decided by who applies it.

use super::{Particle, Vec8};
use crate::fields::{FieldError, Fields};

/// Particles added, removed and pushed by one update, at most, together: a larger one changes nothing, see
/// [`Ledger::accepts`](super::Ledger::accepts).
pub const UPDATE_PARTS_MAX: usize = 1 << 14;

/// A change of one field, as a message to the field's entity. It is applied in the step in which it is read: forces
/// act in that step, particles are added and removed at its commit.
///
/// ```
/// use diptych_components::eidolon::{FieldUpdate, Particle, Vec8};
/// let particle = Particle { mass: 1.0, ..Particle::default() };
/// let update = FieldUpdate { added: vec![particle], removed: vec![7], forces: vec![(9, Vec8::axis(3))] };
/// let mut bytes = Vec::new();
/// update.encode(&mut bytes);
/// assert_eq!(FieldUpdate::decode(&bytes), Ok(update));
/// ```
#[derive(Clone, PartialEq, Debug, Default)]
pub struct FieldUpdate {
    /// Particles to add.
    pub added: Vec<Particle>,
    /// `Id`s of particles to remove, as plain numbers.
    pub removed: Vec<u64>,
    /// Forces, each with the `Id` of the particle it acts on, for one step; several on one particle add up.
    pub forces: Vec<(u64, Vec8)>,
}

/// A [`FieldUpdate`] with the field it is for: what comes from outside, as an input.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct AddressedUpdate {
    /// The `Id` of the field as a plain number.
    pub field: u64,
    /// What is to change.
    pub update: FieldUpdate,
}

impl FieldUpdate {
    /// Particles added, removed and pushed, together.
    #[must_use]
    pub fn parts(&self) -> usize {
        self.added.len() + self.removed.len() + self.forces.len()
    }

    /// Three times a count u32; particles of 208 bytes, `Id`s u64, pairs of `Id` and 8 f64; all little-endian.
    ///
    /// # Panics
    /// With 2^32 or more of a kind.
    pub fn encode(&self, out: &mut Vec<u8>) {
        for count in [self.added.len(), self.removed.len(), self.forces.len()] {
            let count = u32::try_from(count).expect("updates are bounded far below 2^32 parts");
            out.extend_from_slice(&count.to_le_bytes());
        }
        for particle in &self.added {
            let vectors = [particle.position, particle.velocity, particle.charge];
            vectors.iter().for_each(|vector| put(vector, out));
            out.extend_from_slice(&particle.mass.to_le_bytes());
            out.extend_from_slice(&particle.circuit.to_le_bytes());
            out.extend_from_slice(&particle.flags.to_le_bytes());
        }
        self.removed.iter().for_each(|id| out.extend_from_slice(&id.to_le_bytes()));
        for (id, force) in &self.forces {
            out.extend_from_slice(&id.to_le_bytes());
            put(force, out);
        }
    }

    /// Reads one back.
    ///
    /// # Errors
    /// When the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<FieldUpdate, FieldError> {
        let mut fields = Fields(bytes);
        let update = FieldUpdate::read(&mut fields)?;
        fields.end()?;
        Ok(update)
    }

    fn read(fields: &mut Fields<'_>) -> Result<FieldUpdate, FieldError> {
        let [added, removed, forces] = [fields.u32()?, fields.u32()?, fields.u32()?];
        // Counts are believed part by part: a part that is not there ends it.
        let mut update = FieldUpdate::default();
        for _ in 0..added {
            update.added.push(Particle {
                position: vector(fields)?,
                velocity: vector(fields)?,
                charge: vector(fields)?,
                mass: f64::from_bits(fields.u64()?),
                circuit: fields.u32()?,
                flags: fields.u32()?,
            });
        }
        for _ in 0..removed {
            update.removed.push(fields.u64()?);
        }
        for _ in 0..forces {
            update.forces.push((fields.u64()?, vector(fields)?));
        }
        Ok(update)
    }
}

impl AddressedUpdate {
    /// The field u64, then as [`FieldUpdate::encode`].
    ///
    /// # Panics
    /// As [`FieldUpdate::encode`].
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.field.to_le_bytes());
        self.update.encode(out);
    }

    /// Reads one back.
    ///
    /// # Errors
    /// As [`FieldUpdate::decode`].
    pub fn decode(bytes: &[u8]) -> Result<AddressedUpdate, FieldError> {
        let mut fields = Fields(bytes);
        let addressed = AddressedUpdate { field: fields.u64()?, update: FieldUpdate::read(&mut fields)? };
        fields.end()?;
        Ok(addressed)
    }
}

fn put(vector: &Vec8, out: &mut Vec<u8>) {
    vector.0.iter().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
}

fn vector(fields: &mut Fields<'_>) -> Result<Vec8, FieldError> {
    let mut vector = Vec8::ZERO;
    for number in &mut vector.0 {
        *number = f64::from_bits(fields.u64()?);
    }
    Ok(vector)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update() -> AddressedUpdate {
        let particle = Particle { mass: 2.0, position: Vec8::axis(1), circuit: 3, ..Particle::default() };
        let update =
            FieldUpdate { added: vec![particle; 2], removed: vec![5], forces: vec![(9, Vec8::axis(7))] };
        AddressedUpdate { field: 11, update }
    }

    /// Claim: whatever is cut off or appended is refused, and so are counts of more than there is, without a panic.
    #[test]
    fn other_bytes_are_refused() {
        let mut bytes = Vec::new();
        update().encode(&mut bytes);
        assert_eq!(AddressedUpdate::decode(&bytes), Ok(update()));
        for length in 0..bytes.len() {
            assert!(AddressedUpdate::decode(&bytes[..length]).is_err(), "{length} bytes");
        }
        assert!(AddressedUpdate::decode(&[&bytes[..], &[0]].concat()).is_err(), "a byte too many");
        bytes[8..20].fill(0xFF);
        assert!(AddressedUpdate::decode(&bytes).is_err(), "2^32 parts in some bytes");
    }

    /// Claim: an update of more parts than are applied comes back from its bytes all the same, since a world may hold it.
    #[test]
    fn large_updates_come_back() {
        let large = FieldUpdate { removed: vec![3; UPDATE_PARTS_MAX + 1], ..FieldUpdate::default() };
        let mut bytes = Vec::new();
        large.encode(&mut bytes);
        assert!(FieldUpdate::decode(&bytes).is_ok_and(|update| update == large));
    }
}
