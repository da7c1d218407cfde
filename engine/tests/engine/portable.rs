//! Worlds on their way: to a newer program, into a file, to a follower, through patches.

use diptych_engine::prelude::*;
use diptych_engine::{Codec, CodecError};

mod delta;
mod forged;
mod killed;
mod moved;
mod patch;
mod scene;
mod schema;
mod seeds;
mod snapshot;

type Tried<T = ()> = Result<T, Box<dyn std::error::Error>>;

#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
struct Position(f64);

#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
struct Velocity(f64);

#[derive(Clone, Debug, PartialEq)]
struct Word(String);

struct Utf8;

impl Codec<Word> for Utf8 {
    fn encode(value: &Word, out: &mut Vec<u8>) {
        out.extend_from_slice(value.0.as_bytes());
    }

    fn decode(bytes: &[u8]) -> Result<Word, CodecError> {
        String::from_utf8(bytes.to_vec()).map(Word).map_err(CodecError::new)
    }
}

/// The words of an error, or none.
fn refusal<T>(result: diptych_engine::Result<T>) -> String {
    result.err().map_or_else(String::new, |error| error.to_string())
}
