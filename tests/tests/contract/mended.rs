//! Wrong behaviour that was found once and mended, each with the smallest world that showed it.

use bevy_ecs::prelude::{Component, Resource};
use diptych_engine::prelude::*;
use std::collections::BTreeSet;
use std::sync::Mutex;

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Gold(u64);

#[derive(Component, Clone, Copy, Default)]
struct Cache;

#[derive(Resource, Default)]
struct Scrap(u64);

/// `Id`s are never used twice: not by the two parts of a task that both spawn.
#[test]
fn parts_of_a_task_spawn_different_ids() {
    fn spawn(mut structure: Structure) {
        structure.spawn((Gold(1),));
    }
    let mut engine =
        Engine::in_memory().state::<Gold>("gold", 1).system("twin", spawn.prepare(spawn)).build().unwrap();
    for _ in 0..2 {
        engine.step().unwrap();
    }
    let ids: Vec<Id> = engine.view().iter::<Gold>().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), 4);
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 4, "{ids:?}");
}

/// The same for two parameters of one system.
#[test]
fn two_structures_of_a_system_spawn_different_ids() {
    fn spawn(mut one: Structure, mut two: Structure) {
        one.spawn((Gold(1),));
        two.spawn((Gold(2),));
    }
    let mut engine = Engine::in_memory().state::<Gold>("gold", 1).system("twin", spawn).build().unwrap();
    for _ in 0..2 {
        engine.step().unwrap();
    }
    let ids: Vec<Id> = engine.view().iter::<Gold>().map(|(id, _)| id).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 4, "{ids:?}");
}

/// A refusal names the plain component or resource it is about.
#[test]
fn refusals_name_plain_types() {
    let base = || Engine::in_memory().state::<Gold>("gold", 1);
    let message = |builder: EngineBuilder| builder.build().unwrap_err().to_string();
    let said = message(base().system("writer", |_: Option<ResMut<Scrap>>| {}));
    assert!(said.contains("Scrap"), "{said}");
    let said = message(base().system("writer", |_: Query<Plain<&mut Cache>>| {}));
    assert!(said.contains("Cache"), "{said}");
    let said = message(base().scratch::<Gold, Cache>().system("looker", |_: Query<(Prev<Gold>, &Cache)>| {}));
    assert!(said.contains("Cache"), "{said}");
}

/// `explain` names the scratch through which one system waits for another.
#[test]
fn explain_names_what_systems_wait_for() {
    fn write(mut scrap: ResMut<Scrap>) {
        scrap.0 += 1;
    }
    let engine =
        Engine::in_memory().resource(Scrap(0)).system("a", write).system("b", write).build().unwrap();
    let told = engine.explain().to_string();
    let waits = told.lines().find(|line| line.contains("b waits for a")).expect("b waits for a");
    assert!(waits.contains("Scrap"), "{waits}");
}

/// A tick inside a tick is refused from within a parallel loop too, on whichever thread the block runs.
#[test]
fn nested_ticks_in_parallel_loops() {
    static INNER: Mutex<Option<Engine>> = Mutex::new(None);
    static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
    fn tick(mut gold: Query<Prev<Gold>>) {
        gold.par_blocks(|_| {
            // Long enough for another thread to take some of the blocks.
            std::thread::sleep(std::time::Duration::from_millis(2));
            // A tick that is not refused waits on this thread, which may then come by here again.
            let Ok(mut inner) = INNER.try_lock() else { return };
            let answer = inner.as_mut().unwrap().step();
            drop(inner);
            SAID.lock().unwrap().push(answer.map_or_else(|e| e.to_string(), |()| "it ticked".to_owned()));
        });
    }
    *INNER.lock().unwrap() = Some(Engine::in_memory().state::<Gold>("gold", 1).build().unwrap());
    let mut engine = Engine::in_memory()
        .state::<Gold>("gold", 1)
        .system("tick", tick)
        .threads(4)
        .setup("setup", |structure| {
            (0..100_000).for_each(|n| {
                structure.spawn((Gold(n),));
            });
        })
        .build()
        .unwrap();
    engine.step().unwrap();
    let said = SAID.lock().unwrap().clone();
    assert!(said.iter().all(|said| said.contains("inside a system")), "{said:?}");
}

/// `carry` keeps the previous value and is not a change, also after a `set` in the same frame.
#[test]
fn carry_after_set_is_no_change() {
    static SEEN: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    fn waver(mut gold: Query<Next<Gold>>) {
        gold.iter_mut().for_each(|mut gold| {
            gold.set(Gold(7));
            gold.carry();
        });
    }
    fn watch(changes: Changes<Gold>) {
        SEEN.lock().unwrap().push(changes.entities().len());
    }
    let mut engine = Engine::in_memory()
        .state::<Gold>("gold", 1)
        .system("waver", waver)
        .system("watch", watch)
        .setup("setup", |structure| {
            structure.spawn((Gold(1),));
        })
        .build()
        .unwrap();
    engine.run(Pace::frames(3)).unwrap();
    assert_eq!(engine.view().single::<Gold>(), Some(&Gold(1)));
    assert_eq!(*SEEN.lock().unwrap(), [1, 0, 0]);
}
