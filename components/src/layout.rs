//! Layouts: where the fields of types lie that are known only when a program runs, as from a file.
//!
//! Invariant: a layout that exists is within its limits, and no two of its fields share a byte, a path or a column.
//! Bytes are little-endian on every machine. Left out: texts, bit fields and lists of no fixed length.
//!
//! Scalars lie at multiples of their size; a struct is aligned as its widest field, and its size is rounded up to that;
//! `pad` is so many bytes where it stands. `{x: f32 y: f32}` has a size of 8 and an alignment of 4.

mod compile;
mod error;
mod row;
mod scalar;
mod shape;
mod text;
mod value;

pub use compile::Layouts;
pub use error::LayoutError;
pub use row::{FieldSet, LAYOUT_COLUMNS_MAX, Row};
pub use scalar::{Scalar, ScalarKind};
pub use shape::{Member, Shape};
pub use value::{Field, Layout};

/// Bytes of a value.
pub const LAYOUT_BYTES_MAX: u32 = 64 << 10;
/// Scalars of a value.
pub const LAYOUT_FIELDS_MAX: u32 = 16 << 10;
/// Structs and arrays in each other, named types counted in.
pub const LAYOUT_DEPTH_MAX: u32 = 32;
/// Bytes of a field's or a layout's name.
pub const LAYOUT_NAME_BYTES_MAX: usize = 255;
/// Bytes of the text of layouts.
pub const LAYOUT_TEXT_BYTES_MAX: usize = 1 << 20;
/// Layouts that may name each other.
pub const LAYOUTS_MAX: usize = 1024;
/// Scalars of all layouts that may name each other.
pub const LAYOUTS_FIELDS_MAX: u64 = 1 << 20;
/// Bytes of the paths of those scalars.
pub const LAYOUTS_PATH_BYTES_MAX: u64 = 64 << 20;

#[cfg(test)]
mod tests;
