//! Time travel: an image of any kept frame has the digest that the engine had then, whatever the world does; diffs
//! name what differs; backups are opened as worlds.

use bytemuck::{Pod, Zeroable};
use diptych_engine::prelude::*;
use diptych_engine::store::{self, History, Past, diff};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

/// Two columns of motion: dense, written in every frame.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Motion([f64; 6]);

/// What happened in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Flash(u64);

/// Comes and goes.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Tag(u64);

/// From one row to another.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
struct Push(u64);

fn world(dir: &Path, rows: u64, history: History) -> EngineBuilder {
    Engine::open(dir)
        .state::<Motion>("test.motion", 1)
        .transient::<Flash>("test.flash", 1)
        .state::<Tag>("test.tag", 1)
        .message::<Push>("test.push", 1)
        .input::<Tag>("test.name", 1, |applier, tag| {
            for id in applier.ids::<Tag>().into_iter().take(3) {
                applier.set(id, tag);
            }
        })
        .setup("all", move |structure| {
            for n in 0..rows {
                structure.spawn((Motion([n as f64; 6]), Flash(n)));
            }
        })
        .system("move", |mut rows: Query<Next<Motion>>, clock: Clock| {
            let dt = clock.dt();
            rows.par_rows(|mut row| row.set(Motion(row.prev().0.map(|x| x * 1.000_1 + dt))));
        })
        .system("flash", |mut rows: Query<(Id, Next<Flash>)>, clock: Clock, mut pushes: Outbox<Push>| {
            for (id, mut flash) in &mut rows {
                if id.bits().wrapping_add(clock.frame()) % 101 == 0 {
                    flash.set(Flash(clock.frame()));
                    pushes.from(id).to(id, Push(clock.frame()));
                }
            }
        })
        .system("hear", |mut rows: Query<(Id, Next<Tag>)>, inbox: Inbox<Push>| {
            for (id, mut tag) in &mut rows {
                let heard: u64 = inbox.of(id).iter().map(|(_, push)| push.0).sum();
                tag.set_if_changed(Tag(tag.prev().0.wrapping_add(heard)));
            }
        })
        .system("shape", shape)
        .history(history)
}

/// Rows come, go, and gain and lose a type.
fn shape(
    bare: Query<Id, (With<Motion>, Without<Tag>)>,
    tagged: Query<Id, With<Tag>>,
    mut structure: Structure,
    clock: Clock,
) {
    let frame = clock.frame();
    if frame % 9 == 4 {
        return;
    }
    for (n, id) in bare.iter().enumerate().skip(frame as usize % 50).step_by(397) {
        match (n as u64 + frame) % 3 {
            0 => structure.despawn(id),
            1 => structure.insert(id, Tag(frame)),
            _ => drop(structure.spawn((Motion([1.0; 6]), Flash(frame), Tag(n as u64)))),
        }
    }
    for id in tagged.iter().skip(frame as usize % 5).step_by(7).take(9) {
        structure.remove::<Tag>(id);
    }
}

/// Makes frames and remembers the digest of each.
fn play(engine: &mut Engine, frames: u64, digests: &mut BTreeMap<u64, Digest>) -> diptych_engine::Result<()> {
    for _ in 0..frames {
        if engine.frame() % 11 == 3 {
            engine.inputs().send("test", &Tag(engine.frame()))?;
        }
        engine.step()?;
        digests.insert(engine.frame(), engine.digest());
    }
    Ok(())
}

#[test]
fn the_image_of_a_frame_has_the_digest_that_the_engine_had_then() -> Result<(), Box<dyn Error>> {
    // Goal: structure, transient values, messages and inputs in a dense world of several checkpoints; looked at while
    // it runs, after reopening on another number of threads, and in the stopped directory.
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("world");
    let mut digests = BTreeMap::new();
    let mut engine = world(&path, 20_000, History::frames(150)).threads(2).build()?;
    play(&mut engine, 200, &mut digests)?;
    let check = |engine: &mut Engine, digests: &BTreeMap<u64, Digest>| {
        engine.flush()?;
        let kept = engine.retained().ok_or("a world on disk keeps frames")?;
        for frame in kept.clone().step_by(13).chain([*kept.start(), *kept.end()]) {
            let Some(digest) = digests.get(&frame) else { continue };
            let image = engine.at(frame)?;
            assert_eq!((image.frame(), image.digest()), (frame, *digest), "of {kept:?}");
            assert_eq!(image.problems(), Vec::<String>::new());
        }
        Ok::<_, Box<dyn Error>>(kept)
    };
    assert_eq!(check(&mut engine, &digests)?, 0..=200, "two epochs, all of them wanted");
    play(&mut engine, 150, &mut digests)?;
    let kept = check(&mut engine, &digests)?;
    assert!(*kept.start() > 0 && *kept.start() <= 200, "{kept:?}");
    drop(engine);
    let mut engine = world(&path, 20_000, History::frames(150)).threads(1).build()?;
    assert_eq!(check(&mut engine, &digests)?, kept, "the same after reopening");
    play(&mut engine, 30, &mut digests)?;
    let kept = check(&mut engine, &digests)?;
    drop(engine);
    let past = Past::of(&path, None)?;
    assert_eq!(past.retained(), Some(kept.clone()));
    for frame in kept.step_by(41) {
        assert_eq!(past.at(frame)?.digest(), digests[&frame], "frame {frame}");
    }
    Ok(())
}

#[test]
fn a_diff_names_the_first_component_and_entity_that_differ() -> Result<(), Box<dyn Error>> {
    // Goal: equal frames have no difference; one spawn, one despawn, one set and a note are found, and nothing else.
    let dir = tempfile::tempdir()?;
    let mut engine = Engine::open(dir.path().join("world"))
        .state::<Tag>("test.tag", 1)
        .state::<Motion>("test.motion", 1)
        .message::<Push>("test.push", 1)
        .setup("two", |structure| {
            structure.spawn((Tag(1), Motion([0.0; 6])));
            structure.spawn((Tag(2), Motion([0.0; 6])));
        })
        .system("tag", |mut rows: Query<(Id, Next<Tag>)>, inbox: Inbox<Push>, clock: Clock| {
            for (id, mut tag) in rows.iter_mut().take(1) {
                let _ = inbox.of(id).len();
                if clock.frame() == 2 {
                    tag.set(Tag(9));
                }
            }
        })
        .system("shape", |rows: Query<Id>, mut structure: Structure, mut push: Outbox<Push>, clock: Clock| {
            if clock.frame() == 3 {
                structure.spawn((Tag(7),));
                let last = rows.iter().last().expect("two rows");
                structure.despawn(last);
            }
            if clock.frame() == 4 {
                let first = rows.iter().next().expect("a row");
                push.from(first).to(first, Push(5));
            }
        })
        .build()?;
    engine.run(Pace::frames(5))?;
    let mut at = |frame| engine.at(frame);
    assert_eq!(diff(&at(0)?, &at(1)?, 10), Vec::new());
    let found = diff(&at(1)?, &at(2)?, 10);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].name.as_str(), found[0].changed, found[0].rows.len()), ("test.tag", 1, 1));
    let (old, new) = (1_u64.to_le_bytes().to_vec(), 9_u64.to_le_bytes().to_vec());
    assert_eq!((&found[0].rows[0].old, &found[0].rows[0].new), (&Some(old), &Some(new)));
    let found = diff(&at(2)?, &at(3)?, 0);
    let counts: Vec<_> = found
        .iter()
        .map(|part| (part.name.as_str(), part.added, part.removed, part.changed, part.rows.len()))
        .collect();
    let expected = [("diptych.id", 1, 1, 0, 0), ("test.motion", 0, 1, 0, 0), ("test.tag", 1, 1, 0, 0)];
    assert_eq!(counts, expected);
    let found = diff(&at(3)?, &at(4)?, 10);
    assert_eq!((found.len(), found[0].added, found[0].versions), (1, 1, (None, Some(0))), "{found:?}");
    Ok(())
}

#[test]
fn a_backup_is_restored_by_opening_it_and_goes_on_the_same() -> Result<(), Box<dyn Error>> {
    // Goal: a copy taken by another thread at full speed goes on with the digests of the original.
    let dir = tempfile::tempdir()?;
    let (path, target) = (dir.path().join("world"), dir.path().join("copy"));
    let mut digests = BTreeMap::new();
    let mut engine = world(&path, 5000, History::frames(50)).build()?;
    play(&mut engine, 40, &mut digests)?;
    engine.flush()?;
    let past = engine.past().ok_or("a world on disk")?;
    let (durable, copying) = (engine.durable_frame(), target.clone());
    let thread = std::thread::spawn(move || past.backup(&copying, &mut |_, _| {}));
    while !thread.is_finished() || engine.frame() < 60 {
        play(&mut engine, 1, &mut digests)?;
    }
    let made = thread.join().expect("the copying thread")?;
    let frame = made.frame.ok_or("frames")?;
    assert!(frame >= durable, "{made:?}: frame {durable} was durable");
    assert_eq!(made.digest, digests.get(&frame).copied());
    assert_eq!(store::verify(&target, None)?, Vec::<String>::new());
    let last = engine.frame() + 20;
    play(&mut engine, 20, &mut digests)?;
    let mut copy = world(&target, 5000, History::frames(50)).build()?;
    assert_eq!(copy.frame(), frame, "it is opened where it was taken");
    let mut again = BTreeMap::new();
    play(&mut copy, last - frame, &mut again)?;
    for (frame, digest) in &again {
        assert_eq!(digests[frame], *digest, "frame {frame}");
    }
    let whole = dir.path().join("whole");
    let made = engine.backup(&whole)?;
    assert_eq!(made.frame, Some(last), "the engine's own backup holds every committed frame");
    Ok(())
}

#[test]
fn of_a_world_known_by_its_inputs_the_checkpoints_are_kept() -> Result<(), Box<dyn Error>> {
    // Goal: a checkpoint's own frame is given, one between is refused and says how it is made again.
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("world");
    let mut digests = BTreeMap::new();
    let build = || world(&path, 500, History::frames(1000)).durability(Durability::Inputs(10)).build();
    let mut engine = build()?;
    play(&mut engine, 35, &mut digests)?;
    engine.flush()?;
    let (mut given, mut refused) = (0, 0);
    for (frame, digest) in &digests {
        match engine.at(*frame) {
            Ok(image) => {
                assert_eq!(image.digest(), *digest, "frame {frame}");
                given += 1;
            }
            Err(error) => {
                let message = error.to_string();
                assert!(message.contains("replay") || message.contains("is not kept"), "{message}");
                refused += 1;
            }
        }
    }
    assert!(given >= 3 && refused >= 20, "{given} given, {refused} refused");
    drop(engine);
    let made = store::backup(&path, &dir.path().join("copy"), &mut |_, _| {})?;
    assert_eq!(made.frame, Some(35));
    assert_eq!(store::verify(&dir.path().join("copy"), None)?, Vec::<String>::new());
    Ok(())
}

#[test]
fn a_world_in_memory_says_that_it_keeps_no_past() -> Result<(), Box<dyn Error>> {
    // Goal: a sentence that says what to do.
    let mut engine = Engine::in_memory().state::<Tag>("test.tag", 1).build()?;
    let message = engine.at(0).map(drop).expect_err("nothing is kept").to_string();
    assert!(message.contains("in memory") && message.contains("directory"), "{message}");
    assert!(engine.retained().is_none() && engine.past().is_none());
    Ok(())
}

#[test]
#[ignore = "a soak of minutes: SECONDS=600"]
fn disk_and_memory_stay_flat_with_history() -> Result<(), Box<dyn Error>> {
    // Goal: a dense scene at full speed with history for minutes: store size and memory level off, and p99 stays.
    let seconds: u64 = std::env::var("SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let frames: u64 = std::env::var("FRAMES").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
    let rows: u64 = std::env::var("ROWS").ok().and_then(|text| text.parse().ok()).unwrap_or(200_000);
    let dir = match std::env::var("SOAK_DIR") {
        Ok(dir) => tempfile::tempdir_in(dir)?,
        Err(_) => tempfile::tempdir()?,
    };
    let mut engine = world(&dir.path().join("world"), rows, History::frames(frames)).build()?;
    let started = std::time::Instant::now();
    let mut next = 0;
    let mut times = Vec::new();
    while started.elapsed().as_secs() < seconds {
        let begun = std::time::Instant::now();
        engine.step()?;
        times.push(begun.elapsed().as_micros() as u64);
        if started.elapsed().as_secs() >= next {
            next += 10;
            times.sort_unstable();
            let (p50, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
            let kept = engine.retained().ok_or("frames")?;
            println!(
                "{:4} s  frame {:7}  kept {:5}  store {:6} MB  memory {:6} MB  p50 {p50} us  p99 {p99} us",
                started.elapsed().as_secs(),
                engine.frame(),
                kept.end() - kept.start(),
                disk_bytes(dir.path()) >> 20,
                resident_bytes() >> 20,
            );
            times.clear();
        }
    }
    Ok(())
}

fn disk_bytes(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    let size = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => disk_bytes(&entry.path()),
        Ok(metadata) => metadata.blocks() * 512,
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

/// Goal: a frame in which nothing happened has no record, and can be looked back at as soon as it is made.
#[test]
fn a_frame_without_a_record_can_be_looked_at_at_once() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let mut engine = Engine::open(dir.path())
        .state::<Tag>("test.tag", 1)
        .setup("one", |structure| {
            structure.spawn((Tag(1),));
        })
        .build()?;
    for _ in 0..5 {
        engine.step()?;
        let frame = engine.frame();
        let (image, digest) = (engine.at(frame)?, engine.digest());
        assert_eq!((image.frame(), image.digest()), (frame, digest));
    }
    Ok(())
}
