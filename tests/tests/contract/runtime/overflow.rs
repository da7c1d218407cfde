//! More events than a frame has places for: nothing is lost, nothing comes twice, everything keeps its order, and who
//! has to wait holds nobody else up.

use super::{World, assert_error};
use diptych::prelude::*;
use diptych::runtime::{Held, Session, Settings, Ticket};
use std::collections::{BTreeMap, BTreeSet};

fn world(events: u32) -> World {
    World::with(Settings { events, ..Settings::default() }, 2)
}

/// A publisher that has events without a place.
fn held(world: &World) -> BTreeSet<String> {
    world
        .engine
        .view()
        .iter::<Held>()
        .flat_map(|(_, held)| held.sessions().map(|(_, id)| id.to_owned()))
        .collect()
}

/// Six sessions in three scopes publish six times what a frame takes; what a listener hears, frame by frame.
fn flood(limit: u32, each: u32) {
    let mut world = world(limit);
    let mut rights = Principal::new("p").topic(1, TopicAccess::PubSub);
    for scope in ["a", "b", "c", "ear"] {
        rights = rights.scope(scope, ScopeAccess::ReadWrite);
    }
    world.principal(rights);
    let ear = world.session("ear", "p", "ear");
    assert_eq!(world.run(&ear, "(core/event/sub A 1 {(core/util/log $data) (core/kv/snx $data 1)})"), "true");
    // The names are such that the order of scopes is not that of sessions.
    let sessions = [("z", "a"), ("y", "a"), ("x", "b"), ("w", "b"), ("v", "c"), ("u", "c")];
    let sessions = sessions.map(|(id, scope)| (scope, world.session(id, "p", scope)));
    let publish = |session: &Session| {
        let forms: String = (0..each).map(|n| format!("(core/event/pub A 1 {}:{n})", session.id())).collect();
        session.run(&format!("{forms} (core/kv/set done:{} 1)", session.id())).expect("asked")
    };
    let tickets: Vec<Ticket> = sessions.iter().map(|(_, session)| publish(session)).collect();
    let mut heard: Vec<Vec<String>> = Vec::new();
    let mut lines = 0;
    for frame in 0..200 {
        // Another session, in a scope where somebody waits, and a waiting one: both are answered at once.
        let other = ear.run(&format!("(core/kv/set tick {frame})")).expect("asked");
        let own = sessions[0].1.run("(core/kv/exists tick)").expect("asked");
        world.still(1);
        assert_eq!(
            other.get().map(|answer| answer.result.to_string()).as_deref(),
            Some("true"),
            "frame {frame}"
        );
        assert!(own.get().is_some(), "frame {frame}: a script that publishes nothing does not wait");
        let log: Vec<String> =
            world.log().iter().map(|line| line.trim_start_matches("[session:ear] ").to_owned()).collect();
        assert!(log.len() <= limit as usize, "{} events in a frame", log.len());
        lines += log.len();
        heard.push(log);
        let waits = held(&world);
        for ((_, session), ticket) in sessions.iter().zip(&tickets) {
            if ticket.get().is_some() {
                assert!(
                    !waits.contains(session.id()),
                    "{} is answered before its events have a place",
                    session.id()
                );
            }
        }
        if lines == (6 * each) as usize && tickets.iter().all(|ticket| ticket.get().is_some()) {
            break;
        }
    }
    assert!(
        tickets.iter().all(|ticket| ticket.get().is_some_and(|answer| answer.result.to_string() == "true"))
    );
    let all: BTreeSet<String> =
        sessions.iter().flat_map(|(_, session)| (0..each).map(|n| format!("{}:{n}", session.id()))).collect();
    let given: Vec<&String> = heard.iter().flatten().collect();
    assert_eq!(given.len(), all.len(), "an event came twice, or not at all");
    assert_eq!(given.iter().map(|name| (*name).clone()).collect::<BTreeSet<_>>(), all);
    // Each session's own order holds over all frames.
    let mut next: BTreeMap<&str, u32> = BTreeMap::new();
    for event in &given {
        let (session, number) = event.split_once(':').expect("session:number");
        let expected = next.entry(session).or_default();
        assert_eq!(number.parse::<u32>().expect("a number"), *expected, "{session}");
        *expected += 1;
    }
    // And the first batch comes in the order of scope, session and sequence.
    let first = heard.iter().find(|log| !log.is_empty()).expect("something was heard");
    let order: Vec<String> = ["y", "z", "w", "x", "u", "v"]
        .iter()
        .flat_map(|id| (0..each.min(limit)).map(move |n| format!("{id}:{n}")))
        .take(limit as usize)
        .collect();
    assert_eq!(*first, order);
    assert_eq!(held(&world), BTreeSet::new());
}

#[test]
fn ten_a_frame() {
    flood(10, 37);
}

#[test]
fn a_thousand_a_frame() {
    flood(1000, 1300);
}

/// Single operations wait as scripts do; and a session that is closed while its events wait has published them.
#[test]
fn operations_and_ends() {
    let mut world = world(4);
    let session = world.alone(2);
    let ear = world.session("ear", "p", "p");
    assert_eq!(world.run(&ear, "(core/event/sub A 1 {(core/util/log $data)})"), "true");
    let asked: Vec<Ticket> = (0..13).map(|n| session.publish(Channel::A, 1, n).expect("asked")).collect();
    for ticket in &asked {
        assert_eq!(world.text(ticket), "true");
    }
    world.still(5);
    let order: Vec<String> = (0..13).map(|n| format!("[session:ear] {n}")).collect();
    assert_eq!(world.log(), order);
    // The second script cannot begin to publish before the first has its places; then the session ends.
    let first = session.run(&"(core/event/pub A 1 x)".repeat(6)).expect("asked");
    let ended = session.close().expect("asked");
    assert_eq!(world.text(&ended), "true");
    world.still(5);
    assert_error(&first.get().expect("told").result.to_string(), "has ended before its script", "the first");
    assert_eq!(world.log().len(), 4, "what had been published is heard");
}

/// What a session has sent to a processor never runs in another session of its name: until it has come, the name is
/// taken; and where the session is closed it is dropped.
#[test]
fn a_name_is_not_inherited() {
    let mut world = world(1);
    let session = world.alone(1);
    world.principal(Principal::new("a").scope("a", ScopeAccess::Read).topic(0, TopicAccess::Publish));
    world.principal(Principal::new("q").scope("p", ScopeAccess::ReadWrite));
    let first = world.session("a", "a", "a");
    // Both publish in one frame; the scope that comes first has the only place.
    let script = "(core/event/pub EXECUTION 0 \"(core/kv/set ran 1)\")";
    session.run(script).expect("asked");
    first.run(script).expect("asked");
    session.close().expect("asked");
    world.still(1);
    assert_eq!(held(&world).into_iter().collect::<Vec<_>>(), ["s"]);
    let thief = world.client.open("s", "q", "p").expect("the names are good");
    world.still(1);
    assert_error(&thief.opened().get().expect("told").result.to_string(), "still on their way", "too early");
    world.still(3);
    world.session("s", "q", "p");
    world.still(3);
    assert!(world.entries("p").is_empty());
}

/// Published by the system in every step.
const BURST: u64 = 25;

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Count {
    published: u64,
    refused: u64,
    heard: u64,
    sum: u64,
}

/// A system that publishes beside scripts, and one that hears: what was taken is heard once, in order, by both.
#[test]
fn systems_beside_scripts() {
    let publish =
        |mut counts: Query<'_, '_, Next<Count>>, heard: Subscriber<'_, '_>, mut bus: Publisher<'_, '_>| {
            for mut row in &mut counts {
                let mut count = *row.prev();
                for _ in 0..if count.published < 200 { BURST } else { 0 } {
                    match bus.try_publish(Channel::A, 1, count.published as i64) {
                        Ok(()) => count.published += 1,
                        Err(refused) => {
                            assert_eq!(refused.value, count.published as i64, "it comes back");
                            count.refused += 1;
                        }
                    }
                }
                for event in heard.on(Channel::A, 1) {
                    count.heard += 1;
                    if let Some(number) = event
                        .data::<i64>()
                        .filter(|_| matches!(event.publisher(), diptych::runtime::Origin::System { .. }))
                    {
                        assert_eq!(number as u64, count.sum, "the system's events keep their order");
                        count.sum += 1;
                    }
                }
                row.set(count);
            }
        };
    let builder =
        Engine::in_memory().state::<Count>("count", 1).system("count", publish).setup("count", |structure| {
            structure.spawn((Count { published: 0, refused: 0, heard: 0, sum: 0 },));
        });
    let mut world = World::of(builder, Settings { events: 10, ..Settings::default() }, 2);
    let session = world.alone(2);
    assert_eq!(
        world.run(&session, "(core/event/sub A 1 {(core/kv/snx n:$data 1) (core/util/log $data)})"),
        "true"
    );
    let asked: Vec<Ticket> =
        (0..4).map(|_| session.run(&"(core/event/pub A 1 s)".repeat(15)).expect("asked")).collect();
    for _ in 0..60 {
        world.steps(1);
        world.still(2);
    }
    assert!(
        asked.iter().all(|ticket| ticket.get().is_some_and(|answer| answer.result.to_string() == "true"))
    );
    let count = *world.engine.view().single::<Count>().expect("one");
    assert!(count.published >= 200 && count.refused > 0, "{count:?}");
    assert_eq!((count.sum, count.heard), (count.published, count.published + 60), "{count:?}");
    let lines = world.log();
    assert_eq!(lines.len() as u64, count.heard);
    let numbers: Vec<u64> = lines.iter().filter_map(|line| line.split_once("] ")?.1.parse().ok()).collect();
    assert_eq!(numbers, (0..count.published).collect::<Vec<_>>());
}
