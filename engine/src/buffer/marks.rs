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

use super::Sums;
use super::raw::Ordering;
use super::side::{PAGE_ALL, PAGE_NONE, PAGE_ROWS, PAGE_SHIFT, PAGE_TOUCHED, Side};
use std::ops::Range;

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

impl Kind {
    /// What a row's byte says under `stamp`.
    pub(crate) fn of(byte: u8, stamp: u8) -> Self {
        match (byte & !3 == stamp, byte & 3) {
            (false, _) => Self::Untouched,
            (true, 0) => Self::Carried,
            (true, 1) => Self::Changed,
            (true, _) => Self::Added,
        }
    }
}

/// The marks of one type in one table.
#[derive(Debug, Default)]
pub(crate) struct TableMarks {
    pub(crate) rows: usize,
    /// Grows whenever rows come, go or move, and whenever `Parent` values change.
    pub(crate) version: u64,
    /// Values that structure and inputs wrote into rows that were there.
    pub(crate) edits: u64,
    pub(crate) sides: [Side; 2],
    /// The digest cache, and which of its pages differ from their rows.
    pub(crate) sums: Sums,
}

impl TableMarks {
    /// What happened to `row` under `stamp`; call after `resolve`.
    #[inline]
    pub(crate) fn kind(&self, slot: usize, row: usize, stamp: u8) -> Kind {
        let side = &self.sides[slot];
        if side.is_all(stamp) {
            return Kind::Changed;
        }
        if !side.is_paged(stamp) {
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
    /// Nobody may write marks of this slot meanwhile: its owner's loops are over, or nothing runs.
    pub(crate) fn resolve(&self, slot: usize, stamp: u8) {
        let rows = self.rows;
        let side = &self.sides[slot];
        if !side.touched(stamp) {
            return;
        }
        if side.scanned.load(Ordering::Relaxed) == stamp {
            side.scanned.store(0, Ordering::Relaxed);
            if side.all_rows_set(stamp) {
                side.all.store(stamp, Ordering::Relaxed);
                self.sums.mark_all();
                return;
            }
            (0..rows.div_ceil(PAGE_ROWS)).for_each(|page| side.touch_page(page, stamp));
        }
        let mut whole = 0;
        side.pages(stamp, |page, class| {
            let range = page_range(page, rows);
            let class = if class == PAGE_ALL { PAGE_ALL } else { side.classify(range, stamp) };
            side.set_page(page, class, stamp);
            whole += usize::from(class == PAGE_ALL);
            if class != PAGE_NONE {
                self.sums.mark_rows(page);
            }
        });
        if rows > 0 && whole == rows.div_ceil(PAGE_ROWS) {
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
        let mut open: Option<(usize, Kind)> = None;
        // One past the last row that was looked at or is open.
        let mut end = 0;
        side.pages(stamp, |page, class| {
            let range = page_range(page, self.rows);
            if class == PAGE_ALL {
                extend(&mut open, &mut end, range, Kind::Changed, &mut visit);
            } else {
                side.changed_rows(range, stamp, |row, kind| {
                    extend(&mut open, &mut end, row..row + 1, kind, &mut visit);
                });
            }
        });
        if let Some((start, kind)) = open {
            visit(start..end, kind);
        }
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
        let page = row >> PAGE_SHIFT;
        // Whoever comes here writes both slots, or other rows than were there.
        self.sums.mark_whole(page);
        if self.kind(slot, row, stamp) == kind {
            return;
        }
        self.spread(slot, stamp);
        let side = &self.sides[slot];
        side.spell_out(page, self.rows, stamp);
        side.set_page(page, PAGE_TOUCHED, stamp);
        // An untouched row in a touched page carries any other stamp; 0 is never one.
        side.set_mark(row, if kind == Kind::Untouched { 0 } else { stamp | kind as u8 });
    }

    /// Appends `count` rows of one kind.
    pub(crate) fn push_many(&mut self, slot: usize, count: usize, kind: Kind, stamp: u8) {
        if count == 0 {
            return;
        }
        self.version += 1;
        self.spread(slot, stamp);
        let (first, rows) = (self.rows, self.rows + count);
        if first > 0 && kind != Kind::Changed {
            // The last page may have been set whole; its new rows were not.
            self.sides[slot].spell_out((first - 1) >> PAGE_SHIFT, first, stamp);
        }
        let byte = if kind == Kind::Untouched { 0 } else { stamp | kind as u8 };
        for (index, side) in self.sides.iter_mut().enumerate() {
            side.resize(rows, if index == slot { byte } else { 0 });
        }
        self.rows = rows;
        self.sums.grow(rows.div_ceil(PAGE_ROWS));
        for page in first >> PAGE_SHIFT..rows.div_ceil(PAGE_ROWS) {
            self.sums.mark_whole(page);
            if kind != Kind::Untouched {
                self.sides[slot].touch_page(page, stamp);
            }
        }
    }

    /// Gives rows that the table gained or lost at its end their marks: none. Whoever calls this gives both slots
    /// a new stamp.
    pub(crate) fn set_rows(&mut self, rows: usize) {
        let pages = rows.div_ceil(PAGE_ROWS);
        for side in &mut self.sides {
            side.truncate(rows);
            side.resize(rows, 0);
        }
        // The last page that stays, and the last of before: they have other rows now.
        let first = (rows.min(self.rows) >> PAGE_SHIFT).saturating_sub(1);
        self.rows = rows;
        self.sums.truncate(pages);
        self.sums.grow(pages);
        (first..pages).for_each(|page| self.sums.mark_whole(page));
    }

    /// The digests of rows no longer hold: what they were before was put back.
    pub(crate) fn restale(&self, rows: Range<usize>) {
        (rows.start >> PAGE_SHIFT..rows.end.div_ceil(PAGE_ROWS)).for_each(|page| self.sums.mark_whole(page));
    }

    /// Says of a run of rows that they changed under `stamp`, a new one of this slot.
    pub(crate) fn set_run(&self, slot: usize, rows: Range<usize>, kind: Kind, stamp: u8) {
        let side = &self.sides[slot];
        if rows == (0..self.rows) && kind == Kind::Changed {
            side.all.store(stamp, Ordering::Relaxed);
            return;
        }
        for page in rows.start >> PAGE_SHIFT..rows.end.div_ceil(PAGE_ROWS) {
            let all = page_range(page, self.rows);
            if kind == Kind::Changed && rows.start <= all.start && all.end <= rows.end {
                side.set_page(page, PAGE_ALL, stamp);
                continue;
            }
            side.set_page(page, PAGE_TOUCHED, stamp);
            let within = all.start.max(rows.start)..all.end.min(rows.end);
            within.for_each(|row| side.set_mark(row, stamp | kind as u8));
        }
    }

    /// Rows that may have changed under `stamp`: never fewer than did, and 0 only if none was touched. Call
    /// after `resolve`.
    pub(crate) fn changed_rows_at_most(&self, slot: usize, stamp: u8) -> usize {
        let side = &self.sides[slot];
        if side.is_all(stamp) {
            return self.rows;
        }
        // A touched page is taken for a few changed rows: the bound decides where a record is made, no more.
        let mut rows = 0;
        side.pages(stamp, |_, class| rows += if class == PAGE_ALL { PAGE_ROWS } else { 8 });
        rows
    }

    /// Removes `row` as a table does: the last row takes its place, with its mark.
    pub(crate) fn swap_remove(&mut self, slot: usize, row: usize, stamp: u8) {
        self.version += 1;
        let last = self.rows - 1;
        if row != last {
            let kind = self.kind(slot, last, stamp);
            self.set_kind(slot, row, kind, stamp);
            self.sums.mark_whole(row >> PAGE_SHIFT);
        }
        self.sums.mark_whole(last >> PAGE_SHIFT);
        self.rows = last;
        let pages = last.div_ceil(PAGE_ROWS);
        self.sides.iter_mut().for_each(|side| side.truncate(last));
        self.sums.truncate(pages);
    }

    /// Forgets every mark of a slot, at a stamp wrap.
    pub(crate) fn clear(&mut self, slot: usize) {
        self.sides[slot].clear();
    }

    /// "Every row" becomes "every page", so that one row can differ.
    fn spread(&self, slot: usize, stamp: u8) {
        let side = &self.sides[slot];
        if side.is_all(stamp) {
            side.all.store(0, Ordering::Relaxed);
            side.set_pages(0..self.rows.div_ceil(PAGE_ROWS), stamp);
        }
    }
}

/// The rows of a page in a table of `rows` rows.
pub(crate) fn page_range(page: usize, rows: usize) -> Range<usize> {
    page * PAGE_ROWS..((page + 1) * PAGE_ROWS).min(rows)
}

/// Lets the open run grow by `rows`, or visits it and begins another.
fn extend(
    open: &mut Option<(usize, Kind)>,
    end: &mut usize,
    rows: Range<usize>,
    kind: Kind,
    visit: &mut impl FnMut(Range<usize>, Kind),
) {
    match *open {
        Some((_, current)) if current == kind && *end == rows.start => {}
        Some((start, current)) => {
            visit(start..*end, current);
            *open = Some((rows.start, kind));
        }
        None => *open = Some((rows.start, kind)),
    }
    *end = rows.end;
}
