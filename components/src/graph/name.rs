//! What names a node.
//!
//! Invariant: names have one order and one encoding.

use crate::canonical::Canonical;
use crate::fields::{FieldError, Fields};
use core::fmt::{self, Debug};
use serde::{Deserialize, Serialize};

/// What can name a node: anything in order that can be copied and shown.
pub trait NodeId: Ord + Clone + Debug {}

impl<T: Ord + Clone + Debug> NodeId for T {}

/// A number or a text, as nodes are named in graphs from files; numbers come before texts.
///
/// # Examples
/// ```
/// use diptych_components::graph::NodeName;
/// assert!(NodeName::from(10) < NodeName::from("1"));
/// assert_eq!(NodeName::from("a").to_string(), "a");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum NodeName {
    /// By number.
    Number(i64),
    /// By text.
    Text(String),
}

impl From<i64> for NodeName {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for NodeName {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// A text in quotes, so that it is not taken for a number.
impl Debug for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}

impl Canonical for NodeName {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Number(number) => (0_u8, *number).put(out),
            Self::Text(text) => {
                1_u8.put(out);
                text.put(out);
            }
        }
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        match fields.u8()? {
            0 => i64::read(fields).map(Self::Number),
            1 => String::read(fields).map(Self::Text),
            other => Err(FieldError(format!("{other} is no kind of a node's name"))),
        }
    }
}
