//! Still frames: requests are served while world time stands, and no simulation notices.

#![expect(clippy::type_complexity, reason = "a system's signature is its claim")]

mod mixed;
mod rests;

use diptych_engine::prelude::*;

/// A count.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Count(u64);

/// What an answering system has counted.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Served(u64);

/// Counts each row up by one.
fn count(mut counts: Query<Next<Count>>) {
    counts.par_rows(|mut count| count.set(Count(count.prev().0 + 1)));
}

/// The same for answers.
fn serve(mut served: Query<Next<Served>>) {
    served.par_rows(|mut served| served.set(Served(served.prev().0 + 1)));
}

/// The only row of each: steps counted, frames served.
fn counted(engine: &Engine) -> (u64, u64) {
    let view = engine.view();
    (view.single::<Count>().expect("one row").0, view.single::<Served>().expect("one row").0)
}

/// One row that `count` and `serve` count in.
fn world(builder: EngineBuilder) -> EngineBuilder {
    builder
        .state::<Count>("test.count", 1)
        .state::<Served>("test.served", 1)
        .setup("test.setup", |structure| {
            structure.spawn((Count(0), Served(0)));
        })
        .system("serve", serve.answering())
}
