//! A world with something of everything that a frame can leave behind, and random structure.

use super::*;

#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Flash(pub(crate) u64);

#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Hit(pub(crate) u64);

#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Health(pub(crate) u64);

#[derive(bevy_ecs::component::Component, Default)]
pub(crate) struct Seen;

/// Bodies that move, flash, hit each other, gain and lose words, come, go, and are each other's children.
pub(crate) fn scene(builder: EngineBuilder) -> EngineBuilder {
    builder
        .state::<Position>("scene.position", 1)
        .state::<Velocity>("scene.velocity", 1)
        .state::<Health>("scene.health", 1)
        .state_with::<Word, Utf8>("scene.word", 1)
        .transient::<Flash>("scene.flash", 1)
        .message::<Hit>("scene.hit", 1)
        .hierarchy()
        .scratch::<Velocity, Seen>()
        .seed(3)
        .dt(0.5)
        .digest(DigestPolicy::Every(10))
        .setup("scene.setup", |structure| {
            let first = structure.spawn((Position(0.0), Velocity(0.25), Health(9)));
            for n in 0..40_u32 {
                let (position, velocity) = (Position(f64::from(n)), Velocity(0.5));
                let child = match n % 3 {
                    0 => structure.spawn((position, velocity, Flash(0), Health(7))),
                    1 => structure.spawn((position, velocity, Word(format!("w{n}")))),
                    _ => structure.spawn((position, Flash(0), Health(5), Word(String::new()))),
                };
                if n % 5 == 0 {
                    structure.attach(child, first);
                }
            }
        })
        .system("scene.move", |mut bodies: Query<(Next<Position>, Prev<Velocity>)>, clock: Clock| {
            // Some frames are quiet, so that deltas meet frames without a record.
            if clock.frame() % 7 < 5 {
                bodies.par_rows(|(mut position, velocity)| {
                    position.set(Position(position.prev().0 + velocity.0 * clock.dt()));
                });
            }
        })
        .system("scene.flash", |mut rows: Query<(Id, Next<Flash>)>, random: Random, clock: Clock| {
            if clock.frame() % 7 < 5 {
                rows.par_rows(|(id, mut flash)| {
                    if random.of(*id).below(4) == 0 {
                        flash.set(Flash(clock.frame()));
                    }
                });
            }
        })
        .system("scene.strike", strike)
        .system("scene.bleed", |mut rows: Query<(Id, Next<Health>)>, hits: Inbox<Hit>| {
            for (id, mut health) in &mut rows {
                let sum: u64 = hits.of(id).iter().map(|(_, hit)| hit.0).sum();
                if sum > 0 {
                    let next = health.prev().0 + sum;
                    health.set(Health(next));
                }
            }
        })
        .system("scene.churn", churn)
}

fn strike(rows: Query<(Id, Prev<Health>)>, random: Random, clock: Clock, mut hits: Outbox<Hit>) {
    if clock.frame() % 7 >= 5 {
        return;
    }
    let ids: Vec<Id> = rows.iter().map(|(id, _)| id).collect();
    for id in &ids {
        let mut stream = random.of(*id);
        if stream.below(3) == 0 {
            let target = ids[stream.below(ids.len() as u64) as usize];
            hits.from(*id).to(target, Hit(1 + stream.below(5)));
        }
    }
}

fn churn(
    rows: Query<(Id, Prev<Position>, Option<Prev<Word>>)>,
    random: Random,
    clock: Clock,
    mut structure: Structure,
) {
    if clock.frame() % 7 >= 5 {
        return;
    }
    let (mut last, crowded) = (None, rows.iter().count() > 60);
    for (id, position, word) in &rows {
        let mut stream = random.of(id);
        match (stream.below(30), word) {
            (0, _) => structure.despawn(id),
            (1 | 2, _) if !crowded => {
                structure.spawn((*position, Velocity(0.125), Flash(1), Health(1)));
            }
            (3, None) => structure.insert(id, Word(format!("late {}", stream.below(99)))),
            (4, Some(_)) => structure.remove::<Word>(id),
            (5, _) => drop(last.map(|parent: Id| structure.attach(id, parent))),
            _ => {}
        }
        last = Some(id);
    }
}

/// A built scene that keeps records.
pub(crate) fn engine() -> Tried<Engine> {
    Ok(scene(Engine::in_memory()).deltas(64).build()?)
}
