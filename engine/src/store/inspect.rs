//! Looking into a directory without touching it: of a stopped, a running or a damaged world.
//!
//! Invariant: the user's directory is only read. fjall writes when it opens, so it opens a copy, which
//! is deleted afterwards. Everything comes from raw bytes; no type needs to be registered.
//! Left out: repairing.

mod copy;

pub(crate) use copy::Copy;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::delta::Link;
use super::directory::{DATABASE, FORMAT_FILE, LOCK_FILE, has_format, refuse, refuse_lost};
use super::disk::Disk;
use super::history::{Look, Start};
use super::journal::Place;
use super::recovery::{Recovered, recover, world_values};
use super::watermark::{Condition, Watermark};
use super::{Image, StoreError, TypeEntry, journal, log, tables};

/// A running world may change under the copy: so often is it taken again.
pub(crate) const COPY_TRIES_MAX: u32 = 8;

/// What a directory holds.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The last frame whose state is stored; `None` for a world without one, or a damaged one. Where later ones are known
    /// by what came into them, a note says which.
    pub frame: Option<u64>,
    /// The last frame that was synced for certain.
    pub durable_frame: Option<u64>,
    /// The frames that can be looked at; see [`at`](super::at).
    pub kept: Option<RangeInclusive<u64>>,
    /// The digest of the world at `frame`, from its bytes.
    pub digest: Option<u128>,
    /// Number of entities.
    pub entities: u64,
    /// The stored types in the order of their keys; the first is the column of ids.
    pub types: Vec<TypeReport>,
    /// The named bytes of the last frame, and how many they are.
    pub frame_notes: BTreeMap<String, u64>,
    /// What the world was created with.
    pub facts: BTreeMap<String, String>,
    /// Disk space of the directory, in bytes.
    pub store_bytes: u64,
    /// Another process runs this world now.
    pub running: bool,
    /// What is wrong and where; empty for a whole world.
    pub problems: Vec<String>,
    /// What is unusual and harmless, as a crash may leave it.
    pub notes: Vec<String>,
    /// What opening would cut from the unsynced end.
    pub repairable: Option<String>,
    /// Each stored file that has a checksum.
    pub files: Vec<FileState>,
}

/// One stored type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeReport {
    /// Registered name.
    pub name: String,
    /// Stored version.
    pub version: u32,
    /// Rows of all tables; of a transient type those that the last frame set.
    pub rows: u64,
    /// Bytes of their values.
    pub bytes: u64,
    /// What it adds to the digest of the world: the wrapping sum of its row hashes.
    pub sum: u128,
}

/// Whether a file is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileState {
    /// Relative to the world's directory.
    pub path: PathBuf,
    /// `None` where it is whole.
    pub problem: Option<String>,
}

/// Reads everything in `dir` by way of a copy in `scratch` (default: the system's temporary directory).
///
/// # Errors
/// The directory is no world, or cannot be read or copied. Damage is no error: see [`Report::problems`].
pub fn inspect(dir: &Path, scratch: Option<&Path>) -> Result<Report, StoreError> {
    check_is_world(dir)?;
    let running = is_running(dir)?;
    let mut tries = 1;
    loop {
        let copy = Copy::of(dir, scratch)?;
        let mut report = Report { running, store_bytes: store_bytes(dir), ..Report::default() };
        if let Err(error) = fill(&copy.path, &mut report) {
            report.problems.push(error.to_string());
        }
        let name = copy.path.display().to_string();
        let named = |text: &mut String| *text = text.replace(&name, &dir.display().to_string());
        report.problems.iter_mut().for_each(named);
        report.notes.iter_mut().for_each(named);
        report.repairable.iter_mut().for_each(named);
        report.files.iter_mut().filter_map(|file| file.problem.as_mut()).for_each(named);
        // Only of a running world can a bad copy be the copy's own fault.
        if report.problems.is_empty() || !running || tries == COPY_TRIES_MAX {
            return Ok(report);
        }
        tries += 1;
    }
}

/// Refuses what is no world's directory, with what it is instead.
pub(crate) fn check_is_world(dir: &Path) -> Result<(), StoreError> {
    if !dir.is_dir() {
        let what = if dir.exists() { "it is a file, not a directory" } else { "it does not exist" };
        return Err(refuse(dir, what.to_owned()));
    }
    if !has_format(dir)? {
        return Err(refuse(dir, format!("it has no file {FORMAT_FILE}")));
    }
    Ok(())
}

/// A copy as it was opened.
pub(crate) struct OpenedCopy {
    pub(crate) disk: Disk,
    pub(crate) facts: BTreeMap<String, String>,
    pub(crate) look: Look,
    /// The world at its last frame.
    pub(crate) recovered: Option<Recovered>,
    /// End of the chain of records.
    pub(crate) link: Link,
    /// End of the last whole batch when it was opened.
    pub(crate) end: Place,
}

/// Opens a copy of a world and replays it: what was promised must be there.
pub(crate) fn open_copy(copy: &Path) -> Result<OpenedCopy, StoreError> {
    let end = check_copy(copy)?;
    open_checked(&copy.join(DATABASE), &Watermark::read(copy)?, end)
}

/// Opens the database of a copy whose files are whole.
fn open_checked(database: &Path, watermark: &Watermark, end: Place) -> Result<OpenedCopy, StoreError> {
    let disk = Disk::open(database)?;
    let values = world_values(&disk)?;
    let (recovered, position) = recover(&disk, &values, watermark.link)?;
    if position.head < watermark.head {
        let reason = format!("{} frames had been synced, {} were found", watermark.head, position.head);
        return Err(StoreError::damaged(database.display().to_string(), reason));
    }
    let current = Start::of(&values, &position);
    if position.by_inputs {
        // What is made of it is not known here; whether it is there is.
        log::tail(&disk, &values, &position)?;
    }
    let mut kept = values.past;
    kept.settle(&disk.epochs, current);
    let (epochs, head, _lent) = (disk.epochs.clone(), position.head, disk.lend());
    let look = Look { epochs, kept, types: values.types, head, _lent };
    Ok(OpenedCopy { disk, facts: values.facts, look, recovered, link: position.link, end })
}

/// All that is wrong in `dir`, as sentences; empty for a whole world. See [`inspect`].
///
/// # Errors
/// The directory is no world, or cannot be read or copied.
pub fn verify(dir: &Path, scratch: Option<&Path>) -> Result<Vec<String>, StoreError> {
    Ok(inspect(dir, scratch)?.problems)
}

fn check_copy(copy: &Path) -> Result<Place, StoreError> {
    let database = copy.join(DATABASE);
    if !database.is_dir() {
        refuse_lost(copy)?;
        return Err(refuse(copy, "it has no frame yet".to_owned()));
    }
    let absent = tables::required(&database)?;
    let mut broken = None;
    tables::check(&database, &mut |_, problem| broken = broken.take().or(problem))?;
    broken.map_or(Ok(()), Err)?;
    if let Some(absent) = &absent {
        rehearse_in(copy, absent)?;
    }
    Ok(journal::check(&database, Watermark::read(copy)?.place)?.end)
}

fn fill(copy: &Path, report: &mut Report) -> Result<(), StoreError> {
    let database = copy.join(DATABASE);
    if !database.is_dir() {
        // Without a synced frame its creation was cut short: a world without frames.
        return refuse_lost(copy);
    }
    let watermark = Watermark::read(copy)?;
    report.durable_frame = watermark.head.checked_sub(1);
    match Watermark::condition(copy)? {
        Condition::Whole => {}
        Condition::Torn(note) => report.notes.push(note),
        Condition::Damaged(error) => report.problems.push(error.to_string()),
    }
    let absent = tables::required(&database)?;
    let mut files = Vec::new();
    let state = |path: &Path, problem: Option<&StoreError>| FileState {
        path: path.strip_prefix(copy).unwrap_or(path).to_owned(),
        problem: problem.map(ToString::to_string),
    };
    tables::check(&database, &mut |path, problem| files.push(state(path, problem.as_ref())))?;
    let mut journals = journal::list(&database)?;
    let last = journals.pop();
    for (_, path) in &journals {
        let broken = journal::scan(path)?.broken;
        let problem = broken.map(|reason| StoreError::damaged(path.display().to_string(), reason));
        files.push(state(path, problem.as_ref()));
    }
    let checked = journal::check(&database, watermark.place);
    if let Some((_, path)) = last {
        let problem =
            checked.as_ref().err().filter(|error| error.to_string().contains(&*path.to_string_lossy()));
        files.push(state(&path, problem));
    }
    report.problems.extend(files.iter().filter_map(|file| file.problem.clone()));
    report.files = files;
    let end = match checked {
        Ok(checked) => {
            report.repairable = checked.cut;
            checked.end
        }
        Err(error) if report.problems.is_empty() => return Err(error),
        Err(_) => return Ok(()),
    };
    if !report.problems.is_empty() {
        return Ok(());
    }
    if let Some(absent) = &absent {
        rehearse_in(copy, absent)?;
    }
    let OpenedCopy { disk, facts, look, recovered, .. } = open_checked(&database, &watermark, end)?;
    if let Err(error) = log::check(&disk) {
        report.problems.push(error.to_string());
    }
    report.facts.clone_from(&facts);
    report.kept = look.retained();
    report.notes.extend(recovered.as_ref().and_then(former_digest));
    report.notes.extend(recovered.as_ref().and_then(|recovered| made_again(recovered.frame, look.head)));
    report.problems.extend(look.problems());
    let image = recovered.map(|recovered| Image::new(recovered, facts));
    describe(&look.types, image.as_ref(), report);
    Ok(())
}

/// Whether everything that was promised is there although `absent`, the manifest of a keyspace, is not: fjall
/// deletes such a keyspace when it opens, so it opens a copy.
///
/// # Errors
/// The keyspace is needed: its manifest is lost.
pub(crate) fn rehearse(dir: &Path, absent: &Path) -> Result<(), StoreError> {
    let copy = Copy::of(dir, None)?;
    rehearse_in(&copy.path, absent)
}

/// The same in a directory that is a copy already.
fn rehearse_in(copy: &Path, absent: &Path) -> Result<(), StoreError> {
    let watermark = Watermark::read(copy)?;
    let database = copy.join(DATABASE);
    journal::check(&database, watermark.place)?;
    let heads = Disk::open(&database).and_then(|disk| {
        let values = world_values(&disk)?;
        let (_, position) = recover(&disk, &values, watermark.link)?;
        if position.by_inputs {
            log::tail(&disk, &values, &position)?;
        }
        Ok(position.head)
    });
    match heads {
        Ok(head) if head >= watermark.head => Ok(()),
        _ => {
            let reason = "the file is missing, and what its keyspace holds is needed; put it back from a copy \
                          of the world, nothing was changed";
            Err(StoreError::damaged(absent.display().to_string(), reason))
        }
    }
}

/// Says which frames are known by what came into them alone.
fn made_again(stored: u64, head: u64) -> Option<String> {
    let (first, last) = (stored + 1, head - 1);
    let frames = if first == last { format!("frame {last}") } else { format!("frames {first} to {last}") };
    (first <= last).then(|| {
        format!(
            "the state of frame {stored} is stored; {frames} are known by what came in, which is there, and are made \
             again when the world is opened"
        )
    })
}

/// Says of a digest by the hash before the present one that nothing is compared with it.
fn former_digest(recovered: &Recovered) -> Option<String> {
    let frame = recovered.digest_former.filter(|frame| *frame == recovered.frame)?;
    Some(format!(
        "the digest of frame {frame} was stored by an earlier version, which hashed rows in another way: it is \
         compared with nothing"
    ))
}

/// What the types are, and what the world holds of them, where it has a frame.
fn describe(types: &[TypeEntry], image: Option<&Image>, report: &mut Report) {
    let none = |entry: &TypeEntry| TypeReport {
        name: entry.name.clone(),
        version: entry.version,
        rows: 0,
        bytes: 0,
        sum: 0,
    };
    report.types = types.iter().filter(|entry| !entry.is_dropped()).map(none).collect();
    let Some(image) = image else { return };
    for (report, made) in report.types.iter_mut().zip(image.components()) {
        (report.rows, report.bytes, report.sum) = (made.rows, made.bytes, made.sum);
    }
    report.frame = Some(image.frame());
    report.entities = image.entities();
    report.frame_notes =
        image.notes().iter().map(|(name, bytes)| (name.clone(), bytes.len() as u64)).collect();
    report.digest = Some(image.digest().0);
    report.problems.extend(image.problems());
}

/// Whether another process holds the world's lock.
pub(crate) fn is_running(dir: &Path) -> Result<bool, StoreError> {
    let path = dir.join(LOCK_FILE);
    match File::open(&path) {
        Ok(file) => Ok(matches!(file.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(StoreError::io("opening", &path, &error)),
    }
}

/// Disk space of the directory itself, also where it is given by a symbolic link.
fn store_bytes(dir: &Path) -> u64 {
    disk_bytes(&dir.canonicalize().unwrap_or_else(|_| dir.to_owned()))
}

fn disk_bytes(path: &Path) -> u64 {
    let Ok(metadata) = std::fs::symlink_metadata(path) else { return 0 };
    if !metadata.is_dir() {
        return allocated(&metadata);
    }
    let Ok(entries) = std::fs::read_dir(path) else { return 0 };
    entries.flatten().map(|entry| disk_bytes(&entry.path())).sum()
}

#[cfg(unix)]
fn allocated(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(metadata) * 512
}

#[cfg(not(unix))]
fn allocated(metadata: &std::fs::Metadata) -> u64 {
    metadata.len()
}
