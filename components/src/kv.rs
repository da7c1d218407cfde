//! Entries of the key-value store: a key under a scope, a value of SLP, and how both are stored.
//!
//! Invariant: a [`Key`] holds a scope's name that [`check_scope`] passes and at least one byte of key; a [`Value`]
//! holds an object in a buffer of its own, so that an entry never keeps a whole script alive. Equal keys have equal
//! bytes, and so have equal values. Left out: who may use a scope, and where entries are found (`diptych-systems`).
//!
//! Stored, both little-endian where there is a number and both versioned by their registration:
//! ```text
//! key    | scope length u8 | scope: 1..=255 bytes, UTF-8, no '/' | key: the rest, at least 1 byte |
//! value  | the object's buffer, as `Object::to_bytes` gives it                                    |
//! ```

mod limits;

pub use limits::{KEY_BYTES_MAX, KvError, Limits, SCOPE_BYTES_MAX, VALUE_BYTES_MAX, check_scope, split_raw};

use crate::slp::Object;
use std::sync::Arc;

/// The pair under which an entry is found. It is given at the entry's making and never changes.
///
/// # Examples
/// ```
/// use diptych_components::kv::{Key, split_raw};
/// let (scope, key) = split_raw(b"alice_data/user:1/name")?;
/// let key = Key::new(scope, key)?;
/// assert_eq!((&*key.scope, &*key.key), ("alice_data", &b"user:1/name"[..]));
/// # Ok::<(), diptych_components::kv::KvError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key {
    /// The scope's name.
    pub scope: Arc<str>,
    /// The key within the scope: any bytes, at least one.
    pub key: Arc<[u8]>,
}

impl Key {
    /// A key; how long it may be is for [`Limits::check_key`] to say.
    ///
    /// # Errors
    /// When `scope` is not the name of a scope, or `key` is empty.
    pub fn new(scope: &str, key: &[u8]) -> Result<Self, KvError> {
        check_scope(scope)?;
        if key.is_empty() {
            return Err(KvError::KeyEmpty);
        }
        Ok(Self { scope: Arc::from(scope), key: Arc::from(key) })
    }

    /// What recovery makes an empty table with, and drops at once.
    #[must_use]
    pub fn blank() -> Self {
        Self { scope: Arc::from("-"), key: Arc::from(&b"-"[..]) }
    }

    /// `scope/key`; [`split_raw`] takes it apart.
    #[must_use]
    pub fn raw(&self) -> Vec<u8> {
        [self.scope.as_bytes(), b"/", &self.key].concat()
    }

    /// Appends the stored bytes.
    ///
    /// # Panics
    /// When the scope's name is longer than [`SCOPE_BYTES_MAX`], which [`Key::new`] refuses.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let length =
            u8::try_from(self.scope.len()).expect("a scope's name was checked when the key was made");
        out.reserve(1 + self.scope.len() + self.key.len());
        out.push(length);
        out.extend_from_slice(self.scope.as_bytes());
        out.extend_from_slice(&self.key);
    }

    /// Reads stored bytes.
    ///
    /// # Errors
    /// When [`Key::encode`] does not write such bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, KvError> {
        let (&length, rest) = bytes.split_first().ok_or(KvError::StoredKey("it has no bytes"))?;
        let (scope, key) = rest
            .split_at_checked(usize::from(length))
            .ok_or(KvError::StoredKey("it ends within the scope's name"))?;
        let scope = str::from_utf8(scope).map_err(|_| KvError::StoredKey("the scope's name is not UTF-8"))?;
        Self::new(scope, key)
    }
}

/// What an entry holds: an object in a buffer of its own.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Value(Object);

impl Value {
    /// The object, copied out of the buffer that it shares, if it does.
    #[must_use]
    pub fn new(object: &Object) -> Self {
        Self(object.compact())
    }

    /// The object.
    #[inline]
    #[must_use]
    pub fn object(&self) -> &Object {
        &self.0
    }

    /// The object, to keep.
    #[must_use]
    pub fn into_object(self) -> Object {
        self.0
    }

    /// Appends the stored bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_bytes());
    }

    /// Reads stored bytes; every unit is checked.
    ///
    /// # Errors
    /// When they are not the buffer of an object.
    pub fn decode(bytes: &[u8]) -> Result<Self, KvError> {
        Object::load(bytes).map(Self).map_err(|fault| KvError::StoredValue(fault.to_string()))
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self(object.compact())
    }
}

#[cfg(test)]
mod tests;
