//! The world's digest: a sum of row hashes a page, kept until a row of the page changes.
//!
//! Invariant: it depends on (`Id`, value) pairs alone, not on layout or order; its cost follows what changed
//! since it was last taken. The hash itself is in `digest`.

#![expect(unsafe_code, reason = "reads columns and marks while it has the world to itself")]

use super::Frame;
use crate::buffer::raw::Ordering;
use crate::buffer::{Column, page_range};
use crate::digest::{ComponentDigest, world_digest};
use crate::tables::TableInfo;
use std::fmt;

/// Pages hashed in one job, at least.
const JOB_PAGES_MIN: usize = 64;

/// The digest of a whole world: 128 bits, printed as 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub u128);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// When a commit takes the world's digest by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestPolicy {
    /// Only when asked, and at the end of a run.
    OnDemand,
    /// In every frame whose number is a multiple of this.
    Every(u64),
}

impl Default for DigestPolicy {
    fn default() -> Self {
        Self::Every(60)
    }
}

/// The digests taken so far.
#[derive(Debug, Default)]
pub(crate) struct Digests {
    pub(crate) policy: DigestPolicy,
    /// The last digest and its frame.
    pub(crate) last: Option<(u64, Digest)>,
    /// Whether the next commit takes one whatever the policy.
    pub(crate) wanted: bool,
}

impl Digests {
    pub(crate) fn due(&self, frame: u64) -> bool {
        self.wanted || matches!(self.policy, DigestPolicy::Every(n) if frame.is_multiple_of(n.max(1)))
    }
}

impl Frame {
    /// The digest of the committed frame; computed anew only for pages that changed since the last one.
    pub(crate) fn take_digest(&mut self) -> Digest {
        if let Some((frame, digest)) = self.digests.last
            && frame == self.committed
        {
            return digest;
        }
        let digest = self.digest_of(|_| true);
        self.digests.last = Some((self.committed, digest));
        digest
    }

    /// The digest of the committed frame as a world has it that knows only the types that are `known`; the others
    /// must be without rows.
    pub(super) fn digest_of(&self, known: impl Fn(&dyn Column) -> bool) -> Digest {
        let _span = tracing::trace_span!("digest").entered();
        let sums: Vec<(u128, u64)> = (0..self.columns.len()).map(|column| self.column_sum(column)).collect();
        let mut components: Vec<ComponentDigest<'_>> = self
            .columns
            .iter()
            .zip(sums)
            .filter(|(column, _)| known(&***column))
            .map(|(column, (sum, rows))| ComponentDigest {
                name: column.name(),
                version: column.version(),
                sum,
                rows,
            })
            .collect();
        for annex in self.annexes.iter().filter(|annex| !annex.is_quiet()) {
            let sum = crate::annex::digest(&**annex);
            components.push(ComponentDigest { name: annex.name(), version: 0, sum, rows: 1 });
        }
        Digest(world_digest(&mut components))
    }

    /// The wrapping sum of a column's row hashes, and its rows.
    fn column_sum(&self, index: usize) -> (u128, u64) {
        let column = &self.columns[index];
        let held = |info: &&TableInfo| info.columns.contains(&(index as u16));
        self.tables.list.iter().filter(held).fold((0, 0), |(sum, rows), info| {
            let (table_sum, table_rows) = self.table_sum(&**column, info);
            (u128::wrapping_add(sum, table_sum), rows + table_rows)
        })
    }

    /// The sum of a transient column's rows that the last commit set, and their number: blank rows are nothing.
    fn set_sum(&self, column: &dyn Column, info: &TableInfo) -> (u128, u64) {
        let table = &self.world().storages().tables[info.id];
        let (ids, roles) = (self.ids.ids(table), self.shared.frames.roles());
        let marks = column.by_table().get(info.id).expect("the table holds the column");
        let (mut sum, mut rows) = (0_u128, 0);
        marks.changed_runs(roles.prev(), roles.stamps[roles.prev()], |run, _| {
            rows += run.len() as u64;
            // SAFETY: no wave runs.
            sum = sum.wrapping_add(unsafe { column.hash_rows(table, roles.prev(), run, ids) });
        });
        (sum, rows)
    }

    fn table_sum(&self, column: &dyn Column, info: &TableInfo) -> (u128, u64) {
        if column.transient() {
            return self.set_sum(column, info);
        }
        // A cell can be shared with the pool, which a table cannot.
        let world = self.world().as_unsafe_world_cell_readonly();
        // SAFETY: no wave runs, and only the table of `info` is read.
        let table = || unsafe { &world.storages().tables[info.id] };
        let ids = self.ids.ids(table());
        let slot = self.shared.frames.roles().prev();
        // SAFETY: `&self` on the engine's thread between frames: no wave runs, and leases use no marks.
        let marks = unsafe { column.by_table().get_mut(info.id) }.expect("the table holds the column");
        let pages = marks.stale.pages.len();
        let every = marks.stale.all.swap(false, Ordering::Relaxed) || marks.sums.len() != pages;
        marks.sums.resize(pages, 0);
        let (stale, rows) = (&marks.stale.pages, marks.rows);
        crate::pool::for_each_mut(&mut marks.sums, JOB_PAGES_MIN, |page, sum| {
            if stale[page].swap(false, Ordering::Relaxed) || every {
                // SAFETY: no wave runs.
                *sum = unsafe { column.hash_rows(table(), slot, page_range(page, rows), ids) };
            }
        });
        (marks.sums.iter().fold(0, |sum, page| u128::wrapping_add(sum, *page)), rows as u64)
    }
}
