//! Why there is no such layout, or no such value in one.
//!
//! Invariant: names the path of the field, from the layout's name on.

use super::{
    LAYOUT_BYTES_MAX, LAYOUT_COLUMNS_MAX, LAYOUT_DEPTH_MAX, LAYOUT_FIELDS_MAX, LAYOUT_NAME_BYTES_MAX,
    LAYOUTS_FIELDS_MAX, LAYOUTS_MAX, LAYOUTS_PATH_BYTES_MAX, ScalarKind,
};

/// Why there is no such layout, or no such value in one.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutError {
    /// A type is a part of itself.
    #[error("the layout {} is a part of itself ({}): a value would have no end", .0.first().map_or("", |name| name), .0.join(" -> "))]
    Cycle(Vec<String>),
    /// A value would have too many bytes.
    #[error(
        "{path} would have {bytes} bytes; a value has at most {LAYOUT_BYTES_MAX}: make an array of it shorter"
    )]
    Size {
        /// The field or layout.
        path: String,
        /// How many bytes it would have.
        bytes: u64,
    },
    /// A value would have too many scalars.
    #[error("{path} would have {fields} scalars; a value has at most {LAYOUT_FIELDS_MAX}")]
    Fields {
        /// The field or layout.
        path: String,
        /// How many it would have.
        fields: u64,
    },
    /// Structs and arrays lie too deep in each other.
    #[error("{path} is too deep: at most {LAYOUT_DEPTH_MAX} structs and arrays lie in each other")]
    Depth {
        /// The field.
        path: String,
    },
    /// A name comes twice.
    #[error("{path} is there twice: give one of the two another name")]
    Duplicate {
        /// The field or layout.
        path: String,
    },
    /// Two fields would be one column.
    #[error("{path} and {other} would both be the column {column}: give one of the two another name")]
    Column {
        /// The later field.
        path: String,
        /// The earlier field.
        other: String,
        /// The column.
        column: String,
    },
    /// An array, a pad or a struct without anything in it.
    #[error("{path} has a length of zero: it would hold nothing")]
    Empty {
        /// The field or layout.
        path: String,
    },
    /// A name that cannot be one.
    #[error(
        "{path} is no name: names have letters, digits, `_` and `-`, begin with a letter or `_`, and have at most \
         {LAYOUT_NAME_BYTES_MAX} bytes"
    )]
    Name {
        /// The name and where it stands.
        path: String,
    },
    /// A type that does not exist.
    #[error(
        "{path} is of the type {name}, and there is none: the scalars are f32 f64 i8 u8 i16 u16 i32 u32 bool"
    )]
    Type {
        /// The field.
        path: String,
        /// What it is to be.
        name: String,
    },
    /// Too many layouts.
    #[error("there are {0} layouts; there may be {LAYOUTS_MAX}")]
    Many(usize),
    /// Too many scalars, or too long paths of them, in all layouts together.
    #[error(
        "with {name} the layouts have {fields} scalars, whose paths have {path_bytes} bytes; together they may have \
         {LAYOUTS_FIELDS_MAX} and {LAYOUTS_PATH_BYTES_MAX}: make arrays or names shorter"
    )]
    Together {
        /// The layout with which they are too many.
        name: String,
        /// Scalars by then.
        fields: u64,
        /// Bytes of paths by then.
        path_bytes: u64,
    },
    /// Too many layouts to be state.
    #[error("there are {0} layouts; the values of {LAYOUT_COLUMNS_MAX} can be state of one world")]
    Columns(usize),
    /// A text is no list of layouts.
    #[error("{place} is no type: {reason}")]
    Text {
        /// The path, or line and column.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// An entity holds no value of a layout.
    #[error("the entity {id} holds no {layout}")]
    NoRow {
        /// The entity, as it is shown.
        id: String,
        /// The layout.
        layout: String,
    },
    /// There is no layout of this name.
    #[error("there is no layout {0}")]
    NoLayout(String),
    /// A layout has no such field.
    #[error("the layout {layout} has no field {path}")]
    NoField {
        /// The layout.
        layout: String,
        /// The path that was asked for.
        path: String,
    },
    /// A value that a field cannot hold.
    #[error("{path} cannot be {given}: it is a field of the kind {}", .kind.name())]
    Value {
        /// The field.
        path: String,
        /// What it is.
        kind: ScalarKind,
        /// What it was to be.
        given: String,
    },
    /// Bytes that are no value.
    #[error("{given} bytes are no value of the layout {layout}, which has {expected}")]
    Bytes {
        /// The layout.
        layout: String,
        /// Its size.
        expected: u32,
        /// How many there were.
        given: usize,
    },
}
