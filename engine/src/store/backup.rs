//! A backup: a copy of a world at one frame, taken while the world runs.
//!
//! Invariant: the copy is written beside its place, opened, checked and synced there, and renamed at the end (see
//! `partial`), so what is at the target is whole. The world is only read, and never waits. Left out: restoring, which
//! is opening the copy.

use std::ops::RangeInclusive;
use std::path::Path;

use super::directory::DATABASE;
use super::held::Held;
use super::inspect::{OpenedCopy, check_is_world, open_copy};
use super::journal::Tail;
use super::partial::Partial;
use super::watermark::{Watermark, WatermarkFile};
use super::{Image, StoreError};
use crate::frame::Digest;

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
    let partial = Partial::beside(target, Some(dir))?;
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
