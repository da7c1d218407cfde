//! The JSON codec: its table, and what it refuses.

use super::one;
use crate::slp::{DecodeError, Format, Json, JsonFault, Limits, NotASymbol, Object};

fn encode(object: &Object) -> String {
    let mut out = Vec::new();
    Json::encode(object, &mut out);
    String::from_utf8(out).expect("JSON is UTF-8")
}

fn decode(json: &str) -> Result<Object, DecodeError> {
    Json::decode(json.as_bytes(), &Limits::default())
}

/// Each object has its JSON, and that JSON is the object.
#[test]
fn objects_have_their_json() {
    let rune = one("\"x\"").child(0).expect("a byte");
    let rows = [
        (Object::none(), r#"{"none":null}"#),
        (one("-9223372036854775808"), r#"{"int":-9223372036854775808}"#),
        (one("1.0"), r#"{"real":1.0}"#),
        (one("-0.0"), r#"{"real":-0.0}"#),
        (one("1e300"), r#"{"real":1e300}"#),
        (Object::real(f64::INFINITY), r#"{"real":"inf"}"#),
        (Object::real(f64::NEG_INFINITY), r#"{"real":"-inf"}"#),
        (Object::real(f64::NAN), r#"{"real":"nan"}"#),
        (one("a\\b"), r#"{"sym":"a\\b"}"#),
        (one("\"x\\\"\n\0\""), r#"{"str":"x\"\n\u0000"}"#),
        (one(b"\"\xff\""), r#"{"str":{"base64":"/w=="}}"#),
        (rune, r#"{"rune":120}"#),
        (
            one("(() [1] {'a @b})"),
            r#"{"paren":[{"paren":[]},{"bracket":[{"int":1}]},{"brace":[{"some":{"sym":"a"}},{"err":{"sym":"b"}}]}]}"#,
        ),
    ];
    for (object, json) in rows {
        assert_eq!(encode(&object), json);
        assert_eq!(decode(json).as_ref(), Ok(&object), "{json}");
    }
}

/// JSON of other writers is read too: spaces, escapes, integers as reals.
#[test]
fn other_writers_are_read() {
    let rows = [
        (" {\t\"paren\" :\n[ {\"int\" : 1 } , {\"sym\":\"a\"}\r] } ", "(1 a)"),
        (r#"{"real":1}"#, "1.0"),
        (r#"{"real":-0}"#, "-0.0"),
        (r#"{"real":0e9}"#, "0.0"),
        (r#"{"real":123456789012345678901234567890}"#, "1.2345678901234568e29"),
        (r#"{"str":"\u0041\ud83d\ude00\/\b\f\r\t\u000a"}"#, "\"A\u{1f600}/\u{8}\u{c}\r\t\n\""),
        (r#"{"\u0069nt":5}"#, "5"),
        (r#"{"str":{"base64":"YQ=="}}"#, "\"a\""),
    ];
    for (json, text) in rows {
        assert_eq!(decode(json), Ok(one(text)), "{json}");
    }
}

/// Each JSON is refused for its reason, at its byte.
#[test]
fn wrong_json_is_refused() {
    use JsonFault as F;
    let rows = [
        ("", F::Expected('{'), 0),
        ("5", F::Expected('{'), 0),
        ("{}", F::Expected('"'), 1),
        (r#"{"int"}"#, F::Expected(':'), 6),
        (r#"{"int":}"#, F::ExpectedInteger, 7),
        (r#"{"int":1.0}"#, F::ExpectedInteger, 7),
        (r#"{"int":01}"#, F::ExpectedInteger, 7),
        (r#"{"int":+1}"#, F::ExpectedInteger, 7),
        (r#"{"int":9223372036854775808}"#, F::ExpectedInteger, 7),
        (r#"{"int":1"#, F::Expected('}'), 8),
        (r#"{"int":1,"int":1}"#, F::SecondTag, 8),
        (r#"{"int":1}}"#, F::Trailing, 9),
        (r#"{"int":1} {"int":1}"#, F::Trailing, 10),
        (r#"{"integer":1}"#, F::UnknownTag, 1),
        (r#"{"none":0}"#, F::ExpectedNull, 8),
        (r#"{"rune":256}"#, F::ExpectedRune, 8),
        (r#"{"real":1e999}"#, F::ExpectedReal, 8),
        (r#"{"real":1e-999}"#, F::ExpectedReal, 8),
        (r#"{"real":"1"}"#, F::ExpectedReal, 8),
        (r#"{"real":.5}"#, F::ExpectedReal, 8),
        (r#"{"real":NaN}"#, F::ExpectedReal, 8),
        (r#"{"sym":"a b"}"#, F::BadSymbol(NotASymbol::Delimiter(1)), 7),
        (r#"{"sym":"5"}"#, F::BadSymbol(NotASymbol::Number), 7),
        (r#"{"sym":""}"#, F::BadSymbol(NotASymbol::Empty), 7),
        (r#"{"str":"a"#, F::BadString, 7),
        (r#"{"str":"a\x"}"#, F::BadString, 9),
        (r#"{"str":"\ud800"}"#, F::BadString, 8),
        (r#"{"str":"\ud800\u0041"}"#, F::BadString, 8),
        (r#"{"str":"\u12"}"#, F::BadString, 8),
        ("{\"str\":\"a\nb\"}", F::BadString, 9),
        (r#"{"str":{"hex":"aa"}}"#, F::UnknownTag, 8),
        (r#"{"str":{"base64":"YQ"}}"#, F::BadBase64, 17),
        (r#"{"str":{"base64":"YQ==","x":1}}"#, F::SecondTag, 23),
        (r#"{"paren":[{"int":1},]}"#, F::Expected('{'), 20),
        (r#"{"paren":[{"int":1} {"int":1}]}"#, F::ExpectedNext, 20),
        (r#"{"paren":{"int":1}}"#, F::Expected('['), 9),
        (r#"{"paren":[]"#, F::Expected('}'), 11),
        (r#"{"some":[]}"#, F::Expected('{'), 8),
        (r#"{"some":{"int":1},"err":1}"#, F::SecondTag, 17),
    ];
    for (json, fault, byte) in rows {
        let Err(DecodeError::Json(error)) = decode(json) else { panic!("{json} was read") };
        assert_eq!((error.fault, error.byte), (fault, byte), "{json}");
    }
    let Err(DecodeError::Json(error)) = Json::decode(b"{\"str\":\"\xff\"}", &Limits::default()) else {
        panic!("it is not UTF-8")
    };
    assert_eq!(error.fault, F::BadString);
}
