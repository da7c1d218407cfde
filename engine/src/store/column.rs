//! A column of a table as bytes.

/// All values of one type in one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// Rows of `size` bytes one after the other.
    Fixed {
        /// Bytes per row; 0 for a tag.
        size: u32,
        /// All rows.
        bytes: Vec<u8>,
    },
    /// One blob per row.
    Variable {
        /// All rows.
        blobs: Vec<Box<[u8]>>,
    },
}

impl Column {
    /// The bytes of a row.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[u8] {
        match self {
            Self::Fixed { size, bytes } => {
                let size = *size as usize;
                &bytes[row * size..(row + 1) * size]
            }
            Self::Variable { blobs } => &blobs[row],
        }
    }

    /// Puts the rows of another column of the same kind behind its own.
    pub(crate) fn append(&mut self, other: Self) {
        match (self, other) {
            (Self::Fixed { bytes, .. }, Self::Fixed { bytes: mut more, .. }) => bytes.append(&mut more),
            (Self::Variable { blobs }, Self::Variable { blobs: mut more }) => blobs.append(&mut more),
            _ => unreachable!("both columns were made from the same entry of the catalog"),
        }
    }

    pub(crate) fn resize(&mut self, rows: u32) -> Result<(), String> {
        let rows = rows as usize;
        match self {
            Self::Fixed { size, bytes } => {
                let wanted = rows.checked_mul(*size as usize).ok_or("a column larger than the memory")?;
                let more = wanted.saturating_sub(bytes.len());
                bytes.try_reserve(more).map_err(|_| format!("no memory for {wanted} bytes of a column"))?;
                bytes.resize(wanted, 0);
            }
            Self::Variable { blobs } => {
                let more = rows.saturating_sub(blobs.len());
                blobs.try_reserve(more).map_err(|_| format!("no memory for {rows} rows of a column"))?;
                blobs.resize_with(rows, Box::default);
            }
        }
        Ok(())
    }

    /// Rows beyond the end are none: a record that does not fit leaves such a wish behind.
    pub(super) fn blank(&mut self, first: u32, count: u32) {
        let (first, end) = (first as usize, first as usize + count as usize);
        match self {
            Self::Fixed { size, bytes } => {
                let (size, length) = (*size as usize, bytes.len());
                bytes[(first * size).min(length)..(end * size).min(length)].fill(0);
            }
            Self::Variable { blobs } => {
                let length = blobs.len();
                blobs[first.min(length)..end.min(length)].fill_with(Box::default);
            }
        }
    }

    /// `last` is the index of the last row and the number of rows afterwards.
    pub(super) fn swap_remove(&mut self, row: u32, last: u32) {
        match self {
            Self::Fixed { size, bytes } => {
                let (size, row, last) = (*size as usize, row as usize, last as usize);
                bytes.copy_within(last * size..(last + 1) * size, row * size);
                bytes.truncate(last * size);
            }
            Self::Variable { blobs } => drop(blobs.swap_remove(row as usize)),
        }
    }

    pub(super) fn copy_row(&mut self, to: u32, source: &Self, from: u32) {
        match (self, source) {
            (Self::Fixed { size, bytes }, Self::Fixed { bytes: source, .. }) => {
                let (size, to, from) = (*size as usize, to as usize, from as usize);
                bytes[to * size..(to + 1) * size].copy_from_slice(&source[from * size..(from + 1) * size]);
            }
            (Self::Variable { blobs }, Self::Variable { blobs: source }) => {
                blobs[to as usize].clone_from(&source[from as usize]);
            }
            _ => unreachable!("both columns were made from the same entry of the catalog"),
        }
    }
}
