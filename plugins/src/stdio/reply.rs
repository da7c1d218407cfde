//! Replies as lines of JSON.
//!
//! Invariant: a reply is one line of UTF-8, ends with `\n`, and begins with the request's `id` where it had one. What
//! is not UTF-8 is shown with replacement characters, and whole as base64 beside.

use diptych_components::slp::{Format, Json, Kind, Object, ParseError, parse};
use diptych_systems::script::{Commands, Permission};
use serde_json::json;

/// Begins a reply; the body's first member may follow.
pub(super) fn begin(out: &mut Vec<u8>, id: &[u8]) {
    out.push(b'{');
    if !id.is_empty() {
        out.extend_from_slice(b"\"id\":");
        out.extend_from_slice(id);
        out.push(b',');
    }
}

/// The body of a run's reply.
pub(super) fn run(out: &mut Vec<u8>, result: &Object) {
    let error = result.kind() == Kind::Error;
    out.extend_from_slice(if error {
        b"\"error\":true,\"result\":\""
    } else {
        b"\"error\":false,\"result\":\""
    });
    let from = out.len();
    result.view().print(out);
    let plain = out[from..].iter().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'));
    if plain {
        out.extend_from_slice(b"\"}\n");
        return;
    }
    let text = out.split_off(from);
    out.pop();
    bytes_or_base64(out, &text, "base64");
    out.extend_from_slice(b"}\n");
}

/// The body of a reply to what has no value.
pub(super) fn done(out: &mut Vec<u8>, result: &Object) {
    if result.kind() != Kind::Error {
        out.extend_from_slice(b"\"error\":false}\n");
        return;
    }
    let inner = result.view().inner().and_then(|inner| inner.string().map(<[u8]>::to_vec));
    let message = inner.unwrap_or_else(|| result.text().into_owned());
    refused(out, &String::from_utf8_lossy(&message));
}

/// The body of a refusal.
pub(super) fn refused(out: &mut Vec<u8>, message: &str) {
    out.extend_from_slice(b"\"error\":true,\"message\":");
    string(out, message);
    out.extend_from_slice(b"}\n");
}

/// The body for a script that does not parse: as its value would be, and where it is wrong.
pub(super) fn no_script(out: &mut Vec<u8>, error: &ParseError) {
    let message = format!("the script cannot be read: {error}");
    out.extend_from_slice(b"\"error\":true,\"result\":");
    string(out, &Object::error(&message).to_string());
    out.extend_from_slice(b",\"message\":");
    string(out, &message);
    out.extend_from_slice(b",");
    place(out, error);
}

fn place(out: &mut Vec<u8>, error: &ParseError) {
    let ParseError { kind, byte, line, column } = error;
    let kind = kind.name();
    out.extend_from_slice(
        format!("\"kind\":\"{kind}\",\"byte\":{byte},\"line\":{line},\"column\":{column}}}\n").as_bytes(),
    );
}

/// The body for the trees of a text.
pub(super) fn trees(out: &mut Vec<u8>, text: &str, limits: &diptych_components::slp::Limits) {
    match parse(text, limits) {
        Ok(forms) => {
            out.extend_from_slice(b"\"error\":false,\"trees\":[");
            for index in 0..forms.len() {
                if index > 0 {
                    out.push(b',');
                }
                Json::encode(&forms.get(index).expect("an index below the length"), out);
            }
            out.extend_from_slice(b"]}\n");
        }
        Err(error) => {
            out.extend_from_slice(b"\"error\":true,\"message\":");
            string(out, &error.to_string());
            out.push(b',');
            place(out, &error);
        }
    }
}

/// The body for a stored value.
pub(super) fn stored(out: &mut Vec<u8>, value: Option<&[u8]>) {
    match value.map(str::from_utf8) {
        None => out.extend_from_slice(b"\"value\":null}\n"),
        Some(Ok(text)) => {
            out.extend_from_slice(b"\"value\":");
            string(out, text);
            out.extend_from_slice(b"}\n");
        }
        Some(Err(_)) => {
            out.extend_from_slice(b"\"base64\":\"");
            out.extend_from_slice(base64(value.unwrap_or_default()).as_bytes());
            out.extend_from_slice(b"\"}\n");
        }
    }
}

/// The body for lines of the log.
pub(super) fn log(out: &mut Vec<u8>, lines: &[Vec<u8>]) {
    out.extend_from_slice(b"\"lines\":[");
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        string(out, &String::from_utf8_lossy(line));
    }
    out.extend_from_slice(b"]}\n");
}

/// The body for what scripts can call.
pub(super) fn commands(out: &mut Vec<u8>, commands: &Commands) {
    let list: Vec<_> = commands
        .iter()
        .map(|command| {
            let parameters: Vec<_> = command.parameters().iter().map(|parameter| parameter.name()).collect();
            json!({"name": command.name(), "signature": command.signature(), "parameters": parameters,
                "permission": permission(command.needs()), "help": command.help_text()})
        })
        .collect();
    out.extend_from_slice(format!("\"commands\":{}}}\n", serde_json::Value::from(list)).as_bytes());
}

/// The word for what a command needs of its scope.
pub fn permission(needed: Permission) -> &'static str {
    match needed {
        Permission::None => "NONE",
        Permission::Read => "READ",
        Permission::Write => "WRITE",
        Permission::ReadWrite => "READ_WRITE",
    }
}

fn bytes_or_base64(out: &mut Vec<u8>, text: &[u8], member: &str) {
    let lossy = String::from_utf8_lossy(text);
    string(out, &lossy);
    if matches!(lossy, std::borrow::Cow::Owned(_)) {
        out.extend_from_slice(format!(",\"{member}\":\"{}\"", base64(text)).as_bytes());
    }
}

/// With padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= three.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

/// A string of JSON.
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut from = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..0x20 => b"",
            _ => continue,
        };
        out.extend_from_slice(&bytes[from..at]);
        from = at + 1;
        if escape.is_empty() {
            out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
        } else {
            out.extend_from_slice(escape);
        }
    }
    out.extend_from_slice(&bytes[from..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn parsed(body: impl FnOnce(&mut Vec<u8>)) -> Value {
        let mut out = Vec::new();
        begin(&mut out, b"[1]");
        body(&mut out);
        assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1);
        serde_json::from_slice(&out)
            .unwrap_or_else(|error| panic!("{}: {error}", String::from_utf8_lossy(&out)))
    }

    /// Claim: whatever a value is, its reply is JSON with the value's text.
    #[test]
    fn values_are_json() {
        let error = Object::error("a \"b\"\n\u{1}");
        for value in [Object::integer(-5), Object::boolean(true), Object::string("a\"\\\n\u{0}\u{e9}"), error]
        {
            let reply = parsed(|out| run(out, &value));
            assert_eq!(reply["id"], json!([1]));
            assert_eq!(reply["result"], Value::from(value.to_string()));
            assert_eq!(reply["error"], Value::from(value.kind() == Kind::Error));
        }
        assert_eq!(parsed(|out| run(out, &Object::string(b"\xff\"")))["base64"], "Iv9cIiI=");
    }

    /// Claim: what is stored comes as text, as null, or as base64 of any length.
    #[test]
    fn stored_values() {
        assert_eq!(parsed(|out| stored(out, Some(b"5")))["value"], "5");
        assert_eq!(parsed(|out| stored(out, None)).get("value"), Some(&Value::Null));
        for (bytes, text) in [(&b"\xff"[..], "/w=="), (b"\xff\xfe", "//4="), (b"\xff\xfe\x00", "//4A")] {
            assert_eq!(parsed(|out| stored(out, Some(bytes)))["base64"], text);
        }
    }

    /// Claim: a text that does not parse is an ERROR with its place.
    #[test]
    fn places_are_told() {
        let limits = Default::default();
        let reply = parsed(|out| trees(out, "a\n (", &limits));
        assert_eq!((&reply["kind"], &reply["byte"]), (&json!("unclosed_paren"), &json!(3)));
        assert_eq!((&reply["line"], &reply["column"]), (&json!(2), &json!(2)));
        let reply = parsed(|out| trees(out, "1 a", &limits));
        assert_eq!(reply["trees"], json!([{"int": 1}, {"sym": "a"}]));
    }

    /// Claim: an ERROR is told by its message where there is no value.
    #[test]
    fn refusals_have_messages() {
        assert_eq!(parsed(|out| done(out, &Object::boolean(true))), json!({"id": [1], "error": false}));
        assert_eq!(parsed(|out| done(out, &Object::error("no")))["message"], "no");
    }
}
