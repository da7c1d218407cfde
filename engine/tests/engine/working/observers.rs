//! Observers see every frame once, from the beginning to the one end; the parts of a system's own
//! data run beside each other.

use super::{Count, count, refusal};
use diptych_engine::par_each;
use diptych_engine::prelude::*;
use std::sync::{Arc, Mutex};

/// Input: a row's new value.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Set(Id, Count);

/// What an observer was told, in order, with the count that it saw.
#[derive(Default)]
struct Diary {
    lines: Mutex<Vec<String>>,
    /// Panics at the commit of this frame.
    trips: Option<u64>,
}

impl Diary {
    fn write(&self, what: &str, view: View<'_>) {
        let count = view.single::<Count>().map_or(0, |count| count.0);
        self.lines.lock().expect("no panic").push(format!("{what} {} {count}", view.frame()));
    }

    fn take(&self) -> Vec<String> {
        core::mem::take(&mut self.lines.lock().expect("no panic"))
    }
}

impl Observer for Diary {
    fn begin(&self, view: View<'_>) {
        self.write("begin", view);
    }

    fn commit(&self, view: View<'_>) {
        assert!(self.trips != Some(view.frame()), "tripped");
        self.write("commit", view);
    }

    fn stopped(&self, reason: &str) {
        self.lines.lock().expect("no panic").push(format!("stopped: {reason}"));
        assert!(self.trips.is_none(), "a panic here is logged only");
    }
}

fn world(builder: EngineBuilder) -> EngineBuilder {
    let setup = |structure: &mut Structure<'_, '_>| {
        structure.spawn((Count(0),));
    };
    builder.state::<Count>("test.count", 1).setup("test.setup", setup).system("count", count)
}

/// Every commit is shown after its inputs; `begin` stands for frame 0 and comes before a startup frame; a drop
/// is the end.
#[test]
fn an_observer_sees_every_frame_and_one_end() {
    let diary = Arc::new(Diary::default());
    let set = |world: &mut diptych_engine::Applier<'_, '_>, Set(id, count): Set| {
        world.set(id, count);
    };
    let startup = |_: Query<Prev<Count>>| {};
    let mut engine = world(Engine::in_memory())
        .input::<Set>("set", 1, set)
        .startup("first", startup)
        .observer("diary", diary.clone())
        .build()
        .expect("a sound world");
    assert_eq!(diary.take(), ["begin 0 0", "commit 1 0"]);
    let (row, _) = engine.view().iter::<Count>().next().expect("one row");
    engine.inputs().send("test", &Set(row, Count(40))).expect("room");
    engine.run(Pace::frames(2)).expect("frames");
    assert_eq!(diary.take(), ["commit 2 40", "commit 3 41"]);
    assert!(engine.explain().to_string().contains("observers: diary"), "{}", engine.explain());
    drop(engine);
    assert_eq!(diary.take(), ["stopped: the engine was dropped"]);
}

/// After a restart an observer begins with the frame that was stored.
#[cfg(feature = "store")]
#[test]
fn an_observer_begins_with_the_recovered_frame() {
    let directory = tempfile::tempdir().expect("a directory");
    world(Engine::open(directory.path())).build().expect("a world").run(Pace::frames(3)).expect("frames");
    let diary = Arc::new(Diary::default());
    let engine = world(Engine::open(directory.path())).observer("diary", diary.clone()).build();
    assert_eq!(engine.expect("the same world").frame(), 3);
    assert_eq!(diary.take(), ["begin 3 3", "stopped: the engine was dropped"]);
}

/// A panic in an observer stops the engine and names it; the others have seen a frame that is not committed,
/// and are told the end once, whoever panics then.
#[test]
fn a_panic_of_an_observer_is_the_engines_end() {
    let (calm, rash) = (Arc::new(Diary::default()), Arc::new(Diary { trips: Some(2), ..Diary::default() }));
    let mut engine = world(Engine::in_memory())
        .observer("z.rash", rash.clone())
        .observer("a.calm", calm.clone())
        .build()
        .expect("a sound world");
    engine.step().expect("frame 1");
    let error = engine.step().expect_err("frame 2 trips").to_string();
    assert!(error.contains("z.rash") && error.contains("frame 2") && error.contains("tripped"), "{error}");
    assert_eq!(engine.frame(), 1);
    assert!(engine.step().is_err(), "the engine is stopped");
    drop(engine);
    let seen = calm.take();
    assert_eq!(seen[..3], ["begin 0 0", "commit 1 1", "commit 2 2"]);
    assert_eq!(seen.len(), 4, "one end: {seen:?}");
    assert!(seen[3].contains("stopped: ") && seen[3].contains("tripped"), "{seen:?}");
}

#[test]
fn two_observers_of_one_name_are_refused() {
    let diary = Arc::new(Diary::default());
    let twice = world(Engine::in_memory()).observer("diary", diary.clone()).observer("diary", diary);
    assert!(refusal(twice).contains("two observers are called diary"));
}

/// A system's own list is worked on by all threads, with one result.
#[test]
fn parts_of_a_system_run_beside_each_other() {
    #[derive(bevy_ecs::prelude::Resource)]
    struct Parts(Vec<u64>);
    let threads = if cfg!(feature = "threads") { 4 } else { 1 };
    for threads in 1..=threads {
        let share = |mut parts: ResMut<Parts>, mut counts: Query<Next<Count>>| {
            par_each(&mut parts.0, |index, part| *part += index as u64);
            counts.par_rows(|mut count| count.set(Count(parts.0.iter().sum())));
        };
        let mut engine = Engine::in_memory()
            .state::<Count>("test.count", 1)
            .setup("test.setup", |structure| {
                structure.spawn((Count(0),));
            })
            .resource(Parts(vec![0; 100]))
            .system("share", share)
            .threads(threads)
            .build()
            .expect("a sound world");
        engine.run(Pace::frames(3)).expect("frames");
        assert_eq!(super::counted(&engine), 3 * 4950, "{threads} threads");
    }
}

/// A view leads from a stored name to the handle of this process, while the entity lives.
#[test]
fn a_view_finds_entities() {
    let engine = world(Engine::in_memory()).build().expect("a sound world");
    let (id, _) = engine.view().iter::<Count>().next().expect("one row");
    assert!(engine.view().entity(id).is_some());
    assert!(engine.view().entity(Id::from_bits(id.bits() + 1)).is_none());
}
