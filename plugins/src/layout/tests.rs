//! Values of layouts through the engine: seen and changed by scripts, refused by name, the same on any threads, stored
//! and replayed.

use super::{LayoutPlugin, Scalar, Shelf, Station};
use crate::runtime::{Channel, Principal, Runtime, RuntimeExt, ScopeAccess, Session, TopicAccess};
use diptych_engine::prelude::*;
use std::sync::Arc;

const TYPES: &str = "body: {at: {x: f32 y: f32} mass: f64 alive: bool} tag: {kind: u8 trail: [i16 3]}";

fn layouts() -> LayoutPlugin {
    let plugin = LayoutPlugin::parse(TYPES).unwrap_or_else(|error| panic!("{error}"));
    let body: &[(&str, Scalar)] = &[("at.x", Scalar::Real(1.5)), ("alive", Scalar::Bool(true))];
    let tag: &[(&str, Scalar)] = &[("kind", Scalar::Integer(7)), ("trail[2]", Scalar::Integer(-300))];
    let plugin = plugin.with(&[("body", body), ("tag", tag)]).unwrap_or_else(|error| panic!("{error}"));
    plugin.with(&[("body", &[])]).unwrap_or_else(|error| panic!("{error}"))
}

fn world(builder: EngineBuilder) -> (EngineBuilder, Arc<Shelf>) {
    let layouts = layouts();
    let shelf = layouts.shelf().clone();
    let runtime = layouts.commands().into_iter().try_fold(Runtime::default(), Runtime::command);
    (builder.plugin(runtime.unwrap_or_else(|error| panic!("{error}"))).plugin(layouts), shelf)
}

fn open(builder: EngineBuilder) -> (Engine, Arc<Shelf>) {
    let (builder, shelf) = world(builder);
    (builder.build().unwrap_or_else(|error| panic!("{error}")), shelf)
}

/// A session of a principal that may do this with the layouts' topic.
fn session(engine: &mut Engine, name: &str, access: Option<TopicAccess>) -> Session {
    let rights = Principal::new(name).scope(name, ScopeAccess::ReadWrite);
    let topic = Station::default().topic;
    let rights = access.into_iter().fold(rights, |rights, access| rights.topic(topic, access));
    let client = engine.client().unwrap_or_else(|error| panic!("{error}"));
    client.principal(rights).unwrap_or_else(|error| panic!("{error}"));
    let session = client.session(name, name).unwrap_or_else(|error| panic!("{error}"));
    engine.run(Pace::frames(2)).unwrap_or_else(|error| panic!("{error}"));
    session
}

/// What a script gives, after so many steps as a change takes to be committed.
fn run(engine: &mut Engine, session: &Session, script: &str) -> String {
    let ticket = session.run(script).unwrap_or_else(|error| panic!("{error}"));
    engine.run(Pace::frames(3)).unwrap_or_else(|error| panic!("{error}"));
    ticket.get().unwrap_or_else(|| panic!("{script} has no answer")).result.to_string()
}

/// Claim: fields of every kind are seen and changed; a change is seen by who asks in a later frame, not in its own;
/// changes of one frame are all made, in their order; what is stored under a key is a value too.
#[test]
fn scripts_see_and_change() {
    let (mut engine, shelf) = open(Engine::in_memory());
    let id = shelf.ids("tag").unwrap_or_else(|error| panic!("{error}"))[0];
    let smith = session(&mut engine, "smith", Some(TopicAccess::PubSub));
    let mut say = |script: &str| run(&mut engine, &smith, &script.replace("ID", &format!("\"{id}\"")));
    assert_eq!(say("(world/get ID body at.x)"), "1.5");
    assert_eq!(say("(world/get ID body alive)"), "true");
    assert_eq!(say(&format!("(world/get {} tag \"trail[2]\")", id.bits().cast_signed())), "-300");
    assert_eq!(say("(world/set ID tag kind 8) (world/get ID tag kind)"), "7");
    assert_eq!(say("(world/get ID tag kind)"), "8");
    assert_eq!(
        say("(world/set ID tag kind 9) (world/set ID body at.y -2.25) (world/set ID tag kind 10)"),
        "true"
    );
    assert_eq!(say("(world/get ID tag kind)"), "10");
    assert_eq!(say("(world/get ID body at.y)"), "-2.25");
    assert_eq!(say("(core/kv/set mass 80.5) (world/set ID body mass (core/kv/get mass))"), "true");
    assert_eq!(say("(world/get ID body mass)"), "80.5");
    assert_eq!(say("(world/set ID body alive false)"), "true");
    assert_eq!(say("(world/get ID body alive)"), "false");
    // Any event may be on the topic; what is no change of a field changes nothing.
    let topic = Station::default().topic;
    assert_eq!(
        say(&format!("(core/event/pub F {topic} 5) (core/event/pub F {topic} [1 \"tag\" \"x\" 5])")),
        "true"
    );
    assert_eq!(say("(world/get ID tag kind)"), "10");
}

/// Claim: who has no permission is told that and nothing else; whatever there is not is named; nothing changes.
#[test]
fn refusals_name_what_there_is_not() {
    let (mut engine, shelf) = open(Engine::in_memory());
    let ids = shelf.ids("body").unwrap_or_else(|error| panic!("{error}"));
    let tagged = shelf.ids("tag").unwrap_or_else(|error| panic!("{error}"))[0];
    let bare = ids.into_iter().find(|id| *id != tagged).expect("the second entity has no tag");
    let smith = session(&mut engine, "smith", Some(TopicAccess::PubSub));
    let eye = session(&mut engine, "eye", Some(TopicAccess::Subscribe));
    let hand = session(&mut engine, "hand", Some(TopicAccess::Publish));
    let nobody = session(&mut engine, "nobody", None);
    let before = engine.component_digests();
    for (who, script, expected) in [
        (
            &nobody,
            "(world/get ID tag kind)",
            "PERMISSION_DENIED: principal nobody has no SUBSCRIBE on topic 65535",
        ),
        (&nobody, "(world/get ID nothing kind)", "PERMISSION_DENIED: principal nobody has no SUBSCRIBE"),
        (&nobody, "(world/set ID tag kind 9)", "PERMISSION_DENIED: principal nobody has no PUBLISH"),
        (&eye, "(world/set ID nothing kind 9)", "PERMISSION_DENIED: principal eye has no PUBLISH"),
        (&hand, "(world/get ID tag kind)", "PERMISSION_DENIED: principal hand has no SUBSCRIBE"),
        (&smith, "(world/get ID hat kind)", "world/get: there is no layout hat"),
        (&smith, "(world/get ID tag size)", "world/get: the layout tag has no field size"),
        (&smith, "(world/set ID tag \"trail[3]\" 1)", "world/set: the layout tag has no field trail[3]"),
        (&smith, "(world/set BARE tag kind 1)", "holds no tag"),
        (&smith, "(world/get 42 tag kind)", "world/get: the entity 00000.42 holds no tag"),
        (&smith, "(world/get here tag kind)", "world/get: here is no id"),
        (&smith, "(world/get \"00000.\" tag kind)", "is no id"),
        (
            &smith,
            "(world/set ID tag kind 256)",
            "world/set: kind cannot be 256: it is a field of the kind u8",
        ),
        (&smith, "(world/set ID tag kind much)", "world/set: much is no value of a field"),
        (&smith, "(world/set ID body at.x 1e300)", "at.x cannot be 1e300"),
        (&smith, "(world/set ID tag kind)", "world/set id type field value"),
    ] {
        let script = script.replace("ID", &format!("\"{tagged}\"")).replace("BARE", &format!("\"{bare}\""));
        let answer = run(&mut engine, who, &script);
        assert!(answer.starts_with('@') && answer.contains(expected), "{script}: {answer}");
    }
    let after = engine.component_digests();
    let columns = |sums: &[diptych_engine::ComponentSum]| -> Vec<String> {
        sums.iter().filter(|sum| sum.name.starts_with("layout.")).map(|sum| format!("{sum:?}")).collect()
    };
    assert_eq!(columns(&before).len(), 2);
    assert_eq!(columns(&before), columns(&after));
    assert_eq!(run(&mut engine, &hand, &format!("(world/set \"{tagged}\" tag kind 9)")), "true");
    assert_eq!(shelf.get(tagged, "tag", "kind"), Ok(Scalar::Integer(9)));
}

/// Drives a world to a frame; what is asked depends on the frame alone.
fn drive(engine: &mut Engine, shelf: &Shelf, frames: u64) -> Digest {
    let client = engine.client().unwrap_or_else(|error| panic!("{error}"));
    let rights = Principal::new("smith").scope("smith", ScopeAccess::ReadWrite);
    let rights = rights.topic(Station::default().topic, TopicAccess::PubSub);
    while engine.frame() < frames {
        let frame = engine.frame();
        // For sessions do not outlive a program.
        client.principal(rights.clone()).unwrap_or_else(|error| panic!("{error}"));
        let session = client.open(&format!("at {frame}"), "smith", "smith");
        let session = session.unwrap_or_else(|error| panic!("{error}"));
        for id in shelf.ids("body").unwrap_or_else(|error| panic!("{error}")) {
            let seen = format!("(core/kv/set seen (world/get \"{id}\" body at.x))");
            let script = format!("{seen} (world/set \"{id}\" body at.x {frame}.5)");
            session.run(&script).unwrap_or_else(|error| panic!("{error}"));
        }
        session.close().unwrap_or_else(|error| panic!("{error}"));
        engine.step().unwrap_or_else(|error| panic!("{error}"));
    }
    engine.digest()
}

/// Claim: one digest on any number of threads; and for a world that is stored, dropped and opened again, and for its
/// replay, in which nobody asks.
#[cfg(feature = "store")]
#[test]
fn the_same_however_it_is_made() {
    let made = |builder: EngineBuilder, frames| {
        let (mut engine, shelf) = open(builder);
        drive(&mut engine, &shelf, frames)
    };
    let one = made(Engine::in_memory().threads(1), 30);
    for threads in [2, 4, 8].into_iter().filter(|_| cfg!(feature = "threads")) {
        assert_eq!(made(Engine::in_memory().threads(threads), 30), one, "on {threads} threads");
    }
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    for frame in [7, 8, 20, 30] {
        let digest = made(Engine::open(folder.path()), frame);
        assert!(frame < 30 || digest == one, "in pieces");
    }
    let (builder, shelf) = world(Engine::in_memory());
    let mut replay =
        builder.replay(folder.path(), ReplayFrom::Oldest).unwrap_or_else(|error| panic!("{error}"));
    replay.run_to(u64::MAX).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((replay.frame(), replay.digest()), (30, one));
    let id = shelf.ids("tag").unwrap_or_else(|error| panic!("{error}"))[0];
    // Asked in frame 29, said in frame 29, heard in frame 30 what was said in 28.
    assert!(matches!(shelf.get(id, "body", "at.x"), Ok(Scalar::Real(x)) if x > 20.0));
}

/// Claim: a world is not continued with other types; its facts say the types and the station it was made with.
#[cfg(feature = "store")]
#[test]
fn other_types_are_refused() {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    drop(open(Engine::open(folder.path())));
    let other = LayoutPlugin::parse(&TYPES.replace("mass: f64", "mass: f32"))
        .unwrap_or_else(|error| panic!("{error}"));
    let refused = Engine::open(folder.path()).plugin(Runtime::default()).plugin(other).build();
    let error = refused.map(drop).expect_err("other types").to_string();
    assert!(error.contains("layout.text"), "{error}");
    let log = diptych_engine::store::LogReader::open(folder.path()).unwrap_or_else(|error| panic!("{error}"));
    let stored = LayoutPlugin::stored(log.facts()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(stored.shelf().layouts(), layouts().shelf().layouts());
    assert_eq!(stored.shelf().station(), Station { channel: Channel::F, topic: u16::MAX });
    assert!(LayoutPlugin::stored(&std::collections::BTreeMap::new()).is_err());
}
