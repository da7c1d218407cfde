//! A list of events as bytes.
//!
//! Invariant: equal lists have equal bytes, and only those bytes are read back: every length is checked, every
//! publisher is used, and they stand in the order of their first event. Left out: versions and checksums, which
//! are the store's.
//!
//! ```text
//! no bytes                     no events
//! origins     u32, then each   kind u8 | 1: scope text, session text | 2: name text
//! events      u32, then each   channel u8 | topic u16 | origin u32 | sequence u64 | length u32 | object
//! text: length u32, UTF-8      object: the buffer of `slp`        all little-endian
//! ```

use super::{Channel, Event, Events, Origin, Topic};
use crate::slp::Object;
use std::collections::BTreeMap;
use std::sync::Arc;
use thiserror::Error;

const SESSION: u8 = 1;
const SYSTEM: u8 = 2;
/// Bytes of an event without its object.
const EVENT_BYTES_MIN: usize = 19;

/// Why bytes are not a list of events.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a list of events is wrong at byte {byte}: {reason}")]
pub struct EventsError {
    /// Where.
    pub byte: usize,
    /// What is wrong there.
    pub reason: String,
}

/// Appends the bytes of a list.
///
/// # Panics
/// When a name, an object or the list is beyond 4 GiB; lists are bounded far below.
pub fn encode(events: &[Event], out: &mut Vec<u8>) {
    if events.is_empty() {
        return;
    }
    let (origins, places) = number(events);
    put_u32(out, origins.len());
    for origin in origins {
        match origin {
            Origin::Session { scope, session } => {
                out.push(SESSION);
                put_text(out, scope);
                put_text(out, session);
            }
            Origin::System { name } => {
                out.push(SYSTEM);
                put_text(out, name);
            }
        }
    }
    put_u32(out, events.len());
    for (event, place) in events.iter().zip(places) {
        // A topic is made of a channel, or was checked where it was read.
        out.push(event.topic.channel as u8);
        out.extend_from_slice(&event.topic.number.to_le_bytes());
        out.extend_from_slice(&place.to_le_bytes());
        out.extend_from_slice(&event.sequence.to_le_bytes());
        let object = event.data.to_bytes();
        put_u32(out, object.len());
        out.extend_from_slice(&object);
    }
}

/// Publishers in the order of their first event, and for each event which of them it is.
fn number(events: &[Event]) -> (Vec<&Origin>, Vec<u32>) {
    let (mut origins, mut places) = (Vec::new(), Vec::with_capacity(events.len()));
    let mut known: BTreeMap<&Origin, u32> = BTreeMap::new();
    let mut last: Option<(&Arc<Origin>, u32)> = None;
    for event in events {
        let place = match last {
            Some((origin, place)) if Arc::ptr_eq(origin, &event.origin) => place,
            _ => *known.entry(&event.origin).or_insert_with(|| {
                origins.push(&*event.origin);
                u32_of(origins.len() - 1)
            }),
        };
        last = Some((&event.origin, place));
        places.push(place);
    }
    (origins, places)
}

/// Reads a list.
///
/// # Errors
/// When `bytes` are not what [`encode`] gives for some list.
pub fn decode(bytes: &[u8]) -> Result<Events, EventsError> {
    if bytes.is_empty() {
        return Ok(Events::default());
    }
    let mut from = Cursor { bytes, at: 0 };
    let count = from.count(5)?;
    let mut origins: Vec<Arc<Origin>> = Vec::with_capacity(count);
    let mut known: BTreeMap<Arc<Origin>, ()> = BTreeMap::new();
    for _ in 0..count {
        let at = from.at;
        let origin = Arc::new(from.origin()?);
        if known.insert(origin.clone(), ()).is_some() {
            return Err(wrong(at, "a publisher stands there twice"));
        }
        origins.push(origin);
    }
    let count = from.count(EVENT_BYTES_MIN)?;
    let mut events = Vec::with_capacity(count);
    let mut used = 0;
    for _ in 0..count {
        events.push(from.event(&origins, &mut used)?);
    }
    if events.is_empty() || used != origins.len() {
        return Err(wrong(from.at, format!("{used} of {} publishers have events", origins.len())));
    }
    if from.at != bytes.len() {
        return Err(wrong(from.at, format!("{} bytes are left over", bytes.len() - from.at)));
    }
    Ok(Events::from(events))
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], EventsError> {
        let left = self.bytes.len() - self.at;
        if length > left {
            return Err(wrong(self.at, format!("{length} bytes are announced, {left} are left")));
        }
        let taken = &self.bytes[self.at..self.at + length];
        self.at += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], EventsError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn length(&mut self) -> Result<usize, EventsError> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    /// How many things of at least `least` bytes come; so many that memory can be set aside.
    fn count(&mut self, least: usize) -> Result<usize, EventsError> {
        let at = self.at;
        let count = self.length()?;
        if count > (self.bytes.len() - self.at) / least {
            return Err(wrong(at, format!("{count} entries are announced, more than there can be")));
        }
        Ok(count)
    }

    fn text(&mut self) -> Result<Arc<str>, EventsError> {
        let length = self.length()?;
        let at = self.at;
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| wrong(at, "a name is not UTF-8"))?;
        Ok(text.into())
    }

    fn origin(&mut self) -> Result<Origin, EventsError> {
        let at = self.at;
        match self.take(1)?[0] {
            SESSION => Ok(Origin::Session { scope: self.text()?, session: self.text()? }),
            SYSTEM => Ok(Origin::System { name: self.text()? }),
            kind => Err(wrong(at, format!("{kind} is no kind of publisher"))),
        }
    }

    /// An event; `used` publishers had one before it.
    fn event(&mut self, origins: &[Arc<Origin>], used: &mut usize) -> Result<Event, EventsError> {
        let at = self.at;
        let code = self.take(1)?[0];
        let channel =
            Channel::from_code(code).ok_or_else(|| wrong(at, format!("{code} is the code of no channel")))?;
        let topic = Topic::new(channel, u16::from_le_bytes(self.array()?));
        let place = self.length()?;
        if place > *used || place >= origins.len() {
            return Err(wrong(at, format!("publisher {place} is out of turn")));
        }
        *used = (*used).max(place + 1);
        let sequence = u64::from_le_bytes(self.array()?);
        let length = self.length()?;
        let at = self.at;
        let data = Object::load(self.take(length)?).map_err(|error| wrong(at, error.to_string()))?;
        Ok(Event { topic, data, origin: origins[place].clone(), sequence })
    }
}

fn wrong(byte: usize, reason: impl Into<String>) -> EventsError {
    EventsError { byte, reason: reason.into() }
}

fn u32_of(length: usize) -> u32 {
    u32::try_from(length).expect("lists of events stay below 4 GiB")
}

fn put_u32(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&u32_of(length).to_le_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_u32(out, text.len());
    out.extend_from_slice(text.as_bytes());
}
