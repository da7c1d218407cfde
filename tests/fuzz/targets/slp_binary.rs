//! Any bytes at all are a stored object or an error; what is read is stored as just those bytes and has a text.
#![no_main]

use diptych_components::slp::{Format, Json, Limits, Object};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(object) = Object::load(bytes) {
        assert_eq!(&*object.to_bytes(), bytes);
        let limits = Limits { depth: u32::MAX, bytes: u32::MAX };
        let mut json = Vec::new();
        Json::encode(&object, &mut json);
        let again = Json::decode(&json, &limits).expect("it was an object");
        assert_eq!(again.text(), object.text());
    }
});
