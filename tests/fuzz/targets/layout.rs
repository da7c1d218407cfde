//! Any text at all is a list of layouts or an error; fields of what is one lie apart, and its text reads back.
#![no_main]

use diptych_components::layout::{FieldSet, LAYOUT_BYTES_MAX, Layouts};
use diptych_components::slp::Object;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(object) = Object::load(bytes)
        && let Some(set) = FieldSet::from_view(object.view())
    {
        assert_eq!(FieldSet::from_view(set.to_object().view()).map(|again| again.id), Some(set.id));
    }
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    match Layouts::parse(text) {
        Ok(layouts) => {
            assert_eq!(Layouts::parse(layouts.text()).expect("its own text"), layouts);
            for layout in layouts.iter() {
                assert!(layout.size() <= LAYOUT_BYTES_MAX && layout.size() % layout.align() == 0);
                let mut end = 0;
                for field in layout.fields() {
                    assert!(field.offset >= end && field.offset % field.kind.size() == 0);
                    end = field.offset + field.kind.size();
                }
                assert!(end <= layout.size());
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
