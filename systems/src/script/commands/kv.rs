//! Entries: `core/kv/..`.
//!
//! Invariant: what is stored is the evaluated object itself; what is seen of it is its text. Left out: permissions
//! and limits, which are the host's.

use super::{ITERATE, builtin_command};
use crate::script::call::Call;
use crate::script::command::{Command, ParameterKind as Kind, Run};
use crate::script::failure;
use crate::script::host::Permission::{Read, ReadWrite, Write};
use crate::script::value::Value;
use diptych_components::slp::Object;

pub(super) fn commands() -> [Command; 7] {
    [
        builtin_command("core/kv/set", Write, set)
            .parameter("key", Kind::Key)
            .parameter("value", Kind::Evaluated)
            .help("Stores the value."),
        builtin_command("core/kv/get", Read, get)
            .parameter("key", Kind::Key)
            .help("Gives the text of what is stored."),
        builtin_command("core/kv/del", Write, del)
            .parameter("key", Kind::Key)
            .help("Removes what is stored; true where nothing is."),
        builtin_command("core/kv/exists", Read, exists)
            .parameter("key", Kind::Key)
            .help("Whether something is stored."),
        builtin_command("core/kv/snx", Write, snx)
            .parameter("key", Kind::Key)
            .parameter("value", Kind::Evaluated)
            .help("Stores the value where nothing is stored; whether it did."),
        builtin_command("core/kv/cas", ReadWrite, cas)
            .parameter("key", Kind::Key)
            .parameter("expected", Kind::Evaluated)
            .parameter("value", Kind::Evaluated)
            .help("Stores the value where the text of what is stored is the expected one; whether it did."),
        Command::of(ITERATE, Run::Iterate)
            .permission(Read)
            .parameter("prefix", Kind::Prefix)
            .parameter("offset", Kind::Count)
            .parameter("limit", Kind::Count)
            .parameter("handler", Kind::Body)
            .help(
                "Runs the handler for each key with the prefix, as $key, in order; a limit of 0 visits none.",
            ),
    ]
}

fn set(call: &mut Call<'_>) -> Result<Value, Object> {
    call.host.set(call.key(0)?, call.value(1)?.to_stored())?;
    Ok(Value::boolean(true))
}

fn get(call: &mut Call<'_>) -> Result<Value, Object> {
    let key = call.key(0)?;
    let stored = call.host.get(key)?;
    stored.map(Value::text_of).ok_or_else(|| not_found(key))
}

#[cold]
fn not_found(key: &[u8]) -> Object {
    Object::error(&format!("key not found: {}", failure::shortened(key)))
}

fn del(call: &mut Call<'_>) -> Result<Value, Object> {
    call.host.delete(call.key(0)?)?;
    Ok(Value::boolean(true))
}

fn exists(call: &mut Call<'_>) -> Result<Value, Object> {
    call.host.exists(call.key(0)?).map(Value::boolean)
}

fn snx(call: &mut Call<'_>) -> Result<Value, Object> {
    call.host.set_if_absent(call.key(0)?, call.value(1)?.to_stored()).map(Value::boolean)
}

fn cas(call: &mut Call<'_>) -> Result<Value, Object> {
    let expected = call.text(1)?;
    call.host.compare_and_swap(call.key(0)?, &expected, call.value(2)?.to_stored()).map(Value::boolean)
}
