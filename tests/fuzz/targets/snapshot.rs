//! Any bytes at all are a snapshot or an error; what is read is written again to the same bytes.
#![no_main]

use diptych_engine::store::{ViewWorld, read_snapshot, write_snapshot};
use libfuzzer_sys::fuzz_target;
use xxhash_rust::xxh3::xxh3_64;

/// The bytes as blocks with right heads and checksums: the first byte of each stretch of 64 says which kind.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for stretch in bytes.chunks(64) {
        let (kind, payload) = stretch.split_first().expect("chunks are not empty");
        let mut block = Vec::from(*b"DPSN");
        block.extend_from_slice(&1_u16.to_le_bytes());
        block.extend_from_slice(&u16::from(*kind % 18).to_le_bytes());
        block.extend_from_slice(&(payload.len() as u64).to_le_bytes());
        block.extend_from_slice(payload);
        let sum = xxh3_64(&block);
        block.extend_from_slice(&sum.to_le_bytes());
        out.append(&mut block);
    }
    out
}

fuzz_target!(|bytes: &[u8]| {
    for bytes in [bytes.to_vec(), sealed(bytes)] {
        match read_snapshot(bytes.as_slice(), |_| {}) {
            Ok((image, extras)) => {
                let mut again = Vec::new();
                write_snapshot(&image, &extras, &mut again, |_, _| {}).expect("memory takes all");
                let read = read_snapshot(again.as_slice(), |_| {}).expect("it was just written");
                assert_eq!(read.0.digest(), image.digest());
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        if let Ok(mut follower) = ViewWorld::follow(bytes.as_slice()) {
            while follower.next_update().is_ok_and(|update| update != diptych_engine::store::Update::Closed) {}
        }
    }
});
