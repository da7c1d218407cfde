//! Ten minutes (`--minutes N`) of a dense scene, at 60 Hz and at full speed: disk and memory must stay flat.
//!
//! Invariant: disk and resident memory are read every ten seconds and the largest counts; memory is flat when
//! the last minute's is at most a tenth above the second minute's. `--long` only.

use crate::{STATE_BYTES, dense};
use benches::report::{Row, Samples};
use benches::{Probe, Suite, Target, host, scene};
use diptych_engine::prelude::*;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_secs(10);

pub(crate) fn run(suite: &mut Suite) {
    for (pace_name, hz) in [("at 60 Hz", Some(60.0)), ("at full speed", None)] {
        let name = format!("{} minutes, dense 100,000 x 24 B {pace_name}", suite.minutes());
        if !suite.wants(&name) {
            continue;
        }
        if suite.long() {
            ten_minutes(suite, &name, hz);
        } else {
            suite.note(&format!("{name}: not measured; it needs --long"));
        }
    }
}

fn ten_minutes(suite: &mut Suite, name: &str, hz: Option<f64>) {
    let dir = tempfile::tempdir().expect("a directory for the store");
    let mut engine = scene::warm(dense(Engine::open(dir.path()), &Probe::default()));
    let stop = StopSignal::new();
    let watcher = {
        let (stop, dir, minutes) = (stop.clone(), dir.path().to_owned(), suite.minutes());
        thread::spawn(move || watch(&stop, &dir, minutes))
    };
    let pace = hz.map_or_else(Pace::fast, Pace::hz);
    let start = Instant::now();
    let frames = engine.run(pace.until(&stop)).expect("a bench's frames do not fail");
    let seconds = start.elapsed().as_secs_f64();
    let (disk, memory) = watcher.join().expect("the watcher only reads");
    // In a shorter run the second minute is the last one, and the figure says nothing.
    let flat = if suite.minutes() > 2 { Target::AtMost(1.1) } else { Target::None };
    let rows: [(&str, &'static str, f64, Target); 5] = [
        ("frames a second", "1/s", frames as f64 / seconds, Target::None),
        // No history is kept, so the retention is none.
        ("most disk, in states", "x state", most(&disk) / STATE_BYTES as f64, Target::AtMost(4.0)),
        ("most disk", "MB", most(&disk) / 1e6, Target::None),
        ("most memory", "MB", most(&memory) / 1e6, Target::None),
        ("memory of the last minute / of the second", "x", growth(&memory), flat),
    ];
    for (what, unit, value, target) in rows {
        let name = format!("{name}: {what}");
        suite.row(Row { name, unit, ours: Samples(vec![value]), peer: None, target });
    }
}

/// Reads disk and memory until the time is over, then gives the signal.
fn watch(stop: &StopSignal, dir: &Path, minutes: u64) -> (Vec<u64>, Vec<u64>) {
    let start = Instant::now();
    let (mut disk, mut memory) = (Vec::new(), Vec::new());
    while start.elapsed() < Duration::from_secs(minutes * 60) {
        thread::sleep(EVERY);
        let (on_disk, resident) = (host::disk_bytes(dir), host::resident_bytes());
        let megabytes = |bytes: u64| bytes / 1_000_000;
        let seconds = start.elapsed().as_secs();
        eprintln!("{seconds:>4} s  disk {} MB  memory {} MB", megabytes(on_disk), megabytes(resident));
        disk.push(on_disk);
        memory.push(resident);
    }
    stop.stop();
    (disk, memory)
}

fn most(samples: &[u64]) -> f64 {
    samples.iter().max().copied().unwrap_or(0) as f64
}

/// The largest of the last minute over the largest of the second.
fn growth(samples: &[u64]) -> f64 {
    let minute = (60 / EVERY.as_secs()) as usize;
    let second = samples.get(minute..2 * minute).unwrap_or(samples);
    most(&samples[samples.len().saturating_sub(minute)..]) / most(second).max(1.0)
}
