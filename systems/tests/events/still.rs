//! Events while world time stands: systems that answer hear them at once, all others in the next step.

use super::super::*;
use diptych_components::slp::Object;
use diptych_systems::event::{Held, Unheard};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

/// A place for a few events only, so that most runs hold some.
const LIMIT: u32 = 7;

/// One call on the engine.
#[derive(Clone, Copy, Debug)]
enum Move {
    Step,
    Still,
    Reopen,
}

/// An event that had its place in the line: frame, rank of the publisher, sequence, topic, value.
type Said = (u64, u64, u64, Topic, i64);

/// Who speaks and who listens; outside of the world.
#[derive(Clone, Default)]
struct Room {
    is_quiet: Arc<AtomicBool>,
    said: Arc<Mutex<Vec<Said>>>,
    steps_only: Log,
    every_frame: Log,
}

fn topic_of(n: u64) -> (Channel, u16) {
    ([Channel::A, Channel::D][(n % 2) as usize], (n % 3) as u16)
}

/// How much somebody has to say in a frame: mostly nothing, sometimes more than there is room for.
fn amount(frame: u64, rank: u64) -> u64 {
    let mixed = (frame * 7 + rank * 13).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    if mixed.is_multiple_of(3) { mixed % 9 } else { 0 }
}

impl Room {
    fn say(&self, frame: u64, rank: u64, mut publish: impl FnMut(u64, Channel, u16, i64) -> bool) {
        if self.is_quiet.load(Ordering::Relaxed) {
            return;
        }
        for n in 0..amount(frame, rank) {
            let (channel, topic) = topic_of(frame + n);
            let value = (frame * 10_000 + rank * 100 + n) as i64;
            if publish(n, channel, topic, value) {
                let topic = Topic::new(channel, topic);
                self.said.lock().expect("no panic under it").push((frame, rank, n, topic, value));
            }
        }
    }

    /// Two sessions, in every frame.
    fn scripts(&self) -> impl FnMut(Res<'_, Bus>, Clock) + Send + Sync + 'static {
        let room = self.clone();
        move |bus: Res<'_, Bus>, clock: Clock| {
            for rank in [1, 0] {
                let origin = session("scope", ["x", "y"][rank as usize]);
                room.say(clock.frame(), rank, |n, channel, topic, value| {
                    let topic = Topic::new(channel, topic);
                    bus.hand_over(vec![Event::new(topic, &Object::integer(value), origin.clone(), n)]);
                    true
                });
            }
        }
    }

    fn talk(&self, rank: u64) -> impl FnMut(Publisher<'_, '_>, Clock) + Send + Sync + 'static {
        let room = self.clone();
        move |mut bus: Publisher<'_, '_>, clock: Clock| {
            room.say(clock.frame(), rank, |_, channel, topic, value| {
                bus.publish(channel, topic, value).is_ok()
            });
        }
    }

    fn open(&self, folder: &std::path::Path, threads: usize) -> Engine {
        Engine::open(folder)
            .plugin(Events { limit: LIMIT })
            .threads(threads)
            .system("scripts", self.scripts().answering())
            .system("talk.2", self.talk(2))
            .system("talk.3", self.talk(3).answering())
            .system("hear.steps", note(&self.steps_only))
            .system("hear.frames", note(&self.every_frame).answering())
            .build()
            .expect("a world")
    }
}

/// What was heard on each topic, in order; no frame heard more than there are places in one.
fn by_topic(log: &Log) -> BTreeMap<Topic, Vec<i64>> {
    let (mut topics, mut frames) = (BTreeMap::<Topic, Vec<i64>>::new(), BTreeMap::<u64, u32>::new());
    for (frame, topic, _, value) in noted(log) {
        topics.entry(topic).or_default().push(value);
        *frames.entry(frame).or_default() += 1;
    }
    assert!(frames.values().all(|heard| *heard <= LIMIT), "{frames:?}");
    topics
}

/// What was said and heard, and the digest after it.
type Ending = (BTreeMap<Topic, Vec<i64>>, diptych_engine::Digest);

fn run(moves: &[Move], threads: usize) -> Ending {
    let folder = tempfile::tempdir().expect("a folder");
    let room = Room::default();
    let mut engine = room.open(folder.path(), threads);
    for (n, next) in moves.iter().enumerate() {
        match next {
            Move::Step => engine.step().expect("a step"),
            Move::Still => engine.answer().expect("a still frame"),
            Move::Reopen => {
                let digest = engine.digest();
                drop(engine);
                engine = room.open(folder.path(), threads);
                assert_eq!(engine.digest(), digest, "after {n} moves");
            }
        }
        let unheard: usize = engine.view().iter::<Unheard>().map(|(_, unheard)| unheard.0.len()).sum();
        assert!(unheard <= LIMIT as usize);
    }
    room.is_quiet.store(true, Ordering::Relaxed);
    // One frame to hear what has its place, and one for each time that the places are filled by what is held.
    let held = |engine: &Engine| engine.view().single::<Held>().map_or(0, |held| held.events().len());
    let more = 2 + held(&engine) / LIMIT as usize;
    engine.run(Pace::frames(more as u64 + 1)).expect("frames");
    assert_eq!(held(&engine), 0);
    assert!(engine.view().iter::<Unheard>().all(|(_, unheard)| unheard.0.is_empty()));

    let mut said = core::mem::take(&mut *room.said.lock().expect("no panic under it"));
    said.sort_unstable();
    let mut expected = BTreeMap::<Topic, Vec<i64>>::new();
    for (_, _, _, topic, value) in said {
        expected.entry(topic).or_default().push(value);
    }
    assert_eq!(by_topic(&room.every_frame), expected, "those who run in every frame");
    assert_eq!(by_topic(&room.steps_only), expected, "those who run in steps only");
    (expected, engine.digest())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Claim: in any mix of steps, still frames and restarts every handler hears every event once, in order; those
    /// that rest in still frames too, and never more than the limit at a time; on any number of threads.
    #[test]
    fn every_handler_hears_every_event_once(moves in moves()) {
        let one = run(&moves, 1);
        prop_assert_eq!(run(&moves, 8), one);
    }
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![6 => Just(Move::Step), 8 => Just(Move::Still), 1 => Just(Move::Reopen)];
    prop::collection::vec(one, 1..40)
}

/// Claim: the mixes above do hold events and do leave some unheard, so that the property says something.
#[test]
fn a_mix_holds_events_and_leaves_some_unheard() {
    let folder = tempfile::tempdir().expect("a folder");
    let room = Room::default();
    let mut engine = room.open(folder.path(), 2);
    let (mut held, mut unheard) = (0, 0);
    for _ in 0..20 {
        engine.answer().expect("a still frame");
        held += engine.view().single::<Held>().map_or(0, |held| held.events().len());
        unheard += engine.view().iter::<Unheard>().map(|(_, unheard)| unheard.0.len()).sum::<usize>();
    }
    assert!(held > 50 && unheard > 50, "{held} held, {unheard} unheard");
}

/// Claim: where everybody who listens answers, nothing is kept back for steps.
#[test]
fn nothing_is_kept_for_nobody() {
    let log = Log::default();
    let room = Room::default();
    let mut engine = world(LIMIT)
        .system("scripts", room.scripts().answering())
        .system("hear", note(&log).answering())
        .build()
        .expect("a world");
    for _ in 0..40 {
        engine.answer().expect("a still frame");
        assert!(engine.view().iter::<Unheard>().all(|(_, unheard)| unheard.0.is_empty()));
    }
    assert!(noted(&log).len() > 40);
}
