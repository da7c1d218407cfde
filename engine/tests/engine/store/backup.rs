//! Backups: whole, of one frame, with what was durable and the history; of running, stopped and damaged worlds.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use diptych_engine::store::{
    Backup, Durability, History, Past, RowKind, Store, StoreError, TypeEntry, backup, inspect, verify,
};
use diptych_engine::store::{Base, DeltaWriter, Mark, StoreOptions, TableShape};

use super::looking::{content, digest};
use super::model::{Driver, facts, options, types};

fn open(dir: &Path, history: u64) -> Result<Store, StoreError> {
    let mut options = options(Durability::Buffered);
    options.history = History::frames(history);
    Ok(Store::open(dir, &types(), &facts(), &options)?.0)
}

fn copy(dir: &Path, target: &Path) -> Result<Backup, StoreError> {
    backup(dir, target, &mut |_, _| {})
}

#[test]
fn a_backup_of_a_world_at_full_speed_is_whole() -> Result<(), Box<dyn Error>> {
    // Goal: while checkpoints come and go, each copy passes the check, holds what was durable when it began, is of
    // one frame with that frame's digest, has the history, and opens and goes on.
    let dir = tempfile::tempdir()?;
    let world = dir.path().join("world");
    let mut store = open(&world, 50)?;
    let mut driver = Driver::new(12);
    driver.frame(&mut store)?;
    store.flush()?;
    let (stop, durable) = (AtomicBool::new(false), store.durable());
    let mut digests = std::collections::BTreeMap::new();
    let made: Vec<(u64, Backup)> = std::thread::scope(|scope| {
        let copying = scope.spawn(|| {
            let mut made = Vec::new();
            for number in 0..6 {
                let before = durable.frame();
                let target = dir.path().join(format!("copy-{number}"));
                made.push((before, copy(&world, &target).map_err(|error| error.to_string())?));
                let mut wait = 0;
                while durable.frame() < before + 100 && wait < 1000 {
                    std::thread::sleep(std::time::Duration::from_millis(1));
                    wait += 1;
                }
            }
            stop.store(true, Ordering::Relaxed);
            Ok::<_, String>(made)
        });
        while !stop.load(Ordering::Relaxed) && !copying.is_finished() {
            driver.frame(&mut store).map_err(|error| error.to_string())?;
            digests.insert(driver.model.frame, digest(&driver.model));
        }
        copying.join().map_err(|_| "the copying thread panicked")?
    })?;
    for (number, (before, made)) in made.iter().enumerate() {
        let target = dir.path().join(format!("copy-{number}"));
        assert!(made.frame >= Some(*before), "{made:?}: frame {before} was durable");
        if let Some(digest) = digests.get(&made.frame) {
            assert_eq!(made.digest.map(|digest| digest.0), Some(*digest), "{made:?}");
        }
        assert_eq!(verify(&target, None)?, Vec::<String>::new(), "{made:?}");
        let report = inspect(&target, None)?;
        assert_eq!((report.frame, report.durable_frame, &report.kept), (made.frame, made.frame, &made.kept));
        let kept = made.kept.clone().ok_or("frames")?;
        assert!(number == 0 || kept.end() - kept.start() >= 50.min(*kept.end()), "{made:?}: no history");
        let past = Past::of(&target, None)?;
        for frame in [*kept.start(), (kept.start() + kept.end()) / 2] {
            if let Some(digest) = digests.get(&Some(frame)) {
                assert_eq!(past.at(frame)?.digest().0, *digest, "frame {frame} of {made:?}");
            }
        }
        let mut opened = open(&target, 50)?;
        assert_eq!(Some(opened.durable_frame()), made.frame);
        opened.empty_to(kept.end() + 3);
        opened.flush()?;
    }
    let left: Vec<_> = fs::read_dir(dir.path())?.flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left.len(), 7, "the world and its six copies: {left:?}");
    Ok(())
}

#[test]
fn a_backup_of_a_dense_world_is_whole() -> Result<(), Box<dyn Error>> {
    // Goal: the same where every frame writes megabytes, so that journals and tables come and go in each copy.
    const ROWS: u32 = 200_000;
    let dir = tempfile::tempdir()?;
    let world = dir.path().join("world");
    let types = [TypeEntry {
        name: "a".to_owned(),
        version: 1,
        row: RowKind::Fixed(24),
        layout: 0,
        transient: false,
    }];
    let mut options = StoreOptions::default();
    options.history = History { frames: 40, bytes: 64 << 20 };
    let (mut store, _) = Store::open(&world, &types, &facts(), &options)?;
    let ids: Vec<u8> = (0..u64::from(ROWS)).flat_map(u64::to_le_bytes).collect();
    let (stop, frames) = (AtomicBool::new(false), AtomicU64::new(0));
    let made = std::thread::scope(|scope| {
        let copying = scope.spawn(|| {
            let one = |number: u64| {
                while frames.load(Ordering::Relaxed) < 40 * number && !stop.load(Ordering::Relaxed) {
                    std::thread::sleep(std::time::Duration::from_millis(1));
                }
                copy(&world, &dir.path().join(format!("copy-{number}")))
            };
            let copies = (1..=4).map(one);
            let copies: Result<Vec<Backup>, StoreError> = copies.collect();
            stop.store(true, Ordering::Relaxed);
            copies
        });
        // A frame that fails ends the copying too, whose end is waited for.
        let _stopping = Stopping(&stop);
        let mut writer = DeltaWriter::default();
        let mut frame = 0;
        while !stop.load(Ordering::Relaxed) {
            writer.begin(store.buffer(), frame, 0.5);
            let values = vec![frame as u8; ROWS as usize * 24];
            if frame == 0 {
                writer.table(0, &[0, 1]);
                writer.push(0, ROWS);
                writer.rows_fixed(0, 0, 0, ROWS, Mark::Added, &ids);
            }
            writer.rows_fixed(1, 0, 0, ROWS, Mark::Changed, &values);
            store.submit(writer.finish())?;
            if store.checkpoint_due() {
                let tables = vec![TableShape { types: vec![0, 1], rows: ROWS }];
                let (serials, digest) = (Default::default(), None);
                store.begin_checkpoint(Base { frame, dt: 0.5, tables, serials, digest, by_inputs: false })?;
                writer.begin_page(store.buffer(), frame);
                writer.rows_fixed(0, 0, 0, ROWS, Mark::Moved, &ids);
                writer.rows_fixed(1, 0, 0, ROWS, Mark::Moved, &values);
                store.page(writer.finish())?;
                store.end_checkpoint()?;
            }
            frame += 1;
            frames.store(frame, Ordering::Relaxed);
        }
        copying.join().expect("the copying thread")
    })?;
    for (number, made) in (1..).zip(&made) {
        let target = dir.path().join(format!("copy-{number}"));
        assert_eq!(verify(&target, None)?, Vec::<String>::new(), "{made:?}");
        let past = Past::of(&target, None)?;
        let Some(kept) = past.retained() else { continue };
        for frame in [*kept.start(), *kept.end()] {
            let image = past.at(frame)?;
            let same = image.rows("a").all(|(_, row)| row == [frame as u8; 24]);
            assert!(same && image.entities() == u64::from(ROWS), "frame {frame} of {made:?}");
        }
    }
    let first = |made: &Backup| made.kept.as_ref().map(|kept| *kept.start());
    assert!(made.iter().any(|made| first(made) > Some(0)), "{made:?}: epochs came and went");
    Ok(())
}

#[test]
fn a_backup_goes_only_where_nothing_is() -> Result<(), Box<dyn Error>> {
    // Goal: an empty directory and a missing one are taken, anything else is refused and left as it was; the world
    // keeps every byte.
    let dir = tempfile::tempdir()?;
    let world = dir.path().join("world");
    let mut store = open(&world, 0)?;
    let mut driver = Driver::new(4);
    for _ in 0..30 {
        driver.frame(&mut store)?;
    }
    drop(store);
    let before = content(&world)?;
    let (empty, full, file) = (dir.path().join("empty"), dir.path().join("full"), dir.path().join("file"));
    fs::create_dir(&empty)?;
    fs::create_dir(&full)?;
    fs::write(full.join("note"), "mine")?;
    fs::write(&file, "mine")?;
    assert_eq!(copy(&world, &empty)?.frame, driver.model.frame);
    assert_eq!(verify(&empty, None)?, Vec::<String>::new());
    for (target, expected) in [
        (full.clone(), "something is there"),
        (file, "something is there"),
        (empty, "something is there"),
        (world.join("inside"), "lies in the world itself"),
        (dir.path().join("no/where"), "does not exist; make it first"),
    ] {
        let message = copy(&world, &target).expect_err("refused").to_string();
        assert!(message.contains(expected), "{}: {message}", target.display());
    }
    assert_eq!(fs::read_to_string(full.join("note"))?, "mine");
    let message = copy(&full, &dir.path().join("new")).expect_err("no world").to_string();
    assert!(message.contains("no file FORMAT"), "{message}");
    assert_eq!(content(&world)?, before, "the world was written to");
    Ok(())
}

#[test]
fn what_a_killed_or_failed_backup_leaves_is_no_world() -> Result<(), Box<dyn Error>> {
    // Goal: a damaged world gives no copy and leaves nothing; what a killed backup left is taken away by the next.
    let dir = tempfile::tempdir()?;
    let world = dir.path().join("world");
    let mut store = open(&world, 0)?;
    let mut driver = Driver::new(6);
    for _ in 0..30 {
        driver.frame(&mut store)?;
    }
    drop(store);
    let (target, partial) = (dir.path().join("copy"), dir.path().join("copy.partial"));
    fs::create_dir_all(partial.join("db"))?;
    fs::write(partial.join("LOCK"), "")?;
    fs::write(partial.join("watermark"), "torn")?;
    assert!(inspect(&partial, None).is_err(), "it has no FORMAT, so it is no world");
    copy(&world, &target)?;
    assert!(!partial.exists(), "the next backup has cleared it away");
    fs::create_dir_all(partial.join("mine"))?;
    let message = copy(&world, &dir.path().join("copy")).expect_err("occupied").to_string();
    assert!(message.contains("something is there"), "{message}");
    fs::remove_dir_all(&target)?;
    let message = copy(&world, &target).expect_err("other files").to_string();
    assert!(message.contains("holds other files"), "{message}");
    fs::remove_dir_all(&partial)?;

    let journal = world.join("db/0.jnl");
    let mut bytes = fs::read(&journal)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&journal, bytes)?;
    let message = copy(&world, &target).expect_err("damaged").to_string();
    assert!(message.contains("damaged") && message.contains("world/db/0.jnl"), "{message}");
    assert!(!target.exists() && !partial.exists(), "nothing is left");
    Ok(())
}

/// Says so at the end of its scope, whatever ends it.
struct Stopping<'a>(&'a AtomicBool);

impl Drop for Stopping<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
