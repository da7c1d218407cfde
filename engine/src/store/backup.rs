//! A backup: a copy of a world at one frame, taken while the world runs.
//!
//! Invariant: the copy is written beside its place, opened, checked and synced there, and renamed at the end, so
//! what is at the target is whole, and what a killed backup leaves has no `FORMAT` and is no world. The world is
//! only read, and never waits. Left out: restoring, which is opening the copy.

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::directory::{DATABASE, FORMAT_FILE, FORMAT_LINE, LOCK_FILE, sync_directory, write_file};
use super::held::Held;
use super::inspect::{OpenedCopy, check_is_world, open_copy};
use super::journal::Tail;
use super::watermark::{WATERMARK_FILE, Watermark, WatermarkFile};
use super::{Image, StoreError};
use crate::frame::Digest;

/// What the name of a backup ends in while it is being made.
const PARTIAL: &str = ".partial";

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Its last frame; `None` where the world has no frame yet.
    pub frame: Option<u64>,
    /// The digest of that frame, from the copied bytes; `None` where it is known by its inputs alone.
    pub digest: Option<Digest>,
    /// The frames that can be looked at in it: the history is copied too.
    pub kept: Option<RangeInclusive<u64>>,
    /// Bytes that were copied.
    pub bytes: u64,
}

/// Copies the world in `dir`, running or not, to `target`, which must not exist or be an empty directory. `progress`
/// is told the bytes done and to do. The copy is at one frame, and holds at least what was durable when this began.
/// Checking it takes the memory of a world.
///
/// # Errors
/// `dir` is no world or is damaged, `target` is something else, or something cannot be read or written; nothing is
/// at `target` then.
pub fn backup(dir: &Path, target: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Backup, StoreError> {
    check_is_world(dir)?;
    let partial = Partial::beside(target, dir)?;
    // A world that is stopped may be started meanwhile.
    let held = Held::of(dir, true)?;
    let bytes = held.bytes();
    progress(0, bytes);
    held.copy(&partial.path, &mut |done| progress(done, bytes))
        .map_err(|(path, error)| StoreError::io("copying", &path, &error))?;
    let named =
        |error: StoreError| error.renamed(&partial.path.display().to_string(), &dir.display().to_string());
    let opened = open_copy(&partial.path).map_err(named)?;
    let (head, kept, recovered) = settle(&partial.path, opened)?;
    let image = recovered.map(|recovered| Image::new(recovered, std::collections::BTreeMap::new()));
    let made = Backup {
        frame: head.checked_sub(1),
        digest: image.as_ref().filter(|image| image.frame() + 1 == head).map(Image::digest),
        kept,
        bytes,
    };
    let problems = image.map_or_else(Vec::new, |image| image.problems());
    if let Some(problem) = problems.into_iter().next() {
        return Err(StoreError::damaged(dir.display().to_string(), problem));
    }
    partial.finish(target)?;
    Ok(made)
}

type Settled = (u64, Option<RangeInclusive<u64>>, Option<super::Recovered>);

/// Makes a copy that was opened what a stopped world is: synced, with a watermark that says so.
fn settle(copy: &Path, opened: OpenedCopy) -> Result<Settled, StoreError> {
    let OpenedCopy { disk, look, recovered, link, end, .. } = opened;
    let mut tail = Tail::new(&copy.join(DATABASE), end)?;
    disk.sync()?;
    let place = tail.advance()?;
    WatermarkFile::open(copy, Watermark::read(copy)?)?.write(look.head, link, place)?;
    Ok((look.head, look.retained(), recovered))
}

/// A backup that is being made, removed where it is not finished.
struct Partial {
    path: PathBuf,
    finished: bool,
    /// Tells a backup that goes on from one that was killed.
    _lock: File,
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.finished
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "an unfinished backup could not be removed");
        }
    }
}

impl Partial {
    /// Makes the folder beside `target`; one that a killed backup left is removed.
    fn beside(target: &Path, dir: &Path) -> Result<Self, StoreError> {
        let refuse = |reason: &str| StoreError::Target { path: target.to_owned(), reason: reason.to_owned() };
        let occupied = "something is there; name a path that does not exist, or an empty directory";
        let Some(name) = target.file_name() else { return Err(refuse("it has no name")) };
        let free = match std::fs::read_dir(target) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == io::ErrorKind::NotFound && target.symlink_metadata().is_err(),
        };
        if !free {
            return Err(refuse(occupied));
        }
        let parent = match target.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        if !parent.is_dir() {
            return Err(refuse("the directory that it is to be in does not exist; make it first"));
        }
        let canonical = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if canonical(parent).starts_with(canonical(dir)) {
            return Err(refuse("it lies in the world itself"));
        }
        let mut partial = name.to_owned();
        partial.push(PARTIAL);
        let path = parent.join(partial);
        if path.exists() {
            clear(&path)?;
        }
        std::fs::create_dir(&path).map_err(|error| StoreError::io("creating", &path, &error))?;
        let lock = lock(&path)?.ok_or_else(|| busy(&path))?;
        Ok(Self { path, finished: false, _lock: lock })
    }

    /// Brings all of it to the disk, then to its place.
    fn finish(mut self, target: &Path) -> Result<(), StoreError> {
        sync_tree(&self.path)?;
        // From here on it is a world.
        write_file(&self.path.join(FORMAT_FILE), FORMAT_LINE.as_bytes())?;
        sync_directory(&self.path)?;
        if target.exists() {
            std::fs::remove_dir(target).map_err(|error| StoreError::io("replacing", target, &error))?;
        }
        std::fs::rename(&self.path, target)
            .map_err(|error| StoreError::io("renaming", &self.path, &error))?;
        self.finished = true;
        match target.parent() {
            Some(parent) if parent != Path::new("") => sync_directory(parent),
            _ => sync_directory(Path::new(".")),
        }
    }
}

/// Takes the lock of a partial copy; `None` where another backup has it.
fn lock(path: &Path) -> Result<Option<File>, StoreError> {
    let path = path.join(LOCK_FILE);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| StoreError::io("opening", &path, &error))?;
    Ok(file.try_lock().is_ok().then_some(file))
}

fn busy(path: &Path) -> StoreError {
    let reason = "another backup is being made there; wait for it, or name another path";
    StoreError::Target { path: path.to_owned(), reason: reason.to_owned() }
}

/// Removes what a killed backup left, and nothing else.
fn clear(path: &Path) -> Result<(), StoreError> {
    let ours = [DATABASE, WATERMARK_FILE, LOCK_FILE, FORMAT_FILE];
    let entries = std::fs::read_dir(path).map_err(|error| StoreError::io("reading", path, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| StoreError::io("reading", path, &error))?;
        if !ours.iter().any(|name| entry.file_name() == *name) {
            let reason = "it is in the way of a backup and holds other files; move it away".to_owned();
            return Err(StoreError::Target { path: path.to_owned(), reason });
        }
    }
    let _held = lock(path)?.ok_or_else(|| busy(path))?;
    std::fs::remove_dir_all(path).map_err(|error| StoreError::io("removing", path, &error))
}

/// Syncs every file and folder below, the deepest first.
fn sync_tree(path: &Path) -> Result<(), StoreError> {
    let failed = |error: io::Error| StoreError::io("syncing", path, &error);
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            sync_tree(&path)?;
        } else {
            let synced = File::open(&path).and_then(|file| file.sync_all());
            synced.map_err(|error| StoreError::io("syncing", &path, &error))?;
        }
    }
    sync_directory(path)
}
