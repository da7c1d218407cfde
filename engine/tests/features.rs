//! What the features `store` and `threads` change, and that they change no bit of any world.

use diptych_engine::prelude::*;

#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
struct Place([f64; 2]);
#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
struct Heat(f32);
/// On one entity: a sum over all heat, in blocks.
#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
struct Total(f32);
/// Input: the frame that sends it.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Poke(u64);

/// Of more rows than a job of any parallel loop has.
const ROWS: u32 = 9_000;
const FRAMES: u64 = 50;
/// The world's digest at that frame, in every build, on any machine and number of threads. It may change only
/// with the digest's definition, the random numbers or the world below; say so in CHANGELOG.md then.
const PINNED: u128 = 0x3934_56d7_11fa_2af3_2802_a0e6_56fa_68ed;

fn drift(mut bodies: Query<(Id, Next<Place>, Prev<Heat>)>, random: Random, clock: Clock) {
    bodies.par_rows(|(id, mut place, heat)| {
        if !(id.bits() ^ clock.frame()).is_multiple_of(3) {
            let [x, y] = place.prev().0;
            let push = random.of(*id).unit() - 0.5;
            place.set(Place([x + push * clock.dt(), y * 0.875 + f64::from(heat.0) / (x * x + 1.0)]));
        }
    });
}

fn cool(mut heats: Query<Next<Heat>>) {
    heats.par_blocks(|mut block| {
        let (prev, next) = block.split();
        next.iter_mut().zip(prev).for_each(|(next, prev)| next.0 = prev.0 * 0.99 + 0.01);
    });
}

fn sum(mut totals: Query<Next<Total>>, mut heats: Query<Prev<Heat>>) {
    let heat = heats.reduce_blocks(|block| block.iter().map(|heat| heat.0).sum::<f32>(), |a, b| a + b);
    for mut total in &mut totals {
        total.set(Total(heat.unwrap_or(0.0) + total.prev().0 * 0.5));
    }
}

/// Spawns, moves between tables and despawns.
fn churn(
    bodies: Query<(Id, Prev<Place>), Without<Total>>,
    mut structure: Structure,
    random: Random,
    clock: Clock,
) {
    structure.spawn((Place([clock.frame() as f64, 1.0]), Heat(3.0)));
    for (id, place) in &bodies {
        match random.of(id).below(400) {
            0 => structure.despawn(id),
            1 => structure.remove::<Heat>(id),
            2 => structure.insert(id, Total(place.0[0] as f32)),
            _ => {}
        }
    }
}

fn world(builder: EngineBuilder) -> EngineBuilder {
    builder
        .state::<Place>("place", 1)
        .state::<Heat>("heat", 1)
        .state::<Total>("total", 1)
        .input::<Poke>("poke", 1, |world, Poke(frame)| {
            world.spawn((Heat(frame as f32), Place([0.5, frame as f64])));
        })
        .system("drift", drift)
        .system("cool", cool)
        .system("sum", sum)
        .system("churn", churn)
        .setup("setup", |structure| {
            structure.spawn((Total(0.0),));
            for n in 0..ROWS {
                structure.spawn((Place([f64::from(n), 1.0 / f64::from(n + 1)]), Heat(1.0 / (n + 7) as f32)));
            }
        })
        .seed(23)
        .dt(0.125)
}

/// Goes on to a frame, with an input in every third one.
fn drive(engine: &mut Engine, frame: u64) -> Digest {
    while engine.frame() < frame {
        if engine.frame().is_multiple_of(3) {
            engine.inputs().send("driver", &Poke(engine.frame())).expect("the queue has room");
        }
        engine.step().expect("the world makes frames");
    }
    engine.digest()
}

/// One number for all builds: run this file with each choice of features.
#[test]
fn the_digest_is_that_of_every_build() {
    let pinned = Digest(PINNED);
    assert_eq!(drive(&mut world(Engine::in_memory()).build().unwrap(), FRAMES), pinned, "all there is");
    let most = if cfg!(feature = "threads") { 4 } else { 1 };
    for threads in 1..=most {
        let mut engine = world(Engine::in_memory()).threads(threads).build().unwrap();
        assert_ne!(drive(&mut engine, FRAMES - 1), pinned, "the last frame changes nothing");
        assert_eq!(drive(&mut engine, FRAMES), pinned, "{threads} threads");
    }
}

/// The same through a store, in two pieces.
#[cfg(feature = "store")]
#[test]
fn the_digest_is_that_of_a_stored_world() {
    let dir = tempfile::tempdir().unwrap();
    drive(&mut world(Engine::open(dir.path())).build().unwrap(), FRAMES / 2);
    let mut engine = world(Engine::open(dir.path())).build().unwrap();
    assert_eq!(engine.frame(), FRAMES / 2);
    assert_eq!(drive(&mut engine, FRAMES), Digest(PINNED));
}

/// Without a store every committed frame counts as durable, as in memory; asking for more is refused by name.
#[test]
fn a_world_in_memory_answers_about_durability() {
    let mut engine = world(Engine::in_memory()).build().unwrap();
    engine.run(Pace::frames(2)).unwrap();
    assert_eq!((engine.durable_frame(), engine.flush().unwrap()), (2, 2));
    assert_eq!(engine.wait_durable(1, std::time::Duration::ZERO).unwrap(), 2);
    assert_eq!(engine.repaired(), None);
    let error = world(Engine::in_memory()).durability(Durability::Synced).build().unwrap_err().to_string();
    let says = if cfg!(feature = "store") { "Engine::open" } else { "the feature `store`" };
    assert!(error.contains("durability") && error.contains(says), "{error}");
}

/// More threads than the build can have are refused with what to do; one is always there.
#[test]
fn threads_that_cannot_be_had_are_refused() {
    assert!(world(Engine::in_memory()).threads(1).build().is_ok());
    let two = world(Engine::in_memory()).threads(2).build();
    if cfg!(feature = "threads") {
        assert!(two.is_ok(), "{two:?}");
    } else {
        let error = two.unwrap_err().to_string();
        assert!(error.contains("threads cannot be 2") && error.contains("feature `threads`"), "{error}");
    }
}

/// Whoever makes frames counts as the pool: a tick inside a tick and a lease inside a frame are refused, in a
/// system and in the commit's hooks; after the frame the thread is free again.
#[test]
fn a_tick_inside_a_tick_is_refused() {
    use std::sync::{Arc, Mutex};
    type Said = Arc<Mutex<Vec<String>>>;
    let said = Said::default();
    let inner = Arc::new(Mutex::new(world(Engine::in_memory()).build().unwrap()));
    let reader = inner.lock().unwrap().reader();
    let ask = {
        let (said, reader) = (said.clone(), reader.clone());
        move || {
            let tick = inner.lock().unwrap().step().expect_err("a frame cannot contain a frame").to_string();
            let lease = reader.read("nosy", |view| view.frame()).expect_err("no lease here").to_string();
            said.lock().unwrap().extend([tick, lease]);
        }
    };
    let hook = ask.clone();
    let mut outer = world(Engine::in_memory())
        .system("nested", move |_: Query<Prev<Total>>| ask())
        .on_change::<Total>(move |_, _| hook())
        .build()
        .unwrap();
    let setup = said.lock().unwrap().drain(..).count();
    assert!(setup > 0, "the setup's commit has hooks");
    outer.step().unwrap();
    let said = said.lock().unwrap();
    assert!(said.len() >= 4, "a system and a hook have asked: {said:?}");
    for pair in said.chunks(2) {
        assert!(pair[0].contains("inside a system") && pair[1].contains("Prev<T>"), "{pair:?}");
    }
    assert_eq!(reader.read("calm", |view| view.frame()).unwrap(), 0);
}
