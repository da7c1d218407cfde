//! A hundred thousand ants on a million cells, at a moment when signals are everywhere.
//!
//! Invariant: the world is the scene's own with its default rules; nothing is left out but the store.

use benches::{Suite, Target};
use diptych::ant::{AntPlugin, Options, measures};
use diptych::prelude::*;
use std::time::Instant;

const ANTS: u32 = 100_000;
const SIDE: u32 = 1024;
/// Frames before the first measurement: ants have spread, found food and run out of time.
const WARM_FRAMES: u64 = 1500;
const FRAMES: u64 = 60;

pub(crate) fn run(suite: &mut Suite) {
    for (threads, target) in [(1, Target::None), (2, Target::AtLeast(60.0))] {
        let name = format!("ants, {ANTS} on {SIDE}x{SIDE} cells, {threads} threads");
        if !suite.wants(&name) {
            continue;
        }
        let options = Options { ants: ANTS, width: SIDE, height: SIDE, piles: 64, ..Options::default() };
        let plugin = AntPlugin::new(options).expect("the options are right");
        let mut engine =
            Engine::in_memory().threads(threads).plugin(plugin).build().expect("the world can be built");
        engine.run(Pace::frames(WARM_FRAMES)).expect("frames can be made");
        suite.measure(&name, "frames/s", target, &mut || {
            let start = Instant::now();
            engine.run(Pace::frames(FRAMES)).expect("frames can be made");
            FRAMES as f64 / start.elapsed().as_secs_f64()
        });
        let said: Vec<String> = measures(engine.view())
            .iter()
            .map(|measure| format!("{} {:?}", measure.name, measure.value))
            .collect();
        suite.note(&format!("at frame {}: {}", engine.frame(), said.join(", ")));
    }
}
