//! Layouts against the rules of C structs, what is refused and how it is named, and values in them.

use super::*;
use proptest::prelude::*;

fn layouts(text: &str) -> Layouts {
    Layouts::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str) -> String {
    Layouts::parse(text).expect_err(text).to_string()
}

fn offsets(layout: &Layout) -> Vec<(&str, u32)> {
    layout.fields().iter().map(|field| (field.path.as_str(), field.offset)).collect()
}

#[repr(C)]
struct Inner {
    flag: u8,
    count: u16,
    level: f64,
}

#[repr(C)]
struct Outer {
    small: i8,
    inner: [Inner; 2],
    id: u32,
    tail: u8,
}

/// Claim: fields lie where a C compiler puts them, in structs in arrays in structs; pads are so many bytes.
#[test]
fn offsets_are_those_of_c() {
    let all = layouts(
        "inner: {flag: bool count: u16 level: f64} outer: {small: i8 inner: [inner 2] id: u32 tail: u8}
         padded: {a: u8 (pad 3) b: u8 c: u16 (pad 1)}",
    );
    let outer = all.get("outer").expect("it is there");
    assert_eq!((outer.size() as usize, outer.align() as usize), (size_of::<Outer>(), align_of::<Outer>()));
    let inner = |index: usize| (core::mem::offset_of!(Outer, inner) + index * size_of::<Inner>()) as u32;
    let (count, level) =
        (core::mem::offset_of!(Inner, count) as u32, core::mem::offset_of!(Inner, level) as u32);
    assert_eq!(
        offsets(outer),
        [
            ("small", 0),
            ("inner[0].flag", inner(0)),
            ("inner[0].count", inner(0) + count),
            ("inner[0].level", inner(0) + level),
            ("inner[1].flag", inner(1)),
            ("inner[1].count", inner(1) + count),
            ("inner[1].level", inner(1) + level),
            ("id", core::mem::offset_of!(Outer, id) as u32),
            ("tail", core::mem::offset_of!(Outer, tail) as u32),
        ]
    );
    let columns: Vec<String> = outer.columns().map(|(name, _)| name).collect();
    assert_eq!(columns[..3], ["small", "inner_0_flag", "inner_0_count"]);
    let padded = all.get("padded").expect("it is there");
    assert_eq!(offsets(padded), [("a", 0), ("b", 4), ("c", 6)]);
    assert_eq!((padded.size(), padded.align()), (10, 2));
    // The example of the seed.
    let pair = layouts("pair: {x: f32 y: f32}");
    assert_eq!(pair.get("pair").map(|pair| (pair.size(), pair.align())), Ok((8, 4)));
}

/// Claim: what cannot be laid out is refused, and the refusal names the path of the field.
#[test]
fn refusals_name_the_path() {
    for (text, expected) in [
        ("a: {b: c} c: {d: [a 2]}", "a is a part of itself (a -> c -> a)"),
        ("a: a", "a -> a"),
        ("p: f64 a: {b: {c: [p 9000]}}", "a.b.c would have 72000 bytes"),
        ("a: {b: {c: [[f64 65536] 65536]}}", "a.b.c[] would have 524288 bytes"),
        ("b: [u8 60000] a: {x: b y: b}", "b would have 60000 scalars"),
        ("b: [f32 10000] a: {x: b y: b}", "a.y would have 80000 bytes"),
        ("a: {x: f32 (pad 65533)}", "a would have 65537 bytes"),
        ("a: {x: {y: f32 y: u8}}", "a.x.y is there twice"),
        ("a: f32 a: u8", "a is there twice"),
        ("f32: {x: u8}", "f32 is there twice"),
        ("a: {p_x: f32 p: {x: f32}}", "a.p.x and a.p_x would both be the column p_x"),
        ("a: {x: [f32 0]}", "a.x has a length of zero"),
        ("a: {x: {}}", "a.x has a length of zero"),
        ("a: {(pad 4)}", "a has a length of zero"),
        ("a: {x: u8 (pad 0)}", "a.pad has a length of zero"),
        ("a: {x: vec3}", "a.x is of the type vec3"),
        ("a: {x/y: u8}", "\"a.x/y\" is no name"),
        ("9a: u8", "\"9a\" is no name"),
        ("a: {x: [f32]}", "a.x is no type: an array is [type length]"),
        ("a: {x: [f32 -1]}", "a.x is no type: an array is [type length]"),
        ("a: {x: [f32 4294967296]}", "a.x is no type"),
        ("a: {x: (pad 2)}", "a.x is no type"),
        ("a: {(pad x) y: u8}", "a is no type: bytes left free are (pad count)"),
        ("a: {x f32}", "a is no type: it is a list of names and types"),
        ("a: {x:}", "a.x is no type: there is nothing behind its name"),
        ("a: {x: f32", "line 1, column"),
        ("a", "the list of layouts is no type"),
    ] {
        let error = refused(text);
        assert!(error.contains(expected), "{text}: {error}");
    }
}

/// Claim: depth is bounded, also where named types hide it and where each doubles the one below: no time is lost.
#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("a: {}u8{}", "{x: ".repeat(depth), "}".repeat(depth));
    assert_eq!(layouts(&nested(31)).get("a").map(Layout::size), Ok(1));
    assert!(refused(&nested(33)).contains("too deep"));
    let chain = |count: u32| {
        (0..count).map(|n| format!("a{n}: {{x: a{} y: a{}}} ", n + 1, n + 1)).collect::<String>()
    };
    let doubled = |count: u32| format!("{}a{count}: u8", chain(count));
    assert_eq!(layouts(&doubled(13)).get("a0").map(Layout::size), Ok(1 << 13));
    assert!(refused(&doubled(30)).contains("scalars"), "{}", refused(&doubled(30)));
    let deep: String = (0..1000).map(|n| format!("a{n}: {{x: a{}}} ", n + 1)).collect();
    assert!(refused(&format!("{deep} a1000: u8")).contains("too deep"));
    // Measured from its end, each step is short.
    let backwards: String = (1..1000).map(|n| format!("z{:04}: {{x: z{:04}}} ", n, n - 1)).collect();
    assert!(refused(&format!("z0000: u8 {backwards}")).contains("too deep"));
}

/// Claim: a value goes into a field only where it fits, and comes back as it was; what is missing is 0; bytes of
/// another length are refused.
#[test]
fn values() {
    let all = layouts("all: {f: f32 d: f64 i8: i8 u8: u8 i16: i16 u16: u16 i32: i32 u32: u32 b: bool}");
    let all = all.get("all").expect("it is there");
    let mut bytes = all.pack([]).expect("nothing to refuse");
    assert_eq!(bytes, vec![0; all.size() as usize]);
    for (path, value, back) in [
        ("f", Scalar::from(1.5), Some(Scalar::Real(1.5))),
        ("f", Scalar::from(3), Some(Scalar::Real(3.0))),
        ("f", Scalar::from(0.1), Some(Scalar::Real(f64::from(0.1_f32)))),
        ("f", Scalar::from(1e300), None),
        ("f", Scalar::from(true), None),
        ("d", Scalar::from(1e300), Some(Scalar::Real(1e300))),
        ("d", Scalar::from(i64::MAX), None),
        ("i8", Scalar::from(-128), Some(Scalar::Integer(-128))),
        ("i8", Scalar::from(128), None),
        ("u8", Scalar::from(255), Some(Scalar::Integer(255))),
        ("u8", Scalar::from(-1), None),
        ("i16", Scalar::from(-32_768), Some(Scalar::Integer(-32_768))),
        ("u16", Scalar::from(65_536), None),
        ("i32", Scalar::from(i32::MIN), Some(Scalar::Integer(i64::from(i32::MIN)))),
        ("u32", Scalar::from(u32::MAX), Some(Scalar::Integer(i64::from(u32::MAX)))),
        ("u32", Scalar::from(1_i64 << 32), None),
        ("u32", Scalar::from(1.0), None),
        ("b", Scalar::from(true), Some(Scalar::Bool(true))),
        ("b", Scalar::from(0), Some(Scalar::Bool(false))),
        ("b", Scalar::from(2), None),
    ] {
        let before = bytes.clone();
        let written = all.write(&mut bytes, path, value);
        assert_eq!(written.is_ok(), back.is_some(), "{path} {value}: {written:?}");
        if let Some(back) = back {
            assert_eq!(all.read(&bytes, path), Ok(back), "{path} {value}");
        } else {
            assert_eq!(bytes, before, "what is refused changes nothing");
            let error = written.expect_err("it does not fit").to_string();
            assert!(error.contains(path) && error.contains(&value.to_string()), "{error}");
        }
    }
    assert_eq!(all.unpack(&bytes).map(|fields| fields.count()), Ok(9));
    let error = all.read(&bytes, "g").expect_err("no field").to_string();
    assert_eq!(error, "the layout all has no field g");
    assert!(all.read(&bytes[1..], "f").is_err() && all.write(&mut [], "f", Scalar::from(1)).is_err());
    // Little-endian, whatever the machine.
    let bytes = all.pack([("u32", Scalar::from(0x0102_0304))]).expect("it fits");
    let offset = all.field("u32").expect("it is there").offset as usize;
    assert_eq!(bytes[offset..offset + 4], [4, 3, 2, 1]);
}

/// Claim: a change of a field comes back from its object; objects that say something else say nothing.
#[test]
fn changes_are_objects() {
    for value in [Scalar::from(-5), Scalar::from(0.25), Scalar::from(true), Scalar::from(false)] {
        let set = FieldSet { id: u64::MAX - 3, layout: "a".to_owned(), path: "b[2].c".to_owned(), value };
        assert_eq!(FieldSet::from_view(set.to_object().view()), Some(set));
    }
    for text in [
        "[1 \"a\" \"b\"]",
        "(1 \"a\" \"b\" 5)",
        "[1 a \"b\" 5]",
        "[1 \"a\" \"b\" maybe]",
        "[1.5 \"a\" \"b\" 5]",
        "7",
    ] {
        let object = crate::slp::parse_one(text, &crate::slp::Limits::default()).expect(text);
        assert_eq!(FieldSet::from_view(object.view()), None, "{text}");
    }
}

/// Claim: the text of layouts is by name, whatever their order was, and reads back as the same layouts.
#[test]
fn the_text_is_one() {
    let one = layouts("b: {at: a} a: {x: f32 (pad 4) y: [bool 2]}");
    assert_eq!(one.text(), "a: {x: f32 (pad 4) y: [bool 2]}\nb: {at: a}\n");
    assert_eq!(layouts(one.text()), one);
    assert!(refused(&" ".repeat(LAYOUT_TEXT_BYTES_MAX + 1)).contains("bytes"));
}

fn shape() -> impl Strategy<Value = Shape> {
    let scalar = prop::sample::select(&ScalarKind::ALL[..]).prop_map(Shape::Scalar);
    scalar.prop_recursive(4, 40, 5, |inner| {
        let member = prop_oneof![
            6 => ("[a-c]{1,2}", inner.clone()).prop_map(|(name, shape)| Member::Field(name, shape)),
            1 => (0_u32..5).prop_map(Member::Pad),
        ];
        prop_oneof![
            1 => (inner, 0_u32..6).prop_map(|(element, length)| Shape::array(element, length)),
            3 => prop::collection::vec(member, 0..6).prop_map(Shape::Struct),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Claim: a type's text reads back as that type; in what is laid out, scalars lie in order at multiples of their
    /// sizes, share no byte, and end within the size, which is a multiple of the widest.
    #[test]
    fn any_type(shape in shape()) {
        let text = format!("whole: {shape}");
        let compiled = Layouts::compile([("whole".to_owned(), shape)]);
        prop_assert_eq!(&compiled, &Layouts::parse(&text));
        let Ok(compiled) = compiled else { return Ok(()) };
        let layout = compiled.get("whole").expect("it was given");
        let mut end = 0;
        for field in layout.fields() {
            prop_assert!(field.offset >= end && field.offset % field.kind.size() == 0, "{}", text);
            end = field.offset + field.kind.size();
            prop_assert_eq!(layout.field(&field.path), Ok(field));
        }
        prop_assert!(end <= layout.size());
        let widest = layout.fields().iter().map(|field| field.kind.size()).max();
        prop_assert_eq!(widest, Some(layout.align()));
        prop_assert_eq!(layout.size() % layout.align(), 0);
    }

    /// Claim: no text makes the reader panic.
    #[test]
    fn any_text(text in r"[abf328u:\[\]\{\}() pad]{0,40}") {
        drop(Layouts::parse(&text));
    }
}

/// Claim: a short text cannot ask for more paths or scalars than all layouts together may have, at no cost but its own.
#[test]
fn layouts_are_bounded_together() {
    let name = "n".repeat(LAYOUT_NAME_BYTES_MAX);
    let deep = |depth: usize, length: usize| {
        let (open, close) = (format!("{{{name}: ").repeat(depth), "}".repeat(depth));
        format!("deep: {open}[u8 {length}]{close} ")
    };
    let more = |count: usize| (0..count).map(|n| format!("x{n:03}: deep ")).collect::<String>();
    let error = refused(&(deep(30, 16_384) + &more(1000)));
    assert!(error.starts_with("with deep the layouts have 16384 scalars, whose paths have 125"), "{error}");
    let error = refused(&(deep(20, 1024) + &more(1000)));
    assert!(error.starts_with("with x011 the layouts have 13312 scalars"), "{error}");
    let error = refused(&("deep: [u8 16384] ".to_owned() + &more(1000)));
    assert!(error.starts_with("with x063 the layouts have 1064960 scalars"), "{error}");
    // The bound of paths is at least what they have.
    let some = layouts(&(deep(2, 12) + &more(2)));
    assert_eq!(some.iter().map(|layout| layout.fields().len()).sum::<usize>(), 36);
}

/// Claim: what is no number has the same bits in a field, however it came about.
#[test]
fn nans_are_one() {
    let all = layouts("pair: {x: f32 y: f64}");
    let pair = all.get("pair").expect("it is there");
    let packed = |nan: f64| pair.pack([("x", Scalar::Real(nan)), ("y", Scalar::Real(nan))]);
    let plain = packed(f64::NAN);
    assert!(plain.is_ok());
    for nan in [-f64::NAN, f64::from_bits(0x7FF0_0000_0000_0001), f64::from_bits(0xFFF8_0000_DEAD_0000)] {
        assert_eq!(packed(nan), plain, "{:x}", nan.to_bits());
    }
    assert!(
        pair.unpack(&plain.expect("packed")).expect("a value").all(|(_, value)| value.as_real().is_nan())
    );
}
