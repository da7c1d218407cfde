//! What a script writes, publishes and passes over is paid for in steps and bytes of a frame: much of it
//! takes more frames, and single operations are done at once all the same.

use super::{World, assert_error};
use diptych::prelude::*;
use diptych::runtime::script::{Command, ParameterKind, Value};
use diptych::runtime::{Held, Settings, slp};
use slp::Object;

/// The frames that a script takes, and its answer.
fn frames(world: &mut World, session: &diptych::runtime::Session, script: &str) -> (u32, String) {
    let ticket = session.run(script).expect("asked");
    for frame in 1..100 {
        world.still(1);
        if let Some(answer) = ticket.get() {
            return (frame, answer.result.to_string());
        }
    }
    panic!("no answer in 100 frames");
}

/// A megabyte costs 4,096 steps: of 100,000 a frame, 24 megabytes and a bit.
#[test]
fn bytes_cost_steps() {
    let mut world = World::memory();
    let session = world.alone(2);
    assert_eq!(world.run(&session, &format!("(core/kv/set big \"{}\")", "x".repeat(1 << 20))), "true");
    for (form, what) in [
        ("(core/kv/set k (core/kv/get big))", "set"),
        ("(core/kv/del k)(core/kv/snx k (core/kv/get big))", "snx"),
        ("(core/kv/cas k (core/kv/get k) (core/kv/get big))", "cas"),
        ("(core/event/pub A 1 (core/kv/get big))", "pub"),
    ] {
        let (taken, answer) = frames(&mut world, &session, &form.repeat(60));
        assert_eq!((taken, &*answer), (3, "true"), "60 times {what}");
    }
    let (taken, answer) = frames(&mut world, &session, &"(core/kv/set k (core/kv/get big))".repeat(250));
    assert!((10..13).contains(&taken), "{taken} frames");
    assert_error(&answer, "more than 1000000 steps", "250 megabytes");
}

/// Keys that an iteration passes over are paid for, those that were deleted in this frame too.
#[test]
fn keys_passed_over_cost_steps() {
    let mut world = World::memory();
    let session = world.alone(2);
    let keys: String = (0..16_000).map(|n| format!("(core/kv/set k:{n} 0)")).collect();
    assert_eq!(world.run(&session, &keys), "true");
    let (taken, _) = frames(&mut world, &session, &"(core/kv/iterate k: 15999 1 {1})".repeat(250));
    assert!((3..5).contains(&taken), "250 times 16,000 keys are 250,000 steps: {taken} frames");
    let script = "(core/kv/iterate k: 0 8000 {(core/kv/del $key)})".to_owned()
        + &"(core/kv/iterate k: 0 1 {1})".repeat(350);
    let (taken, _) = frames(&mut world, &session, &script);
    assert!((2..4).contains(&taken), "350 times 8,000 deleted keys are 175,000 steps: {taken} frames");
}

/// Who publishes pays for who hears.
#[test]
fn handlers_cost_steps() {
    let mut world = World::memory();
    let session = world.alone(2);
    let sub: String = (0..3000).map(|_| "(core/event/sub A 1 {1})").collect();
    assert_eq!(world.run(&session, &sub), "true");
    let (taken, answer) = frames(&mut world, &session, &"(core/event/pub A 1 1)".repeat(100));
    assert_eq!((taken, &*answer), (3, "true"), "100 events for 3,000 handlers are 300,000 steps");
}

/// Twenty sessions write five times what a frame takes: each is answered, a few in each frame, and what was written
/// is there; an operation is answered at once.
#[test]
fn a_frame_takes_so_many_bytes() {
    let mut world = World::with(Settings { bytes: 4 << 20, ..Settings::default() }, 2);
    world
        .principal(Principal::new("p").scope("p", ScopeAccess::ReadWrite).scope("q", ScopeAccess::ReadWrite));
    let sessions: Vec<_> = (0..20).map(|n| world.session(&format!("s{n}"), "p", "p")).collect();
    let big = "x".repeat(1_000_000);
    assert_eq!(world.run(&sessions[0], &format!("(core/kv/set big \"{big}\")")), "true");
    let write = |n: usize| format!("(core/kv/set k{n} (core/kv/get big)) (core/kv/exists k{n})");
    let tickets: Vec<_> =
        sessions.iter().enumerate().map(|(n, session)| session.run(&write(n)).expect("asked")).collect();
    let mut answered = Vec::new();
    for _ in 0..20 {
        let other = sessions[0].get("k").expect("asked");
        world.still(1);
        assert!(other.get().is_some(), "one operation is done at once");
        let now = tickets.iter().filter(|ticket| ticket.get().is_some()).count();
        answered.push(now - answered.iter().sum::<usize>());
        if now == tickets.len() {
            break;
        }
    }
    assert!(answered.iter().all(|now| *now <= 5), "{answered:?}");
    assert!((4..=7).contains(&answered.len()), "{answered:?}");
    for n in 0..20 {
        assert_eq!(world.entry("p", &format!("k{n}")).map(|text| text.len()), Some(1_000_000));
    }
}

/// Operations bring their bytes with them: a frame takes 64 MiB of those.
#[test]
fn requests_bring_so_many_bytes() {
    let mut world = World::memory();
    let session = world.alone(2);
    let big = Object::string("x".repeat(1 << 20));
    let tickets: Vec<_> =
        (0..80).map(|n| session.set(format!("k{n}"), big.clone()).expect("asked")).collect();
    let mut frames = Vec::new();
    while tickets.iter().any(|ticket| ticket.get().is_none()) {
        world.still(1);
        frames.push(tickets.iter().filter(|ticket| ticket.get().is_some()).count());
        assert!(frames.len() < 5, "{frames:?}");
    }
    assert_eq!(frames, [63, 80]);
}

/// A command that publishes twice finds room for one event: neither comes twice, and neither is lost.
#[test]
fn commands_that_did_something_are_not_made_again() {
    let twice = Command::new("two/events", |call| {
        let topic = call.topic(0)?;
        let calls = call.get_integer(b"calls")?.unwrap_or(0);
        call.set_integer(b"calls", calls + 1)?;
        call.publish(Channel::A, topic, Object::string("one"))?;
        call.publish(Channel::A, topic, Object::string("two"))?;
        Ok(Value::boolean(true))
    })
    .parameter("topic", ParameterKind::Topic);
    let settings = Settings { events: 1, ..Settings::default() };
    let runtime = Runtime::default().settings(settings).command(twice).expect("it is new");
    let engine = Engine::in_memory().plugin(runtime).dt(1.0 / 60.0).build().expect("the world opens");
    let client = engine.client().expect("it has a runtime");
    let mut world = World { engine, client };
    let session = world.alone(2);
    assert_eq!(world.run(&session, "(core/event/sub A 1 {(core/util/log $data)})"), "true");
    assert_eq!(world.run(&session, "(two/events 1) (two/events 1)"), "true");
    world.still(6);
    let heard: Vec<String> = world.log();
    let heard: Vec<&str> = heard.iter().map(|line| line.trim_start_matches("[session:s] ")).collect();
    assert_eq!(heard, ["one", "two", "one", "two"]);
    assert_eq!(world.entry("p", "calls").as_deref(), Some("2"));
}

/// A line of the log is cut, whatever it is made of.
#[test]
fn log_lines_are_cut() {
    let mut world = World::memory();
    let session = world.alone(1);
    assert_eq!(world.run(&session, &format!("(core/kv/set big \"{}\")", "x".repeat(1 << 20))), "true");
    assert_eq!(world.run(&session, "(core/util/log (core/kv/get big) (core/kv/get big))"), "true");
    let lines = world.log();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0].len(), "[session:s] ".len() + (64 << 10));
}

/// A loop, an await, an eval and handlers that find no room in their frame go on in later ones as if nothing had been:
/// what they had evaluated and what is still to come is kept.
#[test]
fn whatever_finds_no_room_goes_on() {
    let script = "(core/kv/set k1 1) (core/kv/set k2 2) (core/kv/iterate k 0 10 {(core/kv/set seen $key) (core/kv/del $key)})
        (core/kv/set e (core/expr/eval \"(core/kv/set in 1) (core/kv/get in)\")) (core/event/sub A 1 {(core/kv/snx h $data)})
        (core/expr/await [(core/event/pub A 1 x) (core/kv/set p 1)] A 1)";
    let run = |bytes: usize| {
        let mut world = World::with(Settings { bytes, ..Settings::default() }, 2);
        let session = world.alone(2);
        let answer = world.run(&session, script);
        world.still(5);
        (answer, world.entries("p"))
    };
    let (answer, entries) = run(256 << 20);
    assert_eq!(answer, "\"x\"");
    assert_eq!(entries, ["e=1", "h=x", "in=1", "p=1", "seen=k2"]);
    for bytes in [0, 100, 200, 300] {
        assert_eq!(run(bytes), (answer.clone(), entries.clone()), "{bytes} bytes a frame");
    }
}

/// A command that writes and publishes, of a session whose events have no place, waits: what it overshoots by is what
/// one call publishes.
#[test]
fn commands_that_publish_wait_for_their_places() {
    let tell = Command::new("tell/all", |call| {
        call.set_integer(b"told", 1)?;
        for topic in 0..3 {
            call.publish(Channel::A, topic, Object::integer(1))?;
        }
        Ok(Value::boolean(true))
    });
    let settings = Settings { events: 2, ..Settings::default() };
    let runtime = Runtime::default().settings(settings).command(tell).expect("it is new");
    let engine = Engine::in_memory().plugin(runtime).dt(1.0 / 60.0).build().expect("the world opens");
    let client = engine.client().expect("it has a runtime");
    let mut world = World { engine, client };
    let session = world.alone(3);
    let ticket = session.run(&"(tell/all)".repeat(10)).expect("asked");
    let mut most = 0;
    for _ in 0..30 {
        world.still(1);
        most =
            most.max(world.engine.view().iter::<Held>().map(|(_, held)| held.events().len()).sum::<usize>());
    }
    assert_eq!(ticket.get().map(|answer| answer.result.to_string()).as_deref(), Some("true"));
    assert!((1..=3).contains(&most), "{most} events in line");
}

/// With hardly any bytes a frame everybody still gets on, by a command a frame.
#[test]
fn no_bytes_at_all() {
    let mut world = World::with(Settings { bytes: 0, ..Settings::default() }, 2);
    let session = world.alone(1);
    let (taken, answer) = frames(&mut world, &session, &"(core/kv/set k 1)".repeat(10));
    assert_eq!((taken, &*answer), (10, "true"));
}
