//! What systems may ask of the frame besides its state: time, seed, the index of `Id`s, removals.
//!
//! Invariant: everything here changes at commits only.

use crate::buffer::Frames;
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
    pub(crate) ids: Phased<IdIndex>,
    /// The children of each parent.
    pub(crate) tree: Phased<TreeIndex>,
    /// The serial number of each key's next spawn.
    pub(crate) serials: Phased<BTreeMap<SystemKey, u64>>,
}

/// World time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Time {
    /// The frame being made.
    pub(crate) frame: u64,
    /// Seconds a frame.
    pub(crate) dt: f64,
    pub(crate) seed: u64,
}

impl Shared {
    pub(crate) fn new(dt: f64, seed: u64) -> Self {
        Self {
            frames: Arc::new(Frames::new()),
            time: Phased::new(Time { frame: 0, dt, seed }),
            ids: Phased::default(),
            tree: Phased::default(),
            serials: Phased::default(),
        }
    }

    /// The serial number of the key's next spawn.
    pub(crate) fn serial(&self, key: SystemKey) -> u64 {
        self.serials.get().get(&key).copied().unwrap_or(0)
    }
}
