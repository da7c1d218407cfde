//! What systems may ask of the frame besides its state: time, seed, the index of `Id`s, removals.
//!
//! Invariant: everything here changes at commits only.

use crate::buffer::Frames;
use crate::buffer::raw::{AtomicBool, Ordering};
use crate::id::{IdIndex, SystemKey};
use crate::phased::Phased;
use crate::tree::TreeIndex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Shared by the engine and the parameters of its systems. Public only in name: the module is private.
#[derive(Debug)]
pub struct Shared {
    pub(crate) frames: Arc<Frames>,
    pub(crate) time: Phased<Time>,
    /// Whether the frame being made is a still one. Not in `time`, which leases read between frames.
    still_now: AtomicBool,
    pub(crate) ids: Phased<IdIndex>,
    /// The children of each parent.
    pub(crate) tree: Phased<TreeIndex>,
    /// The serial number of each key's next spawn.
    pub(crate) serials: Phased<BTreeMap<SystemKey, u64>>,
}

/// World time; all of it changes at commits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time {
    /// The frame being made.
    pub(crate) frame: u64,
    /// Still frames committed so far; the others are steps.
    pub(crate) still: u64,
    /// Seconds a frame.
    pub(crate) dt: f64,
    pub(crate) seed: u64,
}

impl Shared {
    pub(crate) fn new(dt: f64, seed: u64) -> Self {
        Self {
            frames: Arc::new(Frames::new()),
            time: Phased::new(Time { frame: 0, still: 0, dt, seed }),
            still_now: AtomicBool::new(false),
            ids: Phased::default(),
            tree: Phased::default(),
            serials: Phased::default(),
        }
    }

    /// Whether the frame being made is a still one.
    #[inline]
    pub(crate) fn is_still(&self) -> bool {
        // Relaxed: it changes between frames only, and the pool's joins order that.
        self.still_now.load(Ordering::Relaxed)
    }

    /// Says of which kind the next frame is.
    pub(crate) fn set_still(&self, still: bool) {
        self.still_now.store(still, Ordering::Relaxed);
    }

    /// The serial number of the key's next spawn.
    pub(crate) fn serial(&self, key: SystemKey) -> u64 {
        self.serials.get().get(&key).copied().unwrap_or(0)
    }
}
