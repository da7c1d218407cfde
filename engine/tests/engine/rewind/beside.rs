//! What is beside the columns: observers, copies, waiting inputs, jobs, scratch; and the sync test.

use super::{Count, counted, counting};
use diptych_engine::prelude::*;
use diptych_engine::testkit::{SyncFailure, SyncTest, sync_test};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Diary(Mutex<Vec<String>>);

impl Diary {
    fn write(&self, what: &str, view: View<'_>) {
        let count = view.single::<Count>().map_or(0, |count| count.0);
        self.0.lock().expect("no panic").push(format!("{what} {} {count}", view.frame()));
    }
}

impl Observer for Diary {
    fn begin(&self, view: View<'_>) {
        self.write("begin", view);
    }

    fn commit(&self, view: View<'_>) {
        self.write("commit", view);
    }
}

/// An observer begins again with the frame that was gone back to; a hook is called as frames are made.
#[test]
fn observers_begin_again() {
    let diary = Arc::new(Diary::default());
    let hooked = Arc::new(Mutex::new(Vec::new()));
    let theirs = hooked.clone();
    let mut engine = counting(Engine::in_memory())
        .observer("diary", diary.clone())
        .on_change::<Count>(move |_, count| theirs.lock().expect("no panic").push(count.0))
        .rollback(4)
        .build()
        .expect("sound");
    engine.run(Pace::frames(3)).expect("frames");
    engine.rollback_to(1).expect("kept");
    engine.step().expect("a frame");
    let lines = diary.0.lock().expect("no panic").clone();
    assert_eq!(lines, ["begin 0 0", "commit 1 1", "commit 2 2", "commit 3 3", "begin 1 1", "commit 2 2"]);
    assert_eq!(*hooked.lock().expect("no panic"), [0, 1, 2, 3, 2]);
}

/// A panic of an observer as it begins again stops the engine, and names it.
#[test]
fn an_observer_that_cannot_begin_again() {
    struct Once(AtomicU64);
    impl Observer for Once {
        fn begin(&self, _: View<'_>) {
            assert!(self.0.fetch_add(1, Ordering::Relaxed) == 0, "only once");
        }
    }
    let observer = Arc::new(Once(AtomicU64::new(0)));
    let mut engine =
        counting(Engine::in_memory()).observer("once", observer).rollback(4).build().expect("sound");
    engine.run(Pace::frames(3)).expect("frames");
    let error = engine.rollback_to(1).expect_err("it panics").to_string();
    assert!(error.contains("the observer once") && error.contains("only once"), "{error}");
    assert!(engine.step().expect_err("stopped").to_string().contains("only once"));
}

/// Of copies the newer is that of the frame gone back to, and the older comes with the next frame.
#[test]
fn copies_are_of_frames_that_are() {
    let mut engine = counting(Engine::in_memory()).keep_copies::<Count>().rollback(4).build().expect("sound");
    engine.run(Pace::frames(3)).expect("frames");
    engine.rollback_to(1).expect("kept");
    let reader = engine.reader();
    let seen = || reader.copies::<Count>().map(|copy| copy.map(|copy| (copy.frame, copy.values[0].0)));
    assert_eq!(seen(), [None, Some((1, 1))]);
    engine.step().expect("a frame");
    assert_eq!(seen(), [Some((1, 1)), Some((2, 2))]);
}

/// Inputs that wait are of the frame that comes, whichever that is.
#[test]
fn waiting_inputs_stay() {
    let mut engine = counting(Engine::in_memory())
        .input::<Count>("add", 1, |world, add| {
            for id in world.ids::<Count>() {
                let now = world.get::<Count>(id).expect("it holds it").0;
                world.set(id, Count(now + add.0));
            }
        })
        .rollback(4)
        .build()
        .expect("sound");
    engine.run(Pace::frames(3)).expect("frames");
    engine.inputs().send("test", &Count(100)).expect("room");
    engine.rollback_to(1).expect("kept");
    assert_eq!(counted(&engine), 1);
    engine.step().expect("a frame");
    assert_eq!(counted(&engine), 102, "the input is of frame 2 now");
    engine.rollback_to(1).expect("kept");
    engine.step().expect("a frame");
    assert_eq!(counted(&engine), 2, "what was applied is undone with its frame");
}

struct Echo;

impl Job for Echo {
    type Request = u64;
    type Answer = u64;
}

/// Requests of undone frames are taken back; those that were answered in undone frames are asked again.
#[test]
fn jobs_are_those_of_the_frame() {
    let runs = Arc::new(AtomicU64::new(0));
    let theirs = runs.clone();
    let ask = |mut jobs: Jobs<Echo>, mut counts: Query<Next<Count>>, clock: Clock| {
        let got: u64 = jobs.answers().map(|one| one.answer.expect("it answers")).sum();
        if clock.frame() == 2 || clock.frame() == 5 {
            jobs.start(&clock.frame()).expect("room");
        }
        counts.par_rows(|mut count| count.set(Count(count.prev().0 + 1000 * got + 1)));
    };
    let mut engine = Engine::in_memory()
        .state::<Count>("test.count", 1)
        .setup("test.setup", |structure| {
            structure.spawn((Count(0),));
        })
        .job::<Echo>("test.echo", 1, move |n: &u64| {
            theirs.fetch_add(1, Ordering::SeqCst);
            Ok(*n)
        })
        .job_latency(1)
        .system("ask", ask)
        .rollback(8)
        .build()
        .expect("sound");
    engine.run(Pace::frames(6)).expect("frames");
    assert_eq!((counted(&engine), engine.stats().jobs_open), (2006, 0), "asked in 2 and 5, seen in 4 and 7");
    let straight = engine.digest();
    engine.rollback_to(2).expect("kept");
    assert_eq!((counted(&engine), engine.stats().jobs_open), (2, 1), "the first one is open again");
    engine.run(Pace::frames(4)).expect("frames");
    assert_eq!((counted(&engine), engine.digest()), (2006, straight));
    assert_eq!(engine.stats().frames_undone, 4);
    assert_eq!(runs.load(Ordering::SeqCst), 4, "both were carried out twice");
    engine.rollback_to(1).expect("kept");
    assert_eq!(engine.stats().jobs_open, 0, "nothing is open before it is asked");
}

/// Entities that were despawned are there again by their names, and their handles lead to them.
#[test]
fn names_and_handles_lead_to_entities_again() {
    let mut engine = counting(Engine::in_memory())
        .input::<Count>("double", 1, |world, _| {
            for id in world.ids::<Count>() {
                world.spawn((Count(1),));
                world.spawn((Count(2),));
                world.despawn(id);
            }
        })
        .rollback(8)
        .build()
        .expect("sound");
    let seen = |engine: &Engine| -> Vec<(Id, Count)> {
        engine.view().iter::<Count>().map(|(id, count)| (id, *count)).collect()
    };
    let mut frames = vec![seen(&engine)];
    for _ in 0..6 {
        engine.inputs().send("test", &Count(0)).expect("room");
        engine.step().expect("a frame");
        frames.push(seen(&engine));
    }
    for frame in [4, 1, 0] {
        engine.rollback_to(frame).expect("kept");
        let rows = seen(&engine);
        assert_eq!(rows, frames[frame as usize], "frame {frame}");
        for (id, count) in &rows {
            assert_eq!(engine.view().get::<Count>(*id), Some(count));
            assert!(engine.view().entity(*id).is_some());
        }
        assert_eq!(engine.view().entities(), rows.len() as u64);
        let gone = frames[6].iter().filter(|(id, _)| rows.iter().all(|(other, _)| other != id));
        assert!(gone.clone().all(|(id, _)| engine.view().get::<Count>(*id).is_none()));
    }
}

/// The stamps of marks start over after 62 turns of a slot; rollbacks use them up faster, and nothing shows.
#[test]
fn stamps_start_over_unseen() {
    #[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
    #[repr(C)]
    struct Sum(u64);
    let some = |mut counts: Query<(Id, Next<Count>)>, clock: Clock| {
        for (id, mut count) in &mut counts {
            if (id.bits() + clock.frame()).is_multiple_of(7) {
                count.set(Count(count.prev().0 + 1));
            }
        }
    };
    let sum = |changed: Query<(Id, Prev<Count>), Changed<Count>>, mut sums: Query<Next<Sum>>| {
        let seen = changed.iter().fold(0, |sum, (id, count)| sum ^ super::mix(id.bits() ^ count.0));
        sums.par_rows(|mut sum| sum.set(Sum(sum.prev().0.wrapping_mul(31).wrapping_add(seen))));
    };
    let world = || {
        Engine::in_memory()
            .state::<Count>("test.count", 1)
            .state::<Sum>("test.sum", 1)
            .setup("test.setup", |structure| {
                structure.spawn((Sum(0),));
                (0..200).for_each(|n| {
                    structure.spawn((Count(n),));
                });
            })
            .system("some", some)
            .system("sum", sum)
            .rollback(3)
    };
    let (mut plain, mut back) = (world().build().expect("sound"), world().build().expect("sound"));
    for _ in 0..150 {
        plain.step().expect("a frame");
        back.step().expect("a frame");
        for distance in 1..=3_u64.min(back.frame()) {
            let now = back.frame();
            back.rollback_to(now - distance).expect("kept");
            (0..distance).for_each(|_| back.step().expect("a frame"));
        }
        assert_eq!(back.digest(), plain.digest(), "frame {}", plain.frame());
    }
}

/// Nothing hidden: every frame is the same again, in a world with some of everything.
#[test]
fn a_pure_world_passes_the_sync_test() {
    let test = SyncTest { frames: 40, distance: 5 };
    let advance = |engine: &mut Engine, _| {
        super::scene::advance(engine, 0);
        Ok(())
    };
    let report = sync_test(super::scene::scene(Engine::in_memory()), test, advance).expect("nothing hidden");
    let mut plain = super::scene::scene(Engine::in_memory()).build().expect("sound");
    (0..40).for_each(|_| super::scene::advance(&mut plain, 0));
    assert_eq!((report.frame, report.digest, report.again), (40, plain.digest(), 5 * 36 + 10));
}

/// A counter in a `Local`, one in a resource: found within the distance, with frame, component and entity.
#[test]
fn hidden_state_fails_the_sync_test() {
    #[derive(bevy_ecs::prelude::Resource)]
    struct Calls(u64);
    let local = |mut counts: Query<Next<Count>>, mut calls: Local<u64>| {
        *calls += 1;
        // Shows once in ten frames.
        if calls.is_multiple_of(10) {
            counts.par_rows(|mut count| count.set(Count(count.prev().0 + 1)));
        }
    };
    let resource = |mut counts: Query<Next<Count>>, mut calls: ResMut<Calls>| {
        calls.0 += 1;
        counts.par_rows(|mut count| count.set(Count(calls.0)));
    };
    let world = || {
        Engine::in_memory().state::<Count>("test.count", 1).setup("test.setup", |structure| {
            structure.spawn((Count(0),));
        })
    };
    let builders = [world().system("local", local), world().system("resource", resource).resource(Calls(0))];
    for builder in builders {
        let failure = sync_test(builder, SyncTest::default(), |engine, _| engine.step()).expect_err("hidden");
        let SyncFailure::Diverged { frame, back, component, entity, first, again } = &failure else {
            panic!("{failure}");
        };
        assert!(*frame <= 11 && back < frame && first != again, "{failure}");
        assert_eq!((component.as_str(), entity.is_some()), ("test.count", true), "{failure}");
    }
    let none = SyncTest { distance: 0, ..SyncTest::default() };
    let refused = sync_test(counting(Engine::in_memory()), none, |engine, _| engine.step());
    assert!(refused.expect_err("no distance").to_string().contains("distance cannot be 0"));
    // Where nothing but the last frame is kept, nothing is made again, and that is no success.
    let narrow = counting(Engine::in_memory()).rollback_bytes(1);
    let refused = sync_test(narrow, SyncTest::default(), |engine, _| engine.step()).expect_err("no room");
    assert!(refused.to_string().contains("rollback_bytes"), "{refused}");
}

/// Messages that wait for a reader are those of the frame, in their order.
#[test]
fn mail_is_that_of_the_frame() {
    #[derive(Clone, Copy, Pod, Zeroable)]
    #[repr(C)]
    struct Note(u64);
    let write = |counts: Query<(Id, Prev<Count>)>, mut notes: Outbox<Note>, clock: Clock| {
        for (id, _) in &counts {
            notes.from(id).to(id, Note(clock.frame()));
        }
    };
    // Reads in each fifth frame what has gathered.
    let read = |mut counts: Query<Next<Count>>, notes: Inbox<Note>, clock: Clock| {
        if clock.frame().is_multiple_of(5) {
            let sum = notes.iter().fold(0, |sum, (.., note)| sum * 10 + note.0 % 10);
            counts.par_rows(|mut count| count.set(Count(sum)));
        }
    };
    let mut engine = Engine::in_memory()
        .state::<Count>("test.count", 1)
        .message::<Note>("test.note", 1)
        .setup("test.setup", |structure| {
            structure.spawn((Count(0),));
        })
        .system("write", write)
        .system("read", read)
        .rollback(20)
        .build()
        .expect("sound");
    engine.run(Pace::frames(10)).expect("frames");
    assert_eq!(counted(&engine), 56_789);
    let straight = engine.digest();
    for back in [9, 5, 4, 3, 0] {
        engine.rollback_to(back).expect("kept");
        assert_eq!(
            engine.stats().messages_waiting,
            if back < 5 { back } else { back - 4 },
            "at frame {back}"
        );
        engine.run(Pace::frames(10 - back)).expect("frames");
        assert_eq!((counted(&engine), engine.digest()), (56_789, straight), "from frame {back}");
    }
}

/// A tree that changed once and then stood for frames: values go down that of the frame that was gone back to.
#[test]
fn values_go_down_the_tree_of_the_frame() {
    #[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
    #[repr(C)]
    struct Below(u64);
    let down = |tree: Tree, own: Query<Now<Count>>, mut below: Query<Next<Below>>| {
        tree.propagate(&own, &mut below, |above, own| {
            Below(above.map_or(0, |above: &Below| above.0) + own.0)
        });
    };
    let mut engine = Engine::in_memory()
        .state::<Count>("test.count", 1)
        .state::<Below>("test.below", 1)
        .hierarchy()
        .derive("down", down)
        .input::<Count>("tie", 1, |world, _| {
            let all = world.ids::<Count>();
            world.attach(all[1], all[0]);
        })
        .setup("test.setup", |structure| {
            structure.spawn((Count(1), Below(0)));
            structure.spawn((Count(10), Below(0)));
        })
        .rollback(8)
        .build()
        .expect("sound");
    let sum = |engine: &Engine| engine.view().iter::<Below>().map(|(_, below)| below.0).sum::<u64>();
    engine.run(Pace::frames(2)).expect("frames");
    engine.inputs().send("test", &Count(0)).expect("room");
    engine.run(Pace::frames(4)).expect("frames");
    assert_eq!(sum(&engine), 1 + 11);
    engine.rollback_to(2).expect("kept");
    engine.run(Pace::frames(4)).expect("frames");
    assert_eq!(sum(&engine), 1 + 10, "nobody is anybody's child");
}
