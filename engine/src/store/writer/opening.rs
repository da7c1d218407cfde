//! What an opening changes in a world: written once nothing can refuse the opening any more, before anything else of it.
//!
//! Invariant: until then a world is as it was found, so that a program that is refused leaves it to the one that made it.
//! Who makes the frames stands beside them: while the last ones are known by what came in alone, a new program is written
//! with the switch to the checkpoint that holds them. Left out: when nothing refuses any more (the engine's builder).

use super::Writer;
use crate::store::history::Kept;
use crate::store::log::LogStart;
use crate::store::queue::Item;
use crate::store::recovery::{Position, encode_program};
use crate::store::{Store, StoreError, TypeEntry, catalog, keys};

/// What an opening changes.
#[derive(Debug)]
pub(crate) struct Opening {
    /// Frame + 1 of the last frame that was found.
    head: u64,
    /// The catalog with the types that are new to the world, and what is kept with the one before.
    catalog: Option<[Vec<u8>; 2]>,
    /// Who makes the frames from here on, where that is somebody else.
    program: Option<Vec<u8>>,
    /// Whether frames after the checkpoint are known by what came in alone.
    has_tail: bool,
    /// Epochs before the first number go; those from there to the second are kept and not written.
    epochs: (u64, u64),
}

impl Opening {
    /// `kept` is what stays of the past, `program` who makes the frames where that is somebody else.
    pub(crate) fn new(position: &Position, kept: &Kept, program: Option<&str>) -> Self {
        let current = kept.starts.last().map_or(0, |start| start.epoch);
        Self {
            head: position.head,
            catalog: None,
            program: program.map(encode_program),
            has_tail: position.has_tail(),
            epochs: (kept.starts.first().map_or(current, |start| start.epoch), current),
        }
    }

    /// With a catalog that has types new to the world.
    pub(crate) fn with_types(mut self, types: &[TypeEntry], kept: &Kept) -> Self {
        self.catalog = Some([catalog::encode(types), kept.encode()]);
        self
    }
}

impl Store {
    /// Nothing refuses the world any more: new types, who makes the frames, and how much is kept are written down before
    /// anything else.
    ///
    /// # Errors
    /// The writer failed earlier.
    pub fn confirm(&mut self) -> Result<(), StoreError> {
        self.queue.put(Item::Confirm)
    }
}

impl Writer {
    /// Writes what the opening changes, if that was not done yet.
    pub(super) fn confirm(&mut self) -> Result<(), StoreError> {
        let Some(opening) = self.opening.take() else { return Ok(()) };
        let log_start = self.log.begins(&self.disk, opening.head);
        let log_value = log_start.map(LogStart::encode);
        let (program, later) = match opening.program {
            Some(program) if opening.has_tail => (None, Some(program)),
            program => (program, None),
        };
        self.program = later;
        let mut values: Vec<(_, &[u8], &[u8])> = Vec::new();
        let world = &self.disk.world;
        if let Some([types, past]) = &opening.catalog {
            values.push((world, keys::CATALOG.as_bytes(), types));
            values.push((world, keys::PAST.as_bytes(), past));
        }
        values.extend(program.as_ref().map(|lines| (world, keys::PROGRAM.as_bytes(), lines.as_slice())));
        values.extend(log_value.as_ref().map(|start| (world, keys::LOG.as_bytes(), start.as_slice())));
        if !values.is_empty() {
            self.disk.write(&values)?;
        }
        if log_start.is_some() {
            // A log is there by the word of the disk first, or it would be taken for one of an earlier build.
            self.promise()?;
            self.disk.log_start = log_start;
        }
        self.log.change(&mut self.disk)?;
        let (oldest, current) = opening.epochs;
        self.disk.retire_before(oldest);
        self.disk.settle(oldest..current)?;
        if self.disk.is_untidy() && !self.marker.is_read() {
            self.tidy()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
