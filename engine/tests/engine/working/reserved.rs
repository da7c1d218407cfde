//! What is reserved to a system is its alone: every command of anybody else is refused with a sentence that says by
//! whom, on what and what to do; the owner may do everything; what inputs try is answered false and changes nothing.

use super::{Count, refusal};
use core::any::type_name;
use diptych_engine::prelude::*;
use diptych_engine::{Applier, DigestPolicy};
use std::sync::{Arc, Mutex};

/// Reserved to `mint`.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Coin(u64);

/// An input: does one thing to a coin.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Try {
    what: u64,
    coin: Id,
    count: Id,
}

/// In frame 1 a coin, a count, and a count with a coin below it.
fn mint(_: Query<Next<Coin>>, mut structure: Structure, clock: Clock) {
    if clock.frame() == 1 {
        structure.spawn((Coin(1),));
        structure.spawn((Count(1),));
        let parent = structure.spawn((Count(2),));
        let child = structure.spawn((Coin(2),));
        structure.attach(child, parent);
    }
}

fn types(builder: EngineBuilder) -> EngineBuilder {
    builder
        .reserve::<Coin>("mint", "send it an Order")
        .state::<Coin>("test.coin", 1)
        .state::<Count>("test.count", 1)
        .hierarchy()
}

fn world(builder: EngineBuilder) -> EngineBuilder {
    types(builder).system("mint", mint)
}

/// The entity with this coin.
fn coin(engine: &Engine, coin: u64) -> Option<Id> {
    engine.view().iter::<Coin>().find(|(_, held)| held.0 == coin).map(|(id, _)| id)
}

/// The entity with this count.
fn counted(engine: &Engine, count: u64) -> Option<Id> {
    engine.view().iter::<Count>().find(|(_, held)| held.0 == count).map(|(id, _)| id)
}

/// The sentence; `id` is empty or names the entity.
fn sentence(who: &str, act: &str, id: Option<Id>) -> String {
    let (coin, id) = (type_name::<Coin>(), id.map_or_else(String::new, |id| format!(" (entity {id})")));
    format!("{who} {act} {coin}{id}, but only mint makes, changes and ends rows with it; send it an Order")
}

/// What `thief` wants of (coin 1, count 1, count 2, coin 2).
type Theft = fn(&mut Structure<'_, '_>, [Id; 4]);

/// Lets `thief` try in frame 2; answers the engine's error, and the entities.
fn theft(theft: Theft) -> (String, [Id; 4]) {
    let thief = move |coins: Query<(Id, Prev<Coin>)>,
                      counts: Query<(Id, Prev<Count>)>,
                      mut structure: Structure| {
        let coin = |n| coins.iter().find(|(_, coin)| coin.0 == n).map(|(id, _)| id);
        let count = |n| counts.iter().find(|(_, count)| count.0 == n).map(|(id, _)| id);
        if let (Some(one), Some(first), Some(second), Some(two)) = (coin(1), count(1), count(2), coin(2)) {
            theft(&mut structure, [one, first, second, two]);
        }
    };
    let mut engine = world(Engine::in_memory()).system("thief", thief).build().expect("a sound world");
    engine.step().expect("the owner may");
    let find = |id: Option<Id>| id.expect("the owner has made it");
    let ids = [
        find(coin(&engine, 1)),
        find(counted(&engine, 1)),
        find(counted(&engine, 2)),
        find(coin(&engine, 2)),
    ];
    let error = engine.step().expect_err("a stranger may not").to_string();
    assert_eq!(engine.frame(), 1, "the frame of a refusal is not committed");
    (error, ids)
}

#[test]
fn a_strangers_commands_fail_the_commit() {
    let (error, _) = theft(|structure, _| {
        structure.spawn((Count(9), Coin(9)));
    });
    assert_eq!(error, sentence("thief", "spawns", None));
    let (error, ids) = theft(|structure, ids| structure.insert(ids[1], Coin(9)));
    assert_eq!(error, sentence("thief", "inserts", Some(ids[1])), "into an entity of nobody's");
    let (error, ids) = theft(|structure, ids| structure.insert(ids[0], Coin(9)));
    assert_eq!(error, sentence("thief", "inserts", Some(ids[0])), "over a coin");
    let (error, ids) = theft(|structure, ids| structure.remove::<Coin>(ids[0]));
    assert_eq!(error, sentence("thief", "removes", Some(ids[0])));
    let (error, ids) = theft(|structure, ids| structure.despawn(ids[0]));
    assert_eq!(error, sentence("thief", "despawns", Some(ids[0])));
    let (error, ids) = theft(|structure, ids| {
        structure.despawn(ids[1]);
        structure.despawn(ids[2]);
    });
    assert_eq!(error, sentence("thief", "despawns", Some(ids[3])), "the coin below the second count");
    let (error, ids) = theft(|structure, ids| structure.attach(ids[0], ids[1]));
    assert_eq!(error, sentence("thief", "attaches", Some(ids[0])));
    let (error, ids) = theft(|structure, ids| structure.detach(ids[3]));
    assert_eq!(error, sentence("thief", "detaches", Some(ids[3])));
}

/// Reserved to `badges`.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Badge(u64);

/// No row has two owners, and none hangs directly below another owner's: neither could end it.
#[test]
fn two_owners_keep_apart() {
    for (below, act) in [(true, "attaches to"), (false, "inserts")] {
        let badges = move |_: Query<Next<Badge>>,
                           coins: Query<(Id, Prev<Coin>)>,
                           mut structure: Structure,
                           clock: Clock| {
            let coin = coins.iter().find(|(_, coin)| coin.0 == 1).map(|(id, _)| id);
            let Some(coin) = coin.filter(|_| clock.frame() == 2) else { return };
            if below {
                let badge = structure.spawn((Badge(1),));
                structure.attach(badge, coin);
            } else {
                structure.insert(coin, Badge(1));
            }
        };
        let builder = world(Engine::in_memory()).state::<Badge>("test.badge", 1);
        let builder = builder.reserve::<Badge>("badges", "ask for one").system("badges", badges);
        let mut engine = builder.build().expect("a sound world");
        engine.step().expect("the owner may");
        let coin = coin(&engine, 1).expect("made");
        let error = engine.step().expect_err("two owners of one row").to_string();
        assert_eq!(error, sentence("badges", act, Some(coin)));
    }
}

/// Other types, and other entities, are as free as ever.
#[test]
fn what_is_not_reserved_stays_free() {
    let guest = |coins: Query<(Id, Prev<Coin>), Without<Count>>,
                 counts: Query<(Id, Prev<Count>), Without<Coin>>,
                 mut structure: Structure,
                 clock: Clock| {
        match clock.frame() {
            2 => coins.iter().for_each(|(id, coin)| structure.insert(id, Count(coin.0 + 10))),
            3 => counts.iter().filter(|(_, count)| count.0 == 1).for_each(|(id, _)| structure.despawn(id)),
            _ => {}
        }
    };
    let mut engine = world(Engine::in_memory()).system("guest", guest).build().expect("a sound world");
    engine.run(Pace::frames(3)).expect("nobody is refused");
    let count = |n: u64| engine.view().get::<Count>(coin(&engine, n).expect("it stays")).copied();
    assert_eq!((count(1), count(2)), (Some(Count(11)), Some(Count(12))));
    assert_eq!(counted(&engine, 1), None);
}

#[test]
fn setups_and_startup_systems_fail_the_build() {
    let setup = world(Engine::in_memory()).setup("test.setup", |structure| {
        structure.spawn((Coin(1),));
    });
    assert_eq!(refusal(setup), sentence("test.setup", "spawns", None));
    let early = |mut structure: Structure| {
        structure.spawn((Coin(1),));
    };
    let startup = world(Engine::in_memory()).startup("early", early);
    assert_eq!(refusal(startup), sentence("early", "spawns", None));
    let own = types(Engine::in_memory()).startup("mint", early).build().expect("a startup system may own");
    assert!(coin(&own, 1).is_some());
}

/// Of every kind of command, on its own entities and on others'.
#[test]
fn the_owner_may_do_everything() {
    let owner = |mut coins: Query<(Id, Next<Coin>)>,
                 counts: Query<(Id, Prev<Count>)>,
                 mut structure: Structure,
                 clock: Clock| {
        let count = |n| counts.iter().find(|(_, count)| count.0 == n).map(|(id, _)| id);
        match (clock.frame(), count(1), count(2)) {
            (1, ..) => {
                structure.spawn((Count(1),));
                structure.spawn((Count(2), Coin(1)));
                structure.spawn((Coin(1),));
            }
            (2, Some(one), Some(two)) => {
                coins.par_rows(|(_, mut coin)| coin.set(Coin(coin.prev().0 + 1)));
                structure.insert(one, Coin(7));
                structure.attach(two, one);
            }
            (3, _, Some(two)) => {
                structure.detach(two);
                structure.remove::<Coin>(two);
            }
            (4, Some(one), Some(two)) => {
                structure.attach(one, two);
                coins.iter().filter(|(_, coin)| coin.0 == 2).for_each(|(id, _)| structure.despawn(id));
            }
            (5, _, Some(two)) => structure.despawn(two),
            _ => {}
        }
    };
    let mut engine = types(Engine::in_memory()).system("mint", owner).build().expect("a sound world");
    let mut coins = |frames: u64| {
        engine.run(Pace::frames(frames)).expect("the owner is not refused");
        let mut coins: Vec<u64> = engine.view().iter::<Coin>().map(|(_, coin)| coin.0).collect();
        coins.sort_unstable();
        (coins, engine.view().entities())
    };
    assert_eq!(coins(1), (vec![1, 1], 3));
    assert_eq!(coins(1), (vec![2, 2, 7], 3));
    assert_eq!(coins(1), (vec![2, 7], 3));
    assert_eq!(coins(1), (vec![7], 2));
    assert_eq!(coins(1), (vec![], 0), "with the child");
}

/// Takes note of what an input was answered.
fn attempts(answers: &Arc<Mutex<Vec<bool>>>) -> impl Fn(&mut Applier<'_, '_>, Try) + Send + Sync + 'static {
    let answers = answers.clone();
    move |world, Try { what, coin, count }| {
        let answer = match what {
            0 => world.set(coin, Coin(9)),
            1 => world.insert(coin, Coin(9)),
            2 => world.insert(count, Coin(9)),
            3 => world.remove::<Coin>(coin),
            4 => world.despawn(coin),
            5 => world.despawn(count),
            6 => world.attach(coin, count),
            7 => world.detach(coin),
            _ => world.spawn((Coin(9),)).id == coin,
        };
        answers.lock().expect("no panic").push(answer);
    }
}

/// A world after frame 1, and what its inputs are answered.
fn tried(builder: EngineBuilder) -> (Engine, Arc<Mutex<Vec<bool>>>) {
    let answers = Arc::default();
    let builder = world(builder).input::<Try>("try", 1, attempts(&answers)).digest(DigestPolicy::Every(1));
    let mut engine = builder.build().expect("a sound world");
    engine.step().expect("frame 1");
    (engine, answers)
}

#[test]
fn inputs_are_answered_false_and_change_nothing() {
    let (mut calm, _) = tried(Engine::in_memory());
    calm.step().expect("frame 2");
    let (mut engine, answers) = tried(Engine::in_memory());
    let (coin, count) = (coin(&engine, 2).expect("made"), counted(&engine, 2).expect("made"));
    for what in 0..8 {
        engine.inputs().send("test", &Try { what, coin, count }).expect("room");
    }
    engine.step().expect("a refused input is no failure");
    assert_eq!(*answers.lock().expect("no panic"), [false; 8]);
    assert_eq!(engine.stats().changes_refused, 8);
    assert_eq!(engine.digest(), calm.digest(), "as if nobody had tried");
    assert_eq!(engine.view().get::<Coin>(coin), Some(&Coin(2)));
    let other = counted(&engine, 1).expect("made");
    engine.inputs().send("test", &Try { what: 5, coin, count: other }).expect("room");
    engine.step().expect("frame 3");
    assert_eq!(answers.lock().expect("no panic").last(), Some(&true), "what holds no coin may go");
    engine.inputs().send("test", &Try { what: 8, coin, count }).expect("room");
    let error = engine.step().expect_err("a spawn is wrong use").to_string();
    assert_eq!(error, sentence("try", "spawns", None));
}

/// Neither a refusal nor a restart costs a row: recovery is not refused.
#[cfg(feature = "store")]
#[test]
fn a_stored_world_comes_back_after_a_refusal() {
    let directory = tempfile::tempdir().expect("a directory");
    let (mut engine, _) = tried(Engine::open(directory.path()));
    let digest = engine.digest();
    let (coin, count) = (coin(&engine, 2).expect("made"), counted(&engine, 2).expect("made"));
    engine.inputs().send("test", &Try { what: 8, coin, count }).expect("room");
    engine.step().expect_err("refused");
    drop(engine);
    let engine = world(Engine::open(directory.path())).input::<Try>("try", 1, attempts(&Arc::default()));
    let mut engine = engine.build().expect("the last good frame");
    assert_eq!((engine.frame(), engine.view().entities()), (1, 4));
    assert_eq!(engine.digest(), digest);
}

#[test]
fn wrong_reservations_are_refused_by_the_build() {
    let name = type_name::<Coin>();
    let unknown = types(Engine::in_memory());
    assert_eq!(
        refusal(unknown),
        format!(
            "{name} is reserved to mint, but there is no system of that name that could write; register one"
        )
    );
    let late = types(Engine::in_memory()).late("mint", |_: Query<Prev<Coin>>| {});
    assert!(refusal(late).contains("no system of that name that could write"));
    let next = types(Engine::in_memory())
        .system("mint", |_: Structure| {})
        .system("thief", |_: Query<Next<Coin>>| {});
    assert_eq!(
        refusal(next),
        format!("{name} is reserved to mint, but system thief names Next<{name}>; send it an Order")
    );
    let two = world(Engine::in_memory()).system("bank", |_: Structure| {}).reserve::<Coin>("bank", "ask it");
    assert_eq!(
        refusal(two.reserve::<Coin>("mint", "again")),
        format!(
            "{name} is reserved to bank, but it is reserved to mint too; choose one of them; \
             {name} is reserved to bank, but system mint names Next<{name}>; ask it"
        )
    );
    let setup = world(Engine::in_memory()).setup("mint", |_| {});
    assert_eq!(
        refusal(setup),
        format!("{name} is reserved to mint, but a setup is called so too; rename the setup")
    );
    let input = world(Engine::in_memory()).input::<Try>("mint", 1, |_, _| {});
    assert_eq!(
        refusal(input),
        format!("{name} is reserved to mint, but an input is called so too; rename the input")
    );
    let own = world(Engine::in_memory()).reserve::<Control>("mint", "");
    assert!(refusal(own).contains("is reserved to mint, but the engine itself writes that type"));
    let never = world(Engine::in_memory()).reserve::<Try>("mint", "");
    assert!(refusal(never).contains(".reserve() names"));
}
