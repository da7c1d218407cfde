//! Patches from outside: all together or not at all.

use super::scene::{Health, scene};
use super::*;
use diptych_engine::Patch;
use std::time::Duration;

const WAIT: Duration = Duration::from_secs(10);

fn world() -> Tried<Engine> {
    Ok(scene(Engine::in_memory()).patches().build()?)
}

#[test]
fn patches_change_values_by_stored_names() -> Tried {
    let mut engine = world()?;
    let ids: Vec<Id> = engine.view().iter::<Health>().map(|(id, _)| id).collect();
    let slow = |id: &&Id| engine.view().get::<Velocity>(**id).is_none();
    let second = *ids.iter().find(slow).ok_or("all move")?;
    let others: Vec<Id> = ids.into_iter().filter(|id| *id != second).collect();
    let (first, third) = (others[3], others[5]);
    let patches = [
        Patch::set(first, "scene.health", &Health(100)),
        Patch::set_with::<Word, Utf8>(second, "scene.word", &Word("new".to_owned())),
        Patch::remove(second, "scene.health"),
        Patch::add(second, "scene.health", &Health(3)),
        Patch::Add { id: second, component: "scene.velocity".to_owned(), value: None },
        Patch::destroy(third),
    ];
    let sent = engine.inputs().patch("editor", &patches)?;
    engine.step()?;
    assert_eq!(sent.wait(WAIT)?, 1);
    let view = engine.view();
    assert_eq!(view.get::<Health>(first), Some(&Health(100)));
    assert_eq!(
        (view.get::<Health>(second), view.get::<Velocity>(second)),
        (Some(&Health(3)), Some(&Velocity(0.0)))
    );
    assert_eq!(view.get::<Health>(third), None);
    Ok(())
}

#[test]
fn what_cannot_be_carried_out_whole_changes_nothing() -> Tried {
    // Claim: the world goes on as one to which nothing was sent, and the refusal names patch, type, entity and reason.
    let calm = || {
        let builder = Engine::in_memory().state::<Health>("scene.health", 1).hierarchy().patches();
        let builder = builder.state_with::<Word, Utf8>("scene.word", 1).setup("all", |structure| {
            for n in 0..6 {
                structure.spawn((Health(n),));
            }
            structure.spawn((Health(9), Word("w".to_owned())));
        });
        builder.build()
    };
    let (mut engine, mut untouched) = (calm()?, calm()?);
    let ids: Vec<Id> = engine.view().iter::<Health>().map(|(id, _)| id).collect();
    let good = Patch::set(ids[0], "scene.health", &Health(100));
    let nobody = Id::from_bits(12345);
    let cases: Vec<(Patch, &str)> = vec![
        (Patch::set(nobody, "scene.health", &Health(1)), "no such entity"),
        (Patch::set(ids[1], "scene.wealth", &Health(1)), "no type of that name"),
        (Patch::set(ids[1], "scene.health", &1_u8), "1 bytes where a value has 8"),
        (Patch::add(ids[1], "scene.health", &Health(1)), "holds it already"),
        (Patch::remove(ids[0], "scene.word"), "does not hold it"),
        (Patch::set(ids[1], "diptych.parent", &[0_u64; 2]), "engine's own"),
        (Patch::set(ids[1], "diptych.id", &7_u64), "engine's own"),
        (Patch::Set { id: ids[6], component: "scene.word".to_owned(), value: vec![0xff] }, "utf-8"),
    ];
    for (bad, reason) in cases {
        let sent = engine.inputs().patch("editor", &[good.clone(), bad.clone()])?;
        engine.step()?;
        untouched.step()?;
        let said = refusal(sent.wait(WAIT));
        assert!(
            said.contains("patch 1") && said.contains(reason) && said.contains("none of the 2"),
            "{bad:?}: {said}"
        );
        assert_eq!(engine.digest(), untouched.digest(), "{bad:?}");
    }
    assert_eq!(engine.stats().inputs_applied, 0);
    let closed = scene(Engine::in_memory()).build()?;
    assert!(refusal(closed.inputs().patch("editor", &[])).contains(".patches()"));
    Ok(())
}

#[test]
fn a_refusal_of_an_earlier_engine_is_nobodys_answer() -> Tried {
    // Claim: patches are answered by what became of them, also after frames were made again in which others with their
    // number were refused. Method: a copy of an open world that is known by its inputs.
    let directory = tempfile::tempdir()?;
    let (path, copy) = (directory.path().join("world"), directory.path().join("copy"));
    let world = |path| scene(Engine::open(path)).patches().durability(Durability::Inputs(1000)).build();
    let mut engine = world(&path)?;
    let id = engine.view().iter::<Health>().map(|(id, _)| id).next().ok_or("nobody")?;
    let refused = engine.inputs().patch("editor", &[Patch::destroy(Id::from_bits(12345))])?;
    engine.step()?;
    assert!(refusal(refused.wait(WAIT)).contains("no such entity"));
    engine.flush()?;
    diptych_engine::testkit::copy(&path, &copy)?;
    let mut again = world(&copy)?;
    assert_eq!((again.frame(), again.digest()), (1, engine.digest()));
    let sent = again.inputs().patch("editor", &[Patch::set(id, "scene.health", &Health(100))])?;
    again.step()?;
    assert_eq!(refusal(sent.wait(WAIT)), "");
    Ok(())
}

#[test]
fn each_patch_sees_what_those_before_it_have_done() -> Tried {
    // Claim: types given and taken, entities ended and whoever was below them count for the patches that follow, in the
    // trial as in the world.
    let mut engine = Engine::in_memory()
        .state::<Health>("health", 1)
        .state::<Position>("position", 1)
        .hierarchy()
        .patches()
        .setup("family", |structure| {
            let parent = structure.spawn((Health(1),));
            for n in 2..5 {
                let child = structure.spawn((Health(n), Position(0.0)));
                if n < 4 {
                    structure.attach(child, parent);
                }
            }
        })
        .build()?;
    let ids: Vec<Id> = engine.view().iter::<Health>().map(|(id, _)| id).collect();
    let of = |engine: &Engine, value: u64| -> Tried<Id> {
        let found = ids.iter().find(|id| engine.view().get::<Health>(**id) == Some(&Health(value)));
        Ok(*found.ok_or("nobody")?)
    };
    let (parent, child, alone) = (of(&engine, 1)?, of(&engine, 2)?, of(&engine, 4)?);
    let (add, set) =
        (Patch::add(parent, "position", &Position(2.0)), Patch::set(parent, "position", &Position(3.0)));
    let remove = Patch::remove(alone, "position");
    let before = engine.digest();
    for (patches, reason) in [
        (vec![Patch::destroy(alone), Patch::set(alone, "health", &Health(9))], "earlier patch has ended"),
        (vec![Patch::destroy(parent), Patch::set(child, "health", &Health(9))], "earlier patch has ended"),
        (vec![remove.clone(), remove.clone()], "does not hold it"),
        (vec![remove.clone(), Patch::set(alone, "position", &Position(1.0))], "does not hold it"),
        (vec![add.clone(), add.clone()], "holds it already"),
        (vec![set.clone(), add.clone()], "does not hold it"),
    ] {
        let sent = engine.inputs().patch("editor", &patches)?;
        engine.step()?;
        let said = refusal(sent.wait(WAIT));
        assert!(said.contains(reason) && said.contains("none of the 2"), "{patches:?}: {said}");
        assert_eq!(engine.digest(), before, "{patches:?}");
    }
    let sent = engine.inputs().patch("editor", &[add, set, remove])?;
    engine.step()?;
    sent.wait(WAIT)?;
    assert_eq!(engine.view().get::<Position>(parent), Some(&Position(3.0)));
    assert_eq!(engine.view().get::<Position>(alone), None);
    let sent = engine.inputs().patch("editor", &[Patch::destroy(parent)])?;
    engine.step()?;
    sent.wait(WAIT)?;
    let left: Vec<Id> = engine.view().iter::<Health>().map(|(id, _)| id).collect();
    assert_eq!(left, [alone], "children go with their parent");
    Ok(())
}

#[test]
fn a_replay_makes_patches_again() -> Tried {
    // Claim: patches, carried out and refused ones, are inputs: a world made again from its log has them too.
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("world");
    let mut engine = scene(Engine::open(&path)).patches().digest(DigestPolicy::Every(1)).build()?;
    for n in 0..12_u64 {
        let ids: Vec<Id> = engine.view().iter::<Health>().map(|(id, _)| id).collect();
        let good = [Patch::set(ids[3], "scene.health", &Health(1000 + n)), Patch::destroy(ids[1])];
        let bad = [Patch::set(ids[2], "scene.health", &Health(5)), Patch::add(ids[2], "scene.nothing", &n)];
        let sent = [engine.inputs().patch("editor", &good)?, engine.inputs().patch("editor", &bad)?];
        engine.step()?;
        let [done, refused] = sent.map(|sent| sent.wait(WAIT));
        assert!(done.is_ok() && refused.is_err(), "{done:?} {refused:?}");
    }
    let digest = engine.digest();
    drop(engine);
    let mut replay = scene(Engine::in_memory()).patches().replay(&path, ReplayFrom::Oldest)?;
    replay.run_to(u64::MAX)?;
    assert_eq!((replay.frame(), replay.digest()), (12, digest));
    assert!(replay.compared() >= 12);
    Ok(())
}

#[test]
fn reserved_rows_are_nobodys_to_patch() -> Tried {
    let mut engine = Engine::in_memory()
        .state::<Position>("position", 1)
        .reserve::<Position>("owner", "ask the owner")
        .patches()
        .system("owner", |bodies: Query<Prev<Position>>, clock: Clock, mut structure: Structure| {
            if bodies.iter().next().is_none() && clock.frame() == 1 {
                structure.spawn((Position(1.0),));
            }
        })
        .build()?;
    engine.step()?;
    let id = engine.view().iter::<Position>().map(|(id, _)| id).next().ok_or("nobody")?;
    for patch in [Patch::set(id, "position", &Position(2.0)), Patch::destroy(id)] {
        let sent = engine.inputs().patch("editor", &[patch])?;
        engine.step()?;
        let said = refusal(sent.wait(WAIT));
        assert!(said.contains("owner") && said.contains("ask the owner"), "{said}");
    }
    assert_eq!(engine.view().single::<Position>(), Some(&Position(1.0)));
    Ok(())
}

#[test]
fn patches_as_an_input_change_no_digest() -> Tried {
    let (mut with, mut without) = (world()?, scene(Engine::in_memory()).build()?);
    with.run(Pace::frames(10))?;
    without.run(Pace::frames(10))?;
    assert_eq!(with.digest(), without.digest());
    Ok(())
}
