//! Fields that agents' values share, as bytes.
//!
//! Invariant: as that of [`crate::fields`]; lists and texts have limits that a reader refuses to pass.

use crate::fields::{FieldError, Fields, put_bytes, put_u32};

/// Appends a text behind its length, cut to `most` bytes: what is written can be read.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str, most: usize) {
    put_bytes(out, &text.as_bytes()[..text.floor_char_boundary(most)]);
}

/// Appends the first `most` items of a list behind their number.
pub(super) fn put_list<T>(out: &mut Vec<u8>, list: &[T], most: usize, mut put: impl FnMut(&mut Vec<u8>, &T)) {
    let list = &list[..list.len().min(most)];
    put_u32(out, u32::try_from(list.len()).expect("lists are bounded far below"));
    list.iter().for_each(|item| put(out, item));
}

/// Reads a text of at most `most` bytes.
pub(super) fn text(fields: &mut Fields<'_>, most: usize) -> Result<String, FieldError> {
    let text = fields.text()?;
    if text.len() > most {
        return Err(FieldError(format!("a text has {} bytes, more than the limit of {most}", text.len())));
    }
    Ok(text.to_owned())
}

/// Reads a list of at most `most` items.
pub(super) fn list<T>(
    fields: &mut Fields<'_>,
    most: usize,
    mut item: impl FnMut(&mut Fields<'_>) -> Result<T, FieldError>,
) -> Result<Vec<T>, FieldError> {
    let count = fields.u32()? as usize;
    if count > most {
        return Err(FieldError(format!("a list has {count} items, more than the limit of {most}")));
    }
    (0..count).map(|_| item(fields)).collect()
}

/// Reads a yes or no.
pub(super) fn flag(fields: &mut Fields<'_>) -> Result<bool, FieldError> {
    match fields.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(FieldError(format!("{other} is neither 0 nor 1"))),
    }
}

/// Reads a code that must be one of `count`.
pub(super) fn code(fields: &mut Fields<'_>, count: usize, what: &str) -> Result<u32, FieldError> {
    let code = fields.u32()?;
    if code as usize >= count {
        return Err(FieldError(format!("{code} is no {what}")));
    }
    Ok(code)
}

/// Reads a value that must be all there is.
pub(super) fn whole<T>(
    bytes: &[u8],
    value: impl FnOnce(&mut Fields<'_>) -> Result<T, FieldError>,
) -> Result<T, FieldError> {
    let mut fields = Fields(bytes);
    let value = value(&mut fields)?;
    fields.end()?;
    Ok(value)
}

/// `encode` and `decode` of a type with `put(&self, &mut Vec<u8>)` and `read(&mut Fields)`.
macro_rules! coded {
    ($($name:ty),+ $(,)?) => {$(
        impl $name {
            /// Its bytes.
            pub fn encode(&self, out: &mut Vec<u8>) {
                self.put(out);
            }

            /// Reads it back.
            ///
            /// # Errors
            /// When the bytes are none, or pass a limit.
            pub fn decode(bytes: &[u8]) -> Result<Self, $crate::fields::FieldError> {
                $crate::agent::fields::whole(bytes, Self::read)
            }
        }
    )+};
}

pub(super) use coded;

/// The longest beginning of a text of at most `most` bytes.
pub(super) fn cut(mut text: String, most: usize) -> String {
    text.truncate(text.floor_char_boundary(most));
    text
}
