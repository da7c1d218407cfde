//! More events than have a place in a frame.

use super::super::*;
use diptych_systems::event::{Held, NotPublished, Refused};

fn count(first: i64, last: i64) -> Vec<i64> {
    (first..last).collect()
}

/// Says 2,500 numbers at once, on behalf of a session.
fn burst(bus: Res<'_, Bus>, clock: Clock) {
    if clock.frame() == 1 {
        let origin = session("s", "one");
        let topic = Topic::new(Channel::C, 7);
        let say = |n: i64| {
            Event::new(topic, &diptych_components::slp::Object::integer(n), origin.clone(), n as u64)
        };
        bus.hand_over((0..2500).map(say).collect());
    }
}

/// Claim: what has no place waits, in order; the world says who is waiting.
#[test]
fn what_is_too_much_arrives_later_in_order() {
    let log = Log::default();
    let mut engine = world(1000).system("burst", burst).system("note", note(&log)).build().expect("a world");
    engine.step().expect("a frame");
    let held = engine.view().single::<Held>().expect("a list").clone();
    assert_eq!(held.events().len(), 1500);
    assert_eq!(held.sessions().collect::<Vec<_>>(), [("s", "one")]);
    assert!(held.holds(&session("s", "one")) && !held.holds(&session("s", "two")));
    let mut arrived = Vec::new();
    for _ in 0..5 {
        engine.step().expect("a frame");
        arrived.push(values(&log));
    }
    let expected = [count(0, 1000), count(1000, 2000), count(2000, 2500), Vec::new(), Vec::new()];
    assert_eq!(arrived, expected);
    assert_eq!(engine.view().single::<Held>(), Some(&Held::default()));
}

/// Claim: a restart between any two frames neither loses nor repeats an event.
#[cfg(feature = "store")]
#[test]
fn a_restart_loses_and_repeats_nothing() {
    for stop in 1..5 {
        let folder = tempfile::tempdir().expect("a folder");
        let log = Log::default();
        let open = || {
            Engine::open(folder.path())
                .plugin(Events { limit: 1000 })
                .system("burst", burst)
                .system("note", note(&log))
                .build()
                .expect("a world")
        };
        let mut engine = open();
        engine.run(Pace::frames(stop)).expect("frames");
        let digest = engine.digest();
        drop(engine);
        let mut engine = open();
        assert_eq!(engine.digest(), digest, "stopped after {stop} frames");
        engine.run(Pace::frames(6 - stop)).expect("frames");
        assert_eq!(values(&log), count(0, 2500), "stopped after {stop} frames");
    }
}

/// Claim: a system publishes up to the limit in a frame; then it gets its value back, also while its events are
/// held; afterwards it may publish again.
#[test]
fn a_system_gets_back_what_has_no_place() {
    let log = Log::default();
    let refused: Arc<Mutex<Vec<(u64, String)>>> = Arc::default();
    let notes = refused.clone();
    let talk = move |mut bus: Publisher<'_, '_>, clock: Clock| {
        for n in 0..4 {
            let value = format!("{}.{n}", clock.frame());
            match bus.try_publish(Channel::F, 1, value) {
                Ok(()) => {}
                Err(Refused { value, why }) => {
                    assert_eq!(why, NotPublished::Full { limit: 3 });
                    notes.lock().expect("no panic under it").push((clock.frame(), value));
                }
            }
        }
    };
    let first = |mut bus: Publisher<'_, '_>, clock: Clock| {
        if clock.frame() == 1 {
            bus.publish(Channel::F, 2, 1).expect("the first event");
        }
    };
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let words = heard.clone();
    let listen = move |heard: Subscriber<'_, '_>| {
        let mut words = words.lock().expect("no panic under it");
        words.extend(heard.on(Channel::F, 1).iter().filter_map(|event| event.data::<String>()));
    };
    let mut engine = world(3)
        .system("a.first", first)
        .system("b.talk", talk)
        .system("listen", listen)
        .system("note", note_frames(&log))
        .build()
        .expect("a world");
    engine.run(Pace::frames(4)).expect("frames");
    let refused: Vec<String> =
        refused.lock().expect("no panic under it").iter().map(|(_, value)| value.clone()).collect();
    // In frame 1 a place is taken, so "1.2" is held, and frame 2 refuses everything.
    assert_eq!(refused, ["1.3", "2.0", "2.1", "2.2", "2.3", "3.3", "4.3"]);
    assert_eq!(*heard.lock().expect("no panic under it"), ["1.0", "1.1", "1.2", "3.0", "3.1", "3.2"]);
}

/// A system that looks at everything and notes nothing.
fn note_frames(_: &Log) -> impl FnMut(Subscriber<'_, '_>) + Send + Sync + 'static {
    |heard: Subscriber<'_, '_>| assert!(heard.all().iter().all(|(_, events)| events.len() <= 3))
}
