//! Membership of entities in groups, as state.
//!
//! Invariant: names are stored as keys that follow from them alone, so that equal names are equal everywhere; two names of
//! a world that share a key are refused where they are registered. Left out: what a group is made of.

use bytemuck::{Pod, Zeroable};

/// A name as 64 bits, by FNV-1a (Fowler, Noll, Vo); 0 is no name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Pod, Zeroable)]
#[repr(transparent)]
pub struct NameKey(u64);

impl NameKey {
    /// No name.
    pub const NONE: Self = Self(0);

    /// The key of a name.
    ///
    /// ```
    /// use diptych_components::group::NameKey;
    /// const RED: NameKey = NameKey::of("red");
    /// assert!(RED == NameKey::of("red") && RED != NameKey::of("blue") && NameKey::of("") == NameKey::NONE);
    /// ```
    #[must_use]
    pub const fn of(name: &str) -> Self {
        let bytes = name.as_bytes();
        if bytes.is_empty() {
            return Self::NONE;
        }
        let (mut hash, mut n) = (0xcbf2_9ce4_8422_2325_u64, 0);
        while n < bytes.len() {
            hash = (hash ^ bytes[n] as u64).wrapping_mul(0x0000_0100_0000_01b3);
            n += 1;
        }
        Self(if hash == 0 { 1 } else { hash })
    }

    /// The 64 bits.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }
}

/// What an entity is a member of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug, Pod, Zeroable)]
#[repr(C)]
pub struct Member {
    /// Its group.
    pub group: NameKey,
    /// The faction of the group, if it has one.
    pub faction: NameKey,
    /// The unit type of the group, if it has one.
    pub unit: NameKey,
}

impl Member {
    /// Whether both are of one faction; who has none is of none.
    #[must_use]
    pub fn is_ally(&self, other: &Self) -> bool {
        self.faction == other.faction && self.faction != NameKey::NONE
    }
}
