//! Going back: a world that was rolled back is the one that it was, and goes on as if it had never been elsewhere.

#![expect(clippy::type_complexity, reason = "a system's signature is its claim")]

mod again;
mod beside;
mod order;
mod refusals;
mod scene;

use bytemuck::{Pod, Zeroable};
use diptych_engine::prelude::*;

/// A count.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Count(u64);

/// Counts each row up by one.
fn count(mut counts: Query<Next<Count>>) {
    counts.par_rows(|mut count| count.set(Count(count.prev().0 + 1)));
}

/// A world with one row that counts frames.
fn counting(builder: EngineBuilder) -> EngineBuilder {
    let setup = |structure: &mut Structure<'_, '_>| {
        structure.spawn((Count(0),));
    };
    builder.state::<Count>("test.count", 1).setup("test.setup", setup).system("count", count)
}

/// The only row's count.
fn counted(engine: &Engine) -> u64 {
    engine.view().single::<Count>().expect("one row").0
}

/// Numbers that follow from a number.
fn mix(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
