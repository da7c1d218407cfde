//! A copy of a world's directory in a temporary one.
//!
//! Invariant: the world is only read; what fails names the file, or the temporary directory.
//! Left out: whether the copy is whole (see `inspect`).

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::{COPY_TRIES_MAX, is_running};
use crate::store::StoreError;
use crate::store::directory::{DATABASE, FORMAT_FILE};
use crate::store::held::{Copied, Held, is_full};
use crate::store::watermark::WATERMARK_FILE;

/// What the names of copies begin with.
const PREFIX: &str = "diptych-copy-";
/// In a copy: locked by who reads it, so that one which a killed process left can be told.
const READER_FILE: &str = "READER";
/// Copies that killed processes left, removed at a time.
const LEFT_MAX: usize = 16;

/// A copy of a world's directory, removed when dropped.
pub(crate) struct Copy {
    pub(crate) path: PathBuf,
    /// Locked until the copy is gone.
    _reader: File,
}

impl Drop for Copy {
    fn drop(&mut self) {
        match std::fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %self.path.display(), %error, "the copy of a world could not be removed");
            }
            _ => {}
        }
    }
}

impl Copy {
    /// An empty one in `scratch`.
    pub(crate) fn empty(scratch: &Path) -> Result<Self, StoreError> {
        remove_left(scratch);
        fresh(scratch)
    }

    pub(crate) fn of(dir: &Path, scratch: Option<&Path>) -> Result<Self, StoreError> {
        let scratch = scratch.map_or_else(std::env::temp_dir, Path::to_owned);
        let copy = Self::empty(&scratch)?;
        let copied = match Held::of(dir, is_running(dir)?) {
            Ok(held) => held.copy(&copy.path, &mut |_| {}),
            // Of a damaged world every file is wanted, as it is.
            Err(_) => copy_whole(dir, &copy.path)?,
        };
        match copied {
            Ok(()) => Ok(copy),
            Err((path, error)) if path.starts_with(&copy.path) => Err(no_room(&scratch, &error)),
            Err((path, error)) => Err(StoreError::io("copying", &path, &error)),
        }
    }
}

/// Copies whatever is in a world's directory.
fn copy_whole(dir: &Path, to: &Path) -> Result<Copied, StoreError> {
    let failed = |error: io::Error| StoreError::io("copying", dir, &error);
    // While this is held, a running world deletes no epoch.
    let format = File::open(dir.join(FORMAT_FILE)).map_err(failed)?;
    format.lock_shared().map_err(failed)?;
    for attempt in 0..COPY_TRIES_MAX {
        // The watermark first, the tables last: what moves on meanwhile is then newer than what was promised, and
        // a batch that is in a table already is skipped in the journal.
        let copied = copy_file(dir, to, Path::new(WATERMARK_FILE))
            .and_then(|()| copy_tree(dir, to, Path::new(DATABASE)));
        match copied {
            Err((_, error)) if error.kind() == io::ErrorKind::NotFound && attempt + 1 < COPY_TRIES_MAX => {
                let database = to.join(DATABASE);
                if database.exists() {
                    std::fs::remove_dir_all(&database)
                        .map_err(|error| StoreError::io("removing", &database, &error))?;
                }
            }
            other => return Ok(other),
        }
    }
    Err(failed(io::Error::other("files vanish while they are copied")))
}

fn fresh(scratch: &Path) -> Result<Copy, StoreError> {
    for number in 0..u32::MAX {
        let path = scratch.join(format!("{PREFIX}{}-{number}", std::process::id()));
        match std::fs::create_dir(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(no_room(scratch, &error)),
        }
        let reader = path.join(READER_FILE);
        // Who removes what is left may have come between: then another name is taken.
        let file = match File::create_new(&reader) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(no_room(scratch, &error)),
        };
        if file.try_lock().is_ok() && reader.exists() {
            return Ok(Copy { path, _reader: file });
        }
    }
    Err(no_room(scratch, &io::Error::other("no free name is left")))
}

/// Removes copies whose readers were killed. What cannot be removed, or is somebody else's, stays.
fn remove_left(scratch: &Path) {
    let Ok(entries) = std::fs::read_dir(scratch) else { return };
    let copies = entries.flatten().filter(|entry| {
        entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry.file_type().is_ok_and(|kind| kind.is_dir())
    });
    let left = copies.filter_map(|entry| {
        let reader = File::open(entry.path().join(READER_FILE)).ok()?;
        reader.try_lock().is_ok().then_some((entry.path(), reader))
    });
    for (path, reader) in left.take(LEFT_MAX) {
        if let Err(error) = std::fs::remove_dir_all(&path) {
            tracing::debug!(path = %path.display(), %error, "a copy that was left could not be removed");
        }
        drop(reader);
    }
}

/// What is wrong with the temporary directory, and how to use another one.
fn no_room(scratch: &Path, error: &io::Error) -> StoreError {
    let reason = format!("{error}; a copy of the world is needed there, TMPDIR names another directory");
    StoreError::io("writing a copy to the temporary directory", scratch, &io::Error::other(reason))
}

/// Copies a folder: its files first, in the order of their names, then its folders.
fn copy_tree(from: &Path, to: &Path, folder: &Path) -> Copied {
    let (source, target) = (from.join(folder), to.join(folder));
    let unread = |error| (source.clone(), error);
    let entries = match std::fs::read_dir(&source) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound && folder == Path::new(DATABASE) => {
            return Ok(());
        }
        Err(error) => return Err(unread(error)),
    };
    std::fs::create_dir_all(&target).map_err(|error| (target, error))?;
    let mut folders = Vec::new();
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unread)?;
        let path = folder.join(entry.file_name());
        if entry.file_type().map_err(unread)?.is_dir() { folders.push(path) } else { files.push(path) }
    }
    files.sort_unstable();
    files.iter().try_for_each(|path| copy_file(from, to, path))?;
    folders.sort_unstable();
    folders.iter().try_for_each(|path| copy_tree(from, to, path))
}

/// Copies bytes, not permissions: a read-only file becomes a writable copy. Shares blocks where it can.
fn copy_file(from: &Path, to: &Path, path: &Path) -> Copied {
    let (from, to) = (from.join(path), to.join(path));
    let mut source = match File::open(&from) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound && path == Path::new(WATERMARK_FILE) => {
            return Ok(());
        }
        Err(error) => return Err((from, error)),
    };
    let mut target = File::create(&to).map_err(|error| (to.clone(), error))?;
    match io::copy(&mut source, &mut target) {
        Ok(_) => Ok(()),
        // The message does not say which side failed: a full disk is the copy's.
        Err(error) if is_full(&error) => Err((to, error)),
        Err(error) => Err((from, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Claim: a copy that a killed reader left goes when the next one is made; one that is being read stays, and so does
    /// what has only the name.
    #[test]
    fn what_killed_readers_leave_is_removed() {
        let scratch = tempfile::tempdir().expect("a directory");
        let read = fresh(scratch.path()).expect("a copy");
        let left = scratch.path().join(format!("{PREFIX}1-0"));
        let other = scratch.path().join(format!("{PREFIX}2-0"));
        for path in [&left, &other] {
            std::fs::create_dir(path).expect("a folder");
            std::fs::write(path.join("file"), "bytes").expect("a file");
        }
        std::fs::write(left.join(READER_FILE), "").expect("a file");
        remove_left(scratch.path());
        assert!(read.path.exists() && other.exists() && !left.exists());
        let path = read.path.clone();
        drop(read);
        assert!(!path.exists());
    }
}
