//! `diptych replay`: a stored world made again from what came into it.
//!
//! Invariant: the directory is only read. Exit code 1 says that a frame was not the same; 2 that there is nothing to
//! replay, or not by this program.

use std::time::{Duration, Instant};

use diptych::is_interrupted;
use diptych::prelude::*;
use diptych::store::LogReader;
use serde::Serialize;

use super::Failure;
use super::args::ReplayArgs;
use super::progress::Progress;
use super::report::print;
use super::scene::Kind;

/// Between two looks at how far it is.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);
/// Frames between two looks at the clock.
const FRAMES_A_LOOK: u64 = 16;

/// The report of a replay.
#[derive(Serialize, Debug)]
struct ReplayReport {
    frame: u64,
    digest: String,
    /// Whatever could be compared is the same, and something could.
    verified: bool,
    /// The state of `frame` could be compared, and is what is stored.
    state: bool,
    /// Digests that were written down in the frames before and are the replay's.
    compared: u64,
    /// Frames whose records are kept and are the replay's; with --verify.
    records: u64,
    seconds: f64,
    frames_per_second: f64,
}

/// Makes a world again and compares.
pub(crate) fn replay(args: &ReplayArgs) -> Result<(), Failure> {
    let refused =
        |error: &dyn std::fmt::Display| Failure::Refused(format!("{}: {error}", args.directory.display()));
    let log = LogReader::open(&args.directory).map_err(|error| refused(&error))?;
    let mut replay = builder(args, &log)
        .replay_log(log, args.from.map_or(ReplayFrom::Oldest, ReplayFrom::Frame))
        .map_err(|error| match error {
            Error::Diverged(_) => Failure::Failed(error.to_string()),
            error => refused(&error),
        })?;
    let goal = args.to.unwrap_or(u64::MAX).min(replay.last_frame());
    if let Some(to) = args.to.filter(|to| *to > goal || *to < replay.frame()) {
        let (first, last) = (replay.frame(), replay.last_frame());
        return Err(refused(&format!("--to {to}: there are frames {first} to {last}")));
    }
    // From here on a first Ctrl-C ends the replay, and the report says where.
    let _ = Pace::fast().until_interrupted();
    let (started, first) = (Instant::now(), replay.frame());
    let mut progress = Progress::new(first, goal);
    let made = run(&mut replay, goal, &mut progress);
    progress.end();
    let failed = |error: Error| Failure::Failed(format!("{}: {error}", args.directory.display()));
    made.map_err(failed)?;
    let state = replay.compare_state().map_err(failed)?;
    let (seconds, frames) = (started.elapsed().as_secs_f64(), replay.frame() - first);
    let report = ReplayReport {
        frame: replay.frame(),
        digest: replay.digest().to_string(),
        verified: state || replay.compared() + replay.records_compared() > 0,
        state,
        compared: replay.compared(),
        records: replay.records_compared(),
        seconds,
        frames_per_second: if frames == 0 { 0.0 } else { frames as f64 / seconds },
    };
    let told = print(&report, args.json, || text(&report));
    match (args.verify, report.verified) {
        (true, false) => {
            Err(Failure::Failed("neither a digest nor the state of any of these frames is kept".to_owned()))
        }
        _ => told,
    }
}

/// An engine of what the world was made with, as its facts say.
fn builder(args: &ReplayArgs, log: &LogReader) -> EngineBuilder {
    let facts = log.facts();
    let mut builder = Engine::in_memory().settings_of(facts);
    if args.verify {
        builder = builder.compare_frames();
    }
    if let Some(threads) = args.threads {
        builder = builder.threads(threads as usize);
    }
    match Kind::named(facts) {
        Some(kind) => kind.again(builder, facts),
        None => builder.plugin(Runtime::default()),
    }
}

fn run(replay: &mut Replay, goal: u64, progress: &mut Progress) -> Result<u64> {
    let mut looked = Instant::now();
    replay.run_while(goal, |frame| {
        // A look at the clock costs as much as a small frame.
        if frame % FRAMES_A_LOOK == 0 && looked.elapsed() >= PROGRESS_EVERY {
            looked = Instant::now();
            progress.at(frame);
        }
        !is_interrupted()
    })
}

/// The report for people.
fn text(report: &ReplayReport) -> String {
    let one_by_one = match report.records {
        0 => String::new(),
        records => format!("{records} frames one by one, "),
    };
    let ReplayReport { frame, digest, compared, seconds, frames_per_second, .. } = report;
    let state =
        if report.state { "and the state of this frame" } else { "the state of this frame is not kept" };
    format!(
        "frame          {frame}\ndigest         {digest}\nthe same       {compared} digests, {one_by_one}{state}\n\
         time           {seconds:.3} s, {frames_per_second:.0} frames per second\n"
    )
}
