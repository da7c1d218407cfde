//! Columns of numbers that are one value: rows of plain old data in one buffer, which can be moved as a whole.
//!
//! A column says which of its rows its last change has set, a bit a row: bit `i & 7` of byte `i >> 3`. A [`ColumnPair`] is
//! the committed column and the buffer of the next one, both owned, for who works on them elsewhere: another thread, a
//! device. Neither is copied; only the rows that the last change has set are brought over before single rows are written.
//!
//! Invariant: a column that is shared is never written. Left out: who carries pairs, which is `diptych-systems`.

use crate::canonical::{Canonical, put_count};
use crate::fields::{FieldError, Fields};
use bytemuck::Pod;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a column's rows.
pub const COLUMN_BYTES_MAX: usize = 1 << 30;

/// A number for each buffer's contents, so that a buffer is known again. It is not stored, and decides about work only.
static EDITIONS: AtomicU64 = AtomicU64::new(1);

/// Why there is no such column.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "a column of {rows} rows of {row_bytes} bytes is refused: a column has at most {COLUMN_BYTES_MAX} bytes"
)]
pub struct ColumnError {
    /// Rows that were asked for.
    pub rows: usize,
    /// Bytes of each.
    pub row_bytes: usize,
}

/// Rows of plain old data in one buffer; a clone shares it.
///
/// # Examples
/// ```
/// use diptych_components::column::{Column, ColumnPair};
/// let before = Column::new(vec![1.0_f64, 2.0, 3.0])?;
/// let mut pair = ColumnPair::new(&before, Column::default());
/// pair.set(1, 20.0);
/// let after = pair.finish().expect("a row was set");
/// assert_eq!(after.rows(), [1.0, 20.0, 3.0]);
/// assert_eq!(after.changed().collect::<Vec<_>>(), [1]);
/// # Ok::<(), diptych_components::column::ColumnError>(())
/// ```
pub struct Column<T>(Option<Arc<Buffer<T>>>);

struct Buffer<T> {
    rows: Vec<T>,
    /// Which rows the last change has set.
    changed: Vec<u8>,
    edition: u64,
    /// The edition from which the last change was made.
    parent: u64,
}

impl<T> Buffer<T> {
    fn blank() -> Self {
        Self { rows: Vec::new(), changed: Vec::new(), edition: 0, parent: 0 }
    }
}

impl<T> Default for Column<T> {
    /// Without rows, and without memory.
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Clone for Column<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Pod> PartialEq for Column<T> {
    fn eq(&self, other: &Self) -> bool {
        // Bits, as in what is stored: a NaN is no endless change.
        let bytes = |column: &Self| -> *const [u8] { bytemuck::cast_slice(column.rows()) };
        core::ptr::eq(bytes(self), bytes(other)) && self.marks().as_ptr() == other.marks().as_ptr()
            || bytemuck::cast_slice::<T, u8>(self.rows()) == bytemuck::cast_slice::<T, u8>(other.rows())
                && self.marks() == other.marks()
    }
}

impl<T: Pod> core::fmt::Debug for Column<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let changed = self.changed().count();
        f.debug_struct("Column").field("rows", &self.len()).field("changed", &changed).finish()
    }
}

impl<T: Pod> Column<T> {
    /// A column of these rows, all of them set.
    ///
    /// # Errors
    /// When they are more than [`COLUMN_BYTES_MAX`].
    pub fn new(rows: Vec<T>) -> Result<Self, ColumnError> {
        check(rows.len(), size_of::<T>())?;
        let mut changed = vec![0; rows.len().div_ceil(8)];
        mark_all(&mut changed, rows.len());
        Ok(Self::of(rows, changed))
    }

    fn of(rows: Vec<T>, changed: Vec<u8>) -> Self {
        let edition = EDITIONS.fetch_add(1, Ordering::Relaxed);
        Self(Some(Arc::new(Buffer { rows, changed, edition, parent: 0 })))
    }

    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &[T] {
        self.0.as_ref().map_or(&[], |buffer| &buffer.rows)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows().len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The marks of the last change, a bit a row.
    #[must_use]
    pub fn marks(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |buffer| &buffer.changed)
    }

    /// The rows that the last change has set.
    pub fn changed(&self) -> impl Iterator<Item = usize> {
        marked(self.marks())
    }
}

/// A committed column and the buffer of the next one, as one thing that can be moved to another thread.
pub struct ColumnPair<T> {
    prev: Column<T>,
    /// Nobody else has it.
    next: Arc<Buffer<T>>,
    /// Whether it holds what `prev` holds, but for rows that were set since.
    level: bool,
}

impl<T: Pod> core::fmt::Debug for ColumnPair<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ColumnPair").field("prev", &self.prev).finish_non_exhaustive()
    }
}

impl<T: Pod> ColumnPair<T> {
    /// A pair of a committed column and of a buffer that nobody needs: as a rule that of the column before. Where that one is
    /// shared, as after a frame in which nothing was set, or too small, memory is taken when something is written.
    #[must_use]
    pub fn new(prev: &Column<T>, spare: Column<T>) -> Self {
        let mut next = spare.0.unwrap_or_else(|| Arc::new(Buffer::blank()));
        if Arc::get_mut(&mut next).is_none() {
            next = Arc::new(Buffer::blank());
        }
        own(&mut next).changed.clear();
        Self { prev: prev.clone(), next, level: false }
    }

    /// The next buffer, with room for all rows and their marks.
    fn sized(&mut self) -> &mut Buffer<T> {
        let (rows, buffer) = (self.prev.len(), own(&mut self.next));
        // A buffer of another length is not that of the column before.
        if buffer.rows.len() != rows {
            buffer.rows.resize(rows, T::zeroed());
            buffer.edition = 0;
        }
        buffer.changed.resize(rows.div_ceil(8), 0);
        buffer
    }

    /// The committed rows.
    #[must_use]
    pub fn prev(&self) -> &[T] {
        self.prev.rows()
    }

    /// The committed rows and the places of the next ones, for who writes all of them; marks all.
    pub fn split(&mut self) -> (&[T], &mut [T]) {
        let buffer = self.sized();
        mark_all(&mut buffer.changed, buffer.rows.len());
        self.level = true;
        (self.prev.rows(), &mut own(&mut self.next).rows)
    }

    /// Gives a row its next value and marks it.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn set(&mut self, row: usize, value: T) {
        self.bring_over();
        let buffer = own(&mut self.next);
        buffer.rows[row] = value;
        buffer.changed[row >> 3] |= 1 << (row & 7);
    }

    /// The row as it will be.
    ///
    /// # Panics
    /// When there is no such row.
    #[must_use]
    pub fn next(&mut self, row: usize) -> T {
        self.bring_over();
        self.next.rows[row]
    }

    /// The column by what was set; `None` where nothing was.
    #[must_use]
    pub fn finish(mut self) -> Option<Column<T>> {
        if self.next.changed.iter().all(|marks| *marks == 0) {
            return None;
        }
        let parent = self.prev.0.as_ref().map_or(0, |prev| prev.edition);
        let buffer = own(&mut self.next);
        buffer.edition = EDITIONS.fetch_add(1, Ordering::Relaxed);
        buffer.parent = parent;
        Some(Column(Some(self.next)))
    }

    /// Makes the next rows those that are committed: costs what the last change has set.
    fn bring_over(&mut self) {
        if self.level {
            return;
        }
        self.level = true;
        self.sized();
        let Some(prev) = &self.prev.0 else { return };
        let buffer = own(&mut self.next);
        if buffer.edition != 0 && buffer.edition == prev.parent {
            marked(&prev.changed).for_each(|row| buffer.rows[row] = prev.rows[row]);
        } else {
            buffer.rows.copy_from_slice(&prev.rows);
        }
    }
}

fn own<T>(buffer: &mut Arc<Buffer<T>>) -> &mut Buffer<T> {
    Arc::get_mut(buffer).expect("a pair has its next buffer for itself")
}

fn check(rows: usize, row_bytes: usize) -> Result<(), ColumnError> {
    let bytes = rows.checked_mul(row_bytes.max(1));
    bytes.filter(|bytes| *bytes <= COLUMN_BYTES_MAX).map(drop).ok_or(ColumnError { rows, row_bytes })
}

fn mark_all(marks: &mut [u8], rows: usize) {
    marks.fill(u8::MAX);
    if let (Some(last), 1..) = (marks.last_mut(), rows & 7) {
        *last = (1 << (rows & 7)) - 1;
    }
}

fn marked(marks: &[u8]) -> impl Iterator<Item = usize> {
    let bits = |(byte, marks): (usize, u8)| {
        (0..8).filter(move |bit| marks >> bit & 1 == 1).map(move |bit| byte * 8 + bit)
    };
    marks.iter().copied().enumerate().filter(|(_, marks)| *marks != 0).flat_map(bits)
}

impl<T: Pod> Canonical for Column<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_count(self.len(), out);
        out.extend_from_slice(bytemuck::cast_slice(self.rows()));
        out.extend_from_slice(self.marks());
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        let count = fields.u32()? as usize;
        if count == 0 {
            return Ok(Self::default());
        }
        check(count, size_of::<T>()).map_err(|error| FieldError(error.to_string()))?;
        let rows = fields.take(count * size_of::<T>())?.chunks_exact(size_of::<T>().max(1));
        let rows: Vec<T> = rows.map(bytemuck::pod_read_unaligned).collect();
        let changed = fields.take(count.div_ceil(8))?.to_vec();
        let last = changed.last().copied().unwrap_or_default();
        if rows.len() != count || count & 7 != 0 && last >> (count & 7) != 0 {
            return Err(FieldError("a column marks rows that it has not".to_owned()));
        }
        Ok(Self::of(rows, changed))
    }
}

#[cfg(test)]
mod tests;
