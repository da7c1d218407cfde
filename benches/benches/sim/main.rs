//! The simulation library's scenes: `cargo bench -p benches --bench sim -- [FILTER ..]`.
//!
//! A filter is a part of a row's name, such as `ants`, `gravity` or `kdtree`.
//! Invariant: a frame is wave and commit in memory, measured over many frames of one `run` of a world that is under way.

mod agent;
mod ant;
mod blueprint;
mod eidolon;
mod gravity;
mod kdtree;
mod timer;

use benches::Suite;

fn main() {
    let mut suite = Suite::from_args("sim");
    agent::run(&mut suite);
    ant::run(&mut suite);
    blueprint::run(&mut suite);
    eidolon::run(&mut suite);
    gravity::run(&mut suite);
    kdtree::run(&mut suite);
    timer::run(&mut suite);
    suite.finish();
}
