//! The contract of the runtime: sessions, scripts, entries and events, as a program outside meets them.
//!
//! Each file is one subject. A [`World`] is an engine with the runtime alone; requests are sent from one thread, in an
//! order that the test says, so that what comes of them can be asked for to the bit.
//!
//! Shown to fail, each by one break on purpose: handlers noted before and apart from unsubscriptions (`events`); awaits
//! or handlers that do not look at a revocation (`events`, `sessions`); scopes of a limited principal not joined, a
//! second that is a step shorter, requests taken beyond a change of rights (`events`); events in the reverse order of
//! publishing, the rest of a full frame dropped, one event twice, answers that do not wait for a place, slots given out
//! by lane (`overflow`, and `crash` for the second and third); every access granted (`events`, `sessions`); lanes written
//! in an order that hangs on a thread (`load`); scripts at rest, handlers or times forgotten at the opening, sessions of
//! scripts for a processor not stored, sessions stored for ever (`sessions`, `load`, `crash`); `snx` and `cas` against the
//! committed entries alone (`lanes`); a longer patience, no end of steps, ERRORs stored by operations (`events`,
//! `limits`); a name inherited with its scripts (`overflow`); answers said before they are durable (`crash`); steps not paid, room and
//! bytes of requests not looked at, a call made again that had acted, commands that do not wait for places (`budget`).

#[path = "runtime/budget.rs"]
mod budget;
#[path = "runtime/conformance.rs"]
mod conformance;
#[path = "runtime/crash.rs"]
mod crash;
#[path = "runtime/endings.rs"]
mod endings;
#[path = "runtime/events.rs"]
mod events;
#[path = "runtime/lanes.rs"]
mod lanes;
#[path = "runtime/limits.rs"]
mod limits;
#[path = "runtime/load.rs"]
mod load;
#[path = "runtime/overflow.rs"]
mod overflow;
#[path = "runtime/replay.rs"]
mod replay;
#[path = "runtime/rewind.rs"]
mod rewind;
#[path = "runtime/sessions.rs"]
mod sessions;

use diptych::prelude::*;
use diptych::runtime::{Answer, Client, Session, Settings, Ticket};
use std::path::Path;

/// Still frames in which an answer must have come.
const FRAMES_MAX: u32 = 40;
/// Steps that are a second.
const RATE: u64 = 60;

/// An engine with a runtime.
struct World {
    engine: Engine,
    client: Client,
}

impl World {
    fn memory() -> Self {
        Self::with(Settings::default(), 2)
    }

    fn with(settings: Settings, threads: usize) -> Self {
        Self::of(Engine::in_memory(), settings, threads)
    }

    fn open(directory: &Path) -> Self {
        Self::of(Engine::open(directory), Settings::default(), 2)
    }

    fn of(builder: EngineBuilder, settings: Settings, threads: usize) -> Self {
        let builder = builder.plugin(Runtime::default().settings(settings)).dt(1.0 / RATE as f64);
        let engine = builder.threads(threads).build().expect("the world opens");
        let client = engine.client().expect("it has a runtime");
        Self { engine, client }
    }

    /// Makes a principal; the runtime must agree.
    fn principal(&mut self, principal: Principal) {
        let made = self.client.principal(principal).expect("the names are good");
        assert_eq!(self.text(&made), "true");
    }

    /// Opens a session; the runtime must agree.
    fn session(&mut self, id: &str, principal: &str, scope: &str) -> Session {
        let session = self.client.open(id, principal, scope).expect("the names are good");
        assert_eq!(self.text(session.opened()), "true", "session {id}");
        session
    }

    /// A session `s` of a principal `p` in scope `p`, with the topics below `topics`.
    fn alone(&mut self, topics: u16) -> Session {
        let rights = Principal::new("p").scope("p", ScopeAccess::ReadWrite);
        self.principal((0..topics).fold(rights, |rights, topic| rights.topic(topic, TopicAccess::PubSub)));
        self.session("s", "p", "p")
    }

    /// The answer, after as many still frames as it takes.
    fn answer(&mut self, ticket: &Ticket) -> Answer {
        for _ in 0..FRAMES_MAX {
            if let Some(answer) = ticket.get() {
                return answer;
            }
            self.still(1);
        }
        panic!("no answer in {FRAMES_MAX} frames");
    }

    fn text(&mut self, ticket: &Ticket) -> String {
        self.answer(ticket).result.to_string()
    }

    /// Runs a script to its end.
    fn run(&mut self, session: &Session, script: &str) -> String {
        let ticket = session.run(script).unwrap_or_else(|error| panic!("{script}: {error}"));
        self.text(&ticket)
    }

    fn still(&mut self, frames: u32) {
        (0..frames).for_each(|_| self.engine.answer().expect("a still frame"));
    }

    fn steps(&mut self, frames: u64) {
        self.engine.run(Pace::frames(frames)).expect("steps");
    }

    /// The committed entries of a scope: `key=text`, in order.
    fn entries(&self, scope: &str) -> Vec<String> {
        self.client.look(|index| {
            let keys = index.scope(scope).map(|scope| scope.scan(b"", None, 0, u64::MAX)).unwrap_or_default();
            let shown = |key: &[u8]| {
                let value = index.get(scope, key).expect("its key was found");
                format!("{}={}", String::from_utf8_lossy(key), String::from_utf8_lossy(&value.text()))
            };
            keys.iter().map(|key| shown(key)).collect()
        })
    }

    /// The text of one entry.
    fn entry(&self, scope: &str, key: &str) -> Option<String> {
        self.client.look(|index| {
            index.get(scope, key.as_bytes()).map(|value| String::from_utf8_lossy(&value.text()).into_owned())
        })
    }

    fn log(&self) -> Vec<String> {
        self.client.take_log().into_iter().map(|line| String::from_utf8_lossy(&line).into_owned()).collect()
    }
}

/// Whether a text is an ERROR that says this.
#[track_caller]
fn assert_error(given: &str, piece: &str, what: &str) {
    assert!(given.starts_with('@') && given.contains(piece), "{what}: {given} is no ERROR with {piece:?}");
}

/// Numbers that look random and are the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}
