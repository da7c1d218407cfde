//! What was found a moment ago: for loops over many requests of few sessions.
//!
//! Invariant: it only saves looking again. What is kept is compared before it is answered, so neither two things with
//! one place nor an address that is used again changes an answer.

/// Things that are kept at most.
const PLACES: usize = 256;

/// See the head of the file.
#[derive(Debug)]
pub(super) struct Memo<T>(Vec<Option<T>>);

impl<T> Memo<T> {
    pub(super) fn new() -> Self {
        Self(core::iter::repeat_with(|| None).take(PLACES).collect())
    }

    /// What `is` the one that is looked for, kept near this address or found now.
    #[inline]
    pub(super) fn get(
        &mut self,
        address: usize,
        is: impl FnOnce(&T) -> bool,
        find: impl FnOnce() -> Option<T>,
    ) -> Option<&T> {
        // Of a product the high bits are mixed best.
        let spread = (address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let place = &mut self.0[spread as usize % PLACES];
        if !place.as_ref().is_some_and(is) {
            *place = find();
        }
        place.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Claim: what shares a place is told apart, and what is not there is not kept.
    #[test]
    fn an_answer_is_the_one_that_was_asked_for() {
        let mut memo = Memo::new();
        for n in [1, 2, 1, 1, 3] {
            assert_eq!(memo.get(64, |kept| *kept == n, || Some(n)), Some(&n));
        }
        assert_eq!(memo.get(64, |kept| *kept == 4, || None), None);
        assert_eq!(memo.get(64, |kept| *kept == 3, || None), None);
        // Kept: nobody looks again.
        assert_eq!(memo.get(64, |kept| *kept == 5, || Some(5)), Some(&5));
        assert_eq!(memo.get(64, |kept| *kept == 5, || unreachable!("it is kept")), Some(&5));
    }
}
