//! Principals: who may do what. The seeds call them entities (000, "Session + Entity").
//!
//! Invariant: a permission is looked up by the exact name of its scope or the number of its topic; what is not
//! granted is denied. A grant replaces the one before.

use crate::fields::{FieldError, Fields, put_bytes};
use crate::kv::{KvError, check_scope};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Bytes of a principal's or a session's name.
pub const NAME_BYTES_MAX: usize = 255;
/// Permissions of one principal, scopes and topics each.
pub const GRANTS_MAX: usize = 65_536;

/// What a principal may do in a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ScopeAccess {
    /// Look at entries.
    Read = 1,
    /// Change entries.
    Write = 2,
    /// Both.
    ReadWrite = 3,
}

impl ScopeAccess {
    /// Whether entries may be looked at.
    pub fn reads(self) -> bool {
        self as u8 & 1 != 0
    }

    /// Whether entries may be changed.
    pub fn writes(self) -> bool {
        self as u8 & 2 != 0
    }
}

impl fmt::Display for ScopeAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "READ",
            Self::Write => "WRITE",
            Self::ReadWrite => "READ_WRITE",
        })
    }
}

impl FromStr for ScopeAccess {
    type Err = NotAPermission;

    fn from_str(text: &str) -> Result<Self, NotAPermission> {
        match text {
            "READ" | "R" => Ok(Self::Read),
            "WRITE" | "W" => Ok(Self::Write),
            "READ_WRITE" | "RW" => Ok(Self::ReadWrite),
            _ => Err(NotAPermission { text: text.to_owned(), expected: "READ, WRITE or READ_WRITE" }),
        }
    }
}

/// What a principal may do with a topic, on any channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum TopicAccess {
    /// Publish.
    Publish = 1,
    /// Subscribe and await.
    Subscribe = 2,
    /// Both.
    PubSub = 3,
}

impl TopicAccess {
    /// Whether events may be published.
    pub fn publishes(self) -> bool {
        self as u8 & 1 != 0
    }

    /// Whether events may be heard.
    pub fn subscribes(self) -> bool {
        self as u8 & 2 != 0
    }
}

impl fmt::Display for TopicAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Publish => "PUBLISH",
            Self::Subscribe => "SUBSCRIBE",
            Self::PubSub => "PUBSUB",
        })
    }
}

impl FromStr for TopicAccess {
    type Err = NotAPermission;

    fn from_str(text: &str) -> Result<Self, NotAPermission> {
        match text {
            "PUBLISH" | "P" => Ok(Self::Publish),
            "SUBSCRIBE" | "S" => Ok(Self::Subscribe),
            "PUBSUB" | "PS" => Ok(Self::PubSub),
            _ => Err(NotAPermission { text: text.to_owned(), expected: "PUBLISH, SUBSCRIBE or PUBSUB" }),
        }
    }
}

/// A word that names no permission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no permission; it is {expected}")]
pub struct NotAPermission {
    text: String,
    expected: &'static str,
}

/// A name that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAName {
    /// Nothing.
    #[error("the name of a {what} is empty; give it one to {NAME_BYTES_MAX} bytes")]
    Empty {
        /// Of what.
        what: &'static str,
    },
    /// Too much.
    #[error("the name of a {what} has {len} bytes; the limit is {NAME_BYTES_MAX}")]
    TooLong {
        /// Of what.
        what: &'static str,
        /// Its bytes.
        len: usize,
    },
    /// A scope's name cannot be one.
    #[error(transparent)]
    Scope(#[from] KvError),
}

/// Checks the name of a principal, a session or the like (`what`, for the message).
///
/// # Errors
/// When it is empty or too long.
pub fn check_name(what: &'static str, name: &str) -> Result<(), NotAName> {
    match name.len() {
        0 => Err(NotAName::Empty { what }),
        len if len > NAME_BYTES_MAX => Err(NotAName::TooLong { what, len }),
        _ => Ok(()),
    }
}

/// Who may do what; one an entity, stored as `principal.record`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Principal {
    /// Unique.
    pub name: String,
    /// By the exact name of the scope.
    pub scopes: BTreeMap<Arc<str>, ScopeAccess>,
    /// By the topic's number, on every channel.
    pub topics: BTreeMap<u16, TopicAccess>,
    /// Publications in a second of world time, of all its sessions together; 0 for any number.
    pub max_rps: u32,
}

impl Principal {
    /// A principal that may do nothing yet.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// With this permission in a scope, in place of the one before.
    #[must_use]
    pub fn scope(mut self, scope: &str, access: ScopeAccess) -> Self {
        self.scopes.insert(scope.into(), access);
        self
    }

    /// With this permission for a topic, in place of the one before.
    #[must_use]
    pub fn topic(mut self, topic: u16, access: TopicAccess) -> Self {
        self.topics.insert(topic, access);
        self
    }

    /// With at most so many publications a second; 0 for any number.
    #[must_use]
    pub fn max_rps(mut self, max_rps: u32) -> Self {
        self.max_rps = max_rps;
        self
    }

    /// Checks every name and number.
    ///
    /// # Errors
    /// When a name cannot be one.
    pub fn check(&self) -> Result<(), NotAName> {
        check_name("principal", &self.name)?;
        Ok(self.scopes.keys().try_for_each(|scope| check_scope(scope))?)
    }

    /// `name | max_rps u32 | scopes u32, each text, access u8 | topics u32, each u16, access u8`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.name.as_bytes());
        out.extend_from_slice(&self.max_rps.to_le_bytes());
        out.extend_from_slice(&(self.scopes.len() as u32).to_le_bytes());
        for (scope, access) in &self.scopes {
            put_bytes(out, scope.as_bytes());
            out.push(*access as u8);
        }
        out.extend_from_slice(&(self.topics.len() as u32).to_le_bytes());
        for (topic, access) in &self.topics {
            out.extend_from_slice(&topic.to_le_bytes());
            out.push(*access as u8);
        }
    }

    /// Reads one back.
    ///
    /// # Errors
    /// When the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = Fields(bytes);
        let mut principal = Self::new(fields.text()?);
        principal.max_rps = fields.u32()?;
        for _ in 0..fields.u32()? {
            let scope = fields.text()?;
            let access = match fields.u8()? {
                1 => ScopeAccess::Read,
                2 => ScopeAccess::Write,
                3 => ScopeAccess::ReadWrite,
                other => return Err(FieldError(format!("{other} is no permission of a scope"))),
            };
            principal.scopes.insert(scope.into(), access);
        }
        for _ in 0..fields.u32()? {
            let topic = fields.u16()?;
            let access = match fields.u8()? {
                1 => TopicAccess::Publish,
                2 => TopicAccess::Subscribe,
                3 => TopicAccess::PubSub,
                other => return Err(FieldError(format!("{other} is no permission of a topic"))),
            };
            principal.topics.insert(topic, access);
        }
        fields.end()?;
        Ok(principal)
    }
}

/// When a limited principal has published, in the last second of world time; stored as `principal.window`.
///
/// What is exactly one second old still counts, as in the seeds' own runtime.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Window {
    /// The step and how many, oldest first.
    times: VecDeque<(u64, u32)>,
    total: u32,
}

impl Window {
    /// Takes one more at `step`, if fewer than `max` lie within the last second; `steps` are a second's.
    /// Answers whether it did. `max` 0 is no limit, and nothing is noted.
    pub fn admit(&mut self, step: u64, steps: u64, max: u32) -> bool {
        if max == 0 {
            return true;
        }
        self.forget(step, steps);
        if self.total >= max {
            return false;
        }
        self.total += 1;
        match self.times.back_mut() {
            Some((last, count)) if *last == step => *count += 1,
            _ => self.times.push_back((step, 1)),
        }
        true
    }

    /// Drops what is older than a second.
    fn forget(&mut self, step: u64, steps: u64) {
        while let Some((_, count)) = self.times.pop_front_if(|(at, _)| at.saturating_add(steps) < step) {
            self.total -= count;
        }
    }

    /// `count u32 | each step u64, count u32`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.times.len() as u32).to_le_bytes());
        for (step, count) in &self.times {
            out.extend_from_slice(&step.to_le_bytes());
            out.extend_from_slice(&count.to_le_bytes());
        }
    }

    /// Reads one back.
    ///
    /// # Errors
    /// When the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = Fields(bytes);
        let mut window = Self::default();
        for _ in 0..fields.u32()? {
            let (step, count) = (fields.u64()?, fields.u32()?);
            window.total = window
                .total
                .checked_add(count)
                .ok_or_else(|| FieldError("more publications than can be counted".to_owned()))?;
            window.times.push_back((step, count));
        }
        fields.end()?;
        Ok(window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes give the value back, and every cut of them is an error.
    #[test]
    fn bytes_and_back() {
        let principal = Principal::new("alice")
            .scope("alice_data", ScopeAccess::ReadWrite)
            .scope("shared", ScopeAccess::Read)
            .topic(100, TopicAccess::PubSub)
            .max_rps(7);
        let mut bytes = Vec::new();
        principal.encode(&mut bytes);
        assert_eq!(Principal::decode(&bytes), Ok(principal));
        assert!((0..bytes.len()).all(|cut| Principal::decode(&bytes[..cut]).is_err()));
    }

    /// A second slides: what is exactly a second old still counts, what is older does not, refusals never do.
    #[test]
    fn a_second_slides() {
        let mut window = Window::default();
        assert!(window.admit(0, 60, 2) && window.admit(10, 60, 2));
        assert!(!window.admit(59, 60, 2) && !window.admit(60, 60, 2));
        assert!(window.admit(61, 60, 2) && !window.admit(70, 60, 2));
        assert!(window.admit(71, 60, 2));
        let mut bytes = Vec::new();
        window.encode(&mut bytes);
        assert_eq!(Window::decode(&bytes), Ok(window));
    }
}
