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

#[derive(Clone, PartialEq, Debug)]
struct Strict(u32);
struct Four;
impl Codec<Strict> for Four {
    fn encode(value: &Strict, out: &mut Vec<u8>) {
        out.extend_from_slice(&value.0.to_le_bytes());
    }
    fn decode(bytes: &[u8]) -> std::result::Result<Strict, CodecError> {
        Ok(Strict(u32::from_le_bytes(bytes.try_into().map_err(|_| CodecError::new("four bytes"))?)))
    }
    fn blank() -> Option<Strict> {
        Some(Strict(0))
    }
}

fn emptied(builder: EngineBuilder) -> EngineBuilder {
    base(builder)
        .state_with::<Strict, Four>("strict", 1)
        .setup("setup", |structure| {
            structure.spawn((Velocity(1e16), Strict(1)));
            structure.spawn((Velocity(-1e16),));
            structure.spawn((Velocity(1.0), Position(0.0)));
        })
        .system("s", |bodies: Query<(Id, Prev<Strict>)>, clock: Clock, mut structure: Structure| {
            if clock.frame() == 1 {
                for (id, _) in &bodies {
                    structure.despawn(id);
                }
            }
            if clock.frame() == 5 {
                structure.spawn((Velocity(1e16), Strict(1)));
            }
        })
        .state::<Sum>("sum", 1)
        .setup("sum", |structure| {
            structure.spawn((Sum(0.0),));
        })
        .system("sum", |mut sums: Query<Next<Sum>>, mut all: Query<Prev<Velocity>>| {
            let total = all.reduce_blocks(|b| b.iter().map(|v| v.0).sum::<f64>(), |a, b| a + b);
            for mut sum in &mut sums {
                sum.set(Sum(total.unwrap_or(0.0)));
            }
        })
}

/// A table of a coded type that has lost all its rows; the world opens again and gives a digest.
#[test]
fn emptied_coded_table_opens_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = emptied(Engine::open(dir.path())).build().unwrap();
    engine.run(Pace::frames(3)).unwrap();
    let digest = engine.digest();
    drop(engine);
    let mut engine = emptied(Engine::open(dir.path())).build().unwrap();
    assert_eq!(engine.digest(), digest);
}

/// And sums over tables go on in the same order, when rows come back.
#[test]
fn emptied_coded_table_keeps_its_place() {
    let mut whole = emptied(Engine::in_memory()).digest(DigestPolicy::OnDemand).build().unwrap();
    for _ in 0..8 {
        whole.step().unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    let open = || emptied(Engine::open(dir.path())).digest(DigestPolicy::OnDemand).build().unwrap();
    let mut engine = open();
    for _ in 0..3 {
        engine.step().unwrap();
    }
    engine.flush().unwrap();
    drop(engine);
    let mut engine = open();
    for _ in 0..5 {
        engine.step().unwrap();
    }
    let sum = |engine: &Engine| engine.view().single::<Sum>().copied();
    assert_eq!(sum(&engine), sum(&whole));
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

/// A type without rows gets a new version; the world goes on and opens again.
#[test]
fn upgrade_of_a_type_without_rows() {
    let dir = tempfile::tempdir().unwrap();
    let open = |version| {
        spawn(base(Engine::open(dir.path())), 3)
            .state::<Sum>("sum", version)
            .upcast::<Sum>(1, |b| Ok(b.to_vec()))
            .system("s", |mut q: Query<Next<Position>>| {
                for mut row in &mut q {
                    let next = row.prev().0 + 1.0;
                    row.set(Position(next));
                }
            })
            .build()
    };
    let mut engine = open(1).unwrap();
    engine.run(Pace::frames(3)).unwrap();
    drop(engine);
    let mut engine = open(2).unwrap();
    engine.run(Pace::frames(3)).unwrap();
    let digest = engine.digest();
    drop(engine);
    let mut engine = open(2).unwrap();
    assert_eq!((engine.frame(), engine.digest()), (6, digest));
}

/// A state of no bytes is a tag; it is stored and comes back.
#[test]
fn a_tag_of_no_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let open = || {
        spawn(base(Engine::open(dir.path())), 3)
            .state::<Tag>("tag", 1)
            .system("s", |q: Query<(Id, Prev<Position>)>, changed: Changes<Tag>, mut structure: Structure| {
                if changed.is_empty() {
                    for (id, _) in &q {
                        structure.insert(id, Tag);
                    }
                } else {
                    for (id, _) in &q {
                        structure.remove::<Tag>(id);
                    }
                }
            })
            .build()
            .unwrap()
    };
    for _ in 0..5 {
        let mut engine = open();
        engine.run(Pace::frames(3)).unwrap();
    }
    let mut whole = open();
    assert_eq!(whole.frame(), 15);
    assert_eq!(whole.view().iter::<Tag>().count(), 3);
    let _ = whole.digest();
}

/// The name of the column of ids is taken.
#[test]
fn reserved_name() {
    let dir = tempfile::tempdir().unwrap();
    let open = || {
        base(Engine::open(dir.path()))
            .state::<Sum>("diptych.id", 1)
            .setup("setup", |structure| {
                structure.spawn((Sum(1.0),));
                structure.spawn((Sum(2.0), Position(1.0)));
            })
            .build()
    };
    let Ok(mut engine) = open() else { return };
    let digest = engine.digest();
    drop(engine);
    let again = catch_unwind(AssertUnwindSafe(|| open().map(|mut engine| engine.digest())));
    match again {
        Ok(Ok(again)) => assert_eq!(again, digest),
        Ok(Err(error)) => panic!("accepted, then refused: {error}"),
        Err(panic) => panic!("accepted, then a panic: {}", text(&*panic)),
    }
}
