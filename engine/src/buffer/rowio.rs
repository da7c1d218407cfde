//! How rows of a type become bytes and back, and what "equal" means for it; chosen at registration.
//!
//! Invariant: equal values give equal bytes on every machine, so that digests and stored rows agree. Plain
//! old data is its own bytes; any other type brings a [`Codec`]. Framing and checksums are the store's.

use super::{Gain, PlainBytes, State};
use crate::digest::{gain_of_rows, row_hash, sum_rows};
use crate::id::Id;
use bytemuck::Pod;
use std::fmt;

/// A canonical encoding of a type that is not plain old data.
///
/// Canonical means: equal values give equal bytes. Nothing unordered may reach the bytes, because they are
/// what the world's digest sees; a map must be a `BTreeMap` or be written in sorted order.
///
/// ```
/// use diptych_engine::{Codec, CodecError};
/// struct Utf8;
/// impl Codec<String> for Utf8 {
///     fn encode(value: &String, out: &mut Vec<u8>) {
///         out.extend_from_slice(value.as_bytes());
///     }
///     fn decode(bytes: &[u8]) -> Result<String, CodecError> {
///         String::from_utf8(bytes.to_vec()).map_err(CodecError::new)
///     }
/// }
/// let mut bytes = Vec::new();
/// Utf8::encode(&"carts".to_owned(), &mut bytes);
/// assert_eq!(Utf8::decode(&bytes).unwrap(), "carts");
/// ```
pub trait Codec<T>: 'static {
    /// Appends the canonical bytes of `value` to `out`.
    fn encode(value: &T, out: &mut Vec<u8>);

    /// Reads a value back.
    ///
    /// # Errors
    /// When `bytes` are not an encoding of a value. Must not panic on any bytes.
    fn decode(bytes: &[u8]) -> Result<T, CodecError>;

    /// Any value at all: recovery makes a table without rows with it, and drops it at once. By default what
    /// no bytes decode to; a state type without one is refused at build.
    fn blank() -> Option<T> {
        Self::decode(&[]).ok()
    }
}

/// Why bytes are not a value; a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodecError(String);

impl CodecError {
    /// An error with this reason.
    pub fn new(reason: impl fmt::Display) -> Self {
        Self(reason.to_string())
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CodecError {}

/// Views rows as their own bytes.
pub(crate) type AsBytes<T> = for<'a> fn(&'a [T]) -> &'a [u8];

/// The wrapping sum of the row hashes of values under a seed.
pub(crate) type SumRows<T> = fn(u64, &[Id], &[T]) -> u128;
/// What that sum gains by each of some rows, whose values are of the first slice and were of the second.
pub(crate) type GainOfRows<T> = fn(u64, &[Id], [&[T]; 2], &mut [Gain]);

fn sum_coded<T, C: Codec<T>>(seed: u64, ids: &[Id], values: &[T]) -> u128 {
    let mut bytes = Vec::new();
    let hashes = ids.iter().zip(values).map(|(id, value)| hash_coded::<T, C>(seed, *id, value, &mut bytes));
    hashes.fold(0, u128::wrapping_add)
}

fn gain_coded<T, C: Codec<T>>(seed: u64, ids: &[Id], [new, old]: [&[T]; 2], rows: &mut [Gain]) {
    let mut bytes = Vec::new();
    let mut hash = |values: &[T], row: usize| hash_coded::<T, C>(seed, ids[row], &values[row], &mut bytes);
    for Gain { row, gain } in rows {
        *gain = hash(new, *row).wrapping_sub(hash(old, *row));
    }
}

fn hash_coded<T, C: Codec<T>>(seed: u64, id: Id, value: &T, bytes: &mut Vec<u8>) -> u128 {
    bytes.clear();
    C::encode(value, bytes);
    row_hash(seed, id.bits(), bytes)
}

/// The functions of a type's rows.
pub(crate) struct RowIo<T> {
    /// Bytes of a row, for plain old data.
    pub(crate) fixed: Option<u32>,
    /// The rows as their own bytes, for plain old data.
    pub(crate) as_bytes: Option<AsBytes<T>>,
    pub(crate) encode: fn(&T, &mut Vec<u8>),
    pub(crate) sum: SumRows<T>,
    pub(crate) gain: GainOfRows<T>,
    pub(crate) decode: fn(&[u8]) -> Result<T, CodecError>,
    pub(crate) blank: fn() -> Option<T>,
    pub(crate) equal: fn(&T, &T) -> bool,
    /// Tells layouts apart that have the same name and version by mistake.
    pub(crate) layout: u64,
}

impl<T: State + Pod> RowIo<T> {
    /// Plain old data: bytes are the value, and equality is bitwise, so that a NaN is no endless change.
    pub(crate) fn pod() -> Self {
        Self {
            fixed: Some(size_of::<T>() as u32),
            as_bytes: Some(bytemuck::cast_slice),
            encode: PlainBytes::encode,
            sum: sum_rows,
            gain: gain_of_rows,
            decode: PlainBytes::decode,
            blank: || Some(T::zeroed()),
            equal: |a, b| bytemuck::bytes_of(a) == bytemuck::bytes_of(b),
            layout: (size_of::<T>() as u64) << 8 | align_of::<T>() as u64,
        }
    }
}

impl<T: State + PartialEq> RowIo<T> {
    /// Any other type: bytes by its codec, equality its own.
    pub(crate) fn coded<C: Codec<T>>() -> Self {
        Self {
            fixed: None,
            as_bytes: None,
            encode: C::encode,
            sum: sum_coded::<T, C>,
            gain: gain_coded::<T, C>,
            decode: C::decode,
            blank: C::blank,
            equal: PartialEq::eq,
            layout: u64::MAX,
        }
    }
}
