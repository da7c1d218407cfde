//! Any bytes at all are an exported world in lines of JSON, or an error.
#![no_main]

use diptych::jsonlines;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match jsonlines::read(bytes, |_| {}) {
        Ok((image, extras)) => {
            let mut again = Vec::new();
            jsonlines::write(&image, &extras, &mut again, |_| {}).expect("memory takes all");
            let read = jsonlines::read(again.as_slice(), |_| {}).expect("it was just written");
            assert_eq!(read.0.digest(), image.digest());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
