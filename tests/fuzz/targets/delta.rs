//! Any bytes at all are a delta or an error, and one that does not fit leaves a view as it was.
#![no_main]

use diptych_engine::Engine;
use diptych_engine::prelude::*;
use diptych_engine::store::{ViewWorld, WorldDelta};
use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;
use xxhash_rust::xxh3::xxh3_64;

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Row(u64);

/// A view of a small world, and the delta of its next frame.
fn world() -> &'static (ViewWorld, Vec<u8>) {
    static WORLD: OnceLock<(ViewWorld, Vec<u8>)> = OnceLock::new();
    WORLD.get_or_init(|| {
        let grow = |mut rows: Query<Next<Row>>, mut structure: Structure| {
            rows.par_rows(|mut row| row.set(Row(row.prev().0 + 1)));
            structure.spawn((Row(0),));
        };
        let engine = Engine::in_memory().state::<Row>("row", 1).system("grow", grow).deltas(9).build();
        let mut engine = engine.expect("a world");
        engine.run(Pace::frames(3)).expect("frames");
        let view = ViewWorld::new(engine.image().expect("an image"));
        engine.run(Pace::frames(1)).expect("a frame");
        (view, engine.delta_since(3).expect("a delta").encode())
    })
}

fuzz_target!(|bytes: &[u8]| {
    let (view, good) = world();
    // As they are, and over the good delta with its checksum made right again.
    let mut over = good.clone();
    for change in bytes.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % (over.len() - 8);
        over[at] = change[2];
    }
    let end = over.len() - 8;
    let sum = xxh3_64(&over[..end]);
    over[end..].copy_from_slice(&sum.to_le_bytes());
    for bytes in [bytes, &over] {
        let Ok(delta) = WorldDelta::decode(bytes) else { continue };
        let mut tried = view.clone();
        if tried.apply_delta(&delta).is_err() {
            assert_eq!(tried.image().digest(), view.image().digest());
        }
    }
});
