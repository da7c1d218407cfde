//! A world's files, held open as they are at one moment, so that they can be copied however long that takes.
//!
//! The database adds files and deletes them, but changes none, save that it appends to its last journal. So what
//! counts is which files there are, and how long that journal is: found out in one short look, which is repeated
//! where something appeared or went meanwhile. Invariant: the journals and tables that were opened are those of one
//! moment, and a file that is deleted afterwards can still be read. The world is only read.
//! Left out: whether the files are whole.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::directory::{DATABASE, FORMAT_FILE};
use super::watermark::{WATERMARK_FILE, Watermark};
use super::{StoreError, journal, tables};

/// Looks at a running world before it is given up: each takes milliseconds.
const HOLD_TRIES_MAX: u32 = 200;
const HOLD_PAUSE: Duration = Duration::from_millis(3);
/// Files held open at a time, those of keyspaces that changed last first; of a world with more, the rest are opened when
/// their turn comes, and until then nothing that was given up goes, which a running world bears for a few checkpoints.
const HELD_FILES_MAX: usize = 512;
/// Bytes copied between two reports of progress.
const STEP_BYTES: u64 = 16 << 20;

/// What is copied of one file.
enum Content {
    /// It was read whole.
    Bytes(Vec<u8>),
    /// So many bytes of it.
    File(File, u64),
    /// All of it, once it is opened.
    Later(u64),
}

/// The files of a world at one moment.
pub(crate) struct Held {
    dir: PathBuf,
    /// By their paths in the world's directory, those that are copied first at the front.
    files: Vec<(PathBuf, Content)>,
    /// The shared lock that keeps a running world from deleting, where that is needed.
    _format: Option<File>,
}

impl Held {
    /// Holds the files of the world in `dir`. Of one that is `running`, or may begin to, the last journal counts up
    /// to its last batch; else all that is in it, whatever it is.
    ///
    /// # Errors
    /// A file cannot be read, or is missing or malformed in every look.
    pub(crate) fn of(dir: &Path, running: bool) -> Result<Self, StoreError> {
        let path = dir.join(FORMAT_FILE);
        let format = File::open(&path).map_err(|error| StoreError::io("opening", &path, &error))?;
        // While this is held, a running world deletes no epoch.
        format.lock_shared().map_err(|error| StoreError::io("locking", &path, &error))?;
        let mut tries = 1;
        loop {
            match look(dir, running) {
                Ok(files) => {
                    let later = files.iter().any(|(_, content)| matches!(content, Content::Later(_)));
                    return Ok(Self { dir: dir.to_owned(), files, _format: later.then_some(format) });
                }
                Err(error) if tries == HOLD_TRIES_MAX || !running => return Err(error),
                Err(_) => std::thread::sleep(HOLD_PAUSE),
            }
            tries += 1;
        }
    }

    /// Bytes to copy.
    pub(crate) fn bytes(&self) -> u64 {
        let size = |content: &Content| match content {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::File(_, bytes) | Content::Later(bytes) => *bytes,
        };
        self.files.iter().map(|(_, content)| size(content)).sum()
    }

    /// Copies everything into the directory `to`, which exists; `progress` is told how many bytes are done. A copy
    /// shares blocks with the world where the file system can.
    ///
    /// # Errors
    /// What failed, and on which file.
    pub(crate) fn copy(self, to: &Path, progress: &mut dyn FnMut(u64)) -> Copied {
        let mut done = 0;
        for (path, content) in self.files {
            let (from, target) = (self.dir.join(&path), to.join(&path));
            let folder = target.parent().unwrap_or(to);
            // The database wants the folder of tables also where a keyspace has none.
            let made = if path.file_name().is_some_and(|name| name == tables::CURRENT) {
                std::fs::create_dir_all(folder.join(tables::TABLES))
            } else {
                std::fs::create_dir_all(folder)
            };
            made.map_err(|error| (folder.to_owned(), error))?;
            let (source, bytes) = match content {
                Content::Bytes(bytes) => {
                    std::fs::write(&target, &bytes).map_err(|error| (target, error))?;
                    done += bytes.len() as u64;
                    continue;
                }
                Content::File(file, bytes) => (file, bytes),
                Content::Later(bytes) => (File::open(&from).map_err(|error| (from.clone(), error))?, bytes),
            };
            let mut made = File::create(&target).map_err(|error| (target.clone(), error))?;
            let mut left = bytes;
            while left > 0 {
                let step = left.min(STEP_BYTES);
                let copied = io::copy(&mut (&source).take(step), &mut made);
                // The message does not say which side failed: a full disk is the copy's.
                let copied = copied
                    .map_err(|error| (if is_full(&error) { target.clone() } else { from.clone() }, error))?;
                (left, done) = (left - step, done + step);
                progress(done);
                // A journal's last batch may be half written, and a sealed one is cut to its length; whoever opens
                // the copy finds out.
                if copied < step {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// What failed, and on which file.
pub(crate) type Copied = Result<(), (PathBuf, io::Error)>;

pub(crate) fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// One look at the directory; an error where it changed meanwhile, or is damaged.
fn look(dir: &Path, running: bool) -> Result<Vec<(PathBuf, Content)>, StoreError> {
    let database = dir.join(DATABASE);
    // The watermark first: what it promises is then in what follows, whatever moves on meanwhile.
    let watermark = Watermark::read(dir)?;
    let mut files = vec![(PathBuf::from(WATERMARK_FILE), bytes(dir, Path::new(WATERMARK_FILE))?)];
    for name in ["version", "lock"] {
        let path = Path::new(DATABASE).join(name);
        files.push((path.clone(), bytes(dir, &path)?));
    }
    let journals = journal::list(&database)?;
    let mut held = BTreeMap::new();
    for (number, path) in &journals {
        let (file, length) = open(path)?;
        held.insert(*number, (path.clone(), file, length));
    }
    let keyspaces = keyspaces(&database)?;
    let mut later = Vec::new();
    for keyspace in &newest_first(&keyspaces) {
        if keyspace.join(tables::CURRENT).exists() {
            keyspace_files(dir, keyspace, &mut later)?;
        } else if !running {
            return Err(changed(keyspace));
        }
        // In a running world its creation or deletion is under way: it holds nothing that counts.
    }
    // Whatever is in a table was in a journal before, so the journals are measured last.
    if let Some(mut last) = held.last_entry()
        && running
    {
        let from = if *last.key() == watermark.place.file { watermark.place.offset } else { 0 };
        let (path, file, length) = last.get_mut();
        let end = journal::end_of(file, from).and_then(|end| file.rewind().map(|()| end));
        *length = end.map_err(|error| StoreError::io("reading", path, &error))?;
    }
    for (path, file, length) in held.into_values() {
        files.push((relative(dir, &path), Content::File(file, length)));
    }
    files.extend(later);
    if journal::list(&database)? != journals || self::keyspaces(&database)? != keyspaces {
        return Err(changed(&database));
    }
    // Which keyspaces there are is in the first one's tables.
    if let Some(first) = keyspaces.first() {
        let path = relative(dir, &first.join(tables::CURRENT));
        let now = bytes(dir, &path)?;
        let before = files.iter().find(|(other, _)| *other == path);
        if let (Content::Bytes(now), Some((_, Content::Bytes(before)))) = (&now, before)
            && now != before
        {
            return Err(changed(first));
        }
    }
    Ok(files)
}

fn changed(path: &Path) -> StoreError {
    StoreError::io("copying", path, &io::Error::other("it changes again and again while it is looked at"))
}

/// Those first that have changed last. The database joins tables of what is written to, in the log of inputs for one, and
/// asks nobody; old epochs lie still.
fn newest_first(keyspaces: &[PathBuf]) -> Vec<PathBuf> {
    let changed = |keyspace: &PathBuf| {
        // One that is gone by now is found to be later.
        std::fs::metadata(keyspace.join(tables::CURRENT)).and_then(|data| data.modified()).ok()
    };
    let mut order: Vec<(Option<SystemTime>, &PathBuf)> =
        keyspaces.iter().map(|keyspace| (changed(keyspace), keyspace)).collect();
    order.sort_by_key(|(changed, _)| Reverse(*changed));
    // Which keyspaces there are, and the world's own values: always first, and always small.
    order.sort_by_key(|(_, keyspace)| !keyspaces[..keyspaces.len().min(2)].contains(keyspace));
    order.into_iter().map(|(_, keyspace)| keyspace.clone()).collect()
}

/// The folders of keyspaces in the order of their numbers.
fn keyspaces(database: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let folder = database.join(tables::KEYSPACES);
    let failed = |error: io::Error| StoreError::io("reading", &folder, &error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let number: Option<u64> = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if let Some(number) = number {
            found.push((number, entry.path()));
        }
    }
    found.sort_unstable();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// The manifest of a keyspace and the tables that it names.
fn keyspace_files(
    dir: &Path,
    keyspace: &Path,
    files: &mut Vec<(PathBuf, Content)>,
) -> Result<(), StoreError> {
    let current = keyspace.join(tables::CURRENT);
    let pointer = bytes(dir, &relative(dir, &current))?;
    let manifest = tables::manifest(keyspace)?;
    // Read a second time by whoever parses it: it must not have moved on in between.
    if matches!(&pointer, Content::Bytes(bytes) if *bytes != manifest.pointer) {
        return Err(changed(keyspace));
    }
    files.push((relative(dir, &current), pointer));
    files.push((relative(dir, &manifest.path), Content::Bytes(manifest.bytes)));
    for (table, _) in manifest.tables {
        let path = keyspace.join(tables::TABLES).join(table.to_string());
        let (file, length) = open(&path)?;
        let room = files.len() < HELD_FILES_MAX;
        let content = if room { Content::File(file, length) } else { Content::Later(length) };
        files.push((relative(dir, &path), content));
    }
    Ok(())
}

fn relative(dir: &Path, path: &Path) -> PathBuf {
    path.strip_prefix(dir).unwrap_or(path).to_owned()
}

fn bytes(dir: &Path, path: &Path) -> Result<Content, StoreError> {
    let path = dir.join(path);
    std::fs::read(&path).map(Content::Bytes).map_err(|error| StoreError::io("reading", &path, &error))
}

fn open(path: &Path) -> Result<(File, u64), StoreError> {
    let failed = |error: io::Error| StoreError::io("opening", path, &error);
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    Ok((file, length))
}
