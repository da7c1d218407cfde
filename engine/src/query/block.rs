//! What a loop hands to a system: one row of an owned type, or a run of rows as slices.
//!
//! Invariant: a row's value and its mark are borrowed together, so two writers of one row do not compile. A
//! run handed out for writing marks all its rows. Which rows a loop visits is decided in `loops`.

#![expect(unsafe_code, reason = "a block hands out each of its rows once")]

use crate::buffer::raw::Ordering;
use crate::buffer::{Kind, PAGE_ROWS, PAGE_SHIFT, Side, State, Typed};

/// One row of a type that the system owns: the last committed value, and the place of the next one.
///
/// A row that is neither set nor carried keeps its value (a type with strict coverage refuses that instead).
#[derive(Debug)]
pub struct NextRow<'w, 's, T: State> {
    pub(super) prev: &'w T,
    pub(super) next: &'w mut T,
    pub(super) mark: &'w mut u8,
    pub(super) stamp: u8,
    pub(super) typed: &'s Typed<T>,
}

impl<'w, T: State> NextRow<'w, '_, T> {
    /// The value at the last commit.
    #[inline(always)]
    pub fn prev(&self) -> &'w T {
        self.prev
    }

    /// Gives the row its next value and marks it changed.
    ///
    /// Setting a row twice in a frame keeps the last value; debug builds count it and report it at the
    /// commit (`Stats::rows_set_twice`).
    #[inline(always)]
    pub fn set(&mut self, value: T) {
        if cfg!(debug_assertions) && *self.mark == self.stamp | Kind::Changed as u8 {
            self.typed.twice.fetch_add(1, Ordering::Relaxed);
        }
        *self.next = value;
        *self.mark = self.stamp | Kind::Changed as u8;
    }

    /// The same, and gives what stood in the place of the next value, for who has a use for its memory.
    ///
    /// What it says is nobody's business: as a rule the value of two frames ago, after a restart another.
    #[inline]
    pub fn exchange(&mut self, value: T) -> T {
        let old = core::mem::replace(self.next, value);
        *self.mark = self.stamp | Kind::Changed as u8;
        old
    }

    /// Keeps the value: the row counts as covered and not as changed.
    ///
    /// After a `set` in the same frame, the row is set back to its last committed value; a row of a transient type
    /// becomes blank.
    #[inline(always)]
    pub fn carry(&mut self) {
        if *self.mark == self.stamp | Kind::Changed as u8 {
            self.typed.unset(self.prev, self.next);
        }
        *self.mark = self.stamp | Kind::Carried as u8;
    }

    /// Sets the row when `value` differs from the last committed one, and carries it otherwise.
    ///
    /// Plain old data is compared bit by bit, so that a NaN is no endless change; other types by their own
    /// equality. A transient value of the last frame is no reason to leave this frame's out: it is always set.
    /// Answers whether the row was set.
    #[inline(always)]
    pub fn set_if_changed(&mut self, value: T) -> bool {
        if !self.typed.transient && (self.typed.io.equal)(self.prev, &value) {
            self.carry();
            return false;
        }
        self.set(value);
        true
    }
}

/// A run of rows of a type that the system owns, as slices.
#[derive(Debug)]
pub struct NextBlock<'w, 's, T: State> {
    pub(super) prev: &'w [T],
    pub(super) next: &'w mut [T],
    pub(super) marks: &'w mut [u8],
    pub(super) side: &'w Side,
    /// The table row of the block's first row.
    pub(super) start: usize,
    pub(super) table_rows: usize,
    pub(super) stamp: u8,
    pub(super) typed: &'s Typed<T>,
}

impl<'w, T: State> NextBlock<'w, '_, T> {
    /// The values at the last commit, one a row.
    #[inline]
    pub fn prev(&self) -> &'w [T] {
        self.prev
    }

    /// The last committed values and the places of the next ones; marks the whole block as changed.
    ///
    /// Every row must be written: what stands in an unwritten place is a value from two frames ago (in debug
    /// builds the previous one), and after a restart another. Use
    /// [`NextBlock::set`] where only some rows change.
    #[inline]
    pub fn split(&mut self) -> (&'w [T], &mut [T]) {
        if cfg!(debug_assertions) {
            self.count_twice();
            // An unwritten place is a mistake; in a debug build it at least holds the previous value.
            self.next.clone_from_slice(self.prev);
        }
        self.mark_all();
        (self.prev, self.next)
    }

    /// Sets one row; `row` counts from the block's first.
    ///
    /// # Panics
    /// When the block has no such row.
    #[inline]
    pub fn set(&mut self, row: usize, value: T) {
        self.touch_page(row);
        if cfg!(debug_assertions) && self.marks[row] == self.stamp | Kind::Changed as u8 {
            self.typed.twice.fetch_add(1, Ordering::Relaxed);
        }
        self.next[row] = value;
        self.marks[row] = self.stamp | Kind::Changed as u8;
    }

    /// Sets these rows in one go (bulk marking for packed writers): `write` gets the previous value and the
    /// place of the next one, which holds the previous value.
    ///
    /// # Panics
    /// When the block does not have these rows.
    pub fn set_rows(&mut self, rows: core::ops::Range<usize>, mut write: impl FnMut(&T, &mut T)) {
        for row in rows {
            self.touch_page(row);
            self.next[row].clone_from(&self.prev[row]);
            write(&self.prev[row], &mut self.next[row]);
            self.marks[row] = self.stamp | Kind::Changed as u8;
        }
    }

    /// Counts rows that were set in this frame before, as far as their own marks say.
    fn count_twice(&self) {
        let set = self.stamp | Kind::Changed as u8;
        let rows = self.marks.iter().filter(|mark| **mark == set).count();
        self.typed.twice.fetch_add(rows as u64, Ordering::Relaxed);
    }

    fn touch_page(&self, row: usize) {
        self.side.touch_page((self.start + row) >> PAGE_SHIFT, self.stamp);
    }

    /// Marks every page of the block as touched, for a loop over its rows.
    fn touch_all(&mut self) {
        (0..self.prev.len()).step_by(PAGE_ROWS).for_each(|row| self.touch_page(row));
        if let Some(last) = self.prev.len().checked_sub(1) {
            self.touch_page(last);
        }
    }

    fn mark_all(&mut self) {
        let end = self.start + self.prev.len();
        let whole =
            self.start.is_multiple_of(PAGE_ROWS) && (end.is_multiple_of(PAGE_ROWS) || end == self.table_rows);
        if whole {
            self.side.set_pages(self.start >> PAGE_SHIFT..end.div_ceil(PAGE_ROWS), self.stamp);
        } else {
            self.touch_all();
            self.marks.fill(self.stamp | Kind::Changed as u8);
        }
    }
}

/// A run of rows that can be split for parallel loops and looped over row by row.
///
/// Implemented for what the engine's query data hands out packed, and for tuples of it.
pub trait Block: Send + Sized {
    /// What one row looks like; the item of the same query data.
    type Row;

    /// Bytes of a row, about: a parallel loop makes blocks of wide rows shorter.
    const ROW_BYTES: usize;

    /// Rows in the block.
    fn len(&self) -> usize;

    /// Whether the block has no rows.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first `rows` rows, and the rest.
    fn split_at(self, rows: usize) -> (Self, Self);

    /// Prepares the block for `row`: marks that rows of it will be written one by one.
    fn begin_rows(&mut self);

    /// One row of the block.
    ///
    /// # Safety
    /// `row < len()`, and no row is asked for twice.
    unsafe fn row(&mut self, row: usize) -> Self::Row;
}

impl<'w, T: Sync> Block for &'w [T] {
    type Row = &'w T;
    const ROW_BYTES: usize = size_of::<T>();

    fn len(&self) -> usize {
        <[T]>::len(self)
    }

    fn split_at(self, rows: usize) -> (Self, Self) {
        <[T]>::split_at(self, rows)
    }

    fn begin_rows(&mut self) {}

    #[inline(always)]
    unsafe fn row(&mut self, row: usize) -> &'w T {
        // SAFETY: the caller promises that the row exists.
        unsafe { self.get_unchecked(row) }
    }
}

impl<'w, 's, T: State> Block for NextBlock<'w, 's, T> {
    type Row = NextRow<'w, 's, T>;
    const ROW_BYTES: usize = 2 * size_of::<T>() + 1;

    fn len(&self) -> usize {
        self.prev.len()
    }

    fn split_at(self, rows: usize) -> (Self, Self) {
        let (prev, prev_rest) = self.prev.split_at(rows);
        let (next, next_rest) = self.next.split_at_mut(rows);
        let (marks, marks_rest) = self.marks.split_at_mut(rows);
        let rest = NextBlock {
            prev: prev_rest,
            next: next_rest,
            marks: marks_rest,
            start: self.start + rows,
            ..self
        };
        (NextBlock { prev, next, marks, start: self.start, ..rest }, rest)
    }

    fn begin_rows(&mut self) {
        self.touch_all();
    }

    #[inline(always)]
    unsafe fn row(&mut self, row: usize) -> NextRow<'w, 's, T> {
        // SAFETY: the caller promises that the row exists.
        let prev = unsafe { self.prev.get_unchecked(row) };
        let next = self.next.as_mut_ptr();
        // SAFETY: as above.
        let next = unsafe { next.add(row) };
        // SAFETY: the block borrows the row for 'w, and the caller asks for it once.
        let next = unsafe { &mut *next };
        let mark = self.marks.as_mut_ptr();
        // SAFETY: there is a mark for each row.
        let mark = unsafe { mark.add(row) };
        // SAFETY: the block borrows the mark for 'w, and the caller asks for it once.
        let mark = unsafe { &mut *mark };
        NextRow { prev, next, mark, stamp: self.stamp, typed: self.typed }
    }
}

impl<B: Block> Block for Option<B> {
    type Row = Option<B::Row>;
    const ROW_BYTES: usize = B::ROW_BYTES;

    fn len(&self) -> usize {
        // A block that is not there goes along with any other.
        self.as_ref().map_or(usize::MAX, Block::len)
    }

    fn split_at(self, rows: usize) -> (Self, Self) {
        self.map_or((None, None), |block| {
            let (first, rest) = block.split_at(rows);
            (Some(first), Some(rest))
        })
    }

    fn begin_rows(&mut self) {
        if let Some(block) = self {
            block.begin_rows();
        }
    }

    #[inline(always)]
    unsafe fn row(&mut self, row: usize) -> Option<B::Row> {
        // SAFETY: the caller's promise.
        self.as_mut().map(|block| unsafe { block.row(row) })
    }
}

/// Whether the rows of a block hold a type; what `Has` hands out packed.
#[derive(Debug, Clone, Copy)]
pub struct HeldBlock(pub bool);

impl Block for HeldBlock {
    type Row = bool;
    const ROW_BYTES: usize = 0;

    fn len(&self) -> usize {
        usize::MAX
    }

    fn split_at(self, _: usize) -> (Self, Self) {
        (self, self)
    }

    fn begin_rows(&mut self) {}

    #[inline(always)]
    unsafe fn row(&mut self, _: usize) -> bool {
        self.0
    }
}

macro_rules! tuple_block {
    ($($block:ident $value:ident $rest:ident),+) => {
        impl<$($block: Block),+> Block for ($($block,)+) {
            type Row = ($($block::Row,)+);
            const ROW_BYTES: usize = 0 $(+ $block::ROW_BYTES)+;

            fn len(&self) -> usize {
                let ($($value,)+) = self;
                usize::MAX $(.min($value.len()))+
            }

            fn split_at(self, rows: usize) -> (Self, Self) {
                let ($($value,)+) = self;
                $(let ($value, $rest) = $value.split_at(rows);)+
                (($($value,)+), ($($rest,)+))
            }

            fn begin_rows(&mut self) {
                let ($($value,)+) = self;
                $($value.begin_rows();)+
            }

            #[inline(always)]
            unsafe fn row(&mut self, row: usize) -> Self::Row {
                let ($($value,)+) = self;
                // SAFETY: the caller's promise, for each part of the tuple.
                ($(unsafe { $value.row(row) },)+)
            }
        }
    };
}

tuple_block!(A a ar);
tuple_block!(A a ar, B b br);
tuple_block!(A a ar, B b br, C c cr);
tuple_block!(A a ar, B b br, C c cr, D d dr);
tuple_block!(A a ar, B b br, C c cr, D d dr, E e er);
tuple_block!(A a ar, B b br, C c cr, D d dr, E e er, F f fr);
tuple_block!(A a ar, B b br, C c cr, D d dr, E e er, F f fr, G g gr);
tuple_block!(A a ar, B b br, C c cr, D d dr, E e er, F f fr, G g gr, H h hr);
tuple_block!(A a ar, B b br, C c cr, D d dr, E e er, F f fr, G g gr, H h hr, I i ir);
tuple_block!(A a ar, B b br, C c cr, D d dr, E e er, F f fr, G g gr, H h hr, I i ir, J j jr);
tuple_block!(A a ar, B b br, C c cr, D d dr, E e er, F f fr, G g gr, H h hr, I i ir, J j jr, K k kr);
tuple_block!(A a ar, B b br, C c cr, D d dr, E e er, F f fr, G g gr, H h hr, I i ir, J j jr, K k kr, L l lr);
tuple_block!(A a ar, B b br, C c cr, D d dr, E e er, F f fr, G g gr, H h hr, I i ir, J j jr, K k kr, L l lr, M m mr);
tuple_block!(A a ar, B b br, C c cr, D d dr, E e er, F f fr, G g gr, H h hr, I i ir, J j jr, K k kr, L l lr, M m mr, N n nr);
tuple_block!(A a ar, B b br, C c cr, D d dr, E e er, F f fr, G g gr, H h hr, I i ir, J j jr, K k kr, L l lr, M m mr, N n nr, O o or);
