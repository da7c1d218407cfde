//! The base of a checkpoint: the shape of the world when its copy began.
//!
//! Invariant: the values are not here but in pages and records; a base alone says how many rows there are.

use std::collections::BTreeMap;

use super::StoreError;
use super::codec::{Cursor, Fields};
use super::delta::Link;

/// In place of 1, which stands before a digest by the hash before the present one: that is read as none.
const DIGEST_KNOWN: u8 = 2;

/// A table without its values, as a checkpoint's base describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableShape {
    /// Type keys in column order.
    pub types: Vec<u16>,
    /// Number of rows.
    pub rows: u32,
}

/// What a checkpoint knows besides its pages: the world's shape when `frame` was the last commit.
#[derive(Clone, Debug, PartialEq)]
pub struct Base {
    /// The frame of the commit.
    pub frame: u64,
    /// Its step, in seconds.
    pub dt: f64,
    /// All tables in the order of their creation, empty ones too.
    pub tables: Vec<TableShape>,
    /// The id counters.
    pub serials: BTreeMap<u32, u64>,
    /// The last known digest and its frame.
    pub digest: Option<(u64, u128)>,
    /// Whether the frames after it have no records and are made again from what came in.
    pub by_inputs: bool,
}

impl Base {
    /// `link` is the end of the chain of records when the copy began.
    pub(crate) fn encode(&self, link: Link) -> Vec<u8> {
        let mut fields = Fields::default();
        fields.u64(link.frame).u64(link.checksum);
        fields.u64(self.frame).u64(self.dt.to_bits()).count(self.tables.len());
        for table in &self.tables {
            fields.u32(table.rows).count(table.types.len());
            for key in &table.types {
                fields.u16(*key);
            }
        }
        fields.count(self.serials.len());
        for (system, next) in &self.serials {
            fields.u32(*system).u64(*next);
        }
        let known = self.digest.map_or(0, |_| DIGEST_KNOWN);
        let (frame, digest) = self.digest.unwrap_or_default();
        fields.u8(known).u64(frame).u128(digest);
        if self.by_inputs {
            fields.u8(1);
        }
        fields.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<(Self, Link), StoreError> {
        let mut cursor = Cursor::checked(bytes)?;
        let link = Link { frame: cursor.u64()?, checksum: cursor.u64()? };
        let (frame, dt) = (cursor.u64()?, f64::from_bits(cursor.u64()?));
        let mut tables = Vec::new();
        for _ in 0..cursor.u64()? {
            let rows = cursor.u32()?;
            let types = (0..cursor.u64()?).map(|_| cursor.u16()).collect::<Result<_, _>>()?;
            tables.push(TableShape { types, rows });
        }
        let mut serials = BTreeMap::new();
        for _ in 0..cursor.u64()? {
            let system = cursor.u32()?;
            serials.insert(system, cursor.u64()?);
        }
        let known = cursor.u8()? == DIGEST_KNOWN;
        let digest = (cursor.u64()?, cursor.u128()?);
        // Bases of earlier builds end here.
        let by_inputs = !cursor.is_at_end() && cursor.u8()? == 1;
        Ok((Self { frame, dt, tables, serials, digest: known.then_some(digest), by_inputs }, link))
    }
}
