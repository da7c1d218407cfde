//! Any bytes at all are forms or an error at a byte of them; what parses prints to what parses to the same.
#![no_main]

use diptych_components::slp::{Format, Limits, Text, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match parse(bytes, &Limits::default()) {
        Ok(forms) => {
            let object = forms.into_object();
            let mut text = Vec::new();
            Text::encode(&object, &mut text);
            let limits = Limits { depth: Limits::default().depth + 1, bytes: u32::MAX };
            assert_eq!(Text::decode(&text, &limits).as_ref(), Ok(&object));
        }
        Err(error) => assert!(error.byte as usize <= bytes.len() && error.line > 0 && error.column > 0),
    }
});
