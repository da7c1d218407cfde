//! Looking back: the world at any frame that is kept, of a running world or of a directory.
//!
//! Invariant: it only reads. Of a running world the writer thread hands out what it has, and the caller's thread
//! replays it, so frames go on meanwhile. Left out: how long frames are kept (see `history`).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use super::backup::{Backup, backup};
use super::history::Look;
use super::inspect::{COPY_TRIES_MAX, Copy, check_is_world, is_running, open_copy};
use super::queue::{Queue, STALL_SECONDS_MAX};
use super::{Image, Store, StoreError};

/// Callers that may look back at a running world at a time: each may hold a whole world in memory.
pub const LOOKS_MAX: u32 = 16;

/// Gives the world at any frame that is kept. A handle: cheap to clone, for any thread.
#[derive(Clone, Debug)]
pub struct Past {
    source: Source,
    dir: PathBuf,
    facts: Arc<BTreeMap<String, String>>,
}

#[derive(Clone, Debug)]
enum Source {
    /// A world that this process runs.
    Running(Arc<Queue>),
    /// A copy of a directory.
    Copied(Arc<Copied>),
}

/// An opened copy of a world's directory; the database closes before the copy is removed.
struct Copied {
    look: Look,
    _disk: super::disk::Disk,
    _copy: Copy,
}

impl core::fmt::Debug for Copied {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Copied").field("retained", &self.look.retained()).finish_non_exhaustive()
    }
}

impl Store {
    /// A handle that gives the world at any frame that is kept, for any thread.
    #[must_use]
    pub fn past(&self) -> Past {
        self.past.clone()
    }
}

impl Past {
    pub(crate) fn running(queue: Arc<Queue>, facts: Arc<BTreeMap<String, String>>, dir: &Path) -> Self {
        Self { source: Source::Running(queue), dir: dir.to_owned(), facts }
    }

    /// The past of the world in `dir`, which may be running, by way of a copy in `scratch` (default: the system's
    /// temporary directory), which stays until the last clone of this is dropped.
    ///
    /// # Errors
    /// The directory is no world, cannot be copied, or is damaged.
    pub fn of(dir: &Path, scratch: Option<&Path>) -> Result<Self, StoreError> {
        check_is_world(dir)?;
        let running = is_running(dir)?;
        let mut tries = 1;
        loop {
            let copy = Copy::of(dir, scratch)?;
            let name = copy.path.display().to_string();
            match open_copy(&copy.path) {
                Ok(opened) => {
                    let facts = Arc::new(opened.facts);
                    let copied = Copied { look: opened.look, _disk: opened.disk, _copy: copy };
                    let source = Source::Copied(Arc::new(copied));
                    return Ok(Self { source, dir: dir.to_owned(), facts });
                }
                // Only of a running world can a bad copy be the copy's own fault.
                Err(_) if running && tries < COPY_TRIES_MAX => tries += 1,
                Err(error) => return Err(error.renamed(&name, &dir.display().to_string())),
            }
        }
    }

    /// The frames that can be looked at; `None` in a world without frames. Those of a running world move on.
    #[must_use]
    pub fn retained(&self) -> Option<RangeInclusive<u64>> {
        match &self.source {
            Source::Running(queue) => queue.retained(),
            Source::Copied(copied) => copied.look.retained(),
        }
    }

    /// The frames behind the last one that can be looked at: those of a directory of which only what came into them is
    /// stored. They are made again when the world is opened. `None` where there are none, and of a running world.
    #[must_use]
    pub fn made_again(&self) -> Option<RangeInclusive<u64>> {
        match &self.source {
            Source::Running(_) => None,
            Source::Copied(copied) => {
                let behind = copied.look.retained()?.end() + 1..=copied.look.head.checked_sub(1)?;
                (!behind.is_empty()).then_some(behind)
            }
        }
    }

    /// Copies the world into `target` while it runs; see [`backup`]. Holds at least what had been written to the
    /// directory when it began.
    ///
    /// # Errors
    /// As [`backup`].
    pub fn backup(&self, target: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Backup, StoreError> {
        backup(&self.dir, target, progress)
    }

    /// The world as it was after `frame`: reads the checkpoint before it and the records between. Costs the memory
    /// of a whole world, and the time of a recovery.
    ///
    /// # Errors
    /// The frame is not kept (the error says which are), stored bytes are damaged, more than [`LOOKS_MAX`] callers
    /// look at a time, or the writer has failed.
    pub fn at(&self, frame: u64) -> Result<Image, StoreError> {
        match &self.source {
            Source::Running(queue) => {
                let _turn = queue.begin_look()?;
                let (answer, answered) = sync_channel(1);
                queue.look(answer)?;
                let look = answered.recv_timeout(Duration::from_secs(STALL_SECONDS_MAX));
                let look = look.map_err(|error| match (error, queue.error()) {
                    (_, Some(error)) => error,
                    (RecvTimeoutError::Disconnected, None) => StoreError::Stopped {
                        last_frame: queue.durable().checked_sub(1),
                        message: "the world was closed meanwhile".to_owned(),
                    },
                    (RecvTimeoutError::Timeout, None) => {
                        StoreError::Stalled { seconds: STALL_SECONDS_MAX, waiting: "a look back" }
                    }
                })?;
                look.at(frame, &self.facts)
            }
            Source::Copied(copied) => copied.look.at(frame, &self.facts),
        }
    }
}

/// The world in `dir` as it was after `frame`, by way of a copy in the temporary directory; see [`Past`], which
/// makes several frames of one copy.
///
/// # Errors
/// As [`Past::of`] and [`Past::at`].
pub fn at(dir: &Path, frame: u64) -> Result<Image, StoreError> {
    Past::of(dir, None)?.at(frame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Base, StoreOptions};

    /// Claim: a store that is dropped while another thread looks back is closed when that has ended: the directory can be
    /// opened again at once.
    #[test]
    fn a_look_that_is_under_way_is_waited_for() -> Result<(), Box<dyn std::error::Error>> {
        let dir = tempfile::tempdir()?;
        let open = || Store::open(dir.path(), &[], &BTreeMap::new(), &StoreOptions::default());
        let (mut store, _) = open()?;
        store.empty_to(3);
        let base = Base {
            frame: 3,
            dt: 0.5,
            tables: Vec::new(),
            serials: BTreeMap::new(),
            digest: None,
            by_inputs: false,
        };
        store.begin_checkpoint(base)?;
        store.end_checkpoint()?;
        store.flush()?;
        let past = store.past();
        let Source::Running(queue) = &past.source else { return Err("it runs".into()) };
        let (answer, answered) = sync_channel(1);
        queue.look(answer)?;
        let look = answered.recv_timeout(Duration::from_secs(60))?;
        let looking = std::thread::spawn(move || {
            // Longer than the database tries to get its lock.
            std::thread::sleep(Duration::from_millis(700));
            look.retained()
        });
        drop(store);
        assert!(open()?.1.is_some_and(|recovered| recovered.frame == 3));
        assert_eq!(looking.join().map_err(|_| "it panicked")?, Some(3..=3));
        Ok(())
    }
}
