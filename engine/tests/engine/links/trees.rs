//! Parents and children: order, subtrees, refusals, recovery, threads.

use super::{Change, Name, builder, change, children, named};
use diptych_engine::prelude::*;

/// Children come in the order of their attachment, or where they were put; who is attached again moves.
#[test]
fn children_are_ordered() {
    let mut engine = builder(Engine::in_memory()).build().expect("a sound world");
    change(&mut engine, &(0..6).map(Change::spawn).collect::<Vec<_>>());
    change(&mut engine, &(1..5).map(|n| Change::attach(n, 0)).collect::<Vec<_>>());
    assert_eq!(children(&engine, 0), Some(vec![1, 2, 3, 4]));
    change(&mut engine, &[Change::attach_at(5, 0, 1), Change::attach(1, 0), Change::attach_at(4, 0, 0)]);
    assert_eq!(children(&engine, 0), Some(vec![4, 5, 2, 3, 1]));
    change(&mut engine, &[Change::detach(2), Change::attach(3, 5)]);
    assert_eq!((children(&engine, 0), children(&engine, 5)), (Some(vec![4, 5, 1]), Some(vec![3])));
    let view = engine.view();
    let [zero, five, three] = [0, 5, 3].map(|name| named(&view, name).expect("alive"));
    assert_eq!([three, five, zero].map(|id| view.parent(id)), [Some(five), Some(zero), None]);
}

/// Always in one place, more often than places can be halved: neighbours make room, in order.
#[test]
fn there_is_always_room_between_two() {
    let mut engine = builder(Engine::in_memory()).build().expect("a sound world");
    change(&mut engine, &(0..=300).map(Change::spawn).collect::<Vec<_>>());
    change(&mut engine, &(1..=300).map(|n| Change::attach_at(n, 0, 1)).collect::<Vec<_>>());
    let expected: Vec<u64> = [1].into_iter().chain((2..=300).rev()).collect();
    assert_eq!(children(&engine, 0), Some(expected));
}

/// A despawn takes everybody below along, each told once, parents first; who was detached before stays.
#[test]
fn a_subtree_goes_with_its_root() {
    let removed = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = removed.clone();
    let mut engine = builder(Engine::in_memory())
        .on_remove::<Name>(move |_, name| seen.lock().expect("one thread").push(name.0))
        .build()
        .expect("a sound world");
    change(&mut engine, &(0..7).map(Change::spawn).collect::<Vec<_>>());
    let links = [(1, 0), (2, 0), (3, 1), (4, 1), (5, 4), (6, 2)];
    change(&mut engine, &links.map(|(child, parent)| Change::attach(child, parent)));
    change(&mut engine, &[Change::detach(4), Change::despawn(0)]);
    assert_eq!(*removed.lock().expect("one thread"), [0, 1, 3, 2, 6]);
    let alive: Vec<u64> = engine.view().iter::<Name>().map(|(_, name)| name.0).collect();
    assert_eq!((alive.len(), children(&engine, 4)), (2, Some(vec![5])));
}

/// Two systems attach crosswise, each right by the frame it saw; the later by name is refused, and counted.
/// Attaching to oneself, below oneself and to the dead is refused in the same way.
#[test]
fn cycles_and_dead_parents_are_refused() {
    let find = |names: &Query<(Id, Prev<Name>)>, name: u64| {
        names.iter().find(|(_, n)| n.0 == name).map(|(id, _)| id)
    };
    let one = move |names: Query<(Id, Prev<Name>)>, clock: Clock, mut structure: Structure| {
        let [a, b] = [0, 1].map(|name| find(&names, name).expect("alive"));
        if clock.frame() == 1 {
            structure.attach(a, b);
        }
    };
    let two = move |names: Query<(Id, Prev<Name>)>, clock: Clock, mut structure: Structure| {
        let [a, b] = [0, 1].map(|name| find(&names, name).expect("alive"));
        match clock.frame() {
            1 => structure.attach(b, a),
            2 => structure.attach(b, b),
            3 => structure.attach(a, Id::from_bits(3)),
            4 => structure.attach(Id::from_bits(3), a),
            _ => {}
        }
    };
    let mut engine = builder(Engine::in_memory())
        .setup("names", |structure| {
            structure.spawn((Name(0),));
            structure.spawn((Name(1),));
            structure.spawn((Name(2),));
        })
        .system("one", one)
        .system("two", two)
        .build()
        .expect("a sound world");
    for refused in [1, 2, 3, 3] {
        engine.step().expect("a frame");
        assert_eq!(engine.stats().attachments_refused, refused, "frame {}", engine.frame());
        assert_eq!((children(&engine, 1), children(&engine, 0)), (Some(vec![0]), Some(vec![])));
    }
    assert_eq!(engine.stats().commands_dropped, 1);
    // Below, over two steps.
    change(&mut engine, &[Change::attach(2, 0), Change::attach(1, 2)]);
    assert_eq!((children(&engine, 0), children(&engine, 2)), (Some(vec![2]), Some(vec![])));
    assert_eq!(engine.stats().attachments_refused, 4);
}

/// What a world without `.hierarchy()` says, and what nobody may do with `Parent`.
#[test]
fn wrong_use_is_refused_by_name() {
    let plain = || Engine::in_memory().state::<Name>("test.name", 1);
    let refused = |builder: EngineBuilder| builder.build().expect_err("wrong use").to_string();
    let text = refused(plain().system("looks", |_: Tree| {}));
    assert_eq!(text, "system looks names Tree; add .hierarchy() to the engine");
    let text = refused(plain().setup("attaches", |structure| {
        let [a, b] = [0, 1].map(|name| structure.spawn((Name(name),)));
        structure.attach(a, b);
    }));
    assert_eq!(text, "attaches attaches or detaches children; add .hierarchy() to the engine");
    let text = refused(plain().hierarchy().system("owns", |_: Query<Next<Parent>>| {}));
    assert!(text.starts_with("system owns names Next<") && text.contains("attach and detach"), "{text}");
    let text = refused(plain().hierarchy().setup("spawns", |structure| {
        structure.spawn((Parent::zeroed(),));
    }));
    assert!(text.starts_with("spawns writes ") && text.contains("only the engine"), "{text}");
    let text = refused(plain().hierarchy().setup("inserts", |structure| {
        let a = structure.spawn((Name(0),));
        structure.insert(a, Parent::zeroed());
    }));
    assert!(text.starts_with("inserts writes ") && text.contains("only the engine"), "{text}");
    assert!(plain().hierarchy().hierarchy().build().is_ok());
}

/// A chain of 100,000, one below the other, and a parent of 100,000: made, walked and despawned without
/// recursion, and in the time of a test.
#[test]
fn long_chains_and_many_children() {
    for wide in [false, true] {
        let mut engine = builder(Engine::in_memory())
            .setup("names", move |structure| {
                let first = structure.spawn((Name(0),)).id;
                let mut above = first;
                for name in 1..100_000 {
                    let id = structure.spawn((Name(name),)).id;
                    structure.attach(id, if wide { first } else { above });
                    above = id;
                }
            })
            .system("despawn", |names: Query<(Id, Prev<Name>)>, tree: Tree, mut structure: Structure| {
                let root = names.iter().find(|(_, name)| name.0 == 0).map(|(id, _)| id);
                if let Some(root) = root {
                    assert_eq!(tree.descendants(root).count(), 99_999);
                    let last = names.iter().find(|(_, name)| name.0 == 99_999).map(|(id, _)| id);
                    assert_eq!(last.map(|last| tree.root(last)), Some(root));
                    structure.despawn(root);
                }
            })
            .build()
            .expect("a sound world");
        engine.step().expect("a frame");
        assert_eq!(engine.view().iter::<Name>().count(), 0);
    }
}

/// A recovered world has the same tree, in the same order, and goes on the same.
#[cfg(feature = "store")]
#[test]
fn recovery_gives_the_same_tree() {
    let changes = |n: u64| {
        [
            Change::spawn(100 + n),
            Change::attach_at(100 + n, n % 7, n % 3),
            Change::attach(n % 7, (n * 5 + 1) % 7),
            Change::detach((n * 3) % 7),
            if n % 6 == 5 { Change::despawn(100 + n - 3) } else { Change::attach_at(n % 5, 6, 1) },
        ]
    };
    let dir = tempfile::tempdir().expect("a directory");
    let open = || builder(Engine::open(dir.path())).build().expect("a sound world");
    let mut whole = builder(Engine::in_memory()).build().expect("a sound world");
    change(&mut whole, &(0..7).map(Change::spawn).collect::<Vec<_>>());
    let mut stored = open();
    change(&mut stored, &(0..7).map(Change::spawn).collect::<Vec<_>>());
    for n in 0..40 {
        change(&mut whole, &changes(n));
        if n % 8 == 3 {
            drop(stored);
            stored = open();
        }
        change(&mut stored, &changes(n));
        assert_eq!(whole.digest(), stored.digest(), "frame {}", whole.frame());
        for name in (0..7).chain(100..140) {
            assert_eq!(children(&whole, name), children(&stored, name), "children of {name}, step {n}");
        }
    }
}

/// Trees that are changed and read by parallel systems come out equal on any number of threads.
#[test]
fn trees_do_not_depend_on_threads() {
    let run = |threads: usize| {
        let mut engine = builder(Engine::in_memory())
            .setup("names", |structure| (0..20_000).for_each(|n| _ = structure.spawn((Name(n),))))
            .system(
                "mix",
                |mut names: Query<(Id, Prev<Name>)>, tree: Tree, clock: Clock, mut structure: Structure| {
                    let ids: Vec<Id> = names.iter().map(|(id, _)| id).collect();
                    let frame = clock.frame();
                    names.par_rows_with(&mut structure, |(&id, name), chunk| {
                        let mixed = (name.0 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15 + frame) >> 20;
                        match mixed % 16 {
                            0..8 => chunk.attach_at(id, ids[mixed as usize % ids.len()], mixed as u32 % 5),
                            8 => chunk.detach(id),
                            9 if tree.children(id).count() < 4 && tree.parent(id).is_some() => {
                                chunk.despawn(id)
                            }
                            10 => {
                                let new = chunk.spawn((Name(mixed),));
                                chunk.attach(new, id);
                            }
                            _ => {}
                        }
                    });
                },
            )
            .threads(threads)
            .build()
            .expect("a sound world");
        engine.run(Pace::frames(6)).expect("frames");
        assert!(engine.stats().attachments_refused > 0, "no cycle was tried");
        engine.digest()
    };
    let one = run(1);
    for threads in [2, 4, 8].into_iter().filter(|_| cfg!(feature = "threads")) {
        assert_eq!(run(threads), one, "{threads} threads");
    }
}
