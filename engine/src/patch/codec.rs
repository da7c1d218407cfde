//! Patches as bytes: equal patches give equal bytes, and no bytes make the reader panic.
//!
//! A count u32, then for each: kind u8 (1 set, 2 add, 3 add blank, 4 remove, 5 destroy), `Id` u64, the name behind its
//! length u32 where there is one, the value behind its length u32 where there is one.

use super::{Patch, Patches};
use crate::buffer::{Codec, CodecError, Cursor, put_bytes};
use crate::id::Id;

/// Encodes what is sent: the number u64, then the patches.
pub(crate) struct PatchCodec;

impl Codec<Patches> for PatchCodec {
    fn encode(patches: &Patches, out: &mut Vec<u8>) {
        out.extend_from_slice(&patches.number.to_le_bytes());
        put(&patches.list, out);
    }

    fn decode(bytes: &[u8]) -> Result<Patches, CodecError> {
        let mut cursor = Cursor(bytes);
        let number = cursor.u64()?;
        Ok(Patches { number, list: get(cursor.0)? })
    }
}

pub(super) fn put(patches: &[Patch], out: &mut Vec<u8>) {
    let count = u32::try_from(patches.len()).expect("patches are fewer than inputs have bytes");
    out.extend_from_slice(&count.to_le_bytes());
    for patch in patches {
        let (kind, value) = match patch {
            Patch::Set { value, .. } => (1, Some(value)),
            Patch::Add { value: Some(value), .. } => (2, Some(value)),
            Patch::Add { value: None, .. } => (3, None),
            Patch::Remove { .. } => (4, None),
            Patch::Destroy { .. } => (5, None),
        };
        out.push(kind);
        out.extend_from_slice(&patch.id().bits().to_le_bytes());
        patch.component().into_iter().for_each(|name| put_bytes(out, name.as_bytes()));
        value.into_iter().for_each(|value| put_bytes(out, value));
    }
}

pub(super) fn get(bytes: &[u8]) -> Result<Vec<Patch>, CodecError> {
    let mut cursor = Cursor(bytes);
    let mut patches = Vec::new();
    for number in 0..cursor.u32()? {
        let patch = one(&mut cursor);
        patches.push(patch.map_err(|error| CodecError::new(format_args!("patch {number}: {error}")))?);
    }
    cursor.end()?;
    Ok(patches)
}

fn one(cursor: &mut Cursor<'_>) -> Result<Patch, CodecError> {
    let kind = cursor.u8()?;
    let id = Id::from_bits(cursor.u64()?);
    if kind == 5 {
        return Ok(Patch::Destroy { id });
    }
    let component = cursor.text()?.to_owned();
    Ok(match kind {
        1 => Patch::Set { id, component, value: cursor.bytes()?.to_vec() },
        2 => Patch::Add { id, component, value: Some(cursor.bytes()?.to_vec()) },
        3 => Patch::Add { id, component, value: None },
        4 => Patch::Remove { id, component },
        other => return Err(CodecError::new(format_args!("{other} is no kind of patch"))),
    })
}
