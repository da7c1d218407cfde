//! A dense scene at 60 Hz: what the store adds to the time of wave plus commit.
//!
//! Invariant: both engines live all the time and run in turn, so that both meet the same machine; a frame's
//! time is that of its span, wave and commit, without the wait for the next frame. p50 and p99 are over all
//! frames of all repetitions.

use crate::dense;
use benches::report::{Row, Samples};
use benches::{Probe, Suite, Target, scene, spans};
use diptych_engine::prelude::*;
use diptych_engine::store::FaultPlan;
use std::time::Duration;

/// Frames in a row of one engine: several checkpoints.
const FRAMES: u64 = 240;

/// Writes between two naps of the stalled writer, and how long it naps: about two naps a second.
fn stall() -> FaultPlan {
    FaultPlan { stall_every: 30, stall: Duration::from_millis(100), ..FaultPlan::default() }
}

pub(crate) fn run(suite: &mut Suite) {
    let paced = suite.wants("dense 100,000 x 24 B at 60 Hz, 2 threads, wave + commit, p50 p99");
    if paced || suite.wants(STALLED) {
        spans::listen();
    }
    if paced {
        beside_no_store(suite);
    }
    if suite.wants(STALLED) {
        beside_a_stall(suite);
    }
}

const STALLED: &str = "a stalled disk: the writer sleeps 100 ms twice a second, wave + commit at 60 Hz, p99";

/// Frames must not notice a disk that stops now and then, while the queue has room.
fn beside_a_stall(suite: &mut Suite) {
    let dirs = [tempfile::tempdir(), tempfile::tempdir()].map(|dir| dir.expect("a directory for the store"));
    let [mut stalled, mut steady] = [(&dirs[0], stall()), (&dirs[1], FaultPlan::default())]
        .map(|(dir, faults)| scene::warm(dense(Engine::open(dir.path()).faults(faults), &Probe::default())));
    let (mut with, mut without) = (Samples::default(), Samples::default());
    frames(&mut stalled);
    frames(&mut steady);
    for _ in 0..suite.reps() {
        with.0.extend(frames(&mut stalled));
        without.0.extend(frames(&mut steady));
    }
    let only = |samples: &Samples| Samples(vec![samples.quantile(0.99)]);
    suite.row(Row {
        name: STALLED.to_owned(),
        unit: "us",
        ours: only(&with),
        peer: Some(("the same without stalls".to_owned(), only(&without))),
        target: Target::Ratio(1.2),
    });
}

fn beside_no_store(suite: &mut Suite) {
    let name = |part: &str| format!("dense 100,000 x 24 B at 60 Hz, 2 threads, wave + commit, {part}");
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
    drop(spans::take());
    engine.run(Pace::hz(60.0).frames_more(FRAMES)).expect("a bench's frames do not fail");
    let nanos = spans::take();
    assert_eq!(nanos.len() as u64, FRAMES, "a frame had no span of its own");
    nanos.into_iter().map(|nanos| nanos / 1000.0).collect()
}
