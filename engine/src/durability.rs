//! When a commit counts as durable: the one choice of the store that every program can name.
//!
//! Left out: how a store keeps it, which is `store`'s, and is there with the feature of that name.

/// How far a frame must have come before it counts as durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Durable only at checkpoints, flushes and at the end: fastest, a killed process loses the rest.
    Memory,
    /// Handed to the operating system: survives the process, not the machine.
    #[default]
    Buffered,
    /// On the disk: survives power loss. One sync covers all frames that wait.
    Synced,
    /// On the disk every so many frames.
    Every(u32),
}
