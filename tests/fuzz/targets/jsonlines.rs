//! Any bytes at all are an exported world in lines of JSON, or an error; what is read is written to lines that stay
//! the same.
#![no_main]

use diptych::jsonlines;
use diptych_engine::store::{Extras, Image};
use libfuzzer_sys::fuzz_target;

fn written(image: &Image, extras: &Extras) -> Vec<u8> {
    let mut lines = Vec::new();
    jsonlines::write(image, extras, &mut lines, |_| {}).expect("memory takes all");
    lines
}

/// The lines with the digest that their rows give, or with their sum, where a refusal says that it is another.
fn made_right(bytes: &[u8], refusal: &str) -> Option<Vec<u8>> {
    let right = |before: &str, digits: usize| refusal.split(before).nth(1)?.get(..digits);
    let (name, right) = match right("its rows give ", 32) {
        Some(digest) => ("\"digest\":\"", digest),
        None => ("\"sum\":\"", right("and these give ", 16)?),
    };
    let text = std::str::from_utf8(bytes).ok()?;
    let at = text.find("\"end\"")?;
    let line = text[..at].rfind('\n')?;
    let from = line + text[line..].find(name)? + name.len();
    let to = from + text[from..].find('"')?;
    Some([&text[..from], right, &text[to..]].concat().into_bytes())
}

fn tried(bytes: &[u8]) -> Option<Vec<u8>> {
    match jsonlines::read(bytes, |_| {}) {
        Ok((image, extras)) => {
            let once = written(&image, &extras);
            let (again, extras) = jsonlines::read(once.as_slice(), |_| {}).expect("it was just written");
            assert_eq!(again.digest(), image.digest());
            assert!(written(&again, &extras) == once);
            None
        }
        Err(error) => made_right(bytes, &error.to_string()),
    }
}

fuzz_target!(|bytes: &[u8]| {
    // First the digest, then the sum.
    if let Some(again) = tried(bytes).and_then(|right| tried(&right)) {
        tried(&again);
    }
});
