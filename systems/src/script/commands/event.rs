//! Events: `core/event/..`.
//!
//! Invariant: a publisher that finds no room is suspended and publishes again. Left out: delivery, and the events
//! that `core/expr/await` waits for.

use super::builtin_command;
use crate::script::call::Call;
use crate::script::command::{Command, ParameterKind as Kind};
use crate::script::host::Permission;
use crate::script::value::Value;
use diptych_components::slp::Object;

pub(super) fn commands() -> [Command; 2] {
    [
        builtin_command("core/event/pub", Permission::None, publish)
            .parameter("channel", Kind::Channel)
            .parameter("topic", Kind::Topic)
            .parameter("data", Kind::Evaluated)
            .help("Publishes the data; waits where there is no room."),
        builtin_command("core/event/sub", Permission::None, subscribe)
            .parameter("channel", Kind::Channel)
            .parameter("topic", Kind::Topic)
            .parameter("handler", Kind::Body)
            .help("Runs the handler for each event from now on, its data as $data."),
    ]
}

fn publish(call: &mut Call<'_>) -> Result<Value, Object> {
    let (channel, topic, data) = (call.channel(0)?, call.topic(1)?, call.value(2)?);
    call.publish(channel, topic, data.clone())?;
    Ok(Value::boolean(true))
}

fn subscribe(call: &mut Call<'_>) -> Result<Value, Object> {
    let (channel, topic, body) = (call.channel(0)?, call.topic(1)?, call.body(2)?);
    call.host.subscribe(channel, topic, body)?;
    Ok(Value::boolean(true))
}
