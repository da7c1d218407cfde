//! What the ERRORs of scripts say.
//!
//! Invariant: each is one sentence that says what was expected; what users gave is shown shortened. Left out: the
//! ERRORs of hosts.

use super::command::Command;
use diptych_components::event::Channel;
use diptych_components::slp::{Kind, Object, ParseError, View};

/// Bytes of what users gave that an ERROR repeats.
const SHOWN_MAX: usize = 48;

/// What an `await` gives when nothing came in time.
#[must_use]
pub fn timed_out(seconds: f64, channel: Channel, topic: u16) -> Object {
    Object::error(&format!("await timed out after {seconds} s on channel {channel} topic {topic}"))
}

#[cold]
pub(super) fn unknown_function(name: &[u8]) -> Object {
    let name = shortened(name);
    Object::error(&format!("unknown function '{name}'; `diptych commands` lists what there is"))
}

#[cold]
pub(super) fn no_function(head: View<'_>) -> Object {
    let head = shown(head);
    Object::error(&format!(
        "a list begins with the name of a function, not with {head}; quote it to keep it as data"
    ))
}

#[cold]
pub(super) fn too_few(command: &Command, least: u32, given: u32) -> Object {
    let (name, signature) = (command.name(), command.signature());
    let plural = if least == 1 { "" } else { "s" };
    Object::error(&format!("{name} needs {least} argument{plural}, not {given}: {signature}"))
}

#[cold]
pub(super) fn argument(command: &Command, index: u32, expected: &str, given: View<'_>) -> Object {
    let (name, parameter) = (command.name(), command.at(index).name());
    let (given, signature) = (shown(given), command.signature());
    Object::error(&format!("{name}: {parameter} must be {expected}, not {given}: {signature}"))
}

#[cold]
pub(super) fn no_topic(command: &Command, index: u32, topic: i64) -> Object {
    let (name, parameter) = (command.name(), command.at(index).name());
    Object::error(&format!("{name}: {parameter} must be from 0 to 65535, not {topic}"))
}

#[cold]
pub(super) fn negative(command: &Command, index: u32, count: i64) -> Object {
    let (name, parameter) = (command.name(), command.at(index).name());
    Object::error(&format!("{name}: {parameter} must be 0 or more, not {count}"))
}

#[cold]
pub(super) fn not_parsed(error: &ParseError) -> Object {
    Object::error(&format!("core/expr/eval: the text does not parse: {error}"))
}

#[cold]
pub(super) fn too_many_steps(limit: u64) -> Object {
    Object::error(&format!("the script was ended: it took more than {limit} steps (steps_in_all)"))
}

#[cold]
pub(super) fn stack_full(limit: u32) -> Object {
    Object::error(&format!(
        "the script was ended: more than {limit} calls and arguments are open at once (stack)"
    ))
}

#[cold]
pub(super) fn memory_full(limit: u64) -> Object {
    Object::error(&format!(
        "the script was ended: its values and keys hold more than {limit} bytes (bytes); iterate in parts, with an \
         offset and a limit"
    ))
}

#[cold]
pub(super) fn lost_place() -> Object {
    Object::error("the script was ended: what it was doing does not fit the commands there are now")
}

/// A value in a sentence.
fn shown(view: View<'_>) -> String {
    match view.kind() {
        Kind::Symbol => format!("the symbol {}", shortened(view.symbol().unwrap_or_default())),
        Kind::String => format!("the string \"{}\"", shortened(view.string().unwrap_or_default())),
        Kind::Integer | Kind::Real => view.to_string(),
        Kind::None => "()".to_owned(),
        Kind::Paren if view.is_empty() => "()".to_owned(),
        Kind::Paren => "a list (..)".to_owned(),
        Kind::Bracket => "a list [..]".to_owned(),
        Kind::Brace => "a list {..}".to_owned(),
        Kind::Some => "a quoted object".to_owned(),
        Kind::Error => "an ERROR".to_owned(),
        Kind::Rune => "a rune".to_owned(),
    }
}

/// As much of it as fits into a sentence; bytes that are not UTF-8 are replaced.
pub(super) fn shortened(text: &[u8]) -> String {
    if text.len() <= SHOWN_MAX {
        return String::from_utf8_lossy(text).into_owned();
    }
    let mut end = SHOWN_MAX;
    while end > SHOWN_MAX - 4 && text[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    format!("{}.. ({} bytes)", String::from_utf8_lossy(&text[..end]), text.len())
}
