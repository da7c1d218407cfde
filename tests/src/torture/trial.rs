//! One seed: its story in memory, compared in every frame; then on disk, through faults and crashes, to the same end.
//!
//! Invariant: after each fault the world is reopened from what that fault has left, at a frame that was acknowledged or
//! a later one, equal to the model's, with the digest of the run in memory.

use crate::torture::fault::{Fault, Left};
use crate::torture::follow::Follower;
use crate::torture::play::{Play, play};
use crate::torture::values::Dice;
use crate::torture::way::Way;
use diptych_engine::ComponentSum;
use diptych_engine::prelude::*;
use diptych_engine::store::FaultPlan;
use diptych_engine::testkit;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Faults of a seed, at most; then the story is run to its end.
const FAULTS_MAX: u64 = 3;

/// The durabilities in which worlds are run.
pub const DURABILITIES: [&str; 4] = ["buffered", "by inputs", "every few", "synced"];

/// What a seed came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Frames made, in memory and on disk.
    pub frames: u64,
    /// Crashes, losses and failures that the world went through.
    pub faults: u64,
    /// Those that met the writer where they were meant to.
    pub halts: u64,
    /// Processes that were killed, or found the disk full.
    pub kills: u64,
    /// Losses of power that took something, by [`DURABILITIES`].
    pub losses: [u64; 4],
    /// Kept frames that were looked at.
    pub looks: u64,
    /// Worlds that were made again from their logs.
    pub replays: u64,
    /// Flipped bytes that were refused, and those that the world was opened with.
    pub flips: [u64; 2],
    /// Times that a world in memory went back.
    pub rollbacks: u64,
    /// Of those, refusals of a table that had lost its place.
    pub late_tables: u64,
    /// Worlds that were exported and imported.
    pub imports: u64,
    /// Deltas by which views followed.
    pub views: u64,
}

/// What was violated.
#[derive(Clone, Debug)]
pub struct Violation {
    /// The seed that reproduces it.
    pub seed: u64,
    /// What differed, and in which frame.
    pub what: String,
    /// What had been done to the world until then.
    pub done: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}: {}", self.seed, self.what)?;
        self.done.iter().try_for_each(|done| write!(f, "\n    after: {done}"))
    }
}

/// A seed being run.
pub(crate) struct Trial<'a> {
    pub(crate) play: &'a dyn Play,
    pub(crate) ground: &'a Ground,
    pub(crate) dice: Dice,
    /// By frame, of the run in memory.
    pub(crate) digests: Vec<Digest>,
    /// The same by component.
    components: Vec<Vec<ComponentSum>>,
    /// Who follows the engine that is open.
    pub(crate) follower: Follower,
    pub(crate) outcome: Outcome,
    pub(crate) done: Vec<String>,
    /// Whether frames of the engine opened last are durable when they are synced.
    pub(crate) synced: bool,
    /// Its durability, a place of [`DURABILITIES`].
    pub(crate) durability: usize,
    /// Whether it kept a log of what comes in.
    pub(crate) logged: bool,
}

/// Where trials are run, and by what help.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Worlds are made in folders below this one.
    pub scratch: PathBuf,
    /// The program of the chamber, which runs itself again to be killed; without it nobody is.
    pub program: Option<PathBuf>,
    /// Whether the folder of a seed that is violated stays.
    pub keep: bool,
}

/// Runs a seed.
///
/// # Errors
/// What was violated.
pub fn trial(seed: u64, ground: &Ground) -> Result<Outcome, Violation> {
    let run = || whole(seed, ground);
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let what = format!("a panic: {}", diptych_engine::panic_text(&*panic));
        Err(Violation { seed, what, done: Vec::new() })
    })
}

fn whole(seed: u64, ground: &Ground) -> Result<Outcome, Violation> {
    let play = play(seed);
    let mut trial = Trial {
        play: &*play,
        ground,
        dice: Dice::new(seed, "trial"),
        digests: Vec::new(),
        components: Vec::new(),
        follower: Follower::default(),
        outcome: Outcome::default(),
        done: Vec::new(),
        synced: false,
        durability: 0,
        logged: false,
    };
    let folder = ground.scratch.join(format!("seed-{seed}-{}", std::process::id()));
    let result = trial.run(&folder);
    if ground.keep && result.is_err() {
        trial.done.push(format!("its worlds are in {}", folder.display()));
    } else {
        // A folder that cannot be removed is found by whoever looks at the disk; the seed is what counts.
        std::fs::remove_dir_all(&folder).unwrap_or_default();
    }
    match result {
        Ok(()) => Ok(trial.outcome),
        Err(what) => Err(Violation { seed, what, done: trial.done }),
    }
}

impl Trial<'_> {
    fn run(&mut self, folder: &Path) -> Result<(), String> {
        self.in_memory()?;
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        self.undo(folder)?;
        let mut left = Left { dir: folder.join("0"), floor: 0 };
        for n in 1..=1 + self.dice.below(FAULTS_MAX) {
            // How many frames a halt lets pass is the machine's affair; what comes after must not follow from it.
            self.dice = Dice::new(self.play.seed(), &format!("fault {n}"));
            let fault = Fault::throw(&mut self.dice, self.play.end());
            let next = folder.join(n.to_string());
            left = self.suffer(&fault, &left, next)?;
            self.outcome.faults += 1;
        }
        self.dice = Dice::new(self.play.seed(), "end");
        self.finish(&left)
    }

    /// The story in memory, every frame compared.
    fn in_memory(&mut self) -> Result<(), String> {
        self.done.push("a run in memory".to_owned());
        let threads = 1 + self.dice.below(3) as usize;
        let builder = self.play.register(Engine::in_memory()).threads(threads);
        let mut engine = builder.build().map_err(|error| format!("the world is refused: {error}"))?;
        self.play.compare(&engine)?;
        self.note(&mut engine);
        while engine.frame() < self.play.end() {
            self.step(&mut engine)?;
            self.play.compare(&engine)?;
            self.note(&mut engine);
        }
        Ok(())
    }

    fn note(&mut self, engine: &mut Engine) {
        self.digests.push(engine.digest());
        self.components.push(engine.component_digests());
    }

    /// Opens a world and looks whether it is as it must be.
    pub(crate) fn open(&mut self, left: &Left, faults: FaultPlan) -> Result<Engine, String> {
        let way = Way::throw(&mut self.dice);
        self.synced = way.is_synced();
        self.durability = way.kind();
        self.logged = way.log() != InputLog::NONE;
        self.done.push(format!("{way}, opened from frame {} on or later", left.floor));
        let builder = self.play.register(Engine::open(&left.dir));
        let mut engine = way
            .of(builder)
            .faults(faults)
            .build()
            .map_err(|error| format!("the world does not open: {error}"))?;
        let frame = engine.frame();
        if frame < left.floor {
            return Err(format!("it opens at frame {frame}; frame {} had been acknowledged", left.floor));
        }
        let goes_on = self.dice.one_in(2);
        self.follower.begin(way.deltas, frame, goes_on);
        self.play.compare(&engine)?;
        self.compare_digest(&mut engine)?;
        Ok(engine)
    }

    /// Makes the rest of the story, closes the world and looks at it once more.
    fn finish(&mut self, left: &Left) -> Result<(), String> {
        let faults = self.faults();
        let mut engine = self.open(left, faults)?;
        while engine.frame() < self.play.end() {
            self.go_on(&mut engine)?;
            if self.dice.one_in(30) {
                self.look_back(&mut engine)?;
            }
        }
        self.play.compare(&engine)?;
        self.compare_digest(&mut engine)?;
        drop(engine);
        let left = Left { dir: left.dir.clone(), floor: self.play.end() };
        self.done.push("a clean end".to_owned());
        drop(self.open(&left, FaultPlan::default())?);
        if self.dice.one_in(2) { self.again(&left) } else { Ok(()) }
    }

    /// What is done to the store in any case: checkpoints that come often, and copy little at a time.
    pub(crate) fn faults(&mut self) -> FaultPlan {
        let mut plan = FaultPlan::default();
        if !self.dice.one_in(3) {
            plan.checkpoint_bytes = 1 + self.dice.below(30_000);
            plan.copy_bytes = 1 + self.dice.below(4_000);
        }
        plan
    }

    /// Makes a frame, or several at once, and looks at some of them.
    pub(crate) fn go_on(&mut self, engine: &mut Engine) -> Result<(), String> {
        let first = engine.frame() + 1;
        let quiet = self.play.quiet(first);
        if quiet > 1 && self.dice.one_in(2) {
            let frames = 2 + self.dice.below(quiet - 1);
            engine.run(Pace::frames(frames)).map_err(|error| format!("frames from {first} on: {error}"))?;
            self.outcome.frames += frames;
        } else {
            self.step(engine)?;
        }
        if self.dice.one_in(5) {
            // Forwards or back again; nothing that is made may depend on it.
            testkit::jump_clock(self.dice.below(100_000) as u32);
        }
        if self.dice.one_in(4) {
            self.compare_digest(engine)?;
        }
        if self.dice.one_in(8) {
            self.play.compare(engine)?;
        }
        if self.dice.one_in(3) { self.follow(engine) } else { Ok(()) }
    }

    fn step(&mut self, engine: &mut Engine) -> Result<(), String> {
        self.outcome.frames += 1;
        Ok(self.play.step(engine)?)
    }

    pub(crate) fn compare_digest(&self, engine: &mut Engine) -> Result<(), String> {
        let (frame, digest) = (engine.frame(), engine.digest());
        let expected = self.digests[frame as usize];
        let (found, sums) = (engine.component_digests(), &self.components[frame as usize]);
        let differ = found.iter().zip(sums).filter(|(found, sum)| found != sum);
        let differ: Vec<&str> = differ.map(|(found, _)| found.name.as_str()).collect();
        if digest == expected && found == *sums {
            return Ok(());
        }
        Err(format!("frame {frame}: the digest is {digest}, in memory it was {expected}; of {differ:?}"))
    }
}
