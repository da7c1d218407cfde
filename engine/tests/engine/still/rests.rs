//! Who runs in a still frame, what the clock says, and what waits for the next step.

use super::{Count, Served, count, counted, world};
use diptych_engine::prelude::*;
use std::sync::{Arc, Mutex};

/// Frames of both kinds count; world time and steps go on in steps only, in every phase.
#[test]
fn world_time_stands_in_a_still_frame() {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let tell = |phase: &'static str| {
        let told = told.clone();
        move |clock: Clock| {
            let (frame, step, still) = (clock.frame(), clock.step(), clock.is_still());
            let line = format!("{phase} {frame} {step} {still} {} {}", clock.dt(), clock.seconds());
            told.lock().expect("no panic").push(line);
        }
    };
    let mut engine = world(Engine::in_memory())
        .system("a", tell("wave").answering())
        .derive("b", tell("derive").answering())
        .late("c", tell("late").answering())
        .system("count", count)
        .dt(0.5)
        .threads(1)
        .build()
        .expect("a sound world");
    engine.step().expect("a step");
    engine.answer().expect("a still frame");
    engine.answer().expect("a still frame");
    engine.step().expect("a step");
    let told = told.lock().expect("no panic").clone();
    let wave: Vec<&str> = told.iter().filter_map(|line| line.strip_prefix("wave ")).collect();
    assert_eq!(wave, ["1 1 false 0.5 0", "2 1 true 0 0.5", "3 1 true 0 0.5", "4 2 false 0.5 0.5"]);
    let derive: Vec<&str> = told.iter().filter_map(|line| line.strip_prefix("derive ")).collect();
    assert_eq!(derive, wave);
    let late: Vec<&str> = told.iter().filter_map(|line| line.strip_prefix("late ")).collect();
    assert_eq!(late, ["2 2 false 0.5 0.5", "3 1 true 0 0.5", "4 1 true 0 0.5", "5 3 false 0.5 1"]);
    assert_eq!((engine.frame(), engine.view().step(), counted(&engine)), (4, 2, (2, 4)));
    assert_eq!((engine.stats().frames, engine.stats().still_frames), (4, 2));
}

/// `every` counts steps: a still frame on its number takes no turn away, and gives none. An answering system
/// runs in each still frame whatever its `every`, unless it is disabled.
#[test]
fn a_still_frame_swallows_no_turn() {
    let build = || {
        world(Engine::in_memory())
            .system("count", count.every(3))
            .state::<Rare>("test.rare", 1)
            .setup("test.rare", |structure| {
                structure.spawn((Rare(0),));
            })
            .system("rare", rare.every(4).answering())
            .build()
            .expect("a sound world")
    };
    let mut engine = build();
    for n in 0..12 {
        engine.step().expect("a step");
        for _ in 0..n % 4 {
            engine.answer().expect("a still frame");
        }
    }
    let rared = |engine: &Engine| engine.view().single::<Rare>().expect("one row").0;
    assert_eq!((engine.frame(), counted(&engine).0), (12 + 18, 4), "in steps 3, 6, 9 and 12");
    assert_eq!(rared(&engine), 3 + 18);
    assert!(engine.explain().to_string().contains("every 4 frames, in still frames too"));
    engine.inputs().control("test", &Control::disable("serve")).expect("room");
    engine.answer().expect("a still frame takes the control");
    let before = counted(&engine);
    engine.answer().expect("a still frame");
    assert_eq!((counted(&engine), rared(&engine)), (before, 3 + 20), "serve is disabled");
}

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Rare(u64);

fn rare(mut rares: Query<Next<Rare>>) {
    rares.par_rows(|mut rare| rare.set(Rare(rare.prev().0 + 1)));
}

/// Without an answering system a still frame is refused, and the world goes on; a startup system is none.
#[test]
fn who_answers_must_be_there() {
    let build = |builder: EngineBuilder| builder.build().expect("a sound world");
    let plain = || {
        Engine::in_memory().state::<Count>("test.count", 1).system("count", count).setup("one", |structure| {
            structure.spawn((Count(0),));
        })
    };
    let startup = (|_: Query<Prev<Count>>| {}).answering();
    for mut engine in [build(plain()), build(plain().startup("start", startup))] {
        let before = engine.frame();
        let error = engine.answer().expect_err("nobody answers").to_string();
        assert!(error.contains("answering()"), "{error}");
        engine.step().expect("nothing has happened");
        assert_eq!(engine.frame(), before + 1);
        assert!(!engine.explain().to_string().contains("diptych.still"));
    }
}

/// A strict type is asked for coverage only where its owner is answering.
#[test]
fn coverage_is_asked_of_who_runs() {
    let lazy = |_: Query<Next<Served>>, clock: Clock| assert!(clock.frame() > 0);
    let mut engine =
        world(Engine::in_memory()).strict::<Count>().system("count", count).build().expect("sound");
    engine.answer().expect("count rests, and is not asked");
    let mut engine = Engine::in_memory()
        .state::<Served>("test.served", 1)
        .strict::<Served>()
        .setup("test.setup", |structure| {
            structure.spawn((Served(0),));
        })
        .system("lazy", lazy.answering())
        .build()
        .expect("a sound world");
    let error = engine.answer().expect_err("lazy runs and covers nothing").to_string();
    assert!(error.contains("covered 0 of 1"), "{error}");
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Note(u64);

/// A value for one frame.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Flash(u64);

/// Mail and answers of jobs wait for a step; marks and transient values of the step before pass it by, and are
/// seen by answering systems.
#[test]
fn what_waits_and_what_passes_by() {
    struct Double;
    impl Job for Double {
        type Request = u64;
        type Answer = u64;
    }
    let (read, seen): (Arc<Mutex<Vec<(u64, u64)>>>, Arc<Mutex<Vec<String>>>) = Default::default();
    let reader = {
        let read = read.clone();
        move |notes: Inbox<Note>, mut jobs: Jobs<Double>, clock: Clock| {
            let answers: Vec<u64> = jobs.answers().filter_map(|answered| answered.answer.ok()).collect();
            read.lock().expect("no panic").extend(notes.iter().map(|(_, _, note)| (clock.frame(), note.0)));
            read.lock().expect("no panic").extend(answers.iter().map(|answer| (clock.frame(), *answer)));
            if clock.step() == 1 {
                jobs.start(&500).expect("nothing is open");
            }
        }
    };
    let look = |who: &'static str| {
        let seen = seen.clone();
        move |changed: Query<Id, Changed<Count>>, flashes: Query<Prev<Flash>>, clock: Clock| {
            let flash = flashes.iter().map(|flash| flash.0).sum::<u64>();
            let line = format!("{} {who} {} {flash}", clock.frame(), changed.iter().count());
            seen.lock().expect("no panic").push(line);
        }
    };
    let send = |mut served: Query<(Id, Next<Served>)>, mut notes: Outbox<Note>, clock: Clock| {
        for (id, mut served) in &mut served {
            served.set(Served(served.prev().0 + 1));
            notes.from(id).to(id, Note(100 + clock.frame()));
        }
    };
    let flash = |mut flashes: Query<Next<Flash>>, clock: Clock| {
        flashes.par_rows(|mut flash| flash.set(Flash(clock.frame())));
    };
    let mut engine = Engine::in_memory()
        .state::<Count>("test.count", 1)
        .state::<Served>("test.served", 1)
        .transient::<Flash>("test.flash", 1)
        .message::<Note>("test.note", 1)
        .job::<Double>("test.double", 1, |n: &u64| Ok(n * 2))
        .job_latency(2)
        .setup("test.setup", |structure| {
            structure.spawn((Count(0), Served(0), Flash(0)));
        })
        .system("count", count)
        .system("flash", flash)
        .system("send", send.answering())
        .system("read", reader)
        .system("look.a", look("answering").answering())
        .system("look.b", look("stepping"))
        .threads(1)
        .build()
        .expect("a sound world");
    let order = [true, false, false, false, true, true];
    for step in order {
        if step { engine.step() } else { engine.answer() }.expect("a frame");
    }
    let read = read.lock().expect("no panic").clone();
    assert_eq!(read, [(5, 101), (5, 102), (5, 103), (5, 104), (5, 1000), (6, 105)], "each once, in order");
    let seen = seen.lock().expect("no panic").clone();
    let of = |who: &str| -> Vec<String> {
        seen.iter()
            .filter(|line| line.contains(who))
            .map(|line| line.replace(&format!("{who} "), ""))
            .collect()
    };
    // What the setup spawned counts as changed in frame 1; frames 3 to 5 come after still ones.
    assert_eq!(of("answering"), ["1 1 0", "2 1 1", "3 0 0", "4 0 0", "5 0 0", "6 1 5"]);
    assert_eq!(of("stepping"), ["1 1 0", "5 0 0", "6 1 5"]);
}
