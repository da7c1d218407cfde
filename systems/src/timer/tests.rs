//! Timers through the engine: against a plain loop over all of them, through pauses, on any threads, stored and replayed.

use super::{
    Firing, TIMER_ENTRIES_SPARE_MAX, Timer, TimerIndex, TimerOrder, TimerStage, register, register_with,
};
use crate::canonical::CanonicalCodec;
use diptych_engine::prelude::*;
use std::sync::Arc;

/// What is told: which of the timers it is.
#[derive(Clone, Copy, PartialEq, Debug, Pod, Zeroable)]
#[repr(C)]
struct Bell(u64);

/// What was heard, (frame, due, bell) each, in the order of the mail.
type Heard = Vec<(u64, (u64, u64))>;

fn hear(mut ears: Query<Next<Heard>>, bells: Inbox<Firing<Bell>>, clock: Clock) {
    bells.deliver(&mut ears, |mut ear, mail| {
        let mut heard = ear.prev().clone();
        heard.extend(mail.messages().iter().map(|firing| (clock.frame(), (firing.due, firing.event.0))));
        ear.set(heard);
    });
}

fn timer(ms: f64, bell: u64, target: Id) -> Timer<Bell> {
    let timer = Timer::plan().after_ms(ms).sends(Bell(bell)).to(target.bits()).build();
    timer.unwrap_or_else(|error| panic!("{error}"))
}

struct Clockwork {
    /// Milliseconds of each timer.
    timers: Vec<f64>,
    /// Whether somebody pulls at them all the time.
    busy: bool,
    /// The index of the system under test, if that looks after them.
    index: Option<Arc<TimerIndex<Bell>>>,
}

impl Plugin for Clockwork {
    fn name(&self) -> &'static str {
        "clockwork"
    }

    fn build(self, registrar: &mut Registrar) -> Result<()> {
        if let Some(index) = self.index {
            register_with::<Bell>(registrar, "bell", index);
        } else {
            registrar
                .state_with::<Timer<Bell>, CanonicalCodec>("bell.timer", 1)
                .message_with::<Firing<Bell>, CanonicalCodec>("bell", 1)
                .message_with::<TimerOrder<Bell>, CanonicalCodec>("bell.order", 1)
                .system("bell.fire", plain);
        }
        registrar
            .state_with::<Heard, CanonicalCodec>("ear", 1)
            .input::<Pulled>("pull", 1, |applier, Pulled { timer: id, bits }| {
                if let Some(timer) = applier.get::<Timer<Bell>>(id).copied() {
                    let stage = TimerStage::Armed { since: 0, due: bits };
                    applier.set(id, timer.at_stage(stage));
                }
            })
            .system("hear", hear);
        if self.busy {
            registrar.system("pull", pull);
        }
        let timers = self.timers;
        registrar.setup("clockwork", move |structure: &mut Structure<'_, '_>| {
            let ear = structure.spawn((Heard::new(),)).id;
            for (bell, ms) in (0..).zip(timers) {
                structure.spawn((timer(ms, bell, ear),));
            }
        });
        Ok(())
    }
}

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Pulled {
    timer: Id,
    bits: u64,
}

/// Resets, stops, spawns and despawns timers, in ways that follow from the frame.
fn pull(
    timers: Query<(Id, Prev<Timer<Bell>>)>,
    mut orders: Outbox<TimerOrder<Bell>>,
    mut structure: Structure,
    clock: Clock,
) {
    for (id, timer) in &timers {
        let (bell, frame) = (timer.event().0, clock.frame());
        match mix(bell << 32 | frame) % 64 {
            0 => drop(orders.from(id).to(id, TimerOrder::again())),
            1 => {
                let order = TimerOrder::reset((mix(bell ^ frame << 20) % 900) as f64);
                orders.from(id).to(id, order.expect("it is a time"));
                // The last word counts.
                orders.from(id).to(id, TimerOrder::again());
            }
            2 => drop(orders.from(id).to(id, TimerOrder::stop())),
            3 => {
                structure.despawn(id);
                let ear = timer.target().map(Id::from_bits).expect("all have the ear");
                structure.spawn((self::timer((bell % 777) as f64, bell, ear),));
            }
            _ => {}
        }
    }
}

fn mix(n: u64) -> u64 {
    let mut bits = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits ^ (bits >> 27)
}

fn busy(builder: EngineBuilder) -> EngineBuilder {
    let timers = (0..400).map(|n| (mix(n) % 1000) as f64).collect();
    builder.dt(0.01).plugin(Clockwork { timers, busy: true, index: Some(Arc::default()) })
}

fn quiet(timers: &[f64]) -> Engine {
    let plugin = Clockwork { timers: timers.to_vec(), busy: false, index: Some(Arc::default()) };
    Engine::in_memory().dt(0.01).plugin(plugin).build().unwrap_or_else(|error| panic!("{error}"))
}

fn run(engine: &mut Engine, frames: u64) {
    engine.run(Pace::frames(frames)).unwrap_or_else(|error| panic!("{error}"));
}

fn heard(engine: &Engine) -> Heard {
    engine.view().single::<Heard>().cloned().unwrap_or_default()
}

/// Claim: a timer fires once, in the step by which its time is over, and is heard in the frame after; 5000 ms at a
/// hundred steps a second are 500; a time of 0 is over at once.
#[test]
fn fires_once_and_in_time() {
    let mut engine = quiet(&[super::TIMER_MS_DEFAULT, 0.0, 10.0, 15.0]);
    run(&mut engine, 500);
    assert_eq!(heard(&engine), [(2, (0, 1)), (2, (1, 2)), (3, (2, 3))]);
    run(&mut engine, 500);
    assert_eq!(heard(&engine)[3..], [(501, (500, 0))]);
    let stages: Vec<_> = engine.view().iter::<Timer<Bell>>().map(|(_, timer)| timer.stage()).collect();
    assert_eq!(stages[0], TimerStage::Fired { since: 0, at: 500 });
}

/// Claim: timers that came due while their system was off are heard once each, in the order of what was due, whatever
/// their `Id`s.
#[test]
fn late_ones_come_once_and_in_order() {
    let mut engine = quiet(&[300.0, 100.0, 200.0, 100.0, 900.0]);
    run(&mut engine, 2);
    let inputs = engine.inputs();
    inputs.control("test", &Control::disable("bell.fire")).unwrap_or_else(|error| panic!("{error}"));
    run(&mut engine, 58);
    assert_eq!(heard(&engine), []);
    inputs.control("test", &Control::enable("bell.fire")).unwrap_or_else(|error| panic!("{error}"));
    // Enabled by the commit of frame 61.
    run(&mut engine, 3);
    let late = [(63, (10, 1)), (63, (10, 3)), (63, (20, 2)), (63, (30, 0))];
    assert_eq!(heard(&engine), late[..]);
    run(&mut engine, 50);
    assert_eq!(heard(&engine)[4..], [(91, (90, 4))]);
}

/// The same as the system of timers, looking at each of them in every frame.
fn plain(
    mut timers: Query<(Id, Next<Timer<Bell>>)>,
    orders: Inbox<TimerOrder<Bell>>,
    mut out: Outbox<Firing<Bell>>,
    clock: Clock,
) {
    let mut firing = Vec::new();
    for (id, mut row) in &mut timers {
        let mut timer = orders.of(id).messages().iter().fold(*row.prev(), |timer, order| order.apply(timer));
        let since = clock.step() - 1;
        if timer.stage() == TimerStage::New {
            let due = since + super::steps_of(timer.duration_ms(), clock.tick());
            timer = timer.at_stage(TimerStage::Armed { since, due });
        }
        if let TimerStage::Armed { since, due } = timer.stage()
            && due <= clock.step()
        {
            timer = timer.at_stage(TimerStage::Fired { since, at: clock.step() });
            firing.push((due, id, timer));
        }
        row.set_if_changed(timer);
    }
    firing.sort_by_key(|(due, id, _)| (*due, *id));
    for (due, id, timer) in firing {
        let target = timer.target().map_or(id, Id::from_bits);
        out.from(target).to(target, Firing { timer: id.bits(), due, event: timer.event() });
    }
}

/// Claim: frame by frame the world is that of a plain loop over all timers, while timers are reset, stopped, despawned and
/// spawned.
#[test]
fn equals_a_plain_loop() {
    let of = |indexed: bool| {
        let timers = (0..400).map(|n| (mix(n) % 1000) as f64).collect();
        let builder = Engine::in_memory().dt(0.01).plugin(Clockwork {
            timers,
            busy: true,
            index: indexed.then(Arc::default),
        });
        builder.build().unwrap_or_else(|error| panic!("{error}"))
    };
    let (mut ours, mut plain) = (of(true), of(false));
    for frame in 1..=300 {
        run(&mut ours, 1);
        run(&mut plain, 1);
        assert_eq!(heard(&ours), heard(&plain), "frame {frame}");
        assert_eq!(ours.digest(), plain.digest(), "frame {frame}");
    }
    assert!(heard(&ours).len() > 500, "{}", heard(&ours).len());
}

/// Claim: one digest on any number of threads.
#[test]
fn threads_do_not_matter() {
    let digest = |threads| {
        let mut engine = busy(Engine::in_memory().threads(threads)).build();
        let engine = engine.as_mut().unwrap_or_else(|error| panic!("{error}"));
        run(engine, 120);
        (engine.digest(), heard(engine).len())
    };
    let one = digest(1);
    assert!(one.1 > 100, "{one:?}");
    for threads in [2, 4, 8].into_iter().filter(|_| cfg!(feature = "threads")) {
        assert_eq!(digest(threads), one, "on {threads} threads");
    }
}

/// Claim: the same world when it is stored, dropped and opened again at any frame, and when it is replayed.
#[cfg(feature = "store")]
#[test]
fn stored_continued_and_replayed() {
    let to = |builder: EngineBuilder, frame: u64| {
        let mut engine = busy(builder).build().unwrap_or_else(|error| panic!("{error}"));
        let more = frame - engine.frame();
        run(&mut engine, more);
        engine.digest()
    };
    let one = to(Engine::in_memory(), 120);
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    for frame in [1, 2, 3, 40, 41, 120] {
        let digest = to(Engine::open(folder.path()), frame);
        assert!(frame < 120 || digest == one, "in pieces");
    }
    let replay = busy(Engine::in_memory()).replay(folder.path(), ReplayFrom::Oldest);
    let mut replay = replay.unwrap_or_else(|error| panic!("{error}"));
    replay.run_to(u64::MAX).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((replay.frame(), replay.digest()), (120, one));
}

/// Claim: a world that is rolled back fires again what it fired in the frames that are undone.
#[test]
fn rolled_back_timers_fire_again() {
    let mut engine = busy(Engine::in_memory().rollback(50)).build().unwrap_or_else(|error| panic!("{error}"));
    run(&mut engine, 80);
    let (digest, all) = (engine.digest(), heard(&engine));
    engine.rollback_to(40).unwrap_or_else(|error| panic!("{error}"));
    assert!(heard(&engine).len() < all.len());
    run(&mut engine, 40);
    assert_eq!((engine.digest(), heard(&engine)), (digest, all));
}

/// Claim: who moves a timer by inputs again and again moves what is due, and does not fill the index for ever.
#[test]
fn inputs_move_timers() {
    let index = Arc::new(TimerIndex::default());
    let plugin = Clockwork { timers: vec![1e9], busy: false, index: Some(index.clone()) };
    let mut engine =
        Engine::in_memory().dt(0.01).plugin(plugin).build().unwrap_or_else(|error| panic!("{error}"));
    let id = engine.view().iter::<Timer<Bell>>().map(|(id, _)| id).next().unwrap_or_default();
    let inputs = engine.inputs();
    let rounds = TIMER_ENTRIES_SPARE_MAX as u64 + 100;
    for bits in 0..rounds {
        let pulled = Pulled { timer: id, bits: 1_000_000 + bits };
        drop(inputs.send("test", &pulled).unwrap_or_else(|error| panic!("{error}")));
        run(&mut engine, 1);
        let entries = index.0.lock().len();
        assert!(entries <= 2 + TIMER_ENTRIES_SPARE_MAX, "{entries} entries of one timer");
    }
    drop(inputs.send("test", &Pulled { timer: id, bits: 5 }).unwrap_or_else(|error| panic!("{error}")));
    run(&mut engine, 3);
    assert_eq!(heard(&engine), [(rounds + 3, (5, 0))]);
}

/// Claim: a world in which nobody hears the event of a timer is refused, and says whose.
#[test]
fn nobody_hears() {
    struct Deaf;
    impl Plugin for Deaf {
        fn name(&self) -> &'static str {
            "deaf"
        }
        fn build(self, registrar: &mut Registrar) -> Result<()> {
            register::<Bell>(registrar, "bell");
            Ok(())
        }
    }
    let said = Engine::in_memory().plugin(Deaf).build().map(drop).map_err(|error| error.to_string());
    assert!(said.as_ref().is_err_and(|said| said.contains("Bell") && said.contains("bell.fire")), "{said:?}");
}
