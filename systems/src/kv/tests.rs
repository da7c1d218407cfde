//! Claims: through overlay and index the entries are those of one ordered map, whatever is done in whichever frame;
//! changes come once for each key, in the order of the first writes; scans are by bytes.

use super::{Change, Index, KeyCodec, Overlay, Scope, Update, ValueCodec};
use bevy_ecs::entity::Entity;
use diptych_components::kv::{Key, Value};
use diptych_components::slp::{Kind, Object};
use diptych_engine::{Codec, Id};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows that exist as numbers only.
#[derive(Default)]
struct Rows(u32);

impl Rows {
    fn spawn(&mut self) -> (Id, Entity) {
        self.0 += 1;
        (Id::from_bits(u64::from(self.0)), Entity::from_raw_u32(self.0).expect("a small number"))
    }

    fn commit(&mut self, overlay: &mut Overlay) -> Vec<Update> {
        overlay.drain().map(|change| change.placed(|_, _| self.spawn())).collect()
    }
}

/// An index of one scope, `s`, with these entries.
fn index(entries: &[(&[u8], i64)]) -> Index {
    let (mut rows, mut index) = (Rows::default(), Index::default());
    for (key, value) in entries {
        let (id, entity) = rows.spawn();
        let key = Key::new("s", key).expect("a key");
        index.insert(&key, &Value::from(Object::integer(*value)), id, entity);
    }
    index
}

fn bytes(keys: Vec<Arc<[u8]>>) -> Vec<Vec<u8>> {
    keys.into_iter().map(|key| key.to_vec()).collect()
}

#[derive(Clone, Debug)]
enum Op {
    Set(Vec<u8>, i64),
    Delete(Vec<u8>),
    SetIfAbsent(Vec<u8>, i64),
    Swap(Vec<u8>, i64, i64),
    Get(Vec<u8>),
    Keys(Vec<u8>, u64, u64),
    Scan(Vec<u8>, Option<Vec<u8>>, u64, u64),
    Commit,
    Reopen,
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop::sample::select(&[0, b'1', b':', b'u', 0xfe, 0xff][..]);
    prop_oneof![20 => prop::collection::vec(byte, 1..4), 1 => (0..4_u8).prop_map(|last| [vec![0xff; 1023], vec![last]].concat())]
}

fn op() -> impl Strategy<Value = Op> {
    let part = || prop_oneof![1 => Just(Vec::new()), 4 => key()];
    let few = || prop_oneof![3 => 0..6_u64, 1 => Just(u64::MAX)];
    prop_oneof![
        8 => (key(), 0..3_i64).prop_map(|(key, value)| Op::Set(key, value)),
        4 => key().prop_map(Op::Delete),
        2 => (key(), 0..3_i64).prop_map(|(key, value)| Op::SetIfAbsent(key, value)),
        2 => (key(), 0..3_i64, 0..3_i64).prop_map(|(key, old, new)| Op::Swap(key, old, new)),
        2 => key().prop_map(Op::Get),
        3 => (part(), few(), few()).prop_map(|(prefix, offset, limit)| Op::Keys(prefix, offset, limit)),
        1 => (part(), prop::option::of(key()), few(), few()).prop_map(|(p, a, o, l)| Op::Scan(p, a, o, l)),
        3 => Just(Op::Commit),
        1 => Just(Op::Reopen),
    ]
}

/// What a scan of an ordered map gives.
fn scanned(
    model: &BTreeMap<Vec<u8>, i64>,
    prefix: &[u8],
    after: Option<&[u8]>,
    offset: u64,
    limit: u64,
) -> Vec<Vec<u8>> {
    let matching = model.keys().filter(|key| key.starts_with(prefix));
    let matching = matching.filter(|key| after.is_none_or(|after| &***key > after));
    let (offset, limit) = (usize::try_from(offset).expect("64 bit"), usize::try_from(limit).expect("64 bit"));
    matching.skip(offset).take(limit).cloned().collect()
}

/// The index that the committed rows give when a world is opened.
fn reopened(index: &Index) -> Index {
    let mut fresh = Index::default();
    for (name, scope) in index.scopes() {
        // Rows come in no order of keys.
        for key in scope.scan(b"", None, 0, u64::MAX).into_iter().rev() {
            let found = scope.get(&key).expect("it was scanned");
            let row = Key { scope: Arc::clone(name), key: Arc::clone(&key) };
            fresh.insert(&row, &Value::new(found.value), found.place.id, found.place.entity);
        }
    }
    fresh
}

proptest! {
    /// Whatever is done, in whichever frame, each answer is that of one ordered map.
    #[test]
    fn entries_are_those_of_an_ordered_map(ops in prop::collection::vec(op(), 1..120)) {
        let (mut rows, mut overlay, none) = (Rows::default(), Overlay::default(), Scope::default());
        let (mut index, name) = (Index::default(), Arc::<str>::from("s"));
        let (mut model, mut committed) = (BTreeMap::new(), BTreeMap::new());
        for op in ops {
            let scope = index.scope("s").unwrap_or(&none);
            match op {
                Op::Set(key, value) => {
                    overlay.set(scope, &key, &Object::integer(value));
                    model.insert(key, value);
                }
                Op::Delete(key) => {
                    prop_assert_eq!(overlay.delete(scope, &key), model.remove(&key).is_some());
                }
                Op::SetIfAbsent(key, value) => {
                    let absent = !model.contains_key(&key);
                    prop_assert_eq!(overlay.set_if_absent(scope, &key, &Object::integer(value)), absent);
                    model.entry(key).or_insert(value);
                }
                Op::Swap(key, old, new) => {
                    let swaps = model.get(&key) == Some(&old);
                    let text = old.to_string();
                    let swapped = overlay.compare_and_swap(scope, &key, text.as_bytes(), &Object::integer(new));
                    prop_assert_eq!(swapped, swaps);
                    if swaps {
                        model.insert(key, new);
                    }
                }
                Op::Get(key) => {
                    let value = overlay.get(scope, &key).and_then(|value| value.view().integer());
                    prop_assert_eq!(value, model.get(&key).copied());
                    prop_assert_eq!(overlay.exists(scope, &key), value.is_some());
                    let value = index.get("s", &key).and_then(|value| value.view().integer());
                    prop_assert_eq!(value, committed.get(&key).copied());
                }
                Op::Keys(prefix, offset, limit) => {
                    let (keys, _) = overlay.keys(scope, &prefix, offset, limit);
                    prop_assert_eq!(bytes(keys), scanned(&model, &prefix, None, offset, limit));
                }
                Op::Scan(prefix, after, offset, limit) => {
                    let keys = scope.scan(&prefix, after.as_deref(), offset, limit);
                    prop_assert_eq!(bytes(keys), scanned(&committed, &prefix, after.as_deref(), offset, limit));
                }
                Op::Commit => {
                    let updates = rows.commit(&mut overlay);
                    index.apply(&name, updates);
                    committed.clone_from(&model);
                    prop_assert_eq!(index.len(), model.len() as u64);
                    prop_assert_eq!(index.scope("s").is_some(), !model.is_empty());
                }
                Op::Reopen => {
                    overlay.clear();
                    model.clone_from(&committed);
                    index = reopened(&index);
                }
            }
        }
        index.apply(&name, rows.commit(&mut overlay));
        let scope = index.scope("s").unwrap_or(&none);
        prop_assert_eq!(bytes(scope.scan(b"", None, 0, u64::MAX)), model.keys().cloned().collect::<Vec<_>>());
        for (key, value) in &model {
            prop_assert_eq!(index.get("s", key), Some(&Object::integer(*value)));
        }
    }
}

/// Each key gives at most one change, at the place of its first write; what came and went gives none.
#[test]
fn changes_come_once_in_the_order_of_first_writes() {
    let index = index(&[(b"a", 1), (b"b", 2), (b"c", 3)]);
    let scope = index.scope("s").expect("three entries");
    let (mut overlay, integer) = (Overlay::default(), Object::integer);
    overlay.set(scope, b"z", &integer(1));
    assert!(overlay.delete(scope, b"b"));
    overlay.set(scope, b"ghost", &integer(9));
    overlay.set(scope, b"a", &integer(7));
    assert!(overlay.delete(scope, b"c"));
    assert!(!overlay.delete(scope, b"c"), "it is deleted already");
    overlay.set(scope, b"c", &integer(8));
    overlay.set(scope, b"z", &integer(2));
    assert!(overlay.delete(scope, b"ghost"));
    assert_eq!((overlay.len(), overlay.is_empty()), (5, false));
    let place = |key: &[u8]| scope.get(key).expect("committed").place;
    let changes: Vec<_> = overlay.drain().collect();
    let expected = [
        Change::Add { key: Arc::from(&b"z"[..]), value: integer(2) },
        Change::Remove { place: place(b"b"), key: Arc::from(&b"b"[..]) },
        Change::Set { place: place(b"a"), key: Arc::from(&b"a"[..]), value: integer(7) },
        Change::Set { place: place(b"c"), key: Arc::from(&b"c"[..]), value: integer(8) },
    ];
    assert_eq!(changes, expected);
    assert!(overlay.is_empty() && overlay.drain().next().is_none(), "the next frame begins with nothing");
    assert_eq!(overlay.get(scope, b"a"), Some(&integer(1)), "nothing was applied");
}

/// A prefix is bytes, not a word: `user:1` matches `user:10`; one that ends in 0xFF has no next one to stop at.
#[test]
fn prefixes_are_bytes() {
    let index = index(&[(b"user:2", 0), (b"user:10", 0), (b"user:1", 0), (b"user;", 0), (b"use", 0)]);
    let scope = index.scope("s").expect("entries");
    let mut overlay = Overlay::default();
    assert_eq!(bytes(overlay.keys(scope, b"user:1", 0, 10).0), [&b"user:1"[..], b"user:10"]);
    overlay.set(scope, b"user:1\0", &Object::none());
    assert!(overlay.delete(scope, b"user:10"));
    assert_eq!(bytes(overlay.keys(scope, b"user:", 0, 10).0), [&b"user:1"[..], b"user:1\0", b"user:2"]);
    assert_eq!(bytes(overlay.keys(scope, b"user:", 1, 1).0), [&b"user:1\0"[..]]);
    assert_eq!(overlay.keys(scope, b"user:", 0, 0), (vec![], 0));
    for key in [&b"\xfe\xff"[..], b"\xff", b"\xff\xff", b"\xff\xff\xff", b"\xff\xfe"] {
        overlay.set(scope, key, &Object::none());
    }
    assert_eq!(bytes(overlay.keys(scope, b"\xff\xff", 0, 10).0), [&b"\xff\xff"[..], b"\xff\xff\xff"]);
    assert_eq!(bytes(scope.scan(b"user:", Some(b"user:1"), 0, 1)), [&b"user:10"[..]]);
}

/// `cas` compares with the text, of every kind of value, as if it had been made.
#[test]
fn swaps_compare_texts() {
    let name = Object::symbol("sym").expect("a symbol");
    let list = Object::list(Kind::Paren, [&name, &Object::integer(1)]);
    let integers = [0, 7, -1, 10, i64::MAX, i64::MIN].map(Object::integer);
    let others = [name, list, Object::real(0.5), Object::string("5"), Object::string(""), Object::none()];
    for value in integers.into_iter().chain(others) {
        let (scope, mut overlay) = (Scope::default(), Overlay::default());
        overlay.set(&scope, b"k", &value);
        let text = value.text().into_owned();
        for wrong in [&b"05"[..], b"+7", b"-", b"-0", b"nothing", &[&text[..], b" "].concat()] {
            assert!(!overlay.compare_and_swap(&scope, b"k", wrong, &Object::none()), "{value}");
        }
        assert!(overlay.compare_and_swap(&scope, b"k", &text, &Object::string("new")), "{value}");
        assert_eq!(overlay.get(&scope, b"k"), Some(&Object::string("new")));
        assert!(!overlay.compare_and_swap(&scope, b"other", b"", &Object::none()), "there is no such entry");
    }
}

/// A value that is a part of a script lets go of the rest.
#[test]
fn written_values_stand_alone() {
    let script = Object::list(Kind::Paren, [&Object::string("x".repeat(9000)), &Object::string("kept")]);
    let (scope, mut overlay) = (Scope::default(), Overlay::default());
    overlay.set(&scope, b"k", &script.child(1).expect("two children"));
    assert!(overlay.get(&scope, b"k").expect("written").heap_bytes() < 100);
}

/// Raw keys lead to the same entries, and a scope without entries is not there.
#[test]
fn scopes_are_apart() {
    let mut rows = Rows::default();
    let (mut index, mut overlay) = (Index::default(), Overlay::default());
    for (name, value) in [("one", 1), ("two", 2)] {
        overlay.set(&Scope::default(), b"k/k", &Object::integer(value));
        index.apply(&Arc::from(name), rows.commit(&mut overlay));
    }
    assert_eq!(index.get_raw(b"one/k/k"), Ok(Some(&Object::integer(1))));
    assert_eq!(index.get_raw(b"two/k/k"), Ok(Some(&Object::integer(2))));
    assert_eq!(index.get_raw(b"three/k"), Ok(None));
    index.get_raw(b"none").expect_err("no raw key");
    let before = index.heap_bytes();
    assert!(index.remove("one", b"k/k") && !index.remove("one", b"k/k"));
    assert!(index.scope("one").is_none() && index.heap_bytes() < before);
    assert_eq!((index.len(), index.is_empty()), (1, false));
}

/// An update of an entry that is no more is a fault of the program, and says so.
#[test]
#[should_panic(expected = "slot 0 is not of")]
fn a_stale_place_is_refused() {
    let mut index = index(&[(b"a", 1), (b"b", 1)]);
    let place = index.scope("s").and_then(|scope| scope.get(b"a")).expect("an entry").place;
    assert!(index.remove("s", b"a"));
    index.apply(&Arc::from("s"), [Update::Set { place, value: Object::none() }]);
}

/// The engine's codecs give back what they took, and refuse the rest in words.
#[test]
fn rows_read_back() {
    let (key, value) = (Key::new("s", b"\0k").expect("a key"), Value::from(Object::string("v")));
    let (mut stored, mut held) = (Vec::new(), Vec::new());
    KeyCodec::encode(&key, &mut stored);
    ValueCodec::encode(&value, &mut held);
    assert_eq!(KeyCodec::decode(&stored), Ok(key));
    assert_eq!(ValueCodec::decode(&held), Ok(value));
    assert!(KeyCodec::decode(&[]).expect_err("nothing").to_string().contains("stored key"));
    assert!(ValueCodec::decode(&held[1..]).expect_err("cut").to_string().contains("stored value"));
    assert!(<KeyCodec as Codec<Key>>::blank().is_some() && <ValueCodec as Codec<Value>>::blank().is_some());
}
