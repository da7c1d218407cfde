//! Entity views by name, and values that are fresh, through the engine's public API.

#![forbid(unsafe_code)]

use bevy_ecs::component::Component;
use diptych_engine::prelude::*;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

macro_rules! pods {
    ($($name:ident),+) => {
        $(#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
        #[repr(C)]
        struct $name(u64);)+
    };
}

mod fresh;

pods!(Load, Position, Gate);

#[derive(Component, Clone, Copy, Default)]
struct Trips(u64);

entity_view! {
    /// A cart, as the system that loads it sees it.
    struct Cart {
        id: Id,
        entity: Entity,
        load: Next<Load>,
        position: Prev<Position>,
        gate: Option<Prev<Gate>>,
        stands: Has<Gate>,
    }

    /// The same without what has no packed form, and with parts of parts.
    struct Nested {
        inner: Named<Cart<'static, 'static>>,
        pair: (Id, Prev<Position>),
    }

    struct Tripping { load: Next<Load>, trips: Plain<&'static mut Trips> }

    struct Looked { load: Prev<Load>, position: Prev<Position> }
}

const ROWS: u64 = 10_000;

fn base() -> EngineBuilder {
    Engine::in_memory()
        .state::<Load>("load", 1)
        .state::<Position>("position", 1)
        .state::<Gate>("gate", 1)
        .scratch::<Load, Trips>()
        .setup("setup", |structure| {
            for n in 0..ROWS {
                if n % 3 == 0 {
                    structure.spawn((Load(n), Position(n * 7), Gate(n + 1)));
                } else {
                    structure.spawn((Load(n), Position(n * 7)));
                }
            }
        })
}

fn hauled(id: Id, load: u64, position: u64, gate: Option<u64>) -> Load {
    Load(load.rotate_left(5) ^ position.wrapping_add(gate.unwrap_or(9)) ^ id.bits())
}

fn haul(cart: &mut Cart) {
    assert_eq!(cart.stands, cart.gate.is_some());
    let next = hauled(cart.id, cart.load.prev().0, cart.position.0, cart.gate.map(|gate| gate.0));
    cart.load.set(next);
}

type Tuple = (Id, Next<Load>, Prev<Position>, Option<Prev<Gate>>);

fn by_tuple(mut carts: Query<Tuple>) {
    for (id, mut load, position, gate) in &mut carts {
        let next = hauled(id, load.prev().0, position.0, gate.map(|gate| gate.0));
        load.set(next);
    }
}

fn by_for(mut carts: Query<Named<Cart>>) {
    for mut cart in &mut carts {
        haul(&mut cart);
    }
}

fn by_get(mut carts: Query<Named<Cart>>) {
    let entities: Vec<Entity> = carts.iter().map(|cart| cart.entity).collect();
    for entity in entities {
        haul(&mut carts.get_mut(entity).unwrap());
    }
}

fn by_visit(mut carts: Query<Named<Cart>>) {
    let entities: Vec<Entity> = carts.iter().map(|cart| cart.entity).collect();
    carts.visit(entities, |mut cart| haul(&mut cart));
}

fn by_par_rows(mut carts: Query<Named<Cart>>) {
    carts.par_rows(|mut cart| haul(&mut cart));
}

fn by_par_rows_with(mut carts: Query<Named<Cart>>, mut structure: Structure) {
    carts.par_rows_with(&mut structure, |mut cart, _| haul(&mut cart));
}

fn by_par_blocks(mut carts: Query<Named<Cart>>) {
    carts.par_blocks(|block| {
        let Cart { id, mut load, position, gate, .. } = block.named();
        let (prev, next) = load.split();
        for (row, next) in next.iter_mut().enumerate() {
            *next = hauled(id[row], prev[row].0, position[row].0, gate.map(|gate| gate[row].0));
        }
    });
}

fn by_nested(mut carts: Query<Named<Nested>>) {
    carts.par_rows(|mut cart| {
        assert_eq!(cart.pair.0, cart.inner.id);
        assert_eq!(cart.pair.1, cart.inner.position);
        haul(&mut cart.inner);
    });
}

/// Every loop over a view does what the loop over the tuple of its parts does, on any number of threads.
#[test]
fn loops_over_views_do_what_loops_over_tuples_do() {
    let run = |name: &str, builder: EngineBuilder| {
        let mut engine = builder.build().unwrap();
        engine.run(Pace::frames(5)).unwrap();
        (name.to_owned(), engine.digest())
    };
    let idle = run("idle", base().threads(1)).1;
    let tuple = run("tuple", base().system("haul", by_tuple).threads(1)).1;
    assert_ne!(idle, tuple, "the reference changes the world");
    for threads in [1, 2, 4].into_iter().filter(|count| cfg!(feature = "threads") || *count == 1) {
        let base = || base().threads(threads);
        for (name, digest) in [
            run("for", base().system("haul", by_for)),
            run("get", base().system("haul", by_get)),
            run("visit", base().system("haul", by_visit)),
            run("par_rows", base().system("haul", by_par_rows)),
            run("par_rows_with", base().system("haul", by_par_rows_with)),
            run("par_blocks", base().system("haul", by_par_blocks)),
            run("nested", base().system("haul", by_nested)),
        ] {
            assert_eq!(digest, tuple, "{name} on {threads} threads");
        }
    }
}

/// A shared query hands out the same names, read only; sums over views are those over tuples.
#[test]
fn shared_views_and_sums() {
    static SUMS: Mutex<Vec<[u64; 4]>> = Mutex::new(Vec::new());
    fn look(mut looked: Query<Named<Looked>>, carts: Query<Named<Cart>>) {
        let plus = |a: u64, b: u64| a.wrapping_add(b);
        let shared = carts.iter().map(|cart| cart.load.0 ^ cart.position.0).fold(0, plus);
        let one = looked.iter().map(|row| row.load.0 ^ row.position.0).fold(0, plus);
        let blocks = looked.reduce_blocks(
            |block| {
                let row = block.named();
                row.load.iter().zip(row.position).map(|(load, position)| load.0 ^ position.0).fold(0, plus)
            },
            plus,
        );
        let expected = (0..ROWS).map(|n| n ^ (n * 7)).fold(0, plus);
        SUMS.lock().unwrap().push([shared, one, blocks.unwrap(), expected]);
    }
    let mut engine = base().system("look", look).build().unwrap();
    engine.run(Pace::frames(1)).unwrap();
    let sums = SUMS.lock().unwrap();
    assert_eq!(sums.len(), 1);
    assert!(sums[0].iter().all(|sum| *sum == sums[0][3]), "{sums:?}");
}

/// The handles of a written part: set, carry, set_if_changed and prev mean what they mean in a tuple.
#[test]
fn handles() {
    static CHANGED: AtomicUsize = AtomicUsize::new(0);
    fn write(mut carts: Query<Named<Cart>>, changed: Query<Id, Changed<Load>>, clock: Clock) {
        CHANGED.store(changed.iter().count(), Ordering::Relaxed);
        let frame = clock.frame();
        for mut cart in &mut carts {
            match frame {
                1 => cart.load.set(Load(5)),
                2 => {
                    cart.load.set(Load(6));
                    cart.load.carry();
                }
                3 => assert!(!cart.load.set_if_changed(Load(5))),
                _ => assert_eq!(*cart.load.prev(), Load(5)),
            }
        }
    }
    let mut engine = base().system("write", write).build().unwrap();
    let changed: Vec<usize> = (0..5)
        .map(|_| {
            engine.step().unwrap();
            CHANGED.load(Ordering::Relaxed)
        })
        .collect();
    let all = ROWS as usize;
    assert_eq!(changed, [all, all, 0, 0, 0], "setup and frame 1 set all; later frames nothing");
    assert!(engine.view().iter::<Load>().all(|(_, load)| *load == Load(5)));
}

/// Scratch can be a part of a view; it is written in place and lasts.
#[test]
fn scratch_parts() {
    fn trip(mut carts: Query<Named<Tripping>>) {
        for mut cart in &mut carts {
            cart.trips.0 += 1;
            cart.load.set(Load(cart.trips.0));
        }
    }
    let mut engine = base().system("trip", trip).build().unwrap();
    engine.run(Pace::frames(3)).unwrap();
    assert!(engine.view().iter::<Load>().all(|(_, load)| *load == Load(3)));
}

/// A view owns what it writes: a second owner is refused, naming both, as is a type written twice in a view.
#[test]
fn views_own_what_they_write() {
    let error = base().system("first", by_for).system("second", by_par_rows).build().unwrap_err().to_string();
    for part in ["first", "second", "Load"] {
        assert!(error.contains(part), "{part} is missing in: {error}");
    }
    entity_view! { struct Twice { one: Next<Load>, other: Next<Load> } }
    let twice = |mut rows: Query<Named<Twice>>| {
        for mut row in &mut rows {
            row.one.set(Load(1));
            row.other.set(Load(2));
        }
    };
    let error = base().system("twice", twice).build().unwrap_err().to_string();
    for part in ["twice", "Load", "one writer"] {
        assert!(error.contains(part), "{part} is missing in: {error}");
    }
}
