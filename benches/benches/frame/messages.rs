//! A million messages from 100,000 writers to 10,000 targets, written, merged and summed in a frame.
//!
//! Invariant: both sides do the same arithmetic with the same choice of targets on two threads. The peer is
//! what one would write by hand: shards of a map behind locks; a target's messages are then sorted by sender
//! and issue, without which its sums would depend on threads. `shuffled` gives the writers `Id`s in an order
//! that no table has, so that senders do not come in ascending order; the peer's writers write in the order of
//! our table in either case.

use benches::{Probe, Suite, Target, scene};
use diptych_engine::prelude::*;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Instant;

/// A million messages a second is one in this many nanoseconds.
const NANOS_A_MICRO: f64 = 1000.0;
const WRITERS: u64 = 100_000;
const TARGETS: u64 = 10_000;
const EACH: u64 = 10;
const MESSAGES: f64 = (WRITERS * EACH) as f64;
const FRAMES: u64 = 8;
const SHARDS: usize = 64;

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Gun {
    /// Of the first message; the others follow at random.
    seed: u64,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Health(f32);

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Damage(f32);

/// The number of the target of a writer's n-th message.
#[inline(always)]
fn aim(seed: u64, n: u64) -> u64 {
    let mixed = (seed * EACH + n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed >> 32) * TARGETS) >> 32
}

pub(crate) fn run(suite: &mut Suite) {
    for (kind, shuffled) in [("writers in order", false), ("writers shuffled", true)] {
        let name = format!("messages, {MESSAGES} from {WRITERS} to {TARGETS}, 2 threads, {kind}");
        if suite.wants(&name) {
            compare(suite, &name, shuffled);
        }
    }
    let name = "messages, none sent, 1 type";
    if suite.wants(name) {
        none(suite, name);
    }
}

/// Twice as fast as the peer, and in a row of its own at least 20 million messages a second.
fn compare(suite: &mut Suite, name: &str, shuffled: bool) {
    let (mut ours, writers) = ours(shuffled);
    let mut peer = sharded(&writers);
    let mut bound = Vec::new();
    let mut noted = || {
        let sample = ours();
        bound.push(sample);
        sample
    };
    let peer: (&str, &mut dyn FnMut() -> f64) = ("64 shards of Mutex<BTreeMap>, sorted", &mut peer);
    suite.compare(name, "ns/message", Target::FasterBy(2.0), &mut noted, peer);
    let rates = bound.into_iter().skip(1).map(|nanos| NANOS_A_MICRO / nanos);
    suite.row(benches::report::Row {
        name: format!("{name}, in a second"),
        unit: "M messages/s",
        ours: benches::report::Samples(rates.collect()),
        peer: None,
        target: Target::AtLeast(20.0),
    });
}

/// Nanoseconds a message of whole frames, and the writers in the order of their table.
fn ours(shuffled: bool) -> (impl FnMut() -> f64, Vec<Writer>) {
    let probe = Probe::default();
    let ticks = probe.clone();
    let mut targets: Vec<Id> = Vec::new();
    let builder = Engine::in_memory()
        .threads(2)
        .digest(DigestPolicy::OnDemand)
        .state::<Gun>("bench.gun", 1)
        .state::<Health>("bench.health", 1)
        .message::<Damage>("bench.damage", 1)
        .setup("bench.targets", |structure| {
            (0..TARGETS).for_each(|_| {
                structure.spawn((Health(0.0),));
            });
        })
        .setup("bench.writers", move |structure| {
            let spawned: Vec<_> = (0..WRITERS).map(|seed| structure.spawn((Gun { seed },))).collect();
            if shuffled {
                // Despawning moves the last row into the hole: what is left is in no order.
                let more: Vec<_> =
                    (0..WRITERS).map(|n| structure.spawn((Gun { seed: WRITERS + n },))).collect();
                let gone = |n: usize| (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 63 == 0;
                for n in 0..spawned.len() {
                    structure.despawn(if gone(n) { spawned[n] } else { more[n] });
                }
            }
        })
        .system(
            "bench.shoot",
            move |mut guns: Query<(Id, Prev<Gun>)>,
                  healths: Query<(Id, Prev<Health>)>,
                  mut damage: Outbox<Damage>| {
                ticks.tick();
                if targets.is_empty() {
                    targets.extend(healths.iter().map(|(id, _)| id));
                }
                let targets = &targets;
                guns.par_rows_with(&mut damage, |(id, gun), damage| {
                    let mut pen = damage.from(id);
                    for n in 0..EACH {
                        pen.to(targets[aim(gun.seed, n) as usize], Damage(n as f32));
                    }
                });
            },
        )
        .system("bench.suffer", |mut healths: Query<Next<Health>>, damage: Inbox<Damage>| {
            damage.deliver(&mut healths, |mut health, hits| {
                let sum: f32 = hits.messages().iter().map(|hit| hit.0).sum();
                health.set(Health(health.prev().0 + sum));
            });
        });
    let mut engine = scene::warm(builder);
    let writers: Vec<Writer> = engine.view().iter::<Gun>().map(|(id, gun)| (id.bits(), gun.seed)).collect();
    let sample = move || probe.time(FRAMES, |frames| scene::run(&mut engine, frames)) / MESSAGES;
    (sample, writers)
}

/// The bits of an `Id`, and the seed.
type Writer = (u64, u64);
type Shard = Mutex<BTreeMap<u64, Vec<(u64, u64, f32)>>>;

/// The same by hand: writers on two threads lock the target's shard; then each thread reads half the shards.
fn sharded(writers: &[Writer]) -> impl FnMut() -> f64 {
    assert_eq!(writers.len() as u64, WRITERS, "both sides write as many messages");
    let shards: Vec<Shard> = (0..SHARDS).map(|_| Mutex::default()).collect();
    let mut healths = vec![0.0_f32; TARGETS as usize];
    let mut frame = move || {
        let write = |writers: &[Writer]| {
            for &(writer, seed) in writers {
                for n in 0..EACH {
                    let target = aim(seed, n);
                    let mut shard = shards[target as usize % SHARDS].lock().expect("nothing panics under it");
                    shard.entry(target).or_default().push((writer, n, n as f32));
                }
            }
        };
        let (first, rest) = writers.split_at(writers.len() / 2);
        std::thread::scope(|scope| {
            scope.spawn(|| write(first));
            write(rest);
        });
        let read = |shards: &[Shard]| {
            let mut sums = Vec::new();
            for shard in shards {
                for (target, messages) in &mut *shard.lock().expect("nothing panics under it") {
                    messages.sort_unstable_by_key(|(writer, n, _)| (*writer, *n));
                    sums.push((*target, messages.iter().map(|(_, _, value)| value).sum::<f32>()));
                    // Emptied and kept for the next frame.
                    messages.clear();
                }
            }
            sums
        };
        let (first, rest) = shards.split_at(SHARDS / 2);
        let (first, rest) = std::thread::scope(|scope| {
            let first = scope.spawn(|| read(first));
            (first.join(), read(rest))
        });
        let first = first.expect("the reader does not panic");
        first.into_iter().chain(rest).for_each(|(target, sum)| healths[target as usize] += sum);
    };
    (0..2).for_each(|_| frame());
    move || {
        let start = Instant::now();
        (0..FRAMES).for_each(|_| frame());
        start.elapsed().as_nanos() as f64 / FRAMES as f64 / MESSAGES
    }
}

/// A frame of ten rows with a writer and a reader that have nothing to say, beside one without.
fn none(suite: &mut Suite, name: &str) {
    let world = |messages: bool| {
        let probe = Probe::default();
        let ticks = probe.clone();
        let builder = scene::bodies(Engine::in_memory().threads(1), 10).message::<Damage>("bench.damage", 1);
        let builder = builder.system("bench.tick", move || ticks.tick());
        let mut engine = scene::warm(if messages {
            builder
                .system("bench.shoot", |_damage: Outbox<Damage>| {})
                .system("bench.suffer", |damage: Inbox<Damage>| assert!(damage.is_empty(), "nobody writes"))
        } else {
            builder.system("bench.shoot", || {}).system("bench.suffer", || {})
        });
        move || probe.time(20_000, |frames| scene::run(&mut engine, frames))
    };
    let (mut with, mut without) = (world(true), world(false));
    let peer: (&str, &mut dyn FnMut() -> f64) = ("two systems without parameters", &mut without);
    suite.compare(name, "ns/frame", Target::None, &mut with, peer);
}
