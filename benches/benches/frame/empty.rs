//! A frame in which nothing happens.
//!
//! Invariant: no systems and no rows, so the run's own beginning and end (entering the pool, a digest of
//! nothing) are timed along, spread over many frames.

use benches::{Suite, Target, scene};
use diptych_engine::Engine;
use std::time::Instant;

const FRAMES: u64 = 200_000;

pub(crate) fn run(suite: &mut Suite) {
    for threads in [1, 2] {
        let name = format!("empty frame, without store, {threads} thread(s)");
        if suite.wants(&name) {
            let mut engine = scene::warm(scene::bodies(Engine::in_memory().threads(threads), 0));
            suite.measure(&name, "us/frame", Target::AtMost(0.5), &mut || time(&mut engine));
        }
    }
    let name = "empty frame, with store";
    if suite.wants(name) {
        let dir = tempfile::tempdir().expect("a directory for the store");
        let mut engine = scene::warm(scene::bodies(Engine::open(dir.path()).threads(2), 0));
        suite.measure(name, "us/frame", Target::AtMost(5.0), &mut || time(&mut engine));
    }
    let name = "empty frame over 1000000 rows, without systems or store";
    if suite.wants(name) {
        let mut engine = scene::warm(scene::bodies(Engine::in_memory().threads(1), 1_000_000));
        suite.measure(name, "us/frame", Target::None, &mut || time(&mut engine));
    }
}

fn time(engine: &mut Engine) -> f64 {
    let start = Instant::now();
    scene::run(engine, FRAMES);
    start.elapsed().as_nanos() as f64 / FRAMES as f64 / 1000.0
}
