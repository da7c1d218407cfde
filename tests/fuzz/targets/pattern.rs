//! Any bytes at all are a Life pattern or an error that names a line.
#![no_main]

use diptych_components::life::Pattern;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Err(error) = Pattern::parse("fuzz.rle", bytes) {
        assert!(error.to_string().starts_with("fuzz.rle"), "{error}");
    }
});
