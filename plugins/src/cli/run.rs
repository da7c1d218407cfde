//! `diptych run`: builds a scene, runs it to the frame asked for, and reports.
//!
//! Invariant: everything that is given is checked before the first frame (exit code 2 from here, 1 after it).
//! Ctrl-C ends the run at a commit, and the report says at which.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use diptych::measure::{Measure, Quantity};
use diptych::prelude::*;
use diptych::series::SeriesPlugin;
use diptych::store::History;

use super::args::WorldArgs;
use super::film::Film;
use super::progress::Progress;
use super::report::{RunReport, print};
use super::scene::{FACT_SCENE, Kind, Scene};
use super::{Failure, note, watch};

/// Between two looks at how far a run is.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Builds a scene, runs it, and prints the report.
pub(crate) fn run<S: Scene>(scene: &S) -> Result<(), Failure> {
    let (kind, args) = (Kind::of::<S>(), scene.run());
    let directory = args.world.data.as_deref();
    if args.watch {
        watch::check()?;
    }
    let goal = args.frames.unwrap_or(u64::MAX);
    let mut film = Film::begin(&args.picture, kind.draw)?;
    let mut builder = scene.plug(builder(&args.world)?)?.fact(FACT_SCENE, kind.name);
    if let Some(every) = args.record {
        builder = builder.plugin(SeriesPlugin::new(kind.measures, every));
    }
    let pace = args.world.hz.map_or_else(Pace::fast, Pace::hz).until_interrupted();
    let mut engine = builder.build().map_err(|error| Failure::Refused(placed(&error, directory)))?;
    let first = engine.frame();
    if first > goal {
        let message = format!("the stored world is at frame {first} already; --frames {goal} lies before it");
        return Err(Failure::Refused(placed(&message, directory)));
    }
    if args.frames.is_some() {
        film.check(first, goal)?;
    }
    if let Some(repaired) = engine.repaired() {
        note(repaired);
    }
    let started = Instant::now();
    let kept = |error: Error| Failure::Failed(placed(&error, directory));
    match args.watch {
        true => watch::watch(&mut engine, &kind, args.world.hz, goal, &mut film)?,
        false => advance(&mut engine, &pace, goal, directory, &mut film)?,
    }
    engine.flush().map_err(kept)?;
    let seconds = started.elapsed().as_secs_f64();
    let frames = engine.frame() - first;
    let report = RunReport {
        scene: kind.name,
        frame: engine.frame(),
        durable_frame: directory.map(|_| engine.durable_frame()),
        digest: engine.digest().to_string(),
        measures: (kind.measures)(engine.view()),
        seconds,
        frames_per_second: if frames == 0 { 0.0 } else { frames as f64 / seconds },
    };
    check(&report, kind.advice)?;
    film.end(engine.view())?;
    print(&report, args.world.json, || report.text())
}

/// A measure that is no number says that the world is none any more.
fn check(report: &RunReport, advice: &str) -> Result<(), Failure> {
    let no_number = report.measures.iter().find_map(|Measure { name, value }| match value {
        Quantity::Real(real) if !real.is_finite() => Some((name, real)),
        _ => None,
    });
    let Some((name, real)) = no_number else { return Ok(()) };
    let (name, frame) = (name.replace('_', " "), report.frame);
    Err(Failure::Failed(format!("the {name} is {real} at frame {frame}: {advice}")))
}

/// The engine's settings that all scenes share.
pub(crate) fn builder(args: &WorldArgs) -> Result<EngineBuilder, Failure> {
    let mut builder = match &args.data {
        Some(directory) => Engine::open(directory),
        None => Engine::in_memory(),
    };
    if let Some(durability) = args.durability {
        if args.data.is_none() && durability != Durability::Memory {
            return Err(Failure::refused("--durability needs a directory: add --data DIR"));
        }
        builder = builder.durability(durability);
    }
    if let Some(frames) = args.history {
        if args.data.is_none() {
            return Err(Failure::refused("--history needs a directory: add --data DIR"));
        }
        builder = builder.history(History::frames(frames));
    }
    if let Some(threads) = args.threads {
        builder = builder.threads(threads as usize);
    }
    if let Some(seed) = args.seed {
        builder = builder.seed(seed);
    }
    Ok(builder)
}

/// Runs to the frame asked for, while a thread shows how far it is; between frames that are filmed, in one go.
fn advance(
    engine: &mut Engine,
    pace: &Pace,
    goal: u64,
    directory: Option<&Path>,
    film: &mut Film,
) -> Result<(), Failure> {
    let mut progress = Progress::new(engine.frame(), goal);
    let reader = engine.reader();
    let (done, wait) = channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while wait.recv_timeout(PROGRESS_EVERY) == Err(RecvTimeoutError::Timeout) {
                // A commit that keeps this reader out is progress too: the next look will see it.
                if let Ok(frame) = reader.read("progress", |view| view.frame()) {
                    progress.at(frame);
                }
            }
            progress.end();
        });
        // Dropped whatever happens here: then the thread ends.
        let _done = done;
        let kept = |error: Error| Failure::Failed(placed(&error, directory));
        film.look(engine.view())?;
        while engine.frame() < goal {
            let stop = film.next(engine.frame()).min(goal);
            engine.run(pace.clone().frames_more(stop - engine.frame())).map_err(kept)?;
            if engine.frame() < stop {
                // Interrupted.
                break;
            }
            film.look(engine.view())?;
        }
        Ok(())
    })
}

/// What is wrong with a world, and which one it is.
fn placed(error: &impl ToString, directory: Option<&Path>) -> String {
    let message = error.to_string();
    match directory {
        Some(directory) => format!("{}: {message}", directory.display()),
        None => message,
    }
}
