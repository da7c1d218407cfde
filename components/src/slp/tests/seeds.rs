//! The seeds of the fuzz targets, through the same checks.

use crate::slp::{Binary, Format, Json, Limits, Object, Text, parse};
use std::path::Path;

fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/seeds").join(target);
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("an entry of the seeds").path();
        (path.display().to_string(), std::fs::read(&path).expect("a seed"))
    };
    let mut seeds: Vec<_> = std::fs::read_dir(folder).expect("the seeds").map(read).collect();
    seeds.sort();
    assert!(seeds.len() >= 5, "{target} has {} seeds", seeds.len());
    seeds
}

/// What an object that was read must do in every format.
fn holds(name: &str, object: &Object) {
    let limits = Limits { depth: u32::MAX, ..Limits::default() };
    let mut json = Vec::new();
    Json::encode(object, &mut json);
    let again = Json::decode(&json, &limits).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(again.to_string(), object.to_string(), "{name}");
    assert_eq!(Binary::decode(&object.to_bytes(), &limits).as_ref(), Ok(object), "{name}");
    // Once printed it is made of what has a text, and stays the same.
    let mut text = Vec::new();
    Text::encode(object, &mut text);
    let read = Text::decode(&text, &limits).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(read.to_string().as_bytes(), String::from_utf8_lossy(&text).as_bytes(), "{name}");
}

/// Each seed is read or refused, and what is read holds.
#[test]
fn seeds_are_met() {
    let limits = Limits::default();
    let mut read = [0_u32; 3];
    for (name, bytes) in seeds("slp_text") {
        if let Ok(forms) = parse(&bytes, &limits) {
            read[0] += 1;
            holds(&name, forms.as_object());
        }
    }
    for (name, bytes) in seeds("slp_binary") {
        if let Ok(object) = Binary::decode(&bytes, &limits) {
            read[1] += 1;
            assert_eq!(*object.to_bytes(), bytes, "{name}");
            holds(&name, &object);
        }
    }
    for (name, bytes) in seeds("slp_json") {
        if let Ok(object) = Json::decode(&bytes, &limits) {
            read[2] += 1;
            holds(&name, &object);
        }
    }
    assert!(read.iter().all(|count| *count >= 2), "{read:?} seeds were read");
}
