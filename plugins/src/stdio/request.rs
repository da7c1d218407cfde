//! One line of input to one request.
//!
//! Invariant: any bytes give a request or a sentence that says what is wrong; what is right borrows from the line.
//! The two requests that come by the million are read by hand, in one pass; where that finds anything unusual, and
//! for all others, serde reads the line, so that there is one judge of what is JSON.

use diptych_components::event::Channel;
use diptych_components::kv::check_scope;
use diptych_components::principal::{Principal, ScopeAccess, TopicAccess, check_name};
use diptych_systems::lane::{Ask, Change, Operation};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::sync::Arc;

mod quick;

use quick::quick;

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
mod tests;
