//! Worlds that an earlier build has written, opened by this one.
//!
//! `fixtures/world-N.packed` is a directory as it was left on disk, `world-N.values` what it held, in words. A build
//! that stores worlds in another way writes the next one (see `fleet::write_the_next_fixture`) and keeps the older ones.

#[path = "worlds/fleet.rs"]
mod fleet;
#[path = "worlds/lines.rs"]
mod lines;
#[path = "worlds/moved.rs"]
mod moved;
#[path = "worlds/opened.rs"]
mod opened;
#[path = "worlds/packed.rs"]
mod packed;

type Tried<T = ()> = Result<T, Box<dyn std::error::Error>>;
