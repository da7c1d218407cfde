//! A thousand sessions in a hundred scopes, doing everything at once: the same bits on any number of threads, with
//! and without a store, and with an end of the process in between.
//!
//! Awaits that nothing answers, full queues, limited principals over several scopes, handlers that publish, errors
//! and changed rights are part of it.

use super::{Dice, World};
use diptych::prelude::*;
use diptych::runtime::{Answers, Ask, Change, Settings, slp};
use diptych_components::script::Suspended;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const SESSIONS: u64 = 1000;
const SCOPES: u64 = 100;
const ROUNDS: u64 = 30;
/// Requests a round.
const REQUESTS: u64 = 250;

fn settings() -> Settings {
    Settings { events: 40, ..Settings::default() }
}

/// Session, principal and scope. Of each ten principals one is limited; it works in many scopes.
fn who(n: u64) -> (String, String, String) {
    (format!("c{n}"), format!("p{}", n % 50), format!("s{}", (n * 7 + n / 50) % SCOPES))
}

fn prepare(world: &World) {
    for n in 0..50_u64 {
        let mut rights = Principal::new(&format!("p{n}")).max_rps(if n % 10 == 0 { 4 } else { 0 });
        rights = (0..SCOPES)
            .fold(rights, |rights, scope| rights.scope(&format!("s{scope}"), ScopeAccess::ReadWrite));
        rights = (0..8).fold(rights, |rights, topic| rights.topic(topic, TopicAccess::PubSub));
        world.client.principal(rights).expect("asked");
    }
}

fn open(world: &World) {
    for n in 0..SESSIONS {
        let (id, principal, scope) = who(n);
        world.client.open(&id, &principal, &scope).expect("asked");
    }
}

/// What a session does.
fn script(dice: &mut Dice, round: u64) -> String {
    let (key, topic) = (dice.roll(20), dice.roll(8));
    let letter = ["A", "B", "C"][dice.roll(3) as usize];
    match dice.roll(if round < 6 { 12 } else { 11 }) {
        0 => format!("(core/kv/set k{key} {round})"),
        1 => format!("(core/kv/set k{key} (core/kv/get k{}))", dice.roll(20)),
        2 => format!("(core/kv/snx l{key} {round})"),
        3 => format!("(core/kv/cas k{key} \"{}\" cas{round})", dice.roll(ROUNDS)),
        4 => format!(
            "(core/kv/iterate k1 {} 3 {{(core/kv/set i$key $key) (core/kv/set last $key)}})",
            dice.roll(3)
        ),
        5 => format!("(core/kv/del k{key}) (core/kv/del l{key})"),
        6 => {
            format!("(core/event/pub {letter} {topic} {round}) (core/event/pub {letter} {topic} '(n {key}))")
        }
        7 => format!("(core/event/pub EXECUTION 0 \"(core/kv/set e{key} {round})\")"),
        8 => format!(
            "(core/kv/set got{key} (core/expr/await (core/event/pub {letter} {topic} ask) E {}))",
            key % 8
        ),
        9 => "(nope) (core/kv/get missing)".to_owned(),
        10 => format!(
            "[(core/kv/set a{key} (core/expr/await (core/kv/set w{key} 1) C {topic})) (core/kv/get a{key})]"
        ),
        _ => format!(
            "(core/event/sub {letter} {topic} {{(core/kv/set h{key} $data) (core/event/pub F {topic} $data)}})"
        ),
    }
}

/// What is sent before a frame.
fn send(world: &World, answers: &Arc<Answers>, round: u64) {
    let mut dice = Dice(round + 1);
    for n in 0..REQUESTS {
        let number = round * 1000 + n;
        let session: Arc<str> = format!("c{}", dice.roll(SESSIONS)).into();
        let change = |change| Ask::Change(format!("p{}", number % 50).into(), change);
        let ask = match dice.roll(400) {
            0 => change(Change::GrantTopic(
                dice.0 as u16 % 8,
                [TopicAccess::Publish, TopicAccess::PubSub][round as usize % 2],
            )),
            1 => change(Change::MaxRps([0, 2, 9][number as usize % 3])),
            2 => Ask::Do(session, diptych::runtime::Operation::Unsubscribe(Channel::A, dice.0 as u16 % 8)),
            _ => {
                let forms = slp::parse(script(&mut dice, round), &Default::default()).expect("it parses");
                Ask::Run(session, forms.into_object())
            }
        };
        world.client.ask_into(ask, answers, number).expect("asked");
    }
}

/// What came of a drive.
#[derive(PartialEq, Debug)]
struct Outcome {
    digest: Digest,
    /// Answers by the number of the request: its text and its frame.
    answers: BTreeMap<u64, (String, u64)>,
    log: Vec<String>,
    entries: u64,
    suspended: usize,
}

/// Drives a world; where it is on disk, and is to be, it is closed and opened in the middle.
fn drive(threads: usize, directory: Option<&Path>, reopens: bool) -> Outcome {
    let build = || match directory {
        Some(directory) => World::of(Engine::open(directory), settings(), threads),
        None => World::of(Engine::in_memory(), settings(), threads),
    };
    let mut world = build();
    let answers = Arc::new(Answers::default());
    let mut log = Vec::new();
    prepare(&world);
    world.still(1);
    open(&world);
    world.still(1);
    for round in 0..ROUNDS {
        if round == ROUNDS / 2 {
            // The same in every drive, so that they can be compared: what was not stored is opened again.
            while world.client.is_waiting() {
                world.still(1);
            }
            log.append(&mut world.log());
            if reopens {
                drop(world);
                world = build();
            }
            open(&world);
            world.still(1);
        }
        send(&world, &answers, round);
        if round % 3 == 0 { world.steps(1) } else { world.still(1) }
    }
    world.steps(700);
    log.append(&mut world.log());
    let texts = answers
        .take()
        .into_iter()
        .map(|(n, answer)| (n, (answer.result.to_string(), answer.frame)))
        .collect();
    Outcome {
        digest: world.engine.digest(),
        answers: texts,
        log,
        entries: world.client.look(|index| index.len()),
        suspended: world.engine.view().iter::<Suspended>().count(),
    }
}

#[test]
fn threads_and_stores_change_nothing() {
    let one = drive(1, None, false);
    assert_eq!(one.answers.len() as u64, ROUNDS * REQUESTS, "everybody is answered");
    assert!(one.entries > 2000 && one.suspended == 0, "{} entries, {} suspended", one.entries, one.suspended);
    let says = |piece: &str| one.answers.values().filter(|(text, _)| text.contains(piece)).count();
    for (piece, least) in
        [("RATE_LIMIT", 5), ("timed out", 40), ("PERMISSION_DENIED", 20), ("not found", 100)]
    {
        assert!(says(piece) >= least, "only {} answers with {piece}", says(piece));
    }
    let mut late: Vec<u64> = one.answers.iter().map(|(n, (_, frame))| frame - n / 1000).collect();
    late.sort_unstable();
    assert!(late[late.len() - 200] > 5, "the queue was never full");
    for threads in [2, 8] {
        let other = drive(threads, None, false);
        assert!(other == one, "{threads} threads: {}", difference(&one, &other));
    }
    let dir = tempfile::tempdir().expect("a directory");
    let stored = drive(2, Some(dir.path()), false);
    assert!(stored == one, "with a store: {}", difference(&one, &stored));
}

/// Closed and opened in the middle: everything that was asked after it is answered with the same words in the same
/// frame, and the world is the same; who waited in between is not there to be told.
#[test]
fn a_restart_changes_nothing() {
    let whole = drive(2, None, false);
    let dir = tempfile::tempdir().expect("a directory");
    let halves = drive(2, Some(dir.path()), true);
    assert_eq!(halves.digest, whole.digest, "{}", difference(&whole, &halves));
    let mut untold = 0;
    for (number, answer) in &whole.answers {
        match halves.answers.get(number) {
            Some(other) => assert_eq!(other, answer, "request {number}"),
            None => {
                untold += 1;
                assert!(*number < ROUNDS / 2 * 1000, "request {number} was asked after the restart");
            }
        }
    }
    assert!(untold > 20, "only {untold} waited over the restart");
}

fn difference(one: &Outcome, other: &Outcome) -> String {
    let first = one.answers.iter().find(|(n, answer)| other.answers.get(n) != Some(answer));
    let found = first.map(|(n, answer)| format!("request {n}: {answer:?} became {:?}", other.answers.get(n)));
    let line = one.log.iter().zip(&other.log).find(|(a, b)| a != b);
    let (digests, entries) = ((one.digest, other.digest), (one.entries, other.entries));
    format!("{found:?}; log {line:?}; {digests:?}; {entries:?} entries")
}
