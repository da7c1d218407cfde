//! Bytes of what is stored beside fixed rows: plain old data as it lies, fields in their order, and back.
//!
//! Invariant: no bytes make a reader panic, or allocate more than they hold.

use super::{Codec, CodecError};
use bytemuck::Pod;

/// Plain old data is its own bytes.
pub(crate) struct PlainBytes;

impl<T: Pod> Codec<T> for PlainBytes {
    fn encode(value: &T, out: &mut Vec<u8>) {
        out.extend_from_slice(bytemuck::bytes_of(value));
    }

    fn decode(bytes: &[u8]) -> Result<T, CodecError> {
        bytemuck::try_pod_read_unaligned(bytes).map_err(|_| {
            CodecError::new(format_args!("{} bytes where a value has {}", bytes.len(), size_of::<T>()))
        })
    }
}

/// Appends bytes behind their length.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("names, requests, answers and messages are bounded");
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(bytes);
}

/// Reads fields in their order.
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], CodecError> {
        let cut = || CodecError::new(format_args!("{} bytes are left where {count} should be", self.0.len()));
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(cut)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        Ok(self.take(N)?.try_into().expect("as many were taken"))
    }

    pub(crate) fn u8(&mut self) -> Result<u8, CodecError> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u32(&mut self) -> Result<u32, CodecError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, CodecError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], CodecError> {
        let length = self.u32()?;
        self.take(length as usize)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, CodecError> {
        core::str::from_utf8(self.bytes()?).map_err(CodecError::new)
    }

    pub(crate) fn end(&self) -> Result<(), CodecError> {
        match self.0.len() {
            0 => Ok(()),
            left => Err(CodecError::new(format_args!("{left} bytes are left over"))),
        }
    }
}
