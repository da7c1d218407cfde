//! The order in which events are heard, and that nothing but names has a part in it.

use super::super::*;
use diptych_components::slp::Object;

const FRAMES: u64 = 6;
/// Channel A and B, topics 0 to 3.
fn topic_of(n: u64) -> (Channel, u16) {
    (if n.is_multiple_of(3) { Channel::B } else { Channel::A }, (n % 4) as u16)
}

/// A system that says ten numbers a frame.
fn talker(number: u64) -> impl FnMut(Publisher<'_, '_>, Clock) + Send + Sync + 'static {
    move |mut bus: Publisher<'_, '_>, clock: Clock| {
        for n in 0..10 {
            let (channel, topic) = topic_of(n + number);
            let value = (clock.frame() * 1000 + number * 100 + n) as i64;
            bus.publish(channel, topic, value).expect("ten events have a place");
        }
    }
}

/// Hands over the events of two sessions, in a wrong order.
fn scripts(bus: Res<'_, Bus>, clock: Clock) {
    let mut events = Vec::new();
    for (scope, id, number) in [("zoo", "a", 7), ("bank", "b", 8), ("bank", "a", 9)] {
        let origin = session(scope, id);
        for n in (0..5).rev() {
            let (channel, topic) = topic_of(n);
            let value = Object::integer((clock.frame() * 1000 + number * 100 + n) as i64);
            events.push(Event::new(Topic::new(channel, topic), &value, origin.clone(), n));
        }
    }
    bus.hand_over(events);
}

/// What is heard in [`FRAMES`] frames, and the digest.
fn run(threads: usize, shuffle: usize) -> (Vec<(u64, Topic, String, i64)>, diptych_engine::Digest) {
    let log = Log::default();
    let mut builder = world(10_000)
        .threads(if cfg!(feature = "threads") { threads } else { 1 })
        .system("a.note", note(&log));
    let mut talkers: Vec<u64> = (0..6).collect();
    talkers.rotate_left(shuffle);
    for number in talkers {
        builder = builder.system(&format!("talker.{number}"), talker(number));
    }
    let mut engine = builder.system("runtime.lanes", scripts).build().expect("a world");
    engine.run(Pace::frames(FRAMES)).expect("frames");
    (noted(&log), engine.digest())
}

/// Claim: a topic's events stand in the order of (sessions by scope, session, sequence), then (systems by name,
/// sequence), and arrive one frame after they were published.
#[test]
fn sessions_come_before_systems_each_by_name() {
    let (heard, _) = run(1, 0);
    let mut expected = Vec::new();
    for frame in 1..FRAMES {
        let mut said: Vec<(Topic, usize, String, i64)> = Vec::new();
        let mut say = |number: u64, n: u64, shift: u64, by: &str| {
            let (channel, topic) = topic_of(n + shift);
            let value = (frame * 1000 + number * 100 + n) as i64;
            said.push((Topic::new(channel, topic), said.len(), by.to_owned(), value));
        };
        for (by, number) in [("bank/a", 9), ("bank/b", 8), ("zoo/a", 7)] {
            (0..5).for_each(|n| say(number, n, 0, by));
        }
        for number in 0..6 {
            (0..10).for_each(|n| say(number, n, number, &format!("talker.{number}")));
        }
        said.sort();
        expected.extend(said.into_iter().map(|(topic, _, by, value)| (frame + 1, topic, by, value)));
    }
    assert_eq!(heard, expected);
}

/// Claim: neither the number of threads nor the order of registration changes what is heard, or the digest.
#[test]
fn threads_and_registration_change_nothing() {
    let first = run(1, 0);
    assert!(first.0.len() > 100);
    for (threads, shuffle) in [(2, 0), (8, 0), (1, 3), (8, 5)] {
        assert_eq!(run(threads, shuffle), first, "{threads} threads, rotated by {shuffle}");
    }
}
