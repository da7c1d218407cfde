//! Going back and on again, and what it costs to keep the way back.
//!
//! Invariant: both sides are one program. Frames are made by single steps, as who predicts the inputs of others makes
//! them; no digests are taken. The scene: ten thousand bodies that all move, a thousand of them with guns that make
//! about 300 shots a second, which fly, hit a body by a message, and end.

use benches::scene::{self, Position, Velocity, Way, moved, velocity};
use benches::{Probe, Suite, Target};
use diptych_engine::prelude::*;
use std::time::Instant;

const BODIES: u32 = 10_000;
const GUNS: u32 = 1_000;
/// Frames that are undone and made again.
const BACK: u64 = 8;
/// Each gun shoots once in so many frames: 5 shots a frame, 300 a second.
const RELOAD: u64 = 200;
/// Frames that a shot flies.
const FLIGHT: u32 = 30;
const TURNS: u32 = 20;

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Health(f32);

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Gun {
    target: Id,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Shot {
    target: Id,
    left: u64,
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Damage(f32);

pub(crate) fn run(suite: &mut Suite) {
    let name = format!("rewind, {BODIES} entities, {BACK} frames back and again");
    if suite.wants(&name) {
        let mut engine = warm(game(Engine::in_memory().threads(1).rollback(BACK as u32)));
        let mut other = warm(game(Engine::in_memory().threads(1).rollback(BACK as u32)));
        let mut again = || {
            timed(&mut engine, |engine| {
                let now = engine.frame();
                engine.rollback_to(now - BACK).expect("kept");
                steps(engine, BACK);
            })
        };
        let mut on = || timed(&mut other, |engine| steps(engine, BACK));
        suite.compare(&name, "us", Target::Ratio(1.3), &mut again, ("those frames once", &mut on));
    }
    let name = format!("rewind, {BODIES} entities, a frame and what undoes it");
    if suite.wants(&name) {
        let mut with = warm(game(Engine::in_memory().threads(1).rollback(BACK as u32)));
        let mut without = warm(game(Engine::in_memory().threads(1)));
        let mut ours = || timed(&mut with, |engine| steps(engine, BACK)) / BACK as f64;
        let mut peer = || timed(&mut without, |engine| steps(engine, BACK)) / BACK as f64;
        suite.compare(&name, "us/frame", Target::None, &mut ours, ("without rollback", &mut peer));
    }
    for (rows, frames) in [(1_000_000_u32, 40), (BODIES, 4000)] {
        let name = format!("rewind, dense integrate, {rows} rows, packed, 1 thread, {BACK} frames kept");
        if !suite.wants(&name) {
            continue;
        }
        let dense = |kept| {
            let probe = Probe::default();
            let builder = Engine::in_memory().threads(1).rollback(kept);
            let mut engine = scene::warm(scene::dense(builder, rows, Way::Packed, &probe));
            scene::run(&mut engine, 2 * BACK);
            move || probe.time(frames, |frames| scene::run(&mut engine, frames)) / f64::from(rows)
        };
        let (mut with, mut without) = (dense(BACK as u32), dense(0));
        suite.compare(&name, "ns/row", Target::None, &mut with, ("without rollback", &mut without));
    }
}

fn warm(builder: EngineBuilder) -> Engine {
    let mut engine = builder.build().expect("a bench's world is right");
    steps(&mut engine, 100);
    engine
}

fn steps(engine: &mut Engine, frames: u64) {
    (0..frames).for_each(|_| engine.step().expect("a bench's frames do not fail"));
}

/// Microseconds of one turn.
fn timed(engine: &mut Engine, mut turn: impl FnMut(&mut Engine)) -> f64 {
    // New frames for each sample, so that it does not measure one moment of the scene again and again.
    steps(engine, BACK);
    let start = Instant::now();
    (0..TURNS).for_each(|_| turn(engine));
    start.elapsed().as_nanos() as f64 / 1000.0 / f64::from(TURNS)
}

type Moving<'w, 's> = Query<'w, 's, (Next<Position>, Prev<Velocity>)>;

fn game(builder: EngineBuilder) -> EngineBuilder {
    builder
        .digest(DigestPolicy::OnDemand)
        .state::<Position>("bench.position", 1)
        .state::<Velocity>("bench.velocity", 1)
        .state::<Health>("bench.health", 1)
        .state::<Gun>("bench.gun", 1)
        .state::<Shot>("bench.shot", 1)
        .message::<Damage>("bench.damage", 1)
        .setup("bench.setup", |structure| {
            let body = |n: u32| (Position([n as f32, 0.0, 0.0]), Velocity(velocity(n)), Health(100.0));
            let first = structure.spawn(body(0)).id;
            let mut targets = vec![first];
            targets.extend((1..BODIES - GUNS).map(|n| structure.spawn(body(n)).id));
            for n in 0..GUNS {
                let target = targets[(n as usize * 7919) % targets.len()];
                structure.spawn((
                    Position([n as f32, 1.0, 0.0]),
                    Velocity(velocity(n)),
                    Health(100.0),
                    Gun { target },
                ));
            }
            // One of the kind, so that its table is there from the beginning.
            structure.spawn((Position([0.0; 3]), Velocity([0.0; 3]), Shot { target: first, left: 1 }));
        })
        .system("bench.move", |mut bodies: Moving| {
            bodies.blocks(|(mut position, velocity)| {
                let (prev, next) = position.split();
                scene::integrate(next, prev, velocity);
            });
        })
        .system(
            "bench.shoot",
            |guns: Query<(Id, Prev<Gun>, Prev<Position>)>, clock: Clock, mut structure: Structure| {
                for (id, gun, position) in &guns {
                    if (id.bits() + clock.frame()).is_multiple_of(RELOAD) {
                        let shot = Shot { target: gun.target, left: u64::from(FLIGHT) };
                        structure.spawn((
                            Position(moved(position.0, [0.0; 3])),
                            Velocity([9.0, 0.0, 0.0]),
                            shot,
                        ));
                    }
                }
            },
        )
        .system(
            "bench.fly",
            |mut shots: Query<(Id, Next<Shot>)>, mut structure: Structure, mut damage: Outbox<Damage>| {
                for (id, mut shot) in &mut shots {
                    let Shot { target, left } = *shot.prev();
                    if left == 0 {
                        damage.from(id).to(target, Damage(0.5));
                        structure.despawn(id);
                    } else {
                        shot.set(Shot { target, left: left - 1 });
                    }
                }
            },
        )
        .system("bench.suffer", |mut healths: Query<Next<Health>>, damage: Inbox<Damage>| {
            damage.deliver(&mut healths, |mut health, hits| {
                let sum: f32 = hits.messages().iter().map(|hit| hit.0).sum();
                health.set(Health(health.prev().0 - sum));
            });
        })
}
