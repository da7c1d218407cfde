//! A hundred rows of a million set in a frame: a frame must cost what changed, not what exists.
//!
//! Invariant: the system knows the entities it writes; nothing is searched for. Both worlds run the same code.

use benches::scene::{self, Position};
use benches::{Probe, Suite, Target};
use diptych_engine::EngineBuilder;
use diptych_engine::prelude::*;
use std::cell::RefCell;
use std::sync::{Arc, Mutex};

const ROWS: u32 = 1_000_000;
const FEW_ROWS: u32 = 10_000;
const SET: usize = 100;

/// Which rows a frame sets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pick {
    Same,
    Random,
}

pub(crate) fn run(suite: &mut Suite) {
    for (name, pick, stored, most) in [
        ("the same rows, without store", Pick::Same, false, None),
        ("random rows, without store", Pick::Random, false, None),
        ("the same rows, with store", Pick::Same, true, Some(15.0)),
        ("random rows, with store", Pick::Random, true, Some(45.0)),
    ] {
        let name = format!("sparse, {SET} of {ROWS} rows, {name}");
        if suite.wants(&name) {
            compare(suite, &name, pick, stored, most);
        }
    }
    for (rows, pick) in [("the same rows", Pick::Same), ("random rows", Pick::Random)] {
        for (policy, every) in [("every frame", 1), ("every 60 frames", 60)] {
            let name = format!("sparse, {SET} of {ROWS} rows, {rows}, without store, digest {policy}");
            if suite.wants(&name) {
                digests(suite, &name, pick, every);
            }
        }
    }
}

/// Many rows beside few; the bound in microseconds is a row of its own.
fn compare(suite: &mut Suite, name: &str, pick: Pick, stored: bool, most: Option<f64>) {
    let frames = if stored { 10_000 } else { 5_000 };
    let (many_dir, few_dir) = (tempfile::tempdir(), tempfile::tempdir());
    let builder = |dir: &std::io::Result<tempfile::TempDir>| match dir {
        Ok(dir) if stored => Engine::open(dir.path()),
        Ok(_) => Engine::in_memory(),
        Err(error) => panic!("no directory for the store: {error}"),
    };
    let mut bound = Vec::new();
    let mut many = ours(builder(&many_dir), ROWS, pick, frames);
    let mut few = ours(builder(&few_dir), FEW_ROWS, pick, frames);
    let mut noted = || {
        let sample = many();
        bound.push(sample);
        sample
    };
    // Only the same rows are held to the small world's time: random rows of many are not in any cache.
    let target = if most.is_some() && pick == Pick::Same { Target::Ratio(1.5) } else { Target::None };
    suite.compare(name, "us/frame", target, &mut noted, ("10,000 entities", &mut few));
    if let Some(most) = most {
        let mut samples = bound.into_iter().skip(1);
        let mut next = || samples.next().unwrap_or(f64::NAN);
        let ours = benches::report::Samples((0..suite.reps()).map(|_| next()).collect());
        let name = format!("{name}, in microseconds");
        suite.row(benches::report::Row {
            name,
            unit: "us/frame",
            ours,
            peer: None,
            target: Target::AtMost(most),
        });
    }
}

/// What a digest adds where few rows change; what it costs in every frame is a row of its own, each sample the
/// difference of two runs made in turn.
fn digests(suite: &mut Suite, name: &str, pick: Pick, every: u64) {
    const FRAMES: u64 = 3000;
    let mut with = {
        let probe = Probe::default();
        let builder = world(Engine::in_memory(), ROWS, pick, &probe);
        let mut engine = scene::warm(builder.digest(DigestPolicy::Every(every)));
        scene::run(&mut engine, FRAMES / 4);
        move || probe.time(FRAMES, |frames| scene::run(&mut engine, frames)) / 1000.0
    };
    let mut without = ours(Engine::in_memory(), ROWS, pick, FRAMES);
    let pair = RefCell::new((Vec::new(), Vec::new()));
    let mut with = || {
        pair.borrow_mut().0.push(with());
        *pair.borrow().0.last().expect("just pushed")
    };
    let mut without = || {
        pair.borrow_mut().1.push(without());
        *pair.borrow().1.last().expect("just pushed")
    };
    suite.compare(name, "us/frame", Target::None, &mut with, ("on demand", &mut without));
    if every == 1 {
        let (with, without) = &*pair.borrow();
        let added = with.iter().zip(without).skip(1).map(|(with, without)| with - without);
        suite.row(benches::report::Row {
            name: format!("{name}, what the digest adds"),
            unit: "us/frame",
            ours: benches::report::Samples(added.collect()),
            peer: None,
            target: Target::AtMost(5.0),
        });
    }
}

/// Microseconds a frame.
fn ours(builder: EngineBuilder, rows: u32, pick: Pick, frames: u64) -> impl FnMut() -> f64 {
    let probe = Probe::default();
    let mut engine = scene::warm(world(builder, rows, pick, &probe));
    scene::run(&mut engine, frames / 4);
    move || probe.time(frames, |frames| scene::run(&mut engine, frames)) / 1000.0
}

fn world(builder: EngineBuilder, rows: u32, pick: Pick, probe: &Probe) -> EngineBuilder {
    let (probe, all) = (probe.clone(), Arc::new(Mutex::new(Vec::new())));
    let spawned = all.clone();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut entities: Vec<Entity> = Vec::new();
    let mut picked: Vec<Entity> = Vec::new();
    scene::bodies(builder.threads(2), 0)
        .setup("bench.sparse", move |structure| {
            let body = |n: u32| (Position([n as f32, 0.0, 0.0]), scene::Velocity(scene::velocity(n)));
            let handles = (0..rows).map(|n| structure.spawn(body(n)).entity).collect();
            *spawned.lock().expect("nothing panics under it") = handles;
        })
        .system("bench.sparse", move |mut bodies: Query<Next<Position>>| {
            probe.tick();
            if entities.is_empty() {
                entities = core::mem::take(&mut *all.lock().expect("nothing panics under it"));
            }
            if picked.is_empty() || pick == Pick::Random {
                picked.clear();
                picked.extend((0..SET).map(|_| entities[(random() % u64::from(rows)) as usize]));
            }
            bodies.visit(picked.iter().copied(), |mut position| {
                let Position([x, y, z]) = *position.prev();
                position.set(Position([x + 1.0, y, z]));
            });
        })
}
