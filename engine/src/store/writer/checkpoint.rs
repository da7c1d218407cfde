//! The writer's side of checkpoints: a new epoch is begun, filled and switched to, and older ones go.
//!
//! Invariant: the switch is one batch and synced before anything is deleted; of what older frames need, nothing is.
//! Left out: which rows a page holds, and how long history is (see `history`).

use std::collections::BTreeSet;
use std::time::Instant;

use xxhash_rust::xxh3::Xxh3Default;

use super::Writer;
use crate::store::base::Base;
use crate::store::delta::{Delta, Link, seal};
use crate::store::history::Start;
use crate::store::log::LogStart;
use crate::store::marks::copy_of;
use crate::store::recovery::{encode_current, encode_end};
use crate::store::{StoreError, catalog, keys};

/// Old epochs that are kept while somebody copies the directory.
const KEPT_EPOCHS_MAX: u32 = 8;

/// A checkpoint that is being copied.
pub(super) struct Checkpoint {
    epoch: u64,
    frame: u64,
    pages: u32,
    bytes: u64,
    by_inputs: bool,
    /// The frame of the last page.
    last_page: u64,
    /// Bytes of records written meanwhile.
    pub(super) record_bytes: u64,
    /// Of the last page.
    link: Link,
    /// Where the chain of records begins anew at its base; no record comes before its end then.
    anew: Option<Link>,
}

impl Writer {
    pub(super) fn page(&mut self, mut delta: Delta) -> Result<(), StoreError> {
        let (frame, size) = (delta.frame(), delta.size());
        self.fault(size)?;
        let checkpoint = self.checkpoint.as_mut().expect("the store asserts that a checkpoint was begun");
        checkpoint.link = seal(&mut delta.bytes, checkpoint.link);
        let key = keys::key(frame, keys::PAGE, checkpoint.pages);
        checkpoint.pages += 1;
        checkpoint.last_page = frame;
        checkpoint.bytes += size;
        self.disk.write(&[(self.disk.writing(), &key, &delta.bytes)])?;
        self.queue.written(size, Some(delta.bytes));
        Ok(())
    }

    pub(super) fn begin(&mut self, base: &Base, copy: Option<&[u8]>) -> Result<(), StoreError> {
        self.write_head(base.frame + 1)?;
        let started = Instant::now();
        let epoch = self.disk.next_epoch(self.page_bytes)?;
        self.count_epoch(1, started);
        let anew = self.chain_anew(base.frame);
        let chain = anew.unwrap_or(self.link);
        let value = base.encode(chain);
        let writing = self.disk.writing();
        let base_key = keys::key(base.frame, keys::BASE, 0);
        let copy_key = keys::key(base.frame, keys::COPY, 0);
        if let Some(copy) = copy {
            if chain.frame == base.frame {
                // What a later checkpoint of the same frame would copy must fit the types of today.
                self.last_record = copy.to_vec();
            }
            self.disk.write(&[(writing, &base_key, &value), (writing, &copy_key, copy)])?;
        } else if self.link.frame == base.frame && !self.last_record.is_empty() {
            // The record's values have the old versions; an upgrade has the new ones in its pages.
            let none = BTreeSet::new();
            let transient = if self.upgrade.is_some() { &none } else { &self.transient };
            let copy = copy_of(&self.last_record, transient)?;
            self.disk.write(&[(writing, &base_key, &value), (writing, &copy_key, &copy)])?;
        } else {
            self.disk.write(&[(writing, &base_key, &value)])?;
        }
        let (frame, link) = (base.frame, Link::NONE);
        self.checkpoint = Some(Checkpoint {
            epoch,
            frame,
            pages: 0,
            bytes: 0,
            by_inputs: base.by_inputs,
            last_page: frame,
            record_bytes: 0,
            link,
            anew,
        });
        Ok(())
    }

    /// Of frames that are known by their inputs the chain of records says nothing, so after them it begins anew with what
    /// came into them: two worlds with one link are to have one history. `None` where it just goes on.
    fn chain_anew(&self, frame: u64) -> Option<Link> {
        let by_inputs = self.kept.starts.last().is_some_and(|start| start.by_inputs);
        if !by_inputs || self.link.frame == frame {
            return None;
        }
        let mut hash = Xxh3Default::new();
        for link in [self.link, self.log.link] {
            hash.update(&link.frame.to_le_bytes());
            hash.update(&link.checksum.to_le_bytes());
        }
        hash.update(&frame.to_le_bytes());
        Some(Link { frame, checksum: hash.digest() })
    }

    pub(super) fn end(&mut self) -> Result<(), StoreError> {
        let checkpoint = self.checkpoint.take().expect("the store asserts that a checkpoint was begun");
        // Pages may be of frames without a record that nobody has written down yet; the checkpoint gives no
        // frame before its last page's.
        self.write_head(checkpoint.last_page + 1)?;
        let end = encode_end(checkpoint.pages, checkpoint.link);
        let frame = checkpoint.frame.max(self.head - 1);
        let end_key = keys::key(frame, keys::END, 0);
        let current = encode_current(checkpoint.epoch);
        let before = self.kept.starts.last().map_or(0, |start| start.epoch);
        let bytes = checkpoint.bytes + checkpoint.record_bytes;
        self.kept.starts.push(Start {
            epoch: checkpoint.epoch,
            frame,
            bytes,
            by_inputs: checkpoint.by_inputs,
        });
        let catalog = self.upgrade.take().map(|types| {
            let bytes = catalog::encode(&types);
            self.kept.catalogs.push((checkpoint.frame, std::mem::replace(&mut self.types, types)));
            bytes
        });
        let log_start = self.log.restart(&mut self.disk, catalog.is_some(), self.head)?;
        let log_value = log_start.map(LogStart::encode);
        let past = self.kept.encode();
        let (writing, world) = (self.disk.writing(), &self.disk.world);
        let mut values: Vec<(_, &[u8], &[u8])> = vec![
            (writing, &end_key, &end),
            (world, keys::CURRENT.as_bytes(), &current),
            (world, keys::PAST.as_bytes(), &past),
        ];
        values.extend(catalog.as_ref().map(|types| (world, keys::CATALOG.as_bytes(), types.as_slice())));
        values.extend(log_value.as_ref().map(|start| (world, keys::LOG.as_bytes(), start.as_slice())));
        let program = self.program.take();
        values.extend(program.as_ref().map(|lines| (world, keys::PROGRAM.as_bytes(), lines.as_slice())));
        self.disk.write(&values)?;
        self.link = checkpoint.anew.unwrap_or(self.link);
        self.sync()?;
        let started = Instant::now();
        // Whoever copies the directory needs the older epoch a little longer; a later end deletes it too.
        self.spared = if self.marker.is_read() { self.spared + 1 } else { 0 };
        let spared = self.spared > 0 && self.spared <= KEPT_EPOCHS_MAX;
        if !spared {
            self.forget();
        }
        // What stays is no longer written.
        self.disk.settle(before..checkpoint.epoch)?;
        if log_start.is_some() {
            self.disk.log_start = log_start;
            self.disk.retire_older_logs();
        }
        self.log.tend(&mut self.disk, checkpoint.frame, self.head, spared)?;
        if !spared {
            self.tidy()?;
        }
        self.page_bytes = checkpoint.bytes;
        self.disk.prepare_epoch(self.page_bytes)?;
        self.count_epoch(0, started);
        Ok(())
    }

    /// Retires the epochs that no frame needs any more that is to be kept.
    pub(super) fn forget(&mut self) {
        let first = self.kept.first_needed(self.head, self.history);
        if first > 0 {
            // Told before it is done: who asks in between is refused, not disappointed.
            self.kept.starts.drain(..first);
            self.tell_retained();
            let oldest = self.kept.starts.first().map_or(0, |start| start.epoch);
            self.disk.retire_before(oldest);
        }
    }

    /// Lets go of what is retired: the disk is told first, and synced.
    pub(super) fn tidy(&mut self) -> Result<(), StoreError> {
        if self.disk.tell_retired()? {
            self.promise()?;
        }
        self.disk.clear_out()
    }

    /// Syncs what is written by now, whatever the durability, and says so in the watermark.
    pub(super) fn promise(&mut self) -> Result<(), StoreError> {
        self.disk.sync()?;
        self.marker.synced(self.head, self.link)?;
        self.synced = self.head;
        Ok(())
    }

    pub(super) fn tell_retained(&self) {
        self.queue.retain(self.kept.retained(self.head));
    }

    fn count_epoch(&self, epochs: u64, started: Instant) {
        self.queue.publish(self.queue.durable(), |stats| {
            stats.epochs += epochs;
            stats.epoch_time += started.elapsed();
        });
    }
}
