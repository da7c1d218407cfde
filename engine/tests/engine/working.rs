//! The working frame: phases around the wave, derived values, transient types, turns.

#![expect(clippy::type_complexity, reason = "a system's signature is its claim")]

mod controls;
mod derived;
mod observers;
mod phases;
mod reserved;
#[cfg(feature = "store")]
mod stored;
mod transient;

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

/// The only row's count.
fn counted(engine: &Engine) -> u64 {
    engine.view().single::<Count>().expect("one row").0
}

/// What a build refuses, as text.
fn refusal(builder: EngineBuilder) -> String {
    builder.build().expect_err("the build must refuse").to_string()
}
