//! Any bytes at all are a record or an error, and a record's operations end; with a right checksum too.
#![no_main]

use diptych_engine::store::{DeltaReader, Operation, RawWorld, RowKind, TypeEntry};
use libfuzzer_sys::fuzz_target;
use xxhash_rust::xxh3::xxh3_64;

/// Rows that one record may claim here.
const ROWS_MAX: u64 = 1 << 16;

/// The bytes as a record with its checksums, as `ARCHITECTURE.md` draws it: what is wrong inside must be found
/// without their help.
fn sealed(payload: &[u8]) -> Vec<u8> {
    let mut record = Vec::from(*b"DPR1");
    record.extend_from_slice(&1_u16.to_le_bytes());
    record.extend_from_slice(&1_u16.to_le_bytes());
    record.extend_from_slice(&7_u64.to_le_bytes());
    record.extend_from_slice(&0.5_f64.to_le_bytes());
    record.extend_from_slice(&u64::MAX.to_le_bytes());
    record.extend_from_slice(&0_u64.to_le_bytes());
    record.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    record.extend_from_slice(&xxh3_64(payload).to_le_bytes());
    record.extend_from_slice(&xxh3_64(&record).to_le_bytes());
    record.extend_from_slice(payload);
    record
}

fuzz_target!(|bytes: &[u8]| {
    look(bytes);
    look(&sealed(bytes));
});

fn look(bytes: &[u8]) {
    let entry =
        |name: &str, row| TypeEntry { name: name.to_owned(), version: 1, row, layout: 0, transient: false };
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
        // Rows cost memory as soon as they are claimed, which is no mistake of the reader.
        let rows = |operation| match operation {
            Ok(Operation::Push { count, .. }) => u64::from(count),
            _ => 0,
        };
        if reader.operations().map(rows).sum::<u64>() > ROWS_MAX {
            return;
        }
        let mut world = RawWorld::new(&types);
        // Refused or applied; never a panic.
        if let Err(error) = world.apply(&reader) {
            assert!(!error.to_string().is_empty());
        }
    }
}
