//! Any bytes at all are a table of bodies or an error that names the file.
#![no_main]

use diptych_components::nbody::Bodies;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Err(error) = Bodies::parse("fuzz.csv", bytes) {
        assert!(error.to_string().starts_with("fuzz.csv"), "{error}");
    }
});
