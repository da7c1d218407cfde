//! Fields of stored values as bytes, in their order, and back; integers little-endian.
//!
//! Invariant: no bytes make a reader panic, or allocate more than they hold.

/// Why bytes are not a value; a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FieldError(pub String);

/// Appends bytes behind their length, a `u32`.
///
/// # Panics
/// When there are 4 GiB or more; what is stored is bounded far below.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u32(out, u32::try_from(bytes.len()).expect("what is stored is bounded far below 4 GiB"));
    out.extend_from_slice(bytes);
}

/// Appends four bytes.
pub fn put_u32(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_le_bytes());
}

/// Appends eight bytes.
pub fn put_u64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

/// Reads fields in their order.
#[derive(Debug)]
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    /// The next `count` bytes.
    ///
    /// # Errors
    /// When fewer are left; so do all that follow.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], FieldError> {
        let left = self.0.len();
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or_else(|| FieldError(format!("{left} bytes are left where {count} should be")))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FieldError> {
        Ok(self.take(N)?.try_into().expect("as many were taken"))
    }

    /// A byte.
    #[expect(clippy::missing_errors_doc, reason = "as `take`")]
    pub fn u8(&mut self) -> Result<u8, FieldError> {
        Ok(self.array::<1>()?[0])
    }

    /// Two bytes.
    #[expect(clippy::missing_errors_doc, reason = "as `take`")]
    pub fn u16(&mut self) -> Result<u16, FieldError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// Four bytes.
    #[expect(clippy::missing_errors_doc, reason = "as `take`")]
    pub fn u32(&mut self) -> Result<u32, FieldError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// Eight bytes.
    #[expect(clippy::missing_errors_doc, reason = "as `take`")]
    pub fn u64(&mut self) -> Result<u64, FieldError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// Bytes behind their length.
    #[expect(clippy::missing_errors_doc, reason = "as `take`")]
    pub fn bytes(&mut self) -> Result<&'a [u8], FieldError> {
        let length = self.u32()?;
        self.take(length as usize)
    }

    /// UTF-8 behind its length.
    ///
    /// # Errors
    /// As [`Fields::take`], and when it is not UTF-8.
    pub fn text(&mut self) -> Result<&'a str, FieldError> {
        core::str::from_utf8(self.bytes()?).map_err(|error| FieldError(error.to_string()))
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// When something is.
    pub fn end(&self) -> Result<(), FieldError> {
        match self.0.len() {
            0 => Ok(()),
            left => Err(FieldError(format!("{left} bytes are left over"))),
        }
    }
}
