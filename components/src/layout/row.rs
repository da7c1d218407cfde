//! A value of a layout as a row of state, and a change of one field of it as an object.
//!
//! Invariant: the bytes are all there is, so that equal rows have equal bytes. Which layout they are of is said by the
//! column, whose number is this process's own; what is stored names the layout.

use super::{LAYOUT_BYTES_MAX, Scalar};
use crate::fields::FieldError;
use crate::slp::{Kind, Object, View};
use std::sync::Arc;

/// Layouts whose values are state of one world.
pub const LAYOUT_COLUMNS_MAX: usize = 16;

/// A value of the layout that has this column.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Row<const COLUMN: usize>(Arc<[u8]>);

impl<const COLUMN: usize> Row<COLUMN> {
    /// The value with these bytes.
    #[must_use]
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        Self(bytes.into())
    }

    /// Its bytes, shared with every copy of the row.
    #[must_use]
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.0
    }

    /// Appends its bytes, which are just those of the value.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    /// The row with these bytes.
    ///
    /// # Errors
    /// When they are more than a layout may have.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        if bytes.len() > LAYOUT_BYTES_MAX as usize {
            return Err(FieldError(format!("{} bytes are more than {LAYOUT_BYTES_MAX}", bytes.len())));
        }
        Ok(Self::new(bytes))
    }
}

/// That a field of a row is to have another value: what the owner of the rows is told.
#[derive(Clone, PartialEq, Debug)]
pub struct FieldSet {
    /// The bits of the entity's `Id`.
    pub id: u64,
    /// The name of the layout.
    pub layout: String,
    /// The path of the field.
    pub path: String,
    /// What it is to be.
    pub value: Scalar,
}

impl FieldSet {
    /// As an object: `[id "layout" "path" value]`.
    #[must_use]
    pub fn to_object(&self) -> Object {
        let value = match self.value {
            Scalar::Integer(integer) => Object::integer(integer),
            Scalar::Real(real) => Object::real(real),
            Scalar::Bool(truth) => Object::boolean(truth),
        };
        let (layout, path) = (Object::string(&self.layout), Object::string(&self.path));
        Object::list(Kind::Bracket, [&Object::integer(self.id.cast_signed()), &layout, &path, &value])
    }

    /// The change that an object says; `None` where it says none.
    #[must_use]
    pub fn from_view(object: View<'_>) -> Option<Self> {
        if object.kind() != Kind::Bracket || object.len() != 4 {
            return None;
        }
        let text = |index| Some(str::from_utf8(object.get(index)?.string()?).ok()?.to_owned());
        let value = object.get(3)?;
        let integer = value.integer().map(Scalar::Integer);
        let real = || value.real().map(Scalar::Real);
        let truth = || match value.symbol()? {
            b"true" => Some(Scalar::Bool(true)),
            b"false" => Some(Scalar::Bool(false)),
            _ => None,
        };
        Some(Self {
            id: object.get(0)?.integer()?.cast_unsigned(),
            layout: text(1)?,
            path: text(2)?,
            value: integer.or_else(real).or_else(truth)?,
        })
    }
}
