//! Objects, views and the builder.

use super::{forms, one};
use crate::slp::{Builder, Kind, NotASymbol, Object};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

fn hash(object: &Object) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(object)
}

/// The same tree, parsed, built, listed, copied, loaded, or as a child: equal, of equal hash and of equal bytes.
#[test]
fn one_tree_has_one_layout() {
    let text = "(core/kv/set a '(1 2.5 \"x\" \"\" a) [] @\"no\" core/kv/set {a {b}})";
    let parsed = one(text);
    let child = forms(format!("zz \"w\" {text} b")).get(2).expect("four forms");
    let mut builder = Builder::new();
    builder.open(Kind::Paren);
    for part in parsed.view().children() {
        builder.copy(part);
    }
    builder.close();
    let parts: Vec<Object> = (0..parsed.view().len()).filter_map(|n| parsed.child(n)).collect();
    let loaded = Object::load(&parsed.to_bytes()).expect("it was stored just now");
    for other in [child.clone(), child.compact(), builder.finish(), Object::list(Kind::Paren, &parts), loaded]
    {
        assert_eq!(other, parsed);
        assert_eq!(hash(&other), hash(&parsed));
        assert_eq!(other.to_bytes(), parsed.to_bytes());
        assert_eq!(other.to_string(), text);
        assert_eq!(other.clone().compact().heap_bytes(), parsed.heap_bytes());
    }
    assert_ne!(one("(a 1)"), one("(a 2)"));
    assert_ne!(one("(a 1)"), one("(a 1 1)"));
    assert_ne!(one("(a (1))"), one("(a ((1)))"));
    assert_ne!(one("(a)"), one("[a]"));
    assert_ne!(one("0.0"), one("-0.0"));
    assert_ne!(one("\"a\""), one("a"));
}

/// What stands alone needs no memory, and is the same wherever it comes from.
#[test]
fn small_objects_need_no_buffer() {
    let list = one("(1 2.5 () \"\" true a)");
    for (n, text) in ["1", "2.5", "()", "\"\""].into_iter().enumerate() {
        let child = list.child(n as u32).expect("six children");
        assert_eq!((child.heap_bytes(), &child), (0, &one(text)), "{text}");
    }
    assert_eq!(Object::boolean(true).heap_bytes(), 0);
    assert_eq!(list.child(4), Some(Object::boolean(true)));
    assert_eq!(Object::boolean(false).to_bytes(), Object::symbol("false").expect("a symbol").to_bytes());
    assert_eq!(Object::boolean(true).to_bytes(), one("true").to_bytes());
    assert_eq!(Object::default(), Object::none());
    assert_eq!(Object::none().to_string(), "()");
}

/// Views answer for what they are and refuse the rest.
#[test]
fn views_tell_what_they_see() {
    let list = one("(sym \"a\\\"b\" -7 1.5 'q @\"bad\" [1])");
    let view = list.view();
    let at = |n| view.get(n).expect("seven children");
    assert_eq!((view.len(), view.children().len(), view.get(7)), (7, 7, None));
    assert_eq!((at(0).symbol(), at(0).symbol_str(), at(0).len()), (Some(&b"sym"[..]), Some("sym"), 0));
    assert!(at(0).is_symbol("sym") && !at(1).is_symbol("a\"b"));
    assert_eq!((at(1).string(), at(1).len(), at(1).symbol()), (Some(&b"a\"b"[..]), 3, None));
    assert_eq!(
        (at(2).integer(), at(2).real(), at(3).real(), at(3).integer()),
        (Some(-7), None, Some(1.5), None)
    );
    assert_eq!(at(4).inner().and_then(|view| view.symbol_str()), Some("q"));
    assert_eq!(at(5).inner().and_then(|view| view.string()), Some(&b"bad"[..]));
    assert_eq!((at(6).inner(), at(6).get(0).and_then(|view| view.integer())), (None, Some(1)));
    let rune = at(1).get(1).expect("three bytes");
    assert_eq!((rune.kind(), rune.rune(), rune.to_string()), (Kind::Rune, Some(b'"'), "\"\\\"\"".to_owned()));
    assert_eq!(rune.to_object(&list), list.child(1).and_then(|text| text.child(1)).expect("three bytes"));
    assert_eq!((at(0).get(0), at(2).get(0), at(1).children().len()), (None, None, 0));
}

/// A place told by a view leads back to the object, and a view of another buffer is copied.
#[test]
fn places_lead_back() {
    let list = one("(f (g 1) \"x\")");
    for child in list.view().children() {
        assert_eq!(list.at(child.index()).view(), child);
        assert_eq!(child.to_object(&list).view(), child);
        assert_eq!(child.to_object(&Object::none()).view(), child);
    }
    assert_eq!(list.at(list.view().index()), list);
    let alone = Object::integer(3);
    assert_eq!(alone.at(alone.view().index()), alone);
}

/// Constructors make what the text says.
#[test]
fn constructors_agree_with_text() {
    let five = Object::integer(5);
    assert_eq!(Object::error("no"), one("@\"no\""));
    assert_eq!(Object::some(&five), one("'5"));
    assert_eq!(Object::wrap_error(&five), one("@5"));
    assert_eq!(Object::string("a\"\\\n").to_string(), "\"a\\\"\\\\\n\"");
    assert_eq!(Object::string("sixteen bytes ..").to_bytes(), one("\"sixteen bytes ..\"").to_bytes());
    assert_eq!(Object::string("seventeen bytes .").to_bytes(), one("\"seventeen bytes .\"").to_bytes());
    assert_eq!(Object::real(0.1), one("0.1"));
    assert_eq!(&*Object::string("plain").text(), b"plain");
    assert_eq!(&*Object::real(2.0).text(), b"2.0");
    assert_eq!(&*one("( a  \"b\" )").text(), b"(a \"b\")");
    assert_eq!(Object::real(f64::NAN).to_string(), "nan");
    assert_eq!(Object::real(f64::NEG_INFINITY).to_string(), "-inf");
}

/// A name that would read back as something else is no symbol.
#[test]
fn symbols_read_back() {
    for name in ["a", "core/kv/set", "-", "1-2", "a'b", "nan", "\u{e4}"] {
        assert_eq!(Object::symbol(name).as_ref(), Ok(&one(name)), "{name}");
    }
    let long = "x".repeat(crate::slp::SYMBOL_BYTES_MAX + 1);
    for (name, error) in [
        ("", NotASymbol::Empty),
        ("a b", NotASymbol::Delimiter(1)),
        ("'a", NotASymbol::Delimiter(0)),
        ("ab\"", NotASymbol::Delimiter(2)),
        ("5", NotASymbol::Number),
        ("1e", NotASymbol::Number),
        ("1e999", NotASymbol::Number),
        (&long, NotASymbol::TooLong),
    ] {
        assert_eq!(Object::symbol(name), Err(error), "{name:.20}");
        assert_eq!(Builder::new().symbol(name).err(), Some(error), "{name:.20}");
    }
}
