//! Which atoms are numbers, and which.
//!
//! Invariant: an atom is a number, malformed, or a symbol; never two of them. Shape: sign, digits with at most one
//! point, exponent with sign; what has that shape but lacks digits is malformed.

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

/// `mantissa` times ten to this power where both are doubles without an error: then one operation rounds, once,
/// and as the standard library would.
#[inline]
fn exact(mantissa: u64, power: i64) -> Option<f64> {
    const POWERS: [f64; 23] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
        1e19, 1e20, 1e21, 1e22,
    ];
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
            match read(text.as_bytes()) {
                Number::Real(value) => prop_assert_eq!(value.to_bits(), right.to_bits()),
                other => prop_assert!(right == 0.0 || right.is_infinite(), "{} is {:?}", text, other),
            }
        }
    }
}
