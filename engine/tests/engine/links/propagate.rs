//! Values that go down a tree, against going down it naively.

use super::named;
use bytemuck::{Pod, Zeroable};
use diptych_engine::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Local(u64);
/// Follows from every local on the way down, and from their order.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Global(u64);
/// Makes other tables.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Tag(u64);

fn compose(parent: Option<&Global>, local: &Local) -> Global {
    Global(parent.map_or(17, |parent| parent.0).wrapping_mul(31).wrapping_add(local.0))
}

/// Some number that follows from three others.
fn mixed(a: u64, b: u64, c: u64) -> u64 {
    let mixed = (a + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (b + 1).wrapping_mul(0xD1B5_4A32_D192_ED03);
    (mixed ^ (c + 1).wrapping_mul(0x94D0_49BB_1331_11EB)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 17
}

/// What every entity that holds both types must have.
fn naive(view: &View<'_>) -> BTreeMap<Id, Global> {
    fn value(view: &View<'_>, id: Id) -> Option<Global> {
        view.get::<Global>(id)?;
        let local = view.get::<Local>(id)?;
        let parent = view.parent(id).and_then(|parent| value(view, parent));
        Some(compose(parent.as_ref(), local))
    }
    view.iter::<Local>().filter_map(|(id, _)| Some((id, value(view, id)?))).collect()
}

fn base(count: u64) -> EngineBuilder {
    Engine::in_memory()
        .state::<Local>("test.local", 1)
        .state::<Global>("test.global", 1)
        .state::<Tag>("test.tag", 1)
        .hierarchy()
        .setup("nodes", move |structure| {
            let mut ids = Vec::new();
            for n in 0..count {
                let id = match n % 5 {
                    0 => structure.spawn((Local(n), Global(0), Tag(n))),
                    4 => structure.spawn((Local(n),)),
                    _ => structure.spawn((Local(n), Global(0))),
                };
                if n > 0 {
                    structure.attach(id, ids[mixed(n, 0, 0) as usize % ids.len()]);
                }
                ids.push(id.id);
            }
        })
}

/// Locals change by their owner and by inputs, entities come, go, move between tables and parents; for a few
/// frames nothing does. The values are those of going down naively, as of the commit before: what structure
/// and inputs do to a frame reaches them in the next one.
#[test]
fn values_are_those_of_going_down_naively() {
    let run = |threads: usize| {
        let mut engine = base(3000)
            .input::<Local>("test.set", 1, |applier, local| {
                let ids = applier.ids::<Global>();
                let id = ids[local.0 as usize % ids.len()];
                applier.set(id, Local(local.0));
                applier.set(ids[(local.0 as usize * 7) % ids.len()], Global(local.0));
            })
            .system("own", |mut locals: Query<(Id, Next<Local>)>, clock: Clock| {
                let frame = clock.frame();
                locals.par_rows(|(id, mut local)| match (frame % 6, mixed(id.bits(), frame, 1) % 50) {
                    (0 | 1, _) | (2, 1..) => {}
                    (3, _) => local.set(Local(local.prev().0 + 1)),
                    (_, 0) => local.set(Local(frame)),
                    _ => {}
                });
            })
            .system("edit", |locals: Query<(Id, Prev<Local>)>, clock: Clock, mut structure: Structure| {
                let ids: Vec<Id> = locals.iter().map(|(id, _)| id).collect();
                let frame = clock.frame();
                let any = |n: u64| ids[mixed(frame, n, 2) as usize % ids.len()];
                match frame % 9 {
                    2 => structure.attach(any(0), any(1)),
                    4 => structure.insert(any(2), Tag(frame)),
                    5 => structure.despawn(any(3)),
                    6 => structure.detach(any(4)),
                    7 => {
                        let new = structure.spawn((Local(frame), Global(1)));
                        structure.attach(new, any(5));
                    }
                    _ => {}
                }
            })
            .derive("go_down", |tree: Tree, locals: Query<Now<Local>>, mut globals: Query<Next<Global>>| {
                tree.propagate(&locals, &mut globals, compose);
            })
            .threads(threads)
            .build()
            .expect("a sound world");
        let mut digests = Vec::new();
        for frame in 0..80_u64 {
            if frame % 7 == 3 {
                engine.inputs().send("test", &Local(frame)).expect("a registered input");
            }
            engine.step().expect("a frame");
            let quiet = frame % 7 != 3 && ![2, 4, 5, 6, 7].contains(&(engine.frame() % 9));
            if threads == 1 && quiet {
                let (view, mut checked) = (engine.view(), 0);
                for (id, expected) in naive(&view) {
                    assert_eq!(view.get::<Global>(id), Some(&expected), "{id} in frame {}", engine.frame());
                    checked += 1;
                }
                assert!(checked > 1500, "{checked} nodes");
            }
            digests.push(engine.digest());
        }
        digests
    };
    let one = run(1);
    for threads in [2, 4, 8].into_iter().filter(|_| cfg!(feature = "threads")) {
        assert_eq!(run(threads), one, "{threads} threads");
    }
}

/// Who is not below a change is not looked at, and whose value comes out equal is not marked.
#[test]
fn unchanged_rows_are_skipped() {
    let (asked, told) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (ask, tell) = (asked.clone(), told.clone());
    let mut engine = Engine::in_memory()
        .state::<Local>("test.local", 1)
        .state::<Global>("test.global", 1)
        .state::<super::Name>("test.name", 1)
        .hierarchy()
        .setup("nodes", |structure| {
            // A chain of ten below each of a hundred roots.
            for root in 0..100 {
                let mut above = structure.spawn((Local(root), Global(0), super::Name(root * 10))).id;
                for depth in 1..10 {
                    let name = super::Name(root * 10 + depth);
                    let id = structure.spawn((Local(root), Global(0), name)).id;
                    structure.attach(id, above);
                    above = id;
                }
            }
        })
        .input::<super::Name>("test.touch", 1, |applier, name| {
            let ids = applier.ids::<super::Name>();
            let id = ids.into_iter().find(|id| applier.get::<super::Name>(*id) == Some(&name));
            let local = id.and_then(|id| applier.get::<Local>(id).copied()).unwrap_or(Local(0));
            applier.set(id.unwrap_or_default(), Local(local.0 + 1));
        })
        .system("own", |mut locals: Query<(Prev<super::Name>, Next<Local>)>, clock: Clock| {
            for (name, mut local) in &mut locals {
                match (clock.frame(), name.0) {
                    (3, 504) => local.set(Local(local.prev().0 + 1)),
                    // Set, but to what it was.
                    (5, 300..310) => local.set(*local.prev()),
                    _ => {}
                }
            }
        })
        .derive("go_down", move |tree: Tree, locals: Query<Now<Local>>, mut globals: Query<Next<Global>>| {
            tree.propagate(&locals, &mut globals, |parent, local| {
                ask.fetch_add(1, Ordering::Relaxed);
                compose(parent, local)
            });
        })
        .on_change::<Global>(move |_, _| {
            tell.fetch_add(1, Ordering::Relaxed);
        })
        .build()
        .expect("a sound world");
    told.store(0, Ordering::Relaxed);
    let mut frame = |expected: (u64, u64), why: &str| {
        engine.step().expect("a frame");
        let seen = (asked.swap(0, Ordering::Relaxed), told.swap(0, Ordering::Relaxed));
        assert_eq!(seen, expected, "{why}");
        if why == "send" {
            engine.inputs().send("test", &super::Name(209)).expect("a registered input");
        }
    };
    frame((1000, 1000), "the first time everybody");
    frame((0, 0), "nobody changed");
    frame((6, 6), "the fifth of a chain of ten, and who is below");
    frame((0, 0), "nobody changed again");
    frame((10, 0), "set to what it was");
    frame((0, 0), "send");
    frame((0, 0), "the input is applied at the end of this frame");
    frame((1, 1), "the input's row, which is the last of its chain");
    frame((0, 0), "and no more");
    assert!(named(&engine.view(), 209).is_some());
}

/// What the system has set itself before gives way to what the tree gives.
#[test]
fn values_set_before_give_way() {
    let go_down = |tree: Tree, locals: Query<Now<Local>>, mut globals: Query<Next<Global>>, clock: Clock| {
        if clock.frame() == 3 {
            (&mut globals).into_iter().take(4).for_each(|mut global| global.set(Global(5)));
        }
        tree.propagate(&locals, &mut globals, compose);
    };
    let mut engine = base(50).derive("go_down", go_down).build().expect("a sound world");
    for frame in 1..6 {
        engine.step().expect("a frame");
        let view = engine.view();
        let values: BTreeMap<Id, Global> = view.iter::<Global>().map(|(id, global)| (id, *global)).collect();
        let values = values.into_iter().filter(|(id, _)| view.get::<Local>(*id).is_some()).collect();
        assert_eq!(naive(&view), values, "frame {frame}");
    }
}

/// The first frame after a restart looks at every row, others at few: nothing of a world tells which it was.
#[cfg(feature = "store")]
#[test]
fn restarts_change_no_value() {
    let make = |builder: EngineBuilder| {
        let setup = |structure: &mut Structure<'_, '_>| {
            let mut ids: Vec<Id> = Vec::new();
            for n in 0..60 {
                let id = structure.spawn((Local(n), Global(0))).id;
                if n > 0 {
                    structure.attach(id, ids[mixed(n, 0, 0) as usize % ids.len()]);
                }
                ids.push(id);
            }
        };
        builder
            .state::<Local>("test.local", 1)
            .state::<Global>("test.global", 1)
            .hierarchy()
            .input::<Local>("test.set", 1, |applier, local| {
                let ids = applier.ids::<Global>();
                let any = |n: u64| ids[(local.0 * n) as usize % ids.len()];
                applier.set(any(1), Local(local.0));
                applier.set(any(7), Global(local.0));
                applier.attach(any(5), any(3));
            })
            .system("own", |mut locals: Query<(Id, Next<Local>)>, clock: Clock| {
                let frame = clock.frame();
                locals.par_rows(|(id, mut local)| {
                    if mixed(id.bits(), frame, 1).is_multiple_of(9) {
                        local.set(Local(frame));
                    }
                });
            })
            .derive("go_down", |tree: Tree, locals: Query<Now<Local>>, mut globals: Query<Next<Global>>| {
                tree.propagate(&locals, &mut globals, compose);
            })
            .setup("nodes", setup)
            .build()
            .expect("a sound world")
    };
    let directory = tempfile::tempdir().expect("a directory");
    let mut whole = make(Engine::in_memory());
    for frame in 1..20 {
        let mut part = make(Engine::open(directory.path()));
        for engine in [&mut whole, &mut part] {
            if frame % 2 == 0 {
                engine.inputs().send("test", &Local(frame)).expect("a registered input");
            }
            engine.step().expect("a frame");
        }
        assert_eq!(whole.digest(), part.digest(), "frame {frame}");
    }
}
