//! Events: published in one frame, delivered in the next, in a fixed order, held where there are too many.
//!
//! Invariant: an event gets into a topic's mail exactly once, and each system that subscribes sees each mail
//! exactly once. Left out: scripts, permissions and rates, which are those of whoever hands a script's events over.
//!
//! # From publishing to hearing
//! ```text
//! frame n, wave     systems -> Publisher -> sheets          scripts -> Bus::hand_over
//!          derive   event.topics: line = held + scripts' by (scope, session, sequence) + systems' by (name, sequence)
//!                   the first `limit` of the line -> event.mail of their topics     the rest -> event.held
//! frame n + 1       Subscriber reads event.mail; after it the mail is blank
//! ```
//!
//! # Still frames
//! A system that runs in steps only must hear what is said in the still frames between two steps. So where there is
//! such a subscriber, a still frame adds each topic's last mail to `event.unheard` of the topic; a step hears
//! the unheard and then the mail, and empties the unheard. A system that answers hears the mail, in every frame.
//! What is unheard counts against the limit, so a step never hears more than `limit` events.

mod bus;
mod codec;
mod index;
mod publisher;
mod subscriber;
mod topics;

pub use bus::{Bus, EVENTS_A_FRAME, EVENTS_A_FRAME_MAX};
pub use codec::EventsCodec;
pub use diptych_components::event::*;
pub use publisher::{NotPublished, Publisher, Refused};
pub use subscriber::{Heard, Subscriber};

use diptych_engine::prelude::*;
use diptych_engine::{Error, Registrar};

/// The one system that makes and fills topics.
const TOPICS: &str = "event.topics";
/// What others do.
const INSTEAD: &str = "publish with a Publisher, or in a session";

/// Registers topics, their mail and the system that fills it; answers the way in for whoever runs scripts.
///
/// `limit` events have a place in a frame, at most; see [`EVENTS_A_FRAME`].
///
/// # Errors
/// When `limit` is 0 or above [`EVENTS_A_FRAME_MAX`].
pub fn register(registrar: &mut Registrar, limit: u32) -> Result<Bus> {
    if !(1..=EVENTS_A_FRAME_MAX).contains(&limit) {
        let reason = "it must be from 1 to 16777216";
        return Err(Error::Setting { setting: "events a frame", value: limit.to_string(), reason });
    }
    let bus = Bus::new(limit);
    registrar
        .state::<Topic>("event.topic", 1)
        .transient_with::<TopicMail, EventsCodec>("event.mail", 1)
        .state_with::<Unheard, EventsCodec>("event.unheard", 1)
        .state_with::<Held, EventsCodec>("event.held", 1)
        .reserve::<Topic>(TOPICS, INSTEAD)
        .reserve::<TopicMail>(TOPICS, INSTEAD)
        .reserve::<Unheard>(TOPICS, INSTEAD)
        .reserve::<Held>(TOPICS, INSTEAD)
        .resource(bus.clone())
        .derive(TOPICS, topics::fill.answering());
    Ok(bus)
}
