//! How a store behaves, and what it counts.
//!
//! Left out: bounds that nobody tunes; they are constants beside what they bound.

pub use super::faults::FaultPlan;
use super::history::History;
pub use crate::durability::{Durability, InputLog};
use std::time::Duration;

/// How a store behaves; the default suits a world at 60 Hz.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoreOptions {
    /// When a frame counts as durable.
    pub durability: Durability,
    /// Frames that may wait for the disk before `submit` waits.
    pub queue_frames_max: u32,
    /// Bytes that may wait for the disk before `submit` waits.
    pub queue_bytes_max: u64,
    /// How much is kept of what came into each frame.
    pub inputs: InputLog,
    /// Who makes the frames: a line for each plugin, system and type, with its version.
    pub program: String,
    /// How much of the past is kept.
    pub history: History,
    /// What became of stored types.
    pub changes: super::TypeChanges,
    /// Faults injected by tests.
    pub faults: FaultPlan,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            queue_frames_max: 1024,
            queue_bytes_max: 256 << 20,
            inputs: InputLog::default(),
            program: String::new(),
            history: History::default(),
            changes: super::TypeChanges::default(),
            faults: FaultPlan::default(),
        }
    }
}

/// What the writer did so far. Times are for statistics only.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct StoreStats {
    /// Records and pages waiting or being written.
    pub queue_frames: u32,
    /// Their bytes.
    pub queue_bytes: u64,
    /// Most frames that ever waited.
    pub queue_frames_peak: u32,
    /// Most bytes that ever waited.
    pub queue_bytes_peak: u64,
    /// Submits that found the queue full.
    pub submit_waits: u64,
    /// The time they waited.
    pub submit_wait_time: Duration,
    /// Groups written; one persist each.
    pub groups: u64,
    /// Time spent writing them.
    pub write_time: Duration,
    /// The slowest group.
    pub write_time_max: Duration,
    /// Syncs to the disk.
    pub syncs: u64,
    /// Time spent in them.
    pub sync_time: Duration,
    /// The slowest one.
    pub sync_time_max: Duration,
    /// Keyspaces of checkpoint epochs made.
    pub epochs: u64,
    /// Time spent making and deleting them.
    pub epoch_time: Duration,
}
