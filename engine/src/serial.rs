//! `Id`s and stored bytes as text, for values that are serialized: pairs of hex digits, as in lines of JSON.
//!
//! Invariant: what is written is read back; a text that is none is refused with what it should be. Left out: compact
//! forms, which are those of the values themselves (`Patch::encode`).

use crate::id::Id;
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt::Write as _;

/// Digits of an `Id`.
const ID_DIGITS: usize = 16;

/// As 16 hex digits of its bits, so that no reader rounds them.
impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:016x}", self.bits()))
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let digits = text.len() == ID_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let bits = u64::from_str_radix(&text, 16).ok().filter(|_| digits);
        bits.map(Self::from_bits).ok_or_else(|| {
            D::Error::custom(format_args!(
                "{text:?} is no id; it is {ID_DIGITS} hex digits, as \"0000000000000001\""
            ))
        })
    }
}

/// Stored bytes.
pub(crate) mod bytes {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(value))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        unhex(&text).ok_or_else(|| D::Error::custom(no_bytes(&text)))
    }
}

/// Stored bytes, or nothing.
pub(crate) mod some_bytes {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        value: &Option<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_deref().map(hex).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        let text = Option::<Cow<'_, str>>::deserialize(deserializer)?;
        text.map(|text| unhex(&text).ok_or_else(|| D::Error::custom(no_bytes(&text)))).transpose()
    }
}

fn no_bytes(text: &str) -> String {
    let shown: String = text.chars().take(2 * ID_DIGITS).collect();
    format!("{shown:?} is no value; its stored bytes are pairs of hex digits, as \"0100\"")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |digit: u8| char::from(digit).to_digit(16).map(|digit| digit as u8);
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    if rest.is_empty() { bytes } else { None }
}
