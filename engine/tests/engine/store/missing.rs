//! Files that are gone: a world is never made anew, or emptied, in the place of one that was promised.

use std::error::Error;
use std::fs;
use std::path::Path;

use diptych_engine::store::{Durability, inspect, verify};

use super::looking::content;
use super::model::{Driver, open};

fn stopped(dir: &Path, frames: u32) -> Result<Driver, Box<dyn Error>> {
    let (mut store, _) = open(dir, Durability::Buffered)?;
    let mut driver = Driver::new(17);
    for _ in 0..frames {
        driver.frame(&mut store)?;
    }
    store.flush()?;
    Ok(driver)
}

fn refusal(dir: &Path) -> String {
    open(dir, Durability::Buffered)
        .err()
        .map_or_else(|| "it was opened".to_owned(), |error| error.to_string())
}

#[test]
fn a_missing_database_with_a_promised_frame_is_refused() -> Result<(), Box<dyn Error>> {
    // Goal: open, verify and inspect name the frame of the watermark and the folder; nothing is made anew.
    let dir = tempfile::tempdir()?;
    let driver = stopped(dir.path(), 30)?;
    fs::remove_dir_all(dir.path().join("db"))?;
    let before = content(dir.path())?;
    let frame = format!("frame {}", driver.model.frame.ok_or("no frame")?);
    let folder = dir.path().join("db").display().to_string();
    let message = refusal(dir.path());
    assert!(message.contains(&frame) && message.contains(&folder), "{message}");
    for problems in [verify(dir.path(), None)?, inspect(dir.path(), None)?.problems] {
        assert_eq!(problems, std::slice::from_ref(&message));
    }
    assert_eq!(content(dir.path())?, before, "the directory was written to");

    // A creation that was cut short promised nothing: it is taken up again.
    let young = tempfile::tempdir()?;
    drop(open(young.path(), Durability::Buffered)?);
    fs::remove_dir_all(young.path().join("db"))?;
    assert_eq!(verify(young.path(), None)?, Vec::<String>::new());
    assert!(open(young.path(), Durability::Buffered)?.1.is_none(), "a new world has no frame");
    Ok(())
}

#[test]
fn a_missing_file_of_the_database_is_refused_by_name() -> Result<(), Box<dyn Error>> {
    // Goal: without `version` or a keyspace's `current`, open and verify name the file and change nothing.
    let dir = tempfile::tempdir()?;
    stopped(dir.path(), 30)?;
    let mut paths = vec![dir.path().join("db/version")];
    for entry in fs::read_dir(dir.path().join("db/keyspaces"))? {
        paths.push(entry?.path().join("current"));
    }
    assert!(paths.len() > 3, "there are epochs: {paths:?}");
    for path in paths {
        let bytes = fs::read(&path)?;
        fs::remove_file(&path)?;
        let before = content(dir.path())?;
        let message = refusal(dir.path());
        if message == "it was opened" {
            // An epoch that holds nothing, made ahead for the next checkpoint.
            assert_eq!(verify(dir.path(), None)?, Vec::<String>::new());
            continue;
        }
        assert!(message.contains(&path.display().to_string()), "{}: {message}", path.display());
        let problems = verify(dir.path(), None)?;
        assert_eq!(problems, [message], "{}", path.display());
        assert_eq!(content(dir.path())?, before, "{}: the directory was written to", path.display());
        fs::write(&path, bytes)?;
    }
    let lock = dir.path().join("db/lock");
    fs::remove_file(&lock)?;
    assert_eq!(verify(dir.path(), None)?, Vec::<String>::new(), "an empty file to lock says nothing");
    assert!(!lock.exists(), "verify wrote to the directory");
    assert!(open(dir.path(), Durability::Buffered)?.1.is_some(), "the world is there");
    Ok(())
}

#[test]
fn a_torn_slot_of_the_watermark_is_noted_and_a_cut_file_is_a_problem() -> Result<(), Box<dyn Error>> {
    // Goal: either slot flipped is a note, as a crash may leave it; both, or a cut file, are problems.
    let dir = tempfile::tempdir()?;
    stopped(dir.path(), 20)?;
    let path = dir.path().join("watermark");
    let whole = fs::read(&path)?;
    assert_eq!(inspect(dir.path(), None)?.notes, Vec::<String>::new());
    for (slots, length, notes, problems) in [
        (&[9][..], 8192, 1, 0),
        (&[4105], 8192, 1, 0),
        (&[9, 4105], 8192, 0, 1),
        (&[], 4096, 0, 1),
        (&[], 4160, 0, 1),
        (&[], 0, 0, 1),
    ] {
        let mut bytes = whole.clone();
        bytes.resize(8192, 0);
        slots.iter().for_each(|at| bytes[*at] ^= 1);
        bytes.truncate(length);
        fs::write(&path, bytes)?;
        let report = inspect(dir.path(), None)?;
        let what = format!("{slots:?}, {length} bytes: {:?} {:?}", report.notes, report.problems);
        assert_eq!((report.notes.len(), report.problems.len()), (notes, problems), "{what}");
        let named =
            report.notes.iter().chain(&report.problems).all(|l| l.contains(&path.display().to_string()));
        assert!(named, "{what}");
    }
    Ok(())
}

#[test]
fn of_two_that_make_the_same_world_one_is_told_that_it_is_in_use() -> Result<(), Box<dyn Error>> {
    // Goal: the loser of a race for an empty directory hears of the other process. Method: many races.
    for _ in 0..12 {
        let dir = tempfile::tempdir()?;
        let barrier = std::sync::Barrier::new(2);
        let (won, lost) = (std::sync::Mutex::new(Vec::new()), std::sync::Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    barrier.wait();
                    match open(dir.path(), Durability::Buffered) {
                        Ok((store, _)) => won.lock().expect("no panic").push(store),
                        Err(error) => lost.lock().expect("no panic").push(error.to_string()),
                    }
                });
            }
        });
        let lost = lost.into_inner()?;
        assert_eq!(won.into_inner()?.len(), 1, "{lost:?}");
        assert!(lost[0].contains("in use by another process"), "{lost:?}");
    }
    Ok(())
}

#[cfg(unix)]
#[test]
fn what_cannot_be_copied_is_named() -> Result<(), Box<dyn Error>> {
    // Goal: the unreadable file, or the temporary directory and TMPDIR; a link to a world has the world's size.
    let dir = tempfile::tempdir()?;
    let world = dir.path().join("world");
    stopped(&world, 10)?;
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&world, &link)?;
    assert_eq!(inspect(&link, None)?.store_bytes, inspect(&world, None)?.store_bytes);
    let scratch = dir.path().join("no-such-directory");
    let message = inspect(&world, Some(&scratch)).err().ok_or("it was copied")?.to_string();
    assert!(message.contains(&scratch.display().to_string()) && message.contains("TMPDIR"), "{message}");
    // A link to itself can be read by nobody, not even by root.
    let file = world.join("db/version");
    fs::remove_file(&file)?;
    std::os::unix::fs::symlink(&file, &file)?;
    let message = inspect(&world, None).err().ok_or("it was copied")?.to_string();
    assert!(message.contains(&file.display().to_string()), "{message}");
    Ok(())
}
