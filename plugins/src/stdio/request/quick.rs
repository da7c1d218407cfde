//! The quick way to read what comes by the million.
//!
//! Invariant: what it takes, serde would take and read the same; whatever it is not sure of it leaves to serde. Left
//! out: saying what is wrong.

use super::{Line, Local, Request};
use memchr::{memchr2, memmem};
use std::borrow::Cow;

/// Reads a `run` or `store` whose members are strings and whose id is a string or a short number; `None` for all else.
pub(super) fn quick(text: &str) -> Option<Line<'_>> {
    let bytes = text.as_bytes();
    // Bare control characters are wrong within strings, and spaces elsewhere.
    if bytes.iter().any(|byte| *byte < b' ') {
        return None;
    }
    let (mut op, mut session, mut script, mut key, mut id) = (None, None, None, None, None);
    let mut at = 0;
    let mut expected = b'{';
    loop {
        at = spaces(bytes, at);
        match *bytes.get(at)? {
            b'}' if expected == b',' => break,
            byte if byte == expected => at = spaces(bytes, at + 1),
            _ => return None,
        }
        expected = b',';
        let (name, end) = string(text, at)?;
        at = spaces(bytes, end);
        if *bytes.get(at)? != b':' {
            return None;
        }
        at = spaces(bytes, at + 1);
        let end = match *bytes.get(at)? {
            b'"' => string(text, at)?.1,
            b'0'..=b'9' if name == "id" => number(bytes, at)?,
            _ => return None,
        };
        let place = match name {
            "op" => &mut op,
            "session" => &mut session,
            "script" => &mut script,
            "key" => &mut key,
            "id" => &mut id,
            _ => return None,
        };
        if place.replace(&text[at..end]).is_some() {
            return None;
        }
        at = end;
    }
    if spaces(bytes, at + 1) != bytes.len() {
        return None;
    }
    let request = match (op?, session, script, key) {
        ("\"run\"", Some(session), Some(script), None) => {
            Request::Run { session: content(session)?, script: content(script)? }
        }
        ("\"store\"", None, None, Some(key)) => Request::Local(Local::Store(content(key)?.as_bytes().into())),
        _ => return None,
    };
    if let Some(text) = id.filter(|text| text.starts_with('"')) {
        // An escape in it may be wrong.
        content(text)?;
    }
    Some(Line { id, request: Ok(request) })
}

fn spaces(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at) == Some(&b' ') {
        at += 1;
    }
    at
}

/// The content of the string that begins at `at`, escapes and all, and where it ends.
fn string(text: &str, at: usize) -> Option<(&str, usize)> {
    let bytes = text.as_bytes();
    if *bytes.get(at)? != b'"' {
        return None;
    }
    let mut end = at + 1;
    loop {
        end += memchr2(b'"', b'\\', bytes.get(end..)?)?;
        if bytes[end] == b'"' {
            return Some((&text[at + 1..end], end + 1));
        }
        // Whatever is escaped is of one byte, or no quote follows its first.
        end += 2;
    }
}

/// Where an integer without a leading zero ends.
fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let digits = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    (digits == 1 || bytes[at] != b'0').then_some(at + digits)
}

/// What a string in its quotes says.
fn content(quoted: &str) -> Option<Cow<'_, str>> {
    let inner = &quoted[1..quoted.len() - 1];
    let mut rest = inner;
    let Some(mut escape) = memchr::memchr(b'\\', rest.as_bytes()) else { return Some(Cow::Borrowed(inner)) };
    if memmem::find(rest.as_bytes(), b"\\u").is_some() {
        return serde_json::from_str(quoted).ok().map(Cow::Owned);
    }
    let mut whole = String::with_capacity(inner.len());
    loop {
        whole.push_str(&rest[..escape]);
        whole.push(match rest.as_bytes().get(escape + 1)? {
            byte @ (b'"' | b'\\' | b'/') => char::from(*byte),
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            _ => return None,
        });
        rest = &rest[escape + 2..];
        match memchr::memchr(b'\\', rest.as_bytes()) {
            Some(next) => escape = next,
            None => break,
        }
    }
    whole.push_str(rest);
    Some(Cow::Owned(whole))
}
