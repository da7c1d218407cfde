//! A directory made from an image: what a snapshot holds becomes a world that can be opened.
//!
//! Invariant: the directory appears by one rename, whole and synced, or not at all (see `partial`); an existing one that
//! is not empty is never touched. Its chain of records goes on where the image's ends, so that whoever has a snapshot
//! of the original can follow the import too. Left out: where the image comes from (see `snapshot`), and the log of
//! inputs, which begins anew.

use std::path::Path;

use xxhash_rust::xxh3::Xxh3Default;

use crate::sabotage::{self, Bug};

use super::codec::encode_facts;
use super::delta::{DeltaWriter, Link, seal};
use super::directory::DATABASE;
use super::disk::Disk;
use super::journal::{self, Place, Tail};
use super::partial::Partial;
use super::recovery::{encode_current, encode_end, encode_head};
use super::snapshot::{base_of, copy_of_image, each_page};
use super::watermark::{Watermark, WatermarkFile};
use super::{Base, Image, StoreError, catalog, keys};

/// Makes a world in `dir`, which must not exist or be empty. `progress` is told the rows written.
///
/// # Errors
/// The directory holds something, or cannot be written; nothing is left behind then.
pub fn import(dir: &Path, image: &Image, mut progress: impl FnMut(u64)) -> Result<(), StoreError> {
    check_empty(dir)?;
    let partial = Partial::beside(dir, None)?;
    write_world(&partial.path, image, &mut progress)?;
    partial.finish(dir)
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

fn write_world(dir: &Path, image: &Image, progress: &mut dyn FnMut(u64)) -> Result<(), StoreError> {
    let database = dir.join(DATABASE);
    let (frame, head) = (image.frame, image.frame + 1);
    let (mut base, copy) = (base_of(image), copy_of_image(image));
    let link = image.link.unwrap_or_else(|| begun(&base, &copy, image));
    if sabotage::is(Bug::ImportWithoutSerial) {
        base.serials.pop_last();
    }
    let mut disk = Disk::open(&database)?;
    let epoch = disk.next_epoch(0)?;
    // In the order of keys, which tables of an epoch rely on.
    disk.write(&[
        (&disk.world, keys::CATALOG.as_bytes(), &catalog::encode(&image.types)),
        (&disk.world, keys::FACTS.as_bytes(), &encode_facts(&image.facts)),
        (&disk.world, keys::CURRENT.as_bytes(), &encode_current(epoch)),
        (&disk.world, keys::HEAD.as_bytes(), &encode_head(head, link, Link::NONE)),
        (disk.writing(), &keys::key(frame, keys::BASE, 0), &base.encode(link)),
        (disk.writing(), &keys::key(frame, keys::COPY, 0), &copy),
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

/// Where a history begins that is not known before this frame: at all that the frame holds, so that no two worlds with
/// other contents have one beginning.
fn begun(base: &Base, copy: &[u8], image: &Image) -> Link {
    let mut hash = Xxh3Default::new();
    hash.update(&base.encode(Link::NONE));
    hash.update(copy);
    hash.update(&image.digest().0.to_le_bytes());
    Link { frame: base.frame, checksum: hash.digest() }
}
