//! Lengths, checksums and chains of a stream of blocks made right again, as `seal` does for what is in them.
//!
//! Invariant: what is whole stays as it is. Left out: the digest of the world.

use crate::seal::{Link, SUM, delta, link_at, put, put_link, record, value};

/// Bytes of a block's head.
const BLOCK_HEAD: usize = 16;
/// In place of a record before the first.
const NONE: Link = [u64::MAX, 0];

/// A stream of blocks, each from its magic to the next one: a snapshot, and deltas behind it.
pub fn seal(bytes: &mut [u8]) {
    let starts: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(b"DPSN")).collect();
    let (mut pages, mut last, mut history) = (0, NONE, NONE);
    for (number, start) in starts.iter().enumerate() {
        let end = starts.get(number + 1).map_or(bytes.len(), |next| *next);
        let block = &mut bytes[*start..end];
        let Some(length) = block.len().checked_sub(BLOCK_HEAD + SUM) else { continue };
        put(block, 8, length as u64);
        let kind = u16::from_le_bytes([block[6], block[7]]);
        let payload = &mut block[BLOCK_HEAD..BLOCK_HEAD + length];
        match kind {
            2 | 3 | 7 => value(payload),
            4 => {
                history = link_at(payload, 0).unwrap_or(history);
                value(payload);
            }
            5 => {
                record(payload, NONE);
            }
            6 => (pages, last) = (pages + 1, record(payload, last)),
            8 if payload.len() >= 52 => {
                payload[..4].copy_from_slice(&u32::to_le_bytes(pages));
                put_link(payload, 4, last);
                value(&mut payload[..28]);
            }
            16 if payload.len() >= 64 => {
                put_link(payload, 16, history);
                delta(payload);
                history = link_at(payload, 40).unwrap_or(history);
            }
            _ => {}
        }
        value(block);
    }
}
