//! Sessions: how they begin, end, and come back; principals that go; names that cannot be.

use super::{World, assert_error};
use diptych::prelude::*;
use diptych::runtime::{Ask, Change, Settings};

/// The same id attaches with the same principal and scope only.
#[test]
fn attaching() {
    let mut world = World::memory();
    let first = world.alone(2);
    world.principal(Principal::new("q").scope("p", ScopeAccess::ReadWrite));
    assert_eq!(world.run(&first, "(core/event/sub A 1 {(core/kv/set heard $data)})"), "true");
    let again = world.session("s", "p", "p");
    assert_eq!(world.run(&again, "(core/event/pub A 1 x)"), "true");
    world.still(2);
    assert_eq!(world.entries("p"), ["heard=x"]);
    for (principal, scope) in [("q", "p"), ("p", "q")] {
        let other = world.client.open("s", principal, scope).expect("the names are good");
        assert_error(
            &world.text(other.opened()),
            "session s is open already, of principal p in scope p",
            scope,
        );
    }
    let nobody = world.client.open("n", "nobody", "p").expect("the names are good");
    assert_error(&world.text(nobody.opened()), "NO_ENTITY", "no such principal");
    assert_error(&world.run(&nobody, "1"), "there is no session n", "its session");
    let closed = first.close().expect("asked");
    assert_eq!(world.text(&closed), "true");
    assert_error(&world.run(&again, "1"), "there is no session s", "closed");
    let twice = again.close().expect("asked");
    assert_error(&world.text(&twice), "no session s to close", "closed twice");
    // The name is free again.
    world.session("s", "q", "p");
}

/// Document 000: two tenants with the same keys; a session in a scope that was not granted can be opened, and can do
/// nothing there; a scope that is shared is read by one and written by the other.
#[test]
fn tenants() {
    let mut world = World::memory();
    let alice = Principal::new("alice").scope("alice_data", ScopeAccess::ReadWrite);
    world.principal(alice.scope("shared", ScopeAccess::ReadWrite));
    let bob = Principal::new("bob").scope("bob_data", ScopeAccess::ReadWrite);
    world.principal(bob.scope("shared", ScopeAccess::Read));
    let alice = world.session("alice1", "alice", "alice_data");
    let bob = world.session("bob1", "bob", "bob_data");
    assert_eq!(world.run(&alice, "(core/kv/set counter 42) (core/kv/get counter)"), "\"42\"");
    assert_error(&world.run(&bob, "(core/kv/get counter)"), "key not found", "bob's own");
    assert_eq!(
        world.run(&bob, "(core/kv/set counter 7) (core/kv/iterate \"\" 0 9 {(core/kv/set seen $key)})"),
        "true"
    );
    assert_eq!(world.entries("alice_data"), ["counter=42"]);
    assert_eq!(world.entries("bob_data"), ["counter=7", "seen=counter"]);
    // There is no way out of a scope by a key.
    assert_eq!(world.run(&bob, "(core/kv/set alice_data/counter 1) (core/kv/set ../alice_data/x 1)"), "true");
    assert_eq!(world.entries("alice_data"), ["counter=42"]);
    let raw =
        |raw: &[u8]| world.client.look(|index| index.get_raw(raw).ok().flatten().map(ToString::to_string));
    assert_eq!(raw(b"bob_data/alice_data/counter").as_deref(), Some("1"));
    assert_eq!(raw(b"alice_data/counter").as_deref(), Some("42"));
    let spy = world.session("spy", "bob", "alice_data");
    for script in ["(core/kv/get counter)", "(core/kv/set counter 1)", "(core/kv/iterate \"\" 0 9 {})"] {
        assert_error(&world.run(&spy, script), "PERMISSION_DENIED: principal bob has no", script);
    }
    let (writer, reader) = (world.session("w", "alice", "shared"), world.session("r", "bob", "shared"));
    let written = writer.run("(core/kv/set note hi)").expect("asked");
    let read = reader.run("(core/kv/get note)").expect("asked");
    assert_eq!((world.text(&written), world.text(&read)), ("true".into(), "\"hi\"".into()));
    assert_error(&world.run(&reader, "(core/kv/set note ho)"), "PERMISSION_DENIED", "READ does not write");
}

/// A session with a time ends after it, with its handlers and scripts; who waits is told.
#[test]
fn times() {
    let mut world = World::memory();
    let stays = world.alone(3);
    let short = world.client.open_for("short", "p", "p", Some(30)).expect("the names are good");
    assert_eq!(world.text(short.opened()), "true");
    assert_eq!(world.run(&short, "(core/event/sub A 1 {(core/util/log $data)})"), "true");
    let waits = short.run("(core/expr/await 1 B 1)").expect("asked");
    world.still(40);
    world.steps(28);
    assert_eq!(world.run(&stays, "(core/event/pub A 1 in)"), "true");
    world.still(2);
    assert_eq!(world.log(), ["[session:short] in"]);
    assert!(waits.get().is_none());
    world.steps(4);
    assert_error(&world.text(&waits), "session short has ended before its script: its time is over", "await");
    assert_eq!(world.run(&stays, "(core/event/pub A 1 out)"), "true");
    world.still(2);
    assert!(world.log().is_empty());
    assert_error(&world.run(&short, "1"), "there is no session short", "over");
}

/// Reopened, a session that holds a handler or a script is there, others are not; times go on.
#[test]
fn reopening() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut world = World::open(dir.path());
    let holds = world.alone(5);
    let empty = world.session("empty", "p", "p");
    let was = world.session("was", "p", "p");
    let timed = world.client.open_for("timed", "p", "p", Some(100)).expect("the names are good");
    assert_eq!(world.run(&holds, "(core/event/sub A 1 {(core/kv/set heard $data)})"), "true");
    assert_eq!(world.run(&timed, "(core/event/sub A 1 {(core/kv/set timed $data)})"), "true");
    world
        .client
        .open("waits", "p", "p")
        .expect("asked")
        .run("(core/kv/set got (core/expr/await 1 B 2))")
        .expect("asked");
    assert_eq!(world.run(&was, "(core/event/sub A 2 {})"), "true");
    let gone = was.unsubscribe(Channel::A, 2).expect("asked");
    assert_eq!(world.text(&gone), "true");
    assert_eq!(world.run(&empty, "(core/kv/set a 1)"), "true");
    world.steps(50);
    world.engine.flush().expect("on disk");
    let digest = world.engine.digest();
    drop(world);
    let mut world = World::open(dir.path());
    assert_eq!(world.engine.digest(), digest);
    for (id, there) in [("s", true), ("waits", true), ("timed", true), ("empty", false), ("was", false)] {
        // Only one that is there can be another's.
        world.principal(Principal::new("q").scope("p", ScopeAccess::ReadWrite));
        let other = world.client.open(id, "q", "p").expect("the names are good");
        assert_eq!(world.text(other.opened()) != "true", there, "{id}");
    }
    let session = world.session("s", "p", "p");
    assert_eq!(world.run(&session, "(core/event/pub A 1 x) (core/event/pub B 2 y)"), "true");
    world.still(3);
    assert_eq!(world.entries("p"), ["a=1", "got=y", "heard=x", "timed=x"]);
    world.steps(60);
    assert_eq!(world.run(&session, "(core/event/pub A 1 z)"), "true");
    world.still(3);
    assert_eq!(world.entries("p"), ["a=1", "got=y", "heard=z", "timed=x"], "the timed one is over");
}

/// A script on the execution channel is not lost with the process: its session is there until it has run.
#[test]
fn execution_survives() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut world = World::open(dir.path());
    let session = world.alone(1);
    assert_eq!(world.run(&session, "(core/event/pub EXECUTION 0 \"(core/kv/set ran 1)\")"), "true");
    world.engine.flush().expect("on disk");
    drop(world);
    let mut world = World::open(dir.path());
    world.still(2);
    assert_eq!(world.entries("p"), ["ran=1"]);
    // Then it is ephemeral again.
    world.engine.flush().expect("on disk");
    drop(world);
    let mut world = World::open(dir.path());
    world.principal(Principal::new("q").scope("p", ScopeAccess::ReadWrite));
    world.session("s", "q", "p");
}

/// Sessions with a number for a name never get a name that a stored one has, nor one that somebody gave himself.
#[test]
fn numbered_names() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut world = World::open(dir.path());
    world.alone(2);
    let first = world.client.session("p", "p").expect("asked");
    assert_eq!(first.id(), "p_session_1");
    world.session("p_session_7", "p", "p");
    let next = world.client.session("p", "p").expect("asked");
    assert_eq!(next.id(), "p_session_8");
    assert_eq!(world.run(&next, "(core/event/sub A 1 {1})"), "true");
    drop(world);
    let mut world = World::open(dir.path());
    let later = world.client.session("p", "p").expect("asked");
    assert_eq!(later.id(), "p_session_9", "session 8 holds a handler and is stored");
    assert_eq!(world.run(&later, "(core/kv/set a 1)"), "true");
}

/// A system asks the client how things stand, opens sessions and sends, while lanes run beside it.
#[test]
fn clients_in_systems() {
    let asked = std::sync::Arc::new(std::sync::OnceLock::<diptych::runtime::Client>::new());
    let client = asked.clone();
    let ask = move || {
        let Some(client) = client.get() else { return };
        for _ in 0..200 {
            std::hint::black_box((client.is_waiting(), client.goes_on()));
        }
        client.session("p", "p").expect("there is room");
    };
    let mut world = World::of(Engine::in_memory().system("asks", ask), Settings::default(), 2);
    let session = world.alone(1);
    asked.set(world.client.clone()).expect("it is set once");
    for _ in 0..50 {
        session.run(&"(core/kv/set a 1)".repeat(500)).expect("asked");
        world.steps(1);
    }
    world.still(2);
    assert_eq!(world.client.session("p", "p").expect("asked").id(), "p_session_51");
}

/// What a removed principal's sessions ask is refused, each thing in words that say why; its handlers are silent.
#[test]
fn removed_principals() {
    let mut world = World::memory();
    let session = world.alone(3);
    assert_eq!(world.run(&session, "(core/event/sub A 1 {(core/kv/set heard $data)})"), "true");
    let waits = session.run("[(core/expr/await 1 B 1) (core/kv/set after 1)]").expect("asked");
    world.still(1);
    let removed = world.client.remove_principal("p").expect("asked");
    assert_eq!(world.text(&removed), "true");
    for script in [
        "(core/kv/set a 1)",
        "(core/kv/get a)",
        "(core/kv/del a)",
        "(core/kv/exists a)",
        "(core/kv/snx a 1)",
        "(core/kv/cas a 1 2)",
        "(core/kv/iterate a 0 1 {})",
        "(core/event/pub A 1 x)",
        "(core/event/sub A 1 {})",
        "(core/expr/await 1 A 1)",
    ] {
        assert_error(&world.run(&session, script), "NO_ENTITY: there is no principal p", script);
    }
    world.principal(Principal::new("q").scope("q", ScopeAccess::Read).topic(1, TopicAccess::Publish));
    let other = world.session("o", "q", "q");
    assert_eq!(world.run(&other, "(core/event/pub A 1 x) (core/event/pub B 1 y)"), "true");
    world.steps(400);
    assert_error(&world.text(&waits), "timed out", "its await");
    assert!(world.entries("p").is_empty());
    let again = world.client.remove_principal("p").expect("asked");
    assert_error(&world.text(&again), "no principal p to remove", "removed twice");
    for change in
        [Change::MaxRps(1), Change::GrantScope("x".into(), ScopeAccess::Read), Change::RevokeTopic(1)]
    {
        let ticket = world.client.ask(Ask::Change("p".into(), change)).expect("asked");
        assert_error(&world.text(&ticket), "NO_ENTITY", "a change of nobody");
    }
}

/// Names that cannot be are refused where they are given, also when they come as requests.
#[test]
fn names() {
    let mut world = World::memory();
    world.alone(0);
    let long = "x".repeat(256);
    for scope in ["", "a/b", "/", long.as_str()] {
        assert!(world.client.open("t", "p", scope).is_err(), "scope {scope:?}");
        assert!(world.client.grant_scope("p", scope, ScopeAccess::Read).is_err(), "grant of {scope:?}");
        assert!(world.client.principal(Principal::new("x").scope(scope, ScopeAccess::Read)).is_err());
        let (id, principal) = ("t".into(), "p".into());
        for ask in [
            Ask::Open { session: id, principal, scope: scope.into(), steps: None },
            Ask::Change("p".into(), Change::GrantScope(scope.into(), ScopeAccess::Read)),
            Ask::Principal(Principal::new("y").scope(scope, ScopeAccess::Read)),
        ] {
            let ticket = world.client.ask(ask).expect("asked");
            let given = world.text(&ticket);
            assert_error(&given, if scope.contains('/') { "/" } else { "scope" }, "as a request");
        }
    }
    for (session, principal) in [("", "p"), ("t", "")] {
        assert!(world.client.open(session, principal, "p").is_err());
    }
    // Numbers, spaces and letters of any script are names.
    for scope in ["1", "a b", "\u{4e16}", "(x", "a\"b"] {
        let granted = world.client.grant_scope("p", scope, ScopeAccess::ReadWrite).expect("a good name");
        assert_eq!(world.text(&granted), "true");
        let session = world.session(&format!("in {scope}"), "p", scope);
        assert_eq!(world.run(&session, "(core/kv/set k 1)"), "true");
        assert_eq!(world.entries(scope), ["k=1"]);
    }
    // Names are matched whole: no scope is a part of another.
    assert!(world.entries("a").is_empty() && world.entries("p").is_empty());
}
