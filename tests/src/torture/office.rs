//! Sessions, scripts and events of a runtime as a play: what is asked before every frame follows from the seed, and
//! what the entries must be afterwards from maps of text.
//!
//! Invariant: each frame opens the sessions it uses, since those that hold nothing are gone after a restart; so a world
//! that was cut off gets the same requests as one that was not. Entries whose keys begin with `w` are made by scripts
//! that await or suspend: the digest compares them, the maps do not.

use crate::torture::play::{Failure, Play};
use crate::torture::values::Dice;
use diptych::prelude::*;
use diptych::runtime::{Client, RequestError, Settings, Ticket};
use std::collections::BTreeMap;

/// Scopes that sessions work in.
const SCOPES: u64 = 3;
/// The scope of the handler.
const EAR: &str = "ear";
/// Before this frame there are no requests but for the principal and the handler.
const BEGIN: u64 = 4;

/// A request of a session.
#[derive(Clone, Debug)]
enum Ask {
    Set(String, u64),
    Delete(String),
    IfAbsent(String, u64),
    Swap(String, u64, u64),
    Get(String),
    /// A script that sets two keys.
    Script(String, String, u64),
    /// An event, on which the handler sets its data as a key.
    Publish(String),
    /// A script that the maps do not know.
    Wild(String),
}

/// Requests before a frame.
#[derive(Clone, Debug, Default)]
struct Desk {
    still: bool,
    /// By the number of the session.
    asks: Vec<(u64, Ask)>,
}

/// Entries by scope and key.
type Entries = BTreeMap<(String, String), String>;

/// A runtime's world with everything that is asked of it.
#[derive(Debug)]
pub(crate) struct Office {
    seed: u64,
    sessions: u64,
    desks: Vec<Desk>,
    /// By frame.
    entries: Vec<Entries>,
    /// What is answered to each request of a frame that the maps know.
    answers: Vec<Vec<Option<String>>>,
}

fn scope(session: u64) -> String {
    format!("s{}", session % SCOPES)
}

impl Office {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed, "office");
        let frames = BEGIN + 10 + dice.below(40);
        let sessions = 1 + dice.below(6);
        let mut office = Self { seed, sessions, desks: Vec::new(), entries: Vec::new(), answers: Vec::new() };
        let mut entries = Entries::new();
        let mut heard: Vec<String> = Vec::new();
        for frame in 0..=frames {
            let desk = if frame < BEGIN { Desk::default() } else { office.desk(frame, &mut dice) };
            // What was published in the frame before is heard in this one.
            for key in heard.drain(..) {
                entries.insert((EAR.to_owned(), key), "1".to_owned());
            }
            let answers = desk.asks.iter().map(|(session, ask)| {
                if let Ask::Publish(key) = ask {
                    heard.push(key.clone());
                }
                answer(&mut entries, &scope(*session), ask)
            });
            office.answers.push(answers.collect());
            office.desks.push(desk);
            if frame == 2 {
                entries.insert((EAR.to_owned(), "listens".to_owned()), "1".to_owned());
            }
            office.entries.push(entries.clone());
        }
        office
    }

    fn desk(&self, frame: u64, dice: &mut Dice) -> Desk {
        let still = dice.one_in(3);
        let mut asks = Vec::new();
        for n in 0..if dice.one_in(4) { 0 } else { dice.below(8) } {
            let session = dice.below(self.sessions);
            let key = |dice: &mut Dice| format!("k{}", dice.below(12));
            let value = dice.below(5);
            asks.push((
                session,
                match dice.below(10) {
                    0 | 1 => Ask::Set(key(dice), value),
                    2 => Ask::Delete(key(dice)),
                    3 => Ask::IfAbsent(key(dice), value),
                    4 => Ask::Swap(key(dice), dice.below(5), value),
                    5 => Ask::Get(key(dice)),
                    6 => Ask::Script(key(dice), key(dice), value),
                    7 | 8 => Ask::Publish(format!("e{frame}:{n}")),
                    _ => Ask::Wild(wild(frame, n, dice)),
                },
            ));
        }
        Desk { still, asks }
    }

    fn ask(&self, engine: &Engine, frame: u64) -> Result<Vec<Ticket>, RequestError> {
        let client = engine.client().expect("the runtime is registered");
        if frame == 1 {
            return Ok(vec![client.principal(rights())?]);
        }
        if frame == 2 {
            let ear = client.open(EAR, "p", EAR)?;
            let handler = "(core/event/sub A 1 {(core/kv/set $data 1)}) (core/kv/set listens 1)";
            return Ok(vec![ear.run(handler)?]);
        }
        let Desk { asks, .. } = &self.desks[frame as usize];
        asks.iter().map(|(session, ask)| put(&client, *session, ask)).collect()
    }
}

fn rights() -> Principal {
    let names = (0..SCOPES).map(|n| format!("s{n}")).chain([EAR.to_owned()]);
    let rights = names.fold(Principal::new("p"), |rights, name| rights.scope(&name, ScopeAccess::ReadWrite));
    (0..4).fold(rights, |rights, topic| rights.topic(topic, TopicAccess::PubSub))
}

/// A script that suspends, is long, or fails.
fn wild(frame: u64, n: u64, dice: &mut Dice) -> String {
    let name = format!("w{frame}:{n}");
    match dice.below(4) {
        0 => format!("[(core/kv/set {name} 1) (core/kv/set {name}:got (core/expr/await 1 C 3))]"),
        1 => "(core/event/pub C 3 go)".to_owned(),
        2 => format!("(core/event/pub EXECUTION 0 \"(core/kv/set {name} 2)\")"),
        _ => format!("(core/kv/set {name} (core/kv/get nothing))"),
    }
}

fn put(client: &Client, session: u64, ask: &Ask) -> Result<Ticket, RequestError> {
    let session = client.open(&format!("c{session}"), "p", &scope(session))?;
    match ask {
        Ask::Set(key, value) => session.set(key, value.to_string().as_str()),
        Ask::Delete(key) => session.delete(key),
        Ask::IfAbsent(key, value) => session.set_if_absent(key, value.to_string().as_str()),
        Ask::Swap(key, old, new) => session.cas(key, old.to_string(), new.to_string().as_str()),
        Ask::Get(key) => session.get(key),
        Ask::Script(one, other, value) => {
            session.run(&format!("(core/kv/set {one} {value}) (core/kv/set {other} {value})"))
        }
        Ask::Publish(key) => session.publish(Channel::A, 1, key.as_str()),
        Ask::Wild(script) => session.run(script),
    }
}

/// Does to the maps what a request does; its answer where it is one of the usual words.
fn answer(entries: &mut Entries, scope: &str, ask: &Ask) -> Option<String> {
    let name = |key: &String| (scope.to_owned(), key.clone());
    match ask {
        Ask::Set(key, value) => {
            entries.insert(name(key), value.to_string());
        }
        Ask::Delete(key) => {
            entries.remove(&name(key));
        }
        Ask::IfAbsent(key, value) => {
            let absent = !entries.contains_key(&name(key));
            if absent {
                entries.insert(name(key), value.to_string());
            }
            return Some(absent.to_string());
        }
        Ask::Swap(key, old, new) => {
            let equal = entries.get(&name(key)).is_some_and(|value| *value == old.to_string());
            if equal {
                entries.insert(name(key), new.to_string());
            }
            return Some(equal.to_string());
        }
        Ask::Script(one, other, value) => {
            entries.insert(name(one), value.to_string());
            entries.insert(name(other), value.to_string());
        }
        // A text that reads back as one.
        Ask::Get(key) => return entries.get(&name(key)).map(|value| format!("{value:?}")),
        Ask::Publish(_) | Ask::Wild(_) => {}
    }
    None
}

impl Play for Office {
    fn seed(&self) -> u64 {
        self.seed
    }

    fn end(&self) -> u64 {
        self.desks.len() as u64 - 1
    }

    fn register(&self, builder: EngineBuilder) -> EngineBuilder {
        let settings = Settings { patience: 1e9, ..Settings::default() };
        builder.plugin(Runtime::default().settings(settings)).dt(1.0 / 60.0).seed(self.seed)
    }

    fn step(&self, engine: &mut Engine) -> Result<(), Failure> {
        let frame = engine.frame() + 1;
        let tickets = self.ask(engine, frame).map_err(|error| format!("frame {frame}: {error}"))?;
        let made = if self.desks[frame as usize].still { engine.answer() } else { engine.step() };
        made.map_err(|error| Failure::Engine(frame, Box::new(error)))?;
        for (n, (ticket, expected)) in tickets.iter().zip(&self.answers[frame as usize]).enumerate() {
            let Some(expected) = expected else { continue };
            let given = ticket.get().map(|answer| answer.result.to_string());
            if given.as_ref() != Some(expected) {
                let ask = &self.desks[frame as usize].asks[n];
                let what = format!("frame {frame}: {ask:?} was answered {given:?}, not {expected:?}");
                return Err(Failure::Other(what));
            }
        }
        Ok(())
    }

    /// Frames of other requests, or of none; what they make of the maps is forgotten with them.
    fn stray(&self, engine: &mut Engine, frames: u64, dice: &mut Dice) -> Result<(), Failure> {
        let begun = engine.frame() >= BEGIN;
        for _ in 0..frames {
            let frame = engine.frame() + 1;
            let desk = if !begun { Desk::default() } else { self.desk(frame, dice) };
            let client = engine.client().expect("the runtime is registered");
            let asked = desk.asks.iter().try_for_each(|(session, ask)| put(&client, *session, ask).map(drop));
            asked.map_err(|error| format!("frame {frame}: {error}"))?;
            let made = if desk.still { engine.answer() } else { engine.step() };
            made.map_err(|error| Failure::Engine(frame, Box::new(error)))?;
        }
        Ok(())
    }

    fn quiet(&self, frame: u64) -> u64 {
        if frame < BEGIN {
            return 0;
        }
        let desks = self.desks.get(frame as usize..).unwrap_or_default();
        desks.iter().take_while(|desk| !desk.still && desk.asks.is_empty()).count() as u64
    }

    fn compare(&self, engine: &Engine) -> Result<(), String> {
        let frame = engine.frame();
        let Some(expected) = self.entries.get(frame as usize) else {
            return Err(format!("it is at frame {frame}, which was never made"));
        };
        let client = engine.client().expect("the runtime is registered");
        let found: Entries = client.look(|index| {
            let names = (0..SCOPES).map(|n| format!("s{n}")).chain([EAR.to_owned()]);
            let entries = names.flat_map(|name| {
                let keys = index.scope(&name).map(|scope| scope.scan(b"", None, 0, u64::MAX));
                let shown = |key: Vec<u8>| {
                    let value = index.get(&name, &key).expect("its key was found");
                    let text = String::from_utf8_lossy(&value.text()).into_owned();
                    ((name.clone(), String::from_utf8_lossy(&key).into_owned()), text)
                };
                keys.unwrap_or_default().iter().map(|key| shown(key.to_vec())).collect::<Vec<_>>()
            });
            entries.filter(|((_, key), _)| !key.starts_with('w')).collect()
        });
        if found == *expected {
            return Ok(());
        }
        let lost = expected.iter().find(|(key, value)| found.get(*key) != Some(*value));
        let more = found.iter().find(|(key, value)| expected.get(*key) != Some(*value));
        Err(format!("frame {frame}: the maps have {lost:?}, the world has {more:?}"))
    }
}
