//! Any bytes at all are a snapshot or an error; what is read is written again to bytes that stay the same.
#![no_main]

mod seal;
mod stream;

use diptych_engine::store::{Extras, Image, Update, ViewWorld, read_snapshot, write_snapshot};
use libfuzzer_sys::fuzz_target;

/// Bytes of a digest, as text and as they are stored.
const DIGEST: usize = 16;

/// The bytes with the digest that their rows give, where a refusal says that it is another.
fn with_digest(bytes: &[u8], refusal: &str) -> Option<Vec<u8>> {
    let text = refusal.split("its rows give ").nth(1)?.get(..2 * DIGEST)?;
    let digest = u128::from_str_radix(text, 16).expect("a digest in hex");
    let end = (0..bytes.len()).find(|at| bytes[*at..].starts_with(b"DPSN\x01\x00\x08\x00"))?;
    let at = end + 16 + 28 + 8;
    let mut right = bytes.to_vec();
    right.get_mut(at..at + DIGEST)?.copy_from_slice(&digest.to_le_bytes());
    stream::seal(&mut right);
    Some(right)
}

fn written(image: &Image, extras: &Extras) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_snapshot(image, extras, &mut bytes, |_, _| {}).expect("memory takes all");
    bytes
}

fn tried(bytes: &[u8]) -> Option<Vec<u8>> {
    let right = match read_snapshot(bytes, |_| {}) {
        Ok((image, extras)) => {
            let once = written(&image, &extras);
            let (again, extras) = read_snapshot(once.as_slice(), |_| {}).expect("it was just written");
            assert_eq!(again.digest(), image.digest());
            assert!(written(&again, &extras) == once);
            None
        }
        Err(error) => with_digest(bytes, &error.to_string()),
    };
    if let Ok(mut follower) = ViewWorld::follow(bytes) {
        while follower.next_update().is_ok_and(|update| update != Update::Closed) {}
    }
    right
}

fuzz_target!(|bytes: &[u8]| {
    let mut sealed = bytes.to_vec();
    stream::seal(&mut sealed);
    tried(bytes);
    if let Some(right) = tried(&sealed) {
        tried(&right);
    }
});
