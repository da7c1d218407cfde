//! The engine ends, fails or lags: everybody who waits is told, nobody is told too much, and nobody waits for ever.

use super::{World, assert_error};
use diptych::prelude::*;
use diptych::runtime::{Ask, RequestError, Settings};
use diptych_engine::store::FaultPlan;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(20);

/// Dropped with scripts at rest, answers in line and requests that nobody took: each waiter is told, and later
/// requests are refused.
#[test]
fn a_dropped_engine_tells() {
    let mut world = World::memory();
    let session = world.alone(2);
    let rests = session.run("(core/expr/await 1 A 1)").expect("asked");
    world.still(1);
    let never = session.run("(core/kv/set a 1)").expect("asked");
    let waiter = std::thread::spawn({
        let rests = rests.clone();
        move || rests.wait(LONG)
    });
    drop(world.engine);
    let told = waiter.join().expect("it wakes").expect_err("no answer can come");
    assert!(told.to_string().contains("stopped"), "{told}");
    assert!(never.wait(LONG).expect_err("no answer can come").to_string().contains("stopped"));
    assert!(matches!(session.run("1"), Err(RequestError::Queue(_))), "a request to nobody");
}

/// The disk fails: what was not durable is not said to be, and whoever asks later is told.
#[test]
fn a_failing_disk() {
    let dir = tempfile::tempdir().expect("a directory");
    let plan = FaultPlan { fail_write: 12, ..FaultPlan::default() };
    let builder = Engine::open(dir.path()).durability(Durability::Synced).faults(plan);
    let mut world = World::of(builder, Settings::default(), 2);
    let session = world.alone(2);
    let durable = world.engine.durable().expect("it has a store");
    let mut kept = 0;
    let error = loop {
        let ticket = session.run(&format!("(core/kv/set n {})", kept + 1)).expect("asked");
        if let Err(error) = world.engine.answer() {
            break error;
        }
        match ticket.wait_durable(&durable, LONG) {
            Ok(answer) => assert_eq!(answer.result.to_string(), "true"),
            Err(_) => continue,
        }
        kept += 1;
        assert!(kept < 100, "the write never fails");
    };
    assert!(!error.to_string().is_empty());
    assert!(session.run("1").is_err() || session.get("n").is_err(), "a stopped engine takes no requests");
    drop(world);
    let mut world = World::open(dir.path());
    let session = world.session("again", "p", "p");
    let given: u64 = world.run(&session, "(core/kv/get n)").trim_matches('"').parse().expect("a number");
    assert!(given >= kept && given <= kept + 2, "{kept} were durable, {given} is there");
}

/// Beyond the limit of requests those who will not wait are sent away, and those who will are served in time.
#[test]
fn a_full_queue_of_requests() {
    let mut world = World::with(Settings { requests: 4, ..Settings::default() }, 2);
    let session = world.alone(1);
    let ask = || {
        Ask::Run(
            session.id().into(),
            diptych::runtime::slp::parse("1", &Default::default()).expect("it parses").into_object(),
        )
    };
    let taken: Vec<_> = (0..4).map(|_| world.client.try_ask(ask()).expect("there is room")).collect();
    assert!(matches!(world.client.try_ask(ask()), Err(RequestError::Busy)));
    let patient = std::thread::spawn({
        let (client, ask) = (world.client.clone(), ask());
        move || client.ask(ask).expect("taken at last").wait(LONG)
    });
    while !patient.is_finished() {
        world.still(1);
    }
    assert_eq!(patient.join().expect("it ends").expect("answered").result.to_string(), "1");
    for ticket in &taken {
        assert_eq!(world.text(ticket), "1");
    }
}

/// Another thread asks, waits, and waits for the disk, while the engine runs.
#[test]
fn waiting_from_another_thread() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut world =
        World::of(Engine::open(dir.path()).durability(Durability::Every(5)), Settings::default(), 2);
    let session = world.alone(2);
    let durable = world.engine.durable().expect("it has a store");
    let asker = std::thread::spawn(move || {
        for n in 0..20 {
            let ticket = session.set("n", n).expect("asked");
            let answer = ticket.wait_durable(&durable, LONG).expect("it becomes durable");
            assert!(durable.frame() >= answer.frame && !answer.is_error());
        }
        let answer = session.run("(core/expr/await (core/event/pub A 1 x) A 1)").expect("asked").wait(LONG);
        assert_eq!(answer.expect("answered").result.to_string(), "\"x\"");
    });
    while !asker.is_finished() {
        world.steps(1);
    }
    asker.join().expect("all was answered");
}

/// A bound that elapses before the disk has it is no promise.
#[test]
fn not_yet_durable() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut world =
        World::of(Engine::open(dir.path()).durability(Durability::Every(1000)), Settings::default(), 2);
    let session = world.alone(1);
    let durable = world.engine.durable().expect("it has a store");
    let ticket = session.set("n", 1).expect("asked");
    let answer = world.answer(&ticket);
    assert!(durable.frame() < answer.frame, "it would be no test");
    let waited = ticket.wait_durable(&durable, Duration::from_millis(30));
    assert!(waited.is_err(), "{waited:?} is not durable");
    world.engine.flush().expect("on disk");
    assert!(ticket.wait_durable(&durable, Duration::from_millis(30)).is_ok());
}

/// Scripts at rest in the middle of handlers, iterations and evaluated text go on where they were, with what they
/// knew, when the world is opened again; so does one that had used up its steps.
#[test]
fn every_kind_of_rest_survives() {
    let dir = tempfile::tempdir().expect("a directory");
    let settings = || {
        let mut settings = Settings { events: 2, ..Settings::default() };
        settings.scripts.steps_a_frame = 40;
        settings
    };
    let open = || World::of(Engine::open(dir.path()), settings(), 2);
    let mut world = open();
    let session = world.alone(5);
    assert_eq!(world.run(&session, "(core/event/sub A 1 {(core/kv/set r (core/expr/await (core/kv/set $data 1) C 1)) (core/kv/set d $data)})"), "true");
    assert_eq!(world.run(&session, "(core/kv/set k1 0)(core/kv/set k2 0)"), "true");
    assert_eq!(world.run(&session, "(core/event/pub A 1 heard)"), "true");
    session
        .run("(core/kv/iterate k 0 9 {(core/kv/set $key (core/expr/await 1 C 1)) (core/kv/set $key $key)})")
        .expect("asked");
    session
        .run("(core/expr/eval \"[(core/kv/set e (core/expr/await 1 C 1)) (core/kv/cas e go gone)]\")")
        .expect("asked");
    let long: String = (0..60).map(|n| format!("(core/kv/set long {n})")).collect();
    session.run(&long).expect("asked");
    session.run("(core/event/pub B 1 1)(core/event/pub B 1 2)(core/event/pub B 1 3)(core/event/pub B 1 4) (core/kv/set room 1)").expect("asked");
    world.still(2);
    for _ in 0..3 {
        world.engine.flush().expect("on disk");
        drop(world);
        world = open();
        world.still(1);
    }
    world.still(20);
    let session = world.session("s", "p", "p");
    for _ in 0..2 {
        assert_eq!(world.run(&session, "(core/event/pub C 1 go)"), "true");
        world.still(10);
    }
    let entries = world.entries("p");
    assert_eq!(entries, ["d=heard", "e=gone", "heard=1", "k1=k1", "k2=k2", "long=59", "r=go", "room=1"]);
    assert_error(&world.run(&session, "(core/kv/get nope)"), "not found", "and the world goes on");
}
