//! Diptych: an embeddable simulation engine whose world is double buffered, runs in parallel, gives the same
//! bits on any number of threads, and survives `kill -9`.
//!
//! This crate is what programs depend on: the engine's interface by name, the scenes as plugins, and the
//! `diptych` binary. It adds no behaviour of its own to the engine; how the engine works is in
//! `ARCHITECTURE.md` and in `diptych-engine`.
//!
//! # Where to begin
//! - [`Engine`]: [`Engine::in_memory`] or [`Engine::open`], then types, systems and a setup, then `build`.
//! - [`prelude::Query`] with [`Prev`](prelude::Prev) (read the frame before) and [`Next`](prelude::Next) (own
//!   a type and write it): the signature of a system is its claim of ownership.
//! - [`Plugin`]: how types, systems, inputs, hooks and setups come as one piece. [`life`] and [`nbody`] are two.
//! - [`Reader`], [`Inputs`]: how other threads look at the world and reach it.
//! - [`store`]: looking into a world's directory without opening it.
//!
//! # Features
//! - `cli` (default): the `diptych` binary. An embedder leaves it out with `default-features = false`.
//! - `llm` (default, part of `cli`): `agent::Http`, language models behind an address.
//! - `stdio` (default, part of `cli`): [`stdio`], which serves a world by lines of JSON.
//! - `picture` (default, part of `cli`): `picture::Gif` and `picture::write_png`, canvases as files.
//! - `signals` (default, part of `cli`): [`Interruptible`], which ends a run at Ctrl-C.
//! - `store` (default, part of `cli`): [`Engine::open`] and [`store`]. Without it every world is in memory.
//! - `threads` (default, part of `cli`): systems and loops on all cores. Without it a frame is made on the thread
//!   that asks for it. Results are the same bits with and without either.
//!
//! # Example
//! The README's, which is also `examples/hello.rs`, is tested with this crate; a smaller one is at [`Engine`].

pub mod agent;
pub mod ant;
pub mod blueprint;
pub mod column;
pub mod eidolon;
pub mod familiar;
pub mod graph;
pub mod gravity;
pub mod grid;
pub mod group;
#[cfg(feature = "signals")]
mod interrupt;
#[cfg(all(feature = "store", feature = "stdio"))]
pub mod jsonlines;
pub mod layout;
pub mod life;
pub mod measure;
pub mod mind;
pub mod nbody;
pub mod offload;
pub mod picture;
pub mod pool;
pub mod rank;
pub mod runtime;
pub mod series;
#[cfg(feature = "stdio")]
pub mod stdio;
#[cfg(test)]
mod still;
pub mod timer;
pub mod unit;

#[cfg(feature = "store")]
pub use diptych_engine::store;
pub use diptych_engine::testkit;
pub use diptych_engine::{
    Answered, Applier, BuildError, BuildErrors, Bundle, CATCH_UP_FRAMES, Chunk, Clock, Codec, CodecError,
    Control, Copied, DT_DEFAULT, Digest, DigestPolicy, Durability, Engine, EngineBuilder, Error, Explanation,
    INPUT_BYTES_MAX, INPUTS_A_COMMIT_MAX, Id, Inbox, Inputs, IntoTask, Job, JobError, JobRefused, Jobs,
    LEASE_WAIT_MAX, Link, Linked, MESSAGES_MAX, Mail, Outbox, PAR_ROWS, Pace, Parent, Patch, Patching,
    Plugin, Reader, Registrar, Result, Spawned, State, Stats, StopSignal, Stream, Structure, SystemConfig,
    THREADS_MAX, Target, Tree, TrySendError, View,
};
#[cfg(feature = "signals")]
pub use interrupt::{Interruptible, is_interrupted};

/// What most programs name: `use diptych::prelude::*`.
pub mod prelude {
    #[cfg(feature = "signals")]
    pub use crate::interrupt::Interruptible;
    pub use crate::runtime::{
        Channel, Principal, Publisher, Runtime, RuntimeExt, ScopeAccess, Subscriber, TopicAccess,
    };
    pub use diptych_engine::prelude::*;
}

/// The README's example, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The examples of the page on modelling, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../MODELLING.md")]
struct Modelling;

/// The examples of the page on the runtime, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../RUNTIME.md")]
struct RuntimePage;

/// The examples of the page on what a world can prove, run as tests.
#[cfg(all(doctest, feature = "store"))]
#[doc = include_str!("../../TRUST.md")]
struct TrustPage;

#[cfg(test)]
mod tests {
    /// Claim: the README shows `examples/hello.rs` to the letter, without that file's opening comment.
    #[test]
    fn the_readme_shows_the_example() {
        let (readme, hello) = (include_str!("../../README.md"), include_str!("../../examples/hello.rs"));
        let code: Vec<&str> = hello.lines().skip_while(|line| line.starts_with("//!")).skip(1).collect();
        let block = format!("```rust\n{}\n```", code.join("\n"));
        assert!(readme.contains(&block), "copy examples/hello.rs into README.md, from its first `use` on");
    }
}
