//! From bytes on disk to the world: the current checkpoint, then the records after it, in one pass.
//!
//! Invariant: every record names its predecessor's frame and checksum, and the checkpoint's end names its
//! last page's, so a lost, foreign or reordered value is an error, never another world.
//! Left out: the check of the journal before the database opens, and what the bytes mean.

mod values;

use std::collections::BTreeMap;

use fjall::Keyspace;

pub(crate) use values::decode_end;
use values::place;
pub(crate) use values::{WorldValues, encode_current, encode_end, encode_head, encode_program, world_values};

use super::base::Base;
use super::codec::malformed;
use super::delta::{Link, NO_FRAME};
use super::disk::Disk;
use super::log::Entry;
use super::marks::{FrameMarks, MarkedRows, copy_of, marks};
use super::world::RawWorld;
use super::{DeltaReader, RecoveredTable, StoreError, TypeEntry, catalog, keys};

/// What a directory held when it was opened.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// The last frame.
    pub frame: u64,
    /// The step of the last frame that had a record, in seconds.
    pub dt: f64,
    /// All tables in the order of their creation, empty ones too.
    pub tables: Vec<RecoveredTable>,
    /// What the last frame set, at final positions; nothing if it was empty.
    pub marks: Vec<MarkedRows>,
    /// Ids that lost a type in the last frame, per type key.
    pub removed: BTreeMap<u16, Vec<u64>>,
    /// Named bytes of the last frame; nothing if it was empty.
    pub notes: BTreeMap<String, Vec<u8>>,
    /// Next serial of each id counter.
    pub serials: BTreeMap<u32, u64>,
    /// The last stored digest and its frame.
    pub digest: Option<(u64, u128)>,
    /// The frame of the last digest by the hash before the present one, which is compared with nothing.
    pub digest_former: Option<u64>,
    /// The types as stored, by key; a version may be older than the registered one.
    pub stored_types: Vec<TypeEntry>,
    /// What was cut from the end of the journal: it had never been promised to be on disk.
    pub repaired: Option<String>,
    /// Of a world that is known by its inputs: what came in since `frame`.
    pub tail: Option<Tail>,
    /// The end of the chain of records, where it is known.
    pub link: Option<Link>,
}

/// Frames that are to be made again.
#[derive(Clone, Debug)]
pub struct Tail {
    /// What came into them; frames into which nothing came have no entry.
    pub entries: Vec<Entry>,
    /// The last of them.
    pub last: u64,
}

impl Recovered {
    pub(crate) fn has_tail(&self) -> bool {
        self.tail.is_some()
    }

    pub(crate) fn take_tail(&mut self) -> Option<Tail> {
        self.tail.take()
    }

    /// Which rows of the types that `wanted` names the last frame marked, by table and key; nothing where it
    /// marked none.
    pub(crate) fn rows_marked(&self, wanted: impl Fn(u16) -> bool) -> BTreeMap<(u32, u16), Vec<bool>> {
        let mut found: BTreeMap<(u32, u16), Vec<bool>> = BTreeMap::new();
        for marked in self.marks.iter().filter(|marked| wanted(marked.key)) {
            let Some(table) = self.tables.get(marked.table as usize) else { continue };
            let rows = found.entry((marked.table, marked.key));
            let rows = rows.or_insert_with(|| vec![false; table.rows as usize]);
            let end = marked.first_row as usize + marked.count as usize;
            if let Some(rows) = rows.get_mut(marked.first_row as usize..end) {
                rows.fill(true);
            }
        }
        found
    }
}

/// Where the writer goes on.
#[derive(Debug)]
pub(crate) struct Position {
    /// End of the chain of records.
    pub(crate) link: Link,
    /// Frame + 1 of the last frame; 0 for none.
    pub(crate) head: u64,
    /// The copy of the last record, if it is of the last frame.
    pub(crate) last_record: Vec<u8>,
    /// Bytes of records since the checkpoint, and of its pages.
    pub(crate) record_bytes: u64,
    pub(crate) page_bytes: u64,
    /// The frame of the current checkpoint's base; one before 0 where no frame was made.
    pub(crate) checkpoint: u64,
    /// Whether frames after it are to be made again from what came in.
    pub(crate) by_inputs: bool,
    /// The first frame that the current checkpoint gives.
    pub(crate) start: u64,
}

impl Position {
    /// Whether frames after the checkpoint are known by what came in alone.
    pub(crate) fn has_tail(&self) -> bool {
        self.by_inputs && self.head != self.checkpoint + 1
    }
}

/// Replays the current checkpoint and all records. `None` for a world without any frame.
pub(crate) fn recover(
    disk: &Disk,
    values: &WorldValues,
    must_hold: Link,
) -> Result<(Option<Recovered>, Position), StoreError> {
    let mut replay = Replay::new(&values.types, must_hold);
    let Some(first) = disk.epochs.iter().position(|(number, _)| *number == values.current) else {
        return Err(StoreError::damaged(
            format!("the keyspace {}", keys::epoch_name(values.current)),
            "the current checkpoint's keyspace is missing",
        ));
    };
    replay.feed(&disk.epochs[first..], u64::MAX)?;
    let (mut recovered, position) = replay.finish(values)?;
    // A program that brought more types and made no frame: the last frame is of those before, and so is its digest.
    if let Some(recovered) = &mut recovered {
        recovered.stored_types.truncate(values.past.types_at(recovered.frame, &values.types).len());
    }
    Ok((recovered, position))
}

/// Replays the checkpoint of the first of these epochs and what follows, up to a frame that is not before the
/// checkpoint's end.
pub(crate) fn recover_at(
    epochs: &[(u64, Keyspace)],
    types: &[TypeEntry],
    frame: u64,
) -> Result<Recovered, StoreError> {
    let mut replay = Replay::new(types, Link::NONE);
    replay.feed(epochs, frame)?;
    let name = keys::epoch_name(epochs.first().map_or(0, |(number, _)| *number));
    replay.checkpoint(&name)?;
    Ok(replay.recovered(frame)?.0)
}

struct Replay {
    world: RawWorld,
    types: Vec<TypeEntry>,
    base: Option<Base>,
    end: Option<(u32, Link)>,
    /// The frame of the checkpoint's end: no page is of a later one, but in worlds of older builds.
    first: u64,
    pages: (u32, Link),
    link: Link,
    last_record: Option<fjall::UserValue>,
    record_bytes: u64,
    page_bytes: u64,
    /// End of the chain where the current checkpoint began.
    start: Link,
    must_hold: Link,
    held: bool,
}

impl Replay {
    fn new(types: &[TypeEntry], must_hold: Link) -> Self {
        Self {
            world: RawWorld::new(types),
            types: types.to_vec(),
            base: None,
            end: None,
            first: 0,
            pages: (0, Link::NONE),
            link: Link::NONE,
            last_record: None,
            record_bytes: 0,
            page_bytes: 0,
            start: Link::NONE,
            must_hold,
            held: must_hold == Link::NONE,
        }
    }

    /// Reads the epochs in order, up to the frame `until`; the checkpoint is that of the first one.
    fn feed(&mut self, epochs: &[(u64, Keyspace)], until: u64) -> Result<(), StoreError> {
        for (index, (number, keyspace)) in epochs.iter().enumerate() {
            let name = keys::epoch_name(*number);
            for guard in keyspace.range(keys::FIRST..) {
                let (key, value) = guard.into_inner().map_err(|error| {
                    StoreError::damaged(
                        format!("the keyspace {name} ({})", keyspace.path().display()),
                        format!("a block cannot be read: {error:?}"),
                    )
                })?;
                let Some((frame, kind)) = keys::parse(&key) else {
                    return Err(StoreError::damaged(format!("the keyspace {name}"), "a key is malformed"));
                };
                if frame > until {
                    return Ok(());
                }
                self.value(index == 0, frame, kind, &value).map_err(|error| match error {
                    StoreError::Malformed { .. } => StoreError::damaged(
                        format!("{name}, {} of frame {frame}", kind_name(kind)),
                        error.to_string(),
                    ),
                    other => other,
                })?;
            }
        }
        Ok(())
    }

    fn value(
        &mut self,
        current: bool,
        frame: u64,
        kind: u8,
        value: &fjall::UserValue,
    ) -> Result<(), StoreError> {
        match kind {
            keys::RECORD => return self.record(frame, value),
            // Another epoch's checkpoint was not finished; only its records count.
            _ if !current => return Ok(()),
            keys::BASE => {
                let (base, link) = Base::decode(value)?;
                self.world.load_base(&base)?;
                (self.base, self.link, self.start) = (Some(base), link, link);
                self.hold(link);
            }
            keys::COPY => {
                self.world.apply_copy(&DeltaReader::parse(value)?)?;
                self.last_record = Some(value.clone());
            }
            keys::PAGE => {
                let page = DeltaReader::parse(value)?;
                if page.previous() != self.pages.1 || !page.is_page() || page.frame() != frame {
                    return Err(malformed(24, "the page is not the next one of its checkpoint"));
                }
                self.world.apply(&page)?;
                self.pages = (self.pages.0 + 1, page.link());
                self.first = self.first.max(frame);
                self.page_bytes += value.len() as u64;
            }
            keys::END => (self.end, self.first) = (Some(decode_end(value)?), self.first.max(frame)),
            other => return Err(malformed(8, format!("{other} is no kind of key"))),
        }
        Ok(())
    }

    fn record(&mut self, frame: u64, value: &fjall::UserValue) -> Result<(), StoreError> {
        let record = DeltaReader::parse(value)?;
        if record.is_page() || record.frame() != frame {
            return Err(malformed(8, format!("frame {} is stored as the record of {frame}", record.frame())));
        }
        if record.previous() != self.link {
            let reason = format!(
                "it follows frame {} with checksum {:016x}, but the record before it is frame {} with {:016x}: records between are lost",
                shown(record.previous().frame),
                record.previous().checksum,
                shown(self.link.frame),
                self.link.checksum
            );
            return Err(StoreError::damaged(format!("the record of frame {frame}"), reason));
        }
        self.world.apply(&record)?;
        self.link = record.link();
        self.hold(self.link);
        self.record_bytes += value.len() as u64;
        self.last_record = Some(value.clone());
        Ok(())
    }

    fn hold(&mut self, link: Link) {
        self.held |= link == self.must_hold;
    }

    /// The base of the checkpoint, which must be whole.
    fn checkpoint(&self, name: &str) -> Result<&Base, StoreError> {
        let Some(base) = &self.base else {
            return Err(StoreError::damaged(name, "the base of the checkpoint is missing"));
        };
        if self.end != Some(self.pages) {
            return Err(StoreError::damaged(name, "pages of the checkpoint are missing"));
        }
        Ok(base)
    }

    fn finish(mut self, values: &WorldValues) -> Result<(Option<Recovered>, Position), StoreError> {
        let base = self.checkpoint(&keys::epoch_name(values.current))?;
        let (empty, follows, _) = values.head;
        let after_record = self.link.frame.wrapping_add(1);
        let base_head = base.frame.wrapping_add(1);
        if empty > after_record.max(base_head) && follows != self.link {
            let reason = format!(
                "it follows the record of frame {}, the last one found is {}",
                shown(follows.frame),
                shown(self.link.frame)
            );
            return Err(StoreError::damaged(place(keys::HEAD), reason));
        }
        let head = empty.max(after_record).max(base_head);
        let waits_for = self.must_hold.frame;
        // Records before the checkpoint are gone with their epoch; their checksums with them.
        if !self.held && (self.start == Link::NONE || waits_for >= self.start.frame) {
            let reason = "the record that the watermark names is lost or another one";
            return Err(StoreError::damaged(format!("the record of frame {}", shown(waits_for)), reason));
        }
        // What comes after such a checkpoint is not there yet.
        let last = if base.by_inputs { base_head.max(after_record) } else { head };
        let mut position = Position {
            link: self.link,
            head,
            last_record: Vec::new(),
            record_bytes: self.record_bytes,
            page_bytes: self.page_bytes,
            checkpoint: base.frame,
            by_inputs: base.by_inputs,
            start: self.first.min(last.saturating_sub(1)),
        };
        if head == 0 {
            self.world.blank_transient();
            return Ok((None, position));
        }
        let (recovered, last_record) = self.recovered(last - 1)?;
        position.last_record = last_record;
        Ok((Some(recovered), position))
    }

    /// The world, which is at `frame` now, and the copy of that frame's record, if it had one.
    fn recovered(mut self, frame: u64) -> Result<(Recovered, Vec<u8>), StoreError> {
        let last_record = match &self.last_record {
            Some(record) if DeltaReader::header_frame(record) == Some(frame) => {
                copy_of(record, &catalog::transient_keys(&self.types))?
            }
            _ => {
                self.world.blank_transient();
                Vec::new()
            }
        };
        let FrameMarks { marks, removed, notes } = match last_record.as_slice() {
            [] => Default::default(),
            record => marks(&DeltaReader::parse(record)?)?,
        };
        let recovered = Recovered {
            frame,
            dt: self.world.dt,
            tables: self.world.tables,
            marks,
            removed,
            notes,
            serials: self.world.serials,
            digest: self.world.digest,
            digest_former: self.world.digest_former,
            stored_types: self.types,
            repaired: None,
            tail: None,
            link: Some(self.link),
        };
        Ok((recovered, last_record))
    }
}

fn shown(frame: u64) -> String {
    if frame == NO_FRAME { "none".to_owned() } else { frame.to_string() }
}

fn kind_name(kind: u8) -> &'static str {
    match kind {
        keys::BASE => "the base",
        keys::COPY => "the kept record",
        keys::RECORD => "the record",
        keys::PAGE => "a page",
        keys::END => "the checkpoint's end",
        _ => "a value",
    }
}
