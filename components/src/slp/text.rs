//! Objects as Lisp text.
//!
//! Invariant: text that parses prints canonically, and canonical text parses to the same object. Left out:
//! what the forms mean.
//!
//! | text | is |
//! |---|---|
//! | `( )` `[ ]` `{ }` | lists; anything may touch anything |
//! | `"a\"b"` | a string of bytes; a backslash stands for the byte after it, whatever it is; all other bytes, line ends too, are themselves |
//! | `'x` `@x` | the next object, wrapped; whitespace and comments may stand between |
//! | `; ..` | a comment to the end of the line, outside strings |
//! | `5` `+5` `007` `-0` | integers of 64 bits |
//! | `.5` `5.` `1E+3` | reals: whatever has a point or an exponent |
//! | `.` `-.` `.e1` `1e` `1e+` | malformed numbers: errors |
//! | `-` `1-2` `12abc` `0x1F` `nan` `a'b` | symbols: every other atom; UTF-8 |
//!
//! An atom ends at whitespace (space, `\t`, `\n`, `\v`, `\f`, `\r`), at a bracket of any kind, `;` and `"`.
//! An integer beyond 64 bits and a real that would become infinite, or 0 though it is not, are out of range;
//! subnormal reals are not.

pub(super) mod error;
mod mask;
pub(super) mod number;
pub(super) mod parse;
pub(super) mod print;

pub(super) use mask::CHUNK;
use mask::mask;

/// What a byte does outside strings.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Class {
    /// Part of an atom.
    Atom,
    /// Part of an atom, which may then be a number: digits, signs, the point.
    Numeric,
    /// Wraps the next object at the beginning of an atom; inside one it is a part of it: `'`, `@`.
    Prefix,
    Space,
    Open,
    Close,
    Quote,
    Comment,
}

impl Class {
    /// Whether it is part of an atom once that has begun.
    #[inline]
    pub(super) fn is_atom(self) -> bool {
        (self as u8) <= Self::Prefix as u8
    }
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Atom; 256];
    let mut n = 0;
    while n < 256 {
        classes[n] = match n as u8 {
            b'0'..=b'9' | b'+' | b'-' | b'.' => Class::Numeric,
            b'\'' | b'@' => Class::Prefix,
            b' ' | b'\t'..=b'\r' => Class::Space,
            b'(' | b'[' | b'{' => Class::Open,
            b')' | b']' | b'}' => Class::Close,
            b'"' => Class::Quote,
            b';' => Class::Comment,
            _ => Class::Atom,
        };
        n += 1;
    }
    classes
};

#[inline]
pub(super) fn class(byte: u8) -> Class {
    CLASSES[usize::from(byte)]
}

/// How many bytes are before the first one that `ends`; all of them if none does.
#[inline(always)]
fn before(chunk: &[u8; CHUNK], ends: impl Fn(u8) -> bool) -> usize {
    (mask(chunk, ends) | 1 << CHUNK).trailing_zeros() as usize
}

/// Bytes before the end of an atom, as [`Class::is_atom`] says; and 1 if a blank is there, else 0.
#[inline(always)]
pub(super) fn before_atom_end(chunk: &[u8; CHUNK]) -> (usize, usize) {
    let len = before(chunk, |byte| {
        // `[` and `{`, `]` and `}` differ in one bit, `(` and `)` in another.
        (byte == b' ')
            | (byte.wrapping_sub(b'\t') < 5)
            | (byte & !1 == b'(')
            | (byte | 0x20 == b'{')
            | (byte | 0x20 == b'}')
            | (byte == b'"')
            | (byte == b';')
    });
    // To ask the bits is faster than to ask the text again, as the next turn waits for it.
    let blanks = mask(chunk, |byte| byte == b' ');
    (len, (blanks >> len & 1) as usize)
}

/// Bytes before a quote or a backslash.
#[inline]
pub(super) fn before_quote(chunk: &[u8; CHUNK]) -> usize {
    before(chunk, |byte| (byte == b'"') | (byte == b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looking at 16 bytes at once finds what looking at each one finds.
    #[test]
    fn chunks_end_where_bytes_do() {
        for byte in 0..=255 {
            for at in 0..CHUNK {
                let mut chunk = [b'x'; CHUNK];
                chunk[at] = byte;
                let end = if class(byte).is_atom() { CHUNK } else { at };
                assert_eq!(before_atom_end(&chunk), (end, usize::from(byte == b' ')), "byte {byte} at {at}");
                let quote = if byte == b'"' || byte == b'\\' { at } else { CHUNK };
                assert_eq!(before_quote(&chunk), quote, "byte {byte} at {at}");
                chunk[CHUNK - 1] = b' ';
                assert_eq!(before_atom_end(&chunk).0, end.min(CHUNK - 1), "byte {byte} at {at}");
            }
        }
    }
}
