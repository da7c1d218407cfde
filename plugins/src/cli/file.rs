//! Files that commands read and write.
//!
//! Invariant: a file that is written appears whole, by a rename, or not at all; one that cannot be written is refused
//! before the first frame.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::Failure;

/// The longest file of a scene that is read, in bytes.
const FILE_BYTES_MAX: usize = diptych::life::PATTERN_BYTES_MAX;

/// A file's name as it was given, and its bytes.
pub(crate) fn read(path: &Path) -> Result<(String, Vec<u8>), Failure> {
    let name = path.display().to_string();
    let cannot = |error| Failure::Refused(format!("{name}: the file cannot be read: {error}"));
    let mut bytes = Vec::new();
    // One byte more than is allowed tells a file that is too long from one that just fits.
    let limit = FILE_BYTES_MAX as u64 + 1;
    File::open(path).map_err(cannot)?.take(limit).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(Failure::Refused(format!(
            "{name}: the file has more than {FILE_BYTES_MAX} bytes, the limit"
        )));
    }
    Ok((name, bytes))
}

/// A file to be: written beside its place under another name, which is gone when it is dropped unfinished.
#[derive(Debug)]
pub(crate) struct Draft {
    path: PathBuf,
    part: PathBuf,
    file: File,
    is_whole: bool,
}

impl Draft {
    /// Begins the file at `path`, in place of one that is there.
    pub(crate) fn begin(path: &Path) -> Result<Draft, Failure> {
        let refused = |reason: &dyn std::fmt::Display| {
            Failure::Refused(format!("{}: the file cannot be written: {reason}", path.display()))
        };
        if path.is_dir() {
            return Err(refused(&"it is a directory; name a file in it"));
        }
        let Some(name) = path.file_name() else {
            return Err(refused(&"that is no name of a file"));
        };
        let mut part = name.to_owned();
        part.push(format!(".part-{}", std::process::id()));
        let part = path.with_file_name(part);
        let file = File::create_new(&part).map_err(|error| refused(&error))?;
        Ok(Draft { path: path.to_path_buf(), part, file, is_whole: false })
    }

    /// What is wrong with it while it is written.
    pub(crate) fn failed(&self, error: &dyn std::fmt::Display) -> Failure {
        Failure::Failed(format!("{}: the file cannot be written: {error}", self.path.display()))
    }

    /// Where to write.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Puts the file in its place.
    pub(crate) fn finish(mut self) -> Result<(), Failure> {
        let put = self.file.sync_all().and_then(|()| std::fs::rename(&self.part, &self.path));
        self.is_whole = put.is_ok();
        put.map_err(|error| self.failed(&error))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_whole {
            // Half a file is worse than none; that it cannot be removed changes nothing.
            let _ = std::fs::remove_file(&self.part);
        }
    }
}
