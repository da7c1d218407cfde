//! A world with a runtime, its sessions, and what goes in and comes out.
//!
//! Invariant: requests are sent and answers counted by whoever is timed, so both are part of every figure. Frames are
//! still ones, made while requests wait; digests are taken on demand.

use diptych::prelude::*;
use diptych::runtime::slp::{self, Object};
use diptych::runtime::{Answers, Ask, Client, Operation, Settings};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Requests of a batch, as many as a frame takes; the peer's batches are of this size.
pub(crate) const REQUESTS_A_FRAME: usize = 4096;
/// Scopes that work is spread over.
pub(crate) const SCOPES: usize = 64;
/// A value of sixteen bytes.
pub(crate) const VALUE: &str = "sixteen bytes, 1";

const _: () = assert!(VALUE.len() == 16);

/// An engine with a runtime, and sessions.
pub(crate) struct Office {
    pub(crate) engine: Engine,
    pub(crate) client: Client,
    /// The names of the sessions, each in the scope of its number.
    pub(crate) sessions: Vec<Arc<str>>,
    pub(crate) answers: Arc<Answers>,
}

/// The builder of an engine, on disk where there is a directory, without digests of its own accord.
pub(crate) fn builder(dir: Option<&Path>, threads: usize) -> EngineBuilder {
    dir.map_or_else(Engine::in_memory, Engine::open).threads(threads).digest(DigestPolicy::OnDemand)
}

impl Office {
    /// Opens an office of so many scopes with one session each.
    pub(crate) fn open(builder: EngineBuilder, runtime: Runtime, scopes: usize) -> Self {
        let engine = builder.plugin(runtime).build().expect("the world is right");
        let client = engine.client().expect("it has a runtime");
        let names: Vec<String> = (0..scopes).map(scope).collect();
        let mut principal = Principal::new("clerk");
        for name in &names {
            principal = principal.scope(name, ScopeAccess::ReadWrite);
        }
        for topic in 0..128 {
            principal = principal.topic(topic, TopicAccess::PubSub);
        }
        client.principal(principal).expect("the principal is right");
        let sessions = names.iter().map(|name| {
            let session = client.session("clerk", name).expect("the session is right");
            Arc::from(session.id())
        });
        let sessions = sessions.collect();
        let mut office = Self { engine, client, sessions, answers: Arc::default() };
        office.settle();
        office
    }

    /// Makes frames until nothing waits.
    pub(crate) fn settle(&mut self) {
        while self.client.is_waiting() {
            self.engine.answer().expect("the frame is made");
        }
    }

    /// One who sends.
    pub(crate) fn sender(&self) -> Sender<'_> {
        Sender { client: &self.client, sessions: &self.sessions, answers: &self.answers }
    }

    /// Takes the answers that have come; how many.
    pub(crate) fn take(&self) -> usize {
        self.sender().take()
    }

    /// Does all of this many requests, in batches of what a frame takes.
    pub(crate) fn all(&mut self, count: usize, send: impl FnMut(&Sender<'_>, usize)) {
        self.all_by(REQUESTS_A_FRAME, count, send);
    }

    /// The same in batches of `at_once`: sent, answered, and then the next.
    pub(crate) fn all_by(&mut self, at_once: usize, count: usize, mut send: impl FnMut(&Sender<'_>, usize)) {
        let mut done = 0;
        for first in (0..count).step_by(at_once) {
            (first..count.min(first + at_once)).for_each(|number| send(&self.sender(), number));
            self.settle();
            done += self.take();
        }
        assert_eq!(done, count, "every request is answered");
    }

    /// Does all of this many requests, sent by a thread of its own as fast as the queue takes them, while frames are
    /// made of what is there.
    pub(crate) fn stream(&mut self, count: usize, mut send: impl FnMut(&Sender<'_>, usize) + Send) {
        let Self { engine, client, sessions, answers } = self;
        let sender = Sender { client, sessions, answers };
        let mut done = 0;
        std::thread::scope(|threads| {
            let sends = threads.spawn(|| (0..count).for_each(|number| send(&sender, number)));
            while done < count {
                // A sender that panicked sends nothing more.
                let over = sends.is_finished();
                let made = engine.answer_while(|| client.is_waiting()).expect("the frames are made");
                done += sender.take();
                if made == 0 {
                    assert!(!over || done == count, "the sender has failed: {done} of {count} answers");
                    std::thread::yield_now();
                }
            }
        });
    }
}

/// One who sends requests and counts their answers, on any thread.
#[derive(Clone, Copy)]
pub(crate) struct Sender<'a> {
    client: &'a Client,
    sessions: &'a [Arc<str>],
    answers: &'a Arc<Answers>,
}

impl Sender<'_> {
    /// Sends one request of the session with this number.
    pub(crate) fn send(&self, session: usize, operation: Operation) {
        let ask = Ask::Do(self.sessions[session].clone(), operation);
        self.client.ask_into(ask, self.answers, 0).expect("there is room");
    }

    /// Sends one script.
    pub(crate) fn run(&self, session: usize, program: &Object) {
        let ask = Ask::Run(self.sessions[session].clone(), program.clone());
        self.client.ask_into(ask, self.answers, 0).expect("there is room");
    }

    fn take(&self) -> usize {
        let answers = self.answers.take();
        if let Some((_, answer)) = answers.iter().find(|(_, answer)| answer.is_error()) {
            panic!("a request was answered with {}", answer.result);
        }
        answers.len()
    }
}

/// The name of a scope.
pub(crate) fn scope(number: usize) -> String {
    format!("scope_{number:02}")
}

/// The forms of a text.
pub(crate) fn forms(text: &str) -> Object {
    slp::parse(text, &slp::Limits::default()).expect("the text parses").into_object()
}

/// Settings that refuse nothing that a bench does.
pub(crate) fn settings() -> Settings {
    Settings { events: 1_000_000, ..Settings::default() }
}

/// Seconds of one run.
pub(crate) fn seconds(run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64()
}
