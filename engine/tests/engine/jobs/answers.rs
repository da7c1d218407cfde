//! Answers: once, in order, to who asked; equal on any number of threads.

use super::{Double, Seen, step_until};
use diptych_engine::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Town(u64);

#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Weather(u64);

/// Asks for every town in its turn, and adds up what comes.
fn ask(mut towns: Query<(Id, Prev<Town>, Next<Weather>)>, mut jobs: Jobs<Double>, clock: Clock) {
    let answers: Vec<_> = jobs.answers().collect();
    for (id, town, mut weather) in &mut towns {
        for answered in answers.iter().filter(|answered| answered.request == town.0) {
            let value = answered.answer.clone().unwrap_or(1);
            weather.set(Weather(weather.prev().0.wrapping_mul(31) + value + clock.frame()));
        }
        if (town.0 + clock.frame()).is_multiple_of(3) {
            assert!(jobs.start(&town.0).is_ok(), "a town {id} asks one thing at a time");
        }
    }
}

fn towns(structure: &mut Structure<'_, '_>) {
    for n in 0..10 {
        structure.spawn((Town(n), Weather(0)));
    }
}

fn town_world(threads: usize, slow: bool) -> Engine {
    let job = move |town: &u64| {
        if slow {
            // Different each time, so that answers come in different orders.
            static SALT: AtomicU64 = AtomicU64::new(0);
            let salt = SALT.fetch_add(7, Ordering::Relaxed) % 5;
            std::thread::sleep(Duration::from_millis(salt));
        }
        if *town == 3 { Err("there is no town 3".to_owned()) } else { Ok(town * 2) }
    };
    Engine::in_memory()
        .state::<Town>("town", 1)
        .state::<Weather>("weather", 1)
        .job::<Double>("weather.double", 1, job)
        .job_latency(2)
        .job_threads(3)
        .system("ask", ask)
        .setup("towns", towns)
        .threads(if cfg!(feature = "threads") { threads } else { 1 })
        .build()
        .unwrap()
}

/// With a latency, digests are the same on any number of threads, for quick and for slow jobs.
#[test]
fn latency_gives_equal_digests() {
    let digests = |threads, slow| {
        let mut engine = town_world(threads, slow);
        let digests: Vec<_> = (0..20)
            .map(|_| {
                engine.step().unwrap();
                engine.digest()
            })
            .collect();
        assert!(engine.stats().jobs_answered > 40, "{}", engine.stats());
        assert!(engine.stats().jobs_failed > 4, "{}", engine.stats());
        digests
    };
    let first = digests(1, false);
    for threads in [2, 4, 8].into_iter().filter(|_| cfg!(feature = "threads")) {
        assert_eq!(digests(threads, threads != 4), first, "on {threads} threads");
    }
}

/// What the asker of the tests below does.
#[derive(Clone, Default, bevy_ecs::prelude::Resource)]
struct Plan(Arc<Mutex<Vec<(u64, u64)>>>);

fn asker(mut jobs: Jobs<Double>, seen: Res<Seen>, plan: Res<Plan>, clock: Clock) {
    jobs.answers().for_each(|answered| seen.note(clock.frame(), answered));
    for (frame, number) in plan.0.lock().unwrap().iter() {
        if *frame == clock.frame() {
            jobs.start(number).unwrap();
        }
    }
}

fn planned(plan: &[(u64, u64)]) -> (EngineBuilder, Seen) {
    let seen = Seen::default();
    let plan = Plan(Arc::new(Mutex::new(plan.to_vec())));
    (Engine::in_memory().resource(seen.clone()).resource(plan), seen)
}

/// Every answer is seen in exactly one frame, with what was asked, in the order of the requests, and the
/// request is gone from the world.
#[test]
fn each_answer_comes_once() {
    let plan: Vec<(u64, u64)> = (0..30).map(|n| (n / 10 + 1, n)).collect();
    let (builder, seen) = planned(&plan);
    let mut engine =
        builder.job::<Double>("double", 1, |n| Ok(n * 2)).system("asker", asker).build().unwrap();
    step_until(&mut engine, |engine| engine.stats().jobs_answered == 30);
    assert_eq!(engine.view().entities(), 0, "answered requests are gone");
    (0..5).for_each(|_| engine.step().unwrap());
    let mut seen = seen.take();
    assert_eq!(seen.len(), 30);
    for pair in seen.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
        assert!(pair[0].1 < pair[1].1, "answers of one frame come by request");
    }
    seen.sort_by_key(|answer| answer.2);
    for (n, (_, _, request, answer)) in seen.into_iter().enumerate() {
        assert_eq!((request, answer), (n as u64, Ok(n as u64 * 2)));
    }
}

/// A latency of n frames: asked in frame f, taken at the commit of f + n, seen in the frame after it.
#[test]
fn latency_is_exact() {
    for latency in [0, 1, 5] {
        let (builder, seen) = planned(&[(2, 7)]);
        let slow = |n: &u64| {
            std::thread::sleep(Duration::from_millis(20));
            Ok(*n)
        };
        let builder = builder.job::<Double>("double", 1, slow).job_latency(latency);
        let mut engine = builder.system("asker", asker).build().unwrap();
        engine.run(Pace::frames(10)).unwrap();
        let frames: Vec<u64> = seen.take().iter().map(|answer| answer.0).collect();
        assert_eq!(frames, [2 + latency + 1]);
    }
}

/// Answers wait for a system that runs every third frame.
#[test]
fn answers_wait_for_their_system() {
    let (builder, seen) = planned(&[(3, 7), (3, 8)]);
    let builder = builder.job::<Double>("double", 1, |n| Ok(*n)).job_latency(1);
    let mut engine = builder.system("asker", asker.every(3)).build().unwrap();
    engine.run(Pace::frames(4)).unwrap();
    assert_eq!(engine.stats().jobs_answered, 2, "they are taken while the system does not run");
    engine.run(Pace::frames(8)).unwrap();
    let frames: Vec<(u64, u64)> = seen.take().iter().map(|answer| (answer.0, answer.2)).collect();
    assert_eq!(frames, [(6, 7), (6, 8)]);
}

/// Two systems that ask for one job get each its own answers.
#[test]
fn answers_go_to_who_asked() {
    fn early(mut jobs: Jobs<Double>, seen: Res<Seen>, clock: Clock) {
        jobs.answers().for_each(|answered| seen.note(clock.frame() + 100, answered));
        if clock.frame() == 1 {
            jobs.start(&1).unwrap();
        }
    }
    let (builder, seen) = planned(&[(1, 2)]);
    let builder = builder.job::<Double>("double", 1, |n| Ok(*n)).job_latency(1);
    let mut engine = builder.system("asker", asker).system("early", early).build().unwrap();
    engine.run(Pace::frames(5)).unwrap();
    let mut got: Vec<(u64, u64)> = seen.take().iter().map(|answer| (answer.0, answer.2)).collect();
    got.sort_unstable();
    assert_eq!(got, [(3, 2), (103, 1)]);
}

/// A gate that futures wait at, to be opened by a test.
#[derive(Default)]
struct Gate {
    open: Mutex<(bool, Vec<std::task::Waker>)>,
}

impl Gate {
    fn open(&self) {
        let mut open = self.open.lock().unwrap();
        open.0 = true;
        open.1.drain(..).for_each(std::task::Waker::wake);
    }

    async fn passed(self: Arc<Self>) {
        core::future::poll_fn(|context| {
            let mut open = self.open.lock().unwrap();
            if open.0 {
                return std::task::Poll::Ready(());
            }
            open.1.push(context.waker().clone());
            std::task::Poll::Pending
        })
        .await;
    }
}

/// More futures wait than there are threads, and all are answered when what they wait for comes.
#[test]
fn futures_hold_no_thread() {
    let plan: Vec<(u64, u64)> = (0..20).map(|n| (1, n)).collect();
    let (builder, seen) = planned(&plan);
    let gate = Arc::new(Gate::default());
    let waiting = gate.clone();
    let mut engine = builder
        .job_future::<Double, _>("double", 1, move |n: u64| {
            let gate = waiting.clone();
            async move {
                gate.passed().await;
                if n == 5 { Err("not five".to_owned()) } else { Ok(n + 1) }
            }
        })
        .job_threads(1)
        .system("asker", asker)
        .build()
        .unwrap();
    step_until(&mut engine, |_| gate.open.lock().unwrap().1.len() == 20);
    assert_eq!(engine.stats().jobs_open, 20);
    gate.open();
    step_until(&mut engine, |engine| engine.stats().jobs_answered == 20);
    engine.step().unwrap();
    for (_, _, n, answer) in seen.take() {
        let expected = if n == 5 { Err(JobError::Failed("not five".to_owned())) } else { Ok(n + 1) };
        assert_eq!(answer, expected);
    }
}

/// A request that is taken back is never answered, though its job ends; only requests can be taken back.
#[cfg(feature = "threads")]
#[test]
fn cancelled_requests_have_no_answer() {
    #[derive(Default, bevy_ecs::prelude::Resource)]
    struct Asked(Option<Id>);

    fn ask_and_cancel(
        mut jobs: Jobs<Double>,
        mut asked: ResMut<Asked>,
        towns: Query<(Id, Prev<Town>)>,
        seen: Res<Seen>,
        clock: Clock,
    ) {
        jobs.answers().for_each(|answered| seen.note(clock.frame(), answered));
        match clock.frame() {
            1 => asked.0 = jobs.start(&1).ok(),
            3 => jobs.cancel(asked.0.unwrap()),
            4 => towns.iter().for_each(|(id, _)| jobs.cancel(id)),
            _ => {}
        }
    }
    let (ended, seen) = (Arc::new((Mutex::new(false), std::sync::Condvar::new())), Seen::default());
    let (wait, begun) = (ended.clone(), Arc::new(AtomicU64::new(0)));
    let begins = begun.clone();
    let mut engine = Engine::in_memory()
        .state::<Town>("town", 1)
        .job::<Double>("double", 1, move |n| {
            begins.fetch_add(1, Ordering::Relaxed);
            drop(wait.1.wait_while(wait.0.lock().unwrap(), |ended| !*ended).unwrap());
            Ok(*n)
        })
        .system("ask_and_cancel", ask_and_cancel)
        .setup("town", |structure| {
            structure.spawn((Town(0),));
        })
        .resource(Asked::default())
        .resource(seen.clone())
        .build()
        .unwrap();
    (0..2).for_each(|_| engine.step().unwrap());
    assert_eq!(engine.stats().jobs_open, 1);
    while begun.load(Ordering::Relaxed) == 0 {
        std::thread::yield_now();
    }
    (0..3).for_each(|_| engine.step().unwrap());
    assert_eq!((engine.stats().jobs_open, engine.view().entities()), (0, 1));
    *ended.0.lock().unwrap() = true;
    ended.1.notify_all();
    step_until(&mut engine, |engine| engine.stats().jobs_dropped == 1);
    (0..3).for_each(|_| engine.step().unwrap());
    assert_eq!(seen.take(), []);
}
