//! Events from publishers to handlers: `cargo bench -p benches --bench events -- [FILTER ..]`.
//!
//! A filter is a part of a row's name: `deliveries`, `publish`, `idle`. Invariant: a frame is wave and commit of a
//! world in memory, publishing included; every handler reads every integer it hears, and their sum is checked.

use benches::{Probe, Suite, Target, scene};
use diptych_engine::prelude::*;
use diptych_engine::{EngineBuilder, Registrar};
use diptych_systems::event::{self, Channel, Publisher, Subscriber};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const TOPICS: u16 = 100;
const HANDLERS: u64 = 10;
const PUBLISHERS: u64 = 10;
/// Events of a publisher on a topic in a frame.
const EACH: u64 = 100;
const EVENTS: u64 = TOPICS as u64 * PUBLISHERS * EACH;
const LIMIT: u32 = 1_000_000;
const FRAMES: u64 = 8;
const NANOS_A_MICRO: f64 = 1000.0;

struct Events;

impl Plugin for Events {
    fn name(&self) -> &'static str {
        "events"
    }

    fn build(self, registrar: &mut Registrar) -> Result<()> {
        event::register(registrar, LIMIT).map(|_| ())
    }
}

fn main() {
    let mut suite = Suite::from_args("events");
    for threads in [2, 1] {
        let name = format!("deliveries, {TOPICS} topics x {HANDLERS} handlers, {threads} threads");
        if suite.wants(&name) {
            let mut frame = talk(threads, HANDLERS);
            // The bar is one for two threads.
            let target = if threads == 2 { Target::AtLeast(5.0) } else { Target::None };
            let deliveries = (EVENTS * HANDLERS) as f64;
            suite.measure(&name, "M deliveries/s", target, &mut || deliveries * NANOS_A_MICRO / frame());
        }
    }
    let name = format!("publish, {TOPICS} topics, nobody listens, 1 thread");
    if suite.wants(&name) {
        let mut frame = talk(1, 0);
        suite.measure(&name, "ns/event", Target::AtMost(500.0), &mut || frame() / EVENTS as f64);
    }
    let name = "idle, a frame beside 10,000 topics without a word, 1 thread";
    if suite.wants(name) {
        let (mut with, mut without) = (idle(10_000), idle(0));
        suite.compare(name, "ns/frame", Target::None, &mut with, ("no topics", &mut without));
    }
    suite.finish();
}

fn world(threads: usize) -> EngineBuilder {
    Engine::in_memory().threads(threads).digest(DigestPolicy::OnDemand).plugin(Events)
}

/// Nanoseconds of a frame in which all topics are spoken on and heard by so many handlers each.
fn talk(threads: usize, handlers: u64) -> impl FnMut() -> f64 {
    let probe = Probe::default();
    let ticks = probe.clone();
    let heard = Arc::new(AtomicU64::new(0));
    let mut builder = world(threads).system("bench.tick", move || ticks.tick());
    for publisher in 0..PUBLISHERS {
        builder = builder.system(&format!("bench.say.{publisher}"), |mut bus: Publisher| {
            for _ in 0..EACH {
                for topic in 0..TOPICS {
                    bus.publish(Channel::A, topic, 1).expect("there is room for a million");
                }
            }
        });
    }
    for topic in 0..TOPICS {
        for handler in 0..handlers {
            let heard = heard.clone();
            builder = builder.system(&format!("bench.hear.{topic}.{handler}"), move |said: Subscriber| {
                let sum =
                    said.on(Channel::A, topic).iter().filter_map(|event| event.data::<i64>()).sum::<i64>();
                heard.fetch_add(sum as u64, Ordering::Relaxed);
            });
        }
    }
    let mut engine = scene::warm(builder);
    move || {
        let before = heard.load(Ordering::Relaxed);
        let nanos = probe.time(FRAMES, |frames| scene::run(&mut engine, frames));
        assert_eq!(heard.load(Ordering::Relaxed) - before, (FRAMES + 1) * EVENTS * handlers, "all was heard");
        nanos
    }
}

/// Nanoseconds of a frame in which nobody speaks, after so many topics were spoken on once.
fn idle(topics: u64) -> impl FnMut() -> f64 {
    const FRAMES: u64 = 2000;
    let probe = Probe::default();
    let ticks = probe.clone();
    let builder = world(1)
        .system("bench.tick", move || ticks.tick())
        .system("bench.say", move |mut bus: Publisher, clock: Clock| {
            for topic in (0..topics).filter(|_| clock.frame() == 1) {
                bus.publish(Channel::A, topic as u16, 1).expect("there is room for a million");
            }
        })
        .system("bench.hear", |said: Subscriber| assert!(said.on(Channel::A, 7).len() < 2));
    let mut engine = scene::warm(builder);
    move || probe.time(FRAMES, |frames| scene::run(&mut engine, frames))
}
