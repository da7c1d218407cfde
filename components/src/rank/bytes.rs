//! Maps as bytes: their count, then their entries by key.
//!
//! Invariant: one map has one encoding; entries out of order, twice, or without an end are refused.

use super::tree::Tree;
use super::{RANK_ENTRIES_MAX, RankMap};
use crate::canonical::{Canonical, put_count};
use crate::fields::{FieldError, Fields};

impl<K: Canonical + Ord, V: Canonical> RankMap<K, V> {
    /// Appends its bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.put(out);
    }

    /// Reads a map that is all of `bytes`.
    ///
    /// # Errors
    /// When they are not the encoding of a map.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = Fields(bytes);
        let map = Self::read(&mut fields)?;
        fields.end()?;
        Ok(map)
    }
}

impl<K: Canonical + Ord, V: Canonical> Canonical for RankMap<K, V> {
    fn put(&self, out: &mut Vec<u8>) {
        put_count(self.len(), out);
        for (key, value) in self {
            key.put(out);
            value.put(out);
        }
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        let count = fields.u32()?;
        if count as usize > RANK_ENTRIES_MAX {
            return Err(FieldError(format!("{count} entries are more than {RANK_ENTRIES_MAX}")));
        }
        let mut entries: Vec<(K, V)> = Vec::new();
        for place in 0..count {
            let entry = (K::read(fields)?, V::read(fields)?);
            // A key without bytes equals the one before it, so that no count makes a loop that takes nothing.
            if entries.last().is_some_and(|(last, _)| *last >= entry.0) {
                return Err(FieldError(format!("the key of entry {place} is not above the one before it")));
            }
            entries.push(entry);
        }
        Ok(Self { tree: Tree::from_sorted(entries) })
    }
}
