//! The runtime: scripts, keys and values, transfers and events: `cargo bench -p benches --bench runtime -- [FILTER ..]`.
//!
//! A filter is a part of a row's name: `script`, `set`, `get`, `transfer`, `events`, `suspended`. Invariant: every
//! answer is looked at; an ERROR among them ends the bench. What is written is there at the end.

mod events;
mod office;
mod reads;
mod scripts;
mod suspended;
mod transfer;
mod writes;

use benches::Suite;

/// As in the `diptych` binary, and for the peers too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut suite = Suite::from_args("runtime");
    scripts::run(&mut suite);
    writes::run(&mut suite);
    reads::run(&mut suite);
    transfer::run(&mut suite);
    events::run(&mut suite);
    suspended::run(&mut suite);
    suite.finish();
}
