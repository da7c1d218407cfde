//! Any bytes at all are the JSON of an object or an error at a byte of them; what is read is written and read back.
#![no_main]

use diptych_components::slp::{DecodeError, Format, Json, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match Json::decode(bytes, &Limits::default()) {
        Ok(object) => {
            let mut json = Vec::new();
            Json::encode(&object, &mut json);
            assert_eq!(Json::decode(&json, &Limits::default()).as_ref(), Ok(&object));
        }
        Err(DecodeError::Json(error)) => assert!(error.byte as usize <= bytes.len()),
        Err(_) => {}
    }
});
