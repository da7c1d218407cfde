//! The random driver of the naive world: frames, empty frames, checkpoints, the same with a store or without.

use diptych_engine::store::{DeltaWriter, Store, StoreError};

use super::model::{Model, Random};

/// Runs a model against a store: frames, empty frames, checkpoints copied over several frames.
pub(crate) struct Driver {
    pub(crate) model: Model,
    random: Random,
    /// Decides when to copy and close; the frames do not depend on it.
    pub(crate) pace: Random,
    writer: DeltaWriter,
    /// Whether checkpoints are made; each one syncs.
    pub(crate) checkpoints: bool,
    /// Rows still to be copied: (table, first row, rows).
    copying: Option<Vec<(usize, usize, usize)>>,
}

impl Driver {
    pub(crate) fn new(seed: u64) -> Self {
        let (random, pace) = (Random::new(seed), Random::new(seed + 1000));
        Self {
            model: Model::default(),
            random,
            pace,
            writer: DeltaWriter::default(),
            checkpoints: true,
            copying: None,
        }
    }

    /// The store was reopened: a checkpoint that was being copied is gone.
    pub(crate) fn reopened(&mut self) {
        self.copying = None;
    }

    /// Makes a frame without a store: the same frame as with one.
    pub(crate) fn replay(&mut self) {
        if !self.empty_frames() {
            drop(self.model.step(&mut self.random, false, &mut self.writer, Vec::new()));
        }
    }

    fn empty_frames(&mut self) -> bool {
        let Some(frame) = self.model.frame.filter(|_| self.random.below(6) == 0) else { return false };
        self.model.frame = Some(frame + 1 + self.random.below(5));
        self.model.forget();
        true
    }

    pub(crate) fn frame(&mut self, store: &mut Store) -> Result<(), StoreError> {
        if self.empty_frames() {
            store.empty_to(self.model.frame.expect("a frame was made"));
        } else {
            let delta =
                self.model.step(&mut self.random, self.copying.is_some(), &mut self.writer, store.buffer());
            store.submit(delta)?;
        }
        self.checkpoint(store)
    }

    fn checkpoint(&mut self, store: &mut Store) -> Result<(), StoreError> {
        let Some(pages) = &mut self.copying else {
            if self.checkpoints && self.pace.below(12) == 0 {
                store.begin_checkpoint(self.model.base())?;
                let mut pages = Vec::new();
                for (table, rows) in self.model.tables.iter().map(|table| table.rows.len()).enumerate() {
                    pages.extend((0..rows).step_by(5).map(|first| (table, first, 5.min(rows - first))));
                }
                self.copying = Some(pages);
            }
            return Ok(());
        };
        for _ in 0..=self.pace.below(3) {
            let Some((table, first, rows)) = pages.pop() else {
                self.copying = None;
                return store.end_checkpoint();
            };
            store.page(self.model.page(table, first, rows, &mut self.writer, store.buffer()))?;
        }
        Ok(())
    }
}
