//! Memory of a world, and allocations of a frame: `cargo bench -p benches --bench memory -- [FILTER ..]`.
//!
//! Invariant: counted by the allocator, not estimated, so one sample is the figure. A power of two of entities
//! fills the tables to their capacity, which is what the bound is for.

use benches::alloc::{self, Counting};
use benches::report::{Row, Samples};
use benches::scene::{self, Way};
use benches::{Probe, Suite, Target};
use diptych::prelude::{Engine, Principal, Runtime, RuntimeExt, ScopeAccess, TopicAccess};
use diptych::runtime::Settings;

#[global_allocator]
static ALLOC: Counting = Counting;

const ENTITIES: u32 = 1 << 20;
const TYPES: u32 = 2;
const ROW_BYTES: u32 = 12;
/// Two buffers and 24 bytes a row and type, 128 bytes an entity.
const BOUND: u32 = TYPES * (2 * ROW_BYTES + 24) + 128;
const FRAMES: u64 = 200;
/// A script that rests at once.
const AWAITING: &str = "(core/kv/set done (core/expr/await () $CHANNEL_B 7))";

fn main() {
    let mut suite = Suite::from_args("memory");
    world(&mut suite);
    frames(&mut suite);
    suspended(&mut suite);
    suite.finish();
}

fn world(suite: &mut Suite) {
    let name = format!("memory, {ENTITIES} entities x {TYPES} types of {ROW_BYTES} B");
    if !suite.wants(&name) {
        return;
    }
    let empty = {
        let before = alloc::live_bytes();
        let engine = scene::warm(scene::dense(Engine::in_memory(), 0, Way::Packed, &Probe::default()));
        let live = alloc::live_bytes() - before;
        drop(engine);
        live
    };
    let before = alloc::live_bytes();
    alloc::reset_peak();
    let mut engine = scene::warm(scene::dense(Engine::in_memory(), ENTITIES, Way::Packed, &Probe::default()));
    let bytes = |bytes: u64| bytes.saturating_sub(before + empty) as f64 / f64::from(ENTITIES);
    let bound = Target::AtMost(f64::from(BOUND));
    one(suite, &name, "B/entity", bytes(alloc::live_bytes()), bound);
    let peak = bytes(alloc::peak_bytes());
    one(suite, &format!("{name}, peak of setup"), "B/entity", peak, Target::None);
    alloc::reset_peak();
    scene::run(&mut engine, 130);
    let peak = bytes(alloc::peak_bytes());
    one(suite, &format!("{name}, peak of frames"), "B/entity", peak, bound);
}

/// Allocations of a frame in the steady state: of a run, without what its beginning and end allocate.
fn frames(suite: &mut Suite) {
    let ways = [
        ("packed, 1 thread", Way::Packed, 1),
        ("packed, 2 threads", Way::PackedParallel, 2),
        ("par_rows, 2 threads", Way::RowsParallel, 2),
        ("for_each, 1 thread", Way::ForEach, 1),
    ];
    for (name, way, threads) in ways {
        let name = format!("allocations, dense 100000 rows, {name}, wave and commit");
        if suite.wants(&name) {
            let builder = scene::dense(Engine::in_memory().threads(threads), 100_000, way, &Probe::default());
            let counted = allocations(&mut scene::warm(builder));
            one(suite, &name, "1/frame", counted, Target::AtMost(0.0));
        }
    }
    let name = "allocations, dense 100000 rows, packed, 2 threads, with store, its threads too";
    if suite.wants(name) {
        let dir = tempfile::tempdir().expect("a directory for the store");
        let builder = Engine::open(dir.path()).threads(2);
        let builder = scene::dense(builder, 100_000, Way::PackedParallel, &Probe::default());
        let counted = allocations(&mut scene::warm(builder));
        one(suite, name, "1/frame", counted, Target::None);
    }
}

/// What a script that awaits an event takes, with everything the runtime keeps of it.
fn suspended(suite: &mut Suite) {
    let name = "memory, 100,000 suspended scripts";
    if !suite.wants(name) {
        return;
    }
    const SCRIPTS: usize = 100_000;
    let settings = Settings { patience: 1e9, ..Settings::default() };
    let mut engine =
        Engine::in_memory().plugin(Runtime::default().settings(settings)).build().expect("it is right");
    let client = engine.client().expect("it has a runtime");
    let principal =
        Principal::new("clerk").scope("desk", ScopeAccess::ReadWrite).topic(7, TopicAccess::PubSub);
    client.principal(principal).expect("the principal is right");
    let session = client.session("clerk", "desk").expect("the session is right");
    let mut made = |count: usize| {
        let tickets: Vec<_> = (0..count).map(|_| session.run(AWAITING).expect("there is room")).collect();
        while client.is_waiting() {
            engine.answer().expect("the frame is made");
        }
        assert!(tickets.iter().all(|ticket| ticket.get().is_none()), "they rest");
    };
    // Everything has been there once.
    made(1);
    let before = alloc::live_bytes();
    (0..10).for_each(|_| made(SCRIPTS / 10));
    let bytes = alloc::live_bytes().saturating_sub(before) as f64 / SCRIPTS as f64;
    one(suite, name, "B/script", bytes, Target::AtMost(1024.0));
}

fn allocations(engine: &mut Engine) -> f64 {
    scene::run(engine, FRAMES);
    let mut of_run = |frames| {
        let before = alloc::allocations();
        scene::run(engine, frames);
        alloc::allocations() - before
    };
    let (many, one) = (of_run(FRAMES + 1), of_run(1));
    many.saturating_sub(one) as f64 / FRAMES as f64
}

fn one(suite: &mut Suite, name: &str, unit: &'static str, value: f64, target: Target) {
    let ours = Samples(vec![value]);
    suite.row(Row { name: name.to_owned(), unit, ours, peer: None, target });
}
