//! The frame contract on small worlds, through the engine's public API.

use diptych_engine::prelude::*;

#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
struct Position(f64);
#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
struct Velocity(f64);

fn drift(mut bodies: Query<(Next<Position>, Prev<Velocity>)>, clock: Clock) {
    bodies.par_rows(|(mut position, velocity)| {
        position.set(Position(position.prev().0 + velocity.0 * clock.dt()));
    });
}

fn builder(builder: EngineBuilder) -> EngineBuilder {
    builder
        .state::<Position>("motion.position", 1)
        .state::<Velocity>("motion.velocity", 1)
        .system("drift", drift)
        .setup("setup", |structure| {
            for n in 0..1000 {
                structure.spawn((Position(f64::from(n)), Velocity(1.0)));
            }
        })
        .dt(0.5)
}

/// Positions move by velocity times dt, on any number of threads, stored or not, in one go or in pieces.
#[test]
fn drift_is_the_same_everywhere() {
    let mut digests = Vec::new();
    let counts: &[usize] = if cfg!(feature = "threads") { &[1, 2, 4] } else { &[1] };
    for threads in counts.iter().copied() {
        let mut engine = builder(Engine::in_memory()).threads(threads).build().unwrap();
        engine.run(Pace::frames(100)).unwrap();
        let sum: f64 = engine.view().iter::<Position>().map(|(_, position)| position.0).sum();
        assert_eq!(sum, 499_500.0 + 50_000.0);
        digests.push(engine.digest());
    }
    #[cfg(feature = "store")]
    digests.push(stored_in_pieces());
    assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
}

/// The digest after four runs of 25 frames, each in a world that was opened again.
#[cfg(feature = "store")]
fn stored_in_pieces() -> Digest {
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..4 {
        let mut engine = builder(Engine::open(dir.path())).build().unwrap();
        engine.run(Pace::frames(25)).unwrap();
        assert_eq!(engine.flush().unwrap(), engine.frame());
    }
    let mut engine = builder(Engine::open(dir.path())).build().unwrap();
    assert_eq!(engine.frame(), 100);
    engine.digest()
}

/// Every `Structure` of a system, also of its `prepare`, gives out `Id`s of its own.
#[test]
fn two_structures_in_one_system_share_no_ids() {
    let two = |mut first: Structure, mut second: Structure| {
        first.spawn((Position(1.0),));
        second.spawn((Position(2.0),));
    };
    let before = |mut structure: Structure| {
        structure.spawn((Position(0.0),));
    };
    let mut engine = Engine::in_memory()
        .state::<Position>("motion.position", 1)
        .system("two", two.prepare(before))
        .build()
        .unwrap();
    engine.run(Pace::frames(3)).unwrap();
    let positions: Vec<f64> = engine.view().iter::<Position>().map(|(_, position)| position.0).collect();
    assert_eq!(positions, [0.0, 1.0, 2.0, 0.0, 1.0, 2.0, 0.0, 1.0, 2.0]);
}
