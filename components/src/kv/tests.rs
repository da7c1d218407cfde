//! Claims: stored keys and values read back as they were; every byte string that is none of them is refused with a
//! sentence; limits are exact and named.

use super::{
    KEY_BYTES_MAX, Key, KvError, Limits, SCOPE_BYTES_MAX, VALUE_BYTES_MAX, Value, check_scope, split_raw,
};
use crate::slp::{Kind, Object};

fn encoded(key: &Key) -> Vec<u8> {
    let mut bytes = Vec::new();
    key.encode(&mut bytes);
    bytes
}

/// Keys of any bytes survive, and so do scopes of any text without a slash.
#[test]
fn keys_read_back() {
    let long = "s".repeat(SCOPE_BYTES_MAX);
    for scope in ["a", "alice data", "k\u{fc}che", "\0", &long] {
        for key in [&b"x"[..], b"\0", b"\xff\xff", b"/", b"a/b", &[7; 5000]] {
            let key = Key::new(scope, key).expect("a key");
            assert_eq!(Key::decode(&encoded(&key)), Ok(key.clone()));
            assert_eq!(split_raw(&key.raw()), Ok((scope, &*key.key)), "a raw key splits at the first slash");
        }
    }
    assert_eq!(Key::decode(&encoded(&Key::blank())), Ok(Key::blank()));
}

/// What is no stored key is refused: cut short, not text, with a slash, empty.
#[test]
fn damaged_keys_are_refused() {
    let bytes = encoded(&Key::new("scope", b"k").expect("a key"));
    for end in 0..bytes.len() {
        Key::decode(&bytes[..end]).expect_err("a part of a key");
    }
    for bad in [&b"\x00key"[..], b"\x03a/bkey", b"\x02\xff\xfekey", b"\xffab"] {
        let error = Key::decode(bad).expect_err("no key");
        assert!(error.to_string().len() > 10, "{error}");
    }
}

/// Any flipped byte of a stored value gives a value or a sentence, and the value itself reads back.
#[test]
fn values_read_back_and_damage_is_refused() {
    let name = Object::symbol("user:1").expect("a symbol");
    let list =
        Object::list(Kind::Paren, [&name, &Object::integer(-3), &Object::string("a\"\0\n"), &Object::none()]);
    for object in [list, Object::real(-0.0), Object::error("no"), Object::string(""), Object::boolean(true)] {
        let value = Value::new(&object);
        let mut bytes = Vec::new();
        value.encode(&mut bytes);
        assert_eq!(Value::decode(&bytes), Ok(value.clone()));
        assert_eq!(value.object(), &object);
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x81;
            if let Ok(other) = Value::decode(&flipped) {
                assert_ne!(other, value, "byte {at} says nothing");
            }
        }
    }
    Value::decode(&[]).expect_err("nothing is no value");
}

/// A value that is a child of a larger object lets go of it.
#[test]
fn a_value_does_not_hold_its_script() {
    let long = Object::string("x".repeat(10_000));
    let script = Object::list(Kind::Paren, [&long, &Object::string("kept")]);
    let child = script.child(1).expect("two children");
    assert!(child.heap_bytes() > 10_000);
    assert!(Value::new(&child).object().heap_bytes() < 100);
}

/// Limits hold to the byte, whatever the value is, and the errors name them.
#[test]
fn limits_are_exact_and_named() {
    let limits = Limits::default();
    let max = KEY_BYTES_MAX as usize;
    assert_eq!(limits.check_key(&vec![1; max]), Ok(()));
    let error = limits.check_key(&vec![1; max + 1]).expect_err("too long");
    assert_eq!(error.to_string(), "the key has 1025 bytes; the limit key_bytes is 1024");
    assert_eq!(limits.check_key(b""), Err(KvError::KeyEmpty));

    let max = VALUE_BYTES_MAX as usize;
    assert_eq!(limits.check_value(&Object::string("x".repeat(max))), Ok(()));
    let error = limits.check_value(&Object::string("x".repeat(max + 1))).expect_err("too large");
    assert_eq!(error.to_string(), "the value's text has 1048577 bytes; the limit value_bytes is 1048576");

    // One symbol, shared in the buffer: the text is long where the buffer is short.
    let word = Object::symbol(&"w".repeat(1023)).expect("a symbol");
    let words = |count: usize| Object::list(Kind::Paren, std::iter::repeat_n(&word, count));
    assert_eq!(words(1023).text().len(), 1023 * 1024 + 1);
    assert_eq!(limits.check_value(&words(1023)), Ok(()));
    assert_eq!(
        limits.check_value(&words(1024)),
        Err(KvError::ValueTooLarge { len: (1 << 20) + 1, max: 1 << 20 })
    );
    let short = Limits { value_bytes: 3, ..limits };
    assert_eq!(short.check_value(&Object::integer(123)), Ok(()));
    short.check_value(&Object::integer(1234)).expect_err("four digits");
}

/// Names of scopes: what a raw key could not be split by is refused.
#[test]
fn scopes_have_names_that_split() {
    for good in ["a", "alice_data", "with space", "\u{e9}"] {
        assert_eq!(check_scope(good), Ok(()));
    }
    assert_eq!(check_scope(""), Err(KvError::ScopeEmpty));
    assert_eq!(check_scope(&"x".repeat(256)), Err(KvError::ScopeTooLong { len: 256 }));
    assert_eq!(check_scope("a/b"), Err(KvError::ScopeSlash { name: "a/b".to_owned() }));
    assert_eq!(split_raw(b"nothing"), Err(KvError::RawWithoutScope));
    assert_eq!(split_raw(b"/key"), Err(KvError::ScopeEmpty));
    assert_eq!(split_raw(b"scope/"), Err(KvError::KeyEmpty));
    assert_eq!(split_raw(b"\xff/key"), Err(KvError::ScopeNotText));
    assert_eq!(split_raw(b"s//"), Ok(("s", &b"/"[..])));
}
