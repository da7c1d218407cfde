//! Steps and still frames in any mix: one history on any number of threads and through restarts, and steps that
//! do not notice the still frames between them.

use super::{Served, counted, world};
use diptych_engine::prelude::*;

/// A place of the simulation, which no request touches.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Place(f64);

/// A value that a step leaves to the next frame.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Flash(u64);

/// Asks for something to be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Request(u64);

/// What came of requests, summed up in an order-dependent way.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Sum(u64);

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Note(u64);

struct Slow;

impl Job for Slow {
    type Request = u64;
    type Answer = u64;
}

fn drift(mut places: Query<(Id, Next<Place>)>, random: Random, clock: Clock) {
    places.par_rows(|(id, mut place)| {
        let push = random.of(*id).unit() + clock.seconds() * 0.01;
        place.set(Place(place.prev().0 * 0.99 + push * clock.dt()));
    });
}

/// Each second step, so that its values often meet a still frame.
fn flash(mut flashes: Query<(Id, Next<Flash>)>, clock: Clock) {
    flashes.par_rows(|(id, mut flash)| flash.set(Flash(id.bits() % 7 + clock.frame())));
}

/// Takes requests away, leaves their results, and tells the simulation of each.
fn answer(
    requests: Query<(Id, Prev<Request>)>,
    flashes: Query<Prev<Flash>>,
    mut structure: Structure,
    mut notes: Outbox<Note>,
    random: Random,
    clock: Clock,
) {
    let flash: u64 = flashes.iter().map(|flash| flash.0).sum();
    for (id, request) in &requests {
        structure.despawn(id);
        let lot = random.of(id).below(1000);
        let made = structure.spawn((Sum(request.0 * 1000 + lot + flash + clock.frame()),));
        notes.from(id).to(made.id, Note(request.0 + clock.step()));
    }
}

fn add(mut sums: Query<Next<Sum>>, notes: Inbox<Note>, mut jobs: Jobs<Slow>, clock: Clock) {
    let answers: u64 = jobs.answers().map(|answered| answered.answer.unwrap_or(9) + clock.frame()).sum();
    for (_, target, note) in notes.iter() {
        let _full = jobs.start(&(note.0 + target.bits() % 5));
    }
    for mut sum in &mut sums {
        sum.set(Sum((sum.prev().0 * 31 + answers + notes.len() as u64) % 1_000_003));
    }
}

fn busy(builder: EngineBuilder) -> EngineBuilder {
    world(builder)
        .state::<Place>("test.place", 1)
        .transient::<Flash>("test.flash", 1)
        .state::<Request>("test.request", 1)
        .state::<Sum>("test.sum", 1)
        .message::<Note>("test.note", 1)
        .job::<Slow>("test.slow", 1, |n: &u64| Ok(n * 3))
        .job_latency(2)
        .input::<Request>("request", 1, |applier, request| {
            applier.spawn((request,));
        })
        .setup("test.places", |structure| {
            for n in 0..300 {
                structure.spawn((Place(f64::from(n)), Flash(0)));
            }
        })
        .system("count", super::count)
        .system("drift", drift)
        .system("flash", flash.every(2))
        .system("answer", answer.answering())
        .system("add", add)
        .digest(DigestPolicy::OnDemand)
        .dt(0.25)
}

/// The `n`-th frame: mostly still ones in some stretches, mostly steps in others; requests now and then.
fn advance(engine: &mut Engine, n: u64) {
    if n % 5 < 2 {
        engine.inputs().send("test", &Request(n)).expect("room");
    }
    let lot = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    if lot % 10 < if (n / 20).is_multiple_of(2) { 3 } else { 7 } { engine.answer() } else { engine.step() }
        .expect("a frame");
}

const FRAMES: u64 = 120;

fn history(engine: &mut Engine) -> Vec<Digest> {
    let mut digests = Vec::new();
    while engine.frame() < FRAMES {
        advance(engine, engine.frame());
        digests.push(engine.digest());
    }
    digests
}

/// The same digest in every frame on any number of threads.
#[test]
fn threads_change_nothing() {
    let run = |threads| history(&mut busy(Engine::in_memory()).threads(threads).build().expect("sound"));
    let first = run(1);
    assert_eq!(first.len() as u64, FRAMES);
    for threads in [2, 8].into_iter().filter(|_| cfg!(feature = "threads")) {
        assert_eq!(run(threads), first, "{threads} threads");
    }
}

/// Closed and opened after every few frames, of whatever kind the last one was: as if never stopped.
#[cfg(feature = "store")]
#[test]
fn restarts_change_nothing() {
    let mut whole = busy(Engine::in_memory()).build().expect("sound");
    let expected = history(&mut whole);
    let stats = whole.stats();
    assert!(stats.still_frames > 30 && stats.frames - stats.still_frames > 30, "{stats}");
    assert!(stats.jobs_answered > 10 && stats.messages_sent > 10, "{stats}");
    for pieces in [1, 4, 17] {
        let directory = tempfile::tempdir().expect("a directory");
        let mut made = Vec::new();
        while (made.len() as u64) < FRAMES {
            let mut engine = busy(Engine::open(directory.path())).build().expect("the same world");
            assert_eq!(engine.frame(), made.len() as u64);
            for _ in 0..pieces.min(FRAMES - engine.frame()) {
                let n = engine.frame();
                advance(&mut engine, n);
                made.push(engine.digest());
            }
            if made.len() as u64 == FRAMES {
                assert_eq!(engine.view().step(), whole.view().step(), "in pieces of {pieces}");
            }
        }
        assert_eq!(made, expected, "in pieces of {pieces}");
    }
}

/// What no request touches is the same after as many steps, however many still frames were between them: also
/// where it uses random numbers, time and turns.
#[test]
fn steps_do_not_notice_still_frames() {
    let run = |stills: fn(u64) -> u64| {
        let mut engine = busy(Engine::in_memory()).build().expect("sound");
        for step in 0..40 {
            engine.step().expect("a step");
            for n in 0..stills(step) {
                engine.inputs().send("test", &Request(n)).expect("room");
                engine.answer().expect("a still frame");
            }
        }
        let places: Vec<u64> = engine.view().iter::<Place>().map(|(_, place)| place.0.to_bits()).collect();
        (places, engine.view().step(), counted(&engine).0, counted(&engine).1)
    };
    let (plain, mixed) = (run(|_| 0), run(|step| step % 4));
    assert_eq!((plain.1, plain.2, plain.3), (40, 40, 40));
    assert_eq!((mixed.1, mixed.2, mixed.3), (40, 40, 40 + 60));
    assert_eq!(mixed.0, plain.0, "the places");
}

/// Each still frame has random numbers of its own, which no step has.
#[test]
fn still_frames_have_their_own_random_numbers() {
    let draw = |mut served: Query<(Id, Next<Served>)>, random: Random| {
        served.par_rows(|(id, mut served)| served.set(Served(random.of(*id).bits())));
    };
    let mut engine = Engine::in_memory()
        .state::<Served>("test.served", 1)
        .setup("test.setup", |structure| {
            structure.spawn((Served(0),));
        })
        .system("draw", draw.answering())
        .build()
        .expect("a sound world");
    let mut drawn: Vec<u64> = Vec::new();
    for n in 0..40 {
        if n % 3 == 0 { engine.step() } else { engine.answer() }.expect("a frame");
        drawn.push(engine.view().single::<Served>().expect("one row").0);
    }
    drawn.sort_unstable();
    drawn.dedup();
    assert_eq!(drawn.len(), 40, "none comes twice");
}

/// A system that ends every entity ends the engine's own too; the count is there again in the same commit, and
/// after a restart, where steps keep their turns.
#[cfg(feature = "store")]
#[test]
fn the_count_outlives_its_entity() {
    let directory = tempfile::tempdir().expect("a directory");
    let clear = |all: Query<Id>, mut structure: Structure, clock: Clock| {
        if clock.step() == 2 {
            all.iter().for_each(|id| structure.despawn(id));
        }
    };
    let open = || world(Engine::open(directory.path())).system("clear", clear).build().expect("sound");
    let mut engine = open();
    engine.answer().expect("frame 1");
    engine.step().expect("frame 2, step 1");
    engine.answer().expect("frame 3");
    assert_eq!(engine.view().entities(), 2, "the row, and the count's");
    engine.step().expect("frame 4, step 2");
    let digest = engine.digest();
    assert_eq!((engine.view().step(), engine.view().entities()), (2, 1), "the count's is a new one");
    drop(engine);
    let mut engine = open();
    assert_eq!((engine.frame(), engine.view().step(), engine.digest()), (4, 2, digest));
    engine.step().expect("frame 5, step 3");
    assert_eq!((engine.view().step(), engine.view().entities()), (3, 1));
}

/// A stored world gets still frames when a system becomes answering; without one it is refused from then on, by
/// a sentence that says what is missing.
#[cfg(feature = "store")]
#[test]
fn a_stored_world_may_begin_to_answer() {
    use super::Count;
    let directory = tempfile::tempdir().expect("a directory");
    let plain = || {
        let setup = |structure: &mut Structure<'_, '_>| {
            structure.spawn((Count(0), Served(0)));
        };
        let engine = Engine::open(directory.path()).state::<Count>("test.count", 1);
        engine.state::<Served>("test.served", 1).setup("test.setup", setup).system("serve", super::serve)
    };
    plain().build().expect("a new world").run(Pace::frames(3)).expect("frames");
    let mut engine = world(Engine::open(directory.path())).build().expect("the same world");
    assert_eq!(engine.view().step(), 3);
    engine.answer().expect("a still frame");
    drop(engine);
    let engine = world(Engine::open(directory.path())).build().expect("the same world");
    assert_eq!((engine.frame(), engine.view().step(), counted(&engine)), (4, 3, (0, 4)));
    drop(engine);
    let error = plain().build().expect_err("the count would be lost").to_string();
    assert!(error.contains("diptych.still") && error.contains("answering system"), "{error}");
}

/// Inputs are taken, applied and told to observers and hooks in still frames as in steps.
#[test]
fn inputs_are_applied_in_still_frames() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    #[derive(Default)]
    struct Sums(AtomicU64);
    impl Observer for Sums {
        fn commit(&self, view: View<'_>) {
            self.0.store(view.iter::<Sum>().count() as u64 * 100 + view.frame(), Ordering::Relaxed);
        }
    }
    let (sums, added) = (Arc::new(Sums::default()), Arc::new(AtomicU64::new(0)));
    let hook = added.clone();
    let mut engine = busy(Engine::in_memory())
        .observer("sums", sums.clone())
        .on_add::<Request>(move |_, request| {
            hook.fetch_add(request.0, Ordering::Relaxed);
        })
        .build()
        .expect("sound");
    engine.inputs().send("test", &Request(40)).expect("room");
    engine.answer().expect("takes the input");
    assert_eq!((added.load(Ordering::Relaxed), sums.0.load(Ordering::Relaxed)), (40, 1));
    engine.answer().expect("answers it");
    assert_eq!(sums.0.load(Ordering::Relaxed), 102);
    assert_eq!(engine.stats().inputs_applied, 1);
}
