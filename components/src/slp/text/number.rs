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

/// Digits at the beginning.
fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn slow(atom: &[u8], unsigned: &[u8]) -> Number {
    let whole = digits(unsigned);
    let mut rest = &unsigned[whole..];
    let (mut fraction, mut point, mut exponent) = (0, false, None);
    if let [b'.', tail @ ..] = rest {
        point = true;
        fraction = digits(tail);
        rest = &tail[fraction..];
    }
    if whole == 0 && !point {
        return Number::Symbol;
    }
    if let [b'e' | b'E', tail @ ..] = rest {
        let tail = if let [b'+' | b'-', tail @ ..] = tail { tail } else { tail };
        let count = digits(tail);
        exponent = Some(count);
        rest = &tail[count..];
    }
    if !rest.is_empty() {
        return Number::Symbol;
    }
    if whole + fraction == 0 || exponent == Some(0) {
        return Number::Malformed;
    }
    // The shape is ASCII.
    let Ok(text) = str::from_utf8(atom) else { return Number::Symbol };
    if !point && exponent.is_none() {
        return text.parse().map_or(Number::OutOfRange, Number::Integer);
    }
    let mantissa = &unsigned[..whole + usize::from(point) + fraction];
    let is_zero = mantissa.iter().all(|byte| matches!(byte, b'0' | b'.'));
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && (value != 0.0 || is_zero) => Number::Real(value),
        _ => Number::OutOfRange,
    }
}
