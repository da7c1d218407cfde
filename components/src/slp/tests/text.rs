//! The parser and the printer, row by row.

use super::{forms, one};
use crate::slp::{Kind, Limits, Object, ParseErrorKind, SYMBOL_BYTES_MAX, parse, parse_one};

/// Each text reads as forms that print as the other text, which reads as itself.
#[test]
fn texts_print_canonically() {
    let rows: [(&[u8], &[u8]); 40] = [
        (b"", b"[]"),
        (b"  \t\n\x0b\x0c\r ", b"[]"),
        (b"; only a comment", b"[]"),
        (b"; one\n1 ;two\n;three\n2", b"[1 2]"),
        (b"()", b"[()]"),
        (b"(a(b)c)", b"[(a (b) c)]"),
        (b"a(b", b"unclosed"),
        (b"a[1]{2}b", b"[a [1] {2} b]"),
        (b"x\"y\"z", b"[x \"y\" z]"),
        (b"a;b\nc", b"[a c]"),
        (b"a'b a@b", b"[a'b a@b]"),
        (b"'x @x ''x @@x '@x", b"['x @x ''x @@x '@x]"),
        (b"' ; note\n x", b"['x]"),
        (b"'(1 '2)@\"no\"", b"['(1 '2) @\"no\"]"),
        (b"'\"a\"'1 '()", b"['\"a\" '1 '()]"),
        (b"+5 -5 007 -0 +0", b"[5 -5 7 0 0]"),
        (b".5 5. -.5 +.5 1E+3 0e0 1e-2", b"[0.5 5.0 -0.5 0.5 1000.0 0.0 0.01]"),
        (b"-0.0 1e300 1e-7 5e-324", b"[-0.0 1e300 1e-7 5e-324]"),
        (b"9223372036854775807 -9223372036854775808", b"[9223372036854775807 -9223372036854775808]"),
        (b"00000000000000000000000000000000001", b"[1]"),
        (b"- + --5 1-2 1.2.3 12abc 0x1F 1e5.5", b"[- + --5 1-2 1.2.3 12abc 0x1F 1e5.5]"),
        (
            b"nan inf true e e5 -e1 ... .. .5a +a -a 1e5e3 1+",
            b"[nan inf true e e5 -e1 ... .. .5a +a -a 1e5e3 1+]",
        ),
        (b"\"\"", b"[\"\"]"),
        (b"\"a\\\"b\\\\c\\nd\"", b"[\"a\\\"b\\\\cnd\"]"),
        (b"\"a\nb\0c\xff\"", b"[\"a\nb\0c\xff\"]"),
        (b"\"a;b(c)'d\"", b"[\"a;b(c)'d\"]"),
        (b"core/kv/set user:123 $key $CHANNEL_A", b"[core/kv/set user:123 $key $CHANNEL_A]"),
        ("gr\u{fc}n \u{4f60}".as_bytes(), "[gr\u{fc}n \u{4f60}]".as_bytes()),
        (b"{}[]()", b"[{} [] ()]"),
        (b"(a]", b"wrong_closer"),
        (b")", b"lone_closer"),
        (b".", b"malformed_number"),
        (b"-.", b"malformed_number"),
        (b".e1", b"malformed_number"),
        (b"1e", b"malformed_number"),
        (b"1e+", b"malformed_number"),
        (b"9223372036854775808", b"out"),
        (b"1e999", b"out"),
        (b"1e-400", b"out"),
        (b"0e-400 0.0e999", b"[0.0 0.0]"),
    ];
    for (text, expected) in rows {
        let shown = String::from_utf8_lossy(text);
        if let Ok(forms) = parse(text, &Limits::default()) {
            let mut printed = Vec::new();
            forms.as_object().view().print(&mut printed);
            assert_eq!(printed, expected, "{shown}: {forms:?}");
            assert_eq!(one(&printed), *forms.as_object(), "{shown}");
        } else {
            assert!(!expected.starts_with(b"["), "{shown} does not parse");
        }
    }
}

/// Each text is refused for its reason, at its byte, line and column.
#[test]
fn errors_name_their_place() {
    use ParseErrorKind as K;
    let long = "x".repeat(SYMBOL_BYTES_MAX + 1);
    let rows: [(&[u8], K, u32, u32, u32); 32] = [
        (b"(", K::UnclosedParen, 0, 1, 1),
        (b"(a\n (b [c) ", K::WrongCloser, 9, 2, 7),
        (b"(a\n (b [c ", K::UnclosedBracket, 7, 2, 5),
        (b"(a {b (c) ", K::UnclosedBrace, 3, 1, 4),
        (b"(a (b) ", K::UnclosedParen, 0, 1, 1),
        (b"[[]", K::UnclosedBracket, 0, 1, 1),
        (b"(a \"b)", K::UnclosedString, 3, 1, 4),
        (b"\"a\\", K::UnclosedString, 0, 1, 1),
        (b"\"a\\\"", K::UnclosedString, 0, 1, 1),
        (b"(a]", K::WrongCloser, 2, 1, 3),
        (b"{)", K::WrongCloser, 1, 1, 2),
        (b")", K::LoneCloser, 0, 1, 1),
        (b"(a))", K::LoneCloser, 3, 1, 4),
        (b"1\n2 }", K::LoneCloser, 4, 2, 3),
        (b"'", K::PrefixWithoutObject, 1, 1, 2),
        (b"(a ')", K::PrefixWithoutObject, 4, 1, 5),
        (b"(@ ]", K::PrefixWithoutObject, 2, 1, 3),
        (b"'@ ; x", K::PrefixWithoutObject, 2, 1, 3),
        (b"a .", K::MalformedNumber, 2, 1, 3),
        (b"-.", K::MalformedNumber, 0, 1, 1),
        (b"+.", K::MalformedNumber, 0, 1, 1),
        (b".e1", K::MalformedNumber, 0, 1, 1),
        (b"(1e)", K::MalformedNumber, 1, 1, 2),
        (b"1e+", K::MalformedNumber, 0, 1, 1),
        (b"9223372036854775808", K::NumberOutOfRange, 0, 1, 1),
        (b"-9223372036854775809", K::NumberOutOfRange, 0, 1, 1),
        (b"1e309", K::NumberOutOfRange, 0, 1, 1),
        (b"-1e-400", K::NumberOutOfRange, 0, 1, 1),
        (b"a\xff", K::SymbolNotUtf8, 0, 1, 1),
        (b"\xc3(", K::SymbolNotUtf8, 0, 1, 1),
        (b"\n\n  1e\n", K::MalformedNumber, 4, 3, 3),
        (long.as_bytes(), K::SymbolTooLong, 0, 1, 1),
    ];
    for (text, kind, byte, line, column) in rows {
        let shown = String::from_utf8_lossy(&text[..text.len().min(40)]);
        let error = parse(text, &Limits::default()).expect_err(&shown);
        assert_eq!((error.kind, error.byte, error.line, error.column), (kind, byte, line, column), "{shown}");
    }
}

/// One object is one: none and two are refused, two at the second.
#[test]
fn one_object_is_one() {
    assert_eq!(one(" 5 ; five"), Object::integer(5));
    assert_eq!(one("(a b)").view().len(), 2);
    for (text, kind, byte) in [
        ("", ParseErrorKind::Nothing, 0),
        (" ; x", ParseErrorKind::Nothing, 0),
        ("a b", ParseErrorKind::MoreThanOne, 2),
        ("'a  (b c) d", ParseErrorKind::MoreThanOne, 4),
    ] {
        let error = parse_one(text, &Limits::default()).expect_err(text);
        assert_eq!((error.kind, error.byte), (kind, byte), "{text}");
    }
}

/// Forms share one buffer and are told apart.
#[test]
fn forms_are_objects_of_one_buffer() {
    let forms = forms("(set a 1) (get a) \"x\"");
    assert_eq!((forms.len(), forms.is_empty()), (3, false));
    let kinds: Vec<Kind> = forms.iter().map(|form| form.kind()).collect();
    assert_eq!(kinds, [Kind::Paren, Kind::Paren, Kind::String]);
    let (first, second) = (forms.get(0).expect("three"), forms.get(1).expect("three"));
    assert_eq!(first.heap_bytes(), second.heap_bytes());
    assert!(second.compact().heap_bytes() < second.heap_bytes());
    assert_eq!(forms.get(3), None);
    assert_eq!(second.child(1), first.child(1));
}

/// What a thread parsed before, even in vain, leaves no trace in what it parses next.
#[test]
fn no_text_sees_the_one_before() {
    let names: String = (0..100).map(|n| format!("name{n} ")).collect();
    let befores = ["(a b \"text\" (c", "'", "'@", "(a] b", "1e", "a b", names.as_str(), "x\"", "{{{'"];
    for text in ["(a b name7 \"text\" c)", "5", "a", "", "'(b)", names.as_str()] {
        let fresh = |text: String| {
            let thread = std::thread::spawn(move || {
                let forms = parse(&text, &Limits::default()).expect("it parses").into_object();
                forms.to_bytes().into_owned()
            });
            thread.join().expect("it does not panic")
        };
        let expected = fresh(text.to_owned());
        for before in befores {
            drop(parse(before, &Limits::default()));
            drop(parse_one(before, &Limits::default()));
            let forms = parse(text, &Limits::default()).expect("it parses").into_object();
            assert_eq!(forms.to_bytes(), expected, "{text} after {before}");
        }
    }
}
