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
    /// By inputs: a frame is handed to the operating system as what came in and the number of the frame, and survives
    /// the process; the state itself is put on the disk every so many frames, in the background. Opening makes the
    /// frames since then again. For worlds that change more in a frame than comes in.
    Inputs(u32),
}

/// How much is kept of what came into a world in each frame: inputs, requests, answers of jobs. It is what a replay
/// needs.
///
/// The oldest goes first, in whole segments of some mebibytes, at checkpoints; what has come since the current
/// checkpoint always stays. A quarter of the bytes, or 64 MiB if that is more, makes a checkpoint due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputLog {
    /// Frames back from the newest one that are kept, at least, while the bytes allow it. For no log at all say
    /// [`NONE`](Self::NONE).
    pub frames: u64,
    /// Bytes, about, that are kept.
    pub bytes: u64,
}

impl InputLog {
    /// No log: the world cannot be replayed.
    pub const NONE: Self = Self { frames: 0, bytes: 0 };
}

impl Default for InputLog {
    /// Every frame, up to a gibibyte.
    fn default() -> Self {
        Self { frames: u64::MAX, bytes: 1 << 30 }
    }
}
