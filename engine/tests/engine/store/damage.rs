//! Damaged directories: never another world, never a synced frame lost in silence, never a healthy world
//! refused for its unsynced tail.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use diptych_engine::store::Durability;
use diptych_engine::testkit::copy;

use super::model::{Driver, Model, open};

/// A world killed with frames behind its last sync.
struct Killed {
    dir: tempfile::TempDir,
    /// The model after each frame.
    history: BTreeMap<u64, Model>,
    /// The last synced frame, and the length of the journal then and at the kill.
    synced: u64,
    synced_length: u64,
    length: u64,
}

fn killed(frames_synced: u32, frames_behind: u32, text_bytes: u64) -> Result<Killed, Box<dyn Error>> {
    let (live, dir) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let mut driver = Driver::new(5);
    // The first reopening cuts the zeros that fjall allocates; lengths of files mean something then.
    drop(open(live.path(), Durability::Buffered)?);
    let (mut store, _) = open(live.path(), Durability::Buffered)?;
    let mut history = BTreeMap::new();
    let mut run = |frames: u32, checkpoints: bool, store: &mut _| -> Result<u64, Box<dyn Error>> {
        driver.checkpoints = checkpoints;
        driver.model.text_bytes = if checkpoints { 0 } else { text_bytes };
        driver.reopened();
        for _ in 0..frames {
            driver.frame(store)?;
            history.insert(driver.model.frame.ok_or("no frame")?, driver.model.clone());
        }
        Ok(driver.model.frame.ok_or("no frame")?)
    };
    let synced = run(frames_synced, true, &mut store)?;
    store.flush()?;
    let synced_length = fs::metadata(journal(live.path()))?.len();
    let last = run(frames_behind, false, &mut store)?;
    assert!(store.wait_durable(last, Duration::from_secs(20))?, "the tail is handed over");
    copy(live.path(), dir.path())?;
    let length = fs::metadata(journal(dir.path()))?.len();
    Ok(Killed { dir, history, synced, synced_length, length })
}

fn journal(dir: &Path) -> PathBuf {
    dir.join("db/0.jnl")
}

fn flip(path: &Path, at: u64) -> std::io::Result<()> {
    let mut bytes = fs::read(path)?;
    bytes[at as usize] ^= 0x40;
    fs::write(path, bytes)
}

/// Opens a damaged copy: whatever comes back must be a world of the history, synced frames included.
fn judge(world: &Killed, dir: &Path, what: &str) -> Result<Option<String>, Box<dyn Error>> {
    match open(dir, Durability::Buffered) {
        Err(error) => Ok(Some(error.to_string())),
        Ok((store, recovered)) => {
            let recovered = recovered.ok_or(format!("{what}: the whole world is gone"))?;
            let frame = recovered.frame;
            assert!(frame >= world.synced, "{what}: frame {frame} came back, {} was synced", world.synced);
            let model = world.history.get(&frame).ok_or(format!("{what}: frame {frame} never was"))?;
            model.compare(&recovered).map_err(|difference| format!("{what}: {difference}"))?;
            let is_last = world.history.keys().next_back() == Some(&frame);
            assert!(is_last || recovered.repaired.is_some(), "{what}: frames are lost in silence");
            drop(store);
            Ok(None)
        }
    }
}

#[test]
fn a_flipped_byte_in_synced_batches_is_refused_and_nothing_is_changed() -> Result<(), Box<dyn Error>> {
    // Goal: every byte of the middle of the synced journal, flipped in turn, is an error that names file
    // and offset, and leaves the journal as it was. Method: flip in place, open, compare, flip back.
    let world = killed(40, 5, 0)?;
    let copied = tempfile::tempdir()?;
    let mut dir = copied.path().join("0");
    copy(world.dir.path(), &dir)?;
    let whole = fs::read(journal(&dir))?;
    let middle = world.synced_length / 2;
    let mut unseen = 0;
    for at in middle..middle + 700 {
        flip(&journal(&dir), at)?;
        let damaged = fs::read(journal(&dir))?;
        match judge(&world, &dir, &format!("byte {at}"))? {
            Some(message) => {
                assert!(message.contains("0.jnl at byte "), "byte {at}: {message}");
                assert_eq!(fs::read(journal(&dir))?, damaged, "byte {at}: the refused journal was changed");
                fs::write(journal(&dir), &whole)?;
            }
            None => {
                // A sequence number may move within a gap: fjall checks it nowhere, and nothing depends on it.
                unseen += 1;
                dir = copied.path().join(at.to_string());
                copy(world.dir.path(), &dir)?;
            }
        }
    }
    assert!(unseen <= 7, "{unseen} of 700 flipped bytes were not noticed");
    assert_eq!(judge(&world, &dir, "the whole world")?, None, "the undamaged world opens");
    Ok(())
}

#[test]
fn a_flipped_byte_behind_the_watermark_is_cut_and_reported() -> Result<(), Box<dyn Error>> {
    // Goal: an unsynced batch, damaged anywhere, never refuses the world. Method: each byte in turn, on a copy.
    let world = killed(30, 8, 0)?;
    assert!(world.length > world.synced_length + 300, "there is a tail to damage");
    for at in (world.synced_length..world.length).step_by(3).take(150) {
        let dir = tempfile::tempdir()?;
        copy(world.dir.path(), dir.path())?;
        flip(&journal(dir.path()), at)?;
        assert_eq!(judge(&world, dir.path(), &format!("byte {at}"))?, None, "byte {at} is unsynced");
    }
    Ok(())
}

#[test]
fn a_zeroed_page_of_the_unsynced_tail_never_refuses_the_world() -> Result<(), Box<dyn Error>> {
    // Goal: torn pages after a power loss. Method: each 4 KiB page of the tail zeroed, and the tail cut there.
    const PAGE: u64 = 4096;
    let world = killed(30, 25, 12_000)?;
    let mut pages = 0;
    for page in world.synced_length / PAGE..=world.length / PAGE {
        for truncate in [false, true] {
            let dir = tempfile::tempdir()?;
            copy(world.dir.path(), dir.path())?;
            let mut bytes = fs::read(journal(dir.path()))?;
            let from = (page * PAGE).max(world.synced_length) as usize;
            let to = ((page + 1) * PAGE).min(world.length) as usize;
            bytes[from..to].fill(0);
            if truncate {
                bytes.truncate(from);
            }
            fs::write(journal(dir.path()), bytes)?;
            // A tail that is only shorter cannot be told from one that was never written.
            let opened =
                open(dir.path(), Durability::Buffered).map_err(|error| format!("page {page}: {error}"))?;
            let recovered = opened.1.ok_or("the world is gone")?;
            assert!(recovered.frame >= world.synced, "page {page}: a synced frame is lost");
            world.history[&recovered.frame].compare(&recovered)?;
        }
        pages += 1;
    }
    assert!(pages > 8, "only {pages} pages were tried");
    Ok(())
}

#[test]
fn a_flipped_byte_in_any_other_file_never_gives_another_world() -> Result<(), Box<dyn Error>> {
    // Goal: tables, manifests, markers, watermark. Method: bytes of every file but the journal, in turn.
    let world = killed(40, 3, 0)?;
    let mut files = Vec::new();
    collect(world.dir.path(), &mut files)?;
    let mut refused = 0;
    for path in files {
        let relative = path.strip_prefix(world.dir.path())?;
        let length = fs::metadata(&path)?.len();
        for at in (0..length).step_by((length / 12).max(1) as usize) {
            let dir = tempfile::tempdir()?;
            copy(world.dir.path(), dir.path())?;
            flip(&dir.path().join(relative), at)?;
            let what = format!("{} byte {at}", relative.display());
            if let Some(message) = judge(&world, dir.path(), &what)? {
                refused += 1;
                let folder = relative.parent().unwrap_or(relative).display().to_string();
                let name = relative.file_name().unwrap_or_default().to_string_lossy().into_owned();
                // A damaged `current` shows as a manifest that does not match it.
                let named = message.contains(&name) || (name == "current" && message.contains(&folder));
                assert!(named, "{what}: {message}");
            }
        }
    }
    assert!(refused > 0, "no damage was noticed at all");
    Ok(())
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_none_or(|extension| extension != "jnl") {
            files.push(path);
        }
    }
    files.sort();
    Ok(())
}
