//! What the store costs and how fast it is: `cargo bench -p benches --bench store -- [FILTER ..] [--long]`.
//!
//! A filter is a part of a row's name, such as `60 Hz`, `full speed`, `reopen`. The ten-minute runs are behind
//! `--long`. Invariant: every store of ours is `Buffered`; its peer hands over to the operating system too.

mod inputs;
mod long;
mod pace;
mod reopen;
mod throughput;

use benches::{Probe, Suite};
use diptych_engine::EngineBuilder;
use diptych_engine::prelude::*;

/// Entities of the dense scene; 2.4 MB of state, all of it new in every frame.
pub(crate) const ROWS: u32 = 100_000;
/// Bytes of that state.
pub(crate) const STATE_BYTES: u64 = ROWS as u64 * size_of::<Place>() as u64;

/// 24 bytes.
#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Place(pub(crate) [f64; 3]);

/// The dense scene: every place moves in every frame, packed, on two threads.
pub(crate) fn dense(builder: EngineBuilder, probe: &Probe) -> EngineBuilder {
    dense_of(builder, ROWS, probe)
}

/// The same with so many entities.
pub(crate) fn dense_of(builder: EngineBuilder, rows: u32, probe: &Probe) -> EngineBuilder {
    let probe = probe.clone();
    builder
        .threads(2)
        .digest(DigestPolicy::OnDemand)
        .state::<Place>("bench.place", 1)
        .setup("bench.setup", move |structure| {
            for n in 0..rows {
                structure.spawn((Place([f64::from(n), 1.0, -1.0]),));
            }
        })
        .system("bench.move", move |mut places: Query<Next<Place>>| {
            probe.tick();
            places.par_blocks(|mut block| {
                let (prev, next) = block.split();
                for (next, prev) in next.iter_mut().zip(prev) {
                    next.0 = prev.0.map(|x| x * 0.999 + 0.01);
                }
            });
        })
}

fn main() {
    let mut suite = Suite::from_args("store");
    pace::run(&mut suite);
    throughput::run(&mut suite);
    inputs::run(&mut suite);
    reopen::run(&mut suite);
    long::run(&mut suite);
    suite.finish();
}
