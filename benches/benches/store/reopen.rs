//! How long a stored world takes to open, from `Engine::open` to a world that can make frames.
//!
//! Invariant: the world was closed cleanly and its files are in the page cache, so this is the engine's own
//! time, not the disk's.

use benches::{Suite, Target, scene};
use diptych_engine::EngineBuilder;
use diptych_engine::prelude::*;
use std::path::Path;
use std::time::Instant;

const ROWS: u32 = 1_000_000;

/// 64 bytes.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Wide([f64; 8]);

pub(crate) fn run(suite: &mut Suite) {
    let name = "reopen, 1,000,000 entities x 2 types of 12 B";
    if suite.wants(name) {
        let dir = tempfile::tempdir().expect("a directory for the store");
        let open = || scene::bodies(Engine::open(dir.path()), ROWS);
        scene::warm(open());
        suite.measure(name, "s", Target::AtMost(0.4), &mut || reopen(open()));
    }
    let name = "reopen, 1,000,000 entities x 64 B";
    if suite.wants(name) {
        let dir = tempfile::tempdir().expect("a directory for the store");
        scene::warm(wide(dir.path()));
        let megabytes = f64::from(ROWS) * size_of::<Wide>() as f64 / 1e6;
        let mut rate = || megabytes / reopen(wide(dir.path()));
        suite.measure(name, "MB/s", Target::AtLeast(300.0), &mut rate);
    }
}

fn wide(dir: &Path) -> EngineBuilder {
    Engine::open(dir).digest(DigestPolicy::OnDemand).state::<Wide>("bench.wide", 1).setup(
        "bench.setup",
        |structure| {
            for n in 0..ROWS {
                structure.spawn((Wide([f64::from(n); 8]),));
            }
        },
    )
}

/// Seconds until the world is there; closing it again is not counted.
fn reopen(builder: EngineBuilder) -> f64 {
    let start = Instant::now();
    let engine = builder.build().expect("the world opens");
    let spent = start.elapsed().as_secs_f64();
    assert!(engine.frame() > 0 && engine.stats().entities >= u64::from(ROWS), "it is not the stored world");
    spent
}
