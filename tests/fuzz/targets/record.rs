//! Any bytes at all are a record or an error, and a record's operations end; with a right checksum too.
#![no_main]

use diptych_engine::store::{DeltaReader, RawWorld, RowKind, TypeEntry};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let entry = |name: &str, row| TypeEntry { name: name.to_owned(), version: 1, row, layout: 0, transient: false };
    let types = [
        entry("diptych.id", RowKind::Fixed(8)),
        entry("fixed", RowKind::Fixed(12)),
        entry("variable", RowKind::Variable),
        TypeEntry { transient: true, ..entry("flash", RowKind::Fixed(8)) },
        TypeEntry { transient: true, ..entry("word", RowKind::Variable) },
    ];
    if let Ok(reader) = DeltaReader::parse(bytes) {
        let _frame = (reader.frame(), reader.dt(), reader.is_page());
        let _count = reader.operations().count();
        let mut world = RawWorld::new(&types);
        // Refused or applied; never a panic.
        if let Err(error) = world.apply(&reader) {
            assert!(!error.to_string().is_empty());
        }
    }
});
