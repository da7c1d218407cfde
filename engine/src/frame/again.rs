//! Frames that are made again from what came into them.
//!
//! Invariant: a frame that is made again takes its inputs from the log, never from a queue, a thread or a clock; its
//! digest must be the one that was written down.

#![expect(unsafe_code, reason = "reads committed rows as bytes")]

use super::{Digest, Frame};
use crate::builder::Start;
use crate::error::{Diverged, Error, Result};
use crate::id::Id;
use crate::input::Envelope;
use crate::schedule::Schedule;
use crate::store::{Entry, Image, LogReader, Tail, Taken, difference, types_of};
use std::collections::{BTreeMap, BTreeSet};

impl Frame {
    /// Says that the frames to come are made again, before the first one; `false` when that is over.
    pub(crate) fn set_again(&mut self, again: bool) {
        let taken: Option<&[u8]> = again.then_some(&[]);
        self.intakes.iter().for_each(|intake| intake.replay(taken));
        self.digests.known = self.digests.known.take().filter(|_| again);
    }

    /// Makes the next frame again, into which `entry` came, or nothing.
    pub(crate) fn make_again(&mut self, entry: Option<&Entry>) -> Result<()> {
        let still = self.feed(entry)?;
        let made = if still { self.answer() } else { self.step() };
        made?;
        self.check_again(entry)
    }

    /// Lays out what came into the next frame; answers whether it is a still one.
    pub(crate) fn feed(&mut self, entry: Option<&Entry>) -> Result<bool> {
        let mut envelopes = Vec::new();
        self.set_again(true);
        let taken = entry.map_or(&[][..], |entry| &entry.taken);
        for Taken { source, name, version, bytes } in taken {
            if let Some(intake) = self.intakes.iter().find(|intake| intake.name() == &**name) {
                self.check_version("an intake", name, *version, intake.version())?;
                intake.replay(Some(bytes));
                continue;
            }
            let kinds = self.inputs.kinds();
            let kind = kinds.iter().position(|kind| kind.name == **name).ok_or_else(|| {
                self.not_again(format!("it took {} bytes of {name}, which is not registered", bytes.len()))
            })?;
            self.check_version("an input", name, *version, kinds[kind].version)?;
            envelopes.push(Envelope { source: source.clone(), kind, bytes: bytes.clone() });
        }
        if let Some(program) = entry.and_then(|entry| entry.opened.as_ref()) {
            self.digests.known = Some(types_of(program));
        }
        // After the world was opened anew, what is kept beside it began anew.
        if self.committed > 0 && entry.is_some_and(|entry| entry.opened.is_some()) {
            self.begin_observers()?;
        }
        self.again = Some(envelopes);
        Ok(entry.is_some_and(|entry| entry.still))
    }

    /// Compares the digest of the frame that was just made again with the one that was written down.
    pub(crate) fn check_again(&mut self, entry: Option<&Entry>) -> Result<()> {
        let Some(stored) = entry.and_then(|entry| entry.digest) else { return Ok(()) };
        let made = self.take_digest_then();
        if made == Digest(stored) {
            return Ok(());
        }
        let (frame, stored) = (self.committed, Digest(stored));
        Err(Error::Diverged(Box::new(Diverged { frame, stored, made, place: String::new() })))
    }

    /// Compares the frame that a replay begins with.
    pub(crate) fn check_beginning(&mut self, start: &Start) -> Result<()> {
        match start {
            Start::Again(beginning) => {
                self.digests.known.clone_from(&beginning.known);
                let zero = beginning.zero.as_ref();
                self.check_again(zero).map_err(|error| {
                    let opened = zero.and_then(|entry| entry.opened.as_deref());
                    self.told(error, beginning.log.first_image(self.committed), BEGINNING, opened)
                })
            }
            Start::Directory => Ok(()),
        }
    }

    /// Makes frame 1 of a new world by its startup systems, or of a stored one again.
    pub(crate) fn start_up_from(&mut self, startup: Schedule, start: &Start) -> Result<()> {
        let Start::Again(beginning) = start else { return self.start_up(startup) };
        let (zero, first) = (beginning.zero.as_ref(), beginning.first.as_ref());
        self.feed(first)?;
        self.start_up(startup)?;
        self.check_again(first).map_err(|error| {
            let compared = zero.is_some_and(|entry| entry.digest.is_some());
            let since = if compared { since(1, 0) } else { BEGINNING.to_owned() };
            let opened = first.into_iter().chain(zero).find_map(|entry| entry.opened.as_deref());
            self.told(error, beginning.log.first_image(1), &since, opened)
        })
    }

    /// Ends an opening: makes the frames after the checkpoint again where they are known by what came in alone.
    pub(crate) fn catch_up(&mut self, tail: Option<Tail>) -> Result<()> {
        let was_by_inputs = tail.is_some();
        if let Some(Tail { entries, last }) = tail {
            self.make_tail_again(&entries, last)?;
            // What is asked for now is asked for in earnest.
            self.begin_annexes();
        }
        self.settle_opening(was_by_inputs)?;
        self.confirm_opening()
    }

    /// Makes the frames up to `last` again, while the store looks away.
    pub(crate) fn make_tail_again(&mut self, tail: &[Entry], last: u64) -> Result<()> {
        let encoder = self.encoder.take();
        let mut entries = tail.iter().peekable();
        let (mut made, mut agreed) = (Ok(()), self.committed);
        while made.is_ok() && self.committed < last {
            let frame = self.committed + 1;
            let entry = entries.next_if(|entry| entry.frame == frame);
            made = self.make_again(entry).map_err(|error| {
                self.told(error, None, &format!("{}; {OPENING}", since(frame, agreed)), None)
            });
            if entry.is_some_and(|entry| entry.digest.is_some()) {
                agreed = frame;
            }
        }
        self.set_again(false);
        self.encoder = encoder;
        made
    }

    /// Puts words to a frame that came out differently before anybody can look: what differs from its state, where that is
    /// kept, since when, and what made it then, where that is another program.
    fn told(&self, error: Error, image: Option<Image>, since: &str, opened: Option<&str>) -> Error {
        match error {
            Error::Diverged(mut diverged) if diverged.place.is_empty() => {
                let what = image.and_then(|image| self.differs_from(&image));
                let what = what.map_or_else(String::new, |what| what + "; ");
                let other = opened.and_then(|stored| difference(stored, &self.program));
                let other = other.map_or_else(String::new, |(stored, given)| {
                    format!("; another program made it: it had {stored}, this one has {given} instead")
                });
                diverged.place = what + since + &other;
                Error::Diverged(diverged)
            }
            other => other,
        }
    }

    fn check_version(&self, what: &str, name: &str, stored: u32, given: u32) -> Result<()> {
        if stored == given {
            return Ok(());
        }
        Err(self.not_again(format!(
            "it took {what} {name} of version {stored}, this program has version {given}"
        )))
    }

    fn not_again(&self, reason: String) -> Error {
        Error::NotAgain { frame: self.committed + 1, reason }
    }
}

impl Frame {
    /// Where the committed frame differs from what was stored of it: the first component by name and the first entity
    /// by `Id`, as words; `None` where it does not.
    pub(crate) fn differs_from(&self, image: &Image) -> Option<String> {
        let slot = self.shared.frames.roles().prev();
        let tables = &self.world().storages().tables;
        for (index, column) in self.columns.iter().enumerate().skip(1) {
            let mut made: BTreeMap<Id, Vec<u8>> = BTreeMap::new();
            for info in self.tables.list.iter().filter(|info| info.columns.contains(&(index as u16))) {
                let (table, ids) = (&tables[info.id], self.ids.ids(&tables[info.id]));
                let mut keep = |row: usize| {
                    let mut bytes = Vec::new();
                    // SAFETY: no wave runs while the engine is looked at.
                    unsafe { column.encode_row(table, slot, row, &mut bytes) };
                    made.insert(ids[row], bytes);
                };
                if !column.transient() {
                    (0..ids.len()).for_each(keep);
                } else if let Some(marks) = column.by_table().get(info.id) {
                    let stamp = self.shared.frames.roles().stamps[slot];
                    marks.changed_runs(slot, stamp, |rows, _| rows.for_each(&mut keep));
                }
            }
            let stored: BTreeMap<Id, &[u8]> = image.rows(column.name()).collect();
            let ids: BTreeSet<Id> = made.keys().chain(stored.keys()).copied().collect();
            for id in ids {
                let (then, now) = (stored.get(&id).copied(), made.get(&id).map(Vec::as_slice));
                if then != now {
                    let name = column.name();
                    return Some(format!(
                        "component {name} of entity {id} was {} and is {}",
                        hex(then),
                        hex(now)
                    ));
                }
            }
        }
        None
    }
}

impl Frame {
    /// The record of the committed frame, where records are kept and it has one.
    pub(crate) fn last_record(&self) -> Option<&[u8]> {
        self.encoder.as_ref()?.sink().kept()?.record(self.committed)
    }

    /// A frame whose record is another one than then.
    pub(crate) fn differs_in_record(&mut self, log: &LogReader, frame: u64) -> Error {
        match log.image(frame) {
            Err(error) => Error::Store(error.to_string()),
            Ok(image) => {
                let (stored, made) = (image.digest(), self.take_digest_then());
                let place = if stored == made {
                    "what it marks as changed differs".to_owned()
                } else {
                    String::new()
                };
                Error::Diverged(Box::new(Diverged { frame, stored, made, place }))
            }
        }
    }
}

/// Since when frames may have been other ones.
pub(crate) fn since(frame: u64, agreed: u64) -> String {
    match frame - agreed {
        1 => "the frame before is the same".to_owned(),
        _ => format!("the last frame that is known to be the same is {agreed}"),
    }
}

/// Said of what a replay begins with.
const BEGINNING: &str =
    "the replay begins with it: setups, startup systems or the types' codecs are not those that made it";
/// Said of frames that an opening makes again.
const OPENING: &str = "its state is not stored, so nothing says which component differs; open the world with the program \
                       that made it, and raise the version of a plugin wherever the same inputs may lead to another world";

/// Bytes of a row that are shown of a difference.
const SHOWN_BYTES_MAX: usize = 64;

fn hex(bytes: Option<&[u8]>) -> String {
    let Some(bytes) = bytes else { return "not there".to_owned() };
    let mut text: String = bytes.iter().take(SHOWN_BYTES_MAX).map(|byte| format!("{byte:02x}")).collect();
    if text.is_empty() {
        text.push_str("empty");
    }
    if bytes.len() > SHOWN_BYTES_MAX {
        text += &format!(".. ({} bytes)", bytes.len());
    }
    text
}
