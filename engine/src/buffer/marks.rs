//! Marks of one buffered type in one table: which rows were set, added or carried in a frame.
//!
//! Layout, per slot (there are two, as of the values): one byte a row (`stamp | kind`), one byte a page of
//! [`PAGE_ROWS`] rows (`stamp | class`), and three stamps for the whole table. A mark with another stamp
//! than its slot's is an old one and means nothing, so nothing is cleared between stamp wraps.
//!
//! Invariant: after [`TableMarks::resolve`] the changed rows of a slot can be found from its pages alone.
//! Rows are written through raw pointers by the query data (`query/next.rs`), one byte by one owner; pages
//! are shared by several rows and are atomics. The values themselves are left to `buffer/typed.rs`.

#[cfg(all(test, not(diptych_loom)))]
mod tests;

use super::raw::{self, AtomicBool, AtomicU8, Ordering};
use std::ops::Range;

/// Rows of a page: what a sparse write makes the commit look at.
pub(crate) const PAGE_ROWS: usize = 1 << PAGE_SHIFT;
/// `row >> PAGE_SHIFT` is the row's page.
pub(crate) const PAGE_SHIFT: u32 = 8;

/// What happened to a row in a frame; the low two bits of its mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Covered by its owner without a change.
    Carried = 0,
    /// Set by its owner or by an input.
    Changed = 1,
    /// Inserted in this commit, which is also a change.
    Added = 2,
    /// Not touched.
    Untouched = 3,
}

/// Page classes: the low two bits of a page's byte.
pub(crate) const PAGE_NONE: u8 = 0;
/// The row bytes of the page decide.
pub(crate) const PAGE_TOUCHED: u8 = 1;
/// Every row of the page was set; its row bytes are not looked at.
pub(crate) const PAGE_ALL: u8 = 2;

/// The marks of one type in one table.
#[derive(Debug, Default)]
pub(crate) struct TableMarks {
    pub(crate) rows: usize,
    pub(crate) sides: [Side; 2],
    /// Pages whose rows differ from what the digest cache saw.
    pub(crate) stale: Stale,
    /// The digest cache: one wrapping sum of row hashes a page; owned by `digest`.
    pub(crate) sums: Vec<u128>,
}

/// The marks that belong to one slot.
#[derive(Debug, Default)]
pub(crate) struct Side {
    pub(crate) marks: Vec<AtomicU8>,
    pub(crate) pages: Vec<AtomicU8>,
    /// Stamp of the last frame in which the whole table was looped over for writing.
    pub(crate) scanned: AtomicU8,
    /// Stamp of the last frame in which single pages were touched.
    pub(crate) paged: AtomicU8,
    /// Stamp of the last frame in which every row was set (known after `resolve`).
    pub(crate) all: AtomicU8,
}

/// Pages whose digest must be computed anew.
#[derive(Debug, Default)]
pub(crate) struct Stale {
    pub(crate) all: AtomicBool,
    pub(crate) pages: Vec<AtomicBool>,
}

impl Side {
    /// Whether anything may have been written under `stamp`.
    pub(crate) fn touched(&self, stamp: u8) -> bool {
        self.scanned.load(Ordering::Relaxed) == stamp
            || self.paged.load(Ordering::Relaxed) == stamp
            || self.all.load(Ordering::Relaxed) == stamp
    }

    pub(crate) fn is_all(&self, stamp: u8) -> bool {
        self.all.load(Ordering::Relaxed) == stamp
    }

    fn page(&self, page: usize) -> u8 {
        self.pages[page].load(Ordering::Relaxed)
    }

    fn page_class(&self, page: usize, stamp: u8) -> u8 {
        let byte = self.page(page);
        if byte & !3 == stamp { byte & 3 } else { PAGE_NONE }
    }

    fn mark(&self, row: usize) -> u8 {
        self.marks[row].load(Ordering::Relaxed)
    }

    fn set_mark(&self, row: usize, byte: u8) {
        self.marks[row].store(byte, Ordering::Relaxed);
    }

    fn set_page(&self, page: usize, byte: u8) {
        self.pages[page].store(byte, Ordering::Relaxed);
    }

    fn byte_kind(&self, row: usize, stamp: u8) -> Kind {
        let byte = self.mark(row);
        match (byte & !3 == stamp, byte & 3) {
            (false, _) => Kind::Untouched,
            (true, 0) => Kind::Carried,
            (true, 1) => Kind::Changed,
            (true, _) => Kind::Added,
        }
    }
}

impl TableMarks {
    /// What happened to `row` under `stamp`; call after `resolve`.
    #[inline]
    pub(crate) fn kind(&self, slot: usize, row: usize, stamp: u8) -> Kind {
        let side = &self.sides[slot];
        if side.is_all(stamp) {
            return Kind::Changed;
        }
        if side.paged.load(Ordering::Relaxed) != stamp {
            return Kind::Untouched;
        }
        match side.page_class(row >> PAGE_SHIFT, stamp) {
            PAGE_NONE => Kind::Untouched,
            PAGE_ALL => Kind::Changed,
            _ => side.byte_kind(row, stamp),
        }
    }

    /// Turns what the loops left behind into pages: after this `all`, `paged` and the page classes say
    /// exactly which rows changed. Cost: the rows of tables looped over whole, the pages otherwise.
    ///
    /// # Safety
    /// Nobody writes marks of this slot meanwhile: its owner's loops are over, or nothing runs.
    #[expect(
        unsafe_code,
        reason = "reads the row bytes as plain bytes, which the compiler can do in vectors"
    )]
    pub(crate) unsafe fn resolve(&self, slot: usize, stamp: u8) {
        let rows = self.rows;
        let side = &self.sides[slot];
        if !side.touched(stamp) {
            return;
        }
        // SAFETY: the caller keeps writers of this slot away while `marks` lives.
        let marks = unsafe { raw::plain(&side.marks) };
        let scanned = side.scanned.load(Ordering::Relaxed) == stamp;
        if scanned {
            side.scanned.store(0, Ordering::Relaxed);
            if rows > 0 && all_equal(&marks[..rows], stamp | Kind::Changed as u8) {
                side.all.store(stamp, Ordering::Relaxed);
                self.stale.all.store(true, Ordering::Relaxed);
                return;
            }
            side.paged.store(stamp, Ordering::Relaxed);
        } else if side.paged.load(Ordering::Relaxed) != stamp {
            return;
        }
        let mut every = rows > 0;
        for page in 0..rows.div_ceil(PAGE_ROWS) {
            let class = side.page_class(page, stamp);
            let class = match class {
                PAGE_ALL => PAGE_ALL,
                PAGE_NONE if !scanned => PAGE_NONE,
                _ => classify(&marks[page_range(page, rows)], stamp),
            };
            every &= class == PAGE_ALL;
            if class != PAGE_NONE {
                self.stale.mark(page);
            }
            if class != PAGE_NONE || scanned || side.page(page) & !3 == stamp {
                side.set_page(page, stamp | class);
            }
        }
        if every {
            side.all.store(stamp, Ordering::Relaxed);
        }
    }

    /// Calls `visit` with each run of rows changed under `stamp`, in row order. A run has one kind,
    /// `Changed` or `Added`. Call after `resolve`.
    pub(crate) fn changed_runs(&self, slot: usize, stamp: u8, mut visit: impl FnMut(Range<usize>, Kind)) {
        let side = &self.sides[slot];
        if side.is_all(stamp) {
            if self.rows > 0 {
                visit(0..self.rows, Kind::Changed);
            }
            return;
        }
        if side.paged.load(Ordering::Relaxed) != stamp {
            return;
        }
        let mut open: Option<(usize, Kind)> = None;
        for page in 0..self.rows.div_ceil(PAGE_ROWS) {
            let range = page_range(page, self.rows);
            match side.page_class(page, stamp) {
                PAGE_NONE => close(&mut open, range.start, &mut visit),
                PAGE_ALL => reopen(&mut open, range.start, Kind::Changed, &mut visit),
                _ => {
                    for row in range {
                        match side.byte_kind(row, stamp) {
                            kind @ (Kind::Changed | Kind::Added) => reopen(&mut open, row, kind, &mut visit),
                            _ => close(&mut open, row, &mut visit),
                        }
                    }
                }
            }
        }
        close(&mut open, self.rows, &mut visit);
    }

    /// Rows that were set or carried under `stamp`, and the first that was not. Call after `resolve`.
    pub(crate) fn coverage(&self, slot: usize, stamp: u8) -> (usize, Option<usize>) {
        let side = &self.sides[slot];
        if side.is_all(stamp) {
            return (self.rows, None);
        }
        let (mut covered, mut hole) = (0, None);
        for row in 0..self.rows {
            let set = side.page_class(row >> PAGE_SHIFT, stamp) == PAGE_ALL || side.mark(row) & !3 == stamp;
            covered += usize::from(set);
            if !set && hole.is_none() {
                hole = Some(row);
            }
        }
        (covered, hole)
    }

    /// Gives `row` a kind; the page keeps what its other rows had.
    pub(crate) fn set_kind(&self, slot: usize, row: usize, kind: Kind, stamp: u8) {
        if self.kind(slot, row, stamp) == kind {
            return;
        }
        self.spread(slot, stamp);
        let rows = self.rows;
        let side = &self.sides[slot];
        let page = row >> PAGE_SHIFT;
        if side.page_class(page, stamp) == PAGE_ALL {
            page_range(page, rows).for_each(|row| side.set_mark(row, stamp | Kind::Changed as u8));
        }
        side.set_page(page, stamp | PAGE_TOUCHED);
        side.paged.store(stamp, Ordering::Relaxed);
        // An untouched row in a touched page carries any other stamp; 0 is never one.
        side.set_mark(row, if kind == Kind::Untouched { 0 } else { stamp | kind as u8 });
        self.stale.mark(page);
    }

    /// Appends `count` rows of one kind.
    pub(crate) fn push_many(&mut self, slot: usize, count: usize, kind: Kind, stamp: u8) {
        if count == 0 {
            return;
        }
        self.spread(slot, stamp);
        let (first, rows) = (self.rows, self.rows + count);
        if first > 0
            && kind != Kind::Changed
            && self.sides[slot].page_class((first - 1) >> PAGE_SHIFT, stamp) == PAGE_ALL
        {
            // The last page was set whole; its new rows were not.
            let page = (first - 1) >> PAGE_SHIFT;
            let side = &self.sides[slot];
            page_range(page, first).for_each(|row| side.set_mark(row, stamp | Kind::Changed as u8));
            side.set_page(page, stamp | PAGE_TOUCHED);
        }
        let byte = if kind == Kind::Untouched { 0 } else { stamp | kind as u8 };
        for (index, side) in self.sides.iter_mut().enumerate() {
            let byte = if index == slot { byte } else { 0 };
            side.marks.resize_with(rows, || AtomicU8::new(byte));
            side.pages.resize_with(rows.div_ceil(PAGE_ROWS), || AtomicU8::new(0));
        }
        self.rows = rows;
        self.stale.pages.resize_with(rows.div_ceil(PAGE_ROWS), || AtomicBool::new(true));
        for page in first >> PAGE_SHIFT..rows.div_ceil(PAGE_ROWS) {
            self.stale.mark(page);
            if kind != Kind::Untouched && self.sides[slot].page_class(page, stamp) != PAGE_ALL {
                self.sides[slot].set_page(page, stamp | PAGE_TOUCHED);
                self.sides[slot].paged.store(stamp, Ordering::Relaxed);
            }
        }
    }

    /// Rows that may have changed under `stamp`: never fewer than did, and 0 only if none was touched. Call
    /// after `resolve`.
    pub(crate) fn changed_rows_at_most(&self, slot: usize, stamp: u8) -> usize {
        let side = &self.sides[slot];
        if side.is_all(stamp) {
            return self.rows;
        }
        if side.paged.load(Ordering::Relaxed) != stamp {
            return 0;
        }
        // A touched page is taken for a few changed rows: the bound decides where a record is made, no more.
        let rows = |page: usize| match side.page_class(page, stamp) {
            PAGE_NONE => 0,
            PAGE_ALL => PAGE_ROWS,
            _ => 8,
        };
        (0..self.rows.div_ceil(PAGE_ROWS)).map(rows).sum()
    }

    /// Removes `row` as a table does: the last row takes its place, with its mark.
    pub(crate) fn swap_remove(&mut self, slot: usize, row: usize, stamp: u8) {
        let last = self.rows - 1;
        if row != last {
            let kind = self.kind(slot, last, stamp);
            self.set_kind(slot, row, kind, stamp);
            self.stale.mark(row >> PAGE_SHIFT);
        }
        self.stale.mark(last >> PAGE_SHIFT);
        self.rows = last;
        let pages = last.div_ceil(PAGE_ROWS);
        for side in &mut self.sides {
            side.marks.truncate(last);
            side.pages.truncate(pages);
        }
        self.stale.pages.truncate(pages);
        self.sums.truncate(pages);
    }

    /// Forgets every mark of a slot, at a stamp wrap.
    pub(crate) fn clear(&mut self, slot: usize) {
        let side = &mut self.sides[slot];
        raw::plain_mut(&mut side.marks).fill(0);
        raw::plain_mut(&mut side.pages).fill(0);
        for stamp in [&side.scanned, &side.paged, &side.all] {
            stamp.store(0, Ordering::Relaxed);
        }
    }

    /// "Every row" becomes "every page", so that one row can differ.
    fn spread(&self, slot: usize, stamp: u8) {
        let side = &self.sides[slot];
        if side.is_all(stamp) {
            side.all.store(0, Ordering::Relaxed);
            side.paged.store(stamp, Ordering::Relaxed);
            for page in &side.pages {
                page.store(stamp | PAGE_ALL, Ordering::Relaxed);
            }
        }
    }
}

impl Stale {
    /// The page's digest no longer holds.
    pub(crate) fn mark(&self, page: usize) {
        if let Some(page) = self.pages.get(page) {
            page.store(true, Ordering::Relaxed);
        }
    }
}

/// The rows of a page in a table of `rows` rows.
pub(crate) fn page_range(page: usize, rows: usize) -> Range<usize> {
    page * PAGE_ROWS..((page + 1) * PAGE_ROWS).min(rows)
}

/// Whether every byte is `want`. Words, without an early exit within a block: the compiler makes vectors of it.
fn all_equal(bytes: &[u8], want: u8) -> bool {
    let wanted = u64::from_le_bytes([want; 8]);
    // A table that was only partly set shows it in its first bytes, mostly.
    bytes.first().is_none_or(|first| *first == want)
        && bytes.chunks(4096).all(|block| {
            let (words, rest) = block.as_chunks::<8>();
            let odd = words.iter().fold(0, |odd, word| odd | (u64::from_le_bytes(*word) ^ wanted));
            odd == 0 && rest.iter().all(|byte| *byte == want)
        })
}

/// The class of a page by its row bytes.
fn classify(marks: &[u8], stamp: u8) -> u8 {
    if all_equal(marks, stamp | Kind::Changed as u8) {
        return PAGE_ALL;
    }
    let is_change = |byte: &u8| byte & !3 == stamp && byte & 3 != Kind::Carried as u8;
    let changed = marks.iter().fold(0_u32, |count, byte| count + u32::from(is_change(byte)));
    if changed == 0 { PAGE_NONE } else { PAGE_TOUCHED }
}

fn close(open: &mut Option<(usize, Kind)>, end: usize, visit: &mut impl FnMut(Range<usize>, Kind)) {
    if let Some((start, kind)) = open.take() {
        visit(start..end, kind);
    }
}

fn reopen(
    open: &mut Option<(usize, Kind)>,
    row: usize,
    kind: Kind,
    visit: &mut impl FnMut(Range<usize>, Kind),
) {
    if open.is_some_and(|(_, current)| current == kind) {
        return;
    }
    close(open, row, visit);
    *open = Some((row, kind));
}
