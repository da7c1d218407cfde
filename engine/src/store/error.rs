//! Every way in which a store can refuse or fail, as sentences that name the file, key, type or offset.
//!
//! Left out: misuse by the engine (those are assertions).

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// Why the store refused or stopped.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refused. Nothing after the last acknowledged frame is promised.
    #[error("{action} {} failed: {message}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// The system's words.
        message: String,
    },
    /// The directory is not a Diptych world, or not one this build can read.
    #[error("{} is not a world that this build can open: {reason}", path.display())]
    NotAWorld {
        /// The directory.
        path: PathBuf,
        /// What was found instead.
        reason: String,
    },
    /// Another process runs this world. Stop it, or use `inspect`, which works beside it.
    #[error("the world in {} is in use by another process: stop it first, or inspect it, which works beside it", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
    },
    /// The directory was created with other facts (pattern, rule, seed). Open it with the stored ones.
    #[error("the world was created with other settings: {}", list(mismatches))]
    Facts {
        /// Each differing key.
        mismatches: Vec<FactMismatch>,
    },
    /// A stored type is not registered, or registered with another shape. Register it as stored.
    #[error("the stored type \"{name}\" cannot be opened: {reason}")]
    Type {
        /// Registered name.
        name: String,
        /// What differs and what to do.
        reason: String,
    },
    /// A wait for the disk was asked for under a lease of this thread, for which the commit would wait.
    #[error(
        "this thread holds the lease {holder}, for which the next commit waits; wait for the disk outside it"
    )]
    UnderLease {
        /// The lease's holder.
        holder: String,
    },
    /// Stored bytes are damaged in what had been promised to be on disk. Nothing was changed.
    #[error("the world is damaged in {place}: {reason}")]
    Damaged {
        /// File and offset, or keyspace and key.
        place: String,
        /// What was expected there.
        reason: String,
    },
    /// A record or page does not parse.
    #[error("a record is malformed at byte {offset}: {reason}")]
    Malformed {
        /// Offset within the record, in bytes.
        offset: u64,
        /// What was expected there.
        reason: String,
    },
    /// A write or sync failed earlier; the store accepts nothing more. Reopen the directory.
    #[error("the store stopped after frame {}: {message}", shown(*last_frame))]
    Stopped {
        /// The last acknowledged frame, if any.
        last_frame: Option<u64>,
        /// The first failure.
        message: String,
    },
    /// A record or page is larger than one value of the database may be. Split what one frame changes.
    #[error("the record of frame {frame} has {bytes} bytes, at most {max} can be stored")]
    TooLarge {
        /// Its frame.
        frame: u64,
        /// Its size.
        bytes: u64,
        /// The bound.
        max: u64,
    },
    /// The disk did not take the queued frames within the bound.
    #[error("the store took no frame for {seconds} s: the disk hangs ({waiting})")]
    Stalled {
        /// The bound, in seconds.
        seconds: u64,
        /// What was waited for.
        waiting: &'static str,
    },
    /// fjall refused. The message is its own.
    #[error("the storage engine failed while {action}: {message}")]
    Engine {
        /// What was tried.
        action: &'static str,
        /// fjall's words.
        message: String,
    },
    /// Frames that are known by their inputs alone were made by other code.
    #[error(
        "the frames after the checkpoint of frame {checkpoint} up to frame {last} are known by their inputs alone, and \
         another program made them: it had {stored}, this one has {given} instead; open the world with the program that \
         made it and let it end, which writes its state down, then with this one"
    )]
    Program {
        /// The checkpoint's frame.
        checkpoint: u64,
        /// The last frame.
        last: u64,
        /// What the other program had and this one has not.
        stored: String,
        /// The other way round.
        given: String,
    },
    /// The frame is not kept. Ask for one that is; to keep more, open the world with a longer history.
    #[error("frame {frame} is not kept: {}", shown_kept(kept.as_ref()))]
    NotKept {
        /// The frame that was asked for.
        frame: u64,
        /// The frames that are kept; none in a world without frames.
        kept: Option<RangeInclusive<u64>>,
    },
    /// The frame has no record of its own, because the world is durable by its inputs. Replay it.
    #[error(
        "frame {frame} is known by its inputs alone, after the checkpoint of frame {checkpoint}: a replay makes it again \
         (diptych replay DIR --to {frame})"
    )]
    ByInputs {
        /// The frame that was asked for.
        frame: u64,
        /// The last frame before it that is kept.
        checkpoint: u64,
    },
    /// Too many callers look back at the running world at a time. Try again when one of them is done.
    #[error(
        "{max} callers look back at this world already, each with a whole world in memory; try again later"
    )]
    Looks {
        /// How many may.
        max: u32,
    },
    /// A backup, or another copy, was asked for where something else is. Name a path that does not exist.
    #[error("{} cannot become a copy of a world: {reason}", path.display())]
    Target {
        /// The path.
        path: PathBuf,
        /// What is there, and what to do.
        reason: String,
    },
    /// Bytes from elsewhere (a snapshot, a delta, a patch) are not what they should be. Nothing was changed.
    #[error("{what}: {reason}")]
    Refused {
        /// What was looked at, and where.
        what: String,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// A stored type was registered with a newer version: write a whole checkpoint before other frames.
    #[error("stored types change their version: a complete checkpoint must come before any further frame")]
    UpgradePending,
}

/// One key whose stored value differs from the given one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactMismatch {
    /// For example `life.rule`.
    pub key: String,
    /// What the directory holds; `None` where it has no such key.
    pub stored: Option<String>,
    /// What was given; `None` where nothing was.
    pub given: Option<String>,
}

impl StoreError {
    pub(crate) fn io(action: &'static str, path: &Path, error: &std::io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), message: error.to_string() }
    }

    pub(crate) fn engine(action: &'static str, error: &fjall::Error) -> Self {
        let message = match error {
            fjall::Error::Io(error) => error.to_string(),
            fjall::Error::Poisoned => {
                "an earlier write in the background failed (disk full or broken)".to_owned()
            }
            other => format!("{other:?}"),
        };
        Self::Engine { action, message }
    }

    /// The same with another name in place of `from`, where it names a place.
    pub(crate) fn renamed(self, from: &str, to: &str) -> Self {
        match self {
            Self::Damaged { place, reason } => {
                Self::Damaged { place: place.replace(from, to), reason: reason.replace(from, to) }
            }
            Self::Io { action, path, message } => {
                let path = PathBuf::from(path.to_string_lossy().replace(from, to));
                Self::Io { action, path, message }
            }
            other => other,
        }
    }

    pub(crate) fn refused(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Refused { what: what.into(), reason: reason.into() }
    }

    pub(crate) fn damaged(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Damaged { place: place.into(), reason: reason.into() }
    }
}

fn list(mismatches: &[FactMismatch]) -> String {
    let quoted =
        |value: &Option<String>| value.as_ref().map_or_else(|| "nothing".to_owned(), |v| format!("\"{v}\""));
    let lines: Vec<String> = mismatches
        .iter()
        .map(|m| format!("{} is {} in the store, {} was given", m.key, quoted(&m.stored), quoted(&m.given)))
        .collect();
    lines.join("; ")
}

fn shown_kept(kept: Option<&RangeInclusive<u64>>) -> String {
    kept.map_or_else(
        || "the world has no frame yet".to_owned(),
        |kept| {
            let (first, last) = (kept.start(), kept.end());
            format!(
                "the frames {first} to {last} are; a world keeps more when it is opened with a longer history"
            )
        },
    )
}

fn shown(frame: Option<u64>) -> String {
    frame.map_or_else(|| "none".to_owned(), |frame| frame.to_string())
}
