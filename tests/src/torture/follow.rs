//! A view that follows a running world by deltas, as bytes; and deltas that must be refused.
//!
//! Invariant: the engine gives deltas of exactly the frames it keeps records of, and a view that has followed one is
//! the world: digest, rows in their places, marks, removals. A delta that is refused has changed nothing.

use crate::torture::portrait::Portrait;
use crate::torture::trial::Trial;
use diptych_engine::prelude::*;
use diptych_engine::store::{ViewWorld, WorldDelta};
use xxhash_rust::xxh3::xxh3_64;

/// Where an encoded delta has the number of its last frame.
const TARGET: core::ops::Range<usize> = 32..40;

/// What is known of a view's way to the world that it is to follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Bond {
    /// It is of this history.
    #[default]
    Sure,
    /// The world was opened since; it may have lost frames, and made them again.
    Perhaps,
    /// Its history was undone.
    Broken,
}

/// A view, and what the engine keeps for it.
#[derive(Debug, Default)]
pub(crate) struct Follower {
    /// Frames whose records are kept; none for no view at all.
    deltas: u64,
    /// The first frame of which a delta can be had.
    since: u64,
    view: Option<ViewWorld>,
    bond: Bond,
    /// The delta that was applied last.
    last: Option<WorldDelta>,
}

impl Follower {
    /// An engine begins, at a frame; the view of the one before may go on.
    pub(crate) fn begin(&mut self, deltas: u64, frame: u64, goes_on: bool) {
        let view = self.view.take().filter(|_| goes_on);
        *self = Self { deltas, since: frame, view, bond: Bond::Perhaps, last: None };
    }

    /// Frames after `to` were undone.
    pub(crate) fn undo(&mut self, to: u64) {
        (self.since, self.bond) = (to, Bond::Broken);
    }
}

impl Trial<'_> {
    /// Brings the view up to the frame of the engine, or takes one.
    pub(crate) fn follow(&mut self, engine: &mut Engine) -> Result<(), String> {
        if self.follower.deltas == 0 {
            return Ok(());
        }
        let frame = engine.frame();
        self.follower.since = self.follower.since.max(frame.saturating_sub(self.follower.deltas));
        let Some(mut view) = self.follower.view.take() else { return self.see(engine) };
        let Some(delta) = self.delta_since(engine, view.frame())? else { return Ok(()) };
        let bytes = delta.encode();
        if self.dice.one_in(3) {
            self.refuse(&view, &bytes, frame)?;
        }
        let what = format!("the delta from frame {} to {frame}", view.frame());
        let delta = WorldDelta::decode(&bytes).map_err(|error| format!("{what}: {error}"))?;
        let before = (view.frame(), view.image().digest());
        match (view.apply_delta(&delta), self.follower.bond) {
            (Ok(()), Bond::Broken) => return Err(format!("{what} was applied to a view of undone frames")),
            (Ok(()), _) => self.compare_view(engine, &view, &what)?,
            (Err(error), Bond::Perhaps | Bond::Broken) if error.to_string().contains("another history") => {
                self.compare_refused(&view, before, &what)?;
                return Ok(());
            }
            (Err(error), _) => return Err(format!("{what}: {error}")),
        }
        self.outcome.views += 1;
        self.follower.bond = Bond::Sure;
        self.follower.view = Some(view);
        self.follower.last = Some(delta);
        // Once more: a delta of no frames changes nothing.
        if self.dice.one_in(6) { self.follow(engine) } else { Ok(()) }
    }

    /// Takes a view of a frame that will be undone.
    pub(crate) fn see_stray(&mut self, engine: &mut Engine) -> Result<(), String> {
        if self.follower.deltas > 0 {
            let (view, digest) = (snapshot(engine)?, engine.digest());
            if view.image().digest() != digest {
                return Err(format!("a snapshot of a frame astray has not its digest {digest}"));
            }
            self.follower.view = Some(view);
        }
        Ok(())
    }

    /// Takes a view.
    fn see(&mut self, engine: &mut Engine) -> Result<(), String> {
        let view = snapshot(engine)?;
        self.compare_view(engine, &view, "a snapshot")?;
        (self.follower.view, self.follower.bond, self.follower.last) = (Some(view), Bond::Sure, None);
        Ok(())
    }

    /// The delta of the frames after `source`; none where they are not kept any more, which must be so.
    fn delta_since(&self, engine: &mut Engine, source: u64) -> Result<Option<WorldDelta>, String> {
        let kept = self.follower.since..=engine.frame();
        let what = format!("a delta since frame {source}, with records of {kept:?}");
        match engine.delta_since(source) {
            Ok(delta) if kept.contains(&source) => Ok(Some(delta)),
            Ok(_) => Err(format!("{what}: it was given")),
            Err(error) if !kept.contains(&source) && error.to_string().contains("can be asked for") => {
                Ok(None)
            }
            Err(error) => Err(format!("{what}: {error}")),
        }
    }

    /// Compares a view with the world of its frame.
    fn compare_view(&self, engine: &mut Engine, view: &ViewWorld, what: &str) -> Result<(), String> {
        let (frame, digest) = (engine.frame(), view.image().digest());
        let expected = self.digests[frame as usize];
        if (view.frame(), digest) != (frame, expected) || view.agrees() == Some(false) {
            return Err(format!(
                "{what}: the view is at frame {} with the digest {digest}; frame {frame} has {expected}",
                view.frame()
            ));
        }
        let image = engine.image().map_err(|error| format!("an image of frame {frame}: {error}"))?;
        let same = Portrait::of(view.image()).difference(&Portrait::of(&image));
        same.map_err(|error| format!("{what}: of the view and the world of frame {frame} {error}"))
    }

    fn compare_refused(&self, view: &ViewWorld, before: (u64, Digest), what: &str) -> Result<(), String> {
        let now = (view.frame(), view.image().digest());
        if now == before {
            return Ok(());
        }
        Err(format!("{what} was refused, and the view went from {before:?} to {now:?}"))
    }

    /// Deltas that do not fit: changed by a bit, of another frame.
    fn refuse(&mut self, view: &ViewWorld, bytes: &[u8], frame: u64) -> Result<(), String> {
        let before = (view.frame(), view.image().digest());
        let mut view = view.clone();
        if let Some(last) = self.follower.last.as_ref().filter(|last| last.source() != view.frame()) {
            let what = format!("the delta from frame {} to {}", last.source(), last.target());
            match view.apply_delta(last) {
                Ok(()) => return Err(format!("{what} was applied to frame {}", before.0)),
                Err(error) if error.to_string().contains("the view is at frame") => {}
                Err(error) => return Err(format!("{what}: {error}")),
            }
            self.compare_refused(&view, before, &what)?;
        }
        let mut changed = bytes.to_vec();
        let (at, bit) = (self.dice.below(bytes.len() as u64 - 8) as usize, 1 << self.dice.below(8));
        changed[at] ^= bit;
        let what = format!("a delta from frame {} to {frame} with byte {at} changed by {bit}", before.0);
        if WorldDelta::decode(&changed).is_ok() {
            return Err(format!("{what} was read"));
        }
        // The number of the last frame has no other witness, since quiet frames have no records.
        if TARGET.contains(&at) {
            return Ok(());
        }
        // With a sum that fits again: what is not refused must lead to the same frame.
        let end = changed.len() - 8;
        let sum = xxh3_64(&changed[..end]);
        changed[end..].copy_from_slice(&sum.to_le_bytes());
        let Ok(delta) = WorldDelta::decode(&changed) else { return Ok(()) };
        match view.apply_delta(&delta) {
            Err(_) => self.compare_refused(&view, before, &what),
            Ok(()) if (view.frame(), view.image().digest()) == (frame, self.digests[frame as usize]) => {
                Ok(())
            }
            Ok(()) => Err(format!("{what} was applied, and led elsewhere")),
        }
    }
}

/// A view of the committed frame, through a snapshot.
fn snapshot(engine: &mut Engine) -> Result<ViewWorld, String> {
    let frame = engine.frame();
    let mut bytes = Vec::new();
    engine.export(&mut bytes).map_err(|error| format!("an export of frame {frame}: {error}"))?;
    ViewWorld::read(bytes.as_slice()).map_err(|error| format!("a snapshot of frame {frame}: {error}"))
}
