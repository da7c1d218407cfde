//! Types as they are written down, before anything is known of where fields lie.
//!
//! Invariant: none; a shape may be anything, and the compiler looks.

use super::ScalarKind;
use core::fmt;

/// A type.
///
/// # Examples
/// ```
/// use diptych_components::layout::{Member, ScalarKind, Shape};
/// let pair = Shape::structure([("x", Shape::Scalar(ScalarKind::F32)), ("y", Shape::Scalar(ScalarKind::F32))]);
/// assert_eq!(Shape::array(pair, 8).to_string(), "[{x: f32 y: f32} 8]");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Shape {
    /// A number.
    Scalar(ScalarKind),
    /// So many of one type.
    Array(Box<Shape>, u32),
    /// Fields, one behind the other.
    Struct(Vec<Member>),
    /// Another layout, by name.
    Named(String),
}

/// A part of a struct.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Member {
    /// A field.
    Field(String, Shape),
    /// Bytes that nobody reads.
    Pad(u32),
}

impl Shape {
    /// An array.
    #[must_use]
    pub fn array(element: Self, length: u32) -> Self {
        Self::Array(Box::new(element), length)
    }

    /// A struct of fields.
    #[must_use]
    pub fn structure<N: Into<String>>(fields: impl IntoIterator<Item = (N, Self)>) -> Self {
        Self::Struct(fields.into_iter().map(|(name, shape)| Member::Field(name.into(), shape)).collect())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(kind) => f.write_str(kind.name()),
            Self::Array(element, length) => write!(f, "[{element} {length}]"),
            Self::Named(name) => f.write_str(name),
            Self::Struct(members) => {
                f.write_str("{")?;
                for (place, member) in members.iter().enumerate() {
                    f.write_str(if place == 0 { "" } else { " " })?;
                    match member {
                        Member::Field(name, shape) => write!(f, "{name}: {shape}")?,
                        Member::Pad(bytes) => write!(f, "(pad {bytes})")?,
                    }
                }
                f.write_str("}")
            }
        }
    }
}
