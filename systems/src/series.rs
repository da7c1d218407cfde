//! Recording: what was measured of a step becomes state of the world in the next one.
//!
//! Invariant: what is recorded follows from what was measured alone, and that from the committed frame; so a replay records
//! it again and needs nothing written down. The measure of the last step is recorded when the world goes on, however many
//! still frames come between.

use bevy_ecs::resource::Resource;
use diptych_components::series::{PIECES_MAX, Piece};
use diptych_engine::prelude::*;
use std::sync::{Arc, Mutex, PoisonError};

/// What was measured of one step.
#[derive(Clone, PartialEq, Debug)]
pub struct Sample {
    /// The step: frames that are not still ones, so that those do not move a series.
    pub step: u64,
    /// Steps from one sample to the next.
    pub every: u64,
    /// Names and values.
    pub values: Vec<(&'static str, f64)>,
}

/// The sample of the last step as it is committed, if there is one: put there by who looks at commits, read by
/// [`record`].
#[derive(Resource, Clone, Default, Debug)]
pub struct Latest(Arc<Mutex<Option<Sample>>>);

impl Latest {
    /// Takes the place of the one before.
    pub fn put(&self, sample: Option<Sample>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = sample;
    }

    /// The sample of this step. It stays: a frame that is made again needs it again.
    fn of(&self, step: u64) -> Option<Sample> {
        let sample = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sample.as_ref().filter(|sample| sample.step == step).cloned()
    }
}

/// Adds the last step's sample to the pieces: each value to the piece that goes on with its step, or to a new one.
pub fn record(
    mut pieces: Query<'_, '_, (Id, Next<Piece>)>,
    latest: Res<'_, Latest>,
    clock: Clock,
    mut structure: Structure<'_, '_>,
) {
    // In a step, which is all it runs in, that is the step before.
    let before = clock.step().saturating_sub(1);
    let Some(Sample { step, every, mut values }) = latest.of(before) else { return };
    let mut known: Vec<Known> =
        values.iter().map(|(name, _)| Known { name, pieces: 0, oldest: None }).collect();
    for (id, mut piece) in &mut pieces {
        let old = piece.prev();
        if let Some(known) = known.iter_mut().find(|known| known.name == old.name()) {
            known.pieces += 1;
            let oldest = known.oldest.unwrap_or((old.first(), id));
            known.oldest = Some(oldest.min((old.first(), id)));
        }
        if old.every() != every || old.open_for() != Some(step) {
            continue;
        }
        if let Some(at) = values.iter().position(|(name, _)| *name == old.name()) {
            let mut longer = old.clone();
            longer.push(values.swap_remove(at).1);
            piece.set(longer);
        }
    }
    // In an order that does not depend on what went on.
    values.sort_unstable_by_key(|(name, _)| *name);
    for (name, value) in values {
        let mut piece = Piece::new(name, every, step);
        piece.push(value);
        structure.spawn((piece,));
        let full = known.iter().find(|known| known.name == name && known.pieces >= PIECES_MAX);
        if let Some((_, id)) = full.and_then(|known| known.oldest) {
            structure.despawn(id);
        }
    }
}

/// What there is of one measure.
struct Known {
    name: &'static str,
    pieces: usize,
    /// By its first frame.
    oldest: Option<(u64, Id)>,
}
