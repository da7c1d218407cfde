//! Structure, inputs, checkpoints and failures over frames.

use super::*;

/// An entity that lost a type, then quiet frames, then a restart: nobody hears of the loss twice.
#[test]
fn removals_are_heard_once() {
    let make = |builder: EngineBuilder| {
        spawn(base(builder), 3)
            .state::<Sum>("sum", 1)
            .setup("sum", |structure| {
                structure.spawn((Sum(0.0),));
            })
            .system("s", |q: Query<(Id, Prev<Position>)>, clock: Clock, mut structure: Structure| {
                if clock.frame() == 2 {
                    for (id, _) in &q {
                        structure.remove::<Position>(id);
                    }
                }
            })
            .system("count", |mut q: Query<Next<Sum>>, removed: Removed<Position>| {
                for mut row in &mut q {
                    let n = removed.ids().len() as f64;
                    if n > 0.0 {
                        let next = row.prev().0 + n;
                        row.set(Sum(next));
                    }
                }
            })
    };
    let dir = tempfile::tempdir().unwrap();
    for pieces in [1, 1, 1, 1, 1, 1] {
        let mut engine = make(Engine::open(dir.path())).build().unwrap();
        for _ in 0..pieces {
            engine.step().unwrap();
        }
    }
    let engine = make(Engine::open(dir.path())).build().unwrap();
    assert_eq!(engine.view().single::<Sum>(), Some(&Sum(3.0)));
}

/// What `inspect` computes from the stored bytes is the digest of the engine, in a frame that is no multiple of 60.
#[test]
fn inspect_gives_the_digest_of_the_engine() {
    let dir = tempfile::tempdir().unwrap();
    let mut engine = spawn(base(Engine::open(dir.path())), 3)
        .system("s", |mut q: Query<Next<Position>>| {
            for mut row in &mut q {
                let next = row.prev().0 + 1.0;
                row.set(Position(next));
            }
        })
        .build()
        .unwrap();
    engine.run(Pace::frames(7)).unwrap();
    let digest = engine.digest().0;
    drop(engine);
    let report = diptych_engine::store::inspect(dir.path(), None);
    let shown = format!("{report:?}");
    assert!(shown.contains(&digest.to_string()), "no digest of frame 7");
}

/// A negative zero, or f32 sums, whatever: a packed writer that leaves rows alone depends on restarts.
#[test]
fn an_unwritten_place_of_a_split_does_not_depend_on_restarts() {
    let make = |builder: EngineBuilder| {
        spawn(base(builder), 2).system("s", |mut q: Query<Next<Position>>, clock: Clock| {
            q.blocks(|mut block| {
                let (prev, next) = block.split();
                next[0].0 = prev[0].0 + 1.0;
                if clock.frame() % 2 == 1 {
                    next[1].0 = prev[1].0 + 1.0;
                }
            });
        })
    };
    let mut whole = make(Engine::in_memory()).build().unwrap();
    whole.run(Pace::frames(4)).unwrap();
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..4 {
        make(Engine::open(dir.path())).build().unwrap().run(Pace::frames(1)).unwrap();
    }
    let mut pieces = make(Engine::open(dir.path())).build().unwrap();
    assert_eq!(whole.digest(), pieces.digest());
}

/// Rows set twice through blocks are reported in debug builds too.
#[test]
fn twice_through_blocks() {
    let mut engine = spawn(base(Engine::in_memory()), 2)
        .system("s", |mut q: Query<Next<Position>>| {
            q.blocks(|mut block| {
                block.set(0, Position(1.0));
                block.set(0, Position(2.0));
            });
        })
        .build()
        .unwrap();
    engine.step().unwrap();
    if cfg!(debug_assertions) {
        assert_eq!(engine.stats().rows_set_twice, 1);
    }
}

#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
struct Wide([u64; 64]);

fn churn(builder: EngineBuilder) -> EngineBuilder {
    base(builder)
        .state::<Wide>("wide", 1)
        .seed(7)
        .setup("setup", |structure| {
            for n in 0..3000_u64 {
                structure.spawn((Wide([n; 64]), Velocity(n as f64)));
            }
        })
        .system("write", |mut q: Query<(Id, Next<Wide>)>, random: Random| {
            for (id, mut row) in &mut q {
                let mut stream = random.of(id);
                if stream.below(2) == 0 {
                    let mut next = *row.prev();
                    next.0[stream.below(64) as usize] = stream.bits();
                    row.set(next);
                }
            }
        })
        .system(
            "churn",
            |q: Query<(Id, Option<Prev<Position>>, Prev<Wide>)>, random: Random, mut s: Structure| {
                for (id, position, wide) in &q {
                    match (random.of(id).below(40), position) {
                        (0, _) => s.despawn(id),
                        (1, None) => s.insert(id, Position(wide.0[3] as f64)),
                        (1, Some(_)) => s.remove::<Position>(id),
                        (2, _) => drop(s.spawn((*wide, Velocity(2.0)))),
                        (3, _) => s.remove::<Velocity>(id),
                        (4, _) => s.insert(id, Velocity(wide.0[5] as f64)),
                        _ => {}
                    }
                }
            },
        )
        .system("sum", |mut sums: Query<Next<Sum>>, changed: Changes<Velocity>, gone: Removed<Position>| {
            for mut sum in &mut sums {
                let next =
                    sum.prev().0 * 3.0 + changed.entities().len() as f64 + gone.ids().len() as f64 * 0.5;
                sum.set(Sum(next % 1e9));
            }
        })
        .state::<Sum>("sum", 1)
        .setup("sum", |structure| {
            structure.spawn((Sum(0.0),));
        })
        .digest(DigestPolicy::OnDemand)
}

/// Checkpoints that go on while structure moves rows, in pieces of every length.
#[test]
fn checkpoints_under_churn() {
    let mut whole = churn(Engine::in_memory()).build().unwrap();
    let dir = tempfile::tempdir().unwrap();
    for piece in [60, 1, 7, 30, 2, 45, 3, 61, 1, 1, 20, 33] {
        let mut engine = churn(Engine::open(dir.path())).threads(2).build().unwrap();
        for _ in 0..piece {
            engine.step().unwrap();
            whole.step().unwrap();
        }
        let digest = engine.digest();
        assert_eq!(digest, whole.digest(), "frame {}", engine.frame());
        drop(engine);
        let mut engine = churn(Engine::open(dir.path())).build().unwrap();
        assert_eq!((engine.frame(), engine.digest()), (whole.frame(), digest), "reopened");
    }
}

/// A strict type's uncovered row leaves the last good frame.
#[test]
fn strict_rows_and_refusals_leave_the_last_good_frame() {
    let mut engine = spawn(base(Engine::in_memory()), 3)
        .strict::<Position>()
        .system("s", |mut q: Query<Next<Position>>, clock: Clock| {
            for mut row in &mut q {
                if clock.frame() < 2 {
                    row.carry();
                }
            }
        })
        .build()
        .unwrap();
    engine.step().unwrap();
    assert!(engine.step().is_err());
    assert_eq!(engine.frame(), 1);
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Poke(u64);

/// Inputs over packed writes and structure; the cached page sums stay fresh.
#[test]
fn inputs_and_owner_in_one_frame() {
    // Owner sets every second frame; the input sets in between and in the same commit; digest is fresh.
    let make = || {
        spawn(base(Engine::in_memory()), 130)
            .input::<Poke>("poke", 1, |applier, poke| {
                let id = Id::from_bits(poke.0);
                applier.set(id, Position(-5.0));
                if poke.0 % 3 == 0 {
                    applier.insert(id, Sum(1.0));
                }
                if poke.0 % 5 == 0 {
                    applier.remove::<Sum>(id);
                    applier.remove::<Velocity>(id);
                }
                if poke.0 % 7 == 0 {
                    applier.despawn(id);
                }
            })
            .state::<Sum>("sum", 1)
            .system("s", |mut q: Query<Next<Position>>, clock: Clock| {
                if clock.frame().is_multiple_of(2) {
                    q.par_blocks(|mut b| {
                        let (prev, next) = b.split();
                        next.iter_mut().zip(prev).for_each(|(n, p)| n.0 = p.0 + 1.0);
                    });
                }
            })
    };
    let mut every = make().digest(DigestPolicy::Every(1)).build().unwrap();
    let mut late = make().digest(DigestPolicy::OnDemand).build().unwrap();
    let ids: Vec<u64> = every.view().iter::<Position>().map(|(id, _)| id.bits()).collect();
    for (n, id) in ids.iter().enumerate() {
        for engine in [&mut every, &mut late] {
            engine.inputs().send("test", &Poke(*id)).unwrap();
            engine.step().unwrap();
        }
        if n % 40 == 39 {
            assert_eq!(every.digest(), late.digest(), "frame {}", every.frame());
        }
    }
    assert_eq!(every.digest(), late.digest());
}

/// A very slow pace is no panic.
#[test]
fn a_slow_pace() {
    let ran = catch_unwind(|| {
        let mut engine = spawn(base(Engine::in_memory()), 1).build().unwrap();
        let stop = StopSignal::new();
        let other = stop.clone();
        std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(200));
            other.stop();
        });
        engine.run(Pace::hz(1e-30).until(&stop)).map(drop)
    });
    assert!(ran.is_ok(), "{}", text(&*ran.unwrap_err()));
}

/// What a setup or a hook of frame 0 does wrong is an error of `build`, as in any later frame.
#[test]
fn panics_in_frame_0() {
    let built = catch_unwind(|| {
        spawn(base(Engine::in_memory()), 1).on_add::<Position>(|_, _| panic!("oops")).build().map(drop)
    });
    assert!(built.is_ok(), "build panicked: {}", text(&*built.unwrap_err()));
}

/// After a failed commit, what is not committed is not seen.
#[test]
fn a_failed_commit_is_not_seen() {
    let mut engine = spawn(base(Engine::in_memory()), 1)
        .system("s", |mut q: Query<Next<Position>>, clock: Clock| {
            for mut row in &mut q {
                row.set(Position(clock.frame() as f64 * 100.0));
            }
        })
        .system("t", |q: Query<(Id, Prev<Position>)>, clock: Clock, mut s: Structure| {
            if clock.frame() == 2 {
                for (id, _) in &q {
                    s.remove::<Velocity>(id);
                    s.insert(id, Position(7.0)); // owned by "s": refused
                }
            }
        })
        .build()
        .unwrap();
    engine.step().unwrap();
    assert!(engine.step().unwrap_err().to_string().contains("owns"), "the insert is refused");
    assert_eq!(engine.frame(), 1);
    let read = engine.reader().read("test", |view| view.frame());
    assert!(read.is_err(), "what a failed commit left is not shown: {read:?}");
    assert!(engine.step().unwrap_err().to_string().contains("stopped at frame 1"));
}

/// T22 (passes): `Every(0)`.
#[test]
fn durability_every_0_works() {
    let dir = tempfile::tempdir().unwrap();
    let built = catch_unwind(AssertUnwindSafe(|| {
        spawn(base(Engine::open(dir.path())), 1).durability(Durability::Every(0)).build().and_then(|mut e| {
            e.run(Pace::frames(3))?;
            e.flush()
        })
    }));
    let built = built.expect("no panic");
    assert_eq!(built.expect("a sync every 0 frames is one at the flush"), 3);
}
