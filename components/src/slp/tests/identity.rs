//! Printing and parsing, encoding and decoding, are each other's inverse, for trees made at random.

use crate::slp::{Binary, Builder, Format, Json, Kind, Limits, Object, Text, parse};
use proptest::prelude::*;

fn leaf() -> impl Strategy<Value = Object> {
    let real = any::<f64>().prop_filter("a real that has a text", |value| value.is_finite());
    let symbol = "[-+.a-z0-9'@/:$\u{e4}]{1,6}".prop_filter_map("a symbol", |name| Object::symbol(&name).ok());
    prop_oneof![
        any::<i64>().prop_map(Object::integer),
        (-9_i64..100).prop_map(Object::integer),
        real.prop_map(Object::real),
        symbol,
        prop::collection::vec(any::<u8>(), 0..24).prop_map(Object::string),
        "[a-c\"\\\\\n]{0,5}".prop_map(Object::string),
    ]
}

fn tree() -> impl Strategy<Value = Object> {
    leaf().prop_recursive(6, 96, 8, |inner| {
        let kind = prop_oneof![Just(Kind::Paren), Just(Kind::Bracket), Just(Kind::Brace)];
        prop_oneof![
            4 => (kind, prop::collection::vec(inner.clone(), 0..8)).prop_map(|(kind, items)| Object::list(kind, &items)),
            1 => inner.clone().prop_map(|inner| Object::some(&inner)),
            1 => inner.prop_map(|inner| Object::wrap_error(&inner)),
        ]
    })
}

fn round<F: Format>(object: &Object) -> Object {
    let mut bytes = Vec::new();
    F::encode(object, &mut bytes);
    let read = F::decode(&bytes, &Limits::default());
    read.unwrap_or_else(|error| panic!("{} of {object}: {error}", F::NAME))
}

proptest! {
    /// Each codec reads back what it wrote, with the same bytes in memory, and so does every child on its own.
    #[test]
    fn codecs_are_identities(object in tree()) {
        for read in [round::<Text>(&object), round::<Binary>(&object), round::<Json>(&object)] {
            prop_assert_eq!(&read, &object);
            prop_assert_eq!(read.to_bytes(), object.to_bytes());
        }
        for index in 0..object.view().children().len() as u32 {
            let child = object.child(index).expect("a child");
            prop_assert_eq!(round::<Text>(&child), child.clone());
            let (compact, read) = (child.compact(), round::<Text>(&child));
            prop_assert_eq!(compact.to_bytes(), read.to_bytes());
        }
    }

    /// Any bytes parse or are refused at a byte of the text; what parses prints to what parses to the same.
    #[test]
    fn any_text_is_met(text in prop::collection::vec(prop_oneof![
        3 => prop::sample::select(b"()[]{}\"\\'@; \n.-+e0159ax\xc3\xa4".to_vec()),
        1 => any::<u8>(),
    ], 0..64)) {
        match parse(&text, &Limits::default()) {
            Ok(forms) => {
                let object = forms.into_object();
                prop_assert_eq!(round::<Text>(&object), object.clone());
                prop_assert_eq!(Object::load(&object.to_bytes()), Ok(object));
            }
            Err(error) => prop_assert!(error.byte as usize <= text.len(), "{}", error),
        }
    }

    /// Two trees are equal exactly when their bytes are, and when their texts are.
    #[test]
    fn equality_is_of_bytes_and_of_text(one in tree(), two in tree()) {
        prop_assert_eq!(one == two, one.to_bytes() == two.to_bytes());
        prop_assert_eq!(one == two, one.to_string() == two.to_string() && one.text() == two.text());
        let mut builder = Builder::new();
        builder.open(Kind::Brace).copy(one.view()).copy(two.view()).close();
        let both = builder.finish();
        prop_assert_eq!(both.child(0), Some(one));
        prop_assert_eq!(both.child(1), Some(two));
    }
}
