//! Agents with the seeded model, a thousand and ten thousand of them: a lively world, and one in which nobody is spoken to.
//!
//! Invariant: the peer is the same world with every system switched off, at the same moment: a frame that only commits. The
//! worlds are the scene's own with its default rules; nothing is left out but the store and digests.

use benches::{Suite, Target};
use diptych::agent::{AgentPlugin, Options, Rules, measures};
use diptych::prelude::*;
use std::time::Instant;

/// Frames before the first measurement: what is over is let go as fast as new things come.
const WARM_FRAMES: u64 = 200;
const FRAMES: u64 = 40;

pub(crate) fn run(suite: &mut Suite) {
    for agents in [1_000, 10_000] {
        for threads in [1, 2] {
            let of = |what: &str| format!("agents, {agents} {what}, {threads} threads");
            if [of("lively"), of("at rest")].iter().any(|name| suite.wants(name)) {
                lively(suite, agents, threads, &of("lively"));
                at_rest(suite, agents, threads, &of("at rest"));
            }
        }
    }
}

fn lively(suite: &mut Suite, agents: u32, threads: usize, name: &str) {
    let ours = beside_empty(suite, agents, threads, Rules::default(), name);
    let said: Vec<String> =
        measures(ours.view()).iter().map(|measure| format!("{} {:?}", measure.name, measure.value)).collect();
    suite.note(&format!("at frame {}: {}", ours.frame(), said.join(", ")));
}

fn at_rest(suite: &mut Suite, agents: u32, threads: usize, name: &str) {
    // Nobody says anything, and signs of life are not missed.
    let rules = Rules { is_staged: 0, beat: 1 << 19, patience: 1 << 20, ..Rules::default() };
    beside_empty(suite, agents, threads, rules, name);
}

/// A world beside the same one without systems; answers the former.
fn beside_empty(suite: &mut Suite, agents: u32, threads: usize, rules: Rules, name: &str) -> Engine {
    let (mut ours, mut peer) = (world(agents, threads, rules), world(agents, threads, rules));
    switch_off(&mut peer);
    let mut samples = Vec::new();
    let mut sample = || {
        let sample = micros(&mut ours);
        samples.push(sample);
        sample
    };
    let mut empty = || micros(&mut peer);
    let peer = ("an empty frame of this world", &mut empty as &mut dyn FnMut() -> f64);
    suite.compare(name, "us/frame", Target::None, &mut sample, peer);
    note(suite, agents, &mut samples);
    suite.note(&slowest(&mut ours));
    ours
}

fn world(agents: u32, threads: usize, rules: Rules) -> Engine {
    let plugin = AgentPlugin::new(Options { agents, rules, ..Options::default() }).expect("sound options");
    let builder = Engine::in_memory().threads(threads).digest(DigestPolicy::OnDemand).plugin(plugin);
    let mut engine = builder.build().expect("a sound world");
    engine.run(Pace::frames(WARM_FRAMES)).expect("frames");
    engine
}

/// No system runs any more.
fn switch_off(engine: &mut Engine) {
    for (system, _) in engine.stats().systems {
        engine.inputs().control("bench", &Control::disable(&system)).expect("it is known");
    }
    engine.run(Pace::frames(2)).expect("frames");
}

fn micros(engine: &mut Engine) -> f64 {
    let start = Instant::now();
    engine.run(Pace::frames(FRAMES)).expect("frames");
    start.elapsed().as_secs_f64() * 1e6 / FRAMES as f64
}

fn note(suite: &mut Suite, agents: u32, samples: &mut [f64]) {
    samples.sort_unstable_by(f64::total_cmp);
    let each = samples[samples.len() / 2] / f64::from(agents);
    suite.note(&format!("{each:.3} us an agent and frame"));
}

/// Where the time of a frame went; systems are timed in one of 64.
fn slowest(engine: &mut Engine) -> String {
    engine.run(Pace::frames(64)).expect("frames");
    let mut systems = engine.stats().systems;
    systems.sort_by_key(|(_, nanos)| core::cmp::Reverse(*nanos));
    let systems: Vec<String> =
        systems.iter().take(6).map(|(name, nanos)| format!("{name} {} us", nanos / 1000)).collect();
    format!("in the frame that was timed last: {}", systems.join(", "))
}
