//! The digest of a world: independent of row order, table layout and thread count.
//!
//! A row hashes to 128 bits keyed by its type's name and its entity's id; a component's digest is the
//! wrapping sum of its rows, so rows may be summed in any order and in parallel; a world's digest is the
//! hash of its components sorted by name. Left out: which rows changed (the engine caches sums per page)
//! and where the bytes come from.
//!
//! # Definition
//! All numbers are unsigned and wrap at 64 bits, `*` is a product of 64 bits of two numbers below 2^32,
//! `lo(x)` and `hi(x)` are the halves of a word, `swap(x)` exchanges them.
//!
//! ```text
//! seed = xxh3_64(name of the type)
//! w[n] = bytes 8 n .. 8 n + 8 of the row, little-endian, zeros behind its end
//!        a row of more than 128 bytes: w[0] and w[1] are the low and the high word of xxh3_128(row), no more
//! i    = id ^ seed
//! u    = lo(i) * 0x9E3779B1 + swap(i)
//! v    = hi(u) * 0x85EBCA77 + (i ^ (0xD1B54A32D192ED03 * (bytes of the row + 1)))     the last * mod 2^64
//! turn: a = swap(a) + lo(b) * hi(b), then b = swap(b) + lo(a) * hi(a)
//!
//! (a, b) = (u, v);  a ^= w[0];  b ^= w[1]
//! for each further pair of words:  2 turns;  a ^= w[2 n];  b ^= w[2 n + 1]
//! 3 turns;  hash = a + 2^64 b
//!
//! component = sum of the hashes of its rows mod 2^128
//! world = xxh3_128 of all components in the order of their names:
//!         name behind its length u64 | version u32 | sum u128 | rows u64, all little-endian
//! ```
//!
//! A turn can be undone, so two values of up to 16 bytes never collide on one entity. It is made of products of
//! halves because processors do several of them at once, a row each (`digest/rows.rs`). No cryptography: who
//! chooses values on purpose can make digests agree.

mod rows;
#[cfg(all(test, not(diptych_loom)))]
mod tests;

pub(crate) use rows::{gain_of_rows, sum_rows};

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

/// Name under which the column of ids counts as a component.
pub const ID_TYPE_NAME: &str = "diptych.id";

/// Longer rows are hashed by xxh3 first, which is faster there.
const ROW_BYTES_MAX: usize = 128;
/// Turns between two pairs of words.
const TURNS_BETWEEN: usize = 2;
/// Turns after the last pair: with three, each bit of a row turns each bit of the hash in half of all cases.
const TURNS_AT_THE_END: usize = 3;

/// The hash of one row: `bytes` of the type behind `seed` (see [`type_seed`]) on entity `id`.
///
/// Add the hashes of a component's rows with `wrapping_add`.
#[inline]
#[must_use]
pub fn row_hash(seed: u64, id: u64, bytes: &[u8]) -> u128 {
    let (mut a, mut b) = pad(seed, id, bytes.len());
    if bytes.len() > ROW_BYTES_MAX {
        let long = xxh3_128(bytes);
        (a, b) = (a ^ long as u64, b ^ (long >> 64) as u64);
    } else {
        (a, b) = (a ^ word(bytes, 0), b ^ word(bytes, 8));
        for at in (16..bytes.len()).step_by(16) {
            (a, b) = turns(a, b, TURNS_BETWEEN);
            (a, b) = (a ^ word(bytes, at), b ^ word(bytes, at + 8));
        }
    }
    let (a, b) = turns(a, b, TURNS_AT_THE_END);
    u128::from(b) << 64 | u128::from(a)
}

/// What the row's words are mixed into: differs for each id, type and length.
#[inline(always)]
fn pad(seed: u64, id: u64, bytes: usize) -> (u64, u64) {
    let i = id ^ seed;
    let u = lo(i).wrapping_mul(0x9E37_79B1).wrapping_add(swap(i));
    let length = 0xD1B5_4A32_D192_ED03_u64.wrapping_mul(bytes as u64 + 1);
    (u, (u >> 32).wrapping_mul(0x85EB_CA77).wrapping_add(i ^ length))
}

/// The word at a byte; zeros where the row has ended.
#[inline(always)]
fn word(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    if let Some(rest) = bytes.get(at..) {
        let count = rest.len().min(8);
        word[..count].copy_from_slice(&rest[..count]);
    }
    u64::from_le_bytes(word)
}

#[inline(always)]
fn turns(mut a: u64, mut b: u64, count: usize) -> (u64, u64) {
    for _ in 0..count {
        a = swap(a).wrapping_add(lo(b).wrapping_mul(b >> 32));
        b = swap(b).wrapping_add(lo(a).wrapping_mul(a >> 32));
    }
    (a, b)
}

#[inline(always)]
fn lo(x: u64) -> u64 {
    x & 0xFFFF_FFFF
}

#[inline(always)]
fn swap(x: u64) -> u64 {
    x.rotate_left(32)
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

/// [`ComponentDigest`] with a name of its own: two worlds that should be equal differ in the components whose
/// sums differ.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ComponentSum {
    /// Registered name; of messages and answers under way the name of their note.
    pub name: String,
    /// Registered version; 0 for a note.
    pub version: u32,
    /// Number of rows; of a transient type those that the last frame set.
    pub rows: u64,
    /// Wrapping sum of the [`row_hash`]es of all rows.
    pub sum: u128,
}

impl From<ComponentDigest<'_>> for ComponentSum {
    fn from(component: ComponentDigest<'_>) -> Self {
        let ComponentDigest { name, version, sum, rows } = component;
        Self { name: name.to_owned(), version, rows, sum }
    }
}

/// The digest of a world. Components without rows count too: a registered type is part of the world.
///
/// Sorts `components` by name.
#[must_use]
pub fn world_digest(components: &mut [ComponentDigest<'_>]) -> u128 {
    components.sort_unstable();
    let mut bytes = Vec::with_capacity(components.iter().map(|component| component.name.len() + 36).sum());
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
