//! `Fresh<T>` in every loop, for values from owners, inputs and setups, and across a restart.

use super::ROWS;
use diptych_engine::prelude::*;
use std::sync::Mutex;

pods!(Moved, Seen, Gate, Poke);

entity_view! {
    struct Order { moved: Next<Moved> }

    struct Freshly { order: Fresh<Moved>, seen: Next<Seen> }
}

/// Who was fresh in a frame, with what.
type Found = Vec<(Id, u64)>;

fn orders() -> EngineBuilder {
    fn give(mut rows: Query<(Id, Named<Order>)>, clock: Clock) {
        let frame = clock.frame();
        rows.par_rows(|(id, mut order)| match (id.bits() + frame) % 4 {
            0 => order.moved.set(Moved(frame)),
            1 => order.moved.carry(),
            2 => {
                let same = *order.moved.prev();
                order.moved.set_if_changed(same);
            }
            _ => {}
        });
    }
    Engine::in_memory().state::<Moved>("moved", 1).state::<Seen>("seen", 1).system("give", give).setup(
        "setup",
        |structure| {
            for n in 0..ROWS {
                structure.spawn((Moved(n), Seen(0)));
            }
        },
    )
}

/// `Fresh` hands out exactly the rows that `Changed` lets through, with the value of `Prev`, in every loop.
#[test]
fn fresh_is_what_changed() {
    static FOUND: Mutex<Vec<[Found; 5]>> = Mutex::new(Vec::new());
    fn look(
        mut rows: Query<(Id, Fresh<Moved>)>,
        ids: Query<Entity, With<Moved>>,
        changed: Query<(Id, Prev<Moved>), Changed<Moved>>,
    ) {
        let found = |(id, value): (Id, Option<&Moved>)| value.map(|value| (id, value.0));
        let mut filtered: Vec<_> = changed.iter().map(|(id, value)| (id, value.0)).collect();
        let mut one: Vec<_> = rows.iter().filter_map(found).collect();
        let mut got: Vec<_> = ids.iter().filter_map(|entity| found(rows.get(entity).unwrap())).collect();
        let parallel = Mutex::new(Vec::new());
        rows.par_rows(|(id, value)| parallel.lock().unwrap().extend(found((*id, value))));
        let blocks = Mutex::new(Vec::new());
        rows.par_blocks(|(ids, block)| {
            assert_eq!(ids.len(), block.values().len());
            let fresh = ids.iter().enumerate().filter_map(|(row, id)| found((*id, block.get(row))));
            blocks.lock().unwrap().extend(fresh);
        });
        let (mut parallel, mut blocks) = (parallel.into_inner().unwrap(), blocks.into_inner().unwrap());
        for list in [&mut filtered, &mut one, &mut got, &mut parallel, &mut blocks] {
            list.sort_unstable();
        }
        FOUND.lock().unwrap().push([filtered, one, got, parallel, blocks]);
    }
    let mut engine =
        orders().system("look", look).threads(if cfg!(feature = "threads") { 2 } else { 1 }).build().unwrap();
    engine.run(Pace::frames(4)).unwrap();
    let frames = FOUND.lock().unwrap();
    let counts: Vec<usize> = frames.iter().map(|lists| lists[0].len()).collect();
    let quarter = ROWS as usize / 4;
    assert_eq!(counts, [ROWS as usize, quarter, quarter, quarter], "all are new at first, then what was set");
    for lists in frames.iter() {
        assert!(lists.iter().all(|list| *list == lists[0]));
    }
}

/// A value that an input set is fresh in the frame after it, once, also as a part of a view.
#[test]
fn inputs_are_fresh_once() {
    fn see(mut rows: Query<Named<Freshly>>) {
        for mut row in &mut rows {
            if let Some(Moved(77)) = row.order {
                let seen = row.seen.prev().0 + 1;
                row.seen.set(Seen(seen));
            }
        }
    }
    let mut engine = Engine::in_memory()
        .state::<Moved>("moved", 1)
        .state::<Seen>("seen", 1)
        .input::<Poke>("poke", 1, |world, poke| assert!(world.set(Id::from_bits(poke.0), Moved(77))))
        .system("see", see)
        .setup("setup", |structure| {
            for n in 0..100 {
                structure.spawn((Moved(n % 50), Seen(0)));
            }
        })
        .build()
        .unwrap();
    engine.step().unwrap();
    let (poked, _) = engine.view().iter::<Moved>().nth(42).unwrap();
    engine.inputs().send("test", &Poke(poked.bits())).unwrap();
    engine.run(Pace::frames(4)).unwrap();
    let seen: Vec<Id> =
        engine.view().iter::<Seen>().filter(|(_, seen)| seen.0 > 0).map(|row| row.0).collect();
    assert_eq!(seen, [poked]);
    assert_eq!(engine.view().get::<Seen>(poked), Some(&Seen(1)));
}

/// What is fresh is part of what a frame can see: a world that is closed and opened after every frame goes on
/// as one that is not.
#[cfg(feature = "store")]
#[test]
fn fresh_after_reopening() {
    reopened(false);
}

/// The same with a transient type, whose value is there where it is fresh, and blank elsewhere.
#[cfg(feature = "store")]
#[test]
fn transient_values_are_fresh_after_reopening() {
    reopened(true);
}

#[cfg(feature = "store")]
fn reopened(transient: bool) {
    type Parts = (Id, Next<Seen>, Fresh<Moved>, Fresh<Gate>, Prev<Gate>);
    fn see(mut rows: Query<Parts>) {
        rows.par_rows(|(id, mut seen, moved, gate, value)| {
            assert!(gate.is_none_or(|gate| gate == value), "what is fresh is the previous value");
            let heard = moved.map_or(3, |moved| moved.0 + 1) + gate.map_or(5, |gate| gate.0 + 2);
            seen.set(Seen(seen.prev().0.rotate_left(7) ^ heard ^ id.bits()));
        });
    }
    let world = |builder: EngineBuilder| {
        let builder = if transient {
            builder.transient::<Gate>("gate", 1).system("blank", |rows: Query<(Fresh<Gate>, Prev<Gate>)>| {
                assert!(
                    rows.iter().all(|(fresh, value)| fresh.is_some() == (value.0 > 0)),
                    "others are blank"
                );
            })
        } else {
            builder.state::<Gate>("gate", 1)
        };
        builder
            .state::<Moved>("moved", 1)
            .state::<Seen>("seen", 1)
            .system("see", see)
            .system("give", |mut rows: Query<(Id, Next<Moved>, Next<Gate>)>, clock: Clock| {
                for (id, mut moved, mut gate) in &mut rows {
                    match (id.bits() + clock.frame()) % 5 {
                        0 => moved.set(Moved(clock.frame())),
                        1 => gate.set(Gate(clock.frame() + 1)),
                        _ => {}
                    }
                }
            })
            .setup("setup", |structure| {
                for n in 0..500 {
                    structure.spawn((Moved(n), Gate(n + 1), Seen(0)));
                }
            })
            .build()
            .unwrap()
    };
    let mut straight = world(Engine::in_memory());
    straight.run(Pace::frames(8)).unwrap();
    let expected = straight.digest();
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..8 {
        let mut engine = world(Engine::open(dir.path()));
        engine.step().unwrap();
        engine.flush().unwrap();
    }
    let mut engine = world(Engine::open(dir.path()));
    assert_eq!(engine.frame(), straight.frame());
    assert_eq!(engine.digest(), expected);
}
