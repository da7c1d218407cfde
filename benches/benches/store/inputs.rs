//! What it costs to log what comes into frames, to know a world by that alone, and how fast it is made again.
//!
//! Invariant: both sides run in turn and do the same work; a frame's time is that of its span, wave and commit. p50 and
//! p99 are over all frames of all repetitions.

use crate::{ROWS, dense, dense_of};
use benches::report::{Row, Samples};
use benches::{Probe, Suite, Target, scene, spans};
use diptych_engine::prelude::*;
use std::path::Path;
use std::time::Instant;

/// Frames of a sample: each meets a checkpoint.
const FRAMES: u64 = 600;
/// Entities of the world that is known by its inputs; 24 MB of state.
const MANY: u32 = 1_000_000;

pub(crate) fn run(suite: &mut Suite) {
    let known =
        "dense 1,000,000 x 24 B at full speed, known by inputs, state synced every 600 frames, wave + commit";
    let logged = "dense 100,000 x 24 B at full speed, with the log of inputs, wave + commit";
    let again = "dense 100,000 x 24 B, made again from its log";
    if [known, logged].iter().any(|name| suite.wants(name)) {
        spans::listen();
    }
    if suite.wants(known) {
        known_by_inputs(suite, known);
    }
    if suite.wants(logged) {
        with_the_log(suite, logged);
    }
    if suite.wants(again) {
        made_again(suite, again);
    }
}

fn known_by_inputs(suite: &mut Suite, name: &str) {
    let dir = tempfile::tempdir().expect("a directory for the store");
    let open = Engine::open(dir.path()).durability(Durability::Inputs(FRAMES as u32));
    let mut ours = scene::warm(dense_of(open, MANY, &Probe::default()));
    let mut plain = scene::warm(dense_of(Engine::in_memory(), MANY, &Probe::default()));
    beside(suite, name, &mut ours, ("without store", &mut plain), 1.05);
}

fn with_the_log(suite: &mut Suite, name: &str) {
    let dirs = [tempfile::tempdir(), tempfile::tempdir()].map(|dir| dir.expect("a directory for the store"));
    let digests = |builder: EngineBuilder| builder.digest(DigestPolicy::default());
    let open = |dir: &Path| digests(dense(Engine::open(dir), &Probe::default()));
    let mut ours = scene::warm(open(dirs[0].path()));
    let mut plain = scene::warm(open(dirs[1].path()).input_log(InputLog::NONE));
    beside(suite, name, &mut ours, ("without the log", &mut plain), 1.1);
}

fn beside(suite: &mut Suite, name: &str, ours: &mut Engine, peer: (&str, &mut Engine), most: f64) {
    let (mut with, mut without) = (Samples::default(), Samples::default());
    frames(ours);
    frames(peer.1);
    for _ in 0..suite.reps() {
        with.0.extend(frames(ours));
        without.0.extend(frames(peer.1));
    }
    for (part, quantile, target) in [("p50", 0.5, Target::Ratio(most)), ("p99", 0.99, Target::None)] {
        let only = |samples: &Samples| Samples(vec![samples.quantile(quantile)]);
        let peer = Some((peer.0.to_owned(), only(&without)));
        suite.row(Row { name: format!("{name}, {part}"), unit: "us", ours: only(&with), peer, target });
    }
}

/// Microseconds of wave and commit of each frame.
fn frames(engine: &mut Engine) -> Vec<f64> {
    drop(spans::take());
    scene::run(engine, FRAMES);
    spans::take().into_iter().map(|nanos| nanos / 1000.0).collect()
}

/// A replay beside the run that it replays, with and without its store.
fn made_again(suite: &mut Suite, name: &str) {
    let frames = 4 * FRAMES;
    let rate = |seconds: f64| frames as f64 / seconds;
    let timed = |run: &mut dyn FnMut()| {
        let start = Instant::now();
        run();
        rate(start.elapsed().as_secs_f64())
    };
    let dir = tempfile::tempdir().expect("a directory for the store");
    let digests = |builder: EngineBuilder| builder.digest(DigestPolicy::default());
    drop({
        let mut engine =
            digests(dense(Engine::open(dir.path()), &Probe::default())).build().expect("it opens");
        scene::run(&mut engine, frames);
        engine
    });
    let mut replayed = || {
        let builder = digests(dense(Engine::in_memory(), &Probe::default()));
        let mut replay = builder.replay(dir.path(), ReplayFrom::Oldest).expect("it can be replayed");
        timed(&mut || {
            replay.run_to(u64::MAX).expect("every digest is the same");
        })
    };
    let mut original = || {
        let dir = tempfile::tempdir().expect("a directory for the store");
        let mut engine =
            digests(dense(Engine::open(dir.path()), &Probe::default())).build().expect("it opens");
        timed(&mut || scene::run(&mut engine, frames))
    };
    let peer: (&str, &mut dyn FnMut() -> f64) = ("the original run, with its store", &mut original);
    suite.compare(name, "frames/s", Target::RatioAtLeast(1.0), &mut replayed, peer);
    let mut plain = || {
        let mut engine = digests(dense(Engine::in_memory(), &Probe::default())).build().expect("it opens");
        timed(&mut || scene::run(&mut engine, frames))
    };
    let peer: (&str, &mut dyn FnMut() -> f64) = ("a run in memory", &mut plain);
    let name = format!("{name} ({ROWS} rows)");
    suite.compare(&name, "frames/s", Target::None, &mut replayed, peer);
}
