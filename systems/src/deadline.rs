//! What is due at which step: the index behind awaits, ends of sessions, and timers.
//!
//! Invariant: it gives in the order of (step, what), each once. A frame in which nothing is due costs a look.
//! Left out: where it is kept. It follows from committed state, and is made again when a world is opened.

use std::collections::BTreeSet;

/// What is due, by step; and the first of these steps.
///
/// ```
/// use diptych_systems::deadline::Deadlines;
/// let mut deadlines = Deadlines::default();
/// deadlines.insert(12, "tea");
/// deadlines.insert(10, "eggs");
/// assert!(!deadlines.are_due(9));
/// assert_eq!((deadlines.pop(11), deadlines.pop(11)), (Some((10, "eggs")), None));
/// ```
#[derive(Debug)]
pub struct Deadlines<D> {
    dues: BTreeSet<(u64, D)>,
    first: u64,
}

impl<D: Ord> Default for Deadlines<D> {
    fn default() -> Self {
        Self { dues: BTreeSet::new(), first: u64::MAX }
    }
}

impl<D: Ord> Deadlines<D> {
    /// Whether something is due at this step.
    #[inline]
    #[must_use]
    pub fn are_due(&self, step: u64) -> bool {
        self.first <= step
    }

    /// The next of what is due at this step, and since when it is.
    pub fn pop(&mut self, step: u64) -> Option<(u64, D)> {
        let due = if self.are_due(step) { self.dues.pop_first()? } else { return None };
        self.look();
        Some(due)
    }

    /// `u64::MAX` is never.
    pub fn insert(&mut self, at: u64, due: D) {
        if at != u64::MAX {
            self.first = self.first.min(at);
            self.dues.insert((at, due));
        }
    }

    /// Takes out what was inserted; nothing happens where it is not there.
    pub fn remove(&mut self, at: u64, due: D) {
        if at != u64::MAX {
            self.dues.remove(&(at, due));
            if at == self.first {
                self.look();
            }
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.dues.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.dues.is_empty()
    }

    fn look(&mut self) {
        self.first = self.dues.first().map_or(u64::MAX, |(at, _)| *at);
    }
}

impl<D: Ord> FromIterator<(u64, D)> for Deadlines<D> {
    fn from_iter<I: IntoIterator<Item = (u64, D)>>(all: I) -> Self {
        let dues = all.into_iter().filter(|(at, _)| *at != u64::MAX).collect();
        let mut deadlines = Self { dues, first: u64::MAX };
        deadlines.look();
        deadlines
    }
}
