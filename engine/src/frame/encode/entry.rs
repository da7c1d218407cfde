//! The entry of a frame in the log of inputs, and frames that are known by it alone.
//!
//! Invariant: what a frame took is in its entry whole, in the order in which it took effect; so the frame can be made
//! again from the one before.

use super::{Committed, Encoder, Frame, Job, failed};
use crate::error::Result;
use crate::sabotage::{self, Bug};
use crate::store::{Durability, Entry, Mark, Taken};

impl Frame {
    /// What came into the frame that is being committed; forgets what the intakes have noted.
    pub(super) fn take_entry(&mut self, encoder: &mut Encoder, frame: u64) -> Option<Entry> {
        if !encoder.logs {
            return None;
        }
        let kinds = self.inputs.kinds();
        let inputs = self.applied.iter().map(|envelope| Taken {
            source: envelope.source.clone(),
            name: kinds[envelope.kind].name.as_str().into(),
            version: kinds[envelope.kind].version,
            bytes: envelope.bytes.clone(),
        });
        let mut taken: Vec<Taken> = inputs.collect();
        for intake in &self.intakes {
            intake.take(|bytes| {
                let (name, version) = (intake.name().into(), intake.version());
                taken.push(Taken { source: "".into(), name, version, bytes: bytes.to_owned() });
            });
        }
        let digest = self.digests.last.filter(|(at, _)| *at == frame).map(|(_, digest)| digest.0);
        let entry =
            Entry { frame, still: self.shared.is_still(), opened: encoder.opened.take(), digest, taken };
        (!entry.is_empty()).then_some(entry)
    }

    /// Writes down a frame by what came into it; every so many frames, or bytes that came in, a checkpoint of the state
    /// follows.
    pub(super) fn record_inputs(
        &mut self,
        encoder: &mut Encoder,
        frame: u64,
        entry: Option<Entry>,
    ) -> Result<()> {
        match entry {
            Some(entry) => encoder.sink.submit_entry(entry).map_err(failed)?,
            None => encoder.sink.empty_to(frame),
        }
        let due = encoder.checkpoint_every.is_some_and(|every| frame.is_multiple_of(u64::from(every)));
        if due || encoder.sink.checkpoint_due() {
            let writer = core::mem::take(&mut encoder.writer);
            encoder.pending = Some(Job { writer, keys: core::mem::take(&mut encoder.keys), by: By::Inputs });
        }
        encoder.sink.failure().map_or(Ok(()), |error| Err(failed(error)))
    }
}

impl Encoder {
    /// Frames after this one were undone: records of what comes follow no earlier one.
    pub(crate) fn begin_again(&mut self, frame: u64) {
        assert!(self.pending.is_none(), "whoever makes frames hands over the record of the last one");
        if !sabotage::is(Bug::UndoneRecords) {
            self.sink.begin_again(frame);
        }
    }
}

/// How a frame is written down.
pub(super) enum By {
    /// By its record, with what came into it.
    Record(Option<Entry>),
    /// By what came into it, which is written already; this one is copied into a checkpoint.
    Inputs,
}

/// How often the state of a world that is known by its inputs is copied into a checkpoint.
pub(super) fn checkpoint_every(durability: Durability) -> Option<u32> {
    match durability {
        Durability::Inputs(frames) => Some(frames.max(1)),
        _ => None,
    }
}

impl Encoder {
    /// Copies the whole committed frame into a checkpoint, with the marks that its record would have.
    pub(super) fn checkpoint_by_inputs(&mut self, job: Job, committed: &Committed<'_>) -> Result<()> {
        (self.keys, self.writer) = (job.keys, job.writer);
        let copy = self.marks_of(committed);
        self.copy_all_with(committed, Some(copy))
    }

    /// The same at once, for a world that is known by its inputs from here on, or was until now.
    pub(super) fn checkpoint_at_opening(&mut self, committed: &Committed<'_>) -> Result<()> {
        self.by_inputs = self.checkpoint_every.is_some();
        let copy = self.marks_of(committed);
        self.copy_all_with(committed, Some(copy))?;
        self.sink.begin_anew(committed.frame).map_err(failed)
    }

    /// What the next frame sees of the committed one beside its values.
    pub(super) fn marks_of(&mut self, committed: &Committed<'_>) -> Vec<u8> {
        let roles = committed.shared.frames.roles();
        let (slot, stamp) = (roles.prev(), roles.stamps[roles.prev()]);
        let tables = &committed.world.storages().tables;
        let writer = &mut self.writer;
        writer.begin(self.sink.buffer(), committed.frame, committed.shared.time.get().dt);
        for (number, info) in (0..).zip(&committed.tables.list) {
            for index in info.columns.iter().map(|index| usize::from(*index)) {
                let (column, key) = (&*committed.columns[index], self.keys[index]);
                let Some(marks) = column.by_table().get(info.id) else { continue };
                if column.transient() {
                    let rows = super::Rows { column, table: &tables[info.id], slot, number, key };
                    rows.write_changed(writer, marks, stamp);
                    continue;
                }
                marks.changed_runs(slot, stamp, |rows, kind| {
                    let added = kind == crate::buffer::Kind::Added;
                    let mark = if added { Mark::Added } else { Mark::Changed };
                    // Without bytes: the value is in a page.
                    writer.rows_fixed(key, number, rows.start as u32, rows.len() as u32, mark, &[]);
                });
            }
        }
        for (column, key) in committed.columns.iter().zip(&self.keys) {
            writer.removed(*key, bytemuck::must_cast_slice(column.removed().get()));
        }
        for annex in committed.annexes.iter().filter(|annex| !annex.is_quiet()) {
            writer.note(annex.name(), |out| annex.write(out));
        }
        writer.finish().into_sealed_bytes()
    }
}
