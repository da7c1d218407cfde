//! Any bytes are lines, each of which gets at most one reply, and every reply is a line of JSON; the world lives on.
#![no_main]

use diptych::prelude::*;
use diptych::stdio::{Options, serve};
use libfuzzer_sys::fuzz_target;
use std::io::{Cursor, Write};
use std::sync::{Arc, Mutex};

/// Bytes of input; frames of a request are what takes time.
const INPUT_BYTES_MAX: usize = 4096;

/// Makes the first session, so that scripts run.
const OPENING: &[u8] =
    br#"{"op":"principal","entity":"a","scopes":{"a":"READ_WRITE"},"topics":{"7":"PUBSUB"}}
{"op":"session","session":"s","entity":"a","scope":"a"}
"#;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fuzz_target!(|input: &[u8]| {
    let frames = input.windows(8).any(|word| word == b"\"frames\"");
    if input.len() > INPUT_BYTES_MAX
        || frames && input.windows(4).any(|digits| digits.iter().all(u8::is_ascii_digit))
    {
        return;
    }
    let mut engine = Engine::in_memory().threads(1).plugin(Runtime::default()).build().expect("a world");
    let (written, options) = (Written::default(), Options { manual: true, ..Options::default() });
    let lines = Cursor::new([OPENING, input].concat());
    serve(&mut engine, lines, written.clone(), &options).expect("it serves");
    let replies = written.0.lock().expect("no panic").clone();
    let replies = String::from_utf8(replies).expect("replies are UTF-8");
    let asked = OPENING.iter().chain(input).filter(|byte| **byte == b'\n').count() + 1;
    assert!(replies.lines().count() <= asked, "{replies}");
    for reply in replies.lines() {
        serde_json::from_str::<serde_json::Value>(reply).unwrap_or_else(|error| panic!("{reply}: {error}"));
    }
});
