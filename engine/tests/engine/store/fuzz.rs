//! Records from hostile bytes: an error that names an offset, never a panic.

use diptych_engine::store::{DeltaReader, DeltaWriter, Operation, RawWorld, StoreError};
use xxhash_rust::xxh3::xxh3_64;

use super::model::{Model, Random, types};

fn record(seed: u64) -> Vec<u8> {
    let (mut model, mut random, mut writer) = (Model::default(), Random::new(seed), DeltaWriter::default());
    for _ in 0..5 {
        drop(model.step(&mut random, true, &mut writer, Vec::new()));
    }
    model.step(&mut random, true, &mut writer, Vec::new()).into_sealed_bytes()
}

/// Makes the checksums right again, so that the damage reaches the operations.
pub(crate) fn reseal(bytes: &mut [u8]) {
    let payload = xxh3_64(&bytes[64..]);
    let length = bytes.len() as u64 - 64;
    bytes[40..48].copy_from_slice(&length.to_le_bytes());
    bytes[48..56].copy_from_slice(&payload.to_le_bytes());
    let header = xxh3_64(&bytes[..56]);
    bytes[56..64].copy_from_slice(&header.to_le_bytes());
}

#[test]
fn every_flipped_byte_of_a_record_is_noticed() {
    // Goal: the checksums cover everything. Method: each byte of a record in turn, and each length.
    let whole = record(1);
    assert!(DeltaReader::parse(&whole).is_ok(), "the undamaged record parses");
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x11;
        assert!(DeltaReader::parse(&bytes).is_err(), "byte {at} is flipped and nobody saw it");
        assert!(DeltaReader::parse(&whole[..at]).is_err(), "a record of {at} bytes passed");
    }
}

#[test]
fn hostile_records_with_right_checksums_are_errors_or_harmless() -> Result<(), StoreError> {
    // Goal: no panic and no huge allocation in reader and replay, whatever a writer with a bug stored.
    let mut random = Random::new(99);
    let mut refused = 0;
    for round in 0..4000_u64 {
        let mut bytes = record(round % 16);
        for _ in 0..1 + random.below(4) {
            let at = 64 + random.below(bytes.len() as u64 - 64) as usize;
            bytes[at] = random.next() as u8;
        }
        if random.below(4) == 0 {
            bytes.truncate(64 + random.below(bytes.len() as u64 - 64) as usize);
        }
        reseal(&mut bytes);
        let reader = DeltaReader::parse(&bytes)?;
        let pushed: u64 = reader
            .operations()
            .flatten()
            .map(|operation| match operation {
                Operation::Push { count, .. } => u64::from(count),
                _ => 0,
            })
            .sum();
        // Four billion rows are a legal wish; the memory for them is not what this test is about.
        if pushed < 1 << 16 {
            refused += u32::from(RawWorld::new(&types()).apply(&reader).is_err());
        }
    }
    assert!(refused > 1000, "only {refused} damaged records were refused");
    Ok(())
}
