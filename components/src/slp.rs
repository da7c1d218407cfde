//! SLP: S-expressions as immutable, self-contained buffers, and their codecs.
//!
//! Invariant: a tree has exactly one layout, and it holds no pointers: in memory, in the store and on the wire it
//! is the same bytes, so a stored script runs without being parsed and equal objects have equal bytes. Nothing
//! here recurses on what users give. Left out: what the forms do, which is the runtime's.
//!
//! # Layout
//! All little-endian, in units of 16 bytes. `(let a (== 1 2))`:
//!
//! ```text
//!        byte 0        4        8                16
//! header    0 | SLP\1  | units  | bytes | 0      |  units 7, bytes 6 ("let" "a" "==")
//!             +--------+--------+----------------+
//!             | kind,0 | count  | data           |
//! unit  1  16 | SYMBOL |      2 | offset 4       |  ==        children of the inner list,
//! unit  2  32 | INTEGER|      0 | 1              |  1         side by side, so that a list needs
//! unit  3  48 | INTEGER|      0 | 2              |  2         no table of offsets
//! unit  4  64 | SYMBOL |      3 | offset 0       |  let       children of the outer list
//! unit  5  80 | SYMBOL |      1 | offset 3       |  a
//! unit  6  96 | PAREN  |      3 | first child 1  |
//! unit  7 112 | PAREN  |      3 | first child 4  |  the root is last
//!             +--------+--------+----------------+
//! text    128 | l e t a = = 0 0 0 0 0 0 0 0 0 0  |  padded with zeros to 16
//! ```
//!
//! - The children of a list are laid down when the list ends, so they end at or before its own index.
//! - Strings and the first of equal symbols lie in the order of the text; every later equal symbol points to the
//!   first. Empty lists and strings have count 0 and data 0.
//! - `'x` and `@x` have count 1; a rune and an integer and a real have count 0 and their value as data.

use std::fmt;

mod builder;
mod format;
mod json;
mod load;
mod object;
mod symbol;
mod text;
mod unit;
mod view;
mod walk;
mod writer;

pub use builder::Builder;
pub use format::{Binary, DecodeError, Format, Json, Text};
pub use json::{JsonError, JsonFault};
pub use load::Invalid;
pub use object::Object;
pub use symbol::{NotASymbol, SYMBOL_BYTES_MAX};
pub use text::error::{ParseError, ParseErrorKind};
pub use text::parse::{Forms, parse, parse_one};
pub use unit::Kind;
pub use view::{Children, View};
pub use writer::{BUFFER_BYTES_MAX, BUFFER_UNITS_MAX};

/// Lists in each other that a decoder accepts unless it is told otherwise.
pub const DEPTH_DEFAULT: u32 = 256;
/// Bytes of input that a decoder accepts unless it is told otherwise: 64 MiB.
pub const BYTES_DEFAULT: u32 = 64 << 20;

/// How much a decoder accepts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Lists and wrappers in each other; the list of a text's forms is not counted.
    pub depth: u32,
    /// Bytes of input.
    pub bytes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: DEPTH_DEFAULT, bytes: BYTES_DEFAULT }
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {} lists in each other and {} bytes", self.depth, self.bytes)
    }
}

#[cfg(test)]
mod tests;
