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
    let gone = [Patch::destroy(ids[2]), Patch::set(ids[2], "scene.health", &Health(1))];
    if engine.view().get::<Health>(ids[2]).is_some() {
        let sent = engine.inputs().patch("editor", &gone)?;
        engine.step()?;
        assert!(refusal(sent.wait(WAIT)).contains("earlier patch has ended"));
    }
    assert_eq!(engine.stats().inputs_applied, 0);
    let closed = scene(Engine::in_memory()).build()?;
    assert!(refusal(closed.inputs().patch("editor", &[])).contains(".patches()"));
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
