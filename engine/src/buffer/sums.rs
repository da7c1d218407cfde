//! The digest cache of one type in one table: a sum of row hashes a page, and their total.
//!
//! Invariant: the total is the sum of the pages' sums, and a page that is not marked has the sum of its rows.
//! So a digest looks at marked pages alone: a bit each, in words that are passed by when they are zero.
//! Left out: how rows are hashed (`digest`) and which rows of a page changed (`marks`).

use super::PAGE_SHIFT;
use super::raw::{AtomicBool, AtomicU64, Ordering};

/// Pages hashed in one job, at least.
const JOB_PAGES_MIN: usize = 64;
/// Changed rows hashed in one job.
const JOB_ROWS: usize = 1024;
/// Pages of a word.
const WORD: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Sums {
    /// Every row of the table was set.
    all: AtomicBool,
    /// Some page is marked.
    any: AtomicBool,
    /// Pages whose rows came, went, moved or were written in both slots.
    whole: Vec<AtomicU64>,
    /// Pages of which systems set rows.
    rows: Vec<AtomicU64>,
    sums: Vec<u128>,
    total: u128,
    /// Pages to be hashed as a whole, and their new sums; kept for its memory, as the next.
    pages: Vec<(usize, u128)>,
    gains: Vec<Gain>,
}

/// A row that changed in the last frame, and what the sums gain by that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gain {
    pub(crate) row: usize,
    pub(crate) gain: u128,
}

/// How marked pages are hashed.
pub(crate) trait HashPages: Sync {
    /// Appends the rows of a page that changed in the last frame, if they are few and nothing else happened to it.
    fn few_changed(&self, page: usize, rows: &mut Vec<Gain>) -> bool;
    /// Finds what is gained by each row.
    fn gain(&self, rows: &mut [Gain]);
    /// The sum of all rows of a page.
    fn whole(&self, page: usize) -> u128;
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

    /// The sum of all rows. `by_rows` says that all marks are of the last frame; otherwise every marked page is
    /// hashed as a whole.
    pub(crate) fn refresh(&mut self, by_rows: bool, hash: &impl HashPages) -> u128 {
        if core::mem::take(self.all.get_mut()) {
            for bits in [&mut self.whole, &mut self.rows] {
                bits.iter_mut().for_each(|word| *word.get_mut() = 0);
            }
            crate::pool::for_each_mut(&mut self.sums, JOB_PAGES_MIN, |page, sum| *sum = hash.whole(page));
            self.total = self.sums.iter().fold(0, |sum, page| u128::wrapping_add(sum, *page));
            return self.total;
        }
        if !core::mem::take(self.any.get_mut()) {
            return self.total;
        }
        self.gather(by_rows, hash);
        crate::pool::for_each_mut(&mut self.pages, JOB_PAGES_MIN, |_, (page, sum)| *sum = hash.whole(*page));
        let mut parts: Vec<&mut [Gain]> = self.gains.chunks_mut(JOB_ROWS).collect();
        crate::pool::for_each(&mut parts, |_, rows| hash.gain(rows));
        for (page, sum) in self.pages.drain(..) {
            let before = core::mem::replace(&mut self.sums[page], sum);
            self.total = self.total.wrapping_sub(before).wrapping_add(sum);
        }
        for Gain { row, gain } in self.gains.drain(..) {
            let sum = &mut self.sums[row >> PAGE_SHIFT];
            *sum = sum.wrapping_add(gain);
            self.total = self.total.wrapping_add(gain);
        }
        self.total
    }

    /// Takes the marks: pages to be hashed as a whole, and rows of the others, in order.
    fn gather(&mut self, by_rows: bool, hash: &impl HashPages) {
        for (word, (whole, rows)) in self.whole.iter_mut().zip(&mut self.rows).enumerate() {
            let (whole_marks, row_marks) = (whole.get_mut(), rows.get_mut());
            if *whole_marks | *row_marks == 0 {
                continue;
            }
            let whole = core::mem::take(whole_marks);
            let mut marked = whole | core::mem::take(row_marks);
            while marked != 0 {
                let bit = marked.trailing_zeros() as usize;
                marked &= marked - 1;
                let page = word * WORD + bit;
                let as_rows = by_rows && whole >> bit & 1 == 0;
                if !(as_rows && hash.few_changed(page, &mut self.gains)) {
                    self.pages.push((page, 0));
                }
            }
        }
    }

    /// Sets a page's bit; beyond the last page nothing. One thread marks at a time: the owner's task after its
    /// loops, or the commit.
    fn set(&self, bits: &[AtomicU64], page: usize) {
        if page < self.sums.len() {
            self.any.store(true, Ordering::Relaxed);
            let word = &bits[page / WORD];
            word.store(word.load(Ordering::Relaxed) | 1 << (page % WORD), Ordering::Relaxed);
        }
    }
}
