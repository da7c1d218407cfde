//! What is read and what is refused.

use super::*;

fn run(line: &str) -> (Option<String>, String, String) {
    let line = read(line.as_bytes());
    match line.request {
        Ok(Request::Run { session, script }) => (line.id.map(str::to_owned), session.into(), script.into()),
        other => panic!("{other:?}"),
    }
}

/// Claim: the quick way and serde read the same.
#[test]
fn two_readers_agree() {
    for text in [
        r#"{"op":"run","session":"s","script":"(a \"b\\\" \n\t\/)","id":17}"#,
        r#" { "id" : "x" , "session":"s","op":"run", "script":""} "#,
        r#"{"op":"run","session":"s\u00e9","script":"\ud83d\ude00"}"#,
        r#"{"op":"run","session":"s","script":"(x","id":0}"#,
    ] {
        assert!(quick(text).is_some(), "{text}");
        let members: Members<'_> = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}"));
        let id = members.id.map(|id| id.get().to_owned());
        let said =
            (id, members.session.expect("there").into_owned(), members.script.expect("there").into_owned());
        assert_eq!(run(text), said, "{text}");
    }
}

/// Claim: what the quick way must not take it leaves to serde, which refuses it.
#[test]
fn wrong_lines_are_refused() {
    for (text, named) in [
        ("", "empty"),
        ("[1]", "no JSON object"),
        ("{", "EOF"),
        (r#"{"op":"run","session":"s","script":"\x"}"#, "escape"),
        (r#"{"op":"run","session":"s","script":"\ud800"}"#, "escape"),
        (r#"{"op":"run","session":"s","script":"a","script":"b"}"#, "duplicate"),
        (r#"{"op":"run","session":"s","script":"a"} x"#, "trailing"),
        (r#"{"op":"run","session":"s","script":"a",}"#, "trailing comma"),
        (r#"{"op":"run","session":"s","script":"a","id":01}"#, "number"),
        ("{\"op\":\"run\",\"session\":\"s\",\"script\":\"\u{1}\"}", "control"),
        (r#"{"op":"run","session":"s"}"#, "needs \"script\""),
        (r#"{"op":"run","session":5,"script":"a"}"#, "invalid type"),
        (r#"{"op":"fly"}"#, "no op \"fly\""),
        (r#"{"id":1}"#, "no \"op\""),
        (r#"{"op":"frames","count":-1}"#, "-1"),
        (r#"{"op":"grant_topic","entity":"a","topic":-1,"permission":"PUBSUB"}"#, "0 to 65535"),
        (r#"{"op":"grant_scope","entity":"a","scope":"a/b","permission":"READ"}"#, "'/'"),
        (r#"{"op":"grant_scope","entity":"a","scope":"a","permission":"ALL"}"#, "READ_WRITE"),
        (r#"{"op":"session","session":"","entity":"a","scope":"a"}"#, "empty"),
        (r#"{"op":"principal","entity":"a","topics":{"65536":"PUBSUB"}}"#, "65536"),
    ] {
        let message = read(text.as_bytes()).request.expect_err(text);
        assert!(message.contains(named) && !message.contains('\n'), "{text}: {message}");
    }
    assert!(read(b"{\"op\":\"\xff\"}").request.is_err_and(|message| message.contains("byte 7")));
}

/// Claim: the id of a refused request is repeated, null and lists too.
#[test]
fn ids_of_refusals() {
    for id in ["null", "[1, {}]", "-5", "\"a\""] {
        let line = format!("{{\"op\":7,\"id\":{id}}}");
        let read = read(line.as_bytes());
        assert!(read.request.is_err());
        assert_eq!(read.id, Some(id));
    }
}

/// Claim: a principal comes with its grants, and topics are numbers or strings of one.
#[test]
fn principals_are_read() {
    let line =
        br#"{"op":"principal","entity":"a","scopes":{"s":"READ"},"topics":{"7":"PUBLISH"},"max_rps":3}"#;
    let Ok(Request::Ask(Ask::Principal(read_one))) = read(line).request else { panic!("no principal") };
    let expected =
        Principal::new("a").scope("s", ScopeAccess::Read).topic(7, TopicAccess::Publish).max_rps(3);
    assert_eq!(read_one, expected);
    for topic in ["7", "\"7\""] {
        let line = format!("{{\"op\":\"revoke_topic\",\"entity\":\"a\",\"topic\":{topic}}}");
        assert!(matches!(
            read(line.as_bytes()).request,
            Ok(Request::Ask(Ask::Change(_, Change::RevokeTopic(7))))
        ));
    }
}
