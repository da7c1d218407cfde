//! Tables that were first made in frames that were undone: they come back in their order, or in any that nobody can
//! tell from it; where somebody could, the commit fails.

use diptych_engine::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct A(u64);
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct B(u64);
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct C(u64);

/// Spawns: 0 an A, 1 an A with B, 2 a C.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Make(u64);

fn world(kinds: &[u64]) -> EngineBuilder {
    let kinds = kinds.to_vec();
    Engine::in_memory()
        .state::<A>("test.a", 1)
        .state::<B>("test.b", 1)
        .state::<C>("test.c", 1)
        .input::<Make>("make", 1, |world, Make(kind)| match kind {
            0 => drop(world.spawn((A(world.frame()),))),
            1 => drop(world.spawn((A(world.frame()), B(1)))),
            _ => drop(world.spawn((C(world.frame()),))),
        })
        .setup("test.kinds", move |structure| {
            for kind in kinds {
                match kind {
                    0 => structure.spawn((A(0),)),
                    1 => structure.spawn((A(0), B(0))),
                    _ => structure.spawn((C(0),)),
                };
            }
        })
        .rollback(8)
}

fn make(engine: &mut Engine, kinds: &[u64]) -> Result<()> {
    for kind in kinds {
        engine.inputs().send("test", &Make(*kind))?;
    }
    engine.step()
}

fn all(engine: &Engine) -> (Vec<(Id, A)>, Vec<(Id, C)>) {
    let view = engine.view();
    let a = view.iter::<A>().map(|(id, a)| (id, *a)).collect();
    (a, view.iter::<C>().map(|(id, c)| (id, *c)).collect())
}

/// Undone, and made again in the same order: as in a world that went there at once. Some of them may stay away.
#[test]
fn the_same_order_is_the_same_world() {
    for later in [&[0, 1, 2][..], &[1], &[1, 2], &[2], &[]] {
        let mut plain = world(&[]).build().expect("sound");
        let mut back = world(&[]).build().expect("sound");
        for _ in 0..2 {
            make(&mut back, &[0]).expect("a frame");
            make(&mut back, &[1, 2]).expect("a frame");
            back.rollback_to(0).expect("kept");
            assert_eq!(back.view().entities(), 0);
        }
        for engine in [&mut plain, &mut back] {
            later.iter().for_each(|kind| make(engine, &[*kind]).expect("a frame"));
        }
        assert_eq!(all(&back), all(&plain), "{later:?}");
        assert_eq!(back.digest(), plain.digest(), "{later:?}");
    }
}

/// A, then A with B, undone; then the other way round: a walk over A would come by them in the wrong order.
#[test]
fn another_order_that_shows_is_refused() {
    let mut engine = world(&[]).build().expect("sound");
    make(&mut engine, &[0, 1]).expect("a frame");
    engine.rollback_to(0).expect("kept");
    make(&mut engine, &[1]).expect("its table came second, and is the only one");
    let error = make(&mut engine, &[0]).expect_err("its table lies before the other").to_string();
    assert!(error.contains("frame 2") && error.contains("order::A") && error.contains("setup"), "{error}");
    assert!(engine.step().is_err(), "the engine has stopped");
}

/// One of each kind in a setup, and any order goes.
#[test]
fn kinds_of_a_setup_may_come_in_any_order() {
    let mut plain = world(&[0, 1, 2]).build().expect("sound");
    let mut back = world(&[0, 1, 2]).build().expect("sound");
    make(&mut back, &[0, 1, 2]).expect("a frame");
    back.rollback_to(0).expect("kept");
    for engine in [&mut plain, &mut back] {
        make(engine, &[1, 2]).expect("a frame");
        make(engine, &[0]).expect("a frame");
    }
    assert_eq!((all(&back), back.digest()), (all(&plain), plain.digest()));
}

/// A and C have nothing in common: nobody can tell which of them came first, unless a query takes both.
#[test]
fn another_order_that_nobody_can_tell_is_taken() {
    let run = |builder: EngineBuilder| {
        let mut engine = builder.build().expect("sound");
        make(&mut engine, &[0, 2]).expect("a frame");
        engine.rollback_to(0).expect("kept");
        make(&mut engine, &[2]).expect("a frame");
        make(&mut engine, &[0]).map(|()| engine)
    };
    let mut plain = world(&[]).build().expect("sound");
    make(&mut plain, &[2]).expect("a frame");
    make(&mut plain, &[0]).expect("a frame");
    let mut back = run(world(&[])).expect("nobody can tell");
    assert_eq!((all(&back), back.digest()), (all(&plain), plain.digest()));

    let everybody = |ids: Query<Id>| assert!(ids.iter().count() < 10);
    let error = run(world(&[]).system("everybody", everybody)).expect_err("somebody can").to_string();
    assert!(error.contains("order::A"), "{error}");
    // Who takes either, but not both.
    let of_a = |ids: Query<(Id, Prev<A>)>, others: Query<Id, Without<A>>| {
        assert!(ids.iter().count() + others.iter().count() > 0 || ids.is_empty());
    };
    run(world(&[]).system("apart", of_a)).expect("nobody can tell");
}

/// Undone tables stay, so records lead on from the frame that was gone back to alone: whoever followed until then is
/// told to begin again, also where the same frames are made again.
#[cfg(feature = "store")]
#[test]
fn deltas_begin_again() {
    use diptych_engine::store::ViewWorld;
    let mut engine = world(&[0]).deltas(8).build().expect("sound");
    let view = |engine: &mut Engine| ViewWorld::new(engine.image().expect("handed over"));
    let on = |engine: &mut Engine| {
        make(engine, &[1, 2]).expect("a frame");
        engine.run(Pace::frames(2)).expect("frames");
    };
    engine.run(Pace::frames(2)).expect("frames");
    let mut old = view(&mut engine);
    on(&mut engine);
    let mut undone = view(&mut engine);
    engine.rollback_to(2).expect("kept");
    let mut new = view(&mut engine);
    on(&mut engine);
    let delta = engine.delta_since(2).expect("records are kept from there on");
    let refused = old.apply_delta(&delta).expect_err("its tables are others").to_string();
    assert!(refused.contains("another history"), "{refused}");
    new.apply_delta(&delta).expect("it begins there");
    assert_eq!((new.frame(), new.image().digest()), (5, engine.digest()));
    let refused = engine.delta_since(1).expect_err("that way is gone").to_string();
    assert!(refused.contains("frames 2 to 5"), "{refused}");
    make(&mut engine, &[0]).expect("a frame");
    let delta = engine.delta_since(5).expect("kept");
    assert!(undone.apply_delta(&delta).is_err(), "its frame 5 was undone");
    new.apply_delta(&delta).expect("it follows");
    assert_eq!((new.frame(), new.image().digest()), (6, engine.digest()));
}
