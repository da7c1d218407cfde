//! Bad input and too much of anything: an ERROR that says what was expected, and everybody else goes on.

use super::{World, assert_error};
use diptych::prelude::*;
use diptych::runtime::{Ask, Operation, RequestError, Settings, slp};
use slp::{Kind, Object};
use std::time::{Duration, Instant};

/// What does not end is ended after its steps; other scopes, and the rest of its own, are answered meanwhile.
#[test]
fn endless_scripts() {
    let mut world = World::memory();
    let session = world.alone(2);
    world.principal(Principal::new("q").scope("q", ScopeAccess::ReadWrite));
    let other = world.session("o", "q", "q");
    assert_eq!(
        world.run(&session, "(core/kv/set again \"(core/kv/set n 1) (core/expr/eval (core/kv/get again))\")"),
        "true"
    );
    let keys: String = (0..120).map(|n| format!("(core/kv/set i:{n} 0)")).collect();
    assert_eq!(world.run(&session, &keys), "true");
    let tail = session.run("(core/expr/eval (core/kv/get again))").expect("asked");
    let nested = "(core/kv/iterate i: 0 999 {".repeat(4) + "(core/kv/exists i:0)" + &"})".repeat(4);
    let loops = session.run(&nested).expect("asked");
    let mut frames = 0;
    assert!(!world.client.goes_on());
    while tail.get().is_none() || loops.get().is_none() {
        let (beside, behind) =
            (other.run("(core/kv/set x 1)").expect("asked"), session.run("1").expect("asked"));
        world.still(1);
        frames += 1;
        assert!(frames > 2 || world.client.goes_on(), "who has used up his steps goes on by himself");
        assert!(beside.get().is_some() && behind.get().is_some(), "frame {frames}");
        assert!(frames < 30);
    }
    assert!(frames >= 10, "a million steps at 100,000 a frame took {frames} frames");
    for ticket in [&tail, &loops] {
        assert_error(&world.text(ticket), "more than 1000000 steps", "endless");
    }
    // An eval that something follows cannot give its frame back.
    assert_eq!(world.run(&session, "(core/kv/set deep \"[(core/expr/eval (core/kv/get deep)) 1]\")"), "true");
    assert_error(&world.run(&session, "(core/expr/eval (core/kv/get deep))"), "(stack)", "deep");
}

/// Two handlers that publish on their own topic would fill every queue; with one it goes on for ever, one event a
/// frame, and nobody is held up.
#[test]
fn a_topic_that_feeds_itself() {
    let mut world = World::memory();
    let session = world.alone(2);
    assert_eq!(
        world.run(&session, "(core/event/sub A 1 {(core/event/pub A 1 x) (core/kv/set n $data)})"),
        "true"
    );
    assert_eq!(world.run(&session, "(core/event/pub A 1 x)"), "true");
    for _ in 0..50 {
        let ticket = session.run("1").expect("asked");
        world.still(1);
        assert!(ticket.get().is_some());
    }
}

#[test]
fn memory_and_sizes() {
    let mut world = World::memory();
    let session = world.alone(2);
    // Values that are held by a call until its last argument is there.
    assert_eq!(world.run(&session, &format!("(core/kv/set big \"{}\")", "x".repeat(1 << 20))), "true");
    let many = format!("(core/util/log {})", "(core/kv/get big) ".repeat(20));
    assert_error(&world.run(&session, &many), "(bytes)", "20 MiB at once");
    let over = "x".repeat((1 << 20) + 1);
    for script in [
        format!("(core/kv/set k \"{over}\")"),
        format!("(core/kv/snx k \"{over}\")"),
        format!("(core/kv/cas k 1 \"{over}\")"),
        format!("(core/event/pub A 1 \"{over}\")"),
    ] {
        assert_error(&world.run(&session, &script), "1048577", &script[..20]);
    }
    for script in
        ["(core/kv/set K 1)", "(core/kv/get K)", "(core/kv/exists K)", "(core/kv/del K)", "(core/kv/snx K 1)"]
    {
        let longest = "k".repeat(1024);
        let given = world.run(&session, &script.replace('K', &longest));
        assert!(!given.contains("limit"), "{script}: {given}");
        world.run(&session, &format!("(core/kv/del {longest})"));
        let given = world.run(&session, &script.replace('K', &"k".repeat(1025)));
        assert_error(&given, "1025", script);
    }
    let set = session.set(vec![b'k'; 1025], 1).expect("asked");
    assert_error(&world.text(&set), "1025", "an operation");
    for operation in [
        Operation::Get([].into()),
        Operation::Set([].into(), Object::integer(1)),
        Operation::Delete([].into()),
    ] {
        let ticket = session.operate(operation).expect("asked");
        assert_error(&world.text(&ticket), "empty", "an empty key");
    }
    // A long symbol: too long a key, but a fine value.
    let symbol = "s".repeat(1 << 16);
    assert_error(&world.run(&session, &format!("(core/kv/set {symbol} 1)")), "65536", "a symbol as a key");
    assert_eq!(world.run(&session, &format!("(core/kv/set k {symbol})")), "true");
    assert_error(&world.run(&session, &format!("({symbol} 1)")), "unknown function", "a symbol as a command");
}

/// Text that is none is refused before it reaches the world, with its place.
#[test]
fn bad_text() {
    let mut world = World::memory();
    let session = world.alone(1);
    let start = Instant::now();
    for (text, place) in [
        ("(".repeat(10 << 20), "line 1"),
        ("s".repeat(1 << 20), "more than 65536 bytes"),
        ("[{(".repeat(100), "line 1"),
        ("(core/kv/set a\n 1".to_owned(), "line 1, column 1"),
        ("1\n(a]".to_owned(), "line 2, column"),
        (")".to_owned(), "line 1, column 1"),
        ("\"abc".to_owned(), "line 1, column 1"),
        ("a '".to_owned(), "line 1, column 4"),
        ("99999999999999999999".to_owned(), "line 1, column 1"),
    ] {
        match session.run(&text) {
            Err(RequestError::Script(error)) => {
                assert!(error.to_string().contains(place), "{error} lacks {place}")
            }
            other => panic!("{:.20}: {other:?}", text),
        }
    }
    assert!(start.elapsed() < Duration::from_secs(5), "refusing takes {:?}", start.elapsed());
    let long = format!("(core/kv/set t \"{}\") (core/expr/eval (core/kv/get t))", "(".repeat(1 << 20));
    assert_error(&world.run(&session, &long), "does not parse", "eval of a megabyte of (");
    assert_eq!(world.run(&session, ";;; nothing\n;"), "()");
}

/// Objects that are no script and no handler, in requests that no text makes: refused, and the engine lives.
#[test]
fn bad_objects() {
    let mut world = World::memory();
    let session = world.alone(2);
    for object in
        [Object::integer(5), Object::string("(core/kv/set a 1)"), Object::none(), Object::error("no")]
    {
        let ticket = session.run_object(object.clone()).expect("asked");
        assert_error(&world.text(&ticket), "", "a script that is no list of forms");
        let ticket = session.operate(Operation::Subscribe(Channel::A, 1, object)).expect("asked");
        assert_error(&world.text(&ticket), "", "a handler that is none");
    }
    assert_eq!(world.run(&session, "(core/event/pub A 1 x)"), "true");
    world.still(3);
    // What failed is not stored, nor published.
    let failed = Object::error("why");
    for operation in [
        Operation::Set(b"k"[..].into(), failed.clone()),
        Operation::SetIfAbsent(b"k"[..].into(), failed.clone()),
        Operation::CompareAndSwap(b"k"[..].into(), b"1"[..].into(), failed.clone()),
        Operation::Publish(Channel::A, 1, failed.clone()),
    ] {
        let ticket = session.operate(operation).expect("asked");
        assert_error(&world.text(&ticket), "why", "a value that failed");
    }
    let list = Object::list(Kind::Bracket, &[failed]);
    let ticket = session.set("k", list).expect("asked");
    assert_eq!(world.text(&ticket), "true", "an ERROR inside a list is data");
    let ticket = world.client.ask(Ask::Run("nobody".into(), Object::integer(1))).expect("asked");
    assert_error(&world.text(&ticket), "no session nobody", "no session");
}

/// A world has one owner.
#[test]
fn two_worlds_on_one_directory() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut world = World::open(dir.path());
    let session = world.alone(1);
    let second = Engine::open(dir.path()).plugin(Runtime::default()).dt(1.0 / 60.0).build();
    let Err(error) = second else { panic!("the first has it") };
    let message = error.to_string();
    assert!(message.contains(&dir.path().display().to_string()) && !message.contains('\n'), "{message}");
    assert_eq!(world.run(&session, "(core/kv/set a 1)"), "true", "the first goes on");
}

/// With small limits of its own a runtime says those.
#[test]
fn other_limits() {
    let mut settings = Settings::default();
    settings.scripts.steps_in_all = 50;
    settings.scripts.steps_a_frame = 7;
    settings.entries.key_bytes = 4;
    settings.entries.value_bytes = 20;
    settings.patience = 0.5;
    settings.processors = 3;
    let mut world = World::with(settings, 1);
    let session = world.alone(3);
    assert_error(&world.run(&session, "(core/kv/set abcde 1)"), "4", "a key");
    assert_error(&world.run(&session, "(core/kv/set a 123456789012345678901.0)"), "20", "a value");
    assert_error(&world.run(&session, &"(core/kv/exists a)".repeat(50)), "more than 50 steps", "steps");
    assert_eq!(
        world.run(&session, "(core/kv/set a 1)(core/kv/set b 1)(core/kv/set c 1)(core/kv/set d 1)"),
        "true"
    );
    assert_eq!(world.run(&session, "(core/event/pub EXECUTION 2 \"(core/kv/set a 2)\")"), "true");
    assert_error(&world.run(&session, "(core/event/pub EXECUTION 3 \"1\")"), "PERMISSION_DENIED", "a topic");
    let waits = session.run("(core/expr/await 1 A 1)").expect("asked");
    world.steps(32);
    assert_error(&world.text(&waits), "timed out after 0.5 s", "await");
    assert_eq!(world.entry("p", "a").as_deref(), Some("2"));
}
