//! What a live engine has and no bytes of a world hold: a marker stands in its place.
//!
//! Invariant: a marker is words for people and tools; nothing is made of it again.

use super::StoreError;
use super::codec::{Cursor, Fields};

/// Stands for something of a live engine that is not stored: a scratch component, a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// The stored type beside which it lies; empty for a resource.
    pub table: String,
    /// The entity; empty where it stands for all of them.
    pub key: String,
    /// What it is called in its program.
    pub field: String,
    /// The frame at which it was left out.
    pub frame: u64,
    /// `scratch` or `resource`.
    pub kind: String,
    /// The name of its type in its program.
    pub symbol: String,
    /// A sentence for people.
    pub display: String,
}

impl Marker {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut fields = Fields::default();
        for text in [&self.table, &self.key, &self.field, &self.kind, &self.symbol, &self.display] {
            fields.text(text);
        }
        fields.u64(self.frame).finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let mut cursor = Cursor::checked(bytes)?;
        let mut text = || cursor.text().map(str::to_owned);
        let (table, key, field, kind, symbol, display) =
            (text()?, text()?, text()?, text()?, text()?, text()?);
        Ok(Self { table, key, field, frame: cursor.u64()?, kind, symbol, display })
    }
}
