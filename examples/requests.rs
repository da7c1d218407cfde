//! Request and response: one session answers on topic 51 what another asks on topic 50, and a third awaits.
//!
//! Whoever awaits holds up nothing: its script is stored, and goes on in the frame after its answer.

use diptych::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut engine = Engine::in_memory().plugin(Runtime::default()).build()?;
    let client = engine.client()?;
    let rights = |name: &str, asks: TopicAccess, answers: TopicAccess| {
        let principal = Principal::new(name).scope(name, ScopeAccess::ReadWrite);
        client.principal(principal.topic(50, asks).topic(51, answers))
    };
    rights("worker", TopicAccess::Subscribe, TopicAccess::Publish)?;
    rights("commander", TopicAccess::Publish, TopicAccess::Subscribe)?;
    engine.answer()?;

    let worker = engine.session("worker", "worker")?;
    worker.run(
        r#"(core/event/sub $CHANNEL_A 50 {
            (core/kv/set last_request $data)
            (core/event/pub $CHANNEL_B 51 "complete")
        })"#,
    )?;
    let commander = engine.session("commander", "commander")?;
    commander.run(r#"(core/event/sub $CHANNEL_B 51 {(core/kv/set answer $data)})"#)?;
    let asked =
        commander.run(r#"(core/expr/await (core/event/pub $CHANNEL_A 50 "process_data") $CHANNEL_B 51)"#)?;
    // The wrong way round is refused: the worker may not ask.
    let refused = worker.run(r#"(core/event/pub $CHANNEL_A 50 "me too")"#)?;
    for _ in 0..4 {
        engine.answer()?;
    }
    let refused = refused.get().ok_or("it was answered")?.result.to_string();
    println!("{refused}");
    assert!(refused.contains("PERMISSION_DENIED"));
    let answer = asked.get().ok_or("it was answered")?.result.to_string();
    println!("the commander heard {answer}");
    assert_eq!(answer, "\"complete\"");
    let stored = |scope: &str, key: &str| {
        client.look(|index| index.get(scope, key.as_bytes()).map(ToString::to_string))
    };
    assert_eq!(stored("worker", "last_request").as_deref(), Some("\"process_data\""));
    assert_eq!(stored("commander", "answer").as_deref(), Some("\"complete\""));
    Ok(())
}
