//! What phases, controls and transient types once got wrong.

use super::*;
#[cfg(feature = "store")]
use diptych_engine::CONTROL_NAME_BYTES_MAX;

/// A part of a derive task that reads with `Now` what its main part owns would see values of two frames ago.
#[test]
fn now_beside_next_in_the_parts_of_a_task_is_refused() {
    fn own(mut q: Query<Next<Position>>, clock: Clock) {
        if clock.frame() < 3 {
            q.par_rows(|mut row| row.set(Position(row.prev().0 + 1.0)));
        }
    }
    fn peek(q: Query<Now<Position>>) {
        assert!(q.iter().all(|position| position.0.is_finite()));
    }
    for builder in [
        base(Engine::in_memory()).derive("own", own.prepare(peek)),
        base(Engine::in_memory()).derive("own", own.cleanup(peek)),
    ] {
        let refused = builder.build().map(|_| ()).unwrap_err().to_string();
        assert!(refused.contains("own") && refused.contains("Position"), "{refused}");
    }
}

/// Filters do not make a read of this frame's values and their writer disjoint either.
#[test]
fn now_beside_next_behind_filters_is_refused() {
    fn own(mut mine: Query<Next<Position>, With<Tag>>, others: Query<Now<Position>, Without<Tag>>) {
        let sum: f64 = others.iter().map(|position| position.0).sum();
        mine.par_rows(|mut row| row.set(Position(sum)));
    }
    let builder = base(Engine::in_memory()).state::<Tag>("tag", 1).derive("own", own);
    let refused = builder.build().map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("own") && refused.contains("Position"), "{refused}");
}

#[cfg(feature = "store")]
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Forget(u64);

#[cfg(feature = "store")]
fn controlled(builder: EngineBuilder) -> EngineBuilder {
    spawn(base(builder), 1)
        .input::<Forget>("forget", 1, |applier, _| {
            for id in applier.ids::<Control>() {
                applier.despawn(id);
            }
        })
        .system("move", |mut q: Query<Next<Position>>| {
            q.par_rows(|mut row| row.set(Position(row.prev().0 + 1.0)));
        })
}

/// A control that an input despawns ends for the running world as for a restarted one.
#[test]
#[cfg(feature = "store")]
fn a_control_that_is_gone_ends_at_once() {
    let play = |restart: bool| {
        let dir = tempfile::tempdir().unwrap();
        let mut engine = controlled(Engine::open(dir.path())).build().unwrap();
        engine.inputs().control("me", &Control::disable("move")).unwrap();
        engine.run(Pace::frames(3)).unwrap();
        engine.inputs().send("me", &Forget(0)).unwrap();
        engine.step().unwrap();
        if restart {
            drop(engine);
            engine = controlled(Engine::open(dir.path())).build().unwrap();
        }
        engine.run(Pace::frames(3)).unwrap();
        (engine.view().single::<Position>().copied(), engine.digest())
    };
    assert_eq!(play(false), play(true));
}

/// A control that a system spawns holds for the running world as for a restarted one.
#[test]
#[cfg(feature = "store")]
fn a_control_made_by_a_system_is_refused_or_holds() {
    let make = |builder: EngineBuilder| {
        controlled(builder).system("govern", |clock: Clock, mut structure: Structure| {
            if clock.frame() == 2 {
                structure.spawn((Control::disable("move"),));
            }
        })
    };
    let play = |restart: bool| {
        let dir = tempfile::tempdir().unwrap();
        let mut engine = make(Engine::open(dir.path())).build().unwrap();
        engine.run(Pace::frames(1)).unwrap();
        if engine.step().is_err() {
            return None;
        }
        if restart {
            drop(engine);
            engine = make(Engine::open(dir.path())).build().unwrap();
        }
        engine.run(Pace::frames(3)).unwrap();
        Some((engine.view().single::<Position>().copied(), engine.digest()))
    };
    assert_eq!(play(false), play(true));
}

/// A late system's panic comes after its frame is committed: that frame is there when the world is opened again.
#[test]
#[cfg(feature = "store")]
fn a_late_panic_loses_nothing_that_was_committed() {
    let make = |builder: EngineBuilder, bad: u64| {
        spawn(base(builder), 20_000)
            .system("move", |mut q: Query<Next<Position>>| {
                q.par_rows(|mut row| row.set(Position(row.prev().0 + 1.0)));
            })
            .late("look", move |clock: Clock| assert!(clock.committed() != bad, "as planned"))
    };
    let dir = tempfile::tempdir().unwrap();
    let mut engine = make(Engine::open(dir.path()), 3).build().unwrap();
    let failed = engine.run(Pace::frames(5)).unwrap_err();
    assert!(failed.to_string().contains("committed"), "{failed}");
    assert_eq!(engine.frame(), 3);
    drop(engine);
    let engine = make(Engine::open(dir.path()), 0).build().unwrap();
    assert_eq!(engine.frame(), 3);
}

/// A control takes effect in the frame after its input's, for late systems too.
#[test]
fn a_control_of_a_late_system_holds_from_the_next_frame_on() {
    use std::sync::{Arc, Mutex};
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    let mut engine = base(Engine::in_memory())
        .late("look", move |clock: Clock| noted.lock().unwrap().push(clock.committed()))
        .build()
        .unwrap();
    engine.step().unwrap();
    engine.inputs().control("me", &Control::disable("look")).unwrap();
    engine.step().unwrap();
    engine.step().unwrap();
    assert_eq!(*seen.lock().unwrap(), [1, 2]);
}

/// A value of a transient type survives for its one frame when its row moves to another table in that frame, and
/// is blank after it, in both slots.
#[test]
fn a_transient_value_moves_with_its_row() {
    let mut engine = base(Engine::in_memory())
        .transient::<Sum>("sum", 1)
        .state::<Tag>("tag", 1)
        .setup("setup", |structure| {
            for n in 0..10 {
                structure.spawn((Position(f64::from(n)), Sum(0.0)));
            }
        })
        .system("s", |mut q: Query<(Id, Next<Sum>)>, clock: Clock, mut structure: Structure| {
            if clock.frame() == 2 {
                for (place, (id, mut sum)) in q.iter_mut().enumerate() {
                    sum.set(Sum(1.0));
                    match place % 3 {
                        0 => {
                            structure.insert(id, Tag);
                        }
                        1 => {
                            structure.remove::<Position>(id);
                        }
                        _ => {}
                    }
                }
            }
        })
        .build()
        .unwrap();
    let sums = |engine: &Engine| engine.view().iter::<Sum>().map(|(_, sum)| sum.0).sum::<f64>();
    let mut found = Vec::new();
    for _ in 0..5 {
        engine.step().unwrap();
        found.push(sums(&engine));
    }
    assert_eq!(found, [0.0, 10.0, 0.0, 0.0, 0.0]);
}

/// Only `PREVIOUS` and `THIS_FRAME` are kinds of `Changes`: no other looks at what a wave is writing.
#[test]
fn changes_of_no_kind_are_refused_in_the_wave() {
    fn watch(changes: Changes<Position, 2>) {
        assert!(changes.is_empty());
    }
    let refused =
        base(Engine::in_memory()).system("watch", watch).build().map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("watch") && refused.contains("Position"), "{refused}");
}

#[cfg(feature = "store")]
#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
struct Wide([f64; 2]);

/// A new version of a plain-old-data transient type whose rows have another size, opened again and again before
/// its next frame, and with messages of the last frame under way.
#[test]
#[cfg(feature = "store")]
fn a_transient_type_grows_between_two_frames() {
    let dir = tempfile::tempdir().unwrap();
    fn write(mut q: Query<(Id, Next<Sum>)>, mut outbox: Outbox<Velocity>) {
        for (id, mut sum) in &mut q {
            if id.bits() % 2 == 0 {
                sum.set(Sum(7.0));
                outbox.from(id).to(id, Velocity(1.0));
            }
        }
    }
    fn read(mut q: Query<Next<Position>>, inbox: Inbox<Velocity>) {
        inbox.deliver(&mut q, |mut row, mail| row.set(Position(mail.len() as f64 + 100.0)));
    }
    let builder = || base(Engine::open(dir.path())).message::<Velocity>("push", 1).system("read", read);
    let mut engine = builder()
        .transient::<Sum>("sum", 1)
        .setup("setup", |structure| {
            (0..200).for_each(|n| {
                structure.spawn((Position(f64::from(n)), Sum(0.0)));
            });
        })
        .system("write", write)
        .build()
        .unwrap();
    engine.step().unwrap();
    drop(engine);
    let again = || {
        builder().transient::<Wide>("sum", 2).upcast::<Wide>(1, |bytes| Ok([bytes, bytes].concat())).build()
    };
    let seen =
        |engine: &Engine| engine.view().iter::<Wide>().map(|(_, wide)| wide.0[0] + wide.0[1]).sum::<f64>();
    let mut digests = Vec::new();
    for _ in 0..3 {
        let mut engine = again().unwrap();
        assert_eq!(seen(&engine), 100.0 * 14.0);
        digests.push(engine.digest());
    }
    digests.dedup();
    assert_eq!(digests.len(), 1);
    let mut engine = again().unwrap();
    engine.step().unwrap();
    assert_eq!(seen(&engine), 0.0);
    let pushed = engine.view().iter::<Position>().filter(|(_, position)| position.0 == 101.0).count();
    assert!(pushed >= 100, "{pushed}");
}

/// A control with an endless name, which no input can bring, does not keep the world from being opened again.
#[test]
#[cfg(feature = "store")]
fn a_control_with_a_long_name_does_not_close_the_world() {
    let make = |path: &std::path::Path| {
        controlled(Engine::open(path)).system("govern", |clock: Clock, mut structure: Structure| {
            if clock.frame() == 1 {
                structure.spawn((Control::disable(&"x".repeat(CONTROL_NAME_BYTES_MAX + 1)),));
            }
        })
    };
    let dir = tempfile::tempdir().unwrap();
    let mut engine = make(dir.path()).build().unwrap();
    let made = engine.step();
    drop(engine);
    let opened = make(dir.path()).build().map(|engine| engine.frame());
    assert_eq!(opened.map_err(|error| error.to_string()), Ok(u64::from(made.is_ok())));
}
