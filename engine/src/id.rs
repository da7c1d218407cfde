//! Stable names of entities; the index that leads from them to this process's handles is in `id/index.rs`.
//!
//! Invariant: an [`Id`] is never reused, and it follows from the spawning system's name and how many
//! entities that system has spawned, never from a thread, an address or a registration order. bevy's
//! `Entity` is a handle of this process only and is left out of everything stored, hashed or sent.

mod index;

pub(crate) use index::IdIndex;

use bevy_ecs::component::Component;
use std::fmt;

/// Bits of an [`Id`] that count the spawns of one system: 2^44 spawns, then the engine refuses.
pub const SERIAL_BITS: u32 = 44;
/// The highest serial number one system can give out.
pub const SERIAL_MAX: u64 = (1 << SERIAL_BITS) - 1;
/// Bits of an [`Id`] that name the spawning system: 20 bits of the hash of its name. Two names that
/// share them are refused at build.
pub const SYSTEM_KEY_BITS: u32 = 64 - SERIAL_BITS;

/// The stable name of an entity: 64 bits, given once, never reused, equal on every machine and thread count.
///
/// Layout: `system key (20 bits) | serial (44 bits)`. An `Id` is plain old data: state that refers to another
/// entity stores its `Id`. In a query, `Id` is read like bevy's `Entity`: `Query<(Id, Prev<Position>)>`.
///
/// ```
/// use diptych_engine::Id;
/// let id = Id::from_bits(42);
/// assert_eq!(id.bits(), 42);
/// ```
///
/// Nobody can write it:
/// ```compile_fail,E0271
/// use diptych_engine::prelude::*;
/// fn rename(mut ids: Query<Plain<&mut Id>>) {}
/// let _ = Engine::in_memory().system("rename", rename);
/// ```
#[derive(
    Component, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, bytemuck::Pod, bytemuck::Zeroable,
)]
#[component(immutable)]
#[repr(transparent)]
pub struct Id(u64);

impl Id {
    /// The `Id` with these bits; for values read back from stored or sent data.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The 64 bits of this `Id`.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The `Id` of the `serial`-th spawn under `key`.
    ///
    /// # Panics
    /// When the key or the serial number exceeds its bits.
    pub(crate) fn new(key: SystemKey, serial: u64) -> Self {
        assert!(
            serial <= SERIAL_MAX,
            "system key {:05x} has spawned 2^{SERIAL_BITS} entities, its limit",
            key.0
        );
        Self((u64::from(key.0) << SERIAL_BITS) | serial)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({:05x}.{})", self.0 >> SERIAL_BITS, self.0 & SERIAL_MAX)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:05x}.{}", self.0 >> SERIAL_BITS, self.0 & SERIAL_MAX)
    }
}

// Loops by rows and blocks hand out `&Id`.
impl From<&Id> for Id {
    fn from(id: &Id) -> Self {
        *id
    }
}

/// What a system's unique name contributes to `Id`s and random streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SystemKey(pub(crate) u32);

impl SystemKey {
    /// The key of a registered name: the top 20 bits of its xxh3 hash; never 0, so that `Id` 0 is no entity.
    pub(crate) fn of(name: &str) -> Self {
        let hash = xxhash_rust::xxh3::xxh3_64(name.as_bytes());
        Self(((hash >> SERIAL_BITS) as u32).max(1))
    }
}
