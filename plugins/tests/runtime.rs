//! The runtime from outside: sessions, scripts, events and principals through the facade.

use diptych::prelude::*;
use diptych::runtime::{Client, Session, Ticket};

fn world() -> (Engine, Client) {
    let engine =
        Engine::in_memory().plugin(Runtime::default()).dt(1.0 / 60.0).build().expect("the plugin builds");
    let client = engine.client().expect("it has a runtime");
    (engine, client)
}

/// Makes still frames until the answer is there; steps do not come.
fn text(engine: &mut Engine, ticket: &Ticket) -> String {
    for _ in 0..10 {
        if let Some(answer) = ticket.get() {
            return answer.result.to_string();
        }
        engine.answer().expect("a still frame");
    }
    "(no answer)".to_owned()
}

fn alice(engine: &mut Engine, client: &Client) -> Session {
    let principal =
        Principal::new("alice").scope("alice_data", ScopeAccess::ReadWrite).topic(100, TopicAccess::PubSub);
    let made = client.principal(principal).expect("a good name");
    assert_eq!(text(engine, &made), "true");
    engine.session("alice", "alice_data").expect("a session")
}

/// A script sets and gets; the text of what it gets is a string.
#[test]
fn set_and_get() {
    let (mut engine, client) = world();
    let session = alice(&mut engine, &client);
    let ticket = session.run("(core/kv/set counter 5) (core/kv/get counter)").expect("it parses");
    assert_eq!(text(&mut engine, &ticket), "\"5\"");
    let ticket = session.run("(core/kv/cas counter \"5\" \"6\")").expect("it parses");
    assert_eq!(text(&mut engine, &ticket), "true");
    let ticket = session.get("counter").expect("asked");
    assert_eq!(text(&mut engine, &ticket), "\"6\"");
    assert_eq!(
        client.look(|index| index.get("alice_data", b"counter").map(ToString::to_string)),
        Some("\"6\"".into())
    );
}

/// An await goes on with the event of a handler's answer, frames later.
#[test]
fn request_and_response() {
    let (mut engine, client) = world();
    let session = alice(&mut engine, &client);
    let handler =
        "(core/event/sub $CHANNEL_A 100 {(core/kv/set seen $data) (core/event/pub $CHANNEL_B 100 \"done\")})";
    let ticket = session.run(handler).expect("it parses");
    assert_eq!(text(&mut engine, &ticket), "true");
    let ticket = session
        .run("(core/expr/await (core/event/pub $CHANNEL_A 100 \"go\") $CHANNEL_B 100)")
        .expect("it parses");
    assert_eq!(text(&mut engine, &ticket), "\"done\"");
    let ticket = session.run("(core/expr/await () $CHANNEL_C 100)").expect("it parses");
    engine.run(Pace::frames(302)).expect("steps");
    assert!(text(&mut engine, &ticket).contains("timed out"), "{:?}", ticket.get());
}

/// Settings and added commands have a part in what frames become: frames that are known by what came in are not made again
/// under others, and the refusal names them. How many requests may wait has none.
#[test]
fn other_settings_are_refused_where_frames_are_made_again() {
    use diptych::runtime::script::Value;
    use diptych::runtime::{Command, Settings};
    let dir = tempfile::tempdir().expect("a directory");
    let (whole, left) = (dir.path().join("whole"), dir.path().join("left"));
    let build = |path: &std::path::Path, runtime: Runtime| {
        Engine::open(path).plugin(runtime).durability(Durability::Inputs(1000)).build()
    };
    let mut engine = build(&whole, Runtime::default()).expect("the plugin builds");
    engine.run(Pace::frames(20)).expect("frames");
    engine.flush().expect("on its way");
    diptych::testkit::copy(&whole, &left).expect("a copy");
    let settings = |change: fn(&mut Settings)| {
        let mut settings = Settings::default();
        change(&mut settings);
        Runtime::default().settings(settings)
    };
    let refused = |runtime| build(&left, runtime).expect_err("other settings").to_string();
    let error = refused(settings(|settings| settings.events = 7));
    assert!(
        error.contains("setting runtime.events 1000") && error.contains("setting runtime.events 7"),
        "{error}"
    );
    let error = refused(settings(|settings| settings.scripts.stack = 99));
    assert!(error.contains("setting runtime.scripts.stack 99"), "{error}");
    let command = Command::new("math/one", |_| Ok(Value::integer(1)));
    let error = refused(Runtime::default().command(command).expect("a good name"));
    assert!(error.contains("setting runtime.command (math/one)"), "{error}");
    let other = build(&left, settings(|settings| settings.requests = 9)).expect("that has no part in frames");
    assert_eq!(other.frame(), engine.frame());
}
