//! Pools of things that are needed again and again for a short while, so that they are not made anew each time.
//!
//! Invariant: what comes out of a pool is clear; what was taken comes back by itself, at the end of its guard. What cannot
//! be cleared cannot be pooled: there is no default. Left out: entities, which come and go by [`crate::blueprint`].

use core::fmt;
use core::ops::{Deref, DerefMut};
use diptych_engine::sync::Mutex;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Things that lie in a pool, unless said otherwise; beyond, what comes back is dropped.
pub const POOL_FREE_MAX: usize = 1024;

/// What can be made as good as new.
///
/// Who pools a type says how; a type that does not is refused by the compiler:
/// ```compile_fail,E0277
/// use diptych_systems::pool::Pool;
/// struct Page([u8; 4096]);
/// let pool = Pool::new(|| Page([0; 4096]));
/// ```
pub trait Clear {
    /// Makes it as good as new; what is costly to get, such as memory, it keeps.
    fn clear(&mut self);
}

/// A pool, for any number of threads. A guard taken inside of a parallel loop goes back from there.
///
/// # Examples
/// ```
/// use diptych_systems::pool::Pool;
/// let pool = Pool::new(Vec::<f64>::new);
/// let place = {
///     let mut sums = pool.acquire();
///     sums.extend([1.0, 2.0]);
///     sums.as_ptr()
/// };
/// let again = pool.acquire();
/// assert!(again.is_empty() && again.as_ptr() == place);
/// ```
pub struct Pool<T> {
    free: Mutex<Vec<T>>,
    create: Box<dyn Fn() -> T + Send + Sync>,
    free_max: usize,
}

impl<T: Clear> Pool<T> {
    /// A pool that makes what it has none of, and keeps at most [`POOL_FREE_MAX`].
    pub fn new(create: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self::with_max(POOL_FREE_MAX, create)
    }

    /// A pool that keeps at most so many.
    pub fn with_max(free_max: usize, create: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self { free: Mutex::default(), create: Box::new(create), free_max }
    }

    /// Takes one out, or makes one.
    pub fn acquire(&self) -> Pooled<'_, T> {
        // Not under the lock: what is made may take from this pool.
        let free = self.free.lock().pop();
        Pooled { pool: self, thing: Some(free.unwrap_or_else(|| (self.create)())) }
    }

    /// How many lie in it.
    #[must_use]
    pub fn free(&self) -> usize {
        self.free.lock().len()
    }

    fn put_back(&self, mut thing: T) {
        // A panic in it drops the thing: nothing unclear lies in the pool.
        thing.clear();
        let mut free = self.free.lock();
        if free.len() < self.free_max {
            free.push(thing);
        }
    }
}

impl<T> fmt::Debug for Pool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("free_max", &self.free_max).finish_non_exhaustive()
    }
}

/// Something out of a pool; it goes back when this is dropped.
pub struct Pooled<'a, T: Clear> {
    pool: &'a Pool<T>,
    thing: Option<T>,
}

impl<T: Clear> Pooled<'_, T> {
    /// Keeps it: it does not go back.
    #[must_use]
    pub fn keep(mut self) -> T {
        self.thing.take().expect("it is there until the guard ends")
    }
}

impl<T: Clear> Deref for Pooled<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.thing.as_ref().expect("it is there until the guard ends")
    }
}

impl<T: Clear> DerefMut for Pooled<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.thing.as_mut().expect("it is there until the guard ends")
    }
}

impl<T: Clear> Drop for Pooled<'_, T> {
    fn drop(&mut self) {
        if let Some(thing) = self.thing.take() {
            self.pool.put_back(thing);
        }
    }
}

impl<T: Clear + fmt::Debug> fmt::Debug for Pooled<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> Clear for Vec<T> {
    fn clear(&mut self) {
        Self::clear(self);
    }
}

impl<T> Clear for VecDeque<T> {
    fn clear(&mut self) {
        Self::clear(self);
    }
}

impl Clear for String {
    fn clear(&mut self) {
        Self::clear(self);
    }
}

impl<K: Ord, V> Clear for BTreeMap<K, V> {
    fn clear(&mut self) {
        Self::clear(self);
    }
}

impl<T: Ord> Clear for BTreeSet<T> {
    fn clear(&mut self) {
        Self::clear(self);
    }
}

#[cfg(test)]
mod tests {
    use super::{Clear, Pool};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Claim: what comes back is the same memory, cleared; a pool makes only what it has none of.
    #[test]
    fn things_come_back() {
        let made = Arc::new(AtomicUsize::new(0));
        let count = made.clone();
        let pool = Pool::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
            Vec::<u64>::with_capacity(100)
        });
        let mut places = Vec::new();
        for round in 0..50 {
            let (mut a, mut b) = (pool.acquire(), pool.acquire());
            assert!(a.is_empty() && b.is_empty(), "round {round}");
            a.push(round);
            b.extend(0..100);
            places.push((a.as_ptr(), b.as_ptr()));
        }
        assert_eq!((made.load(Ordering::Relaxed), pool.free()), (2, 2));
        let (first, second) = places[0];
        assert!(places.iter().all(|(a, b)| [*a, *b] == [first, second] || [*b, *a] == [first, second]));
    }

    /// Claim: a pool keeps no more than it may; what is kept out of it is its holder's.
    #[test]
    fn pools_are_bounded() {
        let pool = Pool::with_max(3, String::new);
        let out: Vec<_> = (0..10).map(|_| pool.acquire()).collect();
        drop(out);
        assert_eq!(pool.free(), 3);
        let mine: String = pool.acquire().keep();
        assert_eq!((mine.len(), pool.free()), (0, 2));
    }

    /// Claim: what cannot be cleared is not in the pool afterwards, and others go on.
    #[test]
    fn a_panic_while_clearing_loses_one() {
        struct Stubborn(bool);
        impl Clear for Stubborn {
            fn clear(&mut self) {
                assert!(!self.0, "it will not");
            }
        }
        let pool = Pool::new(|| Stubborn(false));
        drop(pool.acquire());
        let mut taken = pool.acquire();
        taken.0 = true;
        let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || drop(taken)));
        assert!(dropped.is_err() && pool.free() == 0);
        drop(pool.acquire());
        assert!(pool.free() == 1 && !pool.acquire().0);
    }

    /// Claim: guards go back from any thread.
    #[test]
    fn threads_share_a_pool() {
        let pool = Pool::new(Vec::<usize>::new);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let pool = &pool;
                scope.spawn(move || {
                    for n in 0..1000 {
                        let mut list = pool.acquire();
                        assert!(list.is_empty());
                        list.extend([thread, n]);
                    }
                });
            }
        });
        assert!((1..=4).contains(&pool.free()), "{}", pool.free());
    }
}
