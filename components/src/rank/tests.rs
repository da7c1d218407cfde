//! Maps against an ordered map of std with ranks counted one by one, and trees that are broken on purpose.

use super::tree::{NONE, RankFault};
use super::{Bound, RankMap};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Step {
    Set(u8, u16),
    Delete(u8),
    Change(u8, u16),
    Reload,
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        40 => (any::<u8>(), any::<u16>()).prop_map(|(key, value)| Step::Set(key, value)),
        30 => any::<u8>().prop_map(Step::Delete),
        5 => (any::<u8>(), any::<u16>()).prop_map(|(key, value)| Step::Change(key, value)),
        2 => Just(Step::Reload),
        1 => Just(Step::Clear),
    ]
}

fn bound() -> impl Strategy<Value = Bound<u8>> {
    prop_oneof![
        4 => any::<u8>().prop_map(Bound::Included),
        4 => any::<u8>().prop_map(Bound::Excluded),
        1 => Just(Bound::Unbounded),
    ]
}

fn is_within(key: u8, (low, high): (Bound<u8>, Bound<u8>)) -> bool {
    let after = match low {
        Bound::Included(low) => key >= low,
        Bound::Excluded(low) => key > low,
        Bound::Unbounded => true,
    };
    let before = match high {
        Bound::Included(high) => key <= high,
        Bound::Excluded(high) => key < high,
        Bound::Unbounded => true,
    };
    after && before
}

fn bytes(map: &RankMap<u8, u16>) -> Vec<u8> {
    let mut bytes = Vec::new();
    map.encode(&mut bytes);
    bytes
}

/// The deepest tree of `len` nodes whose siblings differ by one: Adelson-Velsky and Landis, 1962.
fn height_max(len: usize) -> u32 {
    let (mut height, mut fewest, mut next) = (0, 1_usize, 2_usize);
    while fewest <= len {
        (height, fewest, next) = (height + 1, next, fewest + next + 1);
    }
    height
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Claim: after any history, every question has the answer of a sorted map whose ranks are counted one by one.
    #[test]
    fn as_a_sorted_map(
        steps in prop::collection::vec(step(), 0..300),
        asked in prop::collection::vec((any::<u8>(), (bound(), bound())), 1..8),
    ) {
        let (mut map, mut model) = (RankMap::new(), BTreeMap::new());
        for step in steps {
            match step {
                Step::Set(key, value) => prop_assert_eq!(map.set(key, value), model.insert(key, value)),
                Step::Delete(key) => prop_assert_eq!(map.delete(&key), model.remove(&key)),
                Step::Change(key, value) => {
                    prop_assert_eq!(map.get_mut(&key).is_some(), model.contains_key(&key));
                    if let Some(place) = map.get_mut(&key) { *place = value; }
                    if let Some(place) = model.get_mut(&key) { *place = value; }
                }
                Step::Reload => map = RankMap::decode(&bytes(&map)).expect("its own bytes"),
                Step::Clear => { map.clear(); model.clear(); }
            }
            prop_assert_eq!(map.validate(), Ok(()));
            prop_assert!(map.height() <= height_max(map.len()));
        }
        prop_assert_eq!(map.len(), model.len());
        prop_assert!(map.iter().eq(model.iter()));
        prop_assert_eq!(map.first(), model.first_key_value());
        prop_assert_eq!(map.last(), model.last_key_value());
        for (rank, entry) in model.iter().enumerate() {
            prop_assert_eq!(map.select(rank), Some(entry));
        }
        prop_assert_eq!(map.select(model.len()), None);
        for (key, bounds) in asked {
            prop_assert_eq!(map.get(&key), model.get(&key));
            prop_assert_eq!(map.has(&key), model.contains_key(&key));
            prop_assert_eq!(map.rank(&key), model.keys().filter(|other| **other < key).count());
            prop_assert_eq!(map.floor(&key), model.range(..=key).next_back());
            prop_assert_eq!(map.ceil(&key), model.range(key..).next());
            let range = map.range(bounds);
            prop_assert_eq!(range.len(), model.keys().filter(|key| is_within(**key, bounds)).count());
            prop_assert!(range.eq(model.iter().filter(|(key, _)| is_within(**key, bounds))));
        }
    }

    /// Claim: equal maps have equal bytes whatever they went through; what decodes is just what would be encoded.
    #[test]
    fn one_encoding(pairs in prop::collection::btree_map(any::<u8>(), any::<u16>(), 0..60), seed in any::<u64>()) {
        let plain = RankMap::from_pairs(pairs.clone());
        let mut shuffled: Vec<_> = pairs.into_iter().collect();
        shuffled.sort_by_key(|(key, _)| (u64::from(*key) + 1).wrapping_mul(seed | 1).rotate_left(17));
        let mut other = RankMap::from_pairs((0..=255).map(|key| (key, 0)));
        (0..=255).for_each(|key| { other.delete(&key); });
        other.extend(shuffled);
        prop_assert_eq!(&plain, &other);
        prop_assert_eq!(bytes(&plain), bytes(&other));
    }

    /// Claim: any bytes are a map that has them as its encoding, or are refused.
    #[test]
    fn any_bytes(input in prop::collection::vec(0_u8..4, 0..40)) {
        if let Ok(map) = RankMap::<u8, u16>::decode(&input) {
            prop_assert_eq!(bytes(&map), input);
            prop_assert_eq!(map.validate(), Ok(()));
        }
    }
}

/// Claim: keys out of order, keys twice, and counts beyond the bytes are refused; keys without bytes end the walk.
#[test]
fn other_encodings_are_refused() {
    let error = |input: &[u8]| RankMap::<u8, u8>::decode(input).expect_err("no map").to_string();
    assert!(error(&[2, 0, 0, 0, 5, 0, 4, 0]).contains("entry 1"));
    assert!(error(&[2, 0, 0, 0, 5, 0, 5, 0]).contains("entry 1"));
    assert!(error(&[1, 0, 0, 0, 5, 0, 9]).contains("left over"));
    assert!(error(&[255, 255, 255, 255]).contains("more than"));
    assert!(error(&[255, 255, 255, 3, 1, 1]).contains("left where"));
    assert!(RankMap::<(), ()>::decode(&[255, 255, 255, 3]).is_err());
}

/// Claim: each of the three faults is found where it is, in trees that are broken from inside.
#[test]
fn faults_are_found() {
    let whole = || RankMap::from_pairs((0..100).map(|key| (key, ())));
    let place_of = |map: &RankMap<i32, ()>, key: i32| map.tree.find(&key) as usize;

    let mut map = whole();
    let place = place_of(&map, 40);
    map.tree.nodes[place].key = 60;
    assert_eq!(map.validate(), Err(RankFault::Order { rank: 41 }));

    let mut map = whole();
    let root = map.tree.root as usize;
    let left = map.tree.nodes[root].left;
    let size = map.tree.size(left);
    map.tree.nodes[root].left = NONE;
    assert!(
        matches!(map.validate(), Err(RankFault::Balance { rank: 0, left: 0, .. })),
        "{:?}",
        map.validate()
    );
    assert!(size > 0);

    let mut map = whole();
    let place = place_of(&map, 70);
    map.tree.nodes[place].size += 1;
    assert_eq!(map.validate(), Err(RankFault::Counts { rank: 70 }));

    // Round and round: a node below itself.
    let mut map = whole();
    let (root, left) = (map.tree.root, map.tree.nodes[map.tree.root as usize].left);
    map.tree.nodes[left as usize].left = root;
    assert!(map.validate().is_err());
}

/// Claim: 2^16 keys in order, which a plain tree would make a line of, are at most 17 above each other.
#[test]
fn ascending_keys_stay_low() {
    let map = RankMap::from_pairs((0..1_u32 << 16).map(|key| (key, ())));
    assert!(map.height() <= 17, "{}", map.height());
    assert_eq!(map.rank(&50_000), 50_000);
}
