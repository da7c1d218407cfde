//! One session at work in a lane: the single place where permissions and limits are looked at.
//!
//! Invariant: what is permitted is what the committed record of the principal says; commands decide nothing.

use super::collect::REQUEST_BYTES_A_FRAME;
use super::mirror::{Listening, Place};
use crate::kv::{Overlay, Scope};
use crate::script::{Host, LOG_LINE_BYTES_MAX, Permission, Published};
use diptych_components::event::{Channel, Event, Origin, Topic};
use diptych_components::kv;
use diptych_components::principal::{Principal, ScopeAccess, Window};
use diptych_components::script::Handler;
use diptych_components::session::Session;
use diptych_components::slp::{Kind, Object};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Handlers and suspended scripts that a session holds at most, at the beginning of a frame; then it gets no more.
pub const HOLDS_MAX: u32 = 1 << 20;

/// Bytes of keys, values, events, handlers, log lines and suspended scripts that a frame writes before its scripts
/// wait for the next; shared out evenly to the lanes, each of which may go beyond its share by one command.
pub const BYTES_A_FRAME: usize = 256 << 20;
/// Bytes written that count as one step of a script.
pub const BYTES_A_STEP: u64 = 256;
/// Keys passed over by an iteration that count as one step.
pub const KEYS_A_STEP: u64 = 16;
/// What a row costs beside its key and its value, about.
const ROW_BYTES: usize = 64;

/// What holds for a whole frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) limits: kv::Limits,
    /// The step of world time.
    pub(super) step: u64,
    /// Steps that make a second.
    pub(super) second: u64,
    /// Processors of the execution channel.
    pub(super) processors: u16,
    /// Free slots of the event queue; a session publishes no more in a frame.
    pub(super) slots: usize,
    /// Lines a frame and lane may log.
    pub(super) lines: usize,
    /// Their bytes.
    pub(super) line_bytes: usize,
    /// Bytes of the scripts that a lane may put to rest.
    pub(super) rests: usize,
    /// Bytes that a lane may write before its scripts wait for the next frame.
    pub(super) bytes: usize,
}

impl Terms {
    /// What each of so many lanes has.
    pub(super) fn shared_by(self, lanes: usize) -> Self {
        let share = |all: usize, least: usize| (all / lanes.max(1)).max(least);
        Self {
            bytes: share(self.bytes, 1),
            line_bytes: share(self.line_bytes, LOG_LINE_BYTES_MAX),
            rests: share(self.rests, REQUEST_BYTES_A_FRAME),
            ..self
        }
    }
}

/// A session begins to hear, or ends; one list, because the order of the two says what is heard.
#[derive(Debug)]
pub(super) enum Hearing {
    On(Handler),
    /// Session, channel's code and topic.
    Off(Arc<str>, u8, u16),
}

/// What sessions leave behind in a frame, in order.
#[derive(Debug, Default)]
pub(super) struct Traces {
    pub(super) events: Vec<Event>,
    pub(super) hearing: Vec<Hearing>,
    pub(super) lines: Vec<Vec<u8>>,
    /// Their bytes.
    pub(super) line_bytes: usize,
    /// Bytes written in this frame, see [`BYTES_A_FRAME`].
    pub(super) bytes: usize,
    /// Bytes of the scripts that were put to rest in it.
    pub(super) rests: usize,
    pub(super) lines_dropped: u64,
    /// Principals whose window has changed.
    pub(super) published: bool,
}

/// A session in its lane.
pub(super) struct Desk<'a> {
    pub(super) terms: &'a Terms,
    pub(super) session: &'a Session,
    /// How its events are signed.
    pub(super) origin: &'a Arc<Origin>,
    pub(super) principal: Option<&'a Principal>,
    pub(super) access: Option<ScopeAccess>,
    pub(super) scope: &'a Scope,
    pub(super) overlay: &'a mut Overlay,
    /// Of a principal with a limit.
    pub(super) window: Option<&'a mut Window>,
    /// Whether events of this session still wait for a slot.
    pub(super) held: bool,
    /// Whether the session holds [`HOLDS_MAX`] handlers and suspended scripts.
    pub(super) full: bool,
    pub(super) traces: &'a mut Traces,
    /// Events of this frame, by session.
    pub(super) given: &'a mut BTreeMap<Arc<str>, usize>,
    /// Who hears what is published.
    pub(super) handlers: &'a BTreeMap<Place, Vec<Listening>>,
    /// Steps that the script has to pay for what it wrote.
    pub(super) spent: u64,
}

impl Desk<'_> {
    /// Notes what was written; it is paid for in steps.
    #[inline]
    fn pay(&mut self, bytes: usize) {
        self.traces.bytes += bytes + ROW_BYTES;
        self.spent += bytes as u64 / BYTES_A_STEP;
    }

    /// Whether a script of so many bytes can be put to rest; one always can.
    pub(super) fn rests(&mut self, bytes: usize) -> Result<(), Object> {
        let limit = self.terms.rests;
        if self.traces.rests > 0 && self.traces.rests + bytes > limit {
            return Err(Object::error(&format!(
                "a script of {bytes} bytes cannot rest: the lane's scripts of this frame have at most {limit} in all"
            )));
        }
        self.traces.rests += bytes;
        self.traces.bytes += bytes;
        Ok(())
    }

    #[cold]
    fn denied(&self, needed: &str, what: &str) -> Object {
        let Session { principal, .. } = self.session;
        if self.principal.is_none() {
            return Object::error(&format!(
                "NO_ENTITY: there is no principal {principal}; it was removed, or never made"
            ));
        }
        Object::error(&format!("PERMISSION_DENIED: principal {principal} has no {needed} on {what}"))
    }

    #[cold]
    fn scope_denied(&self, needed: &str) -> Object {
        self.denied(needed, &format!("scope {}", self.session.scope))
    }

    fn may_read(&self) -> Result<(), Object> {
        if self.access.is_some_and(ScopeAccess::reads) { Ok(()) } else { Err(self.scope_denied("READ")) }
    }

    fn may_write(&self) -> Result<(), Object> {
        if self.access.is_some_and(ScopeAccess::writes) { Ok(()) } else { Err(self.scope_denied("WRITE")) }
    }

    fn check_key(&self, key: &[u8]) -> Result<(), Object> {
        self.terms.limits.check_key(key).map_err(|error| Object::error(&error.to_string()))
    }

    fn check_entry(&self, key: &[u8], value: &Object) -> Result<(), Object> {
        self.check_key(key)?;
        self.terms.limits.check_value(value).map_err(|error| Object::error(&error.to_string()))
    }

    /// Whether the session's principal may hear a topic.
    pub(super) fn may_hear(&self, topic: u16) -> bool {
        self.principal
            .and_then(|principal| principal.topics.get(&topic))
            .is_some_and(|access| access.subscribes())
    }

    pub(super) fn may_publish(&self, channel: Channel, topic: u16) -> Result<(), Object> {
        let granted = self.principal.and_then(|principal| principal.topics.get(&topic));
        if !granted.is_some_and(|access| access.publishes()) {
            return Err(self.denied("PUBLISH", &format!("topic {topic}")));
        }
        if channel == Channel::Execution && topic >= self.terms.processors {
            let count = self.terms.processors;
            return Err(Object::error(&format!(
                "there is no processor {topic} on the execution channel; there are {count}, numbered from 0"
            )));
        }
        Ok(())
    }
}

impl Host for Desk<'_> {
    fn get(&mut self, key: &[u8]) -> Result<Option<Object>, Object> {
        self.may_read()?;
        self.check_key(key)?;
        Ok(self.overlay.get(self.scope, key).cloned())
    }

    fn set(&mut self, key: &[u8], value: Object) -> Result<(), Object> {
        self.may_write()?;
        self.check_entry(key, &value)?;
        self.pay(key.len() + value.heap_bytes());
        self.overlay.set(self.scope, key, &value);
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<bool, Object> {
        self.may_write()?;
        self.check_key(key)?;
        self.pay(key.len());
        Ok(self.overlay.delete(self.scope, key))
    }

    fn exists(&mut self, key: &[u8]) -> Result<bool, Object> {
        self.may_read()?;
        self.check_key(key)?;
        Ok(self.overlay.exists(self.scope, key))
    }

    fn set_if_absent(&mut self, key: &[u8], value: Object) -> Result<bool, Object> {
        self.may_write()?;
        self.check_entry(key, &value)?;
        self.pay(key.len() + value.heap_bytes());
        Ok(self.overlay.set_if_absent(self.scope, key, &value))
    }

    fn compare_and_swap(&mut self, key: &[u8], expected: &[u8], value: Object) -> Result<bool, Object> {
        // Whether it swapped tells what was there.
        self.may_read()?;
        self.may_write()?;
        self.check_entry(key, &value)?;
        self.pay(key.len() + value.heap_bytes());
        Ok(self.overlay.compare_and_swap(self.scope, key, expected, &value))
    }

    fn keys(&mut self, prefix: &[u8], offset: u64, limit: u64) -> Result<Vec<Arc<[u8]>>, Object> {
        self.may_read()?;
        let (keys, passed) = self.overlay.keys(self.scope, prefix, offset, limit);
        self.spent += passed / KEYS_A_STEP;
        Ok(keys)
    }

    fn publish(
        &mut self,
        channel: Channel,
        topic: u16,
        data: Object,
        can_wait: bool,
    ) -> Result<Published, Object> {
        self.may_publish(channel, topic)?;
        self.terms.limits.check_value(&data).map_err(|error| Object::error(&error.to_string()))?;
        // Each session has all slots before it; which it gets is decided at the commit, by names.
        let given = self.given.get(&self.session.id).copied().unwrap_or(0);
        if can_wait && (self.held || given >= self.terms.slots) {
            return Ok(Published::Full);
        }
        if let Some(window) = &mut self.window {
            let max = self.principal.map_or(0, |principal| principal.max_rps);
            if !window.admit(self.terms.step, self.terms.second, max) {
                let principal = &self.session.principal;
                return Err(Object::error(&format!(
                    "RATE_LIMIT_EXCEEDED: principal {principal} may publish {max} events a second"
                )));
            }
            self.traces.published = true;
        }
        self.given.insert(self.session.id.clone(), given + 1);
        self.pay(data.heap_bytes());
        // Each handler is work for a later frame.
        self.spent += self.handlers.get(&(channel.code(), topic)).map_or(0, |heard| heard.len() as u64);
        let sequence = self.traces.events.len() as u64;
        self.traces.events.push(Event::new(Topic::new(channel, topic), &data, self.origin.clone(), sequence));
        Ok(Published::Taken)
    }

    fn subscribe(&mut self, channel: Channel, topic: u16, body: Object) -> Result<(), Object> {
        self.check_await(channel, topic)?;
        if body.kind() != Kind::Brace {
            return Err(Object::error("a handler must be a body {..}"));
        }
        if self.full {
            return Err(holds_too_much(self.session));
        }
        self.pay(body.heap_bytes());
        let session = self.session.id.clone();
        let handler = Handler { session, channel: channel.code(), topic, body: body.compact() };
        self.traces.hearing.push(Hearing::On(handler));
        Ok(())
    }

    fn check_await(&mut self, channel: Channel, topic: u16) -> Result<(), Object> {
        if channel == Channel::Execution {
            return Err(Object::error(
                "the execution channel has processors, not handlers; use a channel A to F",
            ));
        }
        if self.may_hear(topic) { Ok(()) } else { Err(self.denied("SUBSCRIBE", &format!("topic {topic}"))) }
    }

    fn check_publish(&mut self, channel: Channel, topic: u16) -> Result<(), Object> {
        self.may_publish(channel, topic)
    }

    fn log(&mut self, line: &[u8]) {
        if self.traces.lines.len() >= self.terms.lines || self.traces.line_bytes > self.terms.line_bytes {
            self.traces.lines_dropped += 1;
            return;
        }
        let mut whole = format!("[session:{}] ", self.session.id).into_bytes();
        whole.extend_from_slice(&line[..line.len().min(LOG_LINE_BYTES_MAX)]);
        self.traces.line_bytes += whole.len();
        self.pay(whole.len());
        self.traces.lines.push(whole);
    }

    #[inline]
    fn has_room(&self) -> bool {
        self.traces.bytes < self.terms.bytes
    }

    fn is_behind(&self) -> bool {
        // More than its places: only what a command published that had acted already.
        self.held || self.given.get(&self.session.id).is_some_and(|given| *given > self.terms.slots)
    }

    #[inline]
    fn take_spent(&mut self) -> u64 {
        core::mem::take(&mut self.spent)
    }

    fn permit(&mut self, needed: Permission) -> Result<(), Object> {
        match needed {
            Permission::None => Ok(()),
            Permission::Read => self.may_read(),
            Permission::Write => self.may_write(),
            Permission::ReadWrite => self.may_read().and_then(|()| self.may_write()),
        }
    }
}

/// What a session is told that wants more than [`HOLDS_MAX`].
#[cold]
pub(super) fn holds_too_much(session: &Session) -> Object {
    let id = &session.id;
    Object::error(&format!(
        "session {id} holds {HOLDS_MAX} handlers and suspended scripts, the limit; end some of them"
    ))
}

/// Whether a value is an ERROR.
pub(super) fn is_error(value: &Object) -> bool {
    value.kind() == Kind::Error
}
