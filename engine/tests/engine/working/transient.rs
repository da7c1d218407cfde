//! A transient value is read in one frame, then its row is blank; digest, store and threads agree on it.

use super::Count;
use bytemuck::{Pod, Zeroable};
use diptych_engine::prelude::*;

/// What happened in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Shout(u64);

/// What was heard, summed up.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Heard(u64);

/// Every third row shouts in every second frame.
fn shout(mut rows: Query<(Id, Next<Shout>)>, clock: Clock) {
    rows.par_rows(|(id, mut shout)| {
        if id.bits().wrapping_add(clock.frame()) % 6 == 0 {
            shout.set(Shout(clock.frame()));
        } else if id.bits() % 6 == 1 {
            shout.set(Shout(7));
            shout.carry();
        }
    });
}

fn hear(mut rows: Query<(Next<Heard>, Prev<Shout>)>, fresh: Query<Id, Changed<Shout>>) {
    let loud = fresh.iter().count() as u64;
    for (mut heard, shout) in &mut rows {
        heard.set_if_changed(Heard(heard.prev().0 + shout.0 * loud));
    }
}

fn world(builder: EngineBuilder) -> Engine {
    builder
        .transient::<Shout>("test.shout", 1)
        .state::<Heard>("test.heard", 1)
        .state::<Count>("test.count", 1)
        .input::<Shout>("test.cry", 1, |applier, shout| {
            for id in applier.ids::<Shout>().into_iter().take(2) {
                applier.set(id, shout);
            }
        })
        .setup("test.setup", |structure| {
            for n in 0..200 {
                structure.spawn((Shout(n), Heard(0)));
            }
        })
        .system("shout", shout)
        .system("hear", hear)
        .system("move", |rows: Query<Id, With<Shout>>, mut structure: Structure, clock: Clock| {
            let frame = clock.frame();
            for (n, id) in rows.iter().enumerate() {
                match (n as u64 + frame) % 40 {
                    0 => structure.despawn(id),
                    1 => structure.insert(id, Count(frame)),
                    2 => structure.remove::<Count>(id),
                    3 => drop(structure.spawn((Shout(frame * 10), Heard(0)))),
                    4 => structure.remove::<Shout>(id),
                    _ => {}
                }
            }
        })
        .digest(DigestPolicy::Every(1))
        .build()
        .expect("a sound world")
}

/// Each frame's rows that are not blank, and the digest.
fn play(engine: &mut Engine, frames: u64) -> Vec<(u64, usize, Digest)> {
    (0..frames)
        .map(|_| {
            if engine.frame() % 5 == 3 {
                engine.inputs().send("test", &Shout(engine.frame())).expect("room");
            }
            engine.step().expect("a frame");
            let set = engine.view().iter::<Shout>().filter(|(_, shout)| shout.0 != 0).count();
            (engine.frame(), set, engine.digest())
        })
        .collect()
}

#[test]
fn what_is_not_set_is_blank_in_the_next_frame() {
    let mut engine = Engine::in_memory()
        .transient::<Shout>("test.shout", 1)
        .setup("test.setup", |structure| {
            structure.spawn((Shout(5),));
        })
        .system("shout", |mut rows: Query<Next<Shout>>, clock: Clock| {
            for mut row in &mut rows {
                match clock.frame() {
                    3 | 4 => assert!(row.set_if_changed(Shout(9)), "the same value twice is two values"),
                    6 => row.set(Shout(1)),
                    _ => {}
                }
            }
        })
        .build()
        .expect("a sound world");
    let mut seen = vec![engine.view().single::<Shout>().expect("a row").0];
    for _ in 0..8 {
        engine.step().expect("a frame");
        seen.push(engine.view().single::<Shout>().expect("a row").0);
    }
    assert_eq!(seen, [5, 0, 0, 9, 9, 0, 1, 0, 0]);
}

#[test]
fn threads_and_reopening_change_nothing() {
    let whole = play(&mut world(Engine::in_memory().threads(1)), 90);
    assert!(whole.iter().any(|(_, set, _)| *set > 20), "somebody shouts");
    for threads in [2, 4, 8].into_iter().filter(|_| cfg!(feature = "threads")) {
        assert_eq!(play(&mut world(Engine::in_memory().threads(threads)), 90), whole, "{threads} threads");
    }
    #[cfg(feature = "store")]
    {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("world");
        let mut pieces = Vec::new();
        for frames in [1, 2, 3, 24, 30, 1, 29] {
            pieces.extend(play(&mut world(Engine::open(&path)), frames));
        }
        let differs = pieces.iter().zip(&whole).find(|(piece, whole)| piece != whole);
        assert_eq!(differs, None, "reopened six times");
        assert_eq!(pieces.len(), whole.len());
    }
}
