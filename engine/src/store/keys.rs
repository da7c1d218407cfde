//! Names and keys inside the database.
//!
//! Keyspace `world` holds `catalog`, `facts`, `current` (the epoch to recover from), `head` (frames after the last
//! record), `past` (checkpoints that are kept beside the current one), `program` (who makes the frames), `log` (where the
//! log of inputs begins) and `retired` (keyspaces that hold nothing any more). Each checkpoint epoch has its own keyspace, given up whole; so has each
//! segment of the log of inputs. Its number is in its name, or, where it was used before, under a key of its own that
//! sorts before all others.
//! Invariant: an epoch's keys grow with time (frame, kind, index, all big-endian), so that reading it
//! in order is the replay, and flushed tables never overlap.

pub(crate) const WORLD: &str = "world";
pub(crate) const CATALOG: &str = "catalog";
pub(crate) const FACTS: &str = "facts";
pub(crate) const CURRENT: &str = "current";
pub(crate) const HEAD: &str = "head";
pub(crate) const PROGRAM: &str = "program";
pub(crate) const PAST: &str = "past";
pub(crate) const RETIRED: &str = "retired";
pub(crate) const LOG: &str = "log";

/// The base of the epoch's checkpoint.
pub(crate) const BASE: u8 = 0;
/// A copy of the record of the base's frame, kept for its marks.
pub(crate) const COPY: u8 = 1;
/// A record.
pub(crate) const RECORD: u8 = 2;
/// A page of the checkpoint.
pub(crate) const PAGE: u8 = 3;
/// The end of the checkpoint: number of its pages and the end of their chain.
pub(crate) const END: u8 = 4;
/// An entry of the log of inputs, in a keyspace of the log.
pub(crate) const ENTRY: u8 = 5;

pub(crate) const KEY_BYTES: usize = 13;
/// The first key of a frame; what sorts before it is the keyspace's own.
pub(crate) const FIRST: [u8; KEY_BYTES] = [0; KEY_BYTES];

pub(crate) fn epoch_name(epoch: u64) -> String {
    format!("epoch-{epoch}")
}

pub(crate) fn epoch_number(name: &str) -> Option<u64> {
    name.strip_prefix("epoch-")?.parse().ok()
}

pub(crate) fn log_name(segment: u64) -> String {
    format!("log-{segment}")
}

pub(crate) fn log_number(name: &str) -> Option<u64> {
    name.strip_prefix("log-")?.parse().ok()
}

pub(crate) fn key(frame: u64, kind: u8, index: u32) -> [u8; KEY_BYTES] {
    let mut key = [kind; KEY_BYTES];
    key[..8].copy_from_slice(&frame.to_be_bytes());
    key[9..].copy_from_slice(&index.to_be_bytes());
    key
}

/// Frame and kind of a key; `None` for bytes that are no key.
pub(crate) fn parse(key: &[u8]) -> Option<(u64, u8)> {
    let key: &[u8; KEY_BYTES] = key.try_into().ok()?;
    let mut frame = [0; 8];
    frame.copy_from_slice(&key[..8]);
    Some((u64::from_be_bytes(frame), key[8]))
}
