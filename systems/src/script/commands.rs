//! The twelve commands that are built in.
//!
//! Invariant: they are registered as a plugin's are, and no command looks at rights. Left out: the three that run
//! other code (`iterate`, `eval`, `await`), which are parts of the machine.

mod event;
mod kv;

use super::call::Call;
use super::command::{Command, ParameterKind as Kind, Run};
use super::host::Permission;
use super::limits::LOG_LINE_BYTES_MAX;
use super::value::Value;
use diptych_components::slp::Object;

/// What runs a body for each key.
pub(super) const ITERATE: &str = "core/kv/iterate";
/// What waits for an event.
pub(super) const AWAIT: &str = "core/expr/await";

/// All twelve.
pub(super) fn builtin() -> impl Iterator<Item = Command> {
    let eval = Command::of("core/expr/eval", Run::Eval)
        .parameter("script", Kind::Evaluated)
        .help("Runs a text, or an object, and gives what it gives.");
    let wait = Command::of(AWAIT, Run::Await)
        .parameter("body", Kind::Expression)
        .parameter("channel", Kind::Channel)
        .parameter("topic", Kind::Topic)
        .help("Evaluates the body, then waits for an event on the topic and gives its data.");
    let log = Command::of("core/util/log", Run::Builtin(log))
        .repeated("message", Kind::Any)
        .help("Writes the messages, with one space between, to the session's log.");
    kv::commands().into_iter().chain(event::commands()).chain([eval, wait, log])
}

fn log(call: &mut Call<'_>) -> Result<Value, Object> {
    let mut line = Vec::new();
    for index in 0..call.len() {
        if index > 0 {
            line.push(b' ');
        }
        let text = call.text(index)?;
        // What is beyond the limit of a line is not gathered.
        let room = LOG_LINE_BYTES_MAX.saturating_sub(line.len());
        line.extend_from_slice(&text[..text.len().min(room)]);
    }
    call.log(&line);
    Ok(Value::boolean(true))
}

/// A command whose every operation the host checks; `permission` is what it declares.
fn builtin_command(
    name: &'static str,
    permission: Permission,
    run: fn(&mut Call<'_>) -> Result<Value, Object>,
) -> Command {
    Command::of(name, Run::Builtin(run)).permission(permission)
}
