//! One line of input to one request.
//!
//! Invariant: any bytes give a request or a sentence that says what is wrong; what is right borrows from the line.
//! The two requests that come by the million are read by hand, in one pass; where that finds anything unusual, and
//! for all others, serde reads the line, so that there is one judge of what is JSON.

use diptych_components::event::Channel;
use diptych_components::kv::check_scope;
use diptych_components::principal::{Principal, ScopeAccess, TopicAccess, check_name};
use diptych_systems::lane::{Ask, Change, Operation};
use memchr::{memchr2, memmem};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::sync::Arc;

/// Frames that one request may ask for.
pub const FRAMES_MAX: u64 = 1_000_000;

/// A line as it is understood.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// The JSON text of its `id`.
    pub(super) id: Option<&'a str>,
    /// What it asks, or what is wrong with it.
    pub(super) request: Result<Request<'a>, String>,
}

/// What is asked.
#[derive(Debug)]
pub(super) enum Request<'a> {
    /// Run a script in a session.
    Run { session: Cow<'a, str>, script: Cow<'a, str> },
    /// Anything else that a frame answers, by an ERROR or not.
    Ask(Ask),
    /// A session, for so many seconds of world time or until it is closed.
    Open { session: Arc<str>, principal: Arc<str>, scope: Arc<str>, seconds: Option<f64> },
    /// The trees of a text.
    Parse(Cow<'a, str>),
    /// What scripts can call.
    Commands,
    /// What is done between frames.
    Local(Local),
}

/// What is done between frames.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Local {
    /// The text of a raw key's entry.
    Store(Box<[u8]>),
    /// The lines of the log.
    Log,
    /// So many steps.
    Frames(u64),
    /// Where the world is.
    Status,
}

/// The members of all requests.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Members<'a> {
    #[serde(borrow, default, deserialize_with = "raw")]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    op: Option<Cow<'a, str>>,
    #[serde(borrow)]
    session: Option<Cow<'a, str>>,
    #[serde(borrow)]
    script: Option<Cow<'a, str>>,
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow)]
    entity: Option<Cow<'a, str>>,
    #[serde(borrow)]
    scope: Option<Cow<'a, str>>,
    #[serde(borrow)]
    permission: Option<Cow<'a, str>>,
    #[serde(borrow)]
    channel: Option<Cow<'a, str>>,
    scopes: Option<Value>,
    topics: Option<Value>,
    topic: Option<Value>,
    max_rps: Option<Value>,
    ttl: Option<Value>,
    count: Option<Value>,
}

/// An `id` of null is one too.
fn raw<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

/// Reads a line, without its end.
pub(super) fn read(line: &[u8]) -> Line<'_> {
    let text = match str::from_utf8(line) {
        Ok(text) => text,
        Err(error) => {
            let at = error.valid_up_to();
            return refused(format!(
                "the line is not UTF-8: byte {at} is wrong; write other bytes as escapes of JSON"
            ));
        }
    };
    if let Some(line) = quick(text) {
        return line;
    }
    if !text.trim_start().starts_with('{') {
        let what = if text.trim().is_empty() { "the line is empty" } else { "the line is no JSON object" };
        return refused(format!("{what}; a request is one on a line, such as {{\"op\":\"status\"}}"));
    }
    match serde_json::from_str::<Members<'_>>(text) {
        Ok(members) => {
            let id = members.id.map(RawValue::get);
            Line { id, request: members.request() }
        }
        Err(error) => {
            // What is wrong with the request is not wrong with its `id`.
            let id = serde_json::from_str::<OnlyId<'_>>(text).ok().and_then(|only| only.id);
            Line { id: id.map(RawValue::get), request: Err(format!("the line is no request: {error}")) }
        }
    }
}

#[derive(Deserialize)]
struct OnlyId<'a> {
    #[serde(borrow, default, deserialize_with = "raw")]
    id: Option<&'a RawValue>,
}

fn refused(message: String) -> Line<'static> {
    Line { id: None, request: Err(message) }
}

/// Reads a `run` or `store` whose members are strings and whose id is a string or a short number; `None` for all else.
fn quick(text: &str) -> Option<Line<'_>> {
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

impl<'a> Members<'a> {
    fn request(self) -> Result<Request<'a>, String> {
        let op = self
            .op
            .as_deref()
            .ok_or("the request has no \"op\"; say what to do, such as {\"op\":\"status\"}")?;
        match op {
            "run" => {
                let session = self.session.ok_or_else(|| missing("run", "session"))?;
                let script = self.script.ok_or_else(|| missing("run", "script"))?;
                Ok(Request::Run { session, script })
            }
            "parse" => Ok(Request::Parse(self.text.ok_or_else(|| missing("parse", "text"))?)),
            "store" => {
                let key = self.key.ok_or_else(|| missing("store", "key"))?;
                Ok(Request::Local(Local::Store(key.as_bytes().into())))
            }
            "log" => Ok(Request::Local(Local::Log)),
            "status" => Ok(Request::Local(Local::Status)),
            "commands" => Ok(Request::Commands),
            "frames" => {
                let count = whole(self.count.as_ref(), "frames", "count", FRAMES_MAX)?;
                Ok(Request::Local(Local::Frames(count)))
            }
            "session" => self.open(),
            _ => self.ask(op).map(Request::Ask),
        }
    }

    fn open(&self) -> Result<Request<'a>, String> {
        let session = name("session", self.session.as_deref(), "session", "session")?;
        let principal = self.principal("session")?;
        let scope = self.scope("session")?;
        let seconds = match &self.ttl {
            None | Some(Value::Null) => None,
            Some(ttl) => match ttl.as_f64() {
                Some(seconds) if seconds >= 0.0 => Some(seconds),
                _ => return Err(format!("\"ttl\" is {ttl}; it is seconds of world time, 0 or more")),
            },
        };
        Ok(Request::Open { session, principal, scope, seconds })
    }

    fn ask(&self, op: &str) -> Result<Ask, String> {
        let change = |change| Ok(Ask::Change(self.principal(op)?, change));
        match op {
            "close" => Ok(Ask::Close(name("session", self.session.as_deref(), op, "session")?)),
            "unsubscribe" => {
                let session = name("session", self.session.as_deref(), op, "session")?;
                let channel = self.channel.as_deref().ok_or_else(|| missing(op, "channel"))?;
                let channel =
                    Channel::from_symbol(channel.as_bytes()).filter(|channel| *channel != Channel::Execution);
                let channel = channel.ok_or("\"channel\" is one of A, B, C, D, E, F")?;
                Ok(Ask::Do(session, Operation::Unsubscribe(channel, self.topic(op)?)))
            }
            "principal" => self.record().map(Ask::Principal),
            "remove_principal" => Ok(Ask::Remove(self.principal(op)?)),
            "grant_scope" => change(Change::GrantScope(self.scope(op)?, self.permission(op)?)),
            "revoke_scope" => change(Change::RevokeScope(self.scope(op)?)),
            "grant_topic" => change(Change::GrantTopic(self.topic(op)?, self.permission(op)?)),
            "revoke_topic" => change(Change::RevokeTopic(self.topic(op)?)),
            "set_max_rps" => {
                let max = whole(self.max_rps.as_ref(), op, "max_rps", u64::from(u32::MAX))?;
                change(Change::MaxRps(max as u32))
            }
            _ => Err(format!(
                "there is no op {op:?}; there are principal, remove_principal, grant_scope, revoke_scope, \
                 grant_topic, revoke_topic, set_max_rps, session, close, unsubscribe, run, store, parse, log, \
                 frames, status and commands"
            )),
        }
    }

    fn principal(&self, op: &str) -> Result<Arc<str>, String> {
        name("principal", self.entity.as_deref(), op, "entity")
    }

    fn scope(&self, op: &str) -> Result<Arc<str>, String> {
        let scope = self.scope.as_deref().ok_or_else(|| missing(op, "scope"))?;
        check_scope(scope).map_err(|error| error.to_string())?;
        Ok(scope.into())
    }

    fn topic(&self, op: &str) -> Result<u16, String> {
        topic(&self.topic.as_ref().ok_or_else(|| missing(op, "topic"))?.to_string())
    }

    fn permission<P: std::str::FromStr<Err: ToString>>(&self, op: &str) -> Result<P, String> {
        let word = self.permission.as_deref().ok_or_else(|| missing(op, "permission"))?;
        word.parse().map_err(|error: P::Err| error.to_string())
    }

    fn record(&self) -> Result<Principal, String> {
        let mut record = Principal::new(&self.principal("principal")?);
        for (scope, access) in members(self.scopes.as_ref(), "scopes", "{\"alice_data\":\"READ_WRITE\"}")? {
            check_scope(scope).map_err(|error| error.to_string())?;
            record = record.scope(scope, word::<ScopeAccess>(access)?);
        }
        for (number, access) in members(self.topics.as_ref(), "topics", "{\"100\":\"PUBSUB\"}")? {
            record = record.topic(topic(number)?, word::<TopicAccess>(access)?);
        }
        if self.max_rps.is_some() {
            record.max_rps =
                whole(self.max_rps.as_ref(), "principal", "max_rps", u64::from(u32::MAX))? as u32;
        }
        Ok(record)
    }
}

fn missing(op: &str, member: &str) -> String {
    format!("{op} needs \"{member}\"")
}

fn name(what: &'static str, name: Option<&str>, op: &str, member: &str) -> Result<Arc<str>, String> {
    let name = name.ok_or_else(|| missing(op, member))?;
    check_name(what, name).map_err(|error| error.to_string())?;
    Ok(name.into())
}

fn topic(text: &str) -> Result<u16, String> {
    let number = text.trim_matches('"');
    number.parse().map_err(|_| format!("{number:?} is no topic; topics are 0 to 65535"))
}

fn whole(value: Option<&Value>, op: &str, member: &str, most: u64) -> Result<u64, String> {
    let value = value.ok_or_else(|| missing(op, member))?;
    let number = value.as_u64().filter(|number| *number <= most);
    number.ok_or_else(|| format!("\"{member}\" is {value}; it is a whole number from 0 to {most}"))
}

fn members<'v>(
    value: Option<&'v Value>,
    member: &str,
    example: &str,
) -> Result<Box<dyn Iterator<Item = (&'v String, &'v Value)> + 'v>, String> {
    match value {
        None | Some(Value::Null) => Ok(Box::new(std::iter::empty())),
        Some(Value::Object(map)) => Ok(Box::new(map.iter())),
        Some(_) => Err(format!("\"{member}\" is an object, such as {example}")),
    }
}

fn word<P: std::str::FromStr<Err: ToString>>(value: &Value) -> Result<P, String> {
    let word = value.as_str().ok_or_else(|| format!("{value} is no permission; it is a word in quotes"))?;
    word.parse().map_err(|error: P::Err| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str) -> (Option<String>, String, String) {
        let line = read(line.as_bytes());
        match line.request {
            Ok(Request::Run { session, script }) => {
                (line.id.map(str::to_owned), session.into(), script.into())
            }
            other => panic!("{other:?}"),
        }
    }

    /// Claim: the quick way and serde read the same.
    #[test]
    fn two_readers_agree() {
        for text in [
            r#"{"op":"run","session":"s","script":"(a \"b\\\" \n\t\/)","id":17}"#,
            r#" { "id" : "x" , "session":"s","op":"run", "script":""} "#,
            r#"{"op":"run","session":"s\u00e9","script":"\ud83d\ude00"}"#,
            r#"{"op":"run","session":"s","script":"(x","id":0}"#,
        ] {
            assert!(quick(text).is_some(), "{text}");
            let members: Members<'_> = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}"));
            let id = members.id.map(|id| id.get().to_owned());
            let said = (
                id,
                members.session.expect("there").into_owned(),
                members.script.expect("there").into_owned(),
            );
            assert_eq!(run(text), said, "{text}");
        }
    }

    /// Claim: what the quick way must not take it leaves to serde, which refuses it.
    #[test]
    fn wrong_lines_are_refused() {
        for (text, named) in [
            ("", "empty"),
            ("[1]", "no JSON object"),
            ("{", "EOF"),
            (r#"{"op":"run","session":"s","script":"\x"}"#, "escape"),
            (r#"{"op":"run","session":"s","script":"\ud800"}"#, "escape"),
            (r#"{"op":"run","session":"s","script":"a","script":"b"}"#, "duplicate"),
            (r#"{"op":"run","session":"s","script":"a"} x"#, "trailing"),
            (r#"{"op":"run","session":"s","script":"a",}"#, "trailing comma"),
            (r#"{"op":"run","session":"s","script":"a","id":01}"#, "number"),
            ("{\"op\":\"run\",\"session\":\"s\",\"script\":\"\u{1}\"}", "control"),
            (r#"{"op":"run","session":"s"}"#, "needs \"script\""),
            (r#"{"op":"run","session":5,"script":"a"}"#, "invalid type"),
            (r#"{"op":"fly"}"#, "no op \"fly\""),
            (r#"{"id":1}"#, "no \"op\""),
            (r#"{"op":"frames","count":-1}"#, "-1"),
            (r#"{"op":"grant_topic","entity":"a","topic":-1,"permission":"PUBSUB"}"#, "0 to 65535"),
            (r#"{"op":"grant_scope","entity":"a","scope":"a/b","permission":"READ"}"#, "'/'"),
            (r#"{"op":"grant_scope","entity":"a","scope":"a","permission":"ALL"}"#, "READ_WRITE"),
            (r#"{"op":"session","session":"","entity":"a","scope":"a"}"#, "empty"),
            (r#"{"op":"principal","entity":"a","topics":{"65536":"PUBSUB"}}"#, "65536"),
        ] {
            let message = read(text.as_bytes()).request.expect_err(text);
            assert!(message.contains(named) && !message.contains('\n'), "{text}: {message}");
        }
        assert!(read(b"{\"op\":\"\xff\"}").request.is_err_and(|message| message.contains("byte 7")));
    }

    /// Claim: the id of a refused request is repeated, null and lists too.
    #[test]
    fn ids_of_refusals() {
        for id in ["null", "[1, {}]", "-5", "\"a\""] {
            let line = format!("{{\"op\":7,\"id\":{id}}}");
            let read = read(line.as_bytes());
            assert!(read.request.is_err());
            assert_eq!(read.id, Some(id));
        }
    }

    /// Claim: a principal comes with its grants, and topics are numbers or strings of one.
    #[test]
    fn principals_are_read() {
        let line =
            br#"{"op":"principal","entity":"a","scopes":{"s":"READ"},"topics":{"7":"PUBLISH"},"max_rps":3}"#;
        let Ok(Request::Ask(Ask::Principal(read_one))) = read(line).request else { panic!("no principal") };
        let expected =
            Principal::new("a").scope("s", ScopeAccess::Read).topic(7, TopicAccess::Publish).max_rps(3);
        assert_eq!(read_one, expected);
        for topic in ["7", "\"7\""] {
            let line = format!("{{\"op\":\"revoke_topic\",\"entity\":\"a\",\"topic\":{topic}}}");
            assert!(matches!(
                read(line.as_bytes()).request,
                Ok(Request::Ask(Ask::Change(_, Change::RevokeTopic(7))))
            ));
        }
    }
}
