//! Ten minutes (`--minutes N`) of a dense scene, at 60 Hz and at full speed: disk and memory must stay flat.
//!
//! Invariant: disk, resident memory and frame times are read every ten seconds; each is flat when the last sixth's is
//! at most so much above the second sixth's, and is drawn over time. `--long` only. A minute is no measure of an hour:
//! journals and checkpoints make teeth of one to two minutes.

use crate::{Place, STATE_BYTES, dense};
use benches::pulse::{Pulse, bars};
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
    let pulse = Pulse::default();
    let beat = pulse.clone();
    // One more system, which owns nothing: its call is the beginning of a wave.
    let builder = dense(Engine::open(dir.path()), &Probe::default());
    let builder = builder.system("bench.pulse", move |_: Query<Prev<Place>>| beat.tick());
    let mut engine = scene::warm(builder);
    let stop = StopSignal::new();
    let watcher = {
        let (stop, dir, minutes) = (stop.clone(), dir.path().to_owned(), suite.minutes());
        thread::spawn(move || watch(&stop, &dir, minutes, &pulse))
    };
    let pace = hz.map_or_else(Pace::fast, Pace::hz);
    let start = Instant::now();
    let frames = engine.run(pace.until(&stop)).expect("a bench's frames do not fail");
    let seconds = start.elapsed().as_secs_f64();
    let Watched { disk, memory, p50, p99 } = watcher.join().expect("the watcher only reads");
    for (what, values) in [("disk", &disk), ("memory", &memory), ("p50", &p50), ("p99", &p99)] {
        suite.note(&format!("{name}: {what} over time {}", bars(&minutely(values))));
    }
    // In a shorter run the second minute is the last one, and the figure says nothing.
    let flat = |most| if suite.minutes() > 2 { Target::AtMost(most) } else { Target::None };
    let rows: [(&str, &'static str, f64, Target); 8] = [
        ("frames a second", "1/s", frames as f64 / seconds, Target::None),
        // No history is kept, so the retention is none.
        ("most disk, in states", "x state", most(&disk) / STATE_BYTES as f64, Target::AtMost(4.0)),
        ("most disk", "MB", most(&disk) / 1e6, Target::None),
        ("most memory", "MB", most(&memory) / 1e6, Target::None),
        ("most disk of the last sixth / of the second", "x", growth(&disk, most), flat(1.3)),
        ("most memory of the last sixth / of the second", "x", growth(&memory, most), flat(1.1)),
        ("p99 of a frame, median over time", "us", median(&p99), Target::None),
        ("p99 of a frame, median of the last sixth / of the second", "x", growth(&p99, median), flat(1.2)),
    ];
    for (what, unit, value, target) in rows {
        let name = format!("{name}: {what}");
        suite.row(Row { name, unit, ours: Samples(vec![value]), peer: None, target });
    }
}

/// What was seen every ten seconds: bytes on disk and in memory, microseconds of a frame.
#[derive(Default)]
struct Watched {
    disk: Vec<f64>,
    memory: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
}

/// Reads disk, memory and frame times until the time is over, then gives the signal.
fn watch(stop: &StopSignal, dir: &Path, minutes: u64, pulse: &Pulse) -> Watched {
    let start = Instant::now();
    let mut watched = Watched::default();
    while start.elapsed() < Duration::from_secs(minutes * 60) {
        thread::sleep(EVERY);
        let (on_disk, resident) = (host::disk_bytes(dir), host::resident_bytes());
        let (times, frames) = pulse.take(&[0.5, 0.99]);
        let seconds = start.elapsed().as_secs();
        eprintln!(
            "{seconds:>4} s  disk {} MB  memory {} MB  {frames} frames, p50 {:.0} us, p99 {:.0} us",
            on_disk / 1_000_000,
            resident / 1_000_000,
            times[0],
            times[1]
        );
        watched.disk.push(on_disk as f64);
        watched.memory.push(resident as f64);
        watched.p50.push(times[0]);
        watched.p99.push(times[1]);
    }
    stop.stop();
    watched
}

fn most(samples: &[f64]) -> f64 {
    samples.iter().copied().fold(0.0, f64::max)
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// One value a minute.
fn minutely(samples: &[f64]) -> Vec<f64> {
    samples.chunks((60 / EVERY.as_secs()) as usize).map(median).collect()
}

/// The last sixth of the time, or the last minute if that is more, over the second.
fn growth(samples: &[f64], of: impl Fn(&[f64]) -> f64) -> f64 {
    let part = (samples.len() / 6).max((60 / EVERY.as_secs()) as usize);
    let second = samples.get(part..2 * part).unwrap_or(samples);
    of(&samples[samples.len().saturating_sub(part)..]) / of(second).max(f64::MIN_POSITIVE)
}
