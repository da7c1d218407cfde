//! A runtime whose frames are undone: entries, sessions, handlers and suspended scripts are those of the frame.

use super::World;
use diptych::prelude::*;
use diptych::runtime::Settings;

fn world() -> World {
    World::of(Engine::in_memory().rollback(100), Settings::default(), 2)
}

/// What was written is gone, in the index too, and the same requests make the same world again.
#[test]
fn entries_handlers_and_events_go_back() {
    let mut world = world();
    let session = world.alone(2);
    assert_eq!(
        world.run(&session, "(core/kv/set a 1) (core/event/sub A 1 {(core/kv/set heard $data)})"),
        "true"
    );
    let (frame, before) = (world.engine.frame(), world.engine.digest());
    let mut later = Vec::new();
    for _ in 0..3 {
        assert_eq!(world.run(&session, "(core/kv/set a 2) (core/kv/set b 3) (core/event/pub A 1 x)"), "true");
        world.still(3);
        assert_eq!(world.entries("p"), ["a=2", "b=3", "heard=x"]);
        assert_eq!(world.run(&session, "(core/kv/del a) (core/kv/get b)"), "\"3\"");
        assert_eq!(world.entries("p"), ["b=3", "heard=x"]);
        later.push((world.engine.frame(), world.engine.digest()));
        world.engine.rollback_to(frame).expect("kept");
        assert_eq!(world.entries("p"), ["a=1"]);
        assert_eq!(world.engine.digest(), before);
    }
    assert_eq!(later[1..], [later[0]; 2]);
    // Other requests than then: the handler of that frame is there, and what came after it is not.
    assert_eq!(world.run(&session, "(core/event/pub A 1 y) (core/kv/get a)"), "\"1\"");
    world.still(3);
    assert_eq!(world.entries("p"), ["a=1", "heard=y"]);
}

/// A script that awaited goes on again from where it stood, and a session that was opened later is not there.
#[test]
fn awaits_and_sessions_go_back() {
    let mut world = world();
    let session = world.alone(2);
    let waits = session.run("(core/kv/set got (core/expr/await 1 A 1))").expect("asked");
    world.still(3);
    assert!(waits.get().is_none(), "it awaits");
    let frame = world.engine.frame();
    let other = world.session("t", "p", "p");
    assert_eq!(world.run(&other, "(core/event/pub A 1 first)"), "true");
    world.still(3);
    assert_eq!(world.entry("p", "got").as_deref(), Some("first"));
    world.engine.rollback_to(frame).expect("kept");
    assert_eq!(world.entry("p", "got"), None);
    let again = world.session("t", "p", "p");
    assert_eq!(world.run(&again, "(core/event/pub A 1 second)"), "true");
    world.still(3);
    assert_eq!(world.entry("p", "got").as_deref(), Some("second"));
}
