//! Requests as the log of inputs has them: what a frame took, so that it can be made again.
//!
//! Invariant: a frame's note is read back as the same requests in the same order. A session that is nowhere stored is
//! noted before the first request in it, so that a replay need not begin where it was opened. Ways back of answers are
//! not noted: in a replay nobody waits.
//!
//! ```text
//! note       tag u8, then
//!   0 known        a session as it is stored: id | principal | scope | ends u64
//!   1 open         session | principal | scope | steps u64, all ones for ever
//!   2 close        session
//!   3 run          session | object
//!   4 do           session | operation
//!   5 principal    as it is stored
//!   6 remove       name
//!   7 change       name | change
//! operation  tag u8, then  0 get key   1 set key, object   2 delete key   3 exists key   4 set if absent key, object
//!            5 compare and swap key, expected, object   6 publish channel u8, topic u16, object
//!            7 subscribe, the same   8 unsubscribe channel u8, topic u16
//! change     tag u8, then  0 grant scope, access u8   1 revoke scope   2 grant topic u16, access u8
//!            3 revoke topic u16   4 max rps u32
//! ```
//! Names, keys and objects stand behind their length u32.

use super::mirror::Mirror;
use super::request::{Ask, Change, Operation, Request, To};
use diptych_components::event::Channel;
use diptych_components::fields::{FieldError, Fields, put_bytes};
use diptych_components::principal::{Principal, ScopeAccess, TopicAccess};
use diptych_components::session::Session;
use diptych_components::slp::Object;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

const KNOWN: u8 = 0;
const OPEN: u8 = 1;
const CLOSE: u8 = 2;
const RUN: u8 = 3;
const DO: u8 = 4;
const PRINCIPAL: u8 = 5;
const REMOVE: u8 = 6;
const CHANGE: u8 = 7;

/// Notes what a frame takes.
pub(super) struct Recorder<'a> {
    out: &'a mut Vec<u8>,
    /// Where the names of sessions stand that were looked at, and the last of them.
    seen: BTreeSet<usize>,
    last: usize,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, seen: BTreeSet::new(), last: 0 }
    }

    /// Notes a request that is taken, before it takes effect.
    pub(super) fn ask(&mut self, ask: &Ask, mirror: &Mirror) {
        if let Ask::Open { session, .. } | Ask::Close(session) | Ask::Run(session, _) | Ask::Do(session, _) =
            ask
        {
            self.session(session, mirror);
        }
        let out = &mut *self.out;
        match ask {
            Ask::Open { session, principal, scope, steps } => {
                out.push(OPEN);
                for name in [session, principal, scope] {
                    put_bytes(out, name.as_bytes());
                }
                out.extend_from_slice(&steps.unwrap_or(u64::MAX).to_le_bytes());
            }
            Ask::Close(session) => {
                out.push(CLOSE);
                put_bytes(out, session.as_bytes());
            }
            Ask::Run(session, program) => {
                out.push(RUN);
                put_bytes(out, session.as_bytes());
                put_bytes(out, &program.to_bytes());
            }
            Ask::Do(session, operation) => {
                out.push(DO);
                put_bytes(out, session.as_bytes());
                put_operation(out, operation);
            }
            Ask::Principal(principal) => {
                out.push(PRINCIPAL);
                let mut bytes = Vec::new();
                principal.encode(&mut bytes);
                put_bytes(out, &bytes);
            }
            Ask::Remove(name) => {
                out.push(REMOVE);
                put_bytes(out, name.as_bytes());
            }
            Ask::Change(name, change) => {
                out.push(CHANGE);
                put_bytes(out, name.as_bytes());
                put_change(out, change);
            }
        }
    }

    /// A session that the world does not hold would be unknown in a replay from a checkpoint.
    fn session(&mut self, id: &Arc<str>, mirror: &Mirror) {
        // Many requests of one session come with one name; names of requests that wait live as long as the frame.
        let place = id.as_ptr().addr();
        if place == core::mem::replace(&mut self.last, place) || !self.seen.insert(place) {
            return;
        }
        if let Some(open) = mirror.sessions.get(id).filter(|open| open.stored.is_none()) {
            self.out.push(KNOWN);
            let mut bytes = Vec::new();
            open.seat.session.encode(&mut bytes);
            put_bytes(self.out, &bytes);
        }
    }
}

/// Puts the requests that a frame took then into the line.
///
/// # Errors
/// The bytes are none; what stands before the damage is in the line.
pub(super) fn replay(
    bytes: &[u8],
    mirror: &mut Mirror,
    backlog: &mut VecDeque<Request>,
) -> Result<(), FieldError> {
    let mut fields = Fields(bytes);
    while !fields.0.is_empty() {
        let tag = fields.u8()?;
        if tag == KNOWN {
            let session = Session::decode(fields.bytes()?)?;
            if !mirror.sessions.contains_key(&session.id) {
                mirror.open(session);
            }
            continue;
        }
        backlog.push_back(Request { ask: ask(tag, &mut fields)?, to: To::Nobody });
    }
    Ok(())
}

fn ask(tag: u8, fields: &mut Fields<'_>) -> Result<Ask, FieldError> {
    Ok(match tag {
        OPEN => {
            let [session, principal, scope] = [fields.text()?, fields.text()?, fields.text()?].map(Arc::from);
            let steps = Some(fields.u64()?).filter(|steps| *steps != u64::MAX);
            Ask::Open { session, principal, scope, steps }
        }
        CLOSE => Ask::Close(fields.text()?.into()),
        RUN => Ask::Run(fields.text()?.into(), object(fields)?),
        DO => Ask::Do(fields.text()?.into(), operation(fields)?),
        PRINCIPAL => Ask::Principal(Principal::decode(fields.bytes()?)?),
        REMOVE => Ask::Remove(fields.text()?.into()),
        CHANGE => Ask::Change(fields.text()?.into(), change(fields)?),
        other => return Err(FieldError(format!("{other} is no kind of request"))),
    })
}

fn put_operation(out: &mut Vec<u8>, operation: &Operation) {
    let (tag, keys, value): (u8, [Option<&[u8]>; 2], Option<&Object>) = match operation {
        Operation::Get(key) => (0, [Some(key), None], None),
        Operation::Set(key, value) => (1, [Some(key), None], Some(value)),
        Operation::Delete(key) => (2, [Some(key), None], None),
        Operation::Exists(key) => (3, [Some(key), None], None),
        Operation::SetIfAbsent(key, value) => (4, [Some(key), None], Some(value)),
        Operation::CompareAndSwap(key, expected, value) => (5, [Some(key), Some(expected)], Some(value)),
        Operation::Publish(_, _, value) => (6, [None, None], Some(value)),
        Operation::Subscribe(_, _, value) => (7, [None, None], Some(value)),
        Operation::Unsubscribe(..) => (8, [None, None], None),
    };
    out.push(tag);
    if let Operation::Publish(channel, topic, _)
    | Operation::Subscribe(channel, topic, _)
    | Operation::Unsubscribe(channel, topic) = operation
    {
        out.push(channel.code());
        out.extend_from_slice(&topic.to_le_bytes());
    }
    keys.into_iter().flatten().for_each(|key| put_bytes(out, key));
    value.into_iter().for_each(|value| put_bytes(out, &value.to_bytes()));
}

fn operation(fields: &mut Fields<'_>) -> Result<Operation, FieldError> {
    let tag = fields.u8()?;
    if (6..=8).contains(&tag) {
        let (channel, topic) = (fields.u8()?, fields.u16()?);
        let channel = Channel::from_code(channel)
            .ok_or_else(|| FieldError(format!("{channel} is no channel's code")))?;
        return Ok(match tag {
            6 => Operation::Publish(channel, topic, object(fields)?),
            7 => Operation::Subscribe(channel, topic, object(fields)?),
            _ => Operation::Unsubscribe(channel, topic),
        });
    }
    let key: Arc<[u8]> = fields.bytes()?.into();
    Ok(match tag {
        0 => Operation::Get(key),
        1 => Operation::Set(key, object(fields)?),
        2 => Operation::Delete(key),
        3 => Operation::Exists(key),
        4 => Operation::SetIfAbsent(key, object(fields)?),
        5 => Operation::CompareAndSwap(key, fields.bytes()?.into(), object(fields)?),
        other => return Err(FieldError(format!("{other} is no kind of operation"))),
    })
}

fn put_change(out: &mut Vec<u8>, change: &Change) {
    match change {
        Change::GrantScope(scope, access) => {
            out.push(0);
            put_bytes(out, scope.as_bytes());
            out.push(*access as u8);
        }
        Change::RevokeScope(scope) => {
            out.push(1);
            put_bytes(out, scope.as_bytes());
        }
        Change::GrantTopic(topic, access) => {
            out.push(2);
            out.extend_from_slice(&topic.to_le_bytes());
            out.push(*access as u8);
        }
        Change::RevokeTopic(topic) => {
            out.push(3);
            out.extend_from_slice(&topic.to_le_bytes());
        }
        Change::MaxRps(max) => {
            out.push(4);
            out.extend_from_slice(&max.to_le_bytes());
        }
    }
}

fn change(fields: &mut Fields<'_>) -> Result<Change, FieldError> {
    let no_access = |code: u8| FieldError(format!("{code} is no permission"));
    Ok(match fields.u8()? {
        0 => {
            let (scope, code) = (fields.text()?.into(), fields.u8()?);
            let all = [ScopeAccess::Read, ScopeAccess::Write, ScopeAccess::ReadWrite];
            let access = all.into_iter().find(|access| *access as u8 == code);
            Change::GrantScope(scope, access.ok_or_else(|| no_access(code))?)
        }
        1 => Change::RevokeScope(fields.text()?.into()),
        2 => {
            let (topic, code) = (fields.u16()?, fields.u8()?);
            let all = [TopicAccess::Publish, TopicAccess::Subscribe, TopicAccess::PubSub];
            let access = all.into_iter().find(|access| *access as u8 == code);
            Change::GrantTopic(topic, access.ok_or_else(|| no_access(code))?)
        }
        3 => Change::RevokeTopic(fields.u16()?),
        4 => Change::MaxRps(fields.u32()?),
        other => return Err(FieldError(format!("{other} is no kind of change"))),
    })
}

fn object(fields: &mut Fields<'_>) -> Result<Object, FieldError> {
    Object::load(fields.bytes()?).map_err(|error| FieldError(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Ask> {
        let (name, key): (Arc<str>, Arc<[u8]>) = ("s".into(), (*b"k").into());
        let value = Object::string(b"v");
        let operations = [
            Operation::Get(key.clone()),
            Operation::Set(key.clone(), value.clone()),
            Operation::Delete(key.clone()),
            Operation::Exists(key.clone()),
            Operation::SetIfAbsent(key.clone(), value.clone()),
            Operation::CompareAndSwap(key.clone(), key, value.clone()),
            Operation::Publish(Channel::B, 7, value.clone()),
            Operation::Subscribe(Channel::Execution, 8, value.clone()),
            Operation::Unsubscribe(Channel::F, 9),
        ];
        let changes = [
            Change::GrantScope(name.clone(), ScopeAccess::Write),
            Change::RevokeScope(name.clone()),
            Change::GrantTopic(3, TopicAccess::PubSub),
            Change::RevokeTopic(4),
            Change::MaxRps(5),
        ];
        let mut all: Vec<Ask> = operations.into_iter().map(|one| Ask::Do(name.clone(), one)).collect();
        all.extend(changes.into_iter().map(|one| Ask::Change(name.clone(), one)));
        let open =
            |steps| Ask::Open { session: name.clone(), principal: name.clone(), scope: name.clone(), steps };
        all.extend([open(None), open(Some(3)), Ask::Close(name.clone()), Ask::Remove(name.clone())]);
        all.extend([Ask::Run(name, value), Ask::Principal(Principal::new("p"))]);
        all
    }

    /// Claim: every kind of request comes back as it was, and cut bytes are an error, never a panic.
    #[test]
    fn requests_come_back() {
        let (mut bytes, mut mirror) = (Vec::new(), Mirror::default());
        let session = Session { id: "s".into(), principal: "p".into(), scope: "c".into(), ends: 9 };
        mirror.open(session.clone());
        let mut recorder = Recorder::new(&mut bytes);
        all().iter().for_each(|ask| recorder.ask(ask, &mirror));
        let (mut found, mut other) = (VecDeque::new(), Mirror::default());
        replay(&bytes, &mut other, &mut found).expect("they were just written");
        assert_eq!(
            found.iter().map(|request| format!("{:?}", request.ask)).collect::<Vec<_>>(),
            all().iter().map(|ask| format!("{ask:?}")).collect::<Vec<_>>()
        );
        assert_eq!(other.sessions.get("s").map(|open| &open.seat.session), Some(&session));
        let mut whole = 0;
        for end in 0..bytes.len() {
            whole += u32::from(replay(&bytes[..end], &mut Mirror::default(), &mut VecDeque::new()).is_ok());
        }
        assert_eq!(whole as usize, all().len() + 1, "a cut between two requests is none");
    }
}
