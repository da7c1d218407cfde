//! What a review found: answers outlive frames that their system skips, a payload's drop, and what hangs below a request.

use super::{Double, Seen};
use diptych_engine::prelude::*;
use std::sync::{Arc, Mutex};

#[derive(Clone, Copy, Pod, Zeroable, Debug, PartialEq)]
#[repr(C)]
struct Town(u64);

/// A parameter that finds nothing skips the system; the answer waits for the frame in which it runs.
#[test]
fn a_skipped_system_loses_no_answer() {
    fn ask(
        mut jobs: Jobs<Double>,
        _town: bevy_ecs::prelude::Single<Prev<Town>>,
        seen: Res<Seen>,
        clock: Clock,
    ) {
        jobs.answers().for_each(|answered| seen.note(clock.frame(), answered));
        if clock.frame() == 1 {
            jobs.start(&7).unwrap();
        }
    }
    // Two towns in the frames in which the answer comes, so that `Single` finds none.
    fn build(towns: Query<(Id, Prev<Town>)>, clock: Clock, mut structure: Structure) {
        match clock.frame() {
            1 => drop(structure.spawn((Town(2),))),
            5 => towns.iter().filter(|(_, town)| town.0 == 2).for_each(|(id, _)| structure.despawn(id)),
            _ => {}
        }
    }
    let seen = Seen::default();
    let mut engine = Engine::in_memory()
        .state::<Town>("town", 1)
        .job::<Double>("double", 1, |n| Ok(n * 2))
        .job_latency(2)
        .system("ask", ask)
        .system("build", build)
        .resource(seen.clone())
        .setup("town", |structure| {
            structure.spawn((Town(1),));
        })
        .build()
        .unwrap();
    engine.run(Pace::frames(8)).unwrap();
    let seen = seen.take();
    assert_eq!(seen.iter().map(|answer| (answer.0, answer.2)).collect::<Vec<_>>(), [(6, 7)]);
}

/// A panic whose payload panics as it is dropped is an answer too.
#[test]
fn a_panic_with_a_payload_that_panics() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }
    fn ask(mut jobs: Jobs<Double>, seen: Res<Seen>, clock: Clock) {
        jobs.answers().for_each(|answered| seen.note(clock.frame(), answered));
        if clock.frame() == 1 {
            jobs.start(&7).unwrap();
        }
    }
    let seen = Seen::default();
    let mut engine = Engine::in_memory()
        .job::<Double>("double", 1, |_| std::panic::panic_any(Bomb))
        .job_timeout::<Double>(std::time::Duration::from_secs(2))
        .job_latency(1)
        .system("ask", ask)
        .resource(seen.clone())
        .build()
        .unwrap();
    engine.run(Pace::frames(4)).unwrap();
    assert_eq!(seen.take()[0].3, Err(JobError::Panicked("without a message".to_owned())));
}

/// A request below another goes with it, and no answer of it comes, after a restart or without one.
#[test]
fn requests_below_requests() {
    fn ask(
        mut jobs: Jobs<Double>,
        mut structure: Structure,
        seen: Res<Seen>,
        clock: Clock,
        first: Res<First>,
    ) {
        jobs.answers().for_each(|answered| seen.note(clock.frame(), answered));
        match clock.frame() {
            1 => *first.0.lock().unwrap() = Some(jobs.start(&1).unwrap()),
            2 => {
                let second = jobs.start(&2).unwrap();
                *first.1.lock().unwrap() = Some(second);
            }
            3 => structure.attach(first.1.lock().unwrap().unwrap(), first.0.lock().unwrap().unwrap()),
            _ => {}
        }
    }
    #[derive(Clone, Default, bevy_ecs::prelude::Resource)]
    struct First(Arc<Mutex<Option<Id>>>, Arc<Mutex<Option<Id>>>);
    let seen = Seen::default();
    let mut engine = Engine::in_memory()
        .job::<Double>("double", 1, |n| Ok(n * 2))
        .job_latency(4)
        .hierarchy()
        .system("ask", ask)
        .resource(seen.clone())
        .resource(First::default())
        .build()
        .unwrap();
    engine.run(Pace::frames(5)).unwrap();
    // The first is taken at the end of frame 5, and the second went with it.
    assert_eq!(engine.stats().entities, 0);
    assert_eq!(engine.stats().jobs_open, 0);
    engine.run(Pace::frames(5)).unwrap();
    assert_eq!(seen.take().iter().map(|answer| answer.2).collect::<Vec<_>>(), [1]);
}
