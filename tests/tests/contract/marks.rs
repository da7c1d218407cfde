//! What counts as changed, added and removed, who is told of it, and when.

use diptych_engine::prelude::*;
use std::sync::{Arc, Mutex};

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Gold(u64);

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Iron(u64);

/// Input: set an entity's gold.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Pay([u64; 2]);

type Log = Arc<Mutex<Vec<(u64, Vec<u64>)>>>;

/// Values whose entities `Changes<Gold>` reports, by frame; frames without any are left out.
fn watch(log: &Log) -> impl FnMut(Changes<Gold>, Query<Prev<Gold>>, Query<Id, Changed<Gold>>, Clock) + use<> {
    let log = log.clone();
    move |changes, gold, filtered, clock| {
        let seen: Vec<u64> = changes.entities().iter().map(|entity| gold.get(*entity).unwrap().0).collect();
        assert_eq!(seen.is_empty(), changes.is_empty());
        assert_eq!(filtered.iter().count(), seen.len(), "the filter and the list agree");
        if !seen.is_empty() {
            log.lock().unwrap().push((clock.frame(), seen));
        }
    }
}

fn world(builder: EngineBuilder, log: &Log) -> EngineBuilder {
    builder
        .state::<Gold>("gold", 1)
        .state::<Iron>("iron", 1)
        .input::<Pay>("pay", 1, |world, Pay([id, amount])| {
            assert!(world.set(Id::from_bits(id), Gold(amount)));
        })
        .system("watch", watch(log))
        .setup("setup", |structure| {
            (0..100).for_each(|n| {
                structure.spawn((Gold(n),));
            });
        })
}

fn first(engine: &Engine) -> u64 {
    engine.view().iter::<Gold>().next().expect("there is gold").0.bits()
}

/// An input that sets a row makes a query for changed rows fire in the next frame, once, with the new value;
/// with an owner of the type that writes nothing, that writes the row, and without one.
#[test]
fn an_input_counts_as_a_change() {
    fn idle(_: Query<Next<Gold>>) {}
    fn touch(mut gold: Query<Next<Gold>>) {
        gold.iter_mut().for_each(|mut gold| {
            gold.set_if_changed(Gold(gold.prev().0));
        });
    }
    let none = |builder: EngineBuilder| builder;
    let with_idle = |builder: EngineBuilder| builder.system("owner", idle);
    let with_touch = |builder: EngineBuilder| builder.system("owner", touch);
    for register in [none as fn(EngineBuilder) -> EngineBuilder, with_idle, with_touch] {
        let log = Log::default();
        let mut engine = register(world(Engine::in_memory(), &log)).build().unwrap();
        engine.run(Pace::frames(3)).unwrap();
        let id = first(&engine);
        let ticket = engine.inputs().send("bank", &Pay([id, 500])).unwrap();
        engine.run(Pace::frames(5)).unwrap();
        assert_eq!(ticket.applied().map(|applied| applied.frame), Some(4));
        let seen = log.lock().unwrap().clone();
        assert_eq!(seen, [(1, (0..100).collect()), (5, vec![500])], "frame 0 added all, frame 4 changed one");
        assert_eq!(engine.view().get::<Gold>(Id::from_bits(id)), Some(&Gold(500)), "it stays");
    }
}

/// The owner sees an input's value as the previous one in the next frame, and may go on from it.
#[test]
fn an_input_is_the_owners_previous_value() {
    fn double(mut gold: Query<Next<Gold>>) {
        gold.iter_mut()
            .filter(|gold| gold.prev().0 >= 500)
            .for_each(|mut gold| gold.set(Gold(gold.prev().0 * 2)));
    }
    let log = Log::default();
    let mut engine = world(Engine::in_memory(), &log).system("owner", double).build().unwrap();
    let id = first(&engine);
    engine.inputs().send("bank", &Pay([id, 500])).unwrap();
    engine.run(Pace::frames(3)).unwrap();
    assert_eq!(engine.view().get::<Gold>(Id::from_bits(id)), Some(&Gold(2000)));
    // In the frame of the second input the owner has set the row too: the input comes last.
    engine.inputs().send("bank", &Pay([id, 3])).unwrap();
    engine.run(Pace::frames(3)).unwrap();
    assert_eq!(engine.view().get::<Gold>(Id::from_bits(id)), Some(&Gold(3)));
}

/// An input that is pending as a mark at the moment the world is dropped fires after reopening.
#[test]
fn an_input_counts_as_a_change_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let log = Log::default();
    for (frames, amount) in [(1, 500), (1, 600), (1, 700)] {
        let mut engine = world(Engine::open(dir.path()), &log).build().unwrap();
        engine.inputs().send("bank", &Pay([first(&engine), amount])).unwrap();
        engine.run(Pace::frames(frames)).unwrap();
    }
    let mut engine = world(Engine::open(dir.path()), &log).build().unwrap();
    engine.run(Pace::frames(3)).unwrap();
    let seen = log.lock().unwrap().clone();
    assert_eq!(seen, [(1, (0..100).collect()), (2, vec![500]), (3, vec![600]), (4, vec![700])]);
}

/// Inserting one type moves an entity's other columns along; only the inserted type counts as changed.
#[test]
fn only_the_inserted_type_counts_as_changed() {
    fn give(mut structure: Structure, gold: Query<Id, With<Gold>>, clock: Clock) {
        let ids: Vec<Id> = gold.iter().collect();
        match clock.frame() {
            3 => ids[10..20].iter().for_each(|id| structure.insert(*id, Iron(1))),
            6 => ids[15..40].iter().for_each(|id| structure.remove::<Iron>(*id)),
            9 => ids[..30].iter().for_each(|id| structure.despawn(*id)),
            _ => {}
        }
    }
    let log = Log::default();
    let iron: Arc<Mutex<Vec<(u64, usize, usize, usize)>>> = Arc::default();
    let seen = iron.clone();
    let watch =
        move |changes: Changes<Iron>, added: Query<Id, Added<Iron>>, removed: Removed<Iron>, clock: Clock| {
            let found = (clock.frame(), changes.entities().len(), added.iter().count(), removed.ids().len());
            if found.1 + found.2 + found.3 > 0 {
                seen.lock().unwrap().push(found);
            }
        };
    let builder = world(Engine::in_memory(), &log).system("give", give).system("watch.iron", watch);
    let mut engine = builder.build().unwrap();
    engine.run(Pace::frames(12)).unwrap();
    assert_eq!(log.lock().unwrap().len(), 1, "gold changed only when it was spawned");
    let mut told = iron.lock().unwrap().clone();
    assert_eq!(told.remove(0), (4, 10, 10, 0), "added after frame 3");
    assert!(
        told.iter().all(|(frame, changed, added, _)| [7, 10].contains(frame) && changed + added == 0),
        "{told:?}"
    );
    assert_eq!(
        told.iter().map(|told| told.3).sum::<usize>() as u64 + engine.view().iter::<Iron>().count() as u64,
        10
    );
    assert_eq!(engine.view().entities(), 70);
}

/// `Changes` costs and says what changed, not what exists: `carry` and equal values are no changes, NaN that
/// stays the same NaN neither, -0.0 for 0.0 is one.
#[test]
fn bitwise_equality_of_plain_old_data() {
    #[derive(Clone, Copy, Pod, Zeroable)]
    #[repr(C)]
    struct Level(f64);
    let log: Arc<Mutex<Vec<usize>>> = Arc::default();
    let seen = log.clone();
    let values = [f64::NAN, f64::NAN, -0.0, 0.0, f64::from_bits(f64::NAN.to_bits() ^ 1), 1.0, 1.0];
    let write = move |mut levels: Query<Next<Level>>, clock: Clock| {
        let value = values[(clock.frame() as usize - 1).min(values.len() - 1)];
        levels.iter_mut().for_each(|mut level| {
            level.set_if_changed(Level(value));
        });
    };
    let mut engine = Engine::in_memory()
        .state::<Level>("level", 1)
        .system("write", write)
        .system("watch", move |changes: Changes<Level>| seen.lock().unwrap().push(changes.entities().len()))
        .setup("setup", |structure| {
            structure.spawn((Level(0.5),));
        })
        .build()
        .unwrap();
    engine.run(Pace::frames(9)).unwrap();
    assert_eq!(*log.lock().unwrap(), [1, 1, 0, 1, 1, 1, 1, 0, 0]);
}
