//! Where the fields of a type lie, and values of it as bytes.
//!
//! Invariant: bytes are looked at only where they are as many as a value has. Any bits are a value, so that what is
//! stored can always be read.

use super::{LayoutError, Scalar, ScalarKind};
use std::collections::BTreeMap;

/// Where the fields of one type lie.
#[derive(Clone, PartialEq, Debug)]
pub struct Layout {
    pub(super) name: String,
    pub(super) size: u32,
    pub(super) align: u32,
    /// By offset.
    pub(super) fields: Vec<Field>,
    /// Places in `fields` by path.
    pub(super) places: BTreeMap<String, u32>,
}

/// A scalar in a value.
#[derive(Clone, PartialEq, Debug)]
pub struct Field {
    /// How it is asked for, as `at.x` or `trail[3].y`; empty where the whole value is a scalar.
    pub path: String,
    /// Bytes before it.
    pub offset: u32,
    /// What it is.
    pub kind: ScalarKind,
}

impl Layout {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of a value; a multiple of the alignment.
    #[must_use]
    pub fn size(&self) -> u32 {
        self.size
    }

    /// What the offset of a value must be a multiple of.
    #[must_use]
    pub fn align(&self) -> u32 {
        self.align
    }

    /// Every scalar by offset.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The scalar at a path.
    ///
    /// # Errors
    /// When there is none.
    pub fn field(&self, path: &str) -> Result<&Field, LayoutError> {
        let place = self.places.get(path).map(|place| &self.fields[*place as usize]);
        place.ok_or_else(|| LayoutError::NoField { layout: self.name.clone(), path: path.to_owned() })
    }

    /// Every scalar as a column of its own, by offset: `at.x` is `at_x`, `trail[3].y` is `trail_3_y`.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = (String, ScalarKind)> {
        self.fields.iter().map(|field| (column(&field.path), field.kind))
    }

    /// What stands in the field at `path` of the value `bytes`.
    ///
    /// # Errors
    /// When there is no such field, or the bytes are no value.
    pub fn read(&self, bytes: &[u8], path: &str) -> Result<Scalar, LayoutError> {
        self.check_bytes(bytes)?;
        Ok(self.field(path)?.read(bytes))
    }

    /// Writes the field at `path` of the value `bytes`.
    ///
    /// # Errors
    /// When there is no such field, the bytes are no value, or the field cannot hold this.
    pub fn write(&self, bytes: &mut [u8], path: &str, value: Scalar) -> Result<(), LayoutError> {
        self.check_bytes(bytes)?;
        self.field(path)?.write(bytes, value)
    }

    /// A value with these fields; those that are missing are 0.
    ///
    /// # Errors
    /// When there is no such field, or it cannot hold what it is to.
    pub fn pack<'a>(
        &self,
        fields: impl IntoIterator<Item = (&'a str, Scalar)>,
    ) -> Result<Vec<u8>, LayoutError> {
        let mut bytes = vec![0; self.size as usize];
        fields.into_iter().try_for_each(|(path, value)| self.write(&mut bytes, path, value))?;
        Ok(bytes)
    }

    /// Every field of the value `bytes` by offset.
    ///
    /// # Errors
    /// When the bytes are no value.
    pub fn unpack<'a>(
        &'a self,
        bytes: &'a [u8],
    ) -> Result<impl ExactSizeIterator<Item = (&'a str, Scalar)>, LayoutError> {
        self.check_bytes(bytes)?;
        Ok(self.fields.iter().map(|field| (field.path.as_str(), field.read(bytes))))
    }

    /// Whether so many bytes are a value; any bits of them are one.
    ///
    /// # Errors
    /// When they are not.
    pub fn check_bytes(&self, bytes: &[u8]) -> Result<(), LayoutError> {
        if bytes.len() == self.size as usize {
            return Ok(());
        }
        Err(LayoutError::Bytes { layout: self.name.clone(), expected: self.size, given: bytes.len() })
    }
}

impl Field {
    /// What stands in this field of a value.
    ///
    /// # Panics
    /// When the bytes end before it.
    #[must_use]
    pub fn read(&self, bytes: &[u8]) -> Scalar {
        let start = self.offset as usize;
        Scalar::read(self.kind, &bytes[start..start + self.kind.size() as usize])
    }

    /// Writes this field of a value.
    ///
    /// # Errors
    /// When it cannot hold this.
    ///
    /// # Panics
    /// When the bytes end before it.
    pub fn write(&self, bytes: &mut [u8], value: Scalar) -> Result<(), LayoutError> {
        let (start, size) = (self.offset as usize, self.kind.size() as usize);
        bytes[start..start + size].copy_from_slice(&self.encode(value)?[..size]);
        Ok(())
    }

    /// The bytes of a value in this field, and zeros behind them.
    ///
    /// # Errors
    /// When it cannot hold this.
    pub fn encode(&self, value: Scalar) -> Result<[u8; 8], LayoutError> {
        let bytes = value.to_bytes(self.kind);
        bytes.ok_or_else(|| LayoutError::Value {
            path: self.path.clone(),
            kind: self.kind,
            given: value.to_string(),
        })
    }
}

/// The name of a field as a column.
pub(super) fn column(path: &str) -> String {
    path.chars()
        .filter(|letter| *letter != ']')
        .map(|letter| if letter == '.' || letter == '[' { '_' } else { letter })
        .collect()
}
