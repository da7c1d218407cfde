//! `inspect` and `verify`: of stopped, running, read-only and damaged worlds, and never writing there.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use diptych_engine::digest::{ComponentDigest, row_hash, type_seed, world_digest};
use diptych_engine::store::{Durability, inspect, verify};

use super::model::{Driver, FIXED, Model, is_transient, open};

/// Every file with its bytes, but the lock.
pub(crate) fn content(dir: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>, Box<dyn Error>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(content(&path)?);
        } else {
            files.insert(path.clone(), fs::read(&path)?);
        }
    }
    Ok(files)
}

/// The digest by definition, from the naive world.
pub(crate) fn digest(model: &Model) -> u128 {
    let names = ["diptych.id", "test.fixed", "test.tag", "test.text", "test.flash", "test.word"];
    let mut components = Vec::new();
    for (key, name) in (0_u16..).zip(names) {
        let rows = model.tables.iter().flat_map(|table| &table.rows).filter(|row| row.contains_key(&key));
        let hashes: Vec<u128> = rows
            .map(|row| (u64::from_le_bytes(row[&0].as_slice().try_into().expect("ids have 8 bytes")), row))
            .filter(|(id, _)| !is_transient(key) || model.marks.contains_key(&(key, *id)))
            .map(|(id, row)| row_hash(type_seed(name), id, &row[&key]))
            .collect();
        let sum = hashes.iter().fold(0, |sum: u128, hash| sum.wrapping_add(*hash));
        components.push(ComponentDigest { name, version: 1, sum, rows: hashes.len() as u64 });
    }
    for (name, bytes) in &model.notes {
        let sum = row_hash(type_seed(name), 0, bytes);
        components.push(ComponentDigest { name, version: 0, sum, rows: 1 });
    }
    world_digest(&mut components)
}

#[test]
fn a_stopped_and_a_running_world_are_described_and_left_alone() -> Result<(), Box<dyn Error>> {
    // Goal: frame, digest, types and sizes from raw bytes; the directory keeps every byte.
    let dir = tempfile::tempdir()?;
    let (mut store, _) = open(dir.path(), Durability::Buffered)?;
    let mut driver = Driver::new(9);
    let mut frames = 0;
    // The last frame has notes and transient values of its own.
    while frames < 60
        || driver.model.notes.len() < 2
        || !driver.model.marks.keys().any(|(key, _)| is_transient(*key))
    {
        driver.frame(&mut store)?;
        frames += 1;
        assert!(frames < 1000, "no frame has notes and transient values");
    }
    store.flush()?;
    let report = inspect(dir.path(), None)?;
    assert!(report.running, "the lock is held");
    assert_eq!((report.frame, report.durable_frame), (driver.model.frame, driver.model.frame));
    assert_eq!(report.problems, Vec::<String>::new());
    drop(store);

    let before = content(dir.path())?;
    let report = inspect(dir.path(), None)?;
    assert_eq!(content(dir.path())?, before, "the directory was written to");
    assert!(!report.running, "nobody holds the lock");
    assert_eq!((report.frame, report.digest), (driver.model.frame, Some(digest(&driver.model))));
    assert_eq!(
        report.entities as usize,
        driver.model.tables.iter().map(|table| table.rows.len()).sum::<usize>()
    );
    let fixed = &report.types[usize::from(FIXED)];
    assert_eq!((fixed.name.as_str(), fixed.version, fixed.bytes), ("test.fixed", 1, fixed.rows * 12));
    assert_eq!(report.facts["test.rule"], "B3/S23");
    let notes: BTreeMap<String, u64> =
        driver.model.notes.iter().map(|(name, bytes)| (name.clone(), bytes.len() as u64)).collect();
    assert_eq!(report.frame_notes, notes);
    assert!(report.store_bytes > 0, "a world takes space");
    Ok(())
}

#[test]
fn a_damaged_world_is_described_file_by_file() -> Result<(), Box<dyn Error>> {
    // Goal: verify names the damaged file, inspect says which others are whole, both change nothing.
    let dir = tempfile::tempdir()?;
    let (mut store, _) = open(dir.path(), Durability::Buffered)?;
    let mut driver = Driver::new(4);
    for _ in 0..40 {
        driver.frame(&mut store)?;
    }
    drop(store);
    assert_eq!(verify(dir.path(), None)?, Vec::<String>::new(), "the whole world");
    let journal = dir.path().join("db/0.jnl");
    let mut bytes = fs::read(&journal)?;
    bytes[2000] ^= 1;
    fs::write(&journal, bytes)?;
    let before = content(dir.path())?;
    let problems = verify(dir.path(), None)?;
    assert_eq!(content(dir.path())?, before, "the directory was written to");
    assert!(
        problems.len() == 1 && problems[0].contains(&format!("{} at byte", journal.display())),
        "{problems:?}"
    );
    let report = inspect(dir.path(), None)?;
    let damaged: Vec<_> = report.files.iter().filter(|file| file.problem.is_some()).collect();
    assert_eq!(damaged.len(), 1, "{damaged:?}");
    assert!(damaged[0].path.ends_with("db/0.jnl") && report.files.len() > 2, "{:?}", report.files);
    Ok(())
}

#[test]
fn what_is_no_world_cannot_be_inspected() -> Result<(), Box<dyn Error>> {
    // Goal: one sentence for each of: nothing there, a file, another directory.
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("file");
    fs::write(&file, "text")?;
    for (path, expected) in [
        (dir.path().join("none"), "does not exist"),
        (file, "it is a file"),
        (dir.path().to_owned(), "no file FORMAT"),
    ] {
        let message = inspect(&path, None).err().map_or_else(String::new, |error| error.to_string());
        assert!(message.contains(expected), "{}: {message}", path.display());
    }
    Ok(())
}

#[test]
fn a_world_that_runs_at_full_speed_can_be_inspected() -> Result<(), Box<dyn Error>> {
    // Goal: copies taken while epochs come and go are whole, and not older than what was synced before.
    let dir = tempfile::tempdir()?;
    let (mut store, _) = open(dir.path(), Durability::Buffered)?;
    let mut driver = Driver::new(21);
    driver.frame(&mut store)?;
    store.flush()?;
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let running = scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                driver.frame(&mut store).map_err(|error| error.to_string())?;
            }
            Ok::<(), String>(())
        });
        let mut last = 0;
        let mut looked = || {
            let report = inspect(dir.path(), None).map_err(|error| error.to_string())?;
            let (frame, durable) = (report.frame.ok_or("no frame")?, report.durable_frame.ok_or("no frame")?);
            if !report.running || !report.problems.is_empty() || frame < durable || durable < last {
                return Err(format!("after frame {last}: {report:?}"));
            }
            last = durable;
            Ok(())
        };
        let result = (0..6).try_for_each(|_| looked());
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        running.join().map_err(|_| "the running world panicked")??;
        assert!(last > 0, "nothing was synced meanwhile");
        result
    })?;
    Ok(())
}
