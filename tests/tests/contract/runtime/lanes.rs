//! Lanes: one winner of everything that one can win, own writes at once, nothing of other scopes.

use super::{Dice, World};
use diptych::prelude::*;
use diptych::runtime::{Answers, Ask, Session, Settings, slp};
use std::collections::BTreeMap;
use std::sync::Arc;

const SESSIONS: u64 = 100;
const KEYS: u64 = 100;

/// A world with these threads and 100 sessions of ten principals over so many scopes.
fn crowd(threads: usize, scopes: u64) -> (World, Vec<Session>) {
    let mut world = World::with(Settings::default(), threads);
    for number in 0..10 {
        let rights = Principal::new(&format!("p{number}"));
        let rights =
            (0..scopes).fold(rights, |rights, n| rights.scope(&format!("s{n}"), ScopeAccess::ReadWrite));
        world.principal(rights);
    }
    let name = |n| (format!("c{n}"), format!("p{}", n % 10), format!("s{}", n % scopes));
    let sessions =
        (0..SESSIONS).map(name).map(|(id, principal, scope)| world.session(&id, &principal, &scope));
    let sessions = sessions.collect();
    (world, sessions)
}

/// Has every session try every key, in an order that looks random, 1000 attempts a frame; who won what.
fn contest(threads: usize, scopes: u64, script: impl Fn(u64, u64) -> String) -> BTreeMap<(u64, u64), u64> {
    let (mut world, sessions) = crowd(threads, scopes);
    let mut attempts: Vec<(u64, u64)> =
        (0..SESSIONS).flat_map(|s| (0..KEYS).map(move |key| (s, key))).collect();
    let mut dice = Dice(7);
    for n in (1..attempts.len()).rev() {
        attempts.swap(n, dice.roll(n as u64 + 1) as usize);
    }
    let answers = Arc::new(Answers::default());
    for batch in attempts.chunks(1000) {
        for (session, key) in batch {
            let forms =
                slp::parse(script(*session, *key), &Default::default()).expect("it parses").into_object();
            let id = sessions[*session as usize].id().into();
            world.client.ask_into(Ask::Run(id, forms), &answers, session * KEYS + key).expect("asked");
        }
        world.still(1);
    }
    world.still(2);
    let answers = answers.take();
    assert_eq!(answers.len() as u64, SESSIONS * KEYS);
    let mut winners = BTreeMap::new();
    for (number, answer) in answers {
        let (session, key) = (number / KEYS, number % KEYS);
        match answer.result.to_string().as_str() {
            "true" => {
                let before = winners.insert((session % scopes, key), session);
                assert_eq!(before, None, "key {key} was won twice");
                let entry = world.entry(&format!("s{}", session % scopes), &format!("k{key}"));
                assert_eq!(entry, Some(session.to_string()), "what the winner of key {key} has stored");
            }
            other => assert_eq!(other, "false"),
        }
    }
    assert_eq!(winners.len() as u64, scopes * KEYS, "every key has a winner");
    winners
}

/// Ten thousand `snx` from a hundred sessions, over one scope and over ten: one winner a key, the same on any number
/// of threads.
#[test]
fn ten_thousand_snx() {
    for scopes in [1, 10] {
        let script = |session, key| format!("(core/kv/snx k{key} {session})");
        let one = contest(1, scopes, script);
        for threads in [2, 8] {
            assert_eq!(contest(threads, scopes, script), one, "{scopes} scopes, {threads} threads");
        }
    }
}

/// The same with `cas`, from a value that only the first finds.
#[test]
fn ten_thousand_cas() {
    for scopes in [1, 10] {
        let script =
            |session, key| format!("[(core/kv/snx k{key} free) (core/kv/cas k{key} \"free\" {session})]");
        let one = contest(1, scopes, script);
        for threads in [2, 8] {
            assert_eq!(contest(threads, scopes, script), one, "{scopes} scopes, {threads} threads");
        }
    }
}

/// From many threads at once the order is nobody's, but there is still one winner a key, and no count is lost.
#[test]
fn winners_among_threads() {
    let (mut world, sessions) = crowd(2, 1);
    let answers = Arc::new(Answers::default());
    std::thread::scope(|scope| {
        for group in sessions.chunks(25) {
            let (answers, client) = (answers.clone(), world.client.clone());
            scope.spawn(move || {
                for key in 0..20 {
                    for session in group {
                        let script = format!("(core/kv/snx k{key} {})", session.id());
                        let forms = slp::parse(script, &Default::default()).expect("it parses").into_object();
                        client.ask_into(Ask::Run(session.id().into(), forms), &answers, key).expect("asked");
                    }
                }
            });
        }
        for _ in 0..50 {
            world.still(1);
        }
    });
    world.still(3);
    let answers = answers.take();
    assert_eq!(answers.len(), 2000);
    let mut won: Vec<u64> = Vec::new();
    won.extend(answers.iter().filter(|(_, answer)| answer.result.to_string() == "true").map(|(key, _)| *key));
    won.sort_unstable();
    assert_eq!(won, (0..20).collect::<Vec<_>>());
}

/// Within a frame a session sees what those before it in its scope wrote, and nothing of other scopes.
#[test]
fn own_writes_are_seen() {
    let (mut world, sessions) = crowd(2, 2);
    let script = "(core/kv/set x a) (core/kv/get x)";
    // Sessions 0 and 2 are of one scope, 1 of the other.
    let asked = [
        sessions[0].run(script),
        sessions[1].run("(core/kv/exists x)"),
        sessions[2].run("(core/kv/get x)"),
        sessions[2].run("[(core/kv/del x) (core/kv/exists x)]"),
        sessions[0].run("(core/kv/exists x)"),
        sessions[0].run("[(core/kv/set b:1 1) (core/kv/set b:2 2) (core/kv/del b:1) (core/kv/iterate b: 0 9 {(core/kv/set $key s)}) (core/kv/get b:2)]"),
        sessions[1].run("(core/kv/set x c)"),
    ]
    .map(|ticket| ticket.expect("asked"));
    world.still(1);
    let answers = asked.map(|ticket| ticket.get().expect("one frame answers all"));
    let texts = answers.each_ref().map(|answer| answer.result.to_string());
    assert_eq!(texts, ["\"a\"", "false", "\"a\"", "false", "false", "\"s\"", "true"]);
    assert!(answers.iter().all(|answer| answer.frame == answers[0].frame));
    assert_eq!(
        (world.entries("s0"), world.entries("s1")),
        (vec!["b:2=s".to_owned()], vec!["x=c".to_owned()])
    );
}

/// A script that waits leaves its lane: those behind it, of its own session too, are answered in the same frame.
#[test]
fn a_suspended_script_leaves_its_lane() {
    let mut world = World::memory();
    let session = world.alone(2);
    let waits =
        session.run("[(core/kv/set x before) (core/expr/await 1 A 1) (core/kv/get x)]").expect("asked");
    let long = session.run("(core/kv/iterate \"\" 0 1 {(core/kv/get x)})").expect("asked");
    let next = session.run("[(core/kv/cas x before after) (core/kv/get x)]").expect("asked");
    world.still(1);
    assert!(waits.get().is_none());
    assert_eq!(long.get().map(|answer| answer.result.to_string()).as_deref(), Some("true"));
    assert_eq!(next.get().map(|answer| answer.result.to_string()).as_deref(), Some("\"after\""));
    assert_eq!(world.run(&session, "(core/event/pub A 1 go)"), "true");
    assert_eq!(world.text(&waits), "\"after\"");
}

/// Who looks at many answers together waits for them without turning round and round: what has come is given at once,
/// and what comes later wakes him.
#[test]
fn lists_of_answers() {
    use diptych::runtime::{Answers, Ask, Operation};
    use std::sync::Arc;
    use std::time::{Duration, Instant};
    let mut world = World::memory();
    let session = world.alone(1);
    let answers = Arc::<Answers>::default();
    assert_eq!(answers.wait(Duration::from_millis(1)), []);
    let ask = |number: u64| {
        let key = format!("k{number}").into_bytes();
        let operation = Operation::Set(key.into(), diptych::runtime::slp::Object::integer(1));
        world.client.ask_into(Ask::Do(session.id().into(), operation), &answers, number).expect("asked");
    };
    (0..100).for_each(ask);
    let waiting = answers.clone();
    let waits = std::thread::spawn(move || {
        let start = Instant::now();
        (waiting.wait(Duration::from_secs(30)), start.elapsed())
    });
    std::thread::sleep(Duration::from_millis(20));
    world.still(1);
    let (came, after) = waits.join().expect("it waits");
    assert_eq!(came.iter().map(|(number, _)| *number).collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
    assert!(after < Duration::from_secs(20), "nobody woke it: {after:?}");
    assert_eq!(answers.take(), []);
}
