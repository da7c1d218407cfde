//! The sum of the hashes of many rows of one size: the definition of `digest`, several rows at once.
//!
//! Invariant: the answer is the wrapping sum of [`row_hash`] on every machine; what a processor has beyond the
//! baseline decides about time alone. Left out: rows of different lengths, which are hashed one by one.

#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "calls functions made for what the processor was found to have")
)]

use super::{ROW_BYTES_MAX, TURNS_AT_THE_END, TURNS_BETWEEN, lo, pad, row_hash, turns, word};
use crate::buffer::Gain;
use crate::id::Id;
use bytemuck::Pod;

/// Rows at a time: a page, so that its state stays in the first cache.
const BLOCK: usize = crate::buffer::PAGE_ROWS;
/// Rows at a time of what is left.
const SMALL_BLOCK: usize = 8;

/// Calls the function that was compiled for the most that this processor has.
macro_rules! with_best {
    ($baseline:ident, $avx2:ident, $avx512:ident, ($($argument:expr),*)) => {{
        #[cfg(target_arch = "x86_64")]
        {
            if std::is_x86_feature_detected!("avx512dq") && std::is_x86_feature_detected!("avx512vl") {
                // SAFETY: the processor has what the function was made for.
                return unsafe { $avx512($($argument),*) };
            }
            if std::is_x86_feature_detected!("avx2") {
                // SAFETY: as above.
                return unsafe { $avx2($($argument),*) };
            }
        }
        $baseline($($argument),*)
    }};
}

/// The wrapping sum of the hashes of `rows`, the n-th on the n-th of `ids`.
///
/// # Panics
/// When there are not as many ids as rows.
pub(crate) fn sum_rows<T: Pod>(seed: u64, ids: &[Id], rows: &[T]) -> u128 {
    assert_eq!(ids.len(), rows.len(), "each row has its id");
    let ids: &[u64] = bytemuck::must_cast_slice(ids);
    if size_of::<T>() > ROW_BYTES_MAX || rows.len() < SMALL_BLOCK {
        return one_by_one(seed, ids, rows);
    }
    with_best!(sum, sum_avx2, sum_avx512, (seed, ids, rows))
}

/// What the sum gains by each of `rows`, whose value is that of the first of `values` and was that of the second.
///
/// # Panics
/// When a row is beyond ids or values.
pub(crate) fn gain_of_rows<T: Pod>(seed: u64, ids: &[Id], values: [&[T]; 2], rows: &mut [Gain]) {
    let ids: &[u64] = bytemuck::must_cast_slice(ids);
    if size_of::<T>() <= ROW_BYTES_MAX {
        return with_best!(gain, gain_avx2, gain_avx512, (seed, ids, values, rows));
    }
    for Gain { row, gain } in rows {
        let [new, old] = values.map(|values| row_hash(seed, ids[*row], bytemuck::bytes_of(&values[*row])));
        *gain = new.wrapping_sub(old);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl")]
fn sum_avx512<T: Pod>(seed: u64, ids: &[u64], rows: &[T]) -> u128 {
    sum(seed, ids, rows)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn sum_avx2<T: Pod>(seed: u64, ids: &[u64], rows: &[T]) -> u128 {
    sum(seed, ids, rows)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl")]
fn gain_avx512<T: Pod>(seed: u64, ids: &[u64], values: [&[T]; 2], rows: &mut [Gain]) {
    gain(seed, ids, values, rows);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn gain_avx2<T: Pod>(seed: u64, ids: &[u64], values: [&[T]; 2], rows: &mut [Gain]) {
    gain(seed, ids, values, rows);
}

/// Inlined into each of the above, so that it is compiled for each.
#[inline(always)]
fn sum<T: Pod>(seed: u64, ids: &[u64], rows: &[T]) -> u128 {
    let ((blocks, ids), (row_blocks, rows)) = (ids.as_chunks::<BLOCK>(), rows.as_chunks::<BLOCK>());
    let mut sum = 0_u128;
    for (ids, rows) in blocks.iter().zip(row_blocks) {
        sum = sum.wrapping_add(block(seed, ids, rows));
    }
    let ((blocks, ids), (row_blocks, rows)) =
        (ids.as_chunks::<SMALL_BLOCK>(), rows.as_chunks::<SMALL_BLOCK>());
    for (ids, rows) in blocks.iter().zip(row_blocks) {
        sum = sum.wrapping_add(block(seed, ids, rows));
    }
    sum.wrapping_add(one_by_one(seed, ids, rows))
}

/// Inlined as `sum` is.
#[inline(always)]
fn gain<T: Pod>(seed: u64, ids: &[u64], [new, old]: [&[T]; 2], rows: &mut [Gain]) {
    for rows in rows.chunks_mut(SMALL_BLOCK) {
        // A short block is filled up with its last row, whose hashes are found twice. All is fetched before
        // anything is hashed: rows far apart are waited for together.
        let place = |n: usize| rows[n.min(rows.len() - 1)].row;
        let ids: [u64; SMALL_BLOCK] = core::array::from_fn(|n| ids[place(n)]);
        let now: [T; SMALL_BLOCK] = core::array::from_fn(|n| new[place(n)]);
        let before: [T; SMALL_BLOCK] = core::array::from_fn(|n| old[place(n)]);
        let (now, before) = (hashes(seed, &ids, &now), hashes(seed, &ids, &before));
        let hash = |(a, b): &([u64; SMALL_BLOCK], [u64; SMALL_BLOCK]), n: usize| {
            u128::from(b[n]) << 64 | u128::from(a[n])
        };
        for (n, row) in rows.iter_mut().enumerate() {
            row.gain = hash(&now, n).wrapping_sub(hash(&before, n));
        }
    }
}

/// The sum of a block's hashes.
#[inline(always)]
fn block<T: Pod, const N: usize>(seed: u64, ids: &[u64; N], rows: &[T; N]) -> u128 {
    let (a, b) = hashes(seed, ids, rows);
    // Sums of halves do not overflow, so vectors need no carry.
    let (mut low, mut middle, mut high) = (0_u64, 0_u64, 0_u64);
    for row in 0..N {
        low += lo(a[row]);
        middle += a[row] >> 32;
        high = high.wrapping_add(b[row]);
    }
    (u128::from(high) << 64).wrapping_add((u128::from(middle) << 32) + u128::from(low))
}

/// The low and the high words of the hashes: loops without a branch over rows that do not know of each other, of
/// which the compiler makes vectors.
#[inline(always)]
fn hashes<T: Pod, const N: usize>(seed: u64, ids: &[u64; N], rows: &[T; N]) -> ([u64; N], [u64; N]) {
    let size = size_of::<T>();
    let (mut a, mut b) = ([0; N], [0; N]);
    for row in 0..N {
        let bytes = bytemuck::bytes_of(&rows[row]);
        (a[row], b[row]) = (word(bytes, 0), word(bytes, 8));
    }
    let between = if size > 16 { TURNS_BETWEEN } else { TURNS_AT_THE_END };
    for row in 0..N {
        let (u, v) = pad(seed, ids[row], size);
        (a[row], b[row]) = turns(a[row] ^ u, b[row] ^ v, between);
    }
    for at in (16..size).step_by(16) {
        for row in 0..N {
            let bytes = bytemuck::bytes_of(&rows[row]);
            (a[row], b[row]) = (a[row] ^ word(bytes, at), b[row] ^ word(bytes, at + 8));
        }
        let count = if at + 16 < size { TURNS_BETWEEN } else { TURNS_AT_THE_END };
        for row in 0..N {
            (a[row], b[row]) = turns(a[row], b[row], count);
        }
    }
    (a, b)
}

fn one_by_one<T: Pod>(seed: u64, ids: &[u64], rows: &[T]) -> u128 {
    let hashes = ids.iter().zip(rows).map(|(id, row)| row_hash(seed, *id, bytemuck::bytes_of(row)));
    hashes.fold(0, u128::wrapping_add)
}

#[cfg(all(test, not(diptych_loom)))]
mod tests {
    use super::*;

    /// Every size of row and number of rows, on whatever this processor has and on none of it.
    #[test]
    fn many_rows_at_once_sum_up_to_the_rows() {
        fn check<const BYTES: usize>()
        where
            [u8; BYTES]: Pod,
        {
            let mut state = BYTES as u64;
            let mut random = || {
                state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
                crate::digest::row_hash(7, state, b"").to_le_bytes()
            };
            for count in [0, 1, 7, 8, 9, 63, 64, 65, 200] {
                let ids: Vec<Id> = (0..count)
                    .map(|_| Id::from_bits(u64::from_le_bytes(random()[..8].try_into().unwrap())))
                    .collect();
                let mut rows = vec![[0_u8; BYTES]; count];
                rows.iter_mut().flatten().for_each(|byte| *byte = random()[3]);
                let plain: &[u64] = bytemuck::cast_slice(&ids);
                let expected = one_by_one(11, plain, &rows);
                assert_eq!(sum_rows(11, &ids, &rows), expected, "{count} rows of {BYTES} bytes");
                let mut gains: Vec<Gain> = (0..count).rev().map(|row| Gain { row, gain: 0 }).collect();
                let zeros = vec![[0_u8; BYTES]; count];
                gain_of_rows(11, &ids, [&rows, &zeros], &mut gains);
                let gained = gains.iter().fold(0, |sum: u128, row| sum.wrapping_add(row.gain));
                let before = one_by_one(11, plain, &zeros);
                assert_eq!(before.wrapping_add(gained), expected, "{count} rows of {BYTES} bytes changed");
                if BYTES > ROW_BYTES_MAX {
                    continue;
                }
                assert_eq!(sum(11, plain, &rows), expected, "{count} rows of {BYTES} bytes, baseline");
                #[cfg(target_arch = "x86_64")]
                if std::is_x86_feature_detected!("avx2") {
                    // SAFETY: the processor has what the function was made for.
                    let made = unsafe { sum_avx2(11, plain, &rows) };
                    assert_eq!(made, expected, "{count} rows of {BYTES} bytes, avx2");
                }
            }
        }
        check::<0>();
        check::<1>();
        check::<4>();
        check::<8>();
        check::<9>();
        check::<12>();
        check::<16>();
        check::<20>();
        check::<24>();
        check::<32>();
        check::<48>();
        check::<64>();
        check::<128>();
        check::<256>();
    }
}
