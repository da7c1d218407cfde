//! The state of events as rows: each is a list, in the bytes of `diptych_components::event`.
//!
//! Invariant: canonical, as that encoding is; a blank row is no bytes.

use diptych_components::event::{Event, Events, Held, TopicMail, Unheard, decode, encode};
use diptych_engine::{Codec, CodecError};

/// The codec of [`TopicMail`], [`Unheard`] and [`Held`].
#[derive(Debug)]
pub struct EventsCodec;

fn read(bytes: &[u8]) -> Result<Events, CodecError> {
    decode(bytes).map_err(CodecError::new)
}

fn write(events: &[Event], out: &mut Vec<u8>) {
    encode(events, out);
}

impl Codec<TopicMail> for EventsCodec {
    fn encode(mail: &TopicMail, out: &mut Vec<u8>) {
        write(&mail.0, out);
    }

    fn decode(bytes: &[u8]) -> Result<TopicMail, CodecError> {
        read(bytes).map(TopicMail)
    }
}

impl Codec<Unheard> for EventsCodec {
    fn encode(unheard: &Unheard, out: &mut Vec<u8>) {
        write(&unheard.0, out);
    }

    fn decode(bytes: &[u8]) -> Result<Unheard, CodecError> {
        read(bytes).map(Unheard)
    }
}

impl Codec<Held> for EventsCodec {
    fn encode(held: &Held, out: &mut Vec<u8>) {
        write(held.events(), out);
    }

    fn decode(bytes: &[u8]) -> Result<Held, CodecError> {
        read(bytes).map(Held::new)
    }
}
