//! A world's directory as a crash, a loss of power or a bad disk leaves it.
//!
//! Invariant: what was synced, by the word of the watermark, is touched by [`flip`] and [`cut`] alone; what
//! [`lose_unsynced`] and [`tear_watermark`] do, a disk may do. The world must not be open, but for [`copy`].

use crate::store::DATABASE;
use crate::store::disk::Disk;
use crate::store::journal::end_of_numbers_to;
use crate::store::tables::{CURRENT, TABLES};
use crate::store::watermark::{SLOT_BYTES, WATERMARK_FILE, Watermark};
use std::fs;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Room behind what a file says it holds on the disk, in bytes.
const SLACK_BYTES: u64 = 64 << 10;

/// Copies of a directory whose files change meanwhile.
const COPIES_MAX: u32 = 100;
const COPY_PAUSE: Duration = Duration::from_millis(1);

/// How far a directory was synced, by its watermark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Synced {
    /// The last frame that was synced; `None` where no frame was.
    pub frame: Option<u64>,
    /// The number of the journal file.
    pub journal: u64,
    /// Bytes of it.
    pub offset: u64,
}

/// What becomes of bytes that were written after the last sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// All but so many of the first of them are zeros, as in a file made of zeros.
    After(u64),
    /// The file ends after so many of them.
    CutAfter(u64),
    /// Every block of 512 bytes whose bit is 0 is zeros; the bits are used again and again.
    Sectors(u64),
}

/// A file of a directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct File {
    /// Its path from the directory.
    pub path: PathBuf,
    /// Bytes that are not known to be a hole at its end.
    pub used: u64,
    /// Bytes it says it has.
    pub length: u64,
}

/// The files of a directory, by path; without those that vanish while it is looked at.
///
/// # Errors
/// Of the file system.
pub fn files(dir: &Path) -> io::Result<Vec<File>> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        let entries = match fs::read_dir(dir.join(&below)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && !below.as_os_str().is_empty() => {
                continue;
            }
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let path = below.join(entry.file_name());
            let data = match entry.metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                data => data?,
            };
            if data.is_dir() {
                open.push(path);
            } else {
                found.push(File { path, used: used(&data).min(data.len()), length: data.len() });
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Journals are 64 MiB of zeros when they are made, which take no room before they are written, from the front.
#[cfg(unix)]
fn used(data: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(data) * 512
}

#[cfg(not(unix))]
fn used(data: &fs::Metadata) -> u64 {
    data.len()
}

/// Copies a directory as it is: of a world that is open, only while its writer halts (see
/// [`Halt`](crate::store::Halt)). Holes at the ends of files stay holes, and files keep the times of their changes.
///
/// The database may tidy up behind a writer that halts; a copy during which files came, went or changed is made anew.
///
/// # Errors
/// Of the file system; files that change in each of `COPIES_MAX` (100) copies.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for _ in 0..COPIES_MAX {
        let before = stamps(from);
        let copied = copy_once(from, to);
        if before.is_ok() && stamps(from).ok() == before.ok() {
            return copied;
        }
        fs::remove_dir_all(to)?;
        std::thread::sleep(COPY_PAUSE);
    }
    Err(io::Error::other(format!("{} does not come to rest", from.display())))
}

/// The files with the times of their last changes.
fn stamps(dir: &Path) -> io::Result<Vec<(File, std::time::SystemTime)>> {
    files(dir)?
        .into_iter()
        .map(|file| Ok((file.clone(), fs::metadata(dir.join(&file.path))?.modified()?)))
        .collect()
}

fn copy_once(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    // Folders without a file too.
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        for entry in fs::read_dir(from.join(&below))? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                let path = below.join(entry.file_name());
                fs::create_dir_all(to.join(&path))?;
                open.push(path);
            }
        }
    }
    for file in files(from)? {
        let mut source = fs::File::open(from.join(&file.path))?.take(file.used + SLACK_BYTES);
        let mut target = fs::File::create(to.join(&file.path))?;
        io::copy(&mut source, &mut target)?;
        target.set_len(file.length)?;
        target.set_modified(fs::metadata(from.join(&file.path))?.modified()?)?;
    }
    Ok(())
}

/// How far a world was synced.
///
/// # Errors
/// A directory without a readable watermark.
pub fn synced(dir: &Path) -> io::Result<Synced> {
    let mark = Watermark::read(dir).map_err(io::Error::other)?;
    Ok(Synced { frame: mark.head.checked_sub(1), journal: mark.place.file, offset: mark.place.offset })
}

/// Takes from a world what a loss of power may take: bytes of its last journal that were not synced. Synced is what the
/// watermark says, and what tables hold: the database syncs its journal before it writes one, so every batch up to the
/// newest one of a table stays. Answers how many bytes are lost that said something; nothing may be there to lose.
///
/// # Errors
/// Of the file system; a directory without a readable watermark, or whose tables cannot be read.
pub fn lose_unsynced(dir: &Path, loss: Loss) -> io::Result<u64> {
    let kept = synced(dir)?;
    let number = |file: &File| -> Option<u64> {
        let name = file.path.strip_prefix(DATABASE).ok()?;
        (name.extension()? == "jnl").then(|| name.file_stem()?.to_str()?.parse().ok())?
    };
    let journals = files(dir)?.into_iter().filter_map(|file| Some((number(&file)?, file)));
    let Some((last, file)) = journals.max_by_key(|(number, _)| *number) else { return Ok(0) };
    let path = dir.join(&file.path);
    let mut journal = fs::OpenOptions::new().read(true).write(true).open(&path)?;
    // An earlier journal was synced whole before this one was made.
    let start = if last == kept.journal { kept.offset } else { 0 };
    let start = match newest_in_tables(dir)? {
        Some(newest) => start.max(end_of_numbers_to(&journal, newest)?),
        None => start,
    };
    let mut tail = Vec::new();
    journal.seek(SeekFrom::Start(start))?;
    (&journal).take((file.used + SLACK_BYTES).saturating_sub(start)).read_to_end(&mut tail)?;
    let says = |bytes: &[u8]| bytes.iter().filter(|byte| **byte != 0).count() as u64;
    let before = says(&tail);
    match loss {
        Loss::CutAfter(bytes) => {
            journal.set_len((start + bytes).min(file.length))?;
            return Ok(before - says(&tail[..tail.len().min(bytes as usize)]));
        }
        Loss::After(bytes) => tail.iter_mut().skip(bytes as usize).for_each(|byte| *byte = 0),
        Loss::Sectors(bits) => {
            for (n, byte) in tail.iter_mut().enumerate() {
                let sector = (start + n as u64) / 512;
                if bits >> (sector % 64) & 1 == 0 {
                    *byte = 0;
                }
            }
        }
    }
    journal.seek(SeekFrom::Start(start))?;
    journal.write_all(&tail)?;
    Ok(before - says(&tail))
}

/// The number of the newest batch that a table holds. Found in a copy without journals, beside the world, so that what is
/// only in those does not count.
fn newest_in_tables(dir: &Path) -> io::Result<Option<u64>> {
    let bare = dir.with_extension("tables-only");
    let database = bare.join(DATABASE);
    for file in files(dir)? {
        if file.path.starts_with(DATABASE) && file.path.extension().is_none_or(|ending| ending != "jnl") {
            let target = bare.join(&file.path);
            let folder = target.parent().unwrap_or(&bare);
            fs::create_dir_all(folder)?;
            if file.path.ends_with(CURRENT) {
                // The database wants the folder of tables also where a keyspace has none.
                fs::create_dir_all(folder.join(TABLES))?;
            }
            fs::copy(dir.join(&file.path), target)?;
        }
    }
    let newest = Disk::newest_in_tables(&database);
    fs::remove_dir_all(&bare)?;
    newest.map_err(io::Error::other)
}

/// Tears the newest slot of the watermark, as a crash in the middle of its writing may leave it. The older one
/// counts then; of a world that was synced but once there is none, and nothing is done.
///
/// # Errors
/// Of the file system; a directory without a readable watermark.
pub fn tear_watermark(dir: &Path) -> io::Result<()> {
    let mark = Watermark::read(dir).map_err(io::Error::other)?;
    if mark.sequence < 2 {
        return Ok(());
    }
    let slot = (mark.sequence % 2) * SLOT_BYTES as u64;
    let mut file = fs::OpenOptions::new().write(true).open(dir.join(WATERMARK_FILE))?;
    file.seek(SeekFrom::Start(slot + 20))?;
    file.write_all(&[0; 20])
}

/// Flips bits of one byte of a file.
///
/// # Errors
/// Of the file system; no such byte.
pub fn flip(path: &Path, offset: u64, bits: u8) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().read(true).write(true).open(path)?;
    let mut byte = [0];
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(&mut byte)?;
    file.seek(SeekFrom::Start(offset))?;
    file.write_all(&[byte[0] ^ bits])
}

/// Ends a file after so many bytes.
///
/// # Errors
/// Of the file system.
pub fn cut(path: &Path, length: u64) -> io::Result<()> {
    fs::OpenOptions::new().write(true).open(path)?.set_len(length)
}
