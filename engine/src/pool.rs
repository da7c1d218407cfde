//! The engine's threads, and the one door to rayon.
//!
//! Invariant: what is made does not depend on what is behind this door. With the feature `threads` it is a
//! pool of rayon's; without it everything runs in order on the thread that asks for a frame, which counts as
//! one of the pool meanwhile, so that leases and ticks are refused in the same places.
//! Left out: scopes and spawned jobs, which allocate; trees of [`join`]s do not.

pub(crate) use imp::{Pool, current_threads, join};

/// Calls `work` with every item and its index: on a thread of an engine's pool, as in a system or an
/// [`Observer`](crate::Observer), beside each other; elsewhere in order.
///
/// For a system whose own data falls into parts that have nothing to do with each other. What becomes of an item
/// must follow from the item and its index alone: which items share a thread, and which comes first, is open.
/// Each item is a job, so an item should be some microseconds of work.
///
/// ```
/// use diptych_engine::par_each;
/// let mut squares = [0; 5];
/// par_each(&mut squares, |index, square| *square = index * index);
/// assert_eq!(squares, [0, 1, 4, 9, 16]);
/// ```
///
/// # Panics
/// When `work` does, and not before the others under way are done.
pub fn par_each<T: Send>(items: &mut [T], work: impl Fn(usize, &mut T) + Sync) {
    if crate::lease::is_pool_thread() {
        for_each(items, work);
    } else {
        items.iter_mut().enumerate().for_each(|(index, item)| work(index, item));
    }
}

/// [`par_each`] for items that differ in size: the list is halved by weight, so that one large item does not wait
/// behind many small ones. A weight is in any unit of work, 0 counts as 1; it decides about time only. `weigh` is
/// called a few times an item and must be cheap.
///
/// # Panics
/// When `work` or `weigh` does.
pub fn par_each_weighted<T: Send + Sync>(
    items: &mut [T],
    weigh: impl Fn(&T) -> u64 + Sync,
    work: impl Fn(usize, &mut T) + Sync,
) {
    if !crate::lease::is_pool_thread() {
        return items.iter_mut().enumerate().for_each(|(index, item)| work(index, item));
    }
    let weigh = |item: &T| weigh(item).max(1);
    let total = items.iter().fold(0_u64, |sum, item| sum.saturating_add(weigh(item)));
    fork_weighted(0, items, total, &weigh, &work);
}

/// A tree of joins that halves the weight; `total` is that of `items`, whose first has the index `first`.
fn fork_weighted<T: Send>(
    first: usize,
    items: &mut [T],
    total: u64,
    weigh: &(impl Fn(&T) -> u64 + Sync),
    work: &(impl Fn(usize, &mut T) + Sync),
) {
    if items.len() < 2 {
        return items.iter_mut().enumerate().for_each(|(n, item)| work(first + n, item));
    }
    // The left part takes at least one item and leaves at least one.
    let (mut weight, mut taken) = (weigh(&items[0]), 1);
    while taken + 1 < items.len() && weight < total / 2 {
        weight = weight.saturating_add(weigh(&items[taken]));
        taken += 1;
    }
    let (left, right) = items.split_at_mut(taken);
    let rest = total.saturating_sub(weight);
    join(
        || fork_weighted(first, left, weight, weigh, work),
        || fork_weighted(first + taken, right, rest, weigh, work),
    );
}

/// Calls `work` with every item and its index; each is a job, and jobs run beside each other.
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

    /// By weight as well, whatever the weights, with threads and without.
    #[test]
    fn each_weighted_item_once() {
        let pool =
            Pool::new(Some(if cfg!(feature = "threads") { 3 } else { 1 })).expect("threads can be had");
        let weights: [fn(usize) -> u64; 4] =
            [|_| 0, |n| n as u64, |n| 1 << (n % 64), |n| if n == 0 { u64::MAX } else { 1 }];
        for (weight, length) in weights.iter().flat_map(|weight| [0, 1, 2, 7, 300].map(|n| (weight, n))) {
            let mut items: Vec<(usize, usize)> = (0..length).map(|n| (n, 0)).collect();
            let visit = |index: usize, item: &mut (usize, usize)| {
                assert_eq!(index, item.0, "an item comes under its own index");
                item.1 += 1;
            };
            par_each_weighted(&mut items, |item| weight(item.0), visit);
            pool.install(|| par_each_weighted(&mut items, |item| weight(item.0), visit));
            pool.install(|| par_each(&mut items, visit));
            par_each(&mut items, visit);
            assert!(items.iter().all(|item| item.1 == 4), "{length}: {items:?}");
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
