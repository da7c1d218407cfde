//! A chat of two tenants: neither sees the other's entries, both hear the room, and one is muted while it speaks.

use diptych::prelude::*;

const ROOM: u16 = 100;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut engine = Engine::in_memory().plugin(Runtime::default()).build()?;
    let client = engine.client()?;
    for name in ["alice", "bob"] {
        let principal = Principal::new(name).scope(&format!("{name}_data"), ScopeAccess::ReadWrite);
        client.principal(principal.topic(ROOM, TopicAccess::PubSub).max_rps(2))?;
    }
    let alice = client.session("alice", "alice_data")?;
    let bob = client.session("bob", "bob_data")?;
    for session in [&alice, &bob] {
        session.run("(core/event/sub $CHANNEL_A 100 {(core/util/log $data) (core/kv/set last $data)})")?;
    }
    engine.answer()?;

    alice.run(r#"(core/event/pub $CHANNEL_A 100 "alice: \"hello\"")"#)?;
    engine.answer()?;
    bob.run(r#"(core/event/pub $CHANNEL_A 100 "bob: hi")"#)?;
    engine.run(Pace::frames(3))?;
    for line in client.take_log() {
        println!("{}", String::from_utf8_lossy(&line));
    }
    // Each session's keys are its own: the same name twice, and no way to the other's.
    let last = |scope: &str| client.look(|index| index.get(scope, b"last").map(ToString::to_string));
    assert_eq!(
        (last("alice_data"), last("bob_data")),
        (Some("\"bob: hi\"".into()), Some("\"bob: hi\"".into()))
    );
    let peek = alice.run("(core/kv/get bob_data/last)")?;
    engine.answer()?;
    assert!(peek.get().is_some_and(|answer| answer.is_error()), "her scope is put before every key");

    // Two a second, whatever the number of sessions.
    let again = client.session("bob", "bob_data")?;
    let spoken: Vec<_> = [&bob, &again, &again]
        .into_iter()
        .map(|session| session.run(r#"(core/event/pub $CHANNEL_A 100 "bob: and")"#))
        .collect::<Result<_, _>>()?;
    engine.answer()?;
    let results: Vec<String> =
        spoken.iter().filter_map(|ticket| ticket.get()).map(|answer| answer.result.to_string()).collect();
    println!("{}", results.join("\n"));
    assert!(results[0] == "true" && results[1..].iter().all(|result| result.contains("RATE_LIMIT_EXCEEDED")));

    // Muted: it holds for everything after it, also for sessions that are open.
    client.grant_topic("bob", ROOM, TopicAccess::Subscribe)?;
    let muted = bob.run(r#"(core/event/pub $CHANNEL_A 100 "bob: ?")"#)?;
    engine.answer()?;
    engine.answer()?;
    assert!(muted.get().is_some_and(|answer| answer.result.to_string().contains("PERMISSION_DENIED")));
    Ok(())
}
