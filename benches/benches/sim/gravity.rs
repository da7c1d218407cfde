//! Gravity by groups beside gravity by all pairs, against the number of bodies, on one thread and on two.
//!
//! Invariant: both sides are the same program with the same systems; by all pairs is an opening of 0, where no group is
//! far. No digests are taken.

use benches::{Suite, Target};
use diptych::gravity::{GravityPlugin, Options};
use diptych_engine::prelude::*;
use std::time::Instant;

/// Bodies of the claim, and those of the sum over all pairs that it is compared with.
const MANY: usize = 100_000;
const FEW: usize = 10_000;

pub(crate) fn run(suite: &mut Suite) {
    let name = format!("gravity, {MANY} bodies, 2 threads");
    if suite.wants(&name) {
        let times = MANY as f64 / FEW as f64;
        let scale = times * times;
        let (mut ours, mut pairs) = (frame(MANY, 0.5, 2, 4), frame(FEW, 0.0, 2, 2));
        let peer = format!("{FEW} by all pairs, times {scale}");
        suite.compare(&name, "ms/frame", Target::FasterBy(50.0), &mut ours, (&peer, &mut || pairs() * scale));
    }
    let name = format!("gravity, {MANY} bodies, 1 thread and 2");
    if suite.wants(&name) {
        let (mut two, mut one) = (frame(MANY, 0.5, 2, 4), frame(MANY, 0.5, 1, 4));
        suite.compare(&name, "ms/frame", Target::FasterBy(1.7), &mut two, ("1 thread", &mut one));
    }
    against_number(suite);
}

/// The same disc, denser in no place, of more and more bodies: drawn against their number times its logarithm.
fn against_number(suite: &mut Suite) {
    let mut points = Vec::new();
    for bodies in [1_000, 3_000, 10_000, 30_000, MANY] {
        let name = format!("gravity, {bodies} bodies, time a body");
        if !suite.wants(&name) {
            continue;
        }
        let mut ours = frame(bodies, 0.5, 2, (200_000 / bodies as u64).clamp(2, 100));
        let mut samples = Vec::new();
        suite.measure(&name, "us/body", Target::None, &mut || {
            let micros = ours() * 1000.0 / bodies as f64;
            samples.push(micros);
            micros
        });
        samples.sort_unstable_by(f64::total_cmp);
        points.push((bodies, samples[samples.len() / 2]));
    }
    let Some(&(first, base)) = points.first() else { return };
    for (bodies, micros) in &points {
        // What a body costs where all cost the number times its logarithm.
        let expected = base * libm::log(*bodies as f64) / libm::log(first as f64);
        let bar = |micros: f64, mark: &str| mark.repeat((micros / base * 20.0).round() as usize);
        suite.note(&format!("{bodies:>7} bodies  {micros:>6.2} us  {}", bar(*micros, "#")));
        suite.note(&format!("        n log n  {expected:>6.2} us  {}", bar(expected, "-")));
    }
}

/// Milliseconds a frame, over `frames` of them.
fn frame(bodies: usize, opening: f64, threads: usize, frames: u64) -> impl FnMut() -> f64 {
    let options = Options { bodies, opening, ..Options::default() };
    let plugin = GravityPlugin::new(options).expect("sound options");
    let builder = Engine::in_memory().threads(threads).digest(DigestPolicy::OnDemand).plugin(plugin);
    let mut engine = builder.build().expect("a sound world");
    engine.run(Pace::frames(4)).expect("frames");
    move || {
        let start = Instant::now();
        engine.run(Pace::frames(frames)).expect("frames");
        let millis = start.elapsed().as_secs_f64() * 1000.0 / frames as f64;
        let bodies_seen = engine.view().iter::<diptych::gravity::Position>().count();
        assert_eq!(bodies_seen, bodies, "bodies are lost");
        millis
    }
}
