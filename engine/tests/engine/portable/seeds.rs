//! The seeds of the fuzz targets `snapshot`, `delta` and `patch`: made by a small world, and still what they were.
//!
//! Claim: each is read by this build, and written again to the same bytes. Left out: `jsonlines`, whose seeds are the
//! same worlds as lines (see the facade crate).

use super::scene::{Flash, Hit};
use super::*;
use diptych_engine::Patch;
use diptych_engine::store::{Publisher, Update, ViewWorld, WorldDelta, read_snapshot, write_snapshot};
use std::path::{Path, PathBuf};

/// A world of a few entities with something of everything, and a quiet frame now and then.
fn few() -> Tried<Engine> {
    let builder = Engine::in_memory()
        .state::<Position>("few.position", 1)
        .state_with::<Word, Utf8>("few.word", 1)
        .transient::<Flash>("few.flash", 1)
        .message::<Hit>("few.hit", 1)
        .hierarchy()
        .dt(0.5)
        .digest(DigestPolicy::Every(2))
        .deltas(16)
        .setup("few.setup", |structure| {
            let first = structure.spawn((Position(1.0), Flash(0)));
            let second = structure.spawn((Position(2.0), Word("w".to_owned())));
            structure.attach(second, first);
            structure.spawn((Word(String::new()),));
        })
        .system("few.move", |mut rows: Query<Next<Position>>, clock: Clock| {
            if clock.frame() % 4 < 3 {
                rows.par_rows(|mut position| position.set(Position(position.prev().0 + clock.dt())));
            }
        })
        .system("few.flash", |mut rows: Query<(Id, Next<Flash>)>, clock: Clock, mut hits: Outbox<Hit>| {
            for (id, mut flash) in &mut rows {
                if clock.frame() % 4 < 2 {
                    flash.set(Flash(clock.frame()));
                    hits.from(id).to(id, Hit(clock.frame()));
                }
            }
        })
        .system("few.read", |_hits: Inbox<Hit>| {})
        .system("few.churn", |rows: Query<(Id, Prev<Position>)>, clock: Clock, mut structure: Structure| {
            for (id, _) in rows.iter().take(1) {
                match clock.frame() % 4 {
                    0 => drop(structure.spawn((Position(0.0), Flash(1)))),
                    1 => structure.insert(id, Word("late".to_owned())),
                    2 => structure.despawn(id),
                    _ => {}
                }
            }
        });
    Ok(builder.build()?)
}

fn snapshot_of(engine: &mut Engine) -> Tried<Vec<u8>> {
    let mut bytes = Vec::new();
    engine.export(&mut bytes)?;
    Ok(bytes)
}

/// Every seed by its target and name.
fn made() -> Tried<Vec<(&'static str, &'static str, Vec<u8>)>> {
    let mut seeds = Vec::new();
    let mut nothing = Engine::in_memory().build()?;
    seeds.push(("snapshot", "nothing", snapshot_of(&mut nothing)?));
    let mut engine = few()?;
    seeds.push(("snapshot", "setup", snapshot_of(&mut engine)?));
    engine.run(Pace::frames(3))?;
    seeds.push(("snapshot", "quiet", snapshot_of(&mut engine)?));
    engine.run(Pace::frames(2))?;
    let five = engine.image()?;
    seeds.push(("snapshot", "five", snapshot_of(&mut engine)?));
    seeds.push(("delta", "stays", engine.delta_since(5)?.encode()));
    let mut stream = Vec::new();
    let mut publisher = Publisher::new(&mut stream, &five)?;
    for name in ["six", "seven", "eight"] {
        engine.run(Pace::frames(1))?;
        let delta = engine.delta_since(publisher.frame())?;
        publisher.send(&delta)?;
        // Each leads from the snapshot `five`, as the target's view does.
        seeds.push(("delta", name, engine.delta_since(5)?.encode()));
    }
    publisher.close()?;
    seeds.push(("snapshot", "stream", stream));
    engine.run(Pace::frames(8))?;
    seeds.push(("delta", "sixteen", engine.delta_since(5)?.encode()));
    seeds.extend(patches().into_iter().map(|(name, list)| ("patch", name, Patch::encode(&list))));
    Ok(seeds)
}

fn patches() -> Vec<(&'static str, Vec<Patch>)> {
    let (one, two) = (Id::from_bits(1), Id::from_bits(u64::MAX));
    let set = Patch::set(one, "few.position", &Position(0.5));
    let add = Patch::set_with::<Word, Utf8>(two, "few.word", &Word("new".to_owned()));
    let blank = Patch::Add { id: one, component: "few.flash".to_owned(), value: None };
    let rest = [Patch::add(two, "few.position", &Position(1.5)), Patch::remove(one, "few.word")];
    let all = [set.clone(), add.clone(), blank.clone(), Patch::destroy(two)].into_iter().chain(rest);
    vec![
        ("none", Vec::new()),
        ("set", vec![set]),
        ("word", vec![add]),
        ("blank", vec![blank]),
        ("destroy", vec![Patch::destroy(one), Patch::destroy(two)]),
        ("all", all.collect()),
    ]
}

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/seeds").join(target)
}

/// The seeds of a target as they are in the repository, by name.
fn seeds(target: &str) -> Tried<Vec<(String, Vec<u8>)>> {
    let mut seeds = Vec::new();
    for entry in std::fs::read_dir(folder(target))? {
        let path = entry?.path();
        seeds.push((path.display().to_string(), std::fs::read(path)?));
    }
    assert!(seeds.len() >= 5, "{target} has {} seeds", seeds.len());
    Ok(seeds)
}

#[test]
fn seeds_are_read_and_written_again() -> Tried {
    for (name, bytes) in seeds("snapshot")? {
        let (image, extras) = read_snapshot(bytes.as_slice(), |_| {})?;
        let mut again = Vec::new();
        write_snapshot(&image, &extras, &mut again, |_, _| {})?;
        let mut follower = ViewWorld::follow(bytes.as_slice())?;
        if again.len() == bytes.len() {
            assert!(again == bytes, "{name}");
        } else {
            assert!(bytes.starts_with(&again), "{name}: a stream begins with a snapshot");
            while follower.next_update()? != Update::Closed {}
            assert_eq!((follower.view().frame(), follower.view().agrees()), (8, Some(true)), "{name}");
        }
    }
    let five = ViewWorld::read(std::fs::read(folder("snapshot").join("five"))?.as_slice())?;
    for (name, bytes) in seeds("delta")? {
        let delta = WorldDelta::decode(&bytes)?;
        assert!(delta.encode() == bytes, "{name}");
        let mut view = five.clone();
        view.apply_delta(&delta)?;
        assert_eq!(view.frame(), delta.target(), "{name}");
    }
    for (name, bytes) in seeds("patch")? {
        assert!(Patch::encode(&Patch::decode(&bytes)?) == bytes, "{name}");
    }
    Ok(())
}

/// Writes the seeds with this build: `cargo test -p diptych-engine --test engine -- --ignored write_the_seeds`.
#[test]
#[ignore = "writes files of the repository"]
fn write_the_seeds() -> Tried {
    for (target, name, bytes) in made()? {
        std::fs::create_dir_all(folder(target))?;
        std::fs::write(folder(target).join(name), bytes)?;
    }
    Ok(())
}
