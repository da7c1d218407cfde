//! Scripts at rest: the suspended ones, and the handlers of topics.
//!
//! Invariant: what is here is all that is needed to go on after a restart; where in a script it stopped is in the
//! bytes of its machine, which `diptych-systems` reads and writes.

use crate::fields::{FieldError, Fields, put_bytes};
use crate::slp::Object;
use std::sync::Arc;

/// Why a script does not go on by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Rest {
    /// It awaits an event.
    Event = 1,
    /// The event queue was full.
    Room = 2,
    /// It has used up its steps of a frame.
    Budget = 3,
}

/// A script that has stopped in the middle, stored as `script.suspended`.
#[derive(Debug, Clone, PartialEq)]
pub struct Suspended {
    /// The session it runs in.
    pub session: Arc<str>,
    /// Why it stopped.
    pub rest: Rest,
    /// The step at which its innermost await gives up; `u64::MAX` without one.
    pub deadline: u64,
    /// Channel code and topic of every await it is in, the outermost first.
    pub awaits: Arc<[(u8, u16)]>,
    /// The machine.
    pub machine: Arc<[u8]>,
}

impl Suspended {
    /// `session | rest u8 | deadline u64 | awaits u32, each u8, u16 | machine`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.session.as_bytes());
        out.push(self.rest as u8);
        out.extend_from_slice(&self.deadline.to_le_bytes());
        out.extend_from_slice(&(self.awaits.len() as u32).to_le_bytes());
        for (channel, topic) in &*self.awaits {
            out.push(*channel);
            out.extend_from_slice(&topic.to_le_bytes());
        }
        put_bytes(out, &self.machine);
    }

    /// Reads one back; the machine's bytes are looked at when it goes on.
    ///
    /// # Errors
    /// When the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = Fields(bytes);
        let session = fields.text()?.into();
        let rest = match fields.u8()? {
            1 => Rest::Event,
            2 => Rest::Room,
            3 => Rest::Budget,
            other => return Err(FieldError(format!("{other} is no reason to rest"))),
        };
        let deadline = fields.u64()?;
        let mut awaits = Vec::new();
        for _ in 0..fields.u32()? {
            awaits.push((fields.u8()?, fields.u16()?));
        }
        let machine = fields.bytes()?.into();
        fields.end()?;
        Ok(Self { session, rest, deadline, awaits: awaits.into(), machine })
    }
}

/// A handler of a topic, stored as `event.handler`.
#[derive(Debug, Clone, PartialEq)]
pub struct Handler {
    /// The session it runs in.
    pub session: Arc<str>,
    /// The channel's code.
    pub channel: u8,
    /// The topic.
    pub topic: u16,
    /// What runs, a brace list.
    pub body: Object,
}

impl Handler {
    /// `session | channel u8 | topic u16 | body, an object's bytes`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.session.as_bytes());
        out.push(self.channel);
        out.extend_from_slice(&self.topic.to_le_bytes());
        put_bytes(out, &self.body.to_bytes());
    }

    /// Reads one back.
    ///
    /// # Errors
    /// When the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = Fields(bytes);
        let session = fields.text()?.into();
        let (channel, topic) = (fields.u8()?, fields.u16()?);
        let body = Object::load(fields.bytes()?).map_err(|error| FieldError(error.to_string()))?;
        fields.end()?;
        Ok(Self { session, channel, topic, body })
    }
}
