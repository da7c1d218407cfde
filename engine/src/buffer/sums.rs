//! The digest cache of one type in one table: a sum of row hashes a page, and their total.
//!
//! Invariant: the total is the sum of the pages' sums, and a page that is not marked has the sum of its rows.
//! So a digest looks at marked pages alone: a bit each, in words that are passed by when they are zero.
//! Left out: how rows are hashed (`digest`) and which rows of a page changed (`marks`).

use super::raw::{AtomicBool, AtomicU64, Ordering};

/// Pages hashed in one job, at least.
const JOB_PAGES_MIN: usize = 64;
/// Pages of a word.
const WORD: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    /// Every row of the table was set.
    all: AtomicBool,
    /// Pages whose rows came, went, moved or were written in both slots.
    whole: Vec<AtomicU64>,
    /// Pages of which systems set rows.
    rows: Vec<AtomicU64>,
    sums: Vec<u128>,
    total: u128,
    /// Kept for its memory.
    work: Vec<Work>,
}

/// What has become of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page {
    /// Any of its rows may differ from what was summed.
    Whole,
    /// Systems have set some of its rows and nothing else happened to it; this is its old sum.
    Rows(u128),
}

#[derive(Debug)]
struct Work {
    number: usize,
    page: Page,
    sum: u128,
}

impl Sums {
    /// Every row was set by its system.
    pub(crate) fn mark_all(&self) {
        self.all.store(true, Ordering::Relaxed);
    }

    /// Systems have set rows of the page.
    pub(crate) fn mark_rows(&self, page: usize) {
        self.set(&self.rows, page);
    }

    /// The rows of the page are others, or a value was written over the one before.
    pub(crate) fn mark_whole(&self, page: usize) {
        self.set(&self.whole, page);
    }

    /// The table has so many pages now, at least as many as before.
    pub(crate) fn grow(&mut self, pages: usize) {
        let words = pages.div_ceil(WORD);
        self.whole.resize_with(words, AtomicU64::default);
        self.rows.resize_with(words, AtomicU64::default);
        self.sums.resize(pages, 0);
    }

    /// The table has so many pages now, at most as many as before.
    pub(crate) fn truncate(&mut self, pages: usize) {
        for page in pages..self.sums.len() {
            self.total = self.total.wrapping_sub(self.sums[page]);
            for bits in [&mut self.whole, &mut self.rows] {
                *bits[page / WORD].get_mut() &= !(1 << (page % WORD));
            }
        }
        self.sums.truncate(pages);
        for bits in [&mut self.whole, &mut self.rows] {
            bits.truncate(pages.div_ceil(WORD));
        }
    }

    /// The sum of all rows: `hash` answers the sum of a page that is marked. `by_rows` says that all marks are of
    /// the last frame; otherwise every marked page is whole.
    pub(crate) fn refresh(&mut self, by_rows: bool, hash: impl Fn(usize, Page) -> u128 + Sync) -> u128 {
        if core::mem::take(self.all.get_mut()) {
            for bits in [&mut self.whole, &mut self.rows] {
                bits.iter_mut().for_each(|word| *word.get_mut() = 0);
            }
            crate::pool::for_each_mut(&mut self.sums, JOB_PAGES_MIN, |number, sum| {
                *sum = hash(number, Page::Whole);
            });
            self.total = self.sums.iter().fold(0, |sum, page| u128::wrapping_add(sum, *page));
            return self.total;
        }
        self.gather(by_rows);
        crate::pool::for_each_mut(&mut self.work, JOB_PAGES_MIN, |_, work| {
            work.sum = hash(work.number, work.page);
        });
        for work in self.work.drain(..) {
            let before = core::mem::replace(&mut self.sums[work.number], work.sum);
            self.total = self.total.wrapping_sub(before).wrapping_add(work.sum);
        }
        self.total
    }

    /// Takes the marked pages, in order.
    fn gather(&mut self, by_rows: bool) {
        for (word, (whole, rows)) in self.whole.iter_mut().zip(&mut self.rows).enumerate() {
            let whole = core::mem::take(whole.get_mut());
            let mut marked = whole | core::mem::take(rows.get_mut());
            while marked != 0 {
                let bit = marked.trailing_zeros() as usize;
                marked &= marked - 1;
                let number = word * WORD + bit;
                let page = if by_rows && whole >> bit & 1 == 0 {
                    Page::Rows(self.sums[number])
                } else {
                    Page::Whole
                };
                self.work.push(Work { number, page, sum: 0 });
            }
        }
    }

    /// Sets a page's bit; beyond the last page nothing. One thread marks at a time: the owner's task after its
    /// loops, or the commit.
    fn set(&self, bits: &[AtomicU64], page: usize) {
        if page < self.sums.len() {
            let word = &bits[page / WORD];
            word.store(word.load(Ordering::Relaxed) | 1 << (page % WORD), Ordering::Relaxed);
        }
    }
}
