//! Events: what is said on a topic of a channel, by whom, and the lists in which a world keeps what was said.
//!
//! Invariant: a list never changes once it is made, so that any number of readers share it; equal lists have equal
//! bytes. Left out: who gets which event when, which is in `diptych-systems`.

mod bytes;
mod payload;

pub use bytes::{EventsError, decode, encode};
pub use payload::{FromObject, ToObject};

use crate::slp::Object;
use bytemuck::{Pod, Zeroable};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// What an event is of: requests to run a script, or one of six channels without a meaning of their own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
#[repr(u8)]
pub enum Channel {
    /// Scripts to be run by the processor of the topic's number.
    Execution = 1,
    /// The first of six.
    A = 2,
    /// The second of six.
    B = 3,
    /// The third of six.
    C = 4,
    /// The fourth of six.
    D = 5,
    /// The fifth of six.
    E = 6,
    /// The last of six.
    F = 7,
}

impl Channel {
    /// Every channel, by code.
    pub const ALL: [Self; 7] = [Self::Execution, Self::A, Self::B, Self::C, Self::D, Self::E, Self::F];

    /// The channel that is stored as this code, 1 to 7.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        if code == 0 || code as usize > Self::ALL.len() { None } else { Some(Self::ALL[code as usize - 1]) }
    }

    /// How it is stored.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The channel of this name in scripts: `EXECUTION`, `A` to `F`.
    #[must_use]
    pub const fn from_symbol(name: &[u8]) -> Option<Self> {
        match name {
            b"EXECUTION" => Some(Self::Execution),
            b"A" => Some(Self::A),
            b"B" => Some(Self::B),
            b"C" => Some(Self::C),
            b"D" => Some(Self::D),
            b"E" => Some(Self::E),
            b"F" => Some(Self::F),
            _ => None,
        }
    }

    /// Its name in scripts.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Execution => "EXECUTION",
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::E => "E",
            Self::F => "F",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

/// A topic's name: its channel and its number. The state `event.topic` of the entity that is the topic.
///
/// Topics are ordered by channel, then number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Pod, Zeroable)]
#[repr(C)]
pub struct Topic {
    /// [`Channel::code`]; zeroed rows and foreign bytes may have any other number.
    channel: u16,
    number: u16,
}

const _: () = assert!(size_of::<Topic>() == 4);

impl Topic {
    /// The topic `number` of a channel.
    #[must_use]
    pub const fn new(channel: Channel, number: u16) -> Self {
        Self { channel: channel as u16, number }
    }

    /// Its channel; `None` where bytes that name no channel were read as a topic.
    #[must_use]
    pub fn channel(self) -> Option<Channel> {
        u8::try_from(self.channel).ok().and_then(Channel::from_code)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.number
    }

    /// Channel and number in one, ordered as topics are.
    #[inline]
    #[must_use]
    pub const fn key(self) -> u32 {
        (self.channel as u32) << 16 | self.number as u32
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.channel() {
            Some(channel) => write!(f, "{channel}/{}", self.number),
            None => write!(f, "(channel {})/{}", self.channel, self.number),
        }
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Who published an event. Sessions come before systems, each ordered by their names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A script of a session.
    Session {
        /// The scope the session works in.
        scope: Arc<str>,
        /// The session's id.
        session: Arc<str>,
    },
    /// A system of the world.
    System {
        /// Its registered name.
        name: Arc<str>,
    },
}

/// One thing said on a topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    topic: Topic,
    data: Object,
    origin: Arc<Origin>,
    sequence: u64,
}

impl Event {
    /// What `origin` says on `topic`; `sequence` orders what it says in one frame.
    #[must_use]
    pub fn new(topic: Topic, data: &Object, origin: Arc<Origin>, sequence: u64) -> Self {
        Self { topic, data: data.compact(), origin, sequence }
    }

    /// The topic.
    #[inline]
    #[must_use]
    pub fn topic(&self) -> Topic {
        self.topic
    }

    /// What was said, as it is.
    #[inline]
    #[must_use]
    pub fn object(&self) -> &Object {
        &self.data
    }

    /// What was said, as a `T`; `None` where it is something else.
    #[inline]
    #[must_use]
    pub fn data<T: FromObject>(&self) -> Option<T> {
        T::from_object(&self.data)
    }

    /// Who said it.
    #[inline]
    #[must_use]
    pub fn publisher(&self) -> &Origin {
        &self.origin
    }

    /// The same, to be kept.
    #[inline]
    #[must_use]
    pub fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    /// Orders what a publisher said in one frame.
    #[inline]
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// What events of one frame are ordered by: publisher, then sequence.
    #[must_use]
    pub fn order(&self) -> (&Origin, u64) {
        (&self.origin, self.sequence)
    }
}

/// A list of events that is shared and does not change; an empty one needs no memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Events(Option<Arc<Vec<Event>>>);

impl From<Vec<Event>> for Events {
    fn from(events: Vec<Event>) -> Self {
        Self((!events.is_empty()).then(|| Arc::new(events)))
    }
}

impl Deref for Events {
    type Target = [Event];

    #[inline]
    fn deref(&self) -> &[Event] {
        self.0.as_ref().map_or(&[], |events| events.as_slice())
    }
}

/// What was published on a topic in the last frame: the transient state `event.mail` of the topic's entity.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicMail(pub Events);

/// What was published on a topic since the last step, in frames before the last one, all of them still: the state
/// `event.unheard` of the topic's entity. Systems that run in steps only have yet to hear it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unheard(pub Events);

/// Events that have no place in the last frame yet, in their order: the state `event.held` of one entity.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Held {
    events: Events,
    /// Whose they are: sorted, each once.
    origins: Arc<[Arc<Origin>]>,
}

impl Held {
    /// Holds these, which are in their order.
    #[must_use]
    pub fn new(events: Events) -> Self {
        let mut origins: Vec<Arc<Origin>> = Vec::new();
        for event in events.iter() {
            if origins.last().is_none_or(|last| !Arc::ptr_eq(last, &event.origin)) {
                origins.push(event.origin.clone());
            }
        }
        origins.sort();
        origins.dedup();
        Self { events, origins: origins.into() }
    }

    /// The events, first in line first.
    #[must_use]
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// Who has to wait, in order.
    #[must_use]
    pub fn origins(&self) -> &[Arc<Origin>] {
        &self.origins
    }

    /// Scope and id of the sessions that have to wait, in order.
    pub fn sessions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.origins.iter().filter_map(|origin| match &**origin {
            Origin::Session { scope, session } => Some((&**scope, &**session)),
            Origin::System { .. } => None,
        })
    }

    /// Whether something of this publisher is held.
    #[must_use]
    pub fn holds(&self, origin: &Origin) -> bool {
        self.origins.binary_search_by(|held| (**held).cmp(origin)).is_ok()
    }
}

#[cfg(test)]
mod tests;
