//! History: checkpoints older than the current one, kept as long as the user says, and what was then.
//!
//! A checkpoint is copied over many frames while records go on, so it gives frames from its end on; a frame
//! between its base and its end comes from the checkpoint before it and the records after that, which lie in
//! both epochs. Invariant: whatever is kept can be replayed: of the epochs only the oldest go, whole.
//! Left out: when checkpoints are made, and the replay itself (see `recovery`).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use fjall::Keyspace;

use super::codec::{Cursor, Fields};
use super::recovery::{Position, Recovered, WorldValues, recover_at};
use super::{Image, StoreError, TypeEntry, catalog};

/// How much of the past a world keeps. A setting of the opening, not of the world: it may differ each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// So many frames before the last one can be looked at, for certain as far as `bytes` allows. 0 keeps nothing
    /// beyond the last checkpoint. At most [`HISTORY_EPOCHS_MAX`] older checkpoints are kept.
    pub frames: u64,
    /// Bytes of records and pages in epochs before the current one, at most; the oldest go first.
    pub bytes: u64,
}

/// Bytes of older epochs that are kept, unless said otherwise.
pub const HISTORY_BYTES: u64 = 1 << 30;

/// Older checkpoints that are kept, at most: each is a keyspace with files of its own. A world that is known by its inputs
/// makes one every few frames, however small it is.
pub const HISTORY_EPOCHS_MAX: usize = 256;

impl History {
    /// So many frames before the last one, in at most [`HISTORY_BYTES`].
    #[must_use]
    pub fn frames(frames: u64) -> Self {
        Self { frames, bytes: HISTORY_BYTES }
    }
}

impl Default for History {
    fn default() -> Self {
        Self::frames(0)
    }
}

/// A whole checkpoint, from which frames can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) epoch: u64,
    /// The first frame that it gives: that of its end.
    pub(crate) frame: u64,
    /// Bytes of records and pages from its epoch up to the next whole checkpoint's.
    pub(crate) bytes: u64,
    /// Whether the frames after it have no records: it gives its own alone.
    pub(crate) by_inputs: bool,
}

impl Start {
    /// The current checkpoint, as it was recovered.
    pub(crate) fn of(values: &WorldValues, position: &Position) -> Self {
        Self {
            epoch: values.current,
            frame: position.start,
            bytes: position.record_bytes + position.page_bytes,
            by_inputs: position.by_inputs,
        }
    }
}

/// What is kept. Stored with every switch to a new checkpoint.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    /// The oldest first, the current one last. Empty only before a world is opened.
    pub(crate) starts: Vec<Start>,
    /// Catalogs before the current one, each with the first frame that it does not describe, in their order.
    pub(crate) catalogs: Vec<(u64, Vec<TypeEntry>)>,
}

impl Kept {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut fields = Fields::default();
        fields.count(self.starts.len());
        for start in &self.starts {
            fields.u64(start.epoch).u64(start.frame).u64(start.bytes).u8(u8::from(start.by_inputs));
        }
        let oldest = self.starts.first().map_or(0, |start| start.frame);
        let used = || self.catalogs.iter().filter(|(until, _)| *until > oldest);
        fields.count(used().count());
        for (until, types) in used() {
            fields.u64(*until).bytes(&catalog::encode(types));
        }
        fields.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let mut cursor = Cursor::checked(bytes)?;
        let mut kept = Self::default();
        for _ in 0..cursor.u64()? {
            let (epoch, frame, bytes) = (cursor.u64()?, cursor.u64()?, cursor.u64()?);
            kept.starts.push(Start { epoch, frame, bytes, by_inputs: cursor.u8()? == 1 });
        }
        for _ in 0..cursor.u64()? {
            let until = cursor.u64()?;
            let length = cursor.u64()?;
            kept.catalogs.push((until, catalog::decode(cursor.take(length)?)?));
        }
        Ok(kept)
    }

    /// Leaves only what is in the database too: a crash may have cut a deletion short, and an older build keeps
    /// nothing. `current` is the checkpoint that was recovered.
    pub(crate) fn settle(&mut self, epochs: &[(u64, Keyspace)], current: Start) {
        let is_there = |start: &Start| epochs.iter().any(|(number, _)| *number == start.epoch);
        self.starts.retain(|start| start.epoch < current.epoch);
        // Nothing before a gap can be followed to its end.
        let gap = self.starts.iter().rposition(|start| !is_there(start)).map_or(0, |index| index + 1);
        self.starts.drain(..gap);
        self.starts.push(current);
    }

    /// The index of the oldest checkpoint that must stay; `head` is frame + 1 of the last frame.
    pub(crate) fn first_needed(&self, head: u64, history: History) -> usize {
        let wanted = head.saturating_sub(1).saturating_sub(history.frames);
        let mut first = self.starts.iter().rposition(|start| start.frame <= wanted).unwrap_or(0);
        let older = self.starts.split_last().map_or(&[][..], |(_, older)| older);
        first = first.max(older.len().saturating_sub(HISTORY_EPOCHS_MAX));
        let mut bytes = older.iter().skip(first).map(|start| start.bytes).sum::<u64>();
        while bytes > history.bytes {
            bytes -= older[first].bytes;
            first += 1;
        }
        first
    }

    /// Whether time alone has made the oldest checkpoint needless: cheap, asked often.
    pub(crate) fn is_outlived(&self, head: u64, history: History) -> bool {
        let wanted = head.saturating_sub(1).saturating_sub(history.frames);
        self.starts.get(1).is_some_and(|next| next.frame <= wanted)
    }

    /// The checkpoint that gives `frame`.
    fn start_of(&self, frame: u64) -> Option<Start> {
        self.starts.iter().rfind(|start| start.frame <= frame).copied()
    }

    /// The frames that can be made; none in a world without frames. Of one that is known by its inputs only the
    /// checkpoints in it can.
    pub(crate) fn retained(&self, head: u64) -> Option<RangeInclusive<u64>> {
        let (first, current) = (self.starts.first()?, self.starts.last()?);
        let last = head.checked_sub(1)?;
        let last = if current.by_inputs { current.frame.min(last) } else { last };
        Some(first.frame.min(last)..=last)
    }

    /// The first frame from `wanted` on that can be made.
    fn first_from(&self, wanted: u64, head: u64) -> Option<u64> {
        let last = head.checked_sub(1)?;
        let next = self.starts.iter().skip(1).map(|start| start.frame.saturating_sub(1));
        let made = self.starts.iter().zip(next.chain([last])).filter_map(|(start, end)| {
            let frame = start.frame.min(last);
            let end = if start.by_inputs { frame } else { end };
            (wanted <= end).then(|| frame.max(wanted))
        });
        made.min()
    }

    /// The types that a frame was made with; `now` are the current ones.
    pub(crate) fn types_at<'a>(&'a self, frame: u64, now: &'a [TypeEntry]) -> &'a [TypeEntry] {
        self.catalogs.iter().find(|(until, _)| frame < *until).map_or(now, |(_, types)| types)
    }
}

/// All that is needed to make any kept frame, as it was when the writer handed it out. It keeps epochs readable
/// that are deleted meanwhile, and their bytes on the disk.
pub(crate) struct Look {
    pub(crate) epochs: Vec<(u64, Keyspace)>,
    pub(crate) kept: Kept,
    /// The current types.
    pub(crate) types: Vec<TypeEntry>,
    /// Frame + 1 of the last frame.
    pub(crate) head: u64,
    /// As long as it lives, none of these epochs is emptied. Last: it goes when they have gone.
    pub(crate) _lent: Arc<u64>,
}

impl Look {
    /// The frame after which every frame has its record; `None` where the last ones have none.
    pub(crate) fn first_with_records(&self) -> Option<u64> {
        let starts = &self.kept.starts;
        let by_inputs = starts.iter().rposition(|start| start.by_inputs).map_or(0, |index| index + 1);
        starts.get(by_inputs).map(|start| start.frame)
    }

    /// See [`Kept::retained`].
    pub(crate) fn retained(&self) -> Option<RangeInclusive<u64>> {
        self.kept.retained(self.head)
    }

    /// The first frame from `wanted` on that can be made.
    pub(crate) fn first_from(&self, wanted: u64) -> Option<u64> {
        self.kept.first_from(wanted, self.head)
    }

    /// The world as it was after `frame`.
    pub(crate) fn at(&self, frame: u64, facts: &Arc<BTreeMap<String, String>>) -> Result<Image, StoreError> {
        Ok(Image::new(self.recovered(frame)?, BTreeMap::clone(facts)))
    }

    /// The same as what an engine goes on from.
    pub(crate) fn recovered(&self, frame: u64) -> Result<Recovered, StoreError> {
        let kept = self.retained();
        let start = kept.clone().filter(|kept| kept.contains(&frame)).and(self.kept.start_of(frame));
        let Some(start) = start else { return Err(StoreError::NotKept { frame, kept }) };
        if start.by_inputs && frame != start.frame {
            return Err(StoreError::ByInputs { frame, checkpoint: start.frame });
        }
        self.make(start, frame)
    }

    /// What is wrong with older checkpoints and the records after them: each must lead to the next one's world.
    pub(crate) fn problems(&self) -> Vec<String> {
        let make = |start, frame| Ok::<_, StoreError>(Image::new(self.make(start, frame)?, BTreeMap::new()));
        let mut problems = Vec::new();
        for pair in self.kept.starts.windows(2) {
            let (older, newer) = (pair[0], pair[1]);
            // Where types change, the frame is encoded in two ways; the one before it is the older checkpoint's.
            let changes = self.kept.catalogs.iter().any(|(until, _)| *until == newer.frame);
            let frame = match (older.by_inputs, changes) {
                (true, _) => older.frame,
                (_, true) => newer.frame.saturating_sub(1).max(older.frame),
                _ => newer.frame.min(self.head.saturating_sub(1)),
            };
            let made = make(older, frame).and_then(|made| {
                let next = (frame == newer.frame).then(|| make(newer, frame)).transpose()?;
                Ok(next.is_none_or(|next| next.types() != made.types() || next.digest() == made.digest()))
            });
            match made {
                Ok(true) => {}
                Ok(false) => problems.push(format!(
                    "frame {frame} made from the checkpoint of frame {} is not that of the checkpoint of frame {}",
                    older.frame, newer.frame
                )),
                Err(error) => problems.push(error.to_string()),
            }
        }
        problems
    }

    /// Makes `frame` from a checkpoint that is not after it.
    fn make(&self, start: Start, frame: u64) -> Result<Recovered, StoreError> {
        let kept = self.retained();
        let first = self.epochs.iter().position(|(number, _)| *number == start.epoch);
        let first = first.ok_or(StoreError::NotKept { frame, kept })?;
        let types = self.kept.types_at(frame, &self.types);
        recover_at(&self.epochs[first..], types, frame)
    }
}

#[cfg(test)]
mod tests {
    use super::{HISTORY_EPOCHS_MAX, History, Kept, Start};

    fn kept(starts: &[(u64, u64)]) -> Kept {
        let start = |(index, (frame, bytes)): (usize, &(u64, u64))| Start {
            epoch: index as u64 * 2,
            frame: *frame,
            bytes: *bytes,
            by_inputs: false,
        };
        Kept { starts: starts.iter().enumerate().map(start).collect(), catalogs: Vec::new() }
    }

    /// Claim: a checkpoint stays while a wanted frame lies before the next one's end, and the oldest go where
    /// bytes are short; the current one always stays.
    #[test]
    fn what_wanted_frames_need_stays_and_the_oldest_go_first() {
        let kept = kept(&[(0, 10), (20, 10), (40, 10), (60, 10)]);
        let first = |head, frames, bytes| kept.first_needed(head, History { frames, bytes });
        assert_eq!(first(71, 0, 1000), 3, "nothing beyond the last checkpoint");
        assert_eq!(first(71, 10, 1000), 3, "frame 60 is the last one's own");
        assert_eq!(first(71, 11, 1000), 2, "frame 59 is of the one before");
        assert_eq!(first(71, 1000, 1000), 0, "everything");
        assert_eq!(first(71, 1000, 29), 1, "three older ones have 30 bytes");
        assert_eq!(first(71, 1000, 0), 3, "no bytes at all");
        assert_eq!(first(0, 0, 0), 3, "no frame at all");
        assert!(kept.is_outlived(71, History { frames: 50, bytes: 0 }) && kept.start_of(59).is_some());
        assert!(!kept.is_outlived(71, History { frames: 51, bytes: 0 }), "frame 19 needs the first one");
        assert_eq!(kept.start_of(59).map(|start| start.epoch), Some(4));
    }

    /// Claim: however many small checkpoints there are, the newest stay, as many as there may be.
    #[test]
    fn no_more_checkpoints_are_kept_than_may_be() {
        let starts: Vec<(u64, u64)> = (0..1000).map(|number| (number, 1)).collect();
        let kept = kept(&starts);
        let all = History::frames(u64::MAX);
        assert_eq!(kept.first_needed(1000, all), 999 - HISTORY_EPOCHS_MAX);
        assert_eq!(kept.first_needed(1000, History { bytes: 10, ..all }), 989);
        assert_eq!(kept.first_needed(1000, History::frames(5)), 994);
    }

    /// Claim: the first frame from another one on is its own where records go on, and the next checkpoint's where frames
    /// are known by their inputs.
    #[test]
    fn the_next_frame_that_can_be_made_is_a_checkpoints_where_there_are_no_records() {
        let mut kept = kept(&[(0, 10), (20, 10), (40, 10), (60, 10)]);
        kept.starts[1].by_inputs = true;
        kept.starts[3].by_inputs = true;
        let wanted = [0, 19, 20, 21, 40, 59, 60, 61];
        let found = wanted.map(|wanted| kept.first_from(wanted, 71));
        assert_eq!(found, [Some(0), Some(19), Some(20), Some(40), Some(40), Some(59), Some(60), None]);
        assert_eq!(kept.first_from(0, 0), None, "no frame at all");
    }

    /// Claim: what was encoded comes back, and a cut value is refused.
    #[test]
    fn what_is_kept_comes_back_from_its_bytes() {
        let kept = kept(&[(0, 10), (20, 11)]);
        let bytes = kept.encode();
        let back = Kept::decode(&bytes).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(back.starts, kept.starts);
        assert!(Kept::decode(&bytes[..bytes.len() - 1]).is_err());
    }
}
