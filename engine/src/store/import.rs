//! A directory made from an image: what a snapshot holds becomes a world that can be opened.
//!
//! Invariant: the directory appears by one rename, whole and synced, or not at all; an existing one that is not empty
//! is never touched. Left out: where the image comes from (see `snapshot`), and the log of inputs, which begins anew.

use std::path::{Path, PathBuf};

use crate::sabotage::{self, Bug};

use super::codec::encode_facts;
use super::delta::{DeltaWriter, Link, seal};
use super::directory::{DATABASE, FORMAT_FILE, FORMAT_LINE, sync_directory, write_file};
use super::disk::Disk;
use super::journal::{self, Place, Tail};
use super::recovery::{encode_current, encode_end, encode_head};
use super::snapshot::{base_of, copy_of_image, each_page};
use super::watermark::{Watermark, WatermarkFile};
use super::{Image, StoreError, catalog, keys};

/// Makes a world in `dir`, which must not exist or be empty. `progress` is told the rows written.
///
/// # Errors
/// The directory holds something, or cannot be written; nothing is left behind then.
pub fn import(dir: &Path, image: &Image, mut progress: impl FnMut(u64)) -> Result<(), StoreError> {
    check_empty(dir)?;
    let unfinished = Unfinished::beside(dir)?;
    write_world(&unfinished.path, image, &mut progress)?;
    sync_directory(&unfinished.path)?;
    if dir.exists() {
        std::fs::remove_dir(dir).map_err(|error| StoreError::io("replacing", dir, &error))?;
    }
    std::fs::rename(&unfinished.path, dir).map_err(|error| StoreError::io("renaming", dir, &error))?;
    match dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => sync_directory(parent),
        None => sync_directory(Path::new(".")),
    }
}

/// Refuses a directory that holds anything.
///
/// # Errors
/// It does, or is no directory.
pub fn check_empty(dir: &Path) -> Result<(), StoreError> {
    let refuse = |reason: &str| StoreError::refused(format!("importing into {}", dir.display()), reason);
    match std::fs::read_dir(dir) {
        Ok(mut entries) => match entries.next() {
            Some(_) => Err(refuse("the directory is not empty; name one that does not exist")),
            None => Ok(()),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) if dir.exists() => Err(refuse(&format!("it is no directory that can be read: {error}"))),
        Err(error) => Err(StoreError::io("reading", dir, &error)),
    }
}

/// A directory that vanishes unless it is renamed.
struct Unfinished {
    path: PathBuf,
}

impl Unfinished {
    fn beside(dir: &Path) -> Result<Self, StoreError> {
        let mut name = dir.file_name().unwrap_or_default().to_owned();
        name.push(format!(".import-{}", std::process::id()));
        let path = dir.with_file_name(name);
        std::fs::create_dir(&path).map_err(|error| StoreError::io("creating", &path, &error))?;
        Ok(Self { path })
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Renamed, it is not there any more.
        if let Err(error) = std::fs::remove_dir_all(&self.path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.path.display(), %error, "an unfinished import could not be removed");
        }
    }
}

fn write_world(dir: &Path, image: &Image, progress: &mut dyn FnMut(u64)) -> Result<(), StoreError> {
    write_file(&dir.join(FORMAT_FILE), FORMAT_LINE.as_bytes())?;
    let database = dir.join(DATABASE);
    let (frame, head) = (image.frame, image.frame + 1);
    let link = image.link.unwrap_or(Link::NONE);
    let mut base = base_of(image);
    if sabotage::is(Bug::ImportWithoutSerial) {
        base.serials.pop_last();
    }
    let mut disk = Disk::open(&database)?;
    let epoch = disk.next_epoch(0)?;
    disk.write(&[
        (&disk.world, keys::CATALOG.as_bytes(), &catalog::encode(&image.types)),
        (&disk.world, keys::FACTS.as_bytes(), &encode_facts(&image.facts)),
        (&disk.world, keys::CURRENT.as_bytes(), &encode_current(epoch)),
        (&disk.world, keys::HEAD.as_bytes(), &encode_head(head, link, Link::NONE)),
        (disk.writing(), &keys::key(frame, keys::BASE, 0), &base.encode(link)),
        (disk.writing(), &keys::key(frame, keys::COPY, 0), &copy_of_image(image)),
    ])?;
    let (mut pages, mut last, mut rows) = (0, Link::NONE, 0);
    each_page(image, &mut DeltaWriter::default(), |mut page, count| {
        last = seal(&mut page, last);
        disk.write(&[(disk.writing(), &keys::key(frame, keys::PAGE, pages), &page)])?;
        (pages, rows) = (pages + 1, rows + count);
        progress(rows);
        Ok(page)
    })?;
    disk.write(&[(disk.writing(), &keys::key(frame, keys::END, 0), &encode_end(pages, last))])?;
    disk.sync()?;
    drop(disk);
    Watermark::create(dir)?;
    // What was written is promised, as after any sync.
    let checked = journal::check(&database, Place::default())?;
    let place = Tail::new(&database, checked.end)?.advance()?;
    WatermarkFile::open(dir, Watermark::read(dir)?)?.write(head, link, place)
}
