//! Events through an engine: their order, their limit, what is held, what a build refuses.

mod events {
    mod hearing;
    mod limits;
    mod order;
    mod refusals;
    #[cfg(feature = "store")]
    mod still;
}

use diptych_engine::prelude::*;
use diptych_engine::{EngineBuilder, Registrar};
use diptych_systems::event::{self, Bus, Channel, Event, Origin, Publisher, Subscriber, Topic};
use std::sync::{Arc, Mutex};

/// Events as a plugin, with a limit.
struct Events {
    limit: u32,
}

impl Plugin for Events {
    fn name(&self) -> &'static str {
        "events"
    }

    fn build(self, registrar: &mut Registrar) -> Result<()> {
        event::register(registrar, self.limit).map(|_| ())
    }
}

/// What somebody heard, outside of the world: frame, topic, publisher, what was said.
type Log = Arc<Mutex<Vec<(u64, Topic, String, i64)>>>;

/// A system that notes everything it hears.
fn note(log: &Log) -> impl FnMut(Subscriber<'_, '_>, Clock) + Send + Sync + 'static {
    let log = log.clone();
    move |heard: Subscriber<'_, '_>, clock: Clock| {
        let mut log = log.lock().expect("no panic under it");
        for (topic, events) in heard.all() {
            let channel = topic.channel().expect("a topic of a channel");
            assert!(heard.on(channel, topic.number()).iter().eq(events.iter()), "two ways to one topic");
            for event in events {
                assert_eq!(event.topic(), topic);
                log.push((clock.frame(), topic, name(event.publisher()), said(event)));
            }
        }
    }
}

fn said(event: &Event) -> i64 {
    event.data().expect("the tests say integers")
}

fn name(origin: &Origin) -> String {
    match origin {
        Origin::Session { scope, session } => format!("{scope}/{session}"),
        Origin::System { name } => name.to_string(),
    }
}

fn session(scope: &str, session: &str) -> Arc<Origin> {
    Arc::new(Origin::Session { scope: scope.into(), session: session.into() })
}

fn noted(log: &Log) -> Vec<(u64, Topic, String, i64)> {
    core::mem::take(&mut *log.lock().expect("no panic under it"))
}

/// What was said, without the rest.
fn values(log: &Log) -> Vec<i64> {
    noted(log).into_iter().map(|(_, _, _, value)| value).collect()
}

fn world(limit: u32) -> EngineBuilder {
    Engine::in_memory().plugin(Events { limit })
}
