//! Tests of objects and their codecs.

mod attacks;

mod identity;
mod json;
mod objects;
mod seeds;
mod text;

use super::{Forms, Limits, Object, parse, parse_one};

/// The forms of a text that parses.
#[track_caller]
pub(super) fn forms(text: impl AsRef<[u8]>) -> Forms {
    parse(text, &Limits::default()).expect("the text parses")
}

/// The one form of a text that has one.
#[track_caller]
pub(super) fn one(text: impl AsRef<[u8]>) -> Object {
    parse_one(text, &Limits::default()).expect("the text is one object")
}
