//! What was made to break a decoder: depth, size, sharing, corruption, collisions.

use super::{forms, one};
use crate::slp::{
    BYTES_DEFAULT, Binary, Builder, DEPTH_DEFAULT, DecodeError, Format, Json, JsonFault, Kind, Limits,
    Object, ParseErrorKind, SYMBOL_BYTES_MAX, parse, parse_one,
};

/// Ten megabytes of openers are too deep at the first one beyond the limit, and a megabyte of a symbol is too long.
#[test]
fn depth_and_length_have_limits() {
    for opener in ["(", "[", "{", "'", "@"] {
        let error = parse(opener.repeat(10 << 20), &Limits::default()).expect_err(opener);
        assert_eq!((error.kind, error.byte), (ParseErrorKind::TooDeep, DEPTH_DEFAULT), "{opener}");
    }
    let error = parse("x".repeat(1 << 20), &Limits::default()).expect_err("a long symbol");
    assert_eq!(error.kind, ParseErrorKind::SymbolTooLong);
    assert_eq!(one("x".repeat(SYMBOL_BYTES_MAX)).kind(), Kind::Symbol);
    let digits = parse("1".repeat(1 << 20), &Limits::default()).expect_err("a long number");
    assert_eq!(digits.kind, ParseErrorKind::SymbolTooLong);
    assert_eq!(one(format!("\"{}\"", "x".repeat(1 << 20))).view().len(), 1 << 20);
    let large = parse(" ".repeat(11), &Limits { bytes: 10, ..Limits::default() }).expect_err("too large");
    assert_eq!((large.kind, large.byte), (ParseErrorKind::TooLarge, 10));
    assert!(
        parse(" ".repeat(10), &Limits { bytes: 10, ..Limits::default() }).is_ok_and(|forms| forms.is_empty())
    );
    const { assert!(BYTES_DEFAULT >= 10 << 20) };
}

/// As deep as the limit is accepted by every codec, as a text's forms too; one more is not.
#[test]
fn codecs_agree_on_depth() {
    let nested = |depth: u32| format!("{}{}", "(".repeat(depth as usize), ")".repeat(depth as usize));
    let limits = Limits::default();
    let deepest = forms(nested(DEPTH_DEFAULT)).into_object();
    let mut json = Vec::new();
    Json::encode(&deepest, &mut json);
    assert_eq!(Binary::decode(&deepest.to_bytes(), &limits).as_ref(), Ok(&deepest));
    assert_eq!(Json::decode(&json, &limits).as_ref(), Ok(&deepest));
    assert!(parse(nested(DEPTH_DEFAULT + 1), &limits).is_err());
    let deeper = Object::some(&deepest);
    json.clear();
    Json::encode(&deeper, &mut json);
    assert!(matches!(Binary::decode(&deeper.to_bytes(), &limits), Err(DecodeError::Binary(_))));
    let Err(DecodeError::Json(error)) = Json::decode(&json, &limits) else { panic!("it is too deep") };
    assert_eq!(error.fault, JsonFault::TooDeep);
}

/// Nothing recurses: a million lists in each other are made, printed, compared, hashed, copied, loaded, dropped.
#[test]
fn nothing_recurses() {
    use std::hash::{DefaultHasher, Hash};
    const DEPTH: u32 = 1_000_000;
    let mut builder = Builder::new();
    for n in 0..DEPTH {
        builder.open(if n % 3 == 0 { Kind::Some } else { Kind::Paren });
    }
    builder.integer(1);
    for _ in 0..DEPTH {
        builder.close();
    }
    let deep = builder.finish();
    let copy = Object::list(Kind::Bracket, [&deep]).child(0).expect("one child").compact();
    assert_eq!(copy, deep);
    assert_eq!(Object::load(&deep.to_bytes()).as_ref(), Ok(&deep));
    let limits = Limits { depth: DEPTH, ..Limits::default() };
    assert_eq!(parse_one(&*deep.text(), &limits).as_ref(), Ok(&deep));
    deep.hash(&mut DefaultHasher::new());
    let mut json = Vec::new();
    Json::encode(&deep, &mut json);
    assert_eq!(Json::decode(&json, &limits).as_ref(), Ok(&deep));
}

/// Every byte of a stored object set to every value: it is refused, or a tree that is stored as just these bytes.
#[test]
fn every_corruption_is_met() {
    let good = forms("(set user:1 \"text \\\" of it\" -5 2.5) 'set @\"no\" {a [] () \"\" a}")
        .into_object()
        .to_bytes()
        .into_owned();
    let (mut read, mut refused) = (0_u32, 0_u32);
    let mut bytes = good.clone();
    for at in 0..good.len() {
        for value in 0..=255 {
            bytes[at] = value;
            match Object::load(&bytes) {
                Ok(object) => {
                    read += 1;
                    assert_eq!(*object.to_bytes(), bytes, "byte {at} is {value}");
                    assert!(!object.to_string().is_empty());
                }
                Err(error) => {
                    refused += 1;
                    assert!(error.byte() < good.len(), "{error}");
                }
            }
        }
        bytes[at] = good[at];
    }
    // Values of numbers and letters of strings may change; structure may not.
    assert!(refused > 4 * read && read > good.len() as u32, "{read} read, {refused} refused");
    for len in 0..good.len() {
        assert!(Object::load(&good[..len]).is_err(), "{len} bytes of it");
    }
    bytes.extend_from_slice(&[0; 16]);
    assert!(Object::load(&bytes).is_err(), "16 bytes more");
}

fn unit(kind: u8, count: u32, data: u64) -> Vec<u8> {
    let mut unit = vec![kind, 0, 0, 0];
    unit.extend_from_slice(&count.to_le_bytes());
    unit.extend_from_slice(&data.to_le_bytes());
    unit
}

fn stored(units: &[Vec<u8>], text: &[u8]) -> Vec<u8> {
    let mut bytes = b"SLP\x01".to_vec();
    for word in [units.len() as u32, text.len() as u32, 0] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.extend(units.concat());
    bytes.extend_from_slice(text);
    bytes.resize(bytes.len().next_multiple_of(16), 0);
    bytes
}

/// Trees that share, loop, overlap or leave something out are refused, each for its reason.
#[test]
fn only_trees_are_read() {
    let int = || unit(9, 0, 1);
    let ok = stored(&[int(), int(), unit(2, 2, 1)], b"");
    assert_eq!(Object::load(&ok), Ok(one("(1 1)")));
    type Row = (&'static str, Vec<Vec<u8>>, &'static [u8]);
    let rows: [Row; 21] = [
        ("itself as a child", vec![unit(2, 1, 1)], b""),
        ("a child that comes later", vec![unit(2, 1, 2), int(), unit(2, 2, 1)], b""),
        ("the header as a child", vec![unit(2, 1, 0)], b""),
        ("a child that is shared", vec![int(), unit(2, 1, 1), unit(2, 1, 1), unit(2, 2, 2)], b""),
        ("a unit in no list", vec![int(), int(), unit(2, 1, 2)], b""),
        ("a unit in no list behind", vec![int(), int(), unit(2, 1, 1)], b""),
        (
            "blocks in the wrong order",
            vec![int(), unit(9, 0, 2), unit(2, 1, 2), unit(2, 1, 1), unit(2, 2, 3)],
            b"",
        ),
        ("children beyond all bounds", vec![unit(2, u32::MAX, u64::MAX)], b""),
        ("an empty list that points", vec![unit(2, 0, 1)], b""),
        ("a wrapper of two", vec![int(), int(), unit(1, 2, 1)], b""),
        ("a wrapper of none", vec![unit(12, 0, 0)], b""),
        ("a kind that is none", vec![unit(3, 0, 0)], b""),
        ("a kind beyond all", vec![unit(16 + 9, 0, 0)], b""),
        ("an integer with a count", vec![unit(9, 1, 0)], b""),
        ("a rune beyond a byte", vec![unit(8, 0, 256)], b""),
        ("text that is no one's", vec![int()], b"a"),
        ("a symbol with a space", vec![unit(7, 3, 0)], b"a b"),
        ("a symbol that is a number", vec![unit(7, 2, 0)], b"12"),
        ("one symbol at two places", vec![unit(7, 1, 0), unit(7, 1, 1), unit(2, 2, 1)], b"aa"),
        ("a symbol inside a string", vec![unit(5, 2, 0), unit(7, 1, 1), unit(2, 2, 1)], b"ab"),
        ("a string that is shared", vec![unit(5, 1, 0), unit(5, 1, 0), unit(2, 2, 1)], b"a"),
    ];
    for (what, units, text) in rows {
        assert!(Object::load(&stored(&units, text)).is_err(), "{what}");
    }
    // Sixty levels that each name the level below twice: 2^60 objects if sharing were followed.
    let mut units = vec![int(), int()];
    for level in 0..60 {
        units.extend([unit(2, 2, 1 + 2 * level), unit(2, 2, 1 + 2 * level)]);
    }
    units.push(unit(2, 2, 121));
    assert!(Object::load(&stored(&units, b"")).is_err());
}

/// Symbols that all fall into one place of the table are still told apart, in the time of any others.
#[test]
fn many_symbols_are_told_apart() {
    let count = 100_000_u32;
    let text: String = (0..count).map(|n| format!("s{n} ")).collect::<Vec<_>>().concat();
    let forms = forms(text.repeat(2));
    let first: Vec<_> = forms.iter().take(count as usize).collect();
    let again: Vec<_> = forms.iter().skip(count as usize).collect();
    assert_eq!(first, again);
    assert!(first.windows(2).all(|pair| pair[0] != pair[1]));
    let text_bytes: usize = (0..count).map(|n| format!("s{n}").len()).sum();
    assert_eq!(
        forms.as_object().to_bytes().len(),
        (2 * count as usize + 2) * 16 + text_bytes.next_multiple_of(16)
    );
}
