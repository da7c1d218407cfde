//! Which messages arrive, when, and what becomes of the others.

use super::{Damage, Gun, Health, Log, note, noted};
use diptych_engine::prelude::*;

fn shoot(mut guns: Query<(Id, Prev<Gun>)>, mut damage: Outbox<Damage>) {
    guns.par_rows_with(&mut damage, |(id, gun), damage| {
        damage.from(id).to(gun.target, Damage(1));
    });
}

fn suffer(mut healths: Query<Next<Health>>, damage: Inbox<Damage>) {
    damage.deliver(&mut healths, |mut health, hits| {
        let sum: u64 = hits.messages().iter().map(|hit| hit.0).sum();
        health.set(Health(health.prev().0 - sum));
    });
}

/// One with health, and guns aimed at it.
fn duel(builder: EngineBuilder, guns: usize) -> EngineBuilder {
    builder
        .state::<Health>("combat.health", 1)
        .state::<Gun>("combat.gun", 1)
        .message::<Damage>("combat.damage", 1)
        .setup("duel", move |structure| {
            let target = structure.spawn((Health(1000),)).id;
            (0..guns).for_each(|_| {
                structure.spawn((Gun { target },));
            });
        })
}

fn health(engine: &Engine) -> u64 {
    engine.view().single::<Health>().expect("one row").0
}

/// A message sent in frame n is read in frame n + 1, once; figures and `explain` say who and how many.
#[test]
fn read_in_the_next_frame_and_then_gone() {
    let mut engine = duel(Engine::in_memory(), 3)
        .system("shoot", |guns: Query<(Id, Prev<Gun>)>, mut damage: Outbox<Damage>, clock: Clock| {
            if clock.frame() == 2 {
                guns.iter().for_each(|(id, gun)| {
                    damage.from(id).to(gun.target, Damage(10));
                });
            }
        })
        .system("suffer", suffer)
        .build()
        .expect("a sound world");
    let seen: Vec<(u64, u64)> = (0..5)
        .map(|_| {
            engine.step().expect("a frame");
            (health(&engine), engine.stats().messages_waiting)
        })
        .collect();
    assert_eq!(seen, [(1000, 0), (1000, 3), (970, 0), (970, 0), (970, 0)]);
    let stats = engine.stats();
    assert_eq!((stats.messages_sent, stats.messages_undeliverable), (3, 0));
    let text = engine.explain().to_string();
    let line = "message combat.damage v1 (engine::messages::Damage): from shoot to suffer\n";
    assert!(text.contains(line), "{text}");
}

/// A sender may be its own target.
#[test]
fn to_oneself() {
    let mut engine = duel(Engine::in_memory(), 0)
        .system("rot", |healths: Query<(Id, Prev<Health>)>, mut damage: Outbox<Damage>| {
            healths.iter().for_each(|(id, _)| {
                damage.from(id).to(id, Damage(1)).to(id, Damage(2));
            });
        })
        .system("suffer", suffer)
        .build()
        .expect("a sound world");
    engine.run(Pace::frames(4)).expect("frames");
    assert_eq!(health(&engine), 1000 - 3 * 3);
}

/// What goes to an entity that the same commit despawns, or that was gone before, is handed over as undeliverable.
#[test]
fn a_target_that_is_gone() {
    let log = Log::<Damage>::default();
    let (dead, living) = (log.clone(), Log::<Damage>::default());
    let also_living = living.clone();
    let mut engine = duel(Engine::in_memory(), 2)
        .system("shoot", shoot)
        .system("end", |healths: Query<(Id, Prev<Health>)>, clock: Clock, mut structure: Structure| {
            for (id, _) in &healths {
                if clock.frame() == 2 {
                    structure.despawn(id);
                }
            }
        })
        .system("suffer", move |damage: Inbox<Damage>| {
            let mut dead = dead.lock().expect("no panic under it");
            dead.extend(damage.undeliverable().map(|(target, sender, hit)| (target, sender, *hit)));
            let mut living = also_living.lock().expect("no panic under it");
            living.extend(damage.iter().map(|(target, sender, hit)| (target, sender, *hit)));
        })
        .build()
        .expect("a sound world");
    let (target, senders) = {
        let view = engine.view();
        let target = view.iter::<Health>().map(|(id, _)| id).next().expect("one row");
        (target, view.iter::<Gun>().map(|(id, _)| id).collect::<Vec<_>>())
    };
    engine.run(Pace::frames(4)).expect("frames");
    let both = [(target, senders[0], Damage(1)), (target, senders[1], Damage(1))];
    assert_eq!(noted(&living), both, "sent in frame 1, when all lived");
    assert_eq!(noted(&log), [both, both].concat(), "sent in frames 2 and 3");
    let stats = engine.stats();
    assert_eq!((stats.messages_sent, stats.messages_undeliverable, stats.messages_waiting), (8, 4, 2));
}

/// What goes to a living entity without the fact is counted, or handed to the second closure.
#[test]
fn a_target_without_the_fact() {
    let log = Log::<Damage>::default();
    let others = log.clone();
    let at_a_gun = |guns: Query<(Id, Prev<Gun>)>, mut damage: Outbox<Damage>| {
        let (id, gun) = guns.iter().next().expect("one gun");
        damage.from(id).to(id, Damage(5)).to(gun.target, Damage(7)).to(id, Damage(6));
    };
    let mut engine = duel(Engine::in_memory(), 1)
        .system("shoot", at_a_gun)
        .system("suffer", move |mut healths: Query<Next<Health>>, damage: Inbox<Damage>, clock: Clock| {
            if clock.frame() == 2 {
                let unmatched = damage.deliver(&mut healths, |mut health, hits| {
                    health.set(Health(hits.messages()[0].0));
                });
                assert_eq!(unmatched, 2);
            } else {
                let mut others = others.lock().expect("no panic under it");
                damage.deliver_or(
                    &mut healths,
                    |_, _| {},
                    |mail| others.extend(mail.iter().map(|(sender, hit)| (mail.target(), sender, *hit))),
                );
            }
        })
        .build()
        .expect("a sound world");
    engine.run(Pace::frames(2)).expect("frames");
    assert_eq!((health(&engine), noted(&log).len()), (7, 0));
    engine.step().expect("a frame");
    let hits: Vec<u64> = noted(&log).iter().map(|(_, _, hit)| hit.0).collect();
    assert_eq!(hits, [5, 6]);
}

/// A reader that runs every three frames, that is disabled, or that does not look, loses nothing, and older mail
/// comes first.
#[test]
fn mail_waits_for_its_reader() {
    let log = Log::<Damage>::default();
    let mut reader = note(&log);
    let lazy = move |mail: Inbox<Damage>, clock: Clock| {
        assert_eq!(mail.is_empty(), clock.frame() == 0, "asking for a number is not looking");
        if clock.frame() != 6 {
            reader(mail);
        }
    };
    let frames = |engine: &mut Engine, frames: u64| engine.run(Pace::frames(frames)).expect("frames");
    let mut engine = duel(Engine::in_memory(), 1)
        .system("shoot", |guns: Query<(Id, Prev<Gun>)>, mut damage: Outbox<Damage>, clock: Clock| {
            guns.iter().for_each(|(id, gun)| {
                damage.from(id).to(gun.target, Damage(clock.frame()));
            });
        })
        .system("suffer", lazy.every(3))
        .build()
        .expect("a sound world");
    let hits = || noted(&log).iter().map(|(_, _, hit)| hit.0).collect::<Vec<_>>();
    frames(&mut engine, 2);
    assert_eq!(hits(), [0_u64; 0]);
    frames(&mut engine, 1);
    assert_eq!(hits(), [1, 2]);
    frames(&mut engine, 5);
    assert_eq!((hits(), engine.stats().messages_waiting), (vec![], 6), "it ran in frame 6, and did not look");
    frames(&mut engine, 1);
    assert_eq!(hits(), [3, 4, 5, 6, 7, 8]);
    engine.inputs().control("operator", &Control::disable("suffer")).expect("room");
    frames(&mut engine, 6);
    assert_eq!((hits(), engine.stats().messages_waiting), (vec![], 7));
    engine.inputs().control("operator", &Control::enable("suffer")).expect("room");
    frames(&mut engine, 2);
    assert_eq!(hits(), [9, 10, 11, 12, 13, 14, 15, 16]);
    assert_eq!(engine.stats().messages_waiting, 1);
}

/// A system that is skipped because another parameter found nothing has not read its mail.
#[test]
fn a_skipped_reader_reads_nothing() {
    let log = Log::<Damage>::default();
    let mut reader = note(&log);
    let mut engine = duel(Engine::in_memory(), 1)
        .system("shoot", shoot)
        .system("arrive", |clock: Clock, mut structure: Structure| {
            if clock.frame() == 3 {
                structure.spawn((Damage(0),));
            }
        })
        .state::<Damage>("combat.armour", 1)
        .system("suffer", move |mail: Inbox<Damage>, _armour: Single<Prev<Damage>>| reader(mail))
        .build()
        .expect("a sound world");
    engine.run(Pace::frames(3)).expect("frames");
    assert_eq!(noted(&log).len(), 0);
    engine.step().expect("a frame");
    assert_eq!(noted(&log).len(), 3, "of frames 1, 2 and 3");
}

/// One loop may take structure and several outboxes along, by rows and by blocks.
#[test]
fn a_loop_takes_a_tuple_along() {
    let log = Log::<Damage>::default();
    let rows = |mut guns: Query<(Id, Prev<Gun>)>, mut damage: Outbox<Damage>, mut structure: Structure| {
        guns.par_rows_with((&mut structure, &mut damage), |(id, gun), (structure, damage)| {
            structure.despawn(id);
            let heir = structure.spawn((Gun { target: gun.target },)).id;
            damage.from(id).to(heir, Damage(1));
        });
    };
    let blocks = |mut guns: Query<(Id, Prev<Gun>)>, mut one: Outbox<Damage>, mut two: Outbox<Damage>| {
        guns.par_blocks_with((&mut one, &mut two), |(ids, guns), (one, two)| {
            for (id, gun) in ids.iter().zip(guns) {
                two.from(id).to(gun.target, Damage(3));
                one.from(id).to(gun.target, Damage(2));
            }
        });
    };
    let mut engine = duel(Engine::in_memory(), 2)
        .system("rows", rows)
        .system("blocks", blocks)
        .system("note", note(&log))
        .build()
        .expect("a sound world");
    engine.run(Pace::frames(2)).expect("frames");
    let view = engine.view();
    let seen: Vec<(Id, u64)> = noted(&log).iter().map(|(target, _, hit)| (*target, hit.0)).collect();
    let target = view.iter::<Health>().map(|(id, _)| id).next().expect("one row");
    let heirs: Vec<Id> = seen.iter().filter(|(_, hit)| *hit == 1).map(|(id, _)| *id).collect();
    let at_target: Vec<u64> = seen.iter().filter(|(id, _)| *id == target).map(|(_, hit)| *hit).collect();
    assert_eq!(at_target, [2, 3, 2, 3], "by sender, then by the order of the parameters");
    assert_eq!(heirs.len(), 2, "the heirs were alive when their mail came");
    assert_eq!(view.iter::<Gun>().count(), 2);
}

/// Startup and derive systems send too, and a reader may look mail up from a parallel loop.
#[test]
fn other_phases_send_and_loops_look_up() {
    let look = |mut healths: Query<(Id, Next<Health>)>, damage: Inbox<Damage>| {
        healths.par_rows(|(id, mut health)| {
            for hit in damage.of(id).messages() {
                let left = health.prev().0 - hit.0;
                health.set(Health(left));
            }
        });
    };
    let send = |amount: u64| {
        move |guns: Query<(Id, Prev<Gun>)>, mut damage: Outbox<Damage>| {
            guns.iter().for_each(|(id, gun)| {
                damage.from(id).to(gun.target, Damage(amount));
            });
        }
    };
    let mut engine = duel(Engine::in_memory(), 1)
        .startup("begin", send(100))
        .derive("derive", send(1))
        .system("look", look)
        .build()
        .expect("a sound world");
    assert_eq!((engine.frame(), engine.stats().messages_waiting), (1, 1));
    engine.step().expect("a frame");
    assert_eq!(health(&engine), 900);
    engine.step().expect("a frame");
    assert_eq!(health(&engine), 899);
}
