//! A world's directory: what it is, who holds it, and how it comes into being.
//!
//! Invariant: `db` appears by a rename of a complete, synced database, so a crash during creation leaves
//! either no world or a whole one. Left out: what is inside the database.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::base::Base;
use super::codec::encode_facts;
use super::delta::{Link, NO_FRAME};
use super::disk::Disk;
use super::history::{History, Kept, Start};
use super::journal::{self, Tail};
use super::log::{self, Log};
use super::recovery::{
    Position, Recovered, WorldValues, encode_current, encode_end, encode_head, recover, world_values,
};
use super::watermark::{WATERMARK_FILE, Watermark, WatermarkFile};
use super::writer::Opening;
use super::{
    FactMismatch, StoreError, StoreOptions, TypeChanges, TypeEntry, absent, catalog, inspect, keys, tables,
};

pub(crate) const FORMAT_FILE: &str = "FORMAT";
pub(crate) const FORMAT_NEW: &str = "FORMAT.new";
pub(crate) const LOCK_FILE: &str = "LOCK";
pub(crate) const DATABASE: &str = "db";
pub(crate) const DATABASE_NEW: &str = "db.new";
/// The first line of `FORMAT`.
pub(crate) const FORMAT_LINE: &str = "diptych world, format 1\n";
/// A reader that only looks holds the lock for a moment: so often and so long is it tried.
const LOCK_TRIES_MAX: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Everything that opening finds.
pub(crate) struct Opened {
    pub(crate) lock: File,
    pub(crate) disk: Disk,
    pub(crate) position: Position,
    pub(crate) recovered: Option<Recovered>,
    /// The catalog as it is stored now, and with the given types in it.
    pub(crate) stored: Vec<TypeEntry>,
    pub(crate) types: Vec<TypeEntry>,
    pub(crate) kept: Kept,
    /// What is written once nothing refuses the opening any more.
    pub(crate) opening: Opening,
    pub(crate) upgrade: bool,
    pub(crate) marker: Marker,
    pub(crate) log: Log,
}

/// What reports a sync to the watermark, and asks whether somebody copies the directory.
#[derive(Debug)]
pub(crate) struct Marker {
    tail: Tail,
    file: WatermarkFile,
    /// `FORMAT`: a reader that copies the directory holds a shared lock on it.
    format: File,
}

impl Marker {
    /// The journals were synced: frames before `head` are safe.
    pub(crate) fn synced(&mut self, head: u64, link: Link) -> Result<(), StoreError> {
        let place = self.tail.advance()?;
        self.file.write(head, link, place)
    }

    /// Whether somebody copies the directory, so that nothing should be deleted from it.
    pub(crate) fn is_read(&self) -> bool {
        let free = self.format.try_lock().is_ok();
        // An unlock of a lock that is not held changes nothing, and its failure neither.
        let _ = self.format.unlock();
        !free
    }
}

pub(crate) fn open_directory(
    dir: &Path,
    types: &[TypeEntry],
    facts: &BTreeMap<String, String>,
    options: &StoreOptions,
) -> Result<Opened, StoreError> {
    let lock = claim(dir)?;
    let database = dir.join(DATABASE);
    if !database.is_dir() {
        refuse_lost(dir)?;
        create(dir, types, facts)?;
    }
    let watermark = Watermark::read(dir)?;
    let absent = tables::required(&database)?;
    let mut broken = None;
    tables::check(&database, &mut |_, problem| {
        if broken.is_none() {
            broken = problem;
        }
    })?;
    broken.map_or(Ok(()), Err)?;
    if let Some(absent) = absent.filter(|_| absent::is_named(&database)) {
        // What is promised is read from a copy first: fjall deletes such a keyspace when it opens.
        inspect::rehearse(dir, &absent)?;
    }
    let checked = journal::check(&database, watermark.place)?;
    let format = dir.join(FORMAT_FILE);
    let mut marker = Marker {
        tail: Tail::new(&database, checked.end)?,
        file: WatermarkFile::open(dir, watermark)?,
        format: File::open(&format).map_err(|error| StoreError::io("opening", &format, &error))?,
    };
    let disk = Disk::open(&database)?;
    let values = world_values(&disk)?;
    compare(&values.facts, facts)?;
    let merged = catalog::merged(&values.types, types, &options.changes)?;
    let (mut recovered, position) = recover(&disk, &values, watermark.link)?;
    if position.head < watermark.head {
        let reason = format!("{} frames had been synced, {} were found", watermark.head, position.head);
        return Err(StoreError::damaged(database.display().to_string(), reason));
    }
    if let Some(recovered) = &mut recovered {
        recovered.repaired = checked.cut;
        if position.by_inputs {
            recovered.tail = Some(log::tail(&disk, &values, &position)?);
        }
        recovered.change(&options.changes, &merged);
    }
    compare_programs(&values, &position, &options.program)?;
    let log = Log::of(&disk, options.inputs, &position)?;
    let mut kept = keep(&disk, &values, &position, options.history);
    let other = (values.program != options.program).then_some(options.program.as_str());
    let mut opening = Opening::new(&position, &kept, other);
    let upgrade = catalog::upgrades(&values.types, &merged) && recovered.is_some();
    let mut stored = values.types;
    if merged != stored && !upgrade {
        kept.catalogs.push((position.head, std::mem::replace(&mut stored, merged.clone())));
        opening = opening.with_types(&merged, &kept);
    }
    // What was recovered may be in the system's cache only, as may the names of its journals; from here on it is promised.
    disk.sync()?;
    sync_directory(&database)?;
    marker.synced(position.head, position.link)?;
    Ok(Opened { lock, disk, position, recovered, stored, types: merged, kept, opening, upgrade, marker, log })
}

/// What is kept of the past from here on.
fn keep(disk: &Disk, values: &WorldValues, position: &Position, history: History) -> Kept {
    let mut kept = values.past.clone();
    kept.settle(&disk.epochs, Start::of(values, position));
    let first = kept.first_needed(position.head, history);
    kept.starts.drain(..first);
    kept
}

/// Makes sure that `dir` is a world's directory or becomes one, and takes its lock.
fn claim(dir: &Path) -> Result<File, StoreError> {
    if dir.exists() && !dir.is_dir() {
        return Err(refuse(dir, "it is a file, not a directory".to_owned()));
    }
    let made = make_folders(dir)?;
    if !has_format(dir)? {
        let entries = std::fs::read_dir(dir).map_err(|error| StoreError::io("reading", dir, &error))?;
        let ours = [FORMAT_NEW, LOCK_FILE];
        let mut others = entries
            .filter(|entry| entry.as_ref().map_or(true, |e| ours.iter().all(|name| e.file_name() != *name)));
        // Another process may have made the world since the first look; `FORMAT` then came before the rest.
        if others.next().is_some() && !has_format(dir)? {
            return Err(refuse(dir, format!("it has no file {FORMAT_FILE}, but other files")));
        }
    }
    let lock = take_lock(dir)?;
    // Under the lock: of two processes that make the same world, one does, and the other is told.
    if !has_format(dir)? {
        let (new, path) = (dir.join(FORMAT_NEW), dir.join(FORMAT_FILE));
        write_file(&new, FORMAT_LINE.as_bytes())?;
        std::fs::rename(&new, &path).map_err(|error| StoreError::io("renaming", &new, &error))?;
        sync_directory(dir)?;
    }
    // A world is there when its name is.
    made.iter().try_for_each(|folder| sync_directory(folder))?;
    Ok(lock)
}

/// Makes a folder and those that it lies in; answers where names are new, the world's own last.
fn make_folders(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let absent = dir.ancestors().take_while(|folder| *folder != Path::new("") && !folder.exists());
    let parent = |folder: &Path| match folder.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut parents: Vec<PathBuf> = absent.map(parent).collect();
    parents.reverse();
    std::fs::create_dir_all(dir).map_err(|error| StoreError::io("creating", dir, &error))?;
    Ok(parents)
}

/// A missing database is a new world only where nobody promised a frame.
pub(crate) fn refuse_lost(dir: &Path) -> Result<(), StoreError> {
    if !dir.join(WATERMARK_FILE).exists() {
        return Ok(());
    }
    let Some(frame) = Watermark::read(dir)?.head.checked_sub(1) else { return Ok(()) };
    let reason = format!(
        "the folder is missing, frame {frame} had been synced (says {WATERMARK_FILE}): put it back; to begin \
         anew, use another directory"
    );
    Err(StoreError::damaged(dir.join(DATABASE).display().to_string(), reason))
}

fn take_lock(dir: &Path) -> Result<File, StoreError> {
    let path = dir.join(LOCK_FILE);
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| StoreError::io("opening", &path, &error))?;
    for _ in 0..LOCK_TRIES_MAX {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(std::fs::TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(std::fs::TryLockError::Error(error)) => return Err(StoreError::io("locking", &path, &error)),
        }
    }
    Err(StoreError::Locked { path: dir.to_owned() })
}

/// Whether the directory says that it is a world; an error where it says that it is something else.
pub(crate) fn has_format(dir: &Path) -> Result<bool, StoreError> {
    let path = dir.join(FORMAT_FILE);
    match std::fs::read(&path) {
        Ok(bytes) if bytes == FORMAT_LINE.as_bytes() => Ok(true),
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes);
            let line: String = text.lines().next().unwrap_or_default().chars().take(80).collect();
            Err(refuse(dir, format!("{FORMAT_FILE} says \"{line}\", expected \"{}\"", FORMAT_LINE.trim())))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreError::io("reading", &path, &error)),
    }
}

pub(crate) fn refuse(dir: &Path, reason: String) -> StoreError {
    StoreError::NotAWorld { path: dir.to_owned(), reason }
}

fn create(dir: &Path, types: &[TypeEntry], facts: &BTreeMap<String, String>) -> Result<(), StoreError> {
    let (new, database) = (dir.join(DATABASE_NEW), dir.join(DATABASE));
    if new.exists() {
        std::fs::remove_dir_all(&new).map_err(|error| StoreError::io("removing", &new, &error))?;
    }
    let mut disk = Disk::open(&new)?;
    let epoch = disk.next_epoch(0)?;
    let base = Base {
        frame: NO_FRAME,
        dt: 0.0,
        tables: Vec::new(),
        serials: BTreeMap::new(),
        digest: None,
        by_inputs: false,
    };
    disk.write(&[
        (&disk.world, keys::CATALOG.as_bytes(), &catalog::encode(&catalog::created(types))),
        (&disk.world, keys::FACTS.as_bytes(), &encode_facts(facts)),
        (&disk.world, keys::CURRENT.as_bytes(), &encode_current(epoch)),
        (&disk.world, keys::HEAD.as_bytes(), &encode_head(0, Link::NONE, Link::NONE)),
        (disk.writing(), &keys::key(0, keys::BASE, 0), &base.encode(Link::NONE)),
        (disk.writing(), &keys::key(0, keys::END, 0), &encode_end(0, Link::NONE)),
    ])?;
    disk.sync()?;
    drop(disk);
    Watermark::create(dir)?;
    std::fs::rename(&new, &database).map_err(|error| StoreError::io("renaming", &new, &error))?;
    sync_directory(dir)
}

/// Frames that were made since the checkpoint and are known by what came in can be made again by the very program only.
fn compare_programs(values: &WorldValues, position: &Position, given: &str) -> Result<(), StoreError> {
    if !position.has_tail() {
        return Ok(());
    }
    let (checkpoint, last) = (position.checkpoint, position.head - 1);
    match log::difference(&values.program, given) {
        None => Ok(()),
        Some((stored, given)) => Err(StoreError::Program { checkpoint, last, stored, given }),
    }
}

/// Refuses to make a world again with other settings or types than it was made with.
pub(crate) fn compare_stored(
    stored: &BTreeMap<String, String>,
    given: &BTreeMap<String, String>,
    stored_types: &[TypeEntry],
    types: &[TypeEntry],
) -> Result<(), StoreError> {
    compare(stored, given)?;
    let merged = catalog::merged(stored_types, types, &TypeChanges::default())?;
    let other = merged.iter().zip(stored_types).find(|(given, stored)| given.version != stored.version);
    let other = other.map(|(given, stored)| (given, format!("version {}", stored.version)));
    let new = merged.get(stored_types.len()).map(|given| (given, "nothing of that name".to_owned()));
    match other.or(new) {
        None => Ok(()),
        Some((given, stored)) => Err(StoreError::Type {
            name: given.name.clone(),
            reason: format!(
                "the store holds {stored}, version {} is registered; a world is made again by what made it",
                given.version
            ),
        }),
    }
}

fn compare(stored: &BTreeMap<String, String>, given: &BTreeMap<String, String>) -> Result<(), StoreError> {
    let mut keys: Vec<&String> = stored.keys().chain(given.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let mismatches: Vec<FactMismatch> = keys
        .into_iter()
        .filter(|key| stored.get(*key) != given.get(*key))
        .map(|key| FactMismatch {
            key: key.clone(),
            stored: stored.get(key).cloned(),
            given: given.get(key).cloned(),
        })
        .collect();
    if mismatches.is_empty() { Ok(()) } else { Err(StoreError::Facts { mismatches }) }
}

pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    std::fs::write(path, bytes)
        .and_then(|()| File::open(path)?.sync_all())
        .map_err(|error| StoreError::io("writing", path, &error))
}

pub(crate) fn sync_directory(dir: &Path) -> Result<(), StoreError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| StoreError::io("syncing", dir, &error))
}
