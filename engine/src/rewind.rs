//! The last frames, kept so that they can be undone: for each what its commit overwrote, and what it was beside its
//! columns.
//!
//! Invariant: from a kept frame and the undo of each later one, the world of that frame follows exactly. What one can
//! go back to is a run of frames up to the committed one, bounded in number and bytes. How a world is put back
//! is `frame/rewind.rs`'s; what is gathered while a commit is made, `undo`'s.

mod undo;

pub(crate) use undo::{Undo, visit_touched};

use crate::buffer::Kind;
use crate::id::{Id, SystemKey};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Frames that [`EngineBuilder::rollback`](crate::EngineBuilder::rollback) can keep at most.
pub const ROLLBACK_FRAMES_MAX: u32 = 1024;
/// Bytes that kept frames may take together, unless said otherwise; beyond, the oldest are forgotten.
pub const ROLLBACK_BYTES_MAX: u64 = 1 << 30;

/// See the module.
pub(crate) struct Rewind {
    /// Frames before the committed one that are kept.
    frames_max: usize,
    bytes_max: u64,
    /// Oldest first; the last is the committed frame.
    kept: VecDeque<Kept>,
    /// What the commit being made overwrites.
    pub(crate) undo: Undo,
    /// Emptied, for their memory: with those that are kept never more than the frames that may be kept, and two.
    spare: Vec<Undo>,
    bytes: u64,
    /// Whether the oldest frame was forgotten for its bytes.
    short: bool,
}

/// One committed frame.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) frame: u64,
    /// Still frames up to it.
    pub(crate) still: u64,
    /// The serial number of each key's next spawn; shared with the frame before where it is the same.
    pub(crate) serials: Arc<BTreeMap<SystemKey, u64>>,
    /// Which rows its commit changed.
    pub(crate) marks: Vec<MarkedRun>,
    /// Who lost what in it, by the column's index.
    pub(crate) removed: Vec<(u16, Vec<Id>)>,
    /// What the annexes wrote of it, in their order.
    pub(crate) notes: Vec<Vec<u8>>,
    /// The way to the frame before; nothing in the oldest.
    pub(crate) undo: Undo,
    /// Bytes of all that, once it is kept.
    pub(crate) bytes: u64,
}

/// A run of rows of one kind.
#[derive(Clone, Copy)]
pub(crate) struct MarkedRun {
    pub(crate) table: u32,
    pub(crate) column: u16,
    pub(crate) kind: Kind,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Rewind {
    /// Keeps so many frames, within so many bytes.
    pub(crate) fn new(frames: u32, bytes_max: u64) -> Self {
        Self {
            frames_max: frames as usize,
            bytes_max,
            kept: VecDeque::new(),
            undo: Undo::default(),
            spare: Vec::new(),
            bytes: 0,
            short: false,
        }
    }

    /// The oldest frame that one can go back to.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.kept.front().map(|kept| kept.frame)
    }

    /// The frame that was committed last.
    pub(crate) fn newest(&self) -> Option<&Kept> {
        self.kept.back()
    }

    /// Whether it was the bound of bytes, not that of frames, for which a frame was forgotten last.
    pub(crate) fn is_short(&self) -> bool {
        self.short
    }

    /// Bytes of all kept frames, without what values own outside their rows.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The bound of bytes.
    pub(crate) fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// Keeps the frame that was just committed, with the undo that was gathered, and forgets what is too old.
    pub(crate) fn push(&mut self, mut kept: Kept) {
        let empty = self.spare.pop().unwrap_or_default();
        kept.undo = core::mem::replace(&mut self.undo, empty);
        kept.bytes = kept.count_bytes();
        self.bytes += kept.bytes;
        self.kept.push_back(kept);
        while self.kept.len() > self.frames_max + 1 {
            self.short = false;
            self.forget_oldest();
        }
        while self.bytes > self.bytes_max && self.kept.len() > 1 {
            self.short = true;
            self.forget_oldest();
        }
    }

    /// Forgets all frames before the committed one: it was made as none after it is.
    pub(crate) fn forget_before(&mut self) {
        while self.kept.len() > 1 {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some(gone) = self.kept.pop_front() else { return };
        self.bytes -= gone.bytes;
        self.recycle(gone.undo);
        // What is the oldest now has nothing before it.
        let Some(oldest) = self.kept.front_mut() else { return };
        let undo = core::mem::take(&mut oldest.undo);
        self.bytes -= oldest.bytes;
        oldest.bytes = oldest.count_bytes();
        self.bytes += oldest.bytes;
        self.recycle(undo);
    }

    /// Takes out all frames after `frame`, oldest first.
    pub(crate) fn take_after(&mut self, frame: u64) -> Vec<Kept> {
        let first = self.kept.partition_point(|kept| kept.frame <= frame);
        let undone: Vec<Kept> = self.kept.drain(first..).collect();
        self.bytes -= undone.iter().map(|kept| kept.bytes).sum::<u64>();
        undone
    }

    /// Keeps the memory of an undo for the next frame.
    pub(crate) fn recycle(&mut self, mut undo: Undo) {
        if self.spare.len() + self.kept.len() < self.frames_max + 2 {
            undo.clear();
            self.spare.push(undo);
        }
    }
}

impl Kept {
    fn count_bytes(&self) -> u64 {
        let removed: usize = self.removed.iter().map(|(_, ids)| size_of_val(&**ids)).sum();
        let notes: usize = self.notes.iter().map(Vec::len).sum();
        let own = size_of_val(&*self.marks) + removed + notes;
        self.undo.bytes() + own as u64
    }
}
