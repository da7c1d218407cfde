//! Objects to JSON, without spaces.
//!
//! Invariant: what is written is UTF-8 and reads back as an equal object, but for the bits of a NaN.

use crate::slp::text::print;
use crate::slp::unit::Kind;
use crate::slp::view::View;
use crate::slp::walk::Step;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Appends `view`.
pub(in crate::slp) fn encode(view: View<'_>, out: &mut Vec<u8>) {
    let mut apart = false;
    for step in view.walk() {
        if apart && !matches!(step, Step::Leave(_)) {
            out.push(b',');
        }
        match step {
            Step::Leaf(view) => leaf(view, out),
            Step::Enter(view) => out.extend_from_slice(match view.kind() {
                Kind::Bracket => b"{\"bracket\":[",
                Kind::Brace => b"{\"brace\":[",
                Kind::Some => b"{\"some\":",
                Kind::Error => b"{\"err\":",
                _ => b"{\"paren\":[",
            }),
            Step::Leave(view) => out.extend_from_slice(if view.kind().is_wrapper() { b"}" } else { b"]}" }),
        }
        apart = !matches!(step, Step::Enter(_));
    }
}

fn leaf(view: View<'_>, out: &mut Vec<u8>) {
    match view.kind() {
        Kind::Integer => {
            out.extend_from_slice(b"{\"int\":");
            print::integer(view.integer().unwrap_or_default(), out);
        }
        Kind::Real => real(view.real().unwrap_or_default(), out),
        Kind::Symbol => {
            out.extend_from_slice(b"{\"sym\":");
            string(view.symbol_str().unwrap_or_default(), out);
        }
        Kind::String => {
            out.extend_from_slice(b"{\"str\":");
            text(view.string().unwrap_or_default(), out);
        }
        Kind::Rune => {
            out.extend_from_slice(b"{\"rune\":");
            print::integer(i64::from(view.rune().unwrap_or_default()), out);
        }
        _ => out.extend_from_slice(b"{\"none\":null"),
    }
    out.push(b'}');
}

fn real(value: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"real\":");
    // The printer's names of what is not finite become strings.
    let quote: &[u8] = if value.is_finite() { b"" } else { b"\"" };
    out.extend_from_slice(quote);
    print::real(value, out);
    out.extend_from_slice(quote);
}

fn text(bytes: &[u8], out: &mut Vec<u8>) {
    if let Ok(text) = str::from_utf8(bytes) {
        return string(text, out);
    }
    out.extend_from_slice(b"{\"base64\":\"");
    out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
    out.extend_from_slice(b"\"}");
}

fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => {
                let digit = |half: u8| if half < 10 { b'0' + half } else { b'a' + half - 10 };
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}
