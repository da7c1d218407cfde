//! A question that is asked of 16 bytes at once.
//!
//! Invariant: the answer is the same on every machine; only the way to it differs. Left out: the questions.
#![expect(
    unsafe_code,
    reason = "the one instruction that gathers a bit of each byte is behind an unsafe call"
)]

/// Bytes that are looked at together.
pub(in crate::slp) const CHUNK: usize = 16;

/// A bit for each byte that `hits`, the first lowest. With `hits` made of comparisons this is a few instructions for
/// all bytes at once.
#[inline(always)]
pub(super) fn mask(chunk: &[u8; CHUNK], hits: impl Fn(u8) -> bool) -> u32 {
    let mut bytes = [0; CHUNK];
    for (hit, byte) in bytes.iter_mut().zip(chunk) {
        *hit = if hits(*byte) { 0xff } else { 0 };
    }
    high_bits(bytes)
}

/// The highest bit of each byte.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline(always)]
fn high_bits(bytes: [u8; CHUNK]) -> u32 {
    // SAFETY:
    // - the instruction belongs to SSE2, which every x86_64 processor has; it touches no memory
    unsafe { std::arch::x86_64::_mm_movemask_epi8(bytemuck::must_cast(bytes)) }.cast_unsigned()
}

/// The same of bytes that are 0 or 0xff.
#[cfg(any(not(target_arch = "x86_64"), miri, test))]
fn gathered(bytes: [u8; CHUNK]) -> u32 {
    // Of each byte its own bit, all of them moved to the highest byte by one multiplication.
    let half = |bytes: u64| (bytes & 0x8040_2010_0804_0201).wrapping_mul(0x0101_0101_0101_0101) >> 56;
    let bytes = u128::from_le_bytes(bytes);
    (half(bytes as u64) | half((bytes >> 64) as u64) << 8) as u32
}

#[cfg(not(all(target_arch = "x86_64", not(miri))))]
use gathered as high_bits;

#[cfg(test)]
mod tests {
    use super::*;

    /// Both ways to gather give the bits that were set.
    #[test]
    fn each_byte_has_its_bit() {
        for bits in 0..1_u32 << CHUNK {
            let bytes = std::array::from_fn(|n| if bits >> n & 1 == 1 { 0xff } else { 0 });
            assert_eq!((high_bits(bytes), gathered(bytes)), (bits, bits));
        }
    }
}
