//! Readers outside the frame: leases while frames are made, and copies of the last two frames.

use diptych_engine::prelude::*;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Rows of the world; more than a parallel block.
const ROWS: u64 = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Left(u64);

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Right(u64);

/// Two types, written by two systems, that add up to 1000 in every committed frame.
fn world() -> EngineBuilder {
    fn left(mut rows: Query<Next<Left>>, clock: Clock) {
        rows.par_rows(|mut left| left.set(Left(clock.frame() % 1000)));
    }
    fn right(mut rows: Query<Next<Right>>, clock: Clock) {
        rows.par_blocks(|mut block| block.split().1.fill(Right(1000 - clock.frame() % 1000)));
    }
    fn churn(rows: Query<Id, With<Left>>, mut structure: Structure, clock: Clock) {
        if let Some(id) = rows.iter().nth(clock.frame() as usize % ROWS as usize) {
            structure.despawn(id);
            let now = clock.frame() % 1000;
            structure.spawn((Left(now), Right(1000 - now)));
        }
    }
    Engine::in_memory()
        .state::<Left>("left", 1)
        .state::<Right>("right", 1)
        .system("left", left)
        .system("right", right)
        .system("churn", churn)
        .setup("setup", |structure| {
            (0..ROWS).for_each(|_| {
                structure.spawn((Left(0), Right(1000)));
            });
        })
}

/// What a lease sees is one committed frame: every row of two types, written by two systems, agrees with the
/// frame's number, while the next waves and their spawns and despawns go on.
#[test]
fn leases_are_never_torn() {
    let mut engine = world().threads(2).build().unwrap();
    let reader = engine.reader();
    let (stop, looks, frames) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut last = 0;
                while !stop.load(Ordering::Relaxed) {
                    let frame = reader.read("looker", |view| {
                        let now = view.frame() % 1000;
                        let rights: Vec<u64> = view.iter::<Right>().map(|(_, right)| right.0).collect();
                        let lefts: Vec<(Id, u64)> =
                            view.iter::<Left>().map(|(id, left)| (id, left.0)).collect();
                        assert_eq!((lefts.len() as u64, view.entities()), (ROWS, ROWS));
                        assert!(lefts.iter().all(|(_, left)| *left == now), "frame {now}");
                        assert!(rights.iter().all(|right| *right == 1000 - now), "frame {now}");
                        let (id, left) = lefts[lefts.len() / 2];
                        assert_eq!(view.get::<Left>(id), Some(&Left(left)));
                        view.frame()
                    });
                    let frame = frame.unwrap();
                    assert!(frame >= last, "frames go forward");
                    frames.fetch_add(u64::from(frame > last), Ordering::Relaxed);
                    last = frame;
                    looks.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for _ in 0..300 {
            engine.step().unwrap();
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(engine.frame(), 300);
    assert!(frames.load(Ordering::Relaxed) > 20, "readers saw {} frames", frames.load(Ordering::Relaxed));
}

/// Copies of the last two frames: older first, whole, and theirs who hold them; none without `keep_copies`.
#[test]
fn copies_of_the_last_two_frames() {
    let mut engine = world().keep_copies::<Left>().build().unwrap();
    let reader = engine.reader();
    let frames =
        |reader: &diptych_engine::Reader| reader.copies::<Left>().map(|copy| copy.map(|copy| copy.frame));
    assert_eq!(frames(&reader), [None, Some(0)]);
    engine.step().unwrap();
    let [Some(older), Some(newer)] = reader.copies::<Left>() else { panic!("two frames were made") };
    assert_eq!((older.frame, newer.frame), (0, 1));
    engine.run(Pace::frames(9)).unwrap();
    assert_eq!(frames(&reader), [Some(9), Some(10)]);
    assert!(older.values.iter().all(|left| left.0 == 0) && newer.values.iter().all(|left| left.0 == 1));
    assert_eq!((older.ids.len() as u64, older.values.len() as u64), (ROWS, ROWS));
    let seen = engine.view();
    let [_, Some(last)] = reader.copies::<Left>() else { panic!("two frames were made") };
    let now: Vec<(Id, Left)> = seen.iter::<Left>().map(|(id, left)| (id, *left)).collect();
    assert_eq!(last.ids.iter().copied().zip(last.values.iter().copied()).collect::<Vec<_>>(), now);
    assert_eq!(reader.copies::<Right>().map(|copy| copy.is_none()), [true, true]);
}

/// A lease on a thread of the pool, in a system or in its parallel loop, is an error that says what to do.
#[test]
fn leases_on_pool_threads() {
    static READER: Mutex<Option<diptych_engine::Reader>> = Mutex::new(None);
    static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
    fn look() {
        let reader = READER.lock().unwrap().clone().expect("set below");
        let answer = reader.read("nosy", |view| view.frame());
        SAID.lock()
            .unwrap()
            .push(answer.map_or_else(|error| error.to_string(), |frame| format!("saw {frame}")));
    }
    fn nosy(mut rows: Query<Prev<Left>>) {
        look();
        rows.par_blocks(|_| look());
    }
    let mut engine = world().system("nosy", nosy).threads(2).build().unwrap();
    *READER.lock().unwrap() = Some(engine.reader());
    engine.step().unwrap();
    let said = SAID.lock().unwrap().clone();
    assert!(
        said.len() > 2 && said.iter().all(|said| said.contains("`nosy`") && said.contains("Prev<T>")),
        "{said:?}"
    );
    assert_eq!(engine.reader().read("calm", |view| view.frame()).unwrap(), 1);
}

/// Waiting for an input's answer under a lease, or for one's own lease in a lease, ends at once.
#[test]
fn waiting_under_a_lease_is_an_error() {
    #[derive(Clone, Copy, Pod, Zeroable)]
    #[repr(C)]
    struct Nothing(u64);
    let mut engine = world().input::<Nothing>("nothing", 1, |_, _| {}).build().unwrap();
    let (reader, inputs) = (engine.reader(), engine.inputs());
    let ticket = inputs.send("me", &Nothing(0)).unwrap();
    let error = reader.read("mine", |_| {
        assert!(reader.read("again", |view| view.frame()).is_ok(), "a lease in a lease is free");
        ticket.wait(std::time::Duration::from_secs(60)).unwrap_err().to_string()
    });
    let error = error.unwrap();
    assert!(error.contains("`mine`"), "{error}");
    engine.step().unwrap();
    assert_eq!(ticket.wait(std::time::Duration::from_secs(60)).unwrap().frame, 1);
}
