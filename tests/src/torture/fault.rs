//! What may happen to a world on a disk, and what it must have kept.
//!
//! Invariant: `floor` is the last frame that was acknowledged in a way that the fault must not undo: handed to the
//! system where the process ends, synced where the machine does.

use crate::torture::trial::Trial;
use crate::torture::values::Dice;
use crate::torture::worker::End;
use diptych_engine::Engine;
use diptych_engine::store::{FaultPlan, Halt, HaltAt};
use diptych_engine::testkit::{self, Loss};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long a writer that has all it was given may take to come to its halt.
const HALT_WAIT: Duration = Duration::from_millis(3);

/// One fault of so many meets a process of its own, which costs more than the others.
const CHILDREN: u64 = 12;

/// What is left of a world, and the frame that it must have kept.
#[derive(Clone, Debug)]
pub(crate) struct Left {
    pub(crate) dir: PathBuf,
    pub(crate) floor: u64,
}

/// A fault.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The process ends at a point of the writer's work.
    Kill(HaltAt),
    /// The machine does: what was not synced is lost in this way, and maybe the watermark's last word.
    Power(HaltAt, Loss, bool),
    /// A write or a sync fails, or the disk is full.
    Fails(FaultPlan),
    /// The engine is dropped at a frame, or goes on from a copy that was made there.
    Close(u64),
    /// It is exported at a frame, and what was imported elsewhere goes on.
    Carry(u64),
    /// Another process runs the world, and is killed or finds the disk full.
    Child(End),
}

impl Fault {
    pub(crate) fn throw(dice: &mut Dice, frames: u64) -> Self {
        let number = 1 + dice.below(frames + frames / 4 + 2);
        let at = match dice.below(4) {
            0 => HaltAt::Write(number),
            1 => HaltAt::Sync(1 + dice.below(number)),
            2 => HaltAt::Report(1 + dice.below(number)),
            // Several of them make a frame, and many a checkpoint.
            _ => HaltAt::Step(1 + dice.below(4 * number)),
        };
        if dice.one_in(CHILDREN) {
            let frame = 1 + dice.below(frames);
            return Self::Child(match dice.below(4) {
                0 => End::After(dice.below(30_000)),
                1 => End::Full(frame, dice.below(20_000)),
                _ => End::At(frame, dice.below(2_000)),
            });
        }
        match dice.below(9) {
            0..3 => Self::Kill(at),
            3..6 => {
                let digits = 1 + dice.below(13);
                let bytes = dice.below(1 << digits);
                let loss = match dice.below(3) {
                    0 => Loss::After(bytes),
                    1 => Loss::CutAfter(bytes),
                    _ => Loss::Sectors(dice.bits()),
                };
                Self::Power(at, loss, dice.one_in(3))
            }
            6 => {
                let mut plan = FaultPlan::default();
                match dice.below(3) {
                    0 => plan.fail_write = number,
                    1 => plan.fail_sync = 1 + dice.below(number),
                    _ => plan.full_after = 1 + dice.below(60_000),
                }
                Self::Fails(plan)
            }
            7 => Self::Carry(dice.below(frames + 1)),
            _ => Self::Close(dice.below(frames + 1)),
        }
    }
}

impl Trial<'_> {
    /// Opens the world, runs it into the fault, and answers what is left of it: in `next`, where the fault leaves
    /// a copy.
    pub(crate) fn suffer(&mut self, fault: &Fault, left: &Left, next: PathBuf) -> Result<Left, String> {
        self.done.push(format!("{fault:?}"));
        let mut plan = self.faults();
        match fault {
            Fault::Kill(at) => {
                let (_, durable) = self.halted(*at, plan, left, &next)?;
                self.flipped(&next)?;
                Ok(Left { dir: next, floor: durable })
            }
            Fault::Power(at, loss, torn) => {
                let (synced, durable) = self.halted(*at, plan, left, &next)?;
                let failed = |error: std::io::Error| format!("{}: {error}", next.display());
                let before = testkit::synced(&next).map_err(failed)?.frame.unwrap_or(0);
                let lost = testkit::lose_unsynced(&next, *loss).map_err(failed)?;
                self.outcome.losses[self.durability] += u64::from(lost > 0);
                if *torn {
                    testkit::tear_watermark(&next).map_err(failed)?;
                }
                let floor = if synced { durable } else { before };
                Ok(Left { dir: next, floor })
            }
            Fault::Fails(faults) => {
                plan.fail_write = faults.fail_write;
                plan.fail_sync = faults.fail_sync;
                plan.full_after = faults.full_after;
                let mut engine = match self.open(left, plan) {
                    // A world that is known by its inputs writes its state down as it opens.
                    Err(error) if error.contains("injected fault") => return Ok(left.clone()),
                    opened => opened?,
                };
                let mut failed = None;
                while failed.is_none() && engine.frame() < self.play.end() {
                    failed = self.go_on(&mut engine).err();
                }
                let failed = failed.or_else(|| engine.flush().err().map(|error| error.to_string()));
                if let Some(error) = failed.filter(|error| !error.contains("injected fault")) {
                    return Err(error);
                }
                let floor = engine.durable_frame();
                drop(engine);
                Ok(Left { dir: left.dir.clone(), floor })
            }
            Fault::Child(end) => match self.ground.program.clone() {
                Some(program) => self.killed(*end, left, &program),
                None => Ok(left.clone()),
            },
            Fault::Close(frame) | Fault::Carry(frame) => {
                let mut engine = self.open(left, plan)?;
                while engine.frame() < *frame {
                    self.go_on(&mut engine)?;
                }
                if matches!(fault, Fault::Carry(_)) {
                    return self.carry(&mut engine, &next);
                }
                if self.dice.one_in(3) {
                    return self.back_up(&mut engine, &next);
                }
                let floor = engine.frame();
                drop(engine);
                Ok(Left { dir: left.dir.clone(), floor })
            }
        }
    }

    /// Runs a world until its writer halts, or to its end, and copies what lies on the disk then. Answers whether
    /// durable frames were synced ones, and the last durable frame.
    fn halted(
        &mut self,
        at: HaltAt,
        mut plan: FaultPlan,
        left: &Left,
        next: &Path,
    ) -> Result<(bool, u64), String> {
        let halt = Halt::new(at);
        plan.halt = Some(halt.clone());
        let mut engine = match self.open_or_halt(&halt, plan, left, next)? {
            Some(engine) => engine,
            // What it had promised until then is in the watermark.
            None => return Ok((false, left.floor)),
        };
        while !halt.is_reached() && engine.frame() < self.play.end() {
            self.go_on(&mut engine)?;
        }
        // It may be on its way there.
        let reached = halt.wait(HALT_WAIT);
        let durable = engine.durable_frame();
        // Nothing moves while the writer stands; where it does not, the world is closed first.
        let copied = if reached { testkit::copy(&left.dir, next) } else { Ok(()) };
        halt.release();
        drop(engine);
        let copied = if reached { copied } else { testkit::copy(&left.dir, next) };
        copied.map_err(|error| format!("copying {}: {error}", left.dir.display()))?;
        self.outcome.halts += u64::from(reached);
        Ok((self.synced, durable))
    }

    /// Opens a world; `None` where the writer halted before it was open, and there is a copy of what lay on the disk: an
    /// opening that makes frames again writes their state down, and waits for that.
    fn open_or_halt(
        &mut self,
        halt: &Halt,
        plan: FaultPlan,
        left: &Left,
        next: &Path,
    ) -> Result<Option<Engine>, String> {
        let is_open = AtomicBool::new(false);
        let (opened, copied) = std::thread::scope(|scope| {
            let watcher = scope.spawn(|| {
                while !is_open.load(Ordering::Acquire) {
                    if halt.wait(HALT_WAIT) {
                        // Nothing moves while the writer stands.
                        let copied = testkit::copy(&left.dir, next);
                        halt.release();
                        return Some(copied);
                    }
                }
                None
            });
            let opened = self.open(left, plan);
            is_open.store(true, Ordering::Release);
            (opened, watcher.join().expect("copying does not panic"))
        });
        match (opened, copied) {
            (opened, None) => opened.map(Some),
            (Err(error), Some(_)) if !error.contains("does not open") => Err(error),
            (_, Some(copied)) => {
                copied.map_err(|error| format!("copying {}: {error}", left.dir.display()))?;
                self.outcome.halts += 1;
                Ok(None)
            }
        }
    }

    /// Flips a byte of a copy now and then: it is refused by name, or everything that was synced is there.
    fn flipped(&mut self, dir: &Path) -> Result<(), String> {
        if !self.dice.one_in(3) {
            return Ok(());
        }
        let failed = |error: std::io::Error| format!("{}: {error}", dir.display());
        let copy = dir.with_extension("flipped");
        testkit::copy(dir, &copy).map_err(failed)?;
        let floor = testkit::synced(&copy).map_err(failed)?.frame.unwrap_or(0);
        let mut files = testkit::files(&copy).map_err(failed)?;
        files.retain(|file| file.used > 0);
        let file = self.dice.pick(&files).clone();
        let (offset, bits) = (self.dice.below(file.used), 1 << self.dice.below(8));
        testkit::flip(&copy.join(&file.path), offset, bits).map_err(failed)?;
        let kept = self.done.len();
        self.done.push(format!("byte {offset} of {} flipped by {bits}", file.path.display()));
        match self.open(&Left { dir: copy.clone(), floor }, FaultPlan::default()) {
            Ok(_) => self.outcome.flips[1] += 1,
            Err(error) if is_clear(&error, &copy, &file.path) => self.outcome.flips[0] += 1,
            Err(error) => return Err(error),
        }
        // The copy is no part of what comes after.
        self.done.truncate(kept);
        std::fs::remove_dir_all(&copy).map_err(failed)
    }
}

/// Whether a refusal says which file is damaged, or the folder of those that belong together.
fn is_clear(error: &str, dir: &Path, file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let folder = dir.join(file.parent().unwrap_or(file));
    error.contains("does not open") && (error.contains(&*name) || error.contains(&*folder.to_string_lossy()))
}
