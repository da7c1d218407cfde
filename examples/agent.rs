//! A durable agent: it asks, waits, and goes on where it stopped, though the process ends between each two words.
//!
//! Its session, its place in its script and its deadline are state of the world. Only the ticket is gone with the
//! process; so the agent writes down what it has heard.

use diptych::prelude::*;

fn open(path: &std::path::Path) -> Result<Engine> {
    Engine::open(path)
        .plugin(
            Runtime::default()
                .settings(diptych::runtime::Settings { patience: 3600.0, ..Default::default() }),
        )
        .build()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let world = tempfile::tempdir()?;
    let mut engine = open(world.path())?;
    let client = engine.client()?;
    let principal =
        |name: &str| Principal::new(name).scope(name, ScopeAccess::ReadWrite).topic(7, TopicAccess::PubSub);
    client.principal(principal("agent"))?;
    client.principal(principal("oracle"))?;
    let agent = client.open("agent-1", "agent", "agent")?;
    agent.run(
        r#"[(core/kv/set state "asked first")
            (core/kv/set name  (core/expr/await (core/event/pub $CHANNEL_A 7 "your name?") $CHANNEL_B 7))
            (core/kv/set state "asked second")
            (core/kv/set quest (core/expr/await (core/event/pub $CHANNEL_A 7 "your quest?") $CHANNEL_B 7))
            (core/kv/set state "done")]"#,
    )?;
    engine.run(Pace::frames(2))?;
    drop(engine);

    for (answer, state) in [("Arthur", "asked second"), ("the grail", "done")] {
        // Another process, another day.
        let mut engine = open(world.path())?;
        let oracle = engine.session("oracle", "oracle")?;
        oracle.publish(Channel::B, 7, answer)?;
        engine.run(Pace::frames(3))?;
        let heard = engine.client()?.look(|index| index.get("agent", b"state").map(ToString::to_string));
        println!("told {answer:?}, the agent is {}", heard.as_deref().unwrap_or("lost"));
        assert_eq!(heard, Some(format!("{state:?}")));
    }
    let engine = open(world.path())?;
    let entry = |key: &str| {
        engine
            .client()
            .map(|client| client.look(|index| index.get("agent", key.as_bytes()).map(ToString::to_string)))
    };
    assert_eq!(entry("name")?, Some("\"Arthur\"".to_owned()));
    assert_eq!(entry("quest")?, Some("\"the grail\"".to_owned()));
    Ok(())
}
