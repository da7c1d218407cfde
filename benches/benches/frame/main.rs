//! Frames without and with a store, beside bevy: `cargo bench -p benches --bench frame -- [FILTER ..]`.
//!
//! A filter is a part of a row's name, such as `dense`, `systems`, `sparse`, `empty`, `structure`, `messages`,
//! `rewind`, `links`, `tree`, `views`.
//! Invariant: a frame of ours is wave and commit, measured over many frames of one `run`; a frame of bevy's is
//! one `Schedule::run`.

mod dense;
mod empty;
mod links;
mod messages;
mod rewind;
mod sparse;
mod structure;
mod systems;
mod tree;
mod views;

use benches::Suite;

fn main() {
    let mut suite = Suite::from_args("frame");
    dense::run(&mut suite);
    systems::run(&mut suite);
    empty::run(&mut suite);
    sparse::run(&mut suite);
    structure::run(&mut suite);
    messages::run(&mut suite);
    rewind::run(&mut suite);
    links::run(&mut suite);
    tree::run(&mut suite);
    views::run(&mut suite);
    suite.finish();
}
