//! The few values that a world has beside its epochs, and their bytes.
//!
//! Invariant: each has its own checksum; those of later builds may be absent. Left out: the catalog's bytes and those
//! of what is kept (see `catalog` and `history`).

use std::collections::BTreeMap;

use crate::store::codec::{self, Cursor, Fields};
use crate::store::delta::Link;
use crate::store::disk::Disk;
use crate::store::history::Kept;
use crate::store::{StoreError, TypeEntry, catalog, keys};

/// The values of the keyspace `world`.
pub(crate) struct WorldValues {
    pub(crate) types: Vec<TypeEntry>,
    pub(crate) facts: BTreeMap<String, String>,
    pub(crate) current: u64,
    /// Frame + 1 of the last frame without a record; the record and the entry of the log that it follows.
    pub(crate) head: (u64, Link, Link),
    /// Who has made the last frames.
    pub(crate) program: String,
    /// Checkpoints that can be replayed from, and older catalogs.
    pub(crate) past: Kept,
}

/// Reads the small values; `Err` where one is missing or damaged.
pub(crate) fn world_values(disk: &Disk) -> Result<WorldValues, StoreError> {
    let value = |key: &'static str| {
        let read = disk.world.get(key).map_err(|e| StoreError::engine("reading the world's values", &e))?;
        read.ok_or_else(|| StoreError::damaged(place(key), "the value is missing"))
    };
    let inside =
        |key: &'static str| move |error: StoreError| StoreError::damaged(place(key), error.to_string());
    let types = catalog::decode(&value(keys::CATALOG)?).map_err(inside(keys::CATALOG))?;
    let facts = codec::decode_facts(&value(keys::FACTS)?).map_err(inside(keys::FACTS))?;
    let current = decode_current(&value(keys::CURRENT)?).map_err(inside(keys::CURRENT))?;
    let head = decode_head(&value(keys::HEAD)?).map_err(inside(keys::HEAD))?;
    // Worlds of earlier builds have neither of these.
    let later = |key: &'static str| {
        disk.world.get(key).map_err(|e| StoreError::engine("reading the world's values", &e))
    };
    let program = later(keys::PROGRAM)?.map_or_else(|| Ok(String::new()), |bytes| decode_program(&bytes));
    let program = program.map_err(inside(keys::PROGRAM))?;
    let past = later(keys::PAST)?.map_or_else(|| Ok(Kept::default()), |bytes| Kept::decode(&bytes));
    let past = past.map_err(inside(keys::PAST))?;
    Ok(WorldValues { types, facts, current, head, program, past })
}

pub(super) fn place(key: &str) -> String {
    format!("the value \"{key}\"")
}

pub(crate) fn encode_current(epoch: u64) -> Vec<u8> {
    Fields::default().u64(epoch).finish()
}

fn decode_current(bytes: &[u8]) -> Result<u64, StoreError> {
    Cursor::checked(bytes)?.u64()
}

/// `head` is frame + 1 of the last frame without a record, `follows` the record before it, `entry` the log's last entry.
pub(crate) fn encode_head(head: u64, follows: Link, entry: Link) -> Vec<u8> {
    let mut fields = Fields::default();
    fields.u64(head).u64(follows.frame).u64(follows.checksum);
    fields.u64(entry.frame).u64(entry.checksum).finish()
}

fn decode_head(bytes: &[u8]) -> Result<(u64, Link, Link), StoreError> {
    let mut cursor = Cursor::checked(bytes)?;
    let head = cursor.u64()?;
    let follows = Link { frame: cursor.u64()?, checksum: cursor.u64()? };
    // Heads of earlier builds end here.
    if cursor.is_at_end() {
        return Ok((head, follows, Link::NONE));
    }
    Ok((head, follows, Link { frame: cursor.u64()?, checksum: cursor.u64()? }))
}

pub(crate) fn encode_program(program: &str) -> Vec<u8> {
    Fields::default().text(program).finish()
}

fn decode_program(bytes: &[u8]) -> Result<String, StoreError> {
    Ok(Cursor::checked(bytes)?.text()?.to_owned())
}

pub(crate) fn encode_end(pages: u32, last: Link) -> Vec<u8> {
    Fields::default().u32(pages).u64(last.frame).u64(last.checksum).finish()
}

pub(crate) fn decode_end(bytes: &[u8]) -> Result<(u32, Link), StoreError> {
    let mut cursor = Cursor::checked(bytes)?;
    Ok((cursor.u32()?, Link { frame: cursor.u64()?, checksum: cursor.u64()? }))
}
