//! What is told on topics of events about agents, and how far it was told.
//!
//! Invariant: a notice is a list of six: agent, turn, frame, a number that its topic explains, whether all is well, and
//! words.

use crate::event::{Channel, FromObject, ToObject};
use crate::slp::{Kind, Object};
use bytemuck::{Pod, Zeroable};

/// The channel of all topics of agents.
pub const CHANNEL: Channel = Channel::A;
/// Somebody began to speak to an agent; the number is the turn.
pub const TOPIC_TURN: u16 = 0x4701;
/// Something was said to its end; the number is the transcript's, the words are what was said.
pub const TOPIC_TRANSCRIPT: u16 = 0x4702;
/// A model is asked; the number is the question's entity, the words are what it is about.
pub const TOPIC_LLM_REQUEST: u16 = 0x4703;
/// A model has answered, or will not, which is not well; the number is the question's entity, the words are the answer or
/// the error.
pub const TOPIC_LLM_RESULT: u16 = 0x4704;
/// Words are to become sound; the number is the utterance.
pub const TOPIC_TTS_REQUEST: u16 = 0x4705;
/// They have; the number is how long the sound is, in milliseconds.
pub const TOPIC_TTS_RESULT: u16 = 0x4706;
/// An utterance begins, ends or is cancelled: the words say which; the number is the utterance.
pub const TOPIC_PLAYBACK: u16 = 0x4707;

/// An event about an agent.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Notice {
    /// The agent.
    pub agent: u64,
    /// In which turn.
    pub turn: u64,
    /// The frame in which it was so.
    pub frame: u64,
    /// See the topic.
    pub number: i64,
    /// False where something went wrong.
    pub is_well: bool,
    /// See the topic.
    pub words: String,
}

impl ToObject for Notice {
    fn to_object(&self) -> Object {
        // Bits of an `Id` as a signed number, and back.
        let numbers = [self.agent as i64, self.turn as i64, self.frame as i64, self.number];
        let mut items: Vec<Object> = numbers.map(Object::integer).into();
        items.extend([Object::boolean(self.is_well), Object::string(&self.words)]);
        Object::list(Kind::Bracket, &items)
    }
}

impl FromObject for Notice {
    fn from_object(object: &Object) -> Option<Self> {
        if object.kind() != Kind::Bracket || object.view().len() != 6 {
            return None;
        }
        let number = |place| i64::from_object(&object.child(place)?);
        Some(Self {
            agent: number(0)? as u64,
            turn: number(1)? as u64,
            frame: number(2)? as u64,
            number: number(3)?,
            is_well: bool::from_object(&object.child(4)?)?,
            words: String::from_object(&object.child(5)?)?,
        })
    }
}

/// How far something was told, so that nothing is told twice or left out when there are too many events for a frame.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Pod, Zeroable)]
pub struct Told {
    /// Of an agent: the last turn. Of a question or an utterance: how many of its notices.
    pub count: u64,
    /// Of an agent: the last transcript. Of an utterance: 1 once its end was told.
    pub last: u64,
}
