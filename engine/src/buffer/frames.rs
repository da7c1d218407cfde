//! Which slot is previous and which is next, and the stamps that tell this frame's marks from older ones.
//!
//! Invariant: the parity changes only at a commit, while no system runs. In frame `n` the next slot is
//! `n & 1`; its stamp grows by one each time the slot comes round, from 1 to [`STAMP_MAX`], also where the number
//! of the frame goes back, so that marks need no clearing between two wraps.

use super::raw::{AtomicU8, Ordering};

/// Stamps run from 1 to this; when they start over, the marks of that slot are cleared.
pub(crate) const STAMP_MAX: u64 = 62;

/// The frame's parity, shared by every buffered type of a world.
#[derive(Debug)]
pub(crate) struct Frames {
    next: AtomicU8,
    stamps: [AtomicU8; 2],
}

/// One reading of [`Frames`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Roles {
    /// The slot that systems write, 0 or 1; the other one is read.
    pub(crate) next: usize,
    /// The stamp of each slot, already shifted left by two: a mark is `stamp | kind`.
    pub(crate) stamps: [u8; 2],
}

impl Roles {
    /// The slot that systems read.
    pub(crate) fn prev(self) -> usize {
        1 - self.next
    }
}

impl Frames {
    pub(crate) fn new() -> Self {
        // Before the first commit frame 0 is being made: it is written into slot 0.
        Self { next: AtomicU8::new(0), stamps: [AtomicU8::new(1 << 2), AtomicU8::new(0)] }
    }

    /// The roles in the frame being made. Relaxed: the parity changes only between waves, and rayon's
    /// join orders that change before every task of the next wave.
    #[inline]
    pub(crate) fn roles(&self) -> Roles {
        Roles {
            next: usize::from(self.next.load(Ordering::Relaxed)),
            stamps: [self.stamps[0].load(Ordering::Relaxed), self.stamps[1].load(Ordering::Relaxed)],
        }
    }

    /// Begins the making of `frame`. Answers whether its slot's stamps started over, which obliges the
    /// caller to clear that slot's marks before anything is written.
    pub(crate) fn begin(&self, frame: u64) -> bool {
        let next = (frame & 1) as usize;
        self.next.store(next as u8, Ordering::Relaxed);
        if self.stamps[1 - next].load(Ordering::Relaxed) == 0 {
            // A world that was recovered: this slot has not come round yet, and 0 is no stamp.
            self.stamps[1 - next].store(1 << 2, Ordering::Relaxed);
        }
        self.renew(next)
    }

    /// Begins the making of `frame` where the last one made was a later frame: no mark that was left counts in
    /// either slot. Answers which slots' stamps started over.
    pub(crate) fn begin_again(&self, frame: u64) -> [bool; 2] {
        self.next.store((frame & 1) as u8, Ordering::Relaxed);
        [self.renew(0), self.renew(1)]
    }

    /// Gives a slot the stamp after its last one.
    fn renew(&self, slot: usize) -> bool {
        let last = u64::from(self.stamps[slot].load(Ordering::Relaxed) >> 2);
        let stamp = last % STAMP_MAX + 1;
        self.stamps[slot].store((stamp as u8) << 2, Ordering::Relaxed);
        last > 0 && stamp == 1
    }
}
