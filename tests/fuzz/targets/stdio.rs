//! Any bytes are lines, each of which gets one reply, a line of JSON; the world lives on.
#![no_main]

use diptych::prelude::*;
use diptych::stdio::{Options, replies};
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;

/// Bytes of input; frames of a request are what takes time.
const INPUT_BYTES_MAX: usize = 4096;

/// Makes the first session, so that scripts run.
const OPENING: &[u8] =
    br#"{"op":"principal","entity":"a","scopes":{"a":"READ_WRITE"},"topics":{"7":"PUBSUB"}}
{"op":"session","session":"s","entity":"a","scope":"a"}
"#;

fuzz_target!(|input: &[u8]| {
    let frames = input.windows(8).any(|word| word == b"\"frames\"");
    if input.len() > INPUT_BYTES_MAX
        || frames && input.windows(4).any(|digits| digits.iter().all(u8::is_ascii_digit))
    {
        return;
    }
    let mut engine = Engine::in_memory().threads(1).plugin(Runtime::default()).build().expect("a world");
    let options = Options { manual: true, ..Options::default() };
    let lines = [OPENING, input].concat();
    let asked = lines.split_inclusive(|byte| *byte == b'\n').count();
    let replies = replies(&mut engine, Cursor::new(lines), &options).expect("it serves");
    let replies = String::from_utf8(replies).expect("replies are UTF-8");
    assert_eq!(replies.lines().count(), asked, "{replies}");
    for reply in replies.lines() {
        serde_json::from_str::<serde_json::Value>(reply).unwrap_or_else(|error| panic!("{reply}: {error}"));
    }
});
