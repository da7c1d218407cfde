//! The world's digest: a sum of row hashes a page and a table, kept until rows change.
//!
//! Invariant: it depends on (`Id`, value) pairs alone, not on layout or order; its cost follows what changed
//! since it was last taken. The hash itself is in `digest`.

#![expect(unsafe_code, reason = "reads columns and marks while it has the world to itself")]

use super::Frame;
use crate::buffer::{Column, Gain, HashPages, IdColumn, PAGE_TOUCHED, Side, TableMarks, page_range};
use crate::digest::{ComponentDigest, ComponentSum, world_digest};
use crate::sabotage::{self, Bug};
use bevy_ecs::storage::{Table, TableId};
use bevy_ecs::world::unsafe_world_cell::UnsafeWorldCell;
use std::fmt;

/// Rows of a page that are hashed by themselves, twice each; where more changed the page is hashed as a whole.
const ROWS_MAX: usize = 8;

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
    /// Commits made by this engine.
    commits: u64,
    /// How many there were when the sums of pages were last brought up to date.
    summed: Option<u64>,
    /// Where frames are made again: the types that the world had when they were made first. Nothing for all.
    #[cfg(feature = "store")]
    pub(crate) known: Option<std::collections::BTreeSet<String>>,
}

impl Digests {
    pub(crate) fn new(policy: DigestPolicy) -> Self {
        Self { policy, ..Self::default() }
    }

    pub(crate) fn due(&self, frame: u64) -> bool {
        self.wanted || matches!(self.policy, DigestPolicy::Every(n) if frame.is_multiple_of(n.max(1)))
    }

    /// A commit is being made: its values stand in the previous slot, those before it in the other one.
    pub(crate) fn count_commit(&mut self) {
        self.commits += 1;
    }

    /// Forgets the last digest, and that the slots are neighbouring frames. Whoever changes values other than by
    /// a commit calls this, and marks the pages ([`crate::buffer::Sums`]).
    pub(crate) fn forget(&mut self) {
        (self.last, self.summed) = (None, None);
    }
}

impl Frame {
    /// The digest of the committed frame; computed anew only for what changed since the last one.
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

    /// The same as the program had it that made the frame, where it is made again: with no word of types that it did not
    /// know.
    #[cfg(feature = "store")]
    pub(crate) fn take_digest_then(&mut self) -> Digest {
        match self.digests.known.take() {
            Some(known) if self.columns.iter().any(|column| !known.contains(column.name())) => {
                let digest = self.digest_of(|column| known.contains(column.name()));
                self.digests.known = Some(known);
                digest
            }
            known => {
                self.digests.known = known;
                self.take_digest()
            }
        }
    }

    /// The digest of the committed frame as a world has it that knows only the types that are `known`, and others that
    /// have rows.
    pub(super) fn digest_of(&mut self, known: impl Fn(&dyn Column) -> bool) -> Digest {
        let _span = tracing::trace_span!("digest").entered();
        let sums = self.column_sums();
        Digest(world_digest(&mut self.components(&sums, known)))
    }

    /// What each component adds to the digest of the committed frame, by name.
    pub(crate) fn component_sums(&mut self) -> Vec<ComponentSum> {
        let sums = self.column_sums();
        let mut components: Vec<ComponentSum> =
            self.components(&sums, |_| true).into_iter().map(ComponentSum::from).collect();
        components.sort_unstable();
        components
    }

    fn components(
        &self,
        sums: &[(u128, u64)],
        known: impl Fn(&dyn Column) -> bool,
    ) -> Vec<ComponentDigest<'_>> {
        let columns = self.columns.iter().zip(sums);
        let columns = columns.filter(|(column, (_, rows))| *rows > 0 || known(&***column));
        let columns = columns.map(|(column, (sum, rows))| ComponentDigest {
            name: column.name(),
            version: column.version(),
            sum: *sum,
            rows: *rows,
        });
        let annexes = self.annexes.iter().filter(|annex| !annex.is_quiet());
        let annexes = annexes.map(|annex| {
            let sum = crate::annex::digest(&**annex);
            ComponentDigest { name: annex.name(), version: 0, sum, rows: 1 }
        });
        columns.chain(annexes).collect()
    }

    /// Of each column the wrapping sum of its row hashes, and its rows.
    fn column_sums(&mut self) -> Vec<(u128, u64)> {
        // Marks of earlier frames are gone, so rows can be told apart only where there is one frame between.
        let by_rows = self.digests.summed.is_some_and(|summed| summed + 1 == self.digests.commits);
        self.digests.summed = Some(self.digests.commits);
        self.columns.iter().map(|column| self.column_sum(&**column, by_rows)).collect()
    }

    fn column_sum(&self, column: &dyn Column, by_rows: bool) -> (u128, u64) {
        let mut sums = (0_u128, 0);
        // Marks are taken by number: the sums of a table are exclusive while it is hashed.
        for place in 0..column.by_table().len() {
            // SAFETY: `&self` on the engine's thread between frames: no wave runs, and leases use no marks.
            let (table, marks) = unsafe { column.by_table().at_mut(place) };
            let (sum, rows) = if column.transient() {
                self.set_sum(column, table, marks)
            } else {
                (self.table_sum(column, table, marks, by_rows), marks.rows as u64)
            };
            sums = (sums.0.wrapping_add(sum), sums.1 + rows);
        }
        sums
    }

    /// The sum of a transient column's rows that the last commit set, and their number: blank rows are nothing.
    fn set_sum(&self, column: &dyn Column, table: TableId, marks: &TableMarks) -> (u128, u64) {
        let table = &self.world().storages().tables[table];
        let (ids, roles) = (self.ids.ids(table), self.shared.frames.roles());
        let (mut sum, mut rows) = (0_u128, 0);
        marks.changed_runs(roles.prev(), roles.stamps[roles.prev()], |run, _| {
            rows += run.len() as u64;
            // SAFETY: no wave runs.
            sum = sum.wrapping_add(unsafe { column.hash_rows(table, roles.prev(), run, ids) });
        });
        (sum, rows)
    }

    /// The sum of all rows of a table.
    fn table_sum(&self, column: &dyn Column, table: TableId, marks: &mut TableMarks, by_rows: bool) -> u128 {
        let roles = self.shared.frames.roles();
        let TableMarks { sums, sides, rows, .. } = marks;
        let pages = Pages {
            world: self.world().as_unsafe_world_cell_readonly(),
            ids: &self.ids,
            column,
            table,
            rows: *rows,
            side: &sides[roles.prev()],
            slot: roles.prev(),
            stamp: roles.stamps[roles.prev()],
        };
        sums.refresh(by_rows, &pages)
    }
}

/// The pages of a column in a table. Of a page in which systems have set few rows, those alone are hashed, as they
/// are and as they were: the other slot still has their values of the frame before.
struct Pages<'a> {
    // A cell can be shared with the pool, which a table cannot.
    world: UnsafeWorldCell<'a>,
    ids: &'a IdColumn,
    column: &'a dyn Column,
    table: TableId,
    rows: usize,
    side: &'a Side,
    slot: usize,
    stamp: u8,
}

impl Pages<'_> {
    fn table(&self) -> &Table {
        // SAFETY: no wave runs, and only this table is read.
        let storages = unsafe { self.world.storages() };
        &storages.tables[self.table]
    }
}

impl HashPages for Pages<'_> {
    fn few_changed(&self, page: usize, rows: &mut Vec<Gain>) -> bool {
        if self.side.is_all(self.stamp) || self.side.page_class(page, self.stamp) != PAGE_TOUCHED {
            return false;
        }
        let before = rows.len();
        let range = page_range(page, self.rows);
        self.side.changed_rows(range, self.stamp, |row, _| rows.push(Gain { row, gain: 0 }));
        let few = rows.len() - before <= ROWS_MAX;
        if !few {
            rows.truncate(before);
        }
        few
    }

    fn gain(&self, rows: &mut [Gain]) {
        if sabotage::now_and_then(Bug::StaleDigestPage) {
            return;
        }
        let table = self.table();
        // SAFETY: no wave runs.
        unsafe { self.column.hash_changes(table, self.slot, rows, self.ids.ids(table)) };
    }

    fn whole(&self, page: usize) -> u128 {
        let (table, rows) = (self.table(), page_range(page, self.rows));
        // SAFETY: no wave runs.
        unsafe { self.column.hash_rows(table, self.slot, rows, self.ids.ids(table)) }
    }
}
