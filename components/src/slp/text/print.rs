//! The canonical text of an object.
//!
//! Invariant: what the parser made, printed, parses to the same object. What it never makes prints as the nearest
//! text: NONE as `()`, a rune as a string of its byte, a real that is not finite as the symbols `nan`, `inf`,
//! `-inf`.

use crate::slp::unit::Kind;
use crate::slp::view::View;
use crate::slp::walk::Step;
use std::io::Write as _;

/// Appends `view`, with one space between the elements of a list and none elsewhere.
pub(in crate::slp) fn print(view: View<'_>, out: &mut Vec<u8>) {
    let mut apart = false;
    for step in view.walk() {
        if apart && !matches!(step, Step::Leave(_)) {
            out.push(b' ');
        }
        match step {
            Step::Leaf(view) => leaf(view, out),
            Step::Enter(view) => out.push(match view.kind() {
                Kind::Bracket => b'[',
                Kind::Brace => b'{',
                Kind::Some => b'\'',
                Kind::Error => b'@',
                _ => b'(',
            }),
            Step::Leave(view) => match view.kind() {
                Kind::Bracket => out.push(b']'),
                Kind::Brace => out.push(b'}'),
                Kind::Some | Kind::Error => {}
                _ => out.push(b')'),
            },
        }
        apart = !matches!(step, Step::Enter(_));
    }
}

fn leaf(view: View<'_>, out: &mut Vec<u8>) {
    match view.kind() {
        Kind::Integer => integer(view.integer().unwrap_or_default(), out),
        Kind::Real => real(view.real().unwrap_or_default(), out),
        Kind::Symbol => out.extend_from_slice(view.symbol().unwrap_or_default()),
        Kind::String => string(view.string().unwrap_or_default(), out),
        Kind::Rune => string(&[view.rune().unwrap_or_default()], out),
        _ => out.extend_from_slice(b"()"),
    }
}

pub(in crate::slp) fn integer(value: i64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if value < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

/// The shortest text that reads back as the same double, with a point or an exponent.
pub(in crate::slp) fn real(value: f64, out: &mut Vec<u8>) {
    if value.is_finite() {
        write!(out, "{value:?}").expect("a vector takes every byte");
    } else if value.is_nan() {
        out.extend_from_slice(b"nan");
    } else {
        out.extend_from_slice(if value > 0.0 { b"inf" } else { b"-inf" });
    }
}

fn string(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = bytes;
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(&[b'\\', rest[at]]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}
