//! `diptych run`: builds a scene, runs it to the frame asked for, and reports.
//!
//! Invariant: everything that is given is checked before the first frame (exit code 2 from here, 1 after it).
//! Ctrl-C ends the run at a commit, and the report says at which.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use diptych::life::{LifePlugin, PATTERN_BYTES_MAX, Pattern, population};
use diptych::nbody::{Bodies, NbodyPlugin, energy};
use diptych::prelude::*;
use diptych::store::History;

use super::args::{LifeArgs, NbodyArgs, RunArgs, Scene};
use super::progress::Progress;
use super::report::{RunReport, print, rounded};
use super::{Failure, note};

/// The longest file that is read, in bytes.
const FILE_BYTES_MAX: usize = PATTERN_BYTES_MAX;
/// Between two looks at how far a run is.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Runs a scene.
pub(crate) fn run(scene: &Scene) -> Result<(), Failure> {
    match scene {
        Scene::Life(args) => life(args),
        Scene::Script(args) => super::script::run(args),
        Scene::Nbody(args) => nbody(args),
    }
}

fn life(args: &LifeArgs) -> Result<(), Failure> {
    let (file, bytes) = read(&args.file)?;
    let pattern = Pattern::parse(&file, &bytes).map_err(refused)?;
    let plugin = LifePlugin::new(pattern, args.grid).map_err(|error| refused(format!("{file}: {error}")))?;
    let engine = builder(&args.run)?.plugin(plugin);
    finish("life", engine, &args.run, |view, report| report.population = Some(population(view)))
}

fn nbody(args: &NbodyArgs) -> Result<(), Failure> {
    let bodies = match &args.file {
        None => Bodies::planets(),
        Some(path) => {
            let (file, bytes) = read(path)?;
            Bodies::parse(&file, &bytes).map_err(refused)?
        }
    };
    let engine = builder(&args.run)?.dt(args.dt).plugin(NbodyPlugin::new(bodies));
    finish("nbody", engine, &args.run, |view, report| report.energy = Some(rounded(energy(view))))
}

/// The engine's settings that all scenes share.
pub(crate) fn builder(args: &RunArgs) -> Result<EngineBuilder, Failure> {
    let mut builder = match &args.data {
        Some(directory) => Engine::open(directory),
        None => Engine::in_memory(),
    };
    if let Some(durability) = args.durability {
        if args.data.is_none() && durability != Durability::Memory {
            return Err(refused("--durability needs a directory: add --data DIR"));
        }
        builder = builder.durability(durability);
    }
    if let Some(frames) = args.history {
        if args.data.is_none() {
            return Err(refused("--history needs a directory: add --data DIR"));
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

/// Builds the engine, runs it, and prints the report with the scene's own `measure` in it.
fn finish(
    scene: &'static str,
    builder: EngineBuilder,
    args: &RunArgs,
    measure: impl FnOnce(View<'_>, &mut RunReport),
) -> Result<(), Failure> {
    let pace = args.hz.map_or_else(Pace::fast, Pace::hz).until_interrupted();
    let mut engine = builder.build().map_err(|error| refused(placed(&error, args.data.as_deref())))?;
    let first = engine.frame();
    if first > args.frames {
        let message =
            format!("the stored world is at frame {first} already; --frames {} lies before it", args.frames);
        return Err(refused(placed(&message, args.data.as_deref())));
    }
    if let Some(repaired) = engine.repaired() {
        note(repaired);
    }
    let started = Instant::now();
    let kept = |error: Error| failed(placed(&error, args.data.as_deref()));
    advance(&mut engine, args, pace).and_then(|()| engine.flush()).map_err(kept)?;
    let seconds = started.elapsed().as_secs_f64();
    let frames = engine.frame() - first;
    let mut report = RunReport {
        scene,
        frame: engine.frame(),
        durable_frame: args.data.as_ref().map(|_| engine.durable_frame()),
        digest: engine.digest().to_string(),
        population: None,
        energy: None,
        seconds,
        frames_per_second: if frames == 0 { 0.0 } else { frames as f64 / seconds },
    };
    measure(engine.view(), &mut report);
    if let Some(energy) = report.energy.filter(|energy| !energy.is_finite()) {
        let frame = report.frame;
        return Err(failed(format!(
            "the energy is {energy} at frame {frame}: bodies came too close or flew too far for their numbers; \
             take a smaller --dt or other bodies"
        )));
    }
    print(&report, args.json, || report.text())
}

/// Runs to the frame asked for, while a thread shows how far it is.
fn advance(engine: &mut Engine, args: &RunArgs, pace: Pace) -> diptych::Result<()> {
    let pace = pace.frames_more(args.frames - engine.frame());
    let mut progress = Progress::new(engine.frame(), args.frames);
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
        let outcome = engine.run(pace);
        drop(done);
        outcome.map(|_| ())
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

/// A file's name as it was given, and its bytes.
fn read(path: &Path) -> Result<(String, Vec<u8>), Failure> {
    let name = path.display().to_string();
    let cannot = |error| refused(format!("{name}: the file cannot be read: {error}"));
    let mut bytes = Vec::new();
    // One byte more than is allowed tells a file that is too long from one that just fits.
    let limit = FILE_BYTES_MAX as u64 + 1;
    File::open(path).map_err(cannot)?.take(limit).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(refused(format!("{name}: the file has more than {FILE_BYTES_MAX} bytes, the limit")));
    }
    Ok((name, bytes))
}

fn refused(error: impl ToString) -> Failure {
    Failure::Refused(error.to_string())
}

fn failed(error: impl ToString) -> Failure {
    Failure::Failed(error.to_string())
}
