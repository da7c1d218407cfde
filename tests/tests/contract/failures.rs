//! What fails while frames are made: the frame is not committed, the error names everything involved, and the
//! store stays at the last commit.

use diptych_engine::prelude::*;
use std::sync::Mutex;

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Gold(u64);

#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Iron(u64);

fn mine(mut gold: Query<Next<Gold>>) {
    gold.par_rows(|mut gold| gold.set(Gold(gold.prev().0 + 1)));
}

fn base(builder: EngineBuilder) -> EngineBuilder {
    builder.state::<Gold>("gold", 1).state::<Iron>("iron", 1).setup("setup", |structure| {
        for n in 0..10 {
            structure.spawn((Gold(n),));
        }
        structure.spawn((Iron(0),));
    })
}

#[track_caller]
fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is missing in: {message}");
    }
}

fn gold(engine: &Engine) -> Vec<u64> {
    engine.view().iter::<Gold>().map(|(_, gold)| gold.0).collect()
}

/// A panic poisons the engine and names the system and the frame; the frame is not committed, in memory or on
/// disk; the last good frame can still be read; and the world goes on from it when it is opened again.
#[test]
fn a_panic_poisons_and_the_store_stays_at_the_last_commit() {
    fn explode(iron: Query<Prev<Iron>>, clock: Clock) {
        assert!(clock.frame() != 4 || iron.iter().count() != 1, "out of powder");
    }
    let dir = tempfile::tempdir().unwrap();
    for threads in [1, 4] {
        let mut engine = base(Engine::open(dir.path()))
            .system("mine", mine)
            .system("explode", explode)
            .threads(threads)
            .build()
            .unwrap();
        let error = engine.run(Pace::frames(10)).unwrap_err();
        says(&error.to_string(), &["system explode panicked in frame 4", "out of powder"]);
        assert!(matches!(error, Error::Panicked { frame: 4, .. }), "{error:?}");
        assert_eq!(engine.frame(), 3);
        assert_eq!(gold(&engine), (3..13).collect::<Vec<_>>());
        assert_eq!(engine.reader().read("test", |view| view.frame()).unwrap(), 3);
        let again = engine.step().unwrap_err();
        says(&again.to_string(), &["stopped at frame 3", "explode", "out of powder"]);
        drop(engine);
    }
    let mut engine = base(Engine::open(dir.path())).system("mine", mine).build().unwrap();
    assert_eq!((engine.frame(), gold(&engine)), (3, (3..13).collect()));
    engine.step().unwrap();
    assert_eq!(gold(&engine), (4..14).collect::<Vec<_>>());
}

/// Of two panics in one wave, the same one is reported on any number of threads: the first by name.
#[test]
fn of_two_panics_the_first_by_name_is_reported() {
    fn explode() {
        panic!("bang");
    }
    for threads in [1, 2, 4] {
        let builder = base(Engine::in_memory()).system("z.bomb", explode).system("a.bomb", explode);
        let error = builder.threads(threads).build().unwrap().step().unwrap_err();
        says(&error.to_string(), &["system a.bomb panicked in frame 1", "bang"]);
    }
}

/// A tick inside a tick is an error, not a deadlock, also from within a parallel loop.
#[test]
fn nested_ticks() {
    static INNER: Mutex<Option<Engine>> = Mutex::new(None);
    static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
    fn tick() {
        let mut inner = INNER.lock().unwrap();
        let engine = inner.as_mut().unwrap();
        let answers = [engine.step().err(), engine.run(Pace::frames(1)).err()];
        SAID.lock()
            .unwrap()
            .extend(answers.map(|error| error.map_or("no error".to_owned(), |e| e.to_string())));
    }
    *INNER.lock().unwrap() = Some(base(Engine::in_memory()).build().unwrap());
    let mut engine = base(Engine::in_memory()).system("tick", |_: Query<Prev<Gold>>| tick()).build().unwrap();
    engine.step().unwrap();
    let said = SAID.lock().unwrap().clone();
    assert!(said.len() == 2 && said.iter().all(|said| said.contains("inside a system")), "{said:?}");
    assert_eq!(INNER.lock().unwrap().as_ref().unwrap().frame(), 0);
}

/// Inserting over a row that another system owns names both, the type and the entity; the owner itself, and
/// anybody where nobody owns the type, may.
#[test]
fn inserting_over_an_owned_row() {
    fn give(ids: Query<Id, With<Gold>>, mut structure: Structure) {
        let id = ids.iter().next().expect("there is gold");
        structure.insert(id, Gold(77));
    }
    let mut engine = base(Engine::in_memory()).system("mine", mine).system("give", give).build().unwrap();
    let first = engine.view().iter::<Gold>().next().unwrap().0;
    let error = engine.step().unwrap_err();
    says(&error.to_string(), &["give inserts", "Gold", &first.to_string(), "mine owns"]);
    assert!(matches!(error, Error::NotOwner { .. }), "{error:?}");
    assert_eq!(engine.frame(), 0);

    let mut engine = base(Engine::in_memory()).system("give", give).build().unwrap();
    engine.step().unwrap();
    assert_eq!(gold(&engine)[0], 77);

    fn own_and_give(mut gold: Query<(Id, Next<Gold>)>, mut structure: Structure) {
        let (id, mut first) = gold.iter_mut().next().expect("there is gold");
        first.set(Gold(5));
        structure.insert(id, Gold(78));
    }
    let mut engine = base(Engine::in_memory()).system("give", own_and_give).build().unwrap();
    engine.step().unwrap();
    assert_eq!(gold(&engine)[..2], [78, 1], "the insert comes after the wave");
}

/// A strict type whose owner leaves rows out: owner, type, n of m, and the first row left out.
#[test]
fn strict_coverage() {
    fn lazy(mut gold: Query<Next<Gold>>) {
        for (n, mut gold) in gold.iter_mut().enumerate() {
            match n {
                0..3 => gold.set(Gold(1)),
                3..7 => gold.carry(),
                _ => {}
            }
        }
    }
    fn thorough(mut gold: Query<Next<Gold>>) {
        gold.iter_mut().for_each(|mut gold| {
            gold.set_if_changed(Gold(1));
        });
    }
    fn packed(mut gold: Query<Next<Gold>>) {
        gold.par_blocks(|mut block| block.split().1.fill(Gold(3)));
    }
    let mut engine = base(Engine::in_memory()).strict::<Gold>().system("lazy", lazy).build().unwrap();
    let seventh = engine.view().iter::<Gold>().nth(7).unwrap().0.to_string();
    let error = engine.step().unwrap_err();
    says(&error.to_string(), &["lazy covered 7 of 10 rows", "Gold", &seventh]);
    for system in [thorough, packed] {
        let mut engine = base(Engine::in_memory()).strict::<Gold>().system("owner", system).build().unwrap();
        engine.run(Pace::frames(3)).unwrap();
    }
    let error = base(Engine::in_memory()).strict::<Gold>().build().unwrap().step().unwrap_err();
    says(&error.to_string(), &["nobody covered 0 of 10 rows", "Gold"]);
}

/// A lease that is never given back is named after the bound; the frame is not committed.
#[test]
fn a_lease_held_too_long() {
    let mut engine = base(Engine::in_memory()).system("mine", mine).build().unwrap();
    let reader = engine.reader();
    let (taken, is_taken) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let hog = std::thread::spawn(move || {
        let hold = |view: View<'_>| {
            taken.send(()).unwrap();
            released.recv().unwrap();
            view.iter::<Gold>().map(|(_, gold)| gold.0).collect::<Vec<_>>()
        };
        reader.read("the slow renderer", hold).unwrap()
    });
    is_taken.recv().unwrap();
    let error = engine.step().unwrap_err().to_string();
    says(&error, &["the slow renderer", "lease"]);
    assert_eq!(engine.frame(), 0);
    release.send(()).unwrap();
    assert_eq!(hog.join().unwrap(), (0..10).collect::<Vec<_>>(), "what the lease saw did not move");
}

/// A frame under a lease of the same thread is refused at once, naming the lease; after it, frames go on.
#[test]
fn frames_under_the_own_lease() {
    let mut engine = base(Engine::in_memory()).system("mine", mine).build().unwrap();
    let reader = engine.reader();
    let error = reader.read("me", |_| engine.step().unwrap_err().to_string()).unwrap();
    says(&error, &["lease me", "outside"]);
    engine.step().unwrap();
}

/// A stored world that does not fit what is registered: what differs is named, both sides of it.
#[test]
fn stored_worlds_that_do_not_fit() {
    let dir = tempfile::tempdir().unwrap();
    let open = || base(Engine::open(dir.path())).fact("rule", "B3/S23").seed(3).dt(0.5);
    let digest = {
        let mut engine = open().system("mine", mine).build().unwrap();
        engine.run(Pace::frames(5)).unwrap();
        engine.digest()
    };
    let refuse = |builder: EngineBuilder, parts: &[&str]| {
        let message = builder.build().expect_err("the world does not fit").to_string();
        says(&message, parts);
        assert!(!message.contains('\n'), "one line: {message}");
    };
    let other = || base(Engine::open(dir.path())).seed(3).dt(0.5);
    refuse(other().fact("rule", "B36/S23"), &["rule", "B3/S23", "B36/S23"]);
    refuse(other(), &["rule", "B3/S23"]);
    refuse(open().fact("size", 7), &["size", "7"]);
    refuse(open().seed(4), &["seed", "3", "4"]);
    refuse(open().dt(0.25), &["dt", "0.5", "0.25"]);
    let typed = |builder: EngineBuilder| builder.fact("rule", "B3/S23").seed(3).dt(0.5);
    refuse(typed(Engine::open(dir.path()).state::<Gold>("gold", 1)), &["iron"]);
    refuse(
        typed(Engine::open(dir.path()).state::<Gold>("gold", 2).state::<Iron>("iron", 1)),
        &["gold", "version 1", "2", "upcast"],
    );
    refuse(
        typed(Engine::open(dir.path()).state::<[u32; 3]>("gold", 1).state::<Iron>("iron", 1)),
        &["gold", "layout", "upcast"],
    );
    let mut engine = open().system("mine", mine).build().unwrap();
    assert_eq!((engine.frame(), engine.digest()), (5, digest), "refusals leave the world as it was");
    refuse(open(), &[]);
}

/// A directory opens once, a file is no world, and the message says which.
#[test]
fn strange_directories() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("world.txt");
    std::fs::write(&file, "not a world").unwrap();
    says(&base(Engine::open(&file)).build().unwrap_err().to_string(), &["world.txt"]);
    assert_eq!(std::fs::read(&file).unwrap(), b"not a world");
    let strange = dir.path().join("photos");
    std::fs::create_dir(&strange).unwrap();
    std::fs::write(strange.join("cat.jpg"), "meow").unwrap();
    says(&base(Engine::open(&strange)).build().unwrap_err().to_string(), &["photos"]);
    assert_eq!(std::fs::read_dir(&strange).unwrap().count(), 1, "nothing was made in it");
}
