//! How long names, keys and values may be, and the errors that say so.
//!
//! Invariant: every refusal names the limit and its value. A value is measured by its text, because that is what
//! `get` and `cas` see; its buffer has at most 17 times as many bytes, and 48. Stored entries are not measured again, so
//! that a lower limit never keeps a world from being opened.

use crate::slp::Object;

/// Bytes of a scope's name at most.
pub const SCOPE_BYTES_MAX: usize = 255;
/// Bytes of a key at most where nothing else is configured: 1 KiB.
pub const KEY_BYTES_MAX: u32 = 1024;
/// Bytes of a value's text at most where nothing else is configured: 1 MiB.
pub const VALUE_BYTES_MAX: u32 = 1 << 20;

/// Most bytes of text that a unit can have besides those of its string or symbol: a real, its sign and a space.
const UNIT_TEXT_MAX: u64 = 32;

/// How long keys and values may be; configured with the runtime.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Bytes of a key, without its scope.
    pub key_bytes: u32,
    /// Bytes of a value's text.
    pub value_bytes: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { key_bytes: KEY_BYTES_MAX, value_bytes: VALUE_BYTES_MAX }
    }
}

impl Limits {
    /// Whether `key` may be the key of an entry.
    ///
    /// # Errors
    /// When it is empty or longer than `key_bytes`.
    #[inline]
    pub fn check_key(&self, key: &[u8]) -> Result<(), KvError> {
        if key.is_empty() {
            return Err(KvError::KeyEmpty);
        }
        if key.len() > self.key_bytes as usize {
            return Err(KvError::KeyTooLong { len: key.len() as u64, max: self.key_bytes });
        }
        Ok(())
    }

    /// Whether `value` may be the value of an entry. Costs nothing for strings and small values; the text of others
    /// is made once, to be measured.
    ///
    /// # Errors
    /// When its text is longer than `value_bytes`.
    #[inline]
    pub fn check_value(&self, value: &Object) -> Result<(), KvError> {
        let len = match value.view().string() {
            Some(text) => text.len() as u64,
            None if text_bytes_max(value) <= u64::from(self.value_bytes) => return Ok(()),
            None => value.text().len() as u64,
        };
        if len > u64::from(self.value_bytes) {
            return Err(KvError::ValueTooLarge { len, max: self.value_bytes });
        }
        Ok(())
    }
}

/// No text of `value` is longer: each unit might print the whole bytes of the buffer, each escaped.
#[inline]
fn text_bytes_max(value: &Object) -> u64 {
    let bytes = value.heap_bytes() as u64;
    (bytes / 16 + 1) * (2 * bytes + UNIT_TEXT_MAX)
}

/// Whether `name` can name a scope: UTF-8 of 1 to [`SCOPE_BYTES_MAX`] bytes without a `/`.
///
/// # Errors
/// When it cannot.
pub fn check_scope(name: &str) -> Result<(), KvError> {
    if name.is_empty() {
        return Err(KvError::ScopeEmpty);
    }
    if name.len() > SCOPE_BYTES_MAX {
        return Err(KvError::ScopeTooLong { len: name.len() as u64 });
    }
    if name.contains('/') {
        return Err(KvError::ScopeSlash { name: name.to_owned() });
    }
    Ok(())
}

/// The scope and the key of `scope/key`, split at the first `/`.
///
/// # Errors
/// When there is no `/`, no scope's name before it, or nothing behind it.
pub fn split_raw(raw: &[u8]) -> Result<(&str, &[u8]), KvError> {
    let slash = raw.iter().position(|byte| *byte == b'/').ok_or(KvError::RawWithoutScope)?;
    let scope = str::from_utf8(&raw[..slash]).map_err(|_| KvError::ScopeNotText)?;
    check_scope(scope)?;
    let key = &raw[slash + 1..];
    if key.is_empty() {
        return Err(KvError::KeyEmpty);
    }
    Ok((scope, key))
}

/// Why a key, a value or a scope's name is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KvError {
    /// The key has no bytes.
    #[error("the key is empty; a key has at least one byte")]
    KeyEmpty,
    /// The key is longer than [`Limits::key_bytes`].
    #[error("the key has {len} bytes; the limit key_bytes is {max}")]
    KeyTooLong {
        /// Bytes of the key.
        len: u64,
        /// The limit.
        max: u32,
    },
    /// The value's text is longer than [`Limits::value_bytes`].
    #[error("the value's text has {len} bytes; the limit value_bytes is {max}")]
    ValueTooLarge {
        /// Bytes of the text.
        len: u64,
        /// The limit.
        max: u32,
    },
    /// The scope's name has no bytes.
    #[error("the scope's name is empty; a scope has a name of 1 to {SCOPE_BYTES_MAX} bytes")]
    ScopeEmpty,
    /// The scope's name is longer than [`SCOPE_BYTES_MAX`].
    #[error("the scope's name has {len} bytes; at most {SCOPE_BYTES_MAX} are kept")]
    ScopeTooLong {
        /// Bytes of the name.
        len: u64,
    },
    /// The scope's name has the character that ends it in a raw key.
    #[error("the scope's name {name:?} holds a '/', which separates scope and key; name it without")]
    ScopeSlash {
        /// The name.
        name: String,
    },
    /// The scope's name is not UTF-8.
    #[error("the scope's name is not UTF-8 text")]
    ScopeNotText,
    /// A raw key without a `/`.
    #[error("a raw key is scope/key; this one has no '/'")]
    RawWithoutScope,
    /// Stored bytes that no key has.
    #[error("a stored key is damaged: {0}")]
    StoredKey(&'static str),
    /// Stored bytes that no value has.
    #[error("a stored value is damaged: {0}")]
    StoredValue(String),
}
