//! The marks that belong to one slot of a type in a table: a byte a row, a byte a page, a stamp a group.
//!
//! Invariant: a changed row's page is touched or set whole, and a touched page's group carries the stamp, so
//! what changed is found without looking at what did not. Pages and groups are shared by several rows and are
//! atomics; which marks a commit keeps is decided in `marks`.

use super::marks::{Kind, page_range};
use super::raw::{self, AtomicU8, Ordering};
use std::ops::Range;

/// Rows of a page: what a sparse write makes the commit look at. Their marks are one cache line.
pub(crate) const PAGE_ROWS: usize = 1 << PAGE_SHIFT;
/// `row >> PAGE_SHIFT` is the row's page.
pub(crate) const PAGE_SHIFT: u32 = 6;
/// `page >> GROUP_SHIFT` is the page's group.
const GROUP_SHIFT: u32 = 5;

/// Page classes: the low two bits of a page's byte.
pub(crate) const PAGE_NONE: u8 = 0;
/// The row bytes of the page decide.
pub(crate) const PAGE_TOUCHED: u8 = 1;
/// Every row of the page was set; its row bytes are not looked at.
pub(crate) const PAGE_ALL: u8 = 2;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Side {
    pub(crate) marks: Vec<AtomicU8>,
    pages: Vec<AtomicU8>,
    groups: Vec<AtomicU8>,
    /// Stamp of the last frame in which the whole table was looped over for writing.
    pub(crate) scanned: AtomicU8,
    /// Stamp of the last frame in which single pages were touched.
    pub(crate) paged: AtomicU8,
    /// Stamp of the last frame in which every row was set (known after `resolve`).
    pub(crate) all: AtomicU8,
}

impl Side {
    /// Whether anything may have been written under `stamp`.
    pub(crate) fn touched(&self, stamp: u8) -> bool {
        self.scanned.load(Ordering::Relaxed) == stamp || self.is_paged(stamp) || self.is_all(stamp)
    }

    pub(crate) fn is_all(&self, stamp: u8) -> bool {
        self.all.load(Ordering::Relaxed) == stamp
    }

    pub(crate) fn is_paged(&self, stamp: u8) -> bool {
        self.paged.load(Ordering::Relaxed) == stamp
    }

    /// Marks a page as one whose row bytes must be looked at. A page that was set whole before gets row bytes
    /// that say so: its rows may be carried now, one by one.
    #[inline]
    pub(crate) fn touch_page(&self, page: usize, stamp: u8) {
        let byte = self.pages[page].load(Ordering::Relaxed);
        if byte == stamp | PAGE_ALL {
            self.spell_out(page, self.marks.len(), stamp);
        } else if byte != stamp | PAGE_TOUCHED {
            self.set_page(page, PAGE_TOUCHED, stamp);
        }
    }

    /// Marks the whole table as looped over; answers whether it was not before.
    #[inline]
    pub(crate) fn scan(&self, stamp: u8) -> bool {
        if self.is_paged(stamp) {
            (0..self.pages.len()).for_each(|page| self.spell_out(page, self.marks.len(), stamp));
        }
        self.scanned.swap(stamp, Ordering::Relaxed) != stamp
    }

    #[inline]
    pub(crate) fn set_page(&self, page: usize, class: u8, stamp: u8) {
        self.pages[page].store(stamp | class, Ordering::Relaxed);
        self.groups[page >> GROUP_SHIFT].store(stamp, Ordering::Relaxed);
        self.paged.store(stamp, Ordering::Relaxed);
    }

    /// Marks every page of a range as set whole.
    pub(crate) fn set_pages(&self, pages: Range<usize>, stamp: u8) {
        for page in &self.pages[pages.clone()] {
            page.store(stamp | PAGE_ALL, Ordering::Relaxed);
        }
        for group in &self.groups[pages.start >> GROUP_SHIFT..pages.end.div_ceil(1 << GROUP_SHIFT)] {
            group.store(stamp, Ordering::Relaxed);
        }
        self.paged.store(stamp, Ordering::Relaxed);
    }

    pub(crate) fn page_class(&self, page: usize, stamp: u8) -> u8 {
        let byte = self.pages[page].load(Ordering::Relaxed);
        if byte & !3 == stamp { byte & 3 } else { PAGE_NONE }
    }

    /// Calls `visit` with every page that is touched or set whole under `stamp`, in order.
    pub(crate) fn pages(&self, stamp: u8, mut visit: impl FnMut(usize, u8)) {
        if !self.is_paged(stamp) {
            return;
        }
        stamped(self.plain(&self.groups), stamp, |group, _| {
            let first = group << GROUP_SHIFT;
            let pages = &self.pages[first..(first + (1 << GROUP_SHIFT)).min(self.pages.len())];
            stamped(self.plain(pages), stamp, |page, byte| {
                if byte & 3 != PAGE_NONE {
                    visit(first + page, byte & 3);
                }
            });
        });
    }

    /// Marks as plain bytes.
    ///
    /// Whoever looks for changes in a slot does so when its writers are done: it is the previous one, or its
    /// owner's loops are over.
    #[expect(unsafe_code, reason = "reads marks as words")]
    fn plain<'a>(&self, marks: &'a [AtomicU8]) -> &'a [u8] {
        // SAFETY: this type's private reading methods are called for slots that nobody writes, as above.
        unsafe { raw::plain(marks) }
    }

    pub(crate) fn mark(&self, row: usize) -> u8 {
        self.marks[row].load(Ordering::Relaxed)
    }

    pub(crate) fn set_mark(&self, row: usize, byte: u8) {
        self.marks[row].store(byte, Ordering::Relaxed);
    }

    /// What a touched page's row byte says.
    pub(crate) fn byte_kind(&self, row: usize, stamp: u8) -> Kind {
        Kind::of(self.mark(row), stamp)
    }

    /// A page that was set whole gets row bytes that say so, so that one row can differ.
    pub(crate) fn spell_out(&self, page: usize, rows: usize, stamp: u8) {
        if self.page_class(page, stamp) == PAGE_ALL {
            page_range(page, rows).for_each(|row| self.set_mark(row, stamp | Kind::Changed as u8));
            self.set_page(page, PAGE_TOUCHED, stamp);
        }
    }

    /// Calls `visit` with each changed row of a touched page, in order; rows are passed by in words of eight.
    ///
    /// The slot must not be written meanwhile: it is the previous one, or its owner's loops are over.
    pub(crate) fn changed_rows(&self, rows: Range<usize>, stamp: u8, mut visit: impl FnMut(usize, Kind)) {
        stamped(self.plain(&self.marks[rows.clone()]), stamp, |row, byte| {
            if let kind @ (Kind::Changed | Kind::Added) = Kind::of(byte, stamp) {
                visit(rows.start + row, kind);
            }
        });
    }

    /// The class of a page by its row bytes. The slot must not be written meanwhile.
    pub(crate) fn classify(&self, rows: Range<usize>, stamp: u8) -> u8 {
        let marks = self.plain(&self.marks[rows]);
        if all_equal(marks, stamp | Kind::Changed as u8) {
            return PAGE_ALL;
        }
        let mut class = PAGE_NONE;
        stamped(marks, stamp, |_, byte| {
            if byte & 3 != Kind::Carried as u8 {
                class = PAGE_TOUCHED;
            }
        });
        class
    }

    /// Whether every row was set by itself. The slot must not be written meanwhile.
    pub(crate) fn all_rows_set(&self, stamp: u8) -> bool {
        !self.marks.is_empty() && all_equal(self.plain(&self.marks), stamp | Kind::Changed as u8)
    }

    /// Room for `rows` rows; new ones carry `byte`.
    pub(crate) fn resize(&mut self, rows: usize, byte: u8) {
        let pages = rows.div_ceil(PAGE_ROWS);
        self.marks.resize_with(rows, || AtomicU8::new(byte));
        self.pages.resize_with(pages, || AtomicU8::new(0));
        self.groups.resize_with(pages.div_ceil(1 << GROUP_SHIFT), || AtomicU8::new(0));
    }

    /// Takes rows away at the end.
    pub(crate) fn truncate(&mut self, rows: usize) {
        self.marks.truncate(rows);
        let pages = rows.div_ceil(PAGE_ROWS);
        self.pages.truncate(pages);
        self.groups.truncate(pages.div_ceil(1 << GROUP_SHIFT));
    }

    /// Forgets every mark.
    pub(crate) fn clear(&mut self) {
        for bytes in [&mut self.marks, &mut self.pages, &mut self.groups] {
            raw::plain_mut(bytes).fill(0);
        }
        for stamp in [&self.scanned, &self.paged, &self.all] {
            stamp.store(0, Ordering::Relaxed);
        }
    }
}

/// Calls `visit` with the place and value of every byte under `stamp`, passing by words without one.
#[inline]
fn stamped(bytes: &[u8], stamp: u8, mut visit: impl FnMut(usize, u8)) {
    let wanted = u64::from_le_bytes([stamp; 8]);
    for (number, word) in bytes.chunks(8).enumerate() {
        // Bytes under this stamp differ from it by less than four. A borrow may let a word through in vain;
        // none with such a byte is passed by.
        if let Ok(word) = <[u8; 8]>::try_from(word) {
            let differs = u64::from_le_bytes(word) ^ wanted;
            if differs.wrapping_sub(0x0404_0404_0404_0404) & !differs & 0x8080_8080_8080_8080 == 0 {
                continue;
            }
        }
        for (place, byte) in word.iter().enumerate().filter(|(_, byte)| **byte & !3 == stamp) {
            visit(number * 8 + place, *byte);
        }
    }
}

/// Whether every byte is `want`. Words, without an early exit within a block: the compiler makes vectors of it.
fn all_equal(bytes: &[u8], want: u8) -> bool {
    let wanted = u64::from_le_bytes([want; 8]);
    // A run that was only partly set shows it in its first byte, mostly.
    bytes.first().is_none_or(|first| *first == want)
        && bytes.chunks(4096).all(|block| {
            let (words, rest) = block.as_chunks::<8>();
            let odd = words.iter().fold(0, |odd, word| odd | (u64::from_le_bytes(*word) ^ wanted));
            odd == 0 && rest.iter().all(|byte| *byte == want)
        })
}
