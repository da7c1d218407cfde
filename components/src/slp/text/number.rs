//! Which atoms are numbers, and which.
//!
//! Invariant: an atom is a number, malformed, or a symbol; never two of them. Shape: sign, digits with at most one
//! point, exponent with sign; what has that shape but lacks digits is malformed.

use super::before;
use crate::slp::symbol::{KEY_BYTES, Key};

/// What an atom reads as.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(in crate::slp) enum Number {
    Integer(i64),
    Real(f64),
    /// No number: its shape is another.
    Symbol,
    /// The shape of a number without the digits: `.`, `1e`.
    Malformed,
    /// Beyond 64 bits, beyond the reals, or so near to 0 that it would become 0.
    OutOfRange,
}

/// Reads a whole atom that has this key: what fits there is read all at once.
#[inline]
pub(in crate::slp) fn read_keyed(atom: &[u8], key: Key) -> Number {
    if atom.len() >= KEY_BYTES {
        return read(atom);
    }
    let key = key.bits();
    let signed = usize::from(matches!(key as u8, b'-' | b'+'));
    let (text, len) = (key >> (8 * signed), atom.len() - signed);
    let negative = key as u8 == b'-';
    if let Some(value) = eight_twice(text, len) {
        return Number::Integer(if negative { -(value as i64) } else { value as i64 });
    }
    short_real(text, len)
        .map_or_else(|| read(atom), |value| Number::Real(if negative { -value } else { value }))
}

/// The real that these bytes without a sign are, if it can be had at once: with a point, or an exponent without a
/// sign, or both.
#[inline]
fn short_real(text: u128, len: usize) -> Option<f64> {
    let bytes = text.to_le_bytes();
    let point = before(&bytes, |byte| byte == b'.');
    let end = before(&bytes, |byte| byte | 0x20 == b'e').min(len);
    let power = if end < len { eight_twice(text >> (8 * end) >> 8, len - end - 1)? as i64 } else { 0 };
    if point >= end {
        return if end < len { exact(eight_twice(text, end)?, power) } else { None };
    }
    // Without the point it is digits only.
    let low = text & ((1 << (8 * point)) - 1);
    let digits = low | text >> (8 * point) >> 8 << (8 * point);
    exact(eight_twice(digits, end - 1)?, power - (end - 1 - point) as i64)
}

/// What these digits say, 1 to 15 of them, the first in the lowest byte, whatever is behind them; nothing if they
/// are not all digits.
#[inline]
fn eight_twice(digits: u128, len: usize) -> Option<u64> {
    const ZEROS: u128 = u128::from_le_bytes([b'0'; 16]);
    const HIGH: u128 = u128::from_le_bytes([0xf0; 16]);
    const SIX: u128 = u128::from_le_bytes([6; 16]);
    if len == 0 {
        return None;
    }
    // The last digit comes to the highest byte, and zeros before the first.
    let shift = 8 * (KEY_BYTES - len);
    let digits = digits << shift | ZEROS & ((1 << shift) - 1);
    // A byte is a digit if its high half is 3, and stays 3 when 6 is added; one from 0xfa on carries into the next,
    // but its own high half is not 3.
    if (digits & HIGH) != ZEROS || (digits.wrapping_add(SIX) & HIGH) != ZEROS {
        return None;
    }
    let digits = digits ^ ZEROS;
    Some(eight(digits as u64) * 100_000_000 + eight((digits >> 64) as u64))
}

/// The number that eight digits make, each the value of a byte, the first in the lowest.
#[inline]
fn eight(digits: u64) -> u64 {
    // Pairs, then fours, then all: each step adds ten, a hundred, ten thousand times the left to the right.
    let pairs = (digits & 0x00ff_00ff_00ff_00ff) * 10 + (digits >> 8 & 0x00ff_00ff_00ff_00ff);
    let fours = (pairs & 0x0000_ffff_0000_ffff) * 100 + (pairs >> 16 & 0x0000_ffff_0000_ffff);
    (fours & 0xffff_ffff) * 10_000 + (fours >> 32)
}

/// Reads a whole atom.
#[inline]
pub(in crate::slp) fn read(atom: &[u8]) -> Number {
    let (negative, digits) = match atom {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, atom),
    };
    // Up to 18 digits fit whatever they are.
    if digits.is_empty() || digits.len() > 18 {
        return slow(atom, digits);
    }
    let mut value = 0_i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return slow(atom, digits);
        }
        value = value * 10 + i64::from(digit);
    }
    Number::Integer(if negative { -value } else { value })
}

/// Digits at the beginning, and their number appended to `value`, which wraps beyond 19 digits.
#[inline]
fn digits(text: &[u8], value: &mut u64) -> usize {
    let mut count = 0;
    while let Some(digit @ 0..10) = text.get(count).map(|byte| byte.wrapping_sub(b'0')) {
        *value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        count += 1;
    }
    count
}

fn slow(atom: &[u8], unsigned: &[u8]) -> Number {
    let (mut mantissa, mut power) = (0, 0);
    let whole = digits(unsigned, &mut mantissa);
    let mut rest = &unsigned[whole..];
    let (mut fraction, mut point, mut exponent, mut negative) = (0, false, None, false);
    if let [b'.', tail @ ..] = rest {
        point = true;
        fraction = digits(tail, &mut mantissa);
        rest = &tail[fraction..];
    }
    if whole == 0 && !point {
        return Number::Symbol;
    }
    let written = unsigned.len() - rest.len();
    if let [b'e' | b'E', tail @ ..] = rest {
        negative = tail.first() == Some(&b'-');
        let tail = if let [b'+' | b'-', tail @ ..] = tail { tail } else { tail };
        let count = digits(tail, &mut power);
        exponent = Some(count);
        rest = &tail[count..];
    }
    if !rest.is_empty() {
        return Number::Symbol;
    }
    if whole + fraction == 0 || exponent == Some(0) {
        return Number::Malformed;
    }
    if point || exponent.is_some() {
        if whole + fraction <= 19 && exponent.is_none_or(|count| count <= 4) {
            let power = if negative { -(power as i64) } else { power as i64 };
            if let Some(value) = exact(mantissa, power - fraction as i64) {
                return Number::Real(if atom[0] == b'-' { -value } else { value });
            }
        }
        return real(atom, &unsigned[..written]);
    }
    // The shape is ASCII.
    str::from_utf8(atom).ok().and_then(|text| text.parse().ok()).map_or(Number::OutOfRange, Number::Integer)
}

/// The powers of ten that are doubles without an error.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// `mantissa` times ten to this power where both are doubles without an error: then one operation rounds, once,
/// and as the standard library would.
#[inline]
fn exact(mantissa: u64, power: i64) -> Option<f64> {
    let ten = *POWERS.get(power.unsigned_abs() as usize)?;
    if mantissa > 1 << 53 {
        return None;
    }
    Some(if power < 0 { mantissa as f64 / ten } else { mantissa as f64 * ten })
}

#[cold]
fn real(atom: &[u8], mantissa: &[u8]) -> Number {
    let is_zero = mantissa.iter().all(|byte| matches!(byte, b'0' | b'.'));
    match str::from_utf8(atom).map(str::parse::<f64>) {
        Ok(Ok(value)) if value.is_finite() && (value != 0.0 || is_zero) => Number::Real(value),
        _ => Number::OutOfRange,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Reals read as the standard library reads them, to the last bit, by the short way too.
        #[test]
        fn reals_are_rounded_once(text in "[-+]?[0-9]{0,20}[.][0-9]{1,9}([eE][-+]?[0-9]{1,3})?") {
            let right: f64 = text.parse().expect("a number");
            let atom = text.as_bytes();
            match read(atom) {
                Number::Real(value) => prop_assert_eq!(value.to_bits(), right.to_bits()),
                other => prop_assert!(right == 0.0 || right.is_infinite(), "{} is {:?}", text, other),
            }
            prop_assert_eq!(read_keyed(atom, Key::of(atom)), read(atom));
        }

        /// What is read at once is what is read byte by byte, of numbers and of what only looks like one.
        #[test]
        fn atoms_read_the_same_at_once(text in "[-+]?[0-9.eE+:/\\x00x-]{0,17}|[-+]?[0-9]{1,16}|[-+]?[0-9]{0,9}[.][0-9]{0,9}e?[0-9]{0,3}") {
            let atom = text.as_bytes();
            if !atom.is_empty() {
                let (fast, slow) = (read_keyed(atom, Key::of(atom)), read(atom));
                prop_assert_eq!(format!("{:?}", fast), format!("{:?}", slow));
            }
        }
    }
}
