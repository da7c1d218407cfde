//! Structure, inputs, checkpoints and failures over frames.

use super::*;

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

/// A parameter that finds nothing skips its system, which so does not run: its strict type is carried.
#[test]
fn a_skipped_owner_of_a_strict_type_carries() {
    #[derive(Clone, Copy, Pod, Zeroable)]
    #[repr(C)]
    struct Strict(u64);
    fn own(mut all: Query<Next<Strict>>, _one: bevy_ecs::prelude::Single<Prev<Tag>>) {
        (&mut all).into_iter().for_each(|mut value| value.set(Strict(value.prev().0 + 1)));
    }
    let mut engine = Engine::in_memory()
        .state::<Strict>("strict", 1)
        .strict::<Strict>()
        .state::<Tag>("tag", 1)
        .system("own", own)
        .setup("setup", |structure| {
            structure.spawn((Strict(3),));
        })
        .build()
        .unwrap();
    engine.run(Pace::frames(3)).unwrap();
    assert_eq!(engine.view().single::<Strict>().map(|value| value.0), Some(3));
}
