//! The digest of a world: independent of row order, table layout and thread count.
//!
//! A row hashes to 128 bits keyed by its type's name and its entity's id; a component's digest is the
//! wrapping sum of its rows, so rows may be summed in any order and in parallel; a world's digest is the
//! hash of its components sorted by name. Left out: which rows changed (the engine caches sums per page)
//! and where the bytes come from.

use xxhash_rust::xxh3::{xxh3_64, xxh3_128, xxh3_128_with_seed};

/// Name under which the column of ids counts as a component.
pub const ID_TYPE_NAME: &str = "diptych.id";

/// The hash of one row: `bytes` of the type behind `seed` (see [`type_seed`]) on entity `id`.
///
/// Add the hashes of a component's rows with `wrapping_add`.
#[inline]
#[must_use]
pub fn row_hash(seed: u64, id: u64, bytes: &[u8]) -> u128 {
    // An odd multiplier spreads neighbouring ids over all bits; addition alone would let
    // (seed + 1, id) and (seed, id + 1) collide.
    xxh3_128_with_seed(bytes, seed ^ id.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32))
}

/// The seed of a type: the hash of its registered name.
#[must_use]
pub fn type_seed(type_name: &str) -> u64 {
    xxh3_64(type_name.as_bytes())
}

/// What one component contributes to the digest of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ComponentDigest<'a> {
    /// Registered name.
    pub name: &'a str,
    /// Registered version.
    pub version: u32,
    /// Wrapping sum of the [`row_hash`]es of all rows.
    pub sum: u128,
    /// Number of rows.
    pub rows: u64,
}

/// The digest of a world. Components without rows count too: a registered type is part of the world.
///
/// Sorts `components` by name.
#[must_use]
pub fn world_digest(components: &mut [ComponentDigest<'_>]) -> u128 {
    components.sort_unstable();
    let mut bytes = Vec::new();
    for component in components {
        let name = component.name.as_bytes();
        bytes.extend_from_slice(&(name.len() as u64).to_le_bytes());
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(&component.version.to_le_bytes());
        bytes.extend_from_slice(&component.sum.to_le_bytes());
        bytes.extend_from_slice(&component.rows.to_le_bytes());
    }
    xxh3_128(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_rows_and_components_does_not_matter_but_id_value_and_type_do() {
        let (a, b) = (type_seed("a"), type_seed("b"));
        let forwards = row_hash(a, 1, b"one").wrapping_add(row_hash(a, 2, b"two"));
        let backwards = row_hash(a, 2, b"two").wrapping_add(row_hash(a, 1, b"one"));
        assert_eq!(forwards, backwards);
        let swapped = row_hash(a, 2, b"one").wrapping_add(row_hash(a, 1, b"two"));
        assert_ne!(forwards, swapped, "two entities that exchange their values must show");
        assert_ne!(row_hash(a, 1, b"one"), row_hash(b, 1, b"one"), "the type must show");

        let one = ComponentDigest { name: "one", version: 1, sum: 7, rows: 1 };
        let two = ComponentDigest { name: "two", version: 1, sum: 9, rows: 2 };
        assert_eq!(world_digest(&mut [one, two]), world_digest(&mut [two, one]));
        let renamed = ComponentDigest { name: "uno", ..one };
        assert_ne!(world_digest(&mut [one, two]), world_digest(&mut [renamed, two]));
    }
}
