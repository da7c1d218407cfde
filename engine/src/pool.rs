//! The engine's threads, and the one door to rayon.
//!
//! Invariant: what is made does not depend on what is behind this door. With the feature `threads` it is a
//! pool of rayon's; without it everything runs in order on the thread that asks for a frame, which counts as
//! one of the pool meanwhile, so that leases and ticks are refused in the same places.
//! Left out: scopes and spawned jobs, which allocate; trees of [`join`]s do not.

pub(crate) use imp::{Pool, current_threads, join};

/// Calls `work` with every item and its index; each is a job, and jobs run beside each other.
#[cfg_attr(not(test), expect(dead_code, reason = "no step of the frame has jobs of one item yet"))]
pub(crate) fn for_each<T: Send>(items: &mut [T], work: impl Fn(usize, &mut T) + Sync) {
    for_each_mut(items, 1, work);
}

/// The same with jobs of `min_len` to twice as many neighbours each, for items that are little work.
pub(crate) fn for_each_mut<T: Send>(items: &mut [T], min_len: usize, work: impl Fn(usize, &mut T) + Sync) {
    assert!(min_len > 0, "a job has at least one item");
    fork(0, items, min_len, &work);
}

/// A tree of joins; `first` is the index of the first item.
fn fork<T: Send>(first: usize, items: &mut [T], min_len: usize, work: &(impl Fn(usize, &mut T) + Sync)) {
    if items.len() / 2 < min_len {
        return items.iter_mut().enumerate().for_each(|(n, item)| work(first + n, item));
    }
    let half = items.len() / 2;
    let (left, right) = items.split_at_mut(half);
    join(|| fork(first, left, min_len, work), || fork(first + half, right, min_len, work));
}

#[cfg(feature = "threads")]
mod imp {
    use crate::error::{Error, Result};

    /// A pool of rayon's, whose threads know that they belong to one.
    pub(crate) struct Pool(rayon::ThreadPool);

    impl Pool {
        /// Starts so many threads, or one a core.
        pub(crate) fn new(threads: Option<usize>) -> Result<Self> {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads.unwrap_or(0))
                .thread_name(|index| format!("diptych-{index}"))
                .start_handler(|_| crate::lease::mark_pool_thread())
                .build();
            pool.map(Self).map_err(|error| {
                let count = threads.map_or_else(|| "all cores".to_owned(), |threads| threads.to_string());
                Error::Setting {
                    setting: "threads",
                    value: format!("{count} ({error})"),
                    reason: "the system gave no threads",
                }
            })
        }

        /// Runs `work` on a thread of the pool and waits for it.
        pub(crate) fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
            self.0.install(work)
        }
    }

    /// Runs both, beside each other where a thread is free.
    #[inline]
    pub(crate) fn join<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send,
    {
        rayon::join(a, b)
    }

    /// Threads of the pool that the caller runs on.
    #[inline]
    pub(crate) fn current_threads() -> usize {
        rayon::current_num_threads()
    }
}

#[cfg(not(feature = "threads"))]
mod imp {
    use crate::error::{Error, Result};

    /// The calling thread.
    pub(crate) struct Pool;

    impl Pool {
        /// Refuses more than one thread.
        pub(crate) fn new(threads: Option<usize>) -> Result<Self> {
            match threads {
                Some(threads) if threads > 1 => Err(Error::Setting {
                    setting: "threads",
                    value: threads.to_string(),
                    reason: "this program was built without the feature `threads` of diptych-engine; build it with that feature, or ask for 1",
                }),
                _ => Ok(Self),
            }
        }

        /// Runs `work` here; the thread counts as one of the pool until it is done.
        pub(crate) fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
            let _pool = crate::lease::pool_thread();
            work()
        }
    }

    /// Runs `a`, then `b`.
    #[inline]
    pub(crate) fn join<A, B, RA, RB>(a: A, b: B) -> (RA, RB)
    where
        A: FnOnce() -> RA + Send,
        B: FnOnce() -> RB + Send,
        RA: Send,
        RB: Send,
    {
        let first = a();
        (first, b())
    }

    /// Always 1.
    #[inline]
    pub(crate) fn current_threads() -> usize {
        1
    }
}

#[cfg(all(test, not(diptych_loom)))]
mod tests {
    use super::*;

    /// Every item is visited once, under its own index, whatever the length of a job.
    #[test]
    fn each_item_once() {
        for (length, min_len) in [(0, 1), (1, 1), (2, 1), (7, 3), (64, 64), (129, 64), (1000, 1)] {
            let mut items = vec![0_usize; length];
            for_each_mut(&mut items, min_len, |index, item| *item += index + 1);
            assert!(items.iter().enumerate().all(|(index, item)| *item == index + 1), "{length}, {min_len}");
            for_each(&mut items, |_, item| *item += 1);
            assert!(items.iter().enumerate().all(|(index, item)| *item == index + 2), "{length}");
        }
    }

    /// `install` marks the thread it runs on, and only there and then; `join` answers in its arguments' order.
    #[test]
    fn work_runs_on_a_marked_thread() {
        let pool = Pool::new(Some(1)).expect("one thread can be had");
        let seen = pool.install(|| join(crate::lease::is_pool_thread, current_threads));
        assert_eq!(seen, (true, 1));
        assert!(!crate::lease::is_pool_thread(), "the caller is marked after its work");
    }
}
