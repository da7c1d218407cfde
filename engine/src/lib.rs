//! The frame of Diptych: a `bevy_ecs` world whose state is double buffered, that runs headless, in parallel,
//! with equal results on any number of threads, and survives `kill -9`.
//!
//! Invariant: this crate names no component of any world. Scenes, wiring and the command line are in the
//! crates above it.

// bytemuck writes host order; stored rows are little-endian.
#[cfg(target_endian = "big")]
compile_error!("diptych stores rows as they lie in memory and needs a little-endian machine");

mod annex;
#[cfg_attr(
    not(feature = "store"),
    expect(dead_code, reason = "some of what columns offer only the store asks for")
)]
mod buffer;
mod builder;
mod control;
pub mod digest;
mod durability;
mod editor;
mod engine;
mod error;
mod explain;
mod frame;
mod id;
pub mod ingress;
mod input;
mod intake;
pub mod job;
pub mod lease;
mod link;
mod message;
mod observer;
mod pace;
mod panics;
mod param;
mod patch;
mod phased;
mod plugin;
mod pool;
pub mod prelude;
mod query;
mod registry;
#[cfg(feature = "store")]
mod replay;
pub mod reply;
mod reserve;
mod rewind;
#[doc(hidden)]
pub mod sabotage;
mod schedule;
#[cfg(feature = "serde")]
mod serial;
mod shared;
mod stats;
mod still;
#[cfg(feature = "store")]
pub mod store;
mod structure;
pub mod sync;
mod tables;
pub mod testkit;
mod timer;
mod tree;
mod view;
pub mod watermark;
mod wave;

pub use buffer::{Codec, CodecError, State};
pub use builder::{DT_DEFAULT, EngineBuilder, Registrar, THREADS_MAX};
pub use control::{CONTROL_NAME_BYTES_MAX, Control};
pub use digest::ComponentSum;
pub use durability::{Durability, InputLog};
pub use engine::Engine;
pub use error::{BuildError, BuildErrors, Diverged, Error, Result};
pub use explain::Explanation;
pub use frame::{Digest, DigestPolicy, INPUTS_A_COMMIT_MAX, LEASE_WAIT_MAX};
pub use id::{Id, SERIAL_BITS, SERIAL_MAX, SYSTEM_KEY_BITS};
pub use input::{Applier, INPUT_BYTES_MAX, Inputs, TrySendError};
pub use intake::{INTAKE_BYTES_MAX, Intake};
pub use job::{Answered, Job, JobError, JobRefused, Jobs};
pub use link::Link;
pub use message::{Inbox, Letters, MESSAGES_MAX, Mail, Outbox, Pen};
pub use observer::Observer;
pub use pace::{CATCH_UP_FRAMES, Pace, StopSignal};
pub use panics::panic_text;
pub use param::{Clock, Ids, Linked, Random, Site, Stream};
pub use patch::{Patch, Patching};
pub use plugin::Plugin;
pub use pool::{par_each, par_each_weighted};
pub use query::{
    Added, Block, Changed, Changes, Has, HeldBlock, Loops, Next, NextBlock, NextRow, Now, NowChanges,
    PAR_ROWS, PREVIOUS, Plain, Prev, Read, Removed, Split, THIS_FRAME, Visits, With, Without,
};
pub use query::{
    EntityView, Fresh, FreshBlock, Mode, Named, NamedBlock, NotPacked, Packed, PackedReading, Part, PartItem,
    PartPacked, PartReadOnly, Reading, VIEW_PARTS_MAX, Writing, shrink_part,
};
#[cfg(feature = "store")]
pub use replay::{Replay, ReplayFrom};
pub use rewind::{ROLLBACK_BYTES_MAX, ROLLBACK_FRAMES_MAX};
pub use schedule::{IntoTask, IsSystemConfig, Phase, SystemConfig};
pub use stats::Stats;
pub use structure::{Bundle, COMMANDS_MAX, Chunk, Spawned, Structure, Target};
pub use tree::{Ancestors, Children, Descendants, Parent, Tree};
pub use view::{Copied, Reader, View};
