//! Codecs of objects: text is one of several.
//!
//! Invariant: what a format encodes it decodes to an equal object, but for the few objects that have no text of
//! their own (see [`Text`]) and the bits of a NaN in JSON. Decoders take any bytes and never panic.

use super::json;
use super::load::{self, Invalid};
use super::object::Object;
use super::text::error::ParseError;
use super::text::parse::parse_one;
use super::{Limits, json::JsonError};

/// A way to write objects down and to read them back.
pub trait Format {
    /// What it is called.
    const NAME: &'static str;

    /// Appends `object` to `out`.
    fn encode(object: &Object, out: &mut Vec<u8>);

    /// Reads exactly one object from all of `bytes`.
    ///
    /// # Errors
    /// When `bytes` are not one object, or beyond `limits`; the error says where.
    fn decode(bytes: &[u8], limits: &Limits) -> Result<Object, DecodeError>;
}

/// Why bytes are not an object.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Of [`Text`].
    #[error(transparent)]
    Text(#[from] ParseError),
    /// Of [`Binary`].
    #[error(transparent)]
    Binary(#[from] Invalid),
    /// Of [`Json`].
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The input is longer than [`Limits::bytes`].
    #[error("the input has {bytes} bytes and the limit is {limit}; raise `Limits::bytes` or send less")]
    TooLarge {
        /// Its bytes.
        bytes: usize,
        /// The limit.
        limit: u32,
    },
}

/// Lisp text. NONE, runes and reals that are not finite have no text of their own: they print as `()`, as strings
/// of one byte, and as the symbols `nan`, `inf` and `-inf`.
#[derive(Clone, Copy, Debug)]
pub struct Text;

/// The buffer itself.
#[derive(Clone, Copy, Debug)]
pub struct Binary;

/// One JSON object for each object, with one member that names its kind:
///
/// | object | JSON |
/// |---|---|
/// | `5` | `{"int":5}` |
/// | `1.5` | `{"real":1.5}`; `"nan"`, `"inf"`, `"-inf"` where it is not finite |
/// | `a` | `{"sym":"a"}` |
/// | `"x"` | `{"str":"x"}`, or `{"str":{"base64":"/w=="}}` where it is not UTF-8 |
/// | `(..)` `[..]` `{..}` | `{"paren":[..]}` `{"bracket":[..]}` `{"brace":[..]}` |
/// | `'x` `@x` | `{"some":x}` `{"err":x}` |
/// | a rune | `{"rune":120}` |
/// | NONE | `{"none":null}` |
#[derive(Clone, Copy, Debug)]
pub struct Json;

impl Format for Text {
    const NAME: &'static str = "text";

    fn encode(object: &Object, out: &mut Vec<u8>) {
        object.view().print(out);
    }

    fn decode(bytes: &[u8], limits: &Limits) -> Result<Object, DecodeError> {
        Ok(parse_one(bytes, limits)?)
    }
}

/// The list of a text's forms is one list more than its text has.
fn depth(limits: &Limits) -> u32 {
    limits.depth.saturating_add(1)
}

fn fits(bytes: &[u8], limits: &Limits) -> Result<(), DecodeError> {
    if bytes.len() <= limits.bytes as usize {
        return Ok(());
    }
    Err(DecodeError::TooLarge { bytes: bytes.len(), limit: limits.bytes })
}

impl Format for Binary {
    const NAME: &'static str = "binary";

    fn encode(object: &Object, out: &mut Vec<u8>) {
        out.extend_from_slice(&object.to_bytes());
    }

    fn decode(bytes: &[u8], limits: &Limits) -> Result<Object, DecodeError> {
        fits(bytes, limits)?;
        Ok(load::load(bytes, depth(limits))?)
    }
}

impl Format for Json {
    const NAME: &'static str = "json";

    fn encode(object: &Object, out: &mut Vec<u8>) {
        json::encode::encode(object.view(), out);
    }

    fn decode(bytes: &[u8], limits: &Limits) -> Result<Object, DecodeError> {
        fits(bytes, limits)?;
        Ok(json::decode::decode(bytes, depth(limits))?)
    }
}
