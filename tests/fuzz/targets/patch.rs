//! Any bytes at all are patches or an error; patches have one encoding.
#![no_main]

use diptych_engine::Patch;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match Patch::decode(bytes) {
        Ok(patches) => assert_eq!(Patch::encode(&patches), bytes),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
