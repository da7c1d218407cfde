//! The log of inputs: what came into each frame, in segments of their own beside the checkpoints.
//!
//! Invariant: an entry is written in one batch with the record of its frame, or with the head, so there is never one
//! without the other; each names the one before it. A segment goes whole, and only when the current checkpoint
//! does not need it.
//! Left out: what a replay does with it (the engine's `replay`).

mod check;
mod entry;
mod reader;
mod records;
mod start;

pub(crate) use check::check;
pub use entry::{Entry, Taken};
pub use reader::LogReader;
pub(crate) use records::Records;
pub(crate) use start::LogStart;

use std::collections::{BTreeSet, VecDeque};

use fjall::Keyspace;

use super::StoreError;
use super::delta::Link;
use super::disk::Disk;
use super::recovery::{Position, Tail, WorldValues};
use crate::durability::InputLog;

/// A segment of so many bytes is followed by the next one at the end of a checkpoint.
pub const LOG_SEGMENT_BYTES: u64 = 16 << 20;
/// The record of frame 0 stands at the log's beginning, as what a replay begins with, unless it is larger.
pub const LOG_ORIGIN_BYTES_MAX: u64 = 256 << 20;

/// The log as the writer keeps it.
pub(crate) struct Log {
    kept: InputLog,
    /// The entry that the next one follows.
    pub(crate) link: Link,
    /// Bytes of each segment, oldest first: of those that an earlier process wrote what their tables take.
    sizes: VecDeque<u64>,
    /// What this opening makes of it, until that is done.
    change: Option<Change>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Begin,
    End,
}

impl Log {
    /// Goes on with the log of an open database. One that is to begin, or to end, does so with [`change`](Self::change).
    pub(crate) fn of(disk: &Disk, kept: InputLog, position: &Position) -> Result<Self, StoreError> {
        let wanted = kept != InputLog::NONE;
        let change = match (wanted, disk.logs.is_empty()) {
            (true, true) => Some(Change::Begin),
            (false, false) if !position.by_inputs => Some(Change::End),
            _ => None,
        };
        if change.is_some() {
            return Ok(Self { kept, link: Link::NONE, sizes: VecDeque::new(), change });
        }
        let link = last_entry(disk)?.map_or(Link::NONE, |(_, link)| link);
        // Of what this process writes nobody knows how much is in tables yet.
        let sizes = disk.logs.iter().map(|(_, segment)| segment.disk_space()).collect();
        Ok(Self { kept, link, sizes, change })
    }

    /// Where the log begins by this opening, whose last frame is the one before `head`; `None` where it just goes on.
    pub(crate) fn begins(&self, disk: &Disk, head: u64) -> Option<LogStart> {
        Some(match self.change? {
            Change::Begin => LogStart { segment: disk.next_log_number(), from: head },
            Change::End => LogStart::none(disk),
        })
    }

    /// Begins or ends the log as the disk says that it is: told before it is there, of a crash in between another opening
    /// tells it again.
    pub(crate) fn change(&mut self, disk: &mut Disk) -> Result<(), StoreError> {
        match self.change.take() {
            Some(Change::Begin) => {
                disk.next_log()?;
                self.sizes.push_back(0);
            }
            Some(Change::End) => disk.retire_older_logs(),
            None => {}
        }
        Ok(())
    }

    /// Bytes of the newest segment.
    pub(crate) fn bytes(&self) -> u64 {
        self.sizes.back().copied().unwrap_or(0)
    }

    /// Encodes the next entry and moves the chain on.
    pub(crate) fn next(&mut self, entry: &Entry) -> Vec<u8> {
        let (bytes, link) = entry.encode(self.link);
        self.link = link;
        if let Some(size) = self.sizes.back_mut() {
            *size += bytes.len() as u64;
        }
        bytes
    }

    /// Before the switch to a checkpoint: where the log begins from then on, if it is another place. What came in before
    /// stored types change is of no use to a program that knows the new ones; and nobody keeps a log that is not wanted
    /// any more, now that no frame has to be made again by it.
    pub(crate) fn restart(
        &mut self,
        disk: &mut Disk,
        upgraded: bool,
        head: u64,
    ) -> Result<Option<LogStart>, StoreError> {
        let unwanted = self.kept == InputLog::NONE;
        if disk.logs.is_empty() || !(upgraded || unwanted) {
            return Ok(None);
        }
        self.sizes.clear();
        let start = LogStart { segment: disk.next_log_number(), from: head };
        if unwanted {
            return Ok(Some(LogStart::none(disk)));
        }
        disk.next_log()?;
        self.sizes.push_back(0);
        Ok(Some(start))
    }

    /// At the end of a checkpoint: begins a new segment where it is time, and retires old ones unless they are to be
    /// `spared`. Frames from `needed` on are those that the current checkpoint does not hold.
    pub(crate) fn tend(
        &mut self,
        disk: &mut Disk,
        needed: u64,
        head: u64,
        spared: bool,
    ) -> Result<(), StoreError> {
        disk.flush_log()?;
        if self.bytes() >= LOG_SEGMENT_BYTES.min(self.kept.bytes / 4) && self.bytes() > 0 {
            disk.next_log()?;
            self.sizes.push_back(0);
        }
        let oldest = head.saturating_sub(self.kept.frames).min(needed);
        while let Some(next) = disk.logs.get(1).filter(|_| !spared) {
            // What the next segment begins with is after everything in this one.
            let Some(first) = first_frame(&next.1)? else { break };
            let total: u64 = self.sizes.iter().sum();
            if first > needed || (first > oldest && total <= self.kept.bytes) {
                break;
            }
            disk.retire_first_log();
            self.sizes.pop_front();
        }
        Ok(())
    }
}

/// What one program has and another has not, both ways; `None` where they are the same. A program of an earlier build
/// said nothing of settings: of that nothing is compared.
pub(crate) fn difference(stored: &str, given: &str) -> Option<(String, String)> {
    let (stored, mut given): (BTreeSet<&str>, BTreeSet<&str>) =
        (stored.lines().collect(), given.lines().collect());
    let is_setting = |line: &&str| line.starts_with("setting");
    if !stored.iter().any(is_setting) {
        given.retain(|line| !is_setting(line));
    }
    let list = |lines: Vec<&&str>| match lines.as_slice() {
        [] => "nothing".to_owned(),
        lines => lines.iter().map(|line| **line).collect::<Vec<_>>().join(", "),
    };
    let missing = |one: &BTreeSet<&str>, other: &BTreeSet<&str>| list(one.difference(other).collect());
    (stored != given).then(|| (missing(&stored, &given), missing(&given, &stored)))
}

/// The names of the types that a program has.
pub(crate) fn types_of(program: &str) -> BTreeSet<String> {
    let types = program.lines().filter_map(|line| line.strip_prefix("type ")?.rsplit_once(' '));
    types.map(|(name, _version)| name.to_owned()).collect()
}

/// The first frame that a segment holds.
pub(crate) fn first_frame(segment: &Keyspace) -> Result<Option<u64>, StoreError> {
    let Some(guard) = segment.range(super::keys::FIRST..).next() else { return Ok(None) };
    let key = guard.key().map_err(|error| StoreError::engine("reading the log of inputs", &error))?;
    Ok(super::keys::parse(&key).map(|(frame, _)| frame))
}

/// The last entry of the log and its link.
pub(crate) fn last_entry(disk: &Disk) -> Result<Option<(Entry, Link)>, StoreError> {
    for (number, segment) in disk.logs.iter().rev() {
        for guard in segment.range(super::keys::FIRST..).rev() {
            let (key, value) = guard
                .into_inner()
                .map_err(|error| StoreError::engine("reading the log of inputs", &error))?;
            match super::keys::parse(&key) {
                Some((_, super::keys::ENTRY)) => {
                    let (entry, _, link) = Entry::decode(&value).map_err(|error| {
                        StoreError::damaged(format!("the last entry of log-{number}"), error.to_string())
                    })?;
                    return Ok(Some((entry, link)));
                }
                Some((_, super::keys::RECORD)) => {}
                _ => {
                    return Err(StoreError::damaged(format!("log-{number}"), "a key is malformed"));
                }
            }
        }
    }
    Ok(None)
}

/// What came in after the checkpoint of a world that is known by its inputs.
pub(crate) fn tail(disk: &Disk, values: &WorldValues, position: &Position) -> Result<Tail, StoreError> {
    let mut entries = Vec::new();
    let mut link = None;
    let from = super::keys::key(position.checkpoint + 1, 0, 0);
    for (number, segment) in &disk.logs {
        let place = |what: String| format!("log-{number}, {what}");
        for guard in segment.range(from..) {
            let (key, value) = guard
                .into_inner()
                .map_err(|error| StoreError::engine("reading the log of inputs", &error))?;
            let frame = super::keys::parse(&key).map_or(0, |(frame, _)| frame);
            let what = format!("the entry of frame {frame}");
            let (entry, previous, own) = Entry::decode(&value)
                .map_err(|error| StoreError::damaged(place(what.clone()), error.to_string()))?;
            // The first one follows an entry that the checkpoint holds, or none.
            let follows = match link {
                Some(link) => link == previous,
                None => previous == Link::NONE || previous.frame <= position.checkpoint,
            };
            if !follows {
                let reason = format!("it follows frame {}, whose entry is not before it", previous.frame);
                return Err(StoreError::damaged(place(what), reason));
            }
            link = Some(own);
            entries.push(entry);
        }
    }
    let found = last_entry(disk)?.map_or(Link::NONE, |(_, link)| link);
    // A log that was begun anew at the checkpoint lacks what came before.
    let wanted = values.head.2;
    if wanted != Link::NONE && wanted.frame > position.checkpoint && wanted != found {
        let reason =
            format!("the last entry of the log should be of frame {}, others are there", values.head.2.frame);
        return Err(StoreError::damaged("the value \"head\"", reason));
    }
    Ok(Tail { entries, last: position.head - 1 })
}

#[cfg(test)]
mod tests;
