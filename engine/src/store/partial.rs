//! A directory that is being made and does not have its name yet: of a backup, of an import.
//!
//! It lies beside its target as `TARGET.partial`. Invariant: it becomes a world (gets its `FORMAT`) when all of it is
//! synced, and has its name by one rename after that; so what a killed process leaves there is no world, or a whole
//! one. Of the former the next one to the same target makes room; the latter is never removed. Left out: its content.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::StoreError;
use super::directory::{
    DATABASE, DATABASE_NEW, FORMAT_FILE, FORMAT_LINE, FORMAT_NEW, LOCK_FILE, sync_directory, write_file,
};
use super::watermark::{WATERMARK_FILE, WATERMARK_NEW};

/// What the name ends in.
const PARTIAL: &str = ".partial";

/// The directory, removed where it is not finished.
pub(super) struct Partial {
    pub(super) path: PathBuf,
    finished: bool,
    /// Tells one that is being made from what a killed process left.
    _lock: File,
}

impl Drop for Partial {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        // First: half of it must never look like a world. That there may be none yet changes nothing.
        let _ = std::fs::remove_file(self.path.join(FORMAT_FILE));
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "an unfinished copy could not be removed");
        }
    }
}

impl Partial {
    /// Makes the folder beside `target`, which must not exist or be an empty directory; one that a killed process left
    /// is removed. The world that it is made from is not to hold it.
    pub(super) fn beside(target: &Path, world: Option<&Path>) -> Result<Self, StoreError> {
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
        if world.is_some_and(|world| canonical(parent).starts_with(canonical(world))) {
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
    pub(super) fn finish(mut self, target: &Path) -> Result<(), StoreError> {
        sync_tree(&self.path)?;
        let new = self.path.join(FORMAT_NEW);
        write_file(&new, FORMAT_LINE.as_bytes())?;
        // From here on it is a world.
        std::fs::rename(&new, self.path.join(FORMAT_FILE))
            .map_err(|error| StoreError::io("renaming", &new, &error))?;
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

/// Takes the lock of a partial copy; `None` where another process has it.
fn lock(path: &Path) -> Result<Option<File>, StoreError> {
    let path = path.join(LOCK_FILE);
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| StoreError::io("opening", &path, &error))?;
    Ok(file.try_lock().is_ok().then_some(file))
}

fn busy(path: &Path) -> StoreError {
    let reason = "another copy is being made there; wait for it, or name another path";
    StoreError::Target { path: path.to_owned(), reason: reason.to_owned() }
}

/// Removes what a killed process left half made, and nothing else.
fn clear(path: &Path) -> Result<(), StoreError> {
    let refuse = |reason: &str| StoreError::Target { path: path.to_owned(), reason: reason.to_owned() };
    if path.join(FORMAT_FILE).exists() {
        return Err(refuse(
            "it is a whole world that only lacks its name: give it another one, or remove it",
        ));
    }
    let ours = [DATABASE, DATABASE_NEW, WATERMARK_FILE, WATERMARK_NEW, LOCK_FILE, FORMAT_NEW];
    let entries = std::fs::read_dir(path).map_err(|error| StoreError::io("reading", path, &error))?;
    for entry in entries {
        let entry = entry.map_err(|error| StoreError::io("reading", path, &error))?;
        if !ours.iter().any(|name| entry.file_name() == *name) {
            return Err(refuse("it is in the way and holds other files; move it away"));
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
