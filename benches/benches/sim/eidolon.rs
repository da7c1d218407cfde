//! Eidolon fields: many particles without charge, and a few thousand with.
//!
//! Invariant: both integrators step the same field; the second order one evaluates forces once a frame, the fourth
//! order one four times.

use benches::{Suite, Target};
use diptych::eidolon::{EidolonPlugin, Options};
use diptych::prelude::*;
use std::time::Instant;

const FRAMES: u64 = 20;

pub(crate) fn run(suite: &mut Suite) {
    for (particles, charged) in [(100_000, 0), (2000, 2000)] {
        for (is_rk4, integrator) in [(false, "verlet"), (true, "rk4")] {
            let name = format!("eidolon, {particles} particles, {charged} charged, {integrator}, 2 threads");
            if !suite.wants(&name) {
                continue;
            }
            let options = Options { particles, charged, is_rk4, ..Options::default() };
            let plugin = EidolonPlugin::new(options).expect("the options are right");
            let builder = Engine::in_memory().dt(0.01).threads(2).plugin(plugin);
            let mut engine = builder.build().expect("the world can be built");
            suite.measure(&name, "ms/frame", Target::None, &mut || {
                let start = Instant::now();
                engine.run(Pace::frames(FRAMES)).expect("frames can be made");
                start.elapsed().as_secs_f64() * 1000.0 / FRAMES as f64
            });
        }
    }
}
