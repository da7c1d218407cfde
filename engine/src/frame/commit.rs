//! The commit: coverage, structure, the change of roles, inputs, annexes, digest, hooks, observers, the record, in that
//! order; transient values end before structure, and once more after what structure and inputs have set.
//!
//! Invariant: exclusive, and proportional to what changed. After it, the new previous slot is immutable until
//! the next commit, and every row of a new or moved entity is right in both slots.

#![expect(unsafe_code, reason = "has the world to itself between waves")]

use super::{Frame, INPUTS_A_COMMIT_MAX, LEASE_WAIT_MAX};
use crate::buffer::TableMarks;
use crate::control::Control;
use crate::error::{Error, Result};
use crate::id::{Id, SystemKey};
use crate::input::{Applier, Envelope};
use crate::registry::Registry;
use crate::sabotage::{self, Bug};
use crate::schedule::Turns;
use crate::structure::Commands;
use crate::timer::Stopwatch;
use crate::view::View;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Commands for which an emptied buffer keeps its room.
const SPARE_COMMANDS_MAX: usize = 1 << 18;

impl Frame {
    pub(super) fn commit(&mut self, frame: u64) -> Result<()> {
        let _span = tracing::trace_span!("commit", frame).entered();
        let gate = self.gate.clone();
        // The clock is read only where there is something to wait for.
        let waits = (!gate.is_idle()).then(Stopwatch::start);
        let closed = gate.close(LEASE_WAIT_MAX).map_err(|held| Error::Lease(held.to_string()))?;
        if let Some(start) = waits {
            self.stats.lease_wait_nanos += start.nanos();
        }
        let done = self.commit_closed(frame);
        if done.is_err() {
            // What leases would see is half a commit.
            closed.abandon();
        } else {
            drop(closed);
        }
        // After the gate is open: whoever is answered can lease this frame.
        let answered = done?;
        if let Some(up_to) = answered {
            self.inputs.queue().answer(up_to, frame);
        }
        Ok(())
    }

    /// The commit while no lease is held; answers up to which ticket inputs were applied.
    fn commit_closed(&mut self, frame: u64) -> Result<Option<u64>> {
        self.report_twice();
        self.check_coverage()?;
        self.keep_overwritten();
        self.clear_journal();
        self.expire_old();
        self.apply_structure()?;
        self.exchange(frame);
        let answered = self.apply_inputs(frame)?;
        self.exchange_annexes(frame)?;
        self.keep_still(frame)?;
        self.check_order(frame)?;
        self.stats.commands_dropped += self.journal.dropped;
        self.expire_other();
        self.finish(frame)?;
        Ok(answered)
    }

    /// Commits frame 0: what the setups issued.
    pub(crate) fn commit_setup(&mut self) -> Result<()> {
        self.apply_structure()?;
        // SAFETY: nothing runs yet.
        unsafe { self.cell.get_mut() }.resource_mut::<Registry>().spare.clear();
        self.stats.commands_dropped += self.journal.dropped;
        self.exchange(0);
        self.expire_other();
        self.finish(0)
    }

    /// What stands after every commit: the digest where due, hooks, copies, and the record.
    fn finish(&mut self, frame: u64) -> Result<()> {
        let before = core::mem::replace(&mut self.committed, frame);
        let done = catch_unwind(AssertUnwindSafe(|| self.finish_committed(frame)));
        // What failed is not committed.
        let done = done.unwrap_or_else(|panic| {
            self.committed = before;
            resume_unwind(panic)
        });
        if done.is_err() {
            self.committed = before;
        }
        done
    }

    fn finish_committed(&mut self, frame: u64) -> Result<()> {
        self.digests.count_commit();
        if self.digests.due(frame) {
            self.take_digest();
        }
        self.run_hooks();
        self.copy_columns();
        self.show_commit()?;
        self.keep_frame(frame);
        self.record(frame)
    }

    /// Reports rows that were set twice in the frame; counted in debug builds.
    fn report_twice(&mut self) {
        if cfg!(debug_assertions) {
            for (column, owner) in self.columns.iter().zip(&self.schedule.owners) {
                let rows = column.take_twice();
                if rows > 0 {
                    let owner = owner.as_deref().unwrap_or("nobody");
                    tracing::warn!(
                        type_name = column.type_name(),
                        owner,
                        rows,
                        "rows were set twice in a frame"
                    );
                    self.stats.rows_set_twice += rows;
                }
            }
        }
    }

    /// Strict types must have every row set or carried; where the owner did not run, the engine carries all.
    fn check_coverage(&self) -> Result<()> {
        let roles = self.shared.frames.roles();
        for index in self.special.strict.iter().copied() {
            let column = &self.columns[index];
            if self.schedule.owners[index].is_some() && !self.schedule.owner_ran(index) {
                continue;
            }
            let (mut covered, mut rows, mut hole) = (0, 0, None);
            for info in &self.tables.list {
                let Some(marks) = column.by_table().get(info.id) else { continue };
                let (table_covered, table_hole) = marks.coverage(roles.next, roles.stamps[roles.next]);
                covered += table_covered as u64;
                rows += marks.rows as u64;
                hole = hole.or(table_hole.map(|row| (info.id, row)));
            }
            if let Some((table, row)) = hole {
                let owner = self.schedule.owners[index].clone();
                return Err(Error::Uncovered {
                    system: owner.unwrap_or_else(|| "nobody".to_owned()),
                    type_name: column.type_name().to_owned(),
                    covered,
                    rows,
                    id: self.ids.ids(&self.world().storages().tables[table])[row],
                });
            }
        }
        Ok(())
    }

    fn clear_journal(&mut self) {
        let lost = self.journal.lost;
        self.journal.clear();
        self.applied.clear();
        if lost {
            for column in &self.columns {
                // SAFETY: no wave runs, and leases are out.
                unsafe { column.removed().get_mut() }.clear();
            }
            // SAFETY: the same. bevy keeps its own lists of removals until it is told that they were seen.
            unsafe { self.cell.get_mut() }.clear_trackers();
        }
    }

    /// The transient values of the last frame have been read: their rows become blank. Before structure, which
    /// moves rows of this slot without its marks.
    fn expire_old(&self) {
        let roles = self.shared.frames.roles();
        self.expire(roles.prev(), roles.stamps[roles.prev()], roles.prev());
    }

    /// What structure and inputs have set stands in both slots; the one that is written next must be blank.
    pub(super) fn expire_other(&self) {
        let roles = self.shared.frames.roles();
        if !sabotage::is(Bug::LingeringTransient) {
            self.expire(roles.prev(), roles.stamps[roles.prev()], roles.next);
        }
    }

    fn expire(&self, marked: usize, stamp: u8, slot: usize) {
        let tables = &self.world().storages().tables;
        for index in &self.special.transient {
            // SAFETY: no wave runs, and leases are out.
            unsafe { self.columns[*index].expire(tables, marked, stamp, slot) };
        }
    }

    /// Applies what the systems issued, in the order of their names.
    fn apply_structure(&mut self) -> Result<()> {
        if self.schedule.structural || self.committed == 0 {
            return self.apply_issued();
        }
        Ok(())
    }

    fn apply_issued(&mut self) -> Result<()> {
        // SAFETY: no wave runs, and leases are out.
        let world = unsafe { self.cell.get_mut() };
        for task in self.schedule.tasks.iter_mut().filter(|task| task.structural) {
            task.parts.iter_mut().for_each(|part| part.apply_deferred(world));
        }
        let mut issued = core::mem::take(&mut world.resource_mut::<Registry>().issued);
        issued.retain(|commands| !commands.list.is_empty());
        if issued.is_empty() {
            return Ok(());
        }
        issued.sort_by(|a: &Commands, b| a.system.cmp(&b.system));
        if sabotage::is(Bug::HashOrder) {
            issued.sort_by_key(|commands| sabotage::process_hash(&commands.system));
        }
        let roles = self.shared.frames.roles();
        // SAFETY: as above, and `world` is not used any more.
        let mut editor = unsafe { self.editor(roles.next, roles.stamps[roles.next]) };
        issued.iter_mut().try_for_each(|commands| editor.apply(commands))?;
        let mut registry = editor.world.resource_mut::<Registry>();
        // A buffer is kept for its memory, but not one of a size that comes once, as a setup's.
        issued.retain(|commands| commands.capacity() <= SPARE_COMMANDS_MAX);
        registry.spare.append(&mut issued);
        self.note_refusals();
        Ok(())
    }

    /// The slot that was being written becomes the committed one.
    fn exchange(&mut self, frame: u64) {
        let wrapped = self.shared.frames.begin(frame + 1);
        if wrapped {
            let next = self.shared.frames.roles().next;
            for column in &self.columns {
                // SAFETY: no wave runs, and leases are out.
                unsafe { column.by_table().clear(next) };
            }
        }
        // SAFETY: no wave runs, and leases are out.
        let time = unsafe { self.shared.time.get_mut() };
        time.frame = frame + 1;
        time.still += u64::from(self.shared.is_still());
    }

    /// Applies what has arrived by now, in order of arrival; it belongs to this frame.
    fn apply_inputs(&mut self, frame: u64) -> Result<Option<u64>> {
        if let Some(envelopes) = self.again.take() {
            self.apply_envelopes(frame, envelopes)?;
            return Ok(None);
        }
        if self.inputs.queue().is_empty() {
            return Ok(None);
        }
        let inputs = self.inputs.clone();
        let mut arrived: Vec<Envelope> = Vec::new();
        let drained = inputs.queue().drain(INPUTS_A_COMMIT_MAX, |envelope, _| arrived.push(envelope));
        arrived.retain(|_| !sabotage::now_and_then(Bug::LostInput));
        self.apply_envelopes(frame, arrived)?;
        Ok(Some(drained.up_to))
    }

    fn apply_envelopes(&mut self, frame: u64, arrived: Vec<Envelope>) -> Result<()> {
        let inputs = self.inputs.clone();
        let mut failure = None;
        let mut refused = 0;
        let roles = self.shared.frames.roles();
        // SAFETY: no wave runs, and leases are out.
        let mut editor = unsafe { self.editor(roles.prev(), roles.stamps[roles.prev()]) };
        for envelope in &arrived {
            let kind = &inputs.kinds()[envelope.kind];
            editor.acting.clone_from(&kind.name);
            let key = SystemKey::of(&kind.name);
            let source = &envelope.source;
            let mut applier = Applier { editor: &mut editor, key, source, frame, failure: &mut failure };
            if let Err(error) = (kind.apply)(&mut applier, &envelope.bytes) {
                tracing::warn!(input = kind.name, source = &**source, %error, "an input was refused");
                refused += 1;
            }
        }
        self.stats.inputs_applied += arrived.len() as u64 - refused;
        self.stats.inputs_refused += refused;
        self.note_refusals();
        self.applied = arrived;
        failure.map_or(Ok(()), Err)
    }

    /// Whether the last commit made, changed or ended a control; by whatever way, as a restart would see it.
    pub(super) fn controls_changed(&self) -> bool {
        let roles = self.shared.frames.roles();
        let (slot, stamp) = (roles.prev(), roles.stamps[roles.prev()]);
        let column = &self.columns[self.special.control];
        let changed = |marks: &TableMarks| marks.changed_rows_at_most(slot, stamp) > 0;
        !column.removed().get().is_empty() || column.by_table().iter().any(|(_, marks)| changed(marks))
    }

    /// Each system runs as it was registered, or as its control says; of several, that of the lowest `Id`.
    pub(crate) fn refresh_turns(&mut self) {
        let view = View::new(self.world(), &self.shared);
        let mut controls: Vec<(Id, Control)> =
            view.iter::<Control>().map(|(id, control)| (id, control.clone())).collect();
        controls.sort_by_key(|(id, _)| *id);
        for task in &mut self.schedule.tasks {
            let control =
                controls.iter().map(|(_, control)| control).find(|control| control.system() == task.name);
            let registered = Turns { enabled: true, every: task.every };
            task.turns = control.map_or(registered, Control::turns);
        }
    }

    /// What systems gathered beside the columns becomes visible to the next frame.
    fn exchange_annexes(&mut self, frame: u64) -> Result<()> {
        if self.annexes.is_empty() {
            return Ok(());
        }
        let annexes = core::mem::take(&mut self.annexes);
        let roles = self.shared.frames.roles();
        // SAFETY: no wave runs, and leases are out.
        let mut editor = unsafe { self.editor(roles.prev(), roles.stamps[roles.prev()]) };
        // SAFETY: as above.
        let done = annexes.iter().try_for_each(|annex| unsafe { annex.exchange(&mut editor, frame) });
        self.annexes = annexes;
        done
    }

    fn run_hooks(&self) {
        let tables = &self.world().storages().tables;
        let ids = |table, row: usize| self.ids.ids(&tables[table])[row];
        let hooked = self.special.hooked.iter().map(|index| &self.columns[*index]);
        // SAFETY: no wave runs.
        hooked.for_each(|column| unsafe { column.run_hooks(tables, &ids, self.shared.frames.roles()) });
    }
}
