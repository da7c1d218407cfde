//! Many seeds: run beside each other, counted, shown; and the table of seeded bugs.
//!
//! Left out: what a seed is (see `trial`).

use crate::torture::trial::{DURABILITIES, Ground, Outcome, Violation, trial};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Violations that are kept and printed.
const VIOLATIONS_MAX: usize = 20;

/// What to run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The first seed; the others follow it.
    pub seed: u64,
    /// Seeds; none is without an end.
    pub seeds: Option<u64>,
    /// Until then.
    pub time: Option<Duration>,
    /// Threads that run seeds.
    pub jobs: usize,
    /// Whether progress is shown on standard error.
    pub progress: bool,
    /// The number of violations after which no seed is begun any more.
    pub violations: usize,
    /// Where.
    pub ground: Ground,
}

/// What seeds came to.
#[derive(Debug, Default)]
pub struct Tally {
    /// Seeds run to their end.
    pub seeds: u64,
    /// All of them together.
    pub outcome: Outcome,
    /// By seed.
    pub violations: Vec<Violation>,
    /// The time it took.
    pub time: Duration,
}

impl Tally {
    fn add(&mut self, result: Result<Outcome, Violation>) {
        self.seeds += 1;
        match result {
            Ok(one) => {
                self.outcome.frames += one.frames;
                self.outcome.faults += one.faults;
                self.outcome.halts += one.halts;
                self.outcome.kills += one.kills;
                self.outcome.losses.iter_mut().zip(one.losses).for_each(|(all, one)| *all += one);
                self.outcome.looks += one.looks;
                self.outcome.replays += one.replays;
                self.outcome.flips[0] += one.flips[0];
                self.outcome.flips[1] += one.flips[1];
                self.outcome.rollbacks += one.rollbacks;
                self.outcome.late_tables += one.late_tables;
                self.outcome.imports += one.imports;
                self.outcome.views += one.views;
            }
            Err(violation) => self.violations.push(violation),
        }
    }

    /// As one line.
    #[must_use]
    pub fn line(&self) -> String {
        let Outcome { frames, faults, halts, kills, looks, replays, flips: [refused, opened], .. } =
            self.outcome;
        let Outcome { rollbacks, late_tables, imports, views, .. } = self.outcome;
        let losses: Vec<String> = DURABILITIES
            .iter()
            .zip(self.outcome.losses)
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        let losses = losses.join(", ");
        let rate = self.seeds as f64 / self.time.as_secs_f64().max(1e-9);
        format!(
            "{} seeds, {frames} frames, {faults} faults ({halts} halts, {kills} kills), power took something: \
             {losses}; bytes flipped: {refused} \
             refused, {opened} harmless; {looks} looks back, {replays} replays, {rollbacks} rollbacks ({late_tables} \
             late tables), {imports} imports, {views} views; {} violations; {rate:.1} seeds/s",
            self.seeds,
            self.violations.len()
        )
    }

    /// As JSON.
    #[must_use]
    pub fn json(&self) -> String {
        let Outcome { frames, faults, halts, kills, looks, replays, flips: [refused, opened], .. } =
            self.outcome;
        let Outcome { rollbacks, late_tables, imports, views, .. } = self.outcome;
        let violations: Vec<_> = self
            .violations
            .iter()
            .map(|violation| {
                serde_json::json!({
                    "seed": violation.seed,
                    "what": violation.what,
                    "after": violation.done,
                    "reproduce": reproduce(violation.seed),
                })
            })
            .collect();
        serde_json::json!({
            "seeds": self.seeds,
            "frames": frames,
            "faults": faults,
            "halts": halts,
            "kills": kills,
            "losses": DURABILITIES.iter().copied().zip(self.outcome.losses).collect::<std::collections::BTreeMap<_, _>>(),
            "looks_back": looks,
            "replays": replays,
            "flips_refused": refused,
            "flips_harmless": opened,
            "rollbacks": rollbacks,
            "late_tables": late_tables,
            "imports": imports,
            "views": views,
            "seconds": self.time.as_secs_f64(),
            "violations": violations,
        })
        .to_string()
    }
}

/// Where worlds are made unless said otherwise: in memory, where there is a folder for that.
#[must_use]
pub fn ground() -> PathBuf {
    let in_memory = PathBuf::from("/dev/shm");
    if in_memory.is_dir() { in_memory } else { std::env::temp_dir() }
}

/// The command that runs a seed again.
#[must_use]
pub fn reproduce(seed: u64) -> String {
    format!("cargo run --release -p tests --bin torture -- --seed {seed} --seeds 1")
}

/// Runs seeds.
#[must_use]
pub fn chamber(settings: &Settings) -> Tally {
    let start = Instant::now();
    let (next, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let tally = Mutex::new(Tally::default());
    let lock = || tally.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let last = settings.seeds.unwrap_or(u64::MAX);
    std::thread::scope(|scope| {
        let run = || {
            loop {
                let late = settings.time.is_some_and(|time| start.elapsed() >= time);
                let enough = lock().violations.len() >= settings.violations.clamp(1, VIOLATIONS_MAX);
                let number = next.fetch_add(1, Ordering::Relaxed);
                if late || enough || number >= last {
                    break;
                }
                let result = trial(settings.seed.wrapping_add(number), &settings.ground);
                let mut tally = lock();
                tally.add(result);
                tally.time = start.elapsed();
            }
        };
        let runners: Vec<_> = (0..settings.jobs.max(1)).map(|_| scope.spawn(run)).collect();
        let shown = scope.spawn(|| {
            let mut shown = Instant::now();
            while !over.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(50));
                let terminal = std::io::stderr().is_terminal();
                if settings.progress && shown.elapsed() >= Duration::from_secs(if terminal { 1 } else { 10 })
                {
                    shown = Instant::now();
                    let line = lock().line();
                    let (begin, end) = if terminal { ("\r\x1b[K", "") } else { ("", "\n") };
                    let mut error = std::io::stderr();
                    // Progress that cannot be shown is no reason to stop.
                    write!(error, "{begin}{line}{end}").and_then(|()| error.flush()).unwrap_or_default();
                }
            }
        });
        for runner in runners {
            runner.join().expect("a trial catches its panics");
        }
        over.store(true, Ordering::Relaxed);
        shown.join().expect("showing does not panic");
    });
    let mut tally = tally.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    tally.time = start.elapsed();
    tally.violations.sort_by_key(|violation| violation.seed);
    tally
}

/// How a bug was found.
#[cfg(feature = "seeded-bugs")]
#[derive(Debug)]
pub struct Caught {
    /// The bug.
    pub bug: diptych_engine::sabotage::Bug,
    /// Seeds that were run.
    pub seeds: u64,
    /// How it showed; `None` where it did not.
    pub violation: Option<Violation>,
}

/// Plants each bug in turn and runs seeds until one shows it, at most those of the settings. One after the other, so
/// that the number says something.
#[cfg(feature = "seeded-bugs")]
#[must_use]
pub fn hunt(settings: &Settings) -> Vec<Caught> {
    use diptych_engine::sabotage::{BUGS, plant};
    let caught = BUGS.iter().map(|bug| {
        plant(Some(*bug));
        let tally = chamber(&Settings { violations: 1, jobs: 1, progress: false, ..settings.clone() });
        plant(None);
        Caught { bug: *bug, seeds: tally.seeds, violation: tally.violations.into_iter().next() }
    });
    caught.collect()
}
