//! Where the record of a commit goes: to the disk, into memory, or both.
//!
//! Invariant: whoever makes records does not know which; in memory nothing waits and every frame counts as durable.
//! Left out: the making of records (see `frame/encode`).

use std::time::Duration;

use super::delta::Link;
use super::kept::Kept;
use super::{Base, Delta, DurableFrames, Entry, Past, Store, StoreError, StoreStats, TypeEntry, catalog};

/// Takes records.
#[derive(Debug)]
pub(crate) struct Sink {
    to: To,
    /// The records of the last frames, where somebody asks for them.
    kept: Option<Kept>,
}

#[derive(Debug)]
enum To {
    Disk(Store),
    /// Types by key.
    Memory(Vec<TypeEntry>),
}

impl Sink {
    /// Takes records to a store, and keeps those of the last `kept` frames after `frame`.
    pub(crate) fn disk(store: Store, kept: u64, frame: u64, bytes_max: u64) -> Self {
        let kept = (kept > 0).then(|| Kept::new(frame, store.opened_at(), kept, bytes_max));
        Self { to: To::Disk(store), kept }
    }

    /// Keeps the records of the last `kept` frames of a new world with these types.
    pub(crate) fn memory(types: &[TypeEntry], kept: u64, bytes_max: u64) -> Self {
        let kept = Kept::new(0, Link::NONE, kept, bytes_max);
        Self { to: To::Memory(catalog::created(types)), kept: Some(kept) }
    }

    /// Keeps the record of the last frame of a world that is made again from `frame` on; `types` are the stored ones.
    pub(crate) fn again(types: &[TypeEntry], frame: u64, bytes_max: u64) -> Self {
        let kept = Kept::new(frame, Link::NONE, 1, bytes_max);
        Self { to: To::Memory(types.to_vec()), kept: Some(kept) }
    }

    /// Forgets what was kept: the frames up to `frame` had no records, and its checkpoint begins the chain anew. Costs a
    /// look at the store where records are kept.
    pub(crate) fn begin_anew(&mut self, frame: u64) -> Result<(), StoreError> {
        if let (To::Disk(store), Some(kept)) = (&self.to, &mut self.kept) {
            kept.begin_anew(frame, store.past().at(frame)?.link().unwrap_or_default());
        }
        Ok(())
    }

    /// The records of the last frames.
    pub(crate) fn kept(&self) -> Option<&Kept> {
        self.kept.as_ref()
    }

    /// The types by key.
    pub(crate) fn types(&self) -> &[TypeEntry] {
        match &self.to {
            To::Disk(store) => store.types(),
            To::Memory(types) => types,
        }
    }

    pub(crate) fn type_key(&self, name: &str) -> Option<u16> {
        self.types().iter().position(|entry| entry.name == name).and_then(|index| u16::try_from(index).ok())
    }

    /// A cleared buffer for the next record or page.
    pub(crate) fn buffer(&mut self) -> Vec<u8> {
        match &self.to {
            To::Disk(store) => store.buffer(),
            To::Memory(_) => self.kept.as_mut().map_or_else(Vec::new, Kept::buffer),
        }
    }

    /// See [`Store::submit_with`]; in memory nothing is logged.
    pub(crate) fn submit_with(&mut self, record: Delta, entry: Option<Entry>) -> Result<(), StoreError> {
        match &mut self.to {
            To::Disk(store) => {
                if let Some(kept) = &mut self.kept {
                    kept.copy(&record.bytes);
                }
                store.submit_with(record, entry)
            }
            To::Memory(_) => {
                if let Some(kept) = &mut self.kept {
                    kept.take(record.bytes);
                }
                Ok(())
            }
        }
    }

    /// See [`Store::confirm`]; nothing in memory.
    pub(crate) fn confirm(&mut self) -> Result<(), StoreError> {
        self.store_mut().map_or(Ok(()), Store::confirm)
    }

    /// See [`Store::empty_to`].
    pub(crate) fn empty_to(&mut self, frame: u64) {
        if let Some(kept) = &mut self.kept {
            kept.empty_to(frame);
        }
        if let To::Disk(store) = &mut self.to {
            store.empty_to(frame);
        }
    }

    /// Frames after this one were undone; only a world in memory can be told so.
    pub(crate) fn begin_again(&mut self, frame: u64) {
        if let Some(kept) = &mut self.kept {
            kept.begin_again(frame);
        }
    }

    /// See [`Store::submit_entry`]; in memory nothing is logged.
    pub(crate) fn submit_entry(&mut self, entry: Entry) -> Result<(), StoreError> {
        self.store_mut().map_or(Ok(()), |store| store.submit_entry(entry))
    }

    /// See [`Store::begin_checkpoint_with`]; nothing in memory, as for pages and the end.
    pub(crate) fn begin_checkpoint_with(
        &mut self,
        base: Base,
        copy: Option<Vec<u8>>,
    ) -> Result<(), StoreError> {
        self.store_mut().map_or(Ok(()), |store| store.begin_checkpoint_with(base, copy))
    }

    pub(crate) fn page(&mut self, page: Delta) -> Result<(), StoreError> {
        self.store_mut().map_or(Ok(()), |store| store.page(page))
    }

    pub(crate) fn end_checkpoint(&mut self) -> Result<(), StoreError> {
        self.store_mut().map_or(Ok(()), Store::end_checkpoint)
    }

    pub(crate) fn checkpoint_due(&self) -> bool {
        self.store().is_some_and(Store::checkpoint_due)
    }

    pub(crate) fn upgrade_pending(&self) -> bool {
        self.store().is_some_and(Store::upgrade_pending)
    }

    /// The last durable frame; `None` where every frame counts as durable.
    pub(crate) fn durable_frame(&self) -> Option<u64> {
        self.store().map(Store::durable_frame)
    }

    pub(crate) fn durable(&self) -> Option<DurableFrames> {
        self.store().map(Store::durable)
    }

    /// A handle that looks back.
    pub(crate) fn past(&self) -> Option<Past> {
        self.store().map(Store::past)
    }

    pub(crate) fn wait_durable(&self, frame: u64, timeout: Duration) -> Result<bool, StoreError> {
        self.store().map_or(Ok(true), |store| store.wait_durable(frame, timeout))
    }

    pub(crate) fn flush(&mut self) -> Result<(), StoreError> {
        self.store_mut().map_or(Ok(()), Store::flush)
    }

    pub(crate) fn failure(&self) -> Option<StoreError> {
        self.store().and_then(Store::failure)
    }

    pub(crate) fn stats(&self) -> StoreStats {
        self.store().map_or_else(StoreStats::default, Store::stats)
    }

    fn store(&self) -> Option<&Store> {
        match &self.to {
            To::Disk(store) => Some(store),
            To::Memory(_) => None,
        }
    }

    fn store_mut(&mut self) -> Option<&mut Store> {
        match &mut self.to {
            To::Disk(store) => Some(store),
            To::Memory(_) => None,
        }
    }
}
