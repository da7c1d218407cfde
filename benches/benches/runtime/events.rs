//! Publish to handler: a hundred topics with ten handlers each, systems and scripts.
//!
//! Invariant: a delivery is one event in the hands of one handler, which reads it; the count at the end is exact, and
//! publishing is timed with the rest. Ten systems publish, ten topics each.

use crate::office::{Office, builder, seconds, settings};
use benches::{Suite, Target};
use diptych::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const TOPICS: u16 = 100;
const HANDLERS: u16 = 10;
const PUBLISHERS: u16 = 10;
const FRAMES: u64 = 20;

/// What publishers say and handlers hear.
#[derive(Clone, Default)]
struct Board {
    /// Events of a topic and frame.
    rate: Arc<AtomicU64>,
    heard: Arc<AtomicU64>,
}

pub(crate) fn run(suite: &mut Suite) {
    let shapes = [
        (
            "publish to handler (events), 100 topics x 10 systems, 1,000 events a topic and frame, 2 threads",
            1000,
            5.0,
        ),
        (
            "publish to handler (events), 100 topics x 10 systems, 10 events a topic and frame, 2 threads",
            10,
            0.0,
        ),
    ];
    for (name, rate, least) in shapes {
        if suite.wants(name) {
            let board = Board::default();
            let mut office = Office::open(systems(&board), runtime(), 1);
            let target = if least > 0.0 { Target::AtLeast(least) } else { Target::None };
            suite.measure(name, "M/s", target, &mut || deliveries(&mut office, &board, rate));
        }
    }
    let shapes = [
        ("publish to handler (events), 100 topics x 10 script handlers {}, 2 threads", ""),
        (
            "publish to handler (events), 100 topics x 10 script handlers {(core/kv/set last $data)}, 2 threads",
            "(core/kv/set last $data)",
        ),
    ];
    for (name, body) in shapes {
        if suite.wants(name) {
            let board = Board::default();
            let mut office = Office::open(publishers(&board, builder(None, 2)), runtime(), HANDLERS.into());
            subscribe(&mut office, body);
            let target = if body.is_empty() { Target::AtLeast(1.0) } else { Target::None };
            suite.measure(name, "M/s", target, &mut || scripts(&mut office, &board, 10));
        }
    }
}

fn runtime() -> Runtime {
    Runtime::default().settings(settings())
}

fn publishers(board: &Board, mut builder: EngineBuilder) -> EngineBuilder {
    for publisher in 0..PUBLISHERS {
        let rate = board.rate.clone();
        let speak = move |clock: Clock, mut bus: Publisher<'_, '_>| {
            // Relaxed: it changes between runs only.
            let rate = rate.load(Ordering::Relaxed);
            for topic in (publisher..TOPICS).step_by(PUBLISHERS.into()) {
                for number in 0..rate {
                    let said = (clock.frame() + number) as i64;
                    bus.publish(Channel::A, topic, said).expect("the queue has room");
                }
            }
        };
        builder = builder.system(&format!("publisher_{publisher:02}"), speak);
    }
    builder
}

fn systems(board: &Board) -> EngineBuilder {
    let mut builder = publishers(board, builder(None, 2));
    for topic in 0..TOPICS {
        for handler in 0..HANDLERS {
            let heard = board.heard.clone();
            let listen = move |mail: Subscriber<'_, '_>| {
                let events = mail.on(Channel::A, topic);
                let read = events.iter().filter(|event| event.data::<i64>().is_some()).count();
                if read > 0 {
                    heard.fetch_add(read as u64, Ordering::Relaxed);
                }
            };
            builder = builder.system(&format!("hears.{topic}.{handler}"), listen);
        }
    }
    builder
}

/// Makes frames in which everybody speaks, and one to hear the last of it.
fn speak(office: &mut Office, board: &Board, rate: u64) -> f64 {
    seconds(|| {
        board.rate.store(rate, Ordering::Relaxed);
        office.engine.run(Pace::frames(FRAMES)).expect("the frames are made");
        board.rate.store(0, Ordering::Relaxed);
        office.engine.run(Pace::frames(1)).expect("the frame is made");
    })
}

/// Deliveries of a run.
fn expected(rate: u64) -> u64 {
    FRAMES * u64::from(TOPICS) * u64::from(HANDLERS) * rate
}

/// Millions of deliveries to systems a second.
fn deliveries(office: &mut Office, board: &Board, rate: u64) -> f64 {
    board.heard.store(0, Ordering::Relaxed);
    let taken = speak(office, board, rate);
    assert_eq!(board.heard.load(Ordering::Relaxed), expected(rate), "each event once to each handler");
    expected(rate) as f64 / taken / 1e6
}

fn subscribe(office: &mut Office, body: &str) {
    let mut tickets = Vec::new();
    for session in &office.sessions {
        let text: String =
            (0..TOPICS).map(|topic| format!("(core/event/sub $CHANNEL_A {topic} {{{body}}})")).collect();
        let ask = diptych::runtime::Ask::Run(session.clone(), crate::office::forms(&text));
        tickets.push(office.client.ask(ask).expect("there is room"));
    }
    office.settle();
    for ticket in tickets {
        let answer = ticket.get().expect("it was answered");
        assert!(!answer.is_error(), "a session could not subscribe: {}", answer.result);
    }
}

/// Millions of deliveries to scripts a second.
fn scripts(office: &mut Office, board: &Board, rate: u64) -> f64 {
    let before = office.client.figures().jobs;
    let taken = speak(office, board, rate);
    assert_eq!(office.client.figures().jobs - before, expected(rate), "each event once to each handler");
    expected(rate) as f64 / taken / 1e6
}
