//! Marks, codecs, versions and scratch.

use super::*;

/// A packed write, then `carry` of one row in the same frame: the row must keep its value.
#[test]
fn carry_after_split() {
    let system = |mut bodies: Query<Next<Position>>| {
        bodies.par_blocks(|mut block| block.split().1.iter_mut().for_each(|next| next.0 = 500.0));
        for mut row in &mut bodies {
            row.carry();
        }
    };
    let mut engine = spawn(base(Engine::in_memory()), 128).system("s", system).build().unwrap();
    engine.step().unwrap();
    let values: Vec<f64> = engine.view().iter::<Position>().map(|(_, p)| p.0).collect();
    assert_eq!(values, (0..128).map(f64::from).collect::<Vec<_>>());
}

/// The same with `set_if_changed(prev)`, which answers "not changed".
#[test]
fn set_if_changed_after_split() {
    let system = |mut bodies: Query<Next<Position>>| {
        bodies.par_blocks(|mut block| block.split().1.iter_mut().for_each(|next| next.0 = 500.0));
        for mut row in &mut bodies {
            let prev = *row.prev();
            assert!(!row.set_if_changed(prev));
        }
    };
    let mut engine = spawn(base(Engine::in_memory()), 128).system("s", system).build().unwrap();
    engine.step().unwrap();
    let values: Vec<f64> = engine.view().iter::<Position>().map(|(_, p)| p.0).collect();
    assert_eq!(values, (0..128).map(f64::from).collect::<Vec<_>>());
}

/// Write-all access but for one type is write-all access.
#[test]
fn write_all_but_one_is_refused() {
    let system = |_: Query<EntityMutExcept<(Cache,)>>| {};
    let refused = spawn(base(Engine::in_memory()), 3).system("s", system).build().unwrap_err();
    assert!(refused.to_string().contains("system s can write every component"), "{refused}");
}

/// One scratch component goes with one type: beside two it would leave with the first.
#[test]
fn scratch_beside_two_types_is_refused() {
    let builder = base(Engine::in_memory()).scratch::<Position, Cache>().scratch::<Velocity, Cache>();
    let refused = builder.build().unwrap_err().to_string();
    for part in ["Cache", "Position", "Velocity"] {
        assert!(refused.contains(part), "{refused}");
    }
}

/// The same scratch declared twice (by two plugins) is no panic.
#[test]
fn scratch_twice() {
    let built = catch_unwind(|| {
        base(Engine::in_memory()).scratch::<Position, Cache>().scratch::<Position, Cache>().build().map(drop)
    });
    assert!(built.is_ok(), "build panicked: {}", text(&*built.unwrap_err()));
}

/// T6: `Query<Entity>` sees resources' entities too; despawning what it gives must not stop the engine.
#[test]
fn despawn_whatever_entity() {
    let mut engine = spawn(base(Engine::in_memory()), 3)
        .system("clear", |all: Query<Entity>, mut structure: Structure| {
            for entity in &all {
                structure.despawn(entity);
            }
        })
        .build()
        .unwrap();
    engine.step().unwrap();
}

/// The same by `insert`.
#[test]
fn insert_into_whatever_entity() {
    let mut engine = spawn(base(Engine::in_memory()), 3)
        .system("tag", |all: Query<Entity>, mut structure: Structure| {
            for entity in &all {
                structure.insert(entity, Velocity(3.0));
            }
        })
        .build()
        .unwrap();
    engine.step().unwrap();
}

/// Registrations about types that are not registered are refused, not dropped.
#[test]
fn registrations_for_unregistered_types_are_refused() {
    let mut wrong = Vec::new();
    let mut check = |what: &str, builder: EngineBuilder| match catch_unwind(AssertUnwindSafe(|| {
        builder.build().map(drop)
    })) {
        Ok(Err(_)) => {}
        Ok(Ok(())) => wrong.push(format!("{what}: accepted")),
        Err(panic) => wrong.push(format!("{what}: panicked: {}", text(&*panic))),
    };
    check("on_change", base(Engine::in_memory()).on_change::<Sum>(|_, _| {}));
    check("strict", base(Engine::in_memory()).strict::<Sum>());
    check("upcast", base(Engine::in_memory()).upcast::<Sum>(1, |b| Ok(b.to_vec())));
    check("keep_copies", base(Engine::in_memory()).keep_copies::<Sum>());
    check("scratch", base(Engine::in_memory()).scratch::<Sum, Cache>());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A hook's panic in frame 2: frame 2 is named, and is not the committed one.
#[test]
fn hook_panic_names_its_frame() {
    let mut engine = spawn(base(Engine::in_memory()), 1)
        .system("s", |mut q: Query<Next<Position>>, clock: Clock| {
            for mut row in &mut q {
                if clock.frame() == 2 {
                    row.set(Position(-1.0));
                }
            }
        })
        .on_change::<Position>(|_, p| assert!(p.0 >= 0.0, "negative"))
        .build()
        .unwrap();
    engine.step().unwrap();
    let error = engine.step().unwrap_err().to_string();
    assert!(error.contains("frame 2"), "{error}");
    assert_eq!(engine.frame(), 1, "{error}");
}
