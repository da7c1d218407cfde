//! A dense scene at 60 Hz: what the store adds to the time of wave plus commit.
//!
//! Invariant: both engines live all the time and run in turn, so that both meet the same machine; a frame's
//! time is the engine's own figure for wave and commit, without the wait for the next frame.

use crate::dense;
use benches::report::{Row, Samples};
use benches::{Probe, Suite, Target, scene};
use diptych_engine::Engine;
use std::time::{Duration, Instant};

const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 60);
/// Frames in a row of one engine; the store has a second of them to get behind.
const FRAMES: u32 = 240;

pub(crate) fn run(suite: &mut Suite) {
    let name = |part: &str| format!("dense 100,000 x 24 B at 60 Hz, 2 threads, wave + commit, {part}");
    if !suite.wants(&name("p50")) && !suite.wants(&name("p99")) {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory for the store");
    let mut stored = scene::warm(dense(Engine::open(dir.path()), &Probe::default()));
    let mut plain = scene::warm(dense(Engine::in_memory(), &Probe::default()));
    let (mut with, mut without) = (Samples::default(), Samples::default());
    frames(&mut stored);
    frames(&mut plain);
    for _ in 0..suite.reps() {
        with.0.extend(frames(&mut stored));
        without.0.extend(frames(&mut plain));
    }
    for (part, quantile, most) in [("p50", 0.5, 1.3), ("p99", 0.99, 2.0)] {
        let only = |samples: &Samples| Samples(vec![samples.quantile(quantile)]);
        let peer = Some(("without store".to_owned(), only(&without)));
        let ours = only(&with);
        suite.row(Row { name: name(part), unit: "us", ours, peer, target: Target::Ratio(most) });
    }
    let waits = stored.stats().disk_wait_nanos as f64 / 1000.0;
    let name = name("waits for the store's queue, in all");
    suite.row(Row { name, unit: "us", ours: Samples(vec![waits]), peer: None, target: Target::None });
}

/// Microseconds of wave and commit of each frame.
fn frames(engine: &mut Engine) -> Vec<f64> {
    let mut due = Instant::now();
    (0..FRAMES)
        .map(|_| {
            due += FRAME;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            engine.step().expect("a bench's frames do not fail");
            let stats = engine.stats();
            (stats.wave_nanos + stats.commit_nanos) as f64 / 1000.0
        })
        .collect()
}
