//! Patches as JSON: what editors and tools write, and what is refused.

use diptych::prelude::*;
use diptych::{Id, Patch};
use std::time::Duration;

#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
struct Health(u64);

#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
struct Speed(f64);

const TEXT: &str = concat!(
    r#"[{"set":{"id":"0a1b200000000003","component":"health","value":"6400000000000000"}},"#,
    r#"{"add":{"id":"ffffffffffffffff","component":"word","value":"c3a9"}},"#,
    r#"{"add":{"id":"0a1b200000000003","component":"speed","value":null}},"#,
    r#"{"remove":{"id":"0000000000000001","component":"speed"}},"#,
    r#"{"destroy":{"id":"0a1b200000000004"}}]"#
);

/// Claim: each verb has the documented text, and comes back from it, as from text with a blank value left out.
#[test]
fn each_verb_has_its_text_and_comes_back() {
    let id = Id::from_bits(0x0a1b_2000_0000_0003);
    let patches = vec![
        Patch::set(id, "health", &Health(100)),
        Patch::Add {
            id: Id::from_bits(u64::MAX),
            component: "word".to_owned(),
            value: Some("\u{e9}".as_bytes().to_vec()),
        },
        Patch::Add { id, component: "speed".to_owned(), value: None },
        Patch::remove(Id::from_bits(1), "speed"),
        Patch::destroy(Id::from_bits(id.bits() + 1)),
    ];
    assert_eq!(serde_json::to_string(&patches).expect("it is text"), TEXT);
    let back: Vec<Patch> = serde_json::from_str(TEXT).expect("it was written so");
    assert_eq!(back, patches);
    let short = TEXT.replace(r#","value":null"#, "");
    assert_eq!(serde_json::from_str::<Vec<Patch>>(&short).expect("a value may be left out"), patches);
    assert_eq!(Patch::decode(&Patch::encode(&back)).expect("the compact form"), patches);
}

/// Claim: what is no patch is refused with what is wrong and what there is instead.
#[test]
fn what_is_no_patch_is_refused_by_name() {
    let id = r#""id":"0000000000000001""#;
    for (text, words) in [
        (format!(r#"{{"move":{{{id}}}}}"#), &["`move`", "`set`", "`add`", "`remove`", "`destroy`"][..]),
        (r#"{"destroy":{"id":1}}"#.to_owned(), &["integer `1`", "string"]),
        (r#"{"destroy":{"id":"1"}}"#.to_owned(), &["\"1\" is no id", "16 hex digits"]),
        (r#"{"destroy":{"id":"+000000000000001"}}"#.to_owned(), &["is no id"]),
        (r#"{"destroy":{}}"#.to_owned(), &["missing field `id`"]),
        (format!(r#"{{"destroy":{{{id},"component":"health"}}}}"#), &["unknown field `component`"]),
        (format!(r#"{{"remove":{{{id}}}}}"#), &["missing field `component`"]),
        (format!(r#"{{"set":{{{id},"component":"health"}}}}"#), &["missing field `value`"]),
        (
            format!(r#"{{"set":{{{id},"component":"health","value":"640"}}}}"#),
            &["\"640\" is no value", "pairs"],
        ),
        (format!(r#"{{"set":{{{id},"component":"health","value":"6g"}}}}"#), &["\"6g\" is no value"]),
        (format!(r#"{{"add":{{{id},"component":"health","value":"+1"}}}}"#), &["\"+1\" is no value"]),
    ] {
        let said = serde_json::from_str::<Patch>(&text).expect_err(&text).to_string();
        assert!(words.iter().all(|word| said.contains(word)), "{text}: {said}");
    }
}

/// Claim: patches that came as JSON do to a world what they say.
#[test]
fn patches_from_json_are_carried_out() {
    let mut engine = Engine::in_memory()
        .state::<Health>("health", 1)
        .state::<Speed>("speed", 1)
        .setup("two", |structure| {
            structure.spawn((Health(7),));
            structure.spawn((Health(8),));
        })
        .patches()
        .build()
        .expect("it is built");
    let ids: Vec<Id> = engine.view().iter::<Health>().map(|(id, _)| id).collect();
    let text = format!(
        r#"[{{"set":{{"id":{0},"component":"health","value":"6400000000000000"}}}},
            {{"add":{{"id":{0},"component":"speed"}}}}, {{"destroy":{{"id":{1}}}}}]"#,
        serde_json::to_string(&ids[0]).expect("it is text"),
        serde_json::to_string(&ids[1]).expect("it is text"),
    );
    let patches: Vec<Patch> = serde_json::from_str(&text).expect("they are patches");
    let sent = engine.inputs().patch("editor", &patches).expect("there is room");
    engine.step().expect("a frame");
    assert_eq!(sent.wait(Duration::from_secs(10)).expect("they are carried out"), 1);
    let left: Vec<_> = engine.view().iter::<Health>().map(|(id, health)| (id, *health)).collect();
    assert_eq!(left, [(ids[0], Health(100))]);
    assert_eq!(engine.view().get::<Speed>(ids[0]), Some(&Speed(0.0)));
}
