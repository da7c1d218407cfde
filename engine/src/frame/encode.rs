//! The record of a commit: what the next frame can see of it, as bytes for the store.
//!
//! Invariant: a record is made from the committed slot and its marks, which nobody writes until the next
//! commit; so a large one is made beside the next wave. Format and disk are the store's.

mod checkpoint;
mod entry;
mod rows;

use super::image::type_entry;
use super::{Committed, Frame};
use crate::buffer::{Column, Roles};
use crate::builder::EngineBuilder;
use crate::editor::Shift;
use crate::error::{Error, Result};
use crate::replay::Beginning;
use crate::sabotage::{self, Bug};
use crate::stats::Stats;
use crate::store::{
    DELTA_BYTES_MAX, Delta, DeltaWriter, DurableFrames, InputLog, Past, Recovered, Sink, Store, StoreOptions,
    TypeEntry,
};
use crate::timer::Stopwatch;
use checkpoint::Copying;
use entry::By;
use rows::Rows;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A record larger than this is made beside the next wave, a smaller one at once.
const INLINE_BYTES_MAX: usize = 64 << 10;

/// Makes records and hands them to the store.
pub(crate) struct Encoder {
    sink: Sink,
    writer: DeltaWriter,
    /// The store's key of each column.
    keys: Vec<u16>,
    pending: Option<Job>,
    copying: Option<Copying>,
    /// Bytes that a checkpoint copies in one frame, about.
    copy_bytes: usize,
    repaired: Option<String>,
    nanos: u64,
    /// Whether what comes into frames is logged.
    logs: bool,
    /// Who makes the frames, until the first entry of this opening has said so.
    opened: Option<String>,
    /// Of a world that is known by its inputs.
    checkpoint_every: Option<u32>,
    /// Whether frames have no records.
    by_inputs: bool,
    /// The frame of the last checkpoint that was begun.
    checkpoint: u64,
}

/// A record whose structure is written and whose values are still to come.
pub(crate) struct Job {
    writer: DeltaWriter,
    keys: Vec<u16>,
    by: By,
}

/// A finished record, and what it was made with.
struct Record {
    delta: Delta,
    job: Job,
    nanos: u64,
}

impl Encoder {
    /// The encoder of a world that has a directory, or keeps records, and what is stored there.
    pub(crate) fn of(
        builder: &EngineBuilder,
        columns: &[Arc<dyn Column>],
        facts: &BTreeMap<String, String>,
        program: &str,
    ) -> Result<(Option<Self>, Option<Recovered>)> {
        let types: Vec<TypeEntry> = columns[1..].iter().map(type_entry).collect();
        let options = StoreOptions {
            durability: builder.durability,
            faults: builder.faults.clone(),
            history: builder.history,
            inputs: builder.input_log,
            program: program.to_owned(),
            changes: builder.changes.clone(),
            ..StoreOptions::default()
        };
        let kept = builder.deltas;
        let (sink, recovered) = match &builder.path {
            Some(path) => {
                let (store, recovered) = Store::open(path, &types, facts, &options).map_err(failed)?;
                let frame = recovered.as_ref().map_or(0, |recovered| recovered.frame);
                (Sink::disk(store, kept, frame, DELTA_BYTES_MAX), recovered)
            }
            None if kept == 0 => return Ok((None, None)),
            None => (Sink::memory(&types, kept, DELTA_BYTES_MAX), None),
        };
        let logs = builder.path.is_some() && options.inputs != InputLog::NONE;
        let repaired = recovered.as_ref().and_then(|recovered| recovered.repaired.clone());
        let mut encoder = Self::new(sink, columns, &options);
        (encoder.logs, encoder.repaired) = (logs, repaired);
        Ok((Some(encoder), recovered))
    }

    /// The encoder of a world that is made again and compared record by record.
    pub(crate) fn again(columns: &[Arc<dyn Column>], types: &[TypeEntry], frame: u64) -> Self {
        Self::new(Sink::again(types, frame, u64::MAX), columns, &StoreOptions::default())
    }

    fn new(sink: Sink, columns: &[Arc<dyn Column>], options: &StoreOptions) -> Self {
        let key = |column: &Arc<dyn Column>| sink.type_key(column.name());
        let keys =
            columns.iter().map(|column| key(column).expect("the store gives every type a key")).collect();
        Self {
            writer: DeltaWriter::default(),
            keys,
            pending: None,
            copying: None,
            copy_bytes: match options.faults.copy_bytes {
                0 => checkpoint::COPY_BYTES_A_FRAME,
                bytes => bytes as usize,
            },
            repaired: None,
            nanos: 0,
            logs: false,
            opened: Some(options.program.clone()),
            checkpoint_every: entry::checkpoint_every(options.durability),
            by_inputs: false,
            checkpoint: u64::MAX,
            sink,
        }
    }

    /// The store's keys of the columns of a world that is made again, which must be what is stored.
    pub(crate) fn keys_of(
        columns: &[Arc<dyn Column>],
        facts: &BTreeMap<String, String>,
        beginning: &Beginning,
    ) -> Result<Vec<u16>> {
        let types: Vec<TypeEntry> = columns[1..].iter().map(type_entry).collect();
        let (facts_of_log, stored) = (beginning.log.facts(), beginning.log.types());
        crate::store::compare_stored(facts_of_log, facts, stored, &types).map_err(failed)?;
        let key = |column: &Arc<dyn Column>| stored.iter().position(|entry| entry.name == column.name());
        let keys = columns.iter().map(|column| key(column).expect("the stored types were compared") as u16);
        Ok(keys.collect())
    }

    pub(crate) fn keys(&self) -> &[u16] {
        &self.keys
    }

    /// The last durable frame; `None` where every frame counts as durable.
    pub(crate) fn durable_frame(&self) -> Option<u64> {
        self.sink.durable_frame()
    }

    /// A handle for threads that wait for the disk.
    pub(crate) fn durable(&self) -> Option<DurableFrames> {
        self.sink.durable()
    }

    /// Types and records as they are kept.
    pub(crate) fn sink(&self) -> &Sink {
        &self.sink
    }

    /// Whether what comes into frames is logged.
    pub(crate) fn logs(&self) -> bool {
        self.logs
    }

    /// A handle that looks back.
    pub(crate) fn past(&self) -> Option<Past> {
        self.sink.past()
    }

    /// Whether the store wants a whole checkpoint before anything else.
    pub(crate) fn upgrade_pending(&self) -> bool {
        self.sink.upgrade_pending()
    }

    pub(crate) fn repaired(&self) -> Option<&str> {
        self.repaired.as_deref()
    }

    /// The record of the last commit, if its values are still to be written.
    pub(crate) fn take_pending(&mut self) -> Option<Job> {
        self.pending.take()
    }

    /// Ends a record, gives it to the store, and goes on with a checkpoint where one is being copied.
    pub(crate) fn complete(&mut self, job: Job, committed: &Committed<'_>) -> Result<()> {
        if matches!(job.by, By::Inputs) {
            return self.checkpoint_by_inputs(job, committed);
        }
        let record = job.run(committed);
        self.keys = record.job.keys;
        self.writer = record.job.writer;
        self.nanos = record.nanos;
        let entry = match record.job.by {
            By::Record(entry) => entry,
            By::Inputs => None,
        };
        self.sink.submit_with(record.delta, entry).map_err(failed)?;
        self.copy_some(committed)
    }

    pub(super) fn fill(&self, stats: &mut Stats) {
        let store = self.sink.stats();
        stats.encode_nanos = self.nanos;
        stats.disk_wait_nanos = store.submit_wait_time.as_nanos() as u64;
        stats.sync_nanos = store.sync_time_max.as_nanos() as u64;
        stats.store_queue_frames = u64::from(store.queue_frames);
        stats.store_queue_bytes = store.queue_bytes;
    }
}

/// The types of a new world with these columns, by key.
pub(super) fn created_types(columns: &[Arc<dyn Column>]) -> Vec<TypeEntry> {
    let types: Vec<TypeEntry> = columns[1..].iter().map(type_entry).collect();
    crate::store::created(&types)
}

impl Job {
    /// Writes the values and ends the record.
    fn run(mut self, committed: &Committed<'_>) -> Record {
        let Committed { world, columns, tables: list, shared, .. } = *committed;
        let roles = shared.frames.roles();
        let start = Stopwatch::start();
        let (slot, stamp) = (roles.prev(), roles.stamps[roles.prev()]);
        let tables = &world.storages().tables;
        for (number, info) in list.list.iter().enumerate() {
            for index in info.columns.iter().map(|index| usize::from(*index)) {
                let (column, key) = (&*columns[index], self.keys[index]);
                let Some(marks) = column.by_table().get(info.id) else { continue };
                let rows = Rows { column, table: &tables[info.id], slot, number: number as u32, key };
                rows.write_changed(&mut self.writer, marks, stamp);
            }
        }
        for annex in committed.annexes.iter().filter(|annex| !annex.is_quiet()) {
            self.writer.note(annex.name(), |out| annex.write(out));
        }
        let delta = self.writer.finish();
        Record { delta, job: self, nanos: start.nanos() }
    }
}

impl Frame {
    /// Begins the record of the commit that is ending, and ends it at once if it is small.
    pub(super) fn record(&mut self, frame: u64) -> Result<()> {
        let Some(mut encoder) = self.encoder.take() else { return Ok(()) };
        let done = self.record_with(&mut encoder, frame);
        self.encoder = Some(encoder);
        done
    }

    fn record_with(&mut self, encoder: &mut Encoder, frame: u64) -> Result<()> {
        let entry = self.take_entry(encoder, frame);
        if encoder.by_inputs {
            return self.record_inputs(encoder, frame, entry);
        }
        let roles = self.shared.frames.roles();
        let annexes = self.annexes.iter().filter(|annex| !annex.is_quiet());
        let noted = annexes.map(|annex| annex.size().max(1)).sum::<usize>();
        let bytes = self.changed_bytes_at_most(roles) + noted;
        let quiet =
            self.journal.shifts.is_empty() && self.applied.is_empty() && bytes == 0 && entry.is_none();
        let digest = self.digests.last.filter(|(taken, _)| *taken == frame);
        if quiet && digest.is_none() {
            encoder.sink.empty_to(frame);
            if encoder.copying.is_some() {
                encoder.copy_some(&self.as_committed())?;
            }
            return encoder.sink.failure().map_or(Ok(()), |error| Err(failed(error)));
        }
        let mut writer = core::mem::take(&mut encoder.writer);
        writer.begin(encoder.sink.buffer(), frame, self.shared.time.get().dt);
        self.write_structure(&mut writer, &encoder.keys);
        if let Some((_, digest)) = digest {
            writer.digest(digest.0);
        }
        if encoder.copying.is_some() && !sabotage::is(Bug::LostMove) {
            self.write_moved(&mut writer, &encoder.keys);
        }
        let by = By::Record(entry);
        let job = Job { writer, keys: core::mem::take(&mut encoder.keys), by };
        if bytes > INLINE_BYTES_MAX || encoder.copying.is_some() || encoder.sink.checkpoint_due() {
            encoder.pending = Some(job);
            return Ok(());
        }
        encoder.complete(job, &self.as_committed())
    }

    /// The committed frame.
    pub(super) fn as_committed(&self) -> Committed<'_> {
        Committed {
            annexes: &self.annexes,
            frame: self.committed,
            world: self.world(),
            columns: &self.columns,
            tables: &self.tables,
            shared: &self.shared,
            digest: self.digests.last,
        }
    }

    /// An upper bound of the bytes of changed rows: 0 says that nothing changed.
    fn changed_bytes_at_most(&self, roles: Roles) -> usize {
        let (slot, stamp) = (roles.prev(), roles.stamps[roles.prev()]);
        let mut bytes = 0;
        for info in &self.tables.list {
            for index in &info.columns {
                let column = &self.columns[usize::from(*index)];
                if let Some(marks) = column.by_table().get(info.id) {
                    bytes += marks.changed_rows_at_most(slot, stamp)
                        * column.fixed().map_or(64, |n| n.max(1) as usize);
                }
            }
        }
        bytes
    }

    fn write_structure(&self, writer: &mut DeltaWriter, keys: &[u16]) {
        let mut types = Vec::new();
        for shift in &self.journal.shifts {
            match *shift {
                Shift::Table(number) => {
                    types.clear();
                    let columns = &self.tables.list[number as usize].columns;
                    types.extend(columns.iter().map(|index| keys[usize::from(*index)]));
                    writer.table(number, &types);
                }
                Shift::Push { table, count } => writer.push(table, count),
                Shift::SwapRemove { table, row } => writer.swap_remove(table, row),
                Shift::Move { from, row, to } => writer.move_row(from, row, to),
            }
        }
        if !self.journal.shifts.is_empty() || !self.applied.is_empty() {
            for (column, key) in self.columns.iter().zip(keys) {
                if sabotage::is(Bug::ForgottenRemoval) {
                    continue;
                }
                writer.removed(*key, bytemuck::must_cast_slice(column.removed().get()));
            }
            let serials = self.shared.serials.get().iter();
            let known = serials.filter(|_| !sabotage::is(Bug::LostSerial));
            known.for_each(|(key, next)| writer.serial(key.0, *next));
        }
    }

    /// Ends the record that is still open, if any.
    fn finish_pending(&mut self) -> Result<()> {
        let Some(mut encoder) = self.encoder.take() else { return Ok(()) };
        let done = match encoder.take_pending() {
            Some(job) => encoder.complete(job, &self.as_committed()),
            None => Ok(()),
        };
        self.encoder = Some(encoder);
        done
    }

    /// Ends the record that is still open; a failure stops the engine.
    pub(crate) fn hand_over(&mut self) -> Result<()> {
        match self.encoder.as_ref().is_some_and(|encoder| encoder.pending.is_some()) {
            true => self.guarded(self.committed, Self::finish_pending),
            false => Ok(()),
        }
    }

    /// Hands everything over and waits until it is durable.
    pub(crate) fn flush(&mut self) -> Result<u64> {
        self.hand_over()?;
        let Some(encoder) = &mut self.encoder else { return Ok(self.committed) };
        encoder.sink.flush().map_err(failed)?;
        Ok(encoder.durable_frame().unwrap_or(self.committed))
    }

    /// Waits until `frame` is durable.
    pub(crate) fn wait_durable(&mut self, frame: u64, timeout: Duration) -> Result<u64> {
        self.hand_over()?;
        let Some(encoder) = &self.encoder else { return Ok(self.committed) };
        if encoder.sink.wait_durable(frame, timeout).map_err(failed)? {
            return Ok(encoder.durable_frame().unwrap_or(self.committed));
        }
        let durable = encoder.durable_frame().unwrap_or(self.committed);
        Err(Error::Store(format!("frame {frame} is not durable after {timeout:?}; frame {durable} is")))
    }
}

pub(crate) fn failed(error: crate::store::StoreError) -> Error {
    Error::Store(error.to_string())
}
