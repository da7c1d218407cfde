//! `world/get` and `world/set`: fields of values of layouts, for scripts.
//!
//! Invariant: a command shows what was committed before the frame, and changes nothing: `world/set` publishes what the
//! owner of the rows hears in the next frame. Whoever may not gets told only that.

use super::{LayoutError, Scalar, Shelf};
use crate::script::{Call, Command, ParameterKind, Permission, Value};
use diptych_components::slp::{Kind, Object};
use diptych_engine::{Id, SERIAL_BITS};
use std::sync::Arc;

/// The two commands over a shelf: `(world/get id type field)`, which needs SUBSCRIBE on the shelf's topic, and
/// `(world/set id type field value)`, which needs PUBLISH.
///
/// An id is an integer, its bits; or the string that an id shows.
#[must_use]
pub fn commands(shelf: &Arc<Shelf>) -> [Command; 2] {
    let (seen, changed) = (shelf.clone(), shelf.clone());
    let get = Command::new("world/get", move |call| get(call, &seen))
        .parameter("id", ParameterKind::Evaluated)
        .parameter("type", ParameterKind::Evaluated)
        .parameter("field", ParameterKind::Evaluated)
        .permission(Permission::None)
        .help("gives a field of an entity's value of a layout; needs SUBSCRIBE on the layouts' topic");
    let set = Command::new("world/set", move |call| set(call, &changed))
        .parameter("id", ParameterKind::Evaluated)
        .parameter("type", ParameterKind::Evaluated)
        .parameter("field", ParameterKind::Evaluated)
        .parameter("value", ParameterKind::Evaluated)
        .permission(Permission::None)
        .help("changes a field of an entity's value of a layout in the next frame; needs PUBLISH on the layouts' topic");
    [get, set]
}

fn get(call: &mut Call<'_>, shelf: &Shelf) -> Result<Value, Object> {
    let station = shelf.station();
    call.check_subscribe(station.channel, station.topic)?;
    let (id, layout, path) = place(call)?;
    let value = shelf.get(id, layout, path).map_err(|error| refused(call, &error))?;
    Ok(match value {
        Scalar::Integer(integer) => Value::integer(integer),
        Scalar::Real(real) => Object::real(real).into(),
        Scalar::Bool(truth) => Value::boolean(truth),
    })
}

fn set(call: &mut Call<'_>, shelf: &Shelf) -> Result<Value, Object> {
    let station = shelf.station();
    call.check_publish(station.channel, station.topic)?;
    let (id, layout, path) = place(call)?;
    let value = scalar(call, 3)?;
    let change = shelf.change(id, layout, path, value).map_err(|error| refused(call, &error))?;
    call.publish(station.channel, station.topic, change.to_object())?;
    Ok(Value::boolean(true))
}

/// The first three arguments.
fn place<'a>(call: &Call<'a>) -> Result<(Id, &'a str, &'a str), Object> {
    Ok((id(call, 0)?, name(call, 1)?, name(call, 2)?))
}

fn id(call: &Call<'_>, index: usize) -> Result<Id, Object> {
    let value = call.value(index)?;
    if let Some(bits) = value.as_integer() {
        return Ok(Id::from_bits(bits.cast_unsigned()));
    }
    let text = value.text();
    let parsed = str::from_utf8(&text).ok().and_then(shown_id);
    parsed.ok_or_else(|| {
        let shown = String::from_utf8_lossy(&text[..text.len().min(64)]).into_owned();
        call.error(&format!("{shown} is no id: an id is an integer, or a string as \"00000.7\""))
    })
}

/// The id that shows so: five hexadecimal digits, a point, and a number.
fn shown_id(text: &str) -> Option<Id> {
    let (system, serial) = text.split_once('.')?;
    let is_hexadecimal = system.bytes().all(|digit| digit.is_ascii_hexdigit());
    let system = u64::from_str_radix(system, 16).ok().filter(|_| is_hexadecimal && system.len() == 5)?;
    let is_number = serial.bytes().all(|digit| digit.is_ascii_digit());
    let serial = serial.parse::<u64>().ok().filter(|serial| is_number && *serial < 1 << SERIAL_BITS)?;
    Some(Id::from_bits(system << SERIAL_BITS | serial))
}

fn name<'a>(call: &Call<'a>, index: usize) -> Result<&'a str, Object> {
    str::from_utf8(call.symbol(index)?).map_err(|_| call.error("a name is not UTF-8"))
}

fn scalar(call: &Call<'_>, index: usize) -> Result<Scalar, Object> {
    let value = call.value(index)?;
    if let Some(integer) = value.as_integer() {
        return Ok(Scalar::Integer(integer));
    }
    if let Some(real) = value.as_real() {
        return Ok(Scalar::Real(real));
    }
    match (value.kind(), &*value.text()) {
        (Kind::Symbol | Kind::String, b"true") => Ok(Scalar::Bool(true)),
        (Kind::Symbol | Kind::String, b"false") => Ok(Scalar::Bool(false)),
        (_, text) => {
            let shown = String::from_utf8_lossy(&text[..text.len().min(64)]).into_owned();
            Err(call.error(&format!("{shown} is no value of a field: those are numbers, true and false")))
        }
    }
}

fn refused(call: &Call<'_>, error: &LayoutError) -> Object {
    call.error(&error.to_string())
}
