//! Keyspaces that hold nothing that counts any more, until they are emptied or deleted.
//!
//! Somebody on another thread may still look at one: then it waits, because a deleted one costs fjall's own keyspace room
//! for ever (see `stock`). Looks have generations: one begins where something is retired while somebody looks, so that who
//! looks later holds nothing that went before. Invariant: nothing is taken before the disk says that it is retired.
//! Left out: how one is emptied (see `stock`).

use std::collections::VecDeque;
use std::sync::Arc;

use fjall::Keyspace;

use super::stock::{self, Purpose};
use super::{Disk, Spare};
use crate::store::StoreError;
use crate::store::codec::Fields;
use crate::store::keys::RETIRED;

/// Keyspaces that wait for somebody's look to end; more are deleted, which leaves them readable.
pub(super) const WAITING_MAX: usize = 8;

/// What is retired, and who may look at it.
pub(super) struct Retired {
    keyspaces: Vec<One>,
    /// The generations of looks that somebody may still be at, the current one last: each is held by its looks too.
    looks: VecDeque<Arc<u64>>,
}

struct One {
    keyspace: Keyspace,
    /// The last generation of looks that may hold it.
    generation: u64,
    /// Whether the disk says that it is retired.
    is_told: bool,
}

impl Default for Retired {
    fn default() -> Self {
        Self { keyspaces: Vec::new(), looks: VecDeque::from([Arc::new(0)]) }
    }
}

impl Retired {
    fn current(&self) -> &Arc<u64> {
        self.looks.back().expect("there is always a current generation")
    }

    /// Whoever looks holds this as long as that.
    pub(super) fn lend(&self) -> Arc<u64> {
        Arc::clone(self.current())
    }

    /// The oldest generation that somebody is at.
    fn oldest(&mut self) -> Option<u64> {
        while self.looks.len() > 1 && Arc::strong_count(&self.looks[0]) == 1 {
            self.looks.pop_front();
        }
        self.looks.front().filter(|look| Arc::strong_count(look) > 1).map(|look| **look)
    }

    /// Whether somebody looks.
    pub(super) fn is_lent(&mut self) -> bool {
        self.oldest().is_some()
    }

    /// A keyspace counts for nothing from now on: who looks from here on does not get it.
    pub(super) fn add(&mut self, keyspace: Keyspace) {
        let generation = **self.current();
        self.keyspaces.push(One { keyspace, generation, is_told: false });
    }

    /// Whether the disk does not say of one that it is retired.
    pub(super) fn is_untold(&self) -> bool {
        self.keyspaces.iter().any(|one| !one.is_told)
    }

    /// The disk is told of all of them.
    pub(super) fn told(&mut self) {
        self.keyspaces.iter_mut().for_each(|one| one.is_told = true);
        if Arc::strong_count(self.current()) > 1 {
            let next = **self.current() + 1;
            self.looks.push_back(Arc::new(next));
        }
    }

    /// Whether one can be emptied.
    pub(super) fn has_free(&mut self) -> bool {
        let oldest = self.oldest();
        self.keyspaces.iter().any(|one| one.is_free(oldest))
    }

    /// Takes those that nobody looks at, and those that somebody does but that are too many to wait; only `ours` do.
    pub(super) fn take(&mut self, ours: impl Fn(&Keyspace) -> bool) -> (Vec<Keyspace>, Vec<Keyspace>) {
        let oldest = self.oldest();
        let (mut free, mut crowded, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
        for one in self.keyspaces.drain(..) {
            if one.is_free(oldest) {
                free.push(one.keyspace);
            } else if !one.is_told || (waiting.len() < WAITING_MAX && ours(&one.keyspace)) {
                waiting.push(one);
            } else {
                crowded.push(one.keyspace);
            }
        }
        self.keyspaces = waiting;
        (free, crowded)
    }

    /// The names of all of them.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.keyspaces.iter().map(|one| &**one.keyspace.name())
    }
}

impl One {
    /// Whether it can go: `oldest` is the oldest generation that somebody is at.
    fn is_free(&self, oldest: Option<u64>) -> bool {
        self.is_told && oldest.is_none_or(|oldest| oldest > self.generation)
    }
}

impl Disk {
    /// Retires the segments of a log that was begun anew.
    pub(crate) fn retire_older_logs(&mut self) {
        let first = self.log_start.map_or(0, |start| start.segment);
        let kept = self.logs.iter().position(|(number, _)| *number >= first).unwrap_or(self.logs.len());
        self.logs.drain(..kept).for_each(|(_, segment)| self.retired.add(segment));
    }

    /// Retires the oldest segment of the log; never the one being written.
    pub(crate) fn retire_first_log(&mut self) {
        assert!(self.logs.len() > 1, "the segment being written stays");
        let (_, segment) = self.logs.remove(0);
        self.retired.add(segment);
    }

    /// Retires the epochs before `current`, which must be synced as the current one.
    pub(crate) fn retire_before(&mut self, current: u64) {
        let kept = self.epochs.iter().position(|(number, _)| *number >= current).unwrap_or(0);
        self.epochs.drain(..kept).for_each(|(_, keyspace)| self.retired.add(keyspace));
    }

    /// Whether something retired can go now.
    pub(crate) fn is_untidy(&mut self) -> bool {
        self.retired.is_untold() || self.retired.has_free()
    }

    /// Says which keyspaces hold nothing that counts, if that is not said yet; it must be synced before
    /// [`clear_out`](Self::clear_out). What a crash leaves of those that are emptied must not be taken for an epoch. fjall
    /// goes on numbering batches after the last one of a keyspace that is still there: that is this one, also where the
    /// last one but one was of a keyspace that goes.
    pub(crate) fn tell_retired(&mut self) -> Result<bool, StoreError> {
        if !self.retired.is_untold() {
            return Ok(false);
        }
        self.write(&[(&self.world, RETIRED.as_bytes(), &self.encode_retired())])?;
        self.retired.told();
        Ok(true)
    }

    /// Empties retired keyspaces for another use, or deletes them; what somebody may look at waits.
    pub(crate) fn clear_out(&mut self) -> Result<(), StoreError> {
        let (mut again, mut gone): (Vec<(Purpose, Keyspace)>, Vec<Keyspace>) = (Vec::new(), Vec::new());
        let (free, crowded) = self.retired.take(|keyspace| self.stock.is_ours(keyspace));
        for keyspace in free {
            let beside = |purpose: &Purpose| again.iter().filter(|(other, _)| other == purpose).count();
            match self.stock.wanted(&keyspace, beside) {
                Some(purpose) => again.push((purpose, keyspace)),
                None => gone.push(keyspace),
            }
        }
        // Deleted, they stay readable for whoever looks at them.
        gone.extend(crowded);
        if again.is_empty() && gone.is_empty() {
            return Ok(());
        }
        for keyspace in gone {
            self.step()?;
            self.stock.deleted(&keyspace);
            let deleted = self.db.delete_keyspace(keyspace);
            deleted.map_err(|error| StoreError::engine("deleting an old keyspace", &error))?;
        }
        for (purpose, keyspace) in again {
            stock::empty(&keyspace, &|| self.step(), |keyspace, key| self.write(&[(keyspace, key, &[])]))?;
            self.stock.put(purpose, keyspace);
        }
        // fjall seals and drops journals only when it flushes something; without this a journal whose
        // epochs are all gone would grow for ever.
        self.step()?;
        self.world.rotate_memtable().map_err(|error| StoreError::engine("sealing the journal", &error))?;
        Ok(())
    }

    /// Whoever looks at epochs on another thread holds this as long as that.
    pub(crate) fn lend(&self) -> Arc<u64> {
        self.retired.lend()
    }

    /// Whether somebody looks at epochs.
    pub(crate) fn is_lent(&mut self) -> bool {
        self.retired.is_lent()
    }

    /// The names of all keyspaces that hold nothing that counts, a line each.
    pub(super) fn encode_retired(&self) -> Vec<u8> {
        let spare = self.spare.iter().filter_map(|spare| match spare {
            Spare::Again(keyspace) => Some(&**keyspace.name()),
            Spare::New(_) => None,
        });
        let names: Vec<&str> = self.stock.names().chain(spare).chain(self.retired.names()).collect();
        Fields::default().text(&names.join("\n")).finish()
    }
}
