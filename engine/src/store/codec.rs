//! Small stored values: little-endian fields behind a checksum, and the cursor that reads them.
//!
//! Invariant: a cursor never reads outside its bytes. Left out: records, which have their own header.

use std::collections::BTreeMap;

use xxhash_rust::xxh3::xxh3_64;

use super::StoreError;
use super::delta::header_u64;

/// Appends fields; [`finish`](Self::finish) puts the checksum behind them.
#[derive(Default)]
pub(crate) struct Fields(Vec<u8>);

impl Fields {
    pub(crate) fn u8(&mut self, value: u8) -> &mut Self {
        self.0.push(value);
        self
    }

    pub(crate) fn u16(&mut self, value: u16) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(crate) fn u32(&mut self, value: u32) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(crate) fn u64(&mut self, value: u64) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(crate) fn u128(&mut self, value: u128) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// A count of things kept in memory.
    pub(crate) fn count(&mut self, value: usize) -> &mut Self {
        self.u64(value as u64)
    }

    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        self.count(value.len());
        self.0.extend_from_slice(value.as_bytes());
        self
    }

    /// Bytes behind their length.
    pub(crate) fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.count(value.len());
        self.0.extend_from_slice(value);
        self
    }

    pub(crate) fn finish(&mut self) -> Vec<u8> {
        let checksum = xxh3_64(&self.0);
        self.u64(checksum);
        std::mem::take(&mut self.0)
    }
}

/// Reads fields in the order in which they were appended.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// Checks what [`Fields::finish`] wrote.
    pub(crate) fn checked(bytes: &'a [u8]) -> Result<Self, StoreError> {
        let Some(length) = bytes.len().checked_sub(8) else {
            return Err(malformed(0, "the value ends before its checksum"));
        };
        if header_u64(bytes, length) != xxh3_64(&bytes[..length]) {
            return Err(malformed(length, "the value's checksum does not match"));
        }
        Ok(Self::new(&bytes[..length], 0))
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    pub(crate) fn skip_to_end(&mut self) {
        self.at = self.bytes.len();
    }

    pub(crate) fn take(&mut self, length: u64) -> Result<&'a [u8], StoreError> {
        let left = self.bytes.len() - self.at;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > left {
            return Err(malformed(self.at, format!("{length} bytes are announced, {left} are left")));
        }
        let taken = &self.bytes[self.at..self.at + length];
        self.at += length;
        Ok(taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, StoreError> {
        Ok(self.take(1)?[0])
    }

    pub(crate) fn u16(&mut self) -> Result<u16, StoreError> {
        let bytes = self.take(2)?;
        Ok(u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, StoreError> {
        let mut word = [0; 4];
        word.copy_from_slice(self.take(4)?);
        Ok(u32::from_le_bytes(word))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, StoreError> {
        Ok(header_u64(self.take(8)?, 0))
    }

    pub(crate) fn u128(&mut self) -> Result<u128, StoreError> {
        let mut word = [0; 16];
        word.copy_from_slice(self.take(16)?);
        Ok(u128::from_le_bytes(word))
    }

    /// A name behind its length as `u16`.
    pub(crate) fn name(&mut self) -> Result<&'a str, StoreError> {
        let length = u64::from(self.u16()?);
        self.utf8(length)
    }

    /// A text behind its length as `u64`.
    pub(crate) fn text(&mut self) -> Result<&'a str, StoreError> {
        let length = self.u64()?;
        self.utf8(length)
    }

    fn utf8(&mut self, length: u64) -> Result<&'a str, StoreError> {
        let start = self.at;
        std::str::from_utf8(self.take(length)?).map_err(|_| malformed(start, "a name is not UTF-8"))
    }
}

pub(crate) fn malformed(offset: usize, reason: impl Into<String>) -> StoreError {
    StoreError::Malformed { offset: offset as u64, reason: reason.into() }
}

/// What the world was created with.
pub(crate) fn encode_facts(facts: &BTreeMap<String, String>) -> Vec<u8> {
    let mut fields = Fields::default();
    fields.count(facts.len());
    for (key, value) in facts {
        fields.text(key).text(value);
    }
    fields.finish()
}

pub(crate) fn decode_facts(bytes: &[u8]) -> Result<BTreeMap<String, String>, StoreError> {
    let mut cursor = Cursor::checked(bytes)?;
    let mut facts = BTreeMap::new();
    for _ in 0..cursor.u64()? {
        let key = cursor.text()?.to_owned();
        facts.insert(key, cursor.text()?.to_owned());
    }
    Ok(facts)
}
