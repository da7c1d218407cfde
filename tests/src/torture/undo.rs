//! Rollbacks: the story in memory once more, with frames undone, other frames made in their place and undone too.
//!
//! Invariant: a frame that was gone back to, or made again, is the one of the run that never went back: model, digests,
//! rows in their places, marks. Only after other frames a new kind of entity may be refused for the place of its
//! table, as documented; the story is then told again without going astray.

use crate::torture::play::Failure;
use crate::torture::portrait::Portrait;
use crate::torture::trial::Trial;
use crate::torture::values::Dice;
use diptych_engine::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

/// Times that a seed goes back, at most.
const ROLLBACKS_MAX: u64 = 12;
/// Frames that a world from a world in memory makes, at most.
const CARRIED_FRAMES_MAX: u64 = 10;

/// What a refused table is said to hold where it holds nothing.
const NO_STATE: &str = "no state";

/// Why a run with rollbacks does not go on.
enum Stopped {
    /// A table would have another place than in the frames that were undone.
    Order,
    Violated(String),
}

impl From<String> for Stopped {
    fn from(what: String) -> Self {
        Self::Violated(what)
    }
}

/// A world that is rolled back.
struct Undone {
    engine: Engine,
    /// Frames that can be undone.
    kept: u64,
    /// Whether it goes astray, and has.
    strays: bool,
    strayed: bool,
    /// Of the story, by frame.
    portraits: BTreeMap<u64, Portrait>,
    /// Stored names of the types of each table that had no rows when it last went back.
    empty: Vec<Vec<String>>,
}

impl Undone {
    /// Whether a table of these Rust types may have lost its place: it is there, without rows, since it went back.
    fn may_be_late(&self, types: &str) -> bool {
        let short = |name: &str| name.rsplit(['.', ':']).next().unwrap_or_default().to_lowercase();
        let sorted = |mut names: Vec<String>| {
            names.sort_unstable();
            names
        };
        let types = types.split(", ").filter(|name| *name != NO_STATE);
        let late = sorted(types.map(short).collect());
        self.strayed
            && self.empty.iter().any(|names| sorted(names.iter().map(|name| short(name)).collect()) == late)
    }
}

impl Trial<'_> {
    /// Runs the story with rollbacks; `folder` is for a world that is made from it.
    pub(crate) fn undo(&mut self, folder: &Path) -> Result<(), String> {
        self.dice = Dice::new(self.play.seed(), "undo");
        if self.dice.one_in(3) {
            return Ok(());
        }
        let strays = !self.dice.one_in(4);
        match self.undo_once(strays, folder) {
            Err(Stopped::Order) => {
                self.outcome.late_tables += 1;
                let again = self.undo_once(false, folder);
                again.map_err(|stopped| match stopped {
                    Stopped::Order => "a table lost its place, and no other frames were made".to_owned(),
                    Stopped::Violated(what) => what,
                })
            }
            Err(Stopped::Violated(what)) => Err(what),
            Ok(()) => Ok(()),
        }
    }

    fn undo_once(&mut self, strays: bool, folder: &Path) -> Result<(), Stopped> {
        let (threads, kept) = (1 + self.dice.below(3) as usize, 1 + self.dice.below(20));
        let digests =
            *self.dice.pick(&[DigestPolicy::OnDemand, DigestPolicy::Every(3), DigestPolicy::Every(1)]);
        let deltas = if self.dice.one_in(2) { 1 + self.dice.below(30) } else { 0 };
        self.done.push(format!("a run with rollbacks of up to {kept} frames, {threads} threads"));
        let builder = self.play.register(Engine::in_memory()).threads(threads).digest(digests);
        let engine = builder.rollback(kept as u32).deltas(deltas).build();
        let engine = engine.map_err(|error| format!("the world is refused: {error}"))?;
        self.follower.begin(deltas, 0, false);
        let (portraits, empty) = (BTreeMap::new(), Vec::new());
        let mut world = Undone { engine, kept, strays, strayed: false, portraits, empty };
        let (mut rollbacks, mut carried) = (0, !self.dice.one_in(3));
        while world.engine.frame() < self.play.end() {
            self.make(&mut world)?;
            if rollbacks < ROLLBACKS_MAX && self.dice.one_in(5) {
                rollbacks += 1;
                self.back(&mut world)?;
            }
            if self.dice.one_in(3) {
                self.follow(&mut world.engine)?;
            }
            if !carried && self.dice.one_in(20) {
                carried = true;
                self.carry_from_memory(&mut world.engine, folder)?;
            }
        }
        self.same(&mut world)?;
        Ok(())
    }

    /// Makes the next frame of the story.
    fn make(&mut self, world: &mut Undone) -> Result<(), Stopped> {
        self.outcome.frames += 1;
        judge(self.play.step(&mut world.engine), world)?;
        if self.dice.one_in(3) { self.same(world) } else { Ok(()) }
    }

    /// Goes back, astray perhaps, and on to where it was.
    fn back(&mut self, world: &mut Undone) -> Result<(), Stopped> {
        let now = world.engine.frame();
        let oldest = world.engine.rollback_oldest().unwrap_or(now);
        let to = now - self.dice.below(now.saturating_sub(oldest) + 1);
        self.go_back(world, to)?;
        if world.strays && self.dice.one_in(2) {
            let frames = 1 + self.dice.below(world.kept);
            world.strayed = true;
            self.outcome.frames += frames;
            judge(self.play.stray(&mut world.engine, frames, &mut self.dice), world)?;
            if self.dice.one_in(2) {
                self.see_stray(&mut world.engine)?;
            }
            self.go_back(world, to)?;
        }
        while world.engine.frame() < now {
            self.make(world)?;
        }
        self.same(world)
    }

    fn go_back(&mut self, world: &mut Undone, to: u64) -> Result<(), Stopped> {
        let from = world.engine.frame();
        self.outcome.rollbacks += 1;
        world.engine.rollback_to(to).map_err(|error| format!("from frame {from} back to {to}: {error}"))?;
        if world.engine.frame() != to {
            return Err(Stopped::Violated(format!("back to {to}, and it is frame {}", world.engine.frame())));
        }
        if from > to {
            self.follower.undo(to);
        }
        let failed = |error| format!("an image of frame {to}: {error}");
        let image = world.engine.image().map_err(failed)?;
        let name = |key: &u16| image.types()[usize::from(*key)].name.clone();
        let empty = image.tables().iter().filter(|table| table.rows == 0);
        // Without the `Id`s.
        world.empty =
            empty.map(|table| table.types.iter().filter(|key| **key != 0).map(name).collect()).collect();
        let same = self.same(world);
        same.map_err(|stopped| match stopped {
            Stopped::Violated(what) => Stopped::Violated(format!("from frame {from} back to {to}: {what}")),
            Stopped::Order => stopped,
        })
    }

    /// Compares the frame with what it must be, and with what it was when it was last looked at.
    fn same(&mut self, world: &mut Undone) -> Result<(), Stopped> {
        let frame = world.engine.frame();
        self.play.compare(&world.engine)?;
        self.compare_digest(&mut world.engine)?;
        let image = world.engine.image().map_err(|error| format!("an image of frame {frame}: {error}"))?;
        let portrait = Portrait::of(&image);
        match world.portraits.get(&frame) {
            Some(first) => portrait
                .difference(first)
                .map_err(|what| Stopped::Violated(format!("frame {frame} is not as it was: {what}"))),
            None => {
                world.portraits.insert(frame, portrait);
                Ok(())
            }
        }
    }

    /// Makes a directory from a world in memory, and runs it for a while.
    fn carry_from_memory(&mut self, engine: &mut Engine, folder: &Path) -> Result<(), Stopped> {
        let (follower, kept) = (core::mem::take(&mut self.follower), self.done.len());
        let left = self.carry(engine, &folder.join("carried"))?;
        let faults = self.faults();
        let mut other = self.open(&left, faults)?;
        let end = self.play.end().min(left.floor + self.dice.below(CARRIED_FRAMES_MAX + 1));
        while other.frame() < end {
            self.go_on(&mut other)?;
        }
        self.play.compare(&other)?;
        self.compare_digest(&mut other)?;
        drop(other);
        self.follower = follower;
        // It is no part of what comes after.
        self.done.truncate(kept);
        let failed = |error| format!("{}: {error}", left.dir.display());
        std::fs::remove_dir_all(&left.dir).map_err(failed)?;
        Ok(())
    }
}

/// A refusal of a table that may have lost its place is none of the engine's faults; any other failure is.
fn judge(made: Result<(), Failure>, world: &Undone) -> Result<(), Stopped> {
    let may_be_late =
        |error: &Error| matches!(error, Error::TableOrder { types, .. } if world.may_be_late(types));
    match made {
        Err(Failure::Engine(_, error)) if may_be_late(&error) => Err(Stopped::Order),
        Err(failure) => Err(Stopped::Violated(failure.to_string())),
        Ok(()) => Ok(()),
    }
}
