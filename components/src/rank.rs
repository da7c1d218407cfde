//! Ordered maps that know at which place each key stands: the data of leaderboards, queues by priority, percentiles.
//!
//! Invariant: equal maps have equal bytes, whatever they went through; every walk is by key. Left out: several values
//! under one key (make the value a list), and orders other than the key's `Ord` (wrap the key, as in `Reverse`).

mod bytes;
mod iter;
mod tree;

pub use iter::Iter;
pub use tree::RankFault;

use core::borrow::Borrow;
use core::fmt;
use core::ops::{Bound, RangeBounds};
use tree::{NONE, Tree};

/// Entries of a map.
pub const RANK_ENTRIES_MAX: usize = 1 << 30;

/// A map in the order of its keys, with the rank of each key and the entry of each rank in logarithmic time.
///
/// A balanced tree in one allocation. Two maps are equal when their entries are. Keys whose `Ord` contradicts itself make
/// its answers wrong, or make it panic.
///
/// # Examples
/// ```
/// use diptych_components::rank::RankMap;
/// let mut map = RankMap::from_pairs([(5, "e"), (2, "b"), (8, "h"), (3, "c"), (7, "g")]);
/// assert_eq!(map.floor(&6), Some((&5, &"e")));
/// assert_eq!(map.ceil(&6), Some((&7, &"g")));
/// assert_eq!(map.rank(&7), 3);
/// assert_eq!(map.select(2), Some((&5, &"e")));
/// assert_eq!(map.range(3..=7).map(|(key, _)| *key).collect::<Vec<_>>(), [3, 5, 7]);
/// assert_eq!(map.set(5, "E"), Some("e"));
/// assert_eq!(map.delete(&5), Some("E"));
/// assert_eq!(map.rank(&7), 2);
/// ```
pub struct RankMap<K, V> {
    tree: Tree<K, V>,
}

impl<K, V> RankMap<K, V> {
    /// A map without entries.
    #[must_use]
    pub const fn new() -> Self {
        Self { tree: Tree::new() }
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tree.nodes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tree.nodes.is_empty()
    }

    /// Forgets all entries.
    pub fn clear(&mut self) {
        self.tree = Tree::new();
    }

    /// How many entries are above each other at most: 0 for an empty map, else at most `1.45 log2(len + 2)`.
    ///
    /// It follows from what this map went through, and is another one once the map was stored and read back. So it is
    /// for tests and statistics: never put it, or what follows from it, into state.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.tree.height(self.tree.root)
    }

    /// The entry at place `rank`, from 0.
    #[must_use]
    pub fn select(&self, rank: usize) -> Option<(&K, &V)> {
        let at = self.tree.select(rank)?;
        Some(self.tree.entry(at))
    }

    /// The entry with the least key.
    #[must_use]
    pub fn first(&self) -> Option<(&K, &V)> {
        self.select(0)
    }

    /// The entry with the greatest key.
    #[must_use]
    pub fn last(&self) -> Option<(&K, &V)> {
        self.select(self.len().checked_sub(1)?)
    }

    /// All entries by key.
    #[must_use]
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter::new(&self.tree, 0, self.len())
    }

    /// All keys in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// All values by key.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }
}

impl<K: Ord, V> RankMap<K, V> {
    /// The entries of `pairs`; of several with one key the last.
    #[must_use]
    pub fn from_pairs(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut map = Self::new();
        map.extend(pairs);
        map
    }

    /// Whether there is an entry of this key.
    #[must_use]
    pub fn has<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.tree.find(key) != NONE
    }

    /// The value of a key.
    #[must_use]
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.tree.nodes.get(self.tree.find(key) as usize).map(|node| &node.value)
    }

    /// The value of a key, to be changed.
    #[must_use]
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let at = self.tree.find(key);
        self.tree.nodes.get_mut(at as usize).map(|node| &mut node.value)
    }

    /// Sets a key's value and gives the one it had. The key that was there stays.
    ///
    /// # Panics
    /// When there would be more than [`RANK_ENTRIES_MAX`] entries.
    pub fn set(&mut self, key: K, value: V) -> Option<V> {
        self.tree.set(key, value)
    }

    /// Takes a key and its value out and gives the value.
    pub fn delete<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.tree.delete(key)
    }

    /// The entry with the greatest key that is not above `key`.
    #[must_use]
    pub fn floor<Q: Ord + ?Sized>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
    {
        self.select(self.tree.rank(key, true).checked_sub(1)?)
    }

    /// The entry with the least key that is not below `key`.
    #[must_use]
    pub fn ceil<Q: Ord + ?Sized>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
    {
        self.select(self.rank(key))
    }

    /// How many keys are below `key`, which need not be there: the place where it stands or would stand.
    #[must_use]
    pub fn rank<Q: Ord + ?Sized>(&self, key: &Q) -> usize
    where
        K: Borrow<Q>,
    {
        self.tree.rank(key, false)
    }

    /// The entries whose keys lie in `bounds`, each of which may be inclusive, exclusive or open; none where they
    /// cross. The iterator knows its length.
    #[must_use]
    pub fn range<Q: Ord + ?Sized>(&self, bounds: impl RangeBounds<Q>) -> Iter<'_, K, V>
    where
        K: Borrow<Q>,
    {
        let start = match bounds.start_bound() {
            Bound::Included(key) => self.tree.rank(key, false),
            Bound::Excluded(key) => self.tree.rank(key, true),
            Bound::Unbounded => 0,
        };
        let end = match bounds.end_bound() {
            Bound::Included(key) => self.tree.rank(key, true),
            Bound::Excluded(key) => self.tree.rank(key, false),
            Bound::Unbounded => self.len(),
        };
        Iter::new(&self.tree, start, end)
    }

    /// Looks whether the tree is what all the above needs: for tests of maps, in time linear in the entries.
    ///
    /// # Errors
    /// The first fault that is found. There is none but by an `Ord` that contradicts itself, or a bug of this module.
    pub fn validate(&self) -> Result<(), RankFault> {
        self.tree.validate()
    }
}

impl<K: Clone, V: Clone> Clone for RankMap<K, V> {
    fn clone(&self) -> Self {
        Self { tree: self.tree.clone() }
    }

    fn clone_from(&mut self, from: &Self) {
        self.tree.clone_from(&from.tree);
    }
}

impl<K, V> Default for RankMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for RankMap<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl<K: Eq, V: Eq> Eq for RankMap<K, V> {}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for RankMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: Ord, V> Extend<(K, V)> for RankMap<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, pairs: I) {
        pairs.into_iter().for_each(|(key, value)| drop(self.set(key, value)));
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for RankMap<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self::from_pairs(pairs)
    }
}

impl<'a, K, V> IntoIterator for &'a RankMap<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Iter<'a, K, V> {
        self.iter()
    }
}

#[cfg(test)]
mod tests;
