//! Keyspaces that are emptied and used again, for the next epoch or the next segment of the log.
//!
//! fjall keeps in its own keyspace what it was told of each keyspace ever made, with every version of that table:
//! measured with 3.1.13, a thousand keyspaces made and deleted leave 0.6 GB, two thousand four times that. So a world that
//! is checkpointed several times a second must not make one each time.
//! Invariant: before a keyspace is emptied the disk says that it is retired, so whatever a crash leaves in it counts for
//! nothing. Only keyspaces that this process made are used again: fjall forgets the options of others.

use std::collections::BTreeMap;

use fjall::{AbstractTree, Keyspace};

use super::super::StoreError;
use super::retired::WAITING_MAX;

/// What a keyspace was made for, which decides its options.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    /// An epoch of a state that stays in memory until it is deleted.
    SmallEpoch,
    /// An epoch of a larger one.
    LargeEpoch,
    /// A segment of the log of inputs.
    Log,
}

/// Empty keyspaces of one purpose that are kept, at least as many as may have waited for somebody's look to end; more are
/// deleted.
const KEPT_MAX: usize = 2 + WAITING_MAX;
/// The key that an emptied keyspace gets and that is brought to a table: what fjall has in no table it replays, and keeps
/// every journal for that.
const EMPTIED: &[u8] = &[0];
/// The key under which a keyspace that is used again says its number, which its name does not. Both sort before every
/// key of a frame and apart from each other, so that tables never overlap.
pub(super) const NUMBER: &[u8] = &[0, 0];

/// Keyspaces that this process made, and those of them that are empty.
#[derive(Default)]
pub(super) struct Stock {
    made: BTreeMap<String, Purpose>,
    empty: Vec<(Purpose, Keyspace)>,
}

impl Stock {
    /// This process has made a keyspace.
    pub(super) fn made(&mut self, keyspace: &Keyspace, purpose: Purpose) {
        self.made.insert(keyspace.name().to_string(), purpose);
    }

    /// This process has deleted one.
    pub(super) fn deleted(&mut self, keyspace: &Keyspace) {
        self.made.remove(&**keyspace.name());
    }

    /// Whether this process has made a keyspace.
    pub(super) fn is_ours(&self, keyspace: &Keyspace) -> bool {
        self.made.contains_key(&**keyspace.name())
    }

    /// Takes an empty keyspace.
    pub(super) fn take(&mut self, purpose: Purpose) -> Option<Keyspace> {
        let place = self.empty.iter().position(|(kind, _)| *kind == purpose)?;
        Some(self.empty.remove(place).1)
    }

    /// What a keyspace can be used for again, if it is wanted beside so many others that are being emptied.
    pub(super) fn wanted(&self, keyspace: &Keyspace, beside: impl Fn(&Purpose) -> usize) -> Option<Purpose> {
        let purpose = *self.made.get(&**keyspace.name())?;
        let kept = self.empty.iter().filter(|(kind, _)| *kind == purpose).count();
        (kept + beside(&purpose) < KEPT_MAX).then_some(purpose)
    }

    pub(super) fn put(&mut self, purpose: Purpose, keyspace: Keyspace) {
        self.empty.push((purpose, keyspace));
    }

    /// The names of the empty ones.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.empty.iter().map(|(_, keyspace)| &**keyspace.name())
    }
}

/// Empties a keyspace that the disk says is retired; `step` comes before each step, `write` puts a key into it.
pub(super) fn empty(
    keyspace: &Keyspace,
    step: &dyn Fn() -> Result<(), StoreError>,
    write: impl FnOnce(&Keyspace, &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let failed = |error: fjall::Error| StoreError::engine("emptying an old keyspace", &error);
    step()?;
    {
        // A table that is just being written would be left behind.
        let _flushing = keyspace.tree.get_flush_lock();
        if keyspace.tree.table_count() > 0 {
            // Emptying alone forgets tables without deleting their files.
            keyspace.tree.drop_range::<&[u8], _>(..).map_err(|error| failed(error.into()))?;
        }
        step()?;
        keyspace.clear().map_err(failed)?;
    }
    write(keyspace, EMPTIED)?;
    step()?;
    keyspace.rotate_memtable().map(drop).map_err(failed)
}
