//! Tasks whose variables, stack frames and place in their program are entries: document 000's tables, by scripts.
//!
//! A task that pauses leaves everything in the store, so that anybody can go on with it, also after a restart.

use diptych::prelude::*;
use diptych::runtime::Session;

/// Runs a script and gives its answer as text.
fn run(engine: &mut Engine, session: &Session, script: &str) -> Result<String, Box<dyn std::error::Error>> {
    let ticket = session.run(script)?;
    engine.answer()?;
    Ok(ticket.get().ok_or("it was answered in that frame")?.result.to_string())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let world = tempfile::tempdir()?;
    let mut engine = Engine::open(world.path()).plugin(Runtime::default()).build()?;
    let client = engine.client()?;
    // A task's variables are a scope of their own; what tasks share is another.
    let tasks = ["task:001", "task:002", "shared"]
        .map(|scope| client.principal(Principal::new(scope).scope(scope, ScopeAccess::ReadWrite)));
    tasks.into_iter().collect::<Result<Vec<_>, _>>()?;
    engine.answer()?;
    let first = engine.session("task:001", "task:001")?;
    let second = engine.session("task:002", "task:002")?;
    run(&mut engine, &first, "(core/kv/set counter 5) (core/kv/set temp \"processing\")")?;
    run(&mut engine, &second, "(core/kv/set counter 12) (core/kv/set user \"Alice\")")?;
    assert_eq!(run(&mut engine, &first, "(core/kv/get counter)")?, "\"5\"");
    assert_eq!(run(&mut engine, &second, "(core/kv/get counter)")?, "\"12\"");

    // A stack: frames are prefixes, and popping one is deleting what lies under it.
    let stack = r#"
        (core/kv/set stack:0:fn "main")      (core/kv/set stack:0:local:result 0)
        (core/kv/set stack:1:fn "process")   (core/kv/set stack:1:local:count 3)
        (core/kv/set stack:2:fn "helper")    (core/kv/set stack:2:local:temp 42)
        (core/kv/iterate "stack:1:" 0 100 {(core/util/log "Frame 1 variable:" $key)})
        (core/kv/iterate "stack:2:" 0 100 {(core/kv/del $key)})"#;
    assert_eq!(run(&mut engine, &first, stack)?, "true");
    let log: Vec<String> =
        client.take_log().iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    println!("{}", log.join("\n"));
    assert_eq!(log.len(), 2);
    assert_eq!(run(&mut engine, &first, "(core/kv/exists stack:2:fn)")?, "false");

    // A function that pauses: its counter and its sum are entries.
    let call = r#"
        (core/kv/set fn:abc123:pc 0)      (core/kv/set fn:abc123:arg:x 10)   (core/kv/set fn:abc123:arg:y 20)
        (core/kv/set fn:abc123:local:sum 0)  (core/kv/set fn:abc123:state "initialized")"#;
    run(&mut engine, &first, call)?;
    let pause = r#"[(core/kv/cas fn:abc123:state "initialized" "running") (core/kv/set fn:abc123:local:sum 30)
        (core/kv/set fn:abc123:pc 5) (core/kv/cas fn:abc123:state "running" "paused")]"#;
    assert_eq!(run(&mut engine, &first, pause)?, "true");
    drop(engine);

    let mut engine = Engine::open(world.path()).plugin(Runtime::default()).build()?;
    let first = engine.session("task:001", "task:001")?;
    let resume = r#"[(core/kv/cas fn:abc123:state "paused" "running") (core/kv/set fn:abc123:pc 6)
        (core/kv/get fn:abc123:local:sum)]"#;
    let sum = run(&mut engine, &first, resume)?;
    println!("resumed at 6 with a sum of {sum}");
    assert_eq!(sum, "\"30\"");
    // Only one can resume it.
    assert_eq!(run(&mut engine, &first, "(core/kv/cas fn:abc123:state \"paused\" \"running\")")?, "false");
    Ok(())
}
