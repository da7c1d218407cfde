//! Who hears what, and when: handlers, the execution channel, rights that change, and the rate of a principal.

use super::{RATE, World, assert_error};
use diptych::prelude::*;

fn heard(world: &World) -> Vec<String> {
    world.log().into_iter().map(|line| line.split_once("] ").expect("[session:..] ..").1.to_owned()).collect()
}

/// Every handler of a topic hears each event once, in the order of the handlers; other channels and topics do not.
#[test]
fn handlers_hear_once() {
    let mut world = World::memory();
    let session = world.alone(3);
    for script in [
        "(core/event/sub A 1 {(core/util/log first $data)})",
        "(core/event/sub $CHANNEL_A 1 {(core/util/log second $data)})",
        "(core/event/sub B 1 {(core/util/log other $data)})",
        "(core/event/sub A 2 {(core/util/log two $data)})",
    ] {
        assert_eq!(world.run(&session, script), "true");
    }
    assert_eq!(world.run(&session, "(core/event/pub A 1 x) (core/event/pub A 1 '(y \"z\"))"), "true");
    world.still(3);
    assert_eq!(heard(&world), ["first x", "second x", "first (y \"z\")", "second (y \"z\")"]);
    assert_eq!(world.run(&session, "(core/event/pub B 1 q)"), "true");
    world.still(3);
    assert_eq!(heard(&world), ["other q"]);
    world.steps(3);
    assert_eq!(heard(&world), [""; 0]);
}

/// A handler registers another one, which hears what is published later; an ERROR ends that run only.
#[test]
fn subscription_inside_a_handler() {
    let mut world = World::memory();
    let session = world.alone(3);
    let script = "(core/event/sub A 1 {(core/event/sub A 2 {(core/util/log inner $data)}) (nope) (core/util/log never)})";
    assert_eq!(world.run(&session, script), "true");
    assert_eq!(world.run(&session, "(core/event/pub A 1 a) (core/event/pub A 2 early)"), "true");
    world.still(3);
    let lines = heard(&world);
    assert!(lines.len() == 1 && lines[0].contains("unknown function 'nope'"), "{lines:?}");
    assert_eq!(world.run(&session, "(core/event/pub A 2 b)"), "true");
    world.still(3);
    assert_eq!(heard(&world), ["inner b"]);
}

/// Unsubscribing ends the session's handlers of that topic and no others; what is registered after it, be it in the
/// same frame, hears.
#[test]
fn unsubscribing() {
    let mut world = World::memory();
    let session = world.alone(3);
    let other = world.session("other", "p", "p");
    for (session, name) in [(&session, "mine"), (&session, "too"), (&other, "theirs")] {
        assert_eq!(
            world.run(session, &format!("(core/event/sub A 1 {{(core/util/log {name} $data)}})")),
            "true"
        );
    }
    let gone = session.unsubscribe(Channel::A, 1).expect("asked");
    let again = session.subscribe(Channel::A, 1, "(core/util/log again $data)").expect("asked");
    assert_eq!((world.text(&gone), world.text(&again)), ("true".into(), "true".into()));
    assert_eq!(world.run(&other, "(core/event/pub A 1 x)"), "true");
    world.still(3);
    assert_eq!(heard(&world), ["theirs x", "again x"]);
    // And the other way round: what was registered before it does not.
    session.subscribe(Channel::A, 1, "(core/util/log late $data)").expect("asked");
    let gone = session.unsubscribe(Channel::A, 1).expect("asked");
    assert_eq!(world.text(&gone), "true");
    assert_eq!(world.run(&other, "(core/event/pub A 1 y)"), "true");
    world.still(3);
    assert_eq!(heard(&world), ["theirs y"]);
    let closed = other.close().expect("asked");
    assert_eq!(world.text(&closed), "true");
    assert_eq!(world.run(&session, "(core/event/pub A 1 z)"), "true");
    world.still(3);
    assert_eq!(heard(&world), [""; 0], "a closed session hears nothing");
}

/// Document 000: a commander and a worker over A/50 and B/51; and what is not granted is not published.
#[test]
fn commander_and_worker() {
    let mut world = World::memory();
    world.principal(
        Principal::new("commander")
            .scope("command", ScopeAccess::ReadWrite)
            .topic(50, TopicAccess::Publish)
            .topic(51, TopicAccess::Subscribe),
    );
    world.principal(
        Principal::new("worker")
            .scope("work", ScopeAccess::ReadWrite)
            .topic(50, TopicAccess::Subscribe)
            .topic(51, TopicAccess::Publish),
    );
    let commander = world.session("c", "commander", "command");
    let worker = world.session("w", "worker", "work");
    let work = "(core/event/sub $CHANNEL_A 50 {(core/util/log \"Received request:\" $data) \
        (core/kv/set status \"processing\") (core/event/pub $CHANNEL_B 51 \"complete\")})";
    assert_eq!(world.run(&worker, work), "true");
    assert_eq!(world.run(&commander, "(core/event/sub $CHANNEL_B 51 {(core/kv/set result $data)})"), "true");
    let ask = "(core/kv/set request_id \"abc123\") (core/event/pub $CHANNEL_A 50 \"process_data\")";
    assert_eq!(world.run(&commander, ask), "true");
    world.still(4);
    assert_eq!(world.entries("command"), ["request_id=abc123", "result=complete"]);
    assert_eq!(world.entries("work"), ["status=processing"]);
    assert_eq!(world.log(), ["[session:w] Received request: process_data"]);
    for (session, script) in [
        (&commander, "(core/event/pub A 51 x)"),
        (&commander, "(core/event/sub B 50 {})"),
        (&worker, "(core/event/pub B 50 x)"),
        (&worker, "(core/expr/await 1 A 51)"),
    ] {
        assert_error(&world.run(session, script), "PERMISSION_DENIED", script);
    }
}

/// What is published on the execution channel runs in the publisher's session; there must be that processor, and
/// the right to publish on its topic.
#[test]
fn execution_channel() {
    let mut world = World::memory();
    let session = world.alone(2);
    world.principal(Principal::new("mute").scope("m", ScopeAccess::ReadWrite));
    let mute = world.session("m", "mute", "m");
    assert_eq!(
        world.run(&session, "(core/event/pub EXECUTION 0 \"(core/kv/set x 1) (core/kv/set y 2)\")"),
        "true"
    );
    assert_eq!(world.run(&session, "(core/event/pub $CHANNEL_EXECUTION 0 '(core/kv/set z 3))"), "true");
    world.still(3);
    assert_eq!(world.entries("p"), ["x=1", "y=2", "z=3"]);
    let script = "(core/event/pub EXECUTION 1 \"(core/kv/set x 2)\")";
    assert_error(&world.run(&session, script), "no processor 1", script);
    let script = "(core/event/pub EXECUTION 0 \"(core/kv/set x 2)\")";
    assert_error(&world.run(&mute, script), "PERMISSION_DENIED", script);
    // The permissions are those of the frame it runs in.
    let asked = session.run(script).expect("asked");
    let revoked = world.client.revoke_scope("p", "p").expect("asked");
    assert_eq!((world.text(&asked), world.text(&revoked)), ("true".into(), "true".into()));
    world.still(3);
    assert_eq!(world.entry("p", "x").as_deref(), Some("1"));
    let lines = heard(&world);
    assert!(
        lines.len() == 1 && lines[0].contains("PERMISSION_DENIED"),
        "nobody asked, so it is logged: {lines:?}"
    );
}

/// A revocation holds from the next request on, also for handlers and awaits that were there before it.
#[test]
fn revocations() {
    let mut world = World::memory();
    let session = world.alone(3);
    assert_eq!(world.run(&session, "(core/event/sub A 1 {(core/util/log heard $data)})"), "true");
    let waits = session.run("(core/expr/await 1 B 1)").expect("asked");
    let both = session.run("(core/expr/await 1 B 2)").expect("asked");
    world.still(1);
    // In one batch: granted, used, revoked, refused.
    let before = session.run("(core/kv/set a 1)").expect("asked");
    world.client.grant_scope("p", "p", ScopeAccess::Read).expect("asked");
    let after = session.run("(core/kv/set a 2)").expect("asked");
    let reads = session.run("(core/kv/get a)").expect("asked");
    assert_eq!(world.text(&before), "true");
    assert_error(&world.text(&after), "PERMISSION_DENIED: principal p has no WRITE on scope p", "set");
    assert_eq!(world.text(&reads), "\"1\"");
    for script in ["(core/kv/snx b 1)", "(core/kv/cas a 1 2)", "(core/kv/del a)"] {
        assert_error(&world.run(&session, script), "PERMISSION_DENIED", script);
    }
    // A grant replaces: WRITE alone does not read.
    world.client.grant_scope("p", "p", ScopeAccess::Write).expect("asked");
    for script in
        ["(core/kv/get a)", "(core/kv/exists a)", "(core/kv/iterate a 0 9 {})", "(core/kv/cas a 1 2)"]
    {
        assert_error(&world.run(&session, script), "PERMISSION_DENIED", script);
    }
    assert_eq!(world.run(&session, "(core/kv/set a 3)"), "true");
    world.client.grant_topic("p", 1, TopicAccess::Publish).expect("asked");
    let script = "(core/event/pub A 1 x) (core/event/pub B 1 x) (core/event/pub B 2 y)";
    assert_eq!(world.run(&session, script), "true");
    assert_eq!(world.text(&both), "\"y\"");
    world.still(3);
    assert_eq!(heard(&world), [""; 0], "the handler is silent");
    assert!(waits.get().is_none(), "the await hears nothing either: {:?}", waits.get());
    // Given back, it is heard again.
    world.client.grant_topic("p", 1, TopicAccess::PubSub).expect("asked");
    assert_eq!(world.run(&session, "(core/event/pub A 1 back) (core/event/pub B 1 back)"), "true");
    assert_eq!(world.text(&waits), "\"back\"");
    assert_eq!(heard(&world), ["heard back"]);
}

/// `max_rps` is of the principal, in a sliding second of world time in which what is exactly a second old still
/// counts; refused publications do not count, and still frames are no time.
#[test]
fn rates() {
    let mut world = World::memory();
    let rights = Principal::new("p").scope("p", ScopeAccess::Read).scope("q", ScopeAccess::Read);
    world.principal(rights.topic(1, TopicAccess::Publish).max_rps(3));
    let (one, two) = (world.session("one", "p", "p"), world.session("two", "p", "q"));
    let publish = |world: &mut World, session| world.run(session, "(core/event/pub A 1 x)");
    assert_eq!(publish(&mut world, &one), "true");
    world.steps(10);
    assert_eq!(publish(&mut world, &two), "true");
    assert_eq!(publish(&mut world, &one), "true");
    world.still(5);
    for session in [&one, &two, &one] {
        assert_error(
            &publish(&mut world, session),
            "RATE_LIMIT_EXCEEDED: principal p may publish 3",
            "the fourth",
        );
    }
    // The first is 60 steps old now, exactly a second; with one step more it is older.
    world.steps(RATE - 10);
    assert_error(&publish(&mut world, &two), "RATE_LIMIT_EXCEEDED", "exactly a second old");
    world.steps(1);
    assert_eq!(publish(&mut world, &two), "true");
    assert_error(&publish(&mut world, &one), "RATE_LIMIT_EXCEEDED", "one only has left");
    // Both sessions in one frame share what is left.
    world.steps(RATE + 1);
    let asked: Vec<_> =
        (0..8).map(|n| [&one, &two][n % 2].run("(core/event/pub A 1 x)").expect("asked")).collect();
    let taken = asked.iter().filter(|ticket| world.text(ticket) == "true").count();
    assert_eq!(taken, 3);
    // No limit at all, at once.
    world.client.set_max_rps("p", 0).expect("asked");
    assert_eq!(publish(&mut world, &one), "true");
    // A limit that is lower than what was published.
    world.client.set_max_rps("p", 1).expect("asked");
    assert_error(&publish(&mut world, &one), "may publish 1 events a second", "a lower limit");
}

/// An await that nothing answers gives up after 5 s of world time; one whose body fails at once.
#[test]
fn awaits_end() {
    let mut world = World::memory();
    let session = world.alone(3);
    let waits = session.run("(core/expr/await (core/kv/set begun 1) B 1)").expect("asked");
    world.still(10);
    world.steps(5 * RATE - 1);
    assert!(waits.get().is_none(), "{:?}", waits.get());
    world.steps(2);
    assert_error(&world.text(&waits), "timed out after 5 s", "await");
    assert_error(
        &world.run(&session, "(core/expr/await (core/kv/get nope) B 1)"),
        "key not found",
        "its body",
    );
    assert_eq!(world.entries("p"), ["begun=1"]);
    // Two at once, and one in another's body.
    let two = [
        session.run("(core/expr/await 1 B 1)").expect("asked"),
        session.run("(core/expr/await 1 B 1)").expect("asked"),
    ];
    let nested =
        session.run("(core/expr/await (core/expr/await (core/event/pub C 1 x) B 1) A 2)").expect("asked");
    world.still(2);
    assert_eq!(world.run(&session, "(core/event/pub A 2 outer) (core/event/pub B 1 inner)"), "true");
    for ticket in &two {
        assert_eq!(world.text(ticket), "\"inner\"");
    }
    assert_eq!(
        world.text(&nested),
        "\"outer\"",
        "an event for the outer await is kept while the inner one waits"
    );
}
