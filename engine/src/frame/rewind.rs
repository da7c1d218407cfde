//! Going back, from above: what each commit keeps of the frame before, and what a rollback refuses.
//!
//! Invariant: a refusal has changed nothing. How a world is put together again is `back`'s; what is kept, `rewind`'s.

#![expect(unsafe_code, reason = "has the world to itself between waves")]

mod back;

use super::{Frame, LEASE_WAIT_MAX};
use crate::annex::Annex;
use crate::error::{Error, Result};
use crate::rewind::{Kept, MarkedRun};
use crate::wave;
use std::sync::Arc;

impl Frame {
    /// At the beginning of a commit: keeps what the wave has overwritten.
    pub(super) fn keep_overwritten(&mut self) {
        let Some(rewind) = &mut self.rewind else { return };
        let roles = self.shared.frames.roles();
        // SAFETY: no wave runs.
        let tables = unsafe { &self.cell.get().storages().tables };
        // SAFETY: no wave runs, and the commit has only looked so far.
        unsafe { rewind.undo.keep_wave(&self.tables, &self.columns, tables, roles) };
    }

    /// Keeps the frame that the engine begins with, where no commit of its own made it.
    pub(crate) fn keep_first(&mut self) {
        if self.rewind.as_ref().is_some_and(|rewind| rewind.newest().is_none()) {
            self.keep_frame(self.committed);
        }
    }

    /// At the end of a commit: keeps the frame.
    pub(super) fn keep_frame(&mut self, frame: u64) {
        let Some(rewind) = &self.rewind else { return };
        let serials = self.shared.serials.get();
        let same = rewind.newest().map(|kept| &kept.serials).filter(|kept| &***kept == serials);
        let serials = same.map_or_else(|| Arc::new(serials.clone()), Arc::clone);
        let note = |annex: &Arc<dyn Annex>| {
            let mut bytes = Vec::with_capacity(annex.size());
            annex.write(&mut bytes);
            bytes
        };
        let removed = self.columns.iter().enumerate();
        let removed = removed.map(|(index, column)| (index as u16, column.removed().get()));
        let kept = Kept {
            frame,
            still: self.shared.time.get().still,
            serials,
            marks: self.marked_runs(),
            removed: removed
                .filter(|(_, ids)| !ids.is_empty())
                .map(|(index, ids)| (index, ids.clone()))
                .collect(),
            notes: self.annexes.iter().map(note).collect(),
            ..Kept::default()
        };
        self.rewind.as_mut().expect("looked at above").push(kept);
    }

    /// Every run of rows that the committed frame changed.
    fn marked_runs(&self) -> Vec<MarkedRun> {
        let roles = self.shared.frames.roles();
        let (slot, stamp) = (roles.prev(), roles.stamps[roles.prev()]);
        let mut runs = Vec::new();
        for (number, info) in self.tables.list.iter().enumerate() {
            for index in &info.columns {
                let marks = self.columns[usize::from(*index)].by_table().get(info.id);
                let Some(marks) = marks.filter(|marks| marks.sides[slot].touched(stamp)) else { continue };
                marks.changed_runs(slot, stamp, |rows, kind| {
                    let (start, end) = (rows.start as u32, rows.end as u32);
                    runs.push(MarkedRun { table: number as u32, column: *index, kind, start, end });
                });
            }
        }
        runs
    }

    /// After structure and inputs: a table that came back too late must not be one that somebody walks together with
    /// those that came before it.
    pub(super) fn check_order(&mut self, frame: u64) -> Result<()> {
        if self.journal.disorder.is_empty() {
            return Ok(());
        }
        let late = core::mem::take(&mut self.journal.disorder);
        let Some((number, _)) =
            late.into_iter().find(|(first, second)| self.are_walked_together(*first, *second))
        else {
            return Ok(());
        };
        let info = &self.tables.list[number as usize];
        let types = info.columns[1..].iter().map(|index| self.columns[usize::from(*index)].type_name());
        let types: Vec<&str> = types.collect();
        let types = if types.is_empty() { "no state".to_owned() } else { types.join(", ") };
        Err(Error::TableOrder { frame, types })
    }

    /// Whether anything could tell in which order two tables come: a type that both hold, or a query that matches
    /// both.
    fn are_walked_together(&self, first: u32, second: u32) -> bool {
        let infos = [first, second].map(|number| &self.tables.list[number as usize]);
        if infos[0].columns[1..].iter().any(|index| infos[1].columns[1..].contains(index)) {
            return true;
        }
        let tables = infos.map(|info| &self.world().storages().tables[info.id]);
        let queries = self.schedule.tasks.iter().flat_map(|task| task.access.filtered_accesses());
        queries.into_iter().any(|query| {
            tables.iter().all(|table| {
                query.filter_sets().iter().any(|set| {
                    set.with().iter().all(|id| table.has_column(id))
                        && !set.without().iter().any(|id| table.has_column(id))
                })
            })
        })
    }

    /// Undoes the frames after `frame`.
    pub(crate) fn rollback_to(&mut self, frame: u64) -> Result<()> {
        if let Some(reason) = &self.poisoned {
            return Err(Error::Poisoned { frame: self.committed, reason: reason.clone() });
        }
        if wave::in_wave() {
            return Err(Error::NestedTick);
        }
        self.check_kept(frame)?;
        if frame == self.committed {
            return Ok(());
        }
        let _span = tracing::debug_span!("rollback", from = self.committed, to = frame).entered();
        let gate = self.gate.clone();
        let closed = gate.close(LEASE_WAIT_MAX).map_err(|held| Error::Lease(held.to_string()))?;
        let undone = self.committed - frame;
        let done = self.guarded(frame, |world| world.go_back(frame));
        self.stats.frames_undone += undone;
        if done.is_err() {
            // What leases would see is half a rollback.
            closed.abandon();
        }
        done
    }

    /// Whether `frame` can be gone back to.
    fn check_kept(&self, frame: u64) -> Result<()> {
        let refuse = |reason| Err(Error::Rollback { frame, reason });
        let Some(rewind) = &self.rewind else {
            return refuse("frames are not kept; add .rollback(frames) to the engine".to_owned());
        };
        if frame > self.committed {
            return refuse(format!(
                "frame {} is the last one made; make frames with step or run",
                self.committed
            ));
        }
        let oldest = rewind.oldest().unwrap_or(self.committed);
        if frame >= oldest {
            return Ok(());
        }
        let why = match rewind.is_short() {
            true => format!(
                "those before it were forgotten because the frames kept may take {} bytes; allow more with .rollback_bytes(bytes)",
                rewind.bytes_max()
            ),
            false => "keep more with .rollback(frames)".to_owned(),
        };
        refuse(format!("the oldest one kept is {oldest}; {why}"))
    }
}
