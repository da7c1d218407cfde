//! Mail that waits for its reader: as it lies between commits, as bytes, and as one target gets it.
//!
//! Invariant: the order of waiting mail is (age, system name, sender, issue), and its bytes are in that order,
//! so equal mail gives equal bytes. Within the last frame's mail the order by sender is made only where it
//! must be: for bytes, and when the mail grows old. Sorting by target is `merge`'s.

use super::outbox::{Letter, Sheet, Sheets};
use crate::buffer::{Codec, CodecError, Cursor, PlainBytes, State};
use crate::id::Id;
use bytemuck::Pod;
use std::ops::Range;

/// The messages of one target, in the order of (age, system name, sender, issue).
#[derive(Debug)]
pub struct Mail<'a, M> {
    pub(super) target: Id,
    pub(super) senders: &'a [Id],
    pub(super) messages: &'a [M],
}

impl<M> Clone for Mail<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Mail<'_, M> {}

impl<'a, M> Mail<'a, M> {
    /// Whose mail it is.
    pub fn target(&self) -> Id {
        self.target
    }

    /// The messages.
    #[inline]
    pub fn messages(&self) -> &'a [M] {
        self.messages
    }

    /// Who sent each of them.
    #[inline]
    pub fn senders(&self) -> &'a [Id] {
        self.senders
    }

    /// Sender and message of each.
    pub fn iter(&self) -> impl Iterator<Item = (Id, &'a M)> + use<'a, M> {
        self.senders.iter().copied().zip(self.messages)
    }

    /// Number of messages.
    #[inline]
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }
}

/// Bytes before the first letter: version u32, bytes of a message u32, number of letters u64.
const HEAD_BYTES: usize = 16;
/// Bytes of target and sender.
const NAMES_BYTES: usize = 16;
/// Stands in place of the bytes of a message where a codec says how many they are.
const CODED: u32 = u32::MAX;

/// How messages of a type become bytes and back.
pub(crate) struct Wire<M> {
    /// Bytes of a message, for plain old data.
    fixed: Option<u32>,
    encode: fn(&M, &mut Vec<u8>),
    decode: fn(&[u8]) -> Result<M, CodecError>,
}

impl<M> Wire<M> {
    pub(crate) fn pod() -> Self
    where
        M: Pod,
    {
        Self { fixed: Some(size_of::<M>() as u32), ..Self::coded::<PlainBytes>() }
    }

    pub(crate) fn coded<C: Codec<M>>() -> Self {
        Self { fixed: None, encode: C::encode, decode: C::decode }
    }

    /// Of a type that is not registered; the build refuses it.
    pub(crate) fn none() -> Self {
        Self {
            fixed: None,
            encode: |_, _| {},
            decode: |_| Err(CodecError::new("the message type is not registered")),
        }
    }
}

/// The sheets of one system of the last frame.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) sheets: Range<usize>,
    /// Whether senders ascend through all of them.
    pub(super) ascending: bool,
}

/// Where a letter lies: segment 0 is the old mail, n + 1 the n-th sheet. Places ascend in order of issue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) segment: u32,
    pub(super) letter: u32,
}

/// All mail that waits for its reader.
#[derive(Debug)]
pub(crate) struct Waiting<M> {
    /// Of earlier frames, in order.
    old: Vec<Letter<M>>,
    /// Of the last frame: in the order of systems, parameters and chunks. Each with its outlet.
    sheets: Vec<Sheet<M>>,
    outlets: Vec<usize>,
    runs: Vec<Run>,
    count: usize,
}

impl<M> Default for Waiting<M> {
    fn default() -> Self {
        Self { old: Vec::new(), sheets: Vec::new(), outlets: Vec::new(), runs: Vec::new(), count: 0 }
    }
}

impl<M> Waiting<M> {
    /// Number of letters.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// The segments in order; empty ones too.
    pub(super) fn segments(&self) -> impl Iterator<Item = &[Letter<M>]> {
        core::iter::once(&self.old[..]).chain(self.sheets.iter().map(|sheet| &sheet.letters[..]))
    }

    #[inline]
    pub(super) fn letter(&self, place: Place) -> &Letter<M> {
        let letters = match (place.segment as usize).checked_sub(1) {
            None => &self.old,
            Some(sheet) => &self.sheets[sheet].letters,
        };
        &letters[place.letter as usize]
    }

    /// Whether some system's senders do not ascend.
    pub(super) fn is_mixed(&self) -> bool {
        self.runs.iter().any(|run| !run.ascending)
    }

    /// Puts some of the letters, given in order of issue, into their order: (age, system, sender, issue). `keys`
    /// is room to work in.
    pub(super) fn arrange(&self, mut places: &mut [Place], keys: &mut Vec<(Id, Place)>) {
        for run in &self.runs {
            let (first, end) = (run.sheets.start as u32 + 1, run.sheets.end as u32 + 1);
            let before = places.partition_point(|place| place.segment < first);
            let (_, rest) = places.split_at_mut(before);
            let within = rest.partition_point(|place| place.segment < end);
            let (mine, rest) = rest.split_at_mut(within);
            if !run.ascending {
                // Looked up once each, and not at every comparison.
                keys.clear();
                keys.extend(mine.iter().map(|place| (self.letter(*place).sender, *place)));
                keys.sort_unstable();
                mine.iter_mut().zip(keys.iter()).for_each(|(place, (_, sorted))| *place = *sorted);
            }
            places = rest;
        }
    }

    /// Takes the sheets of an outlet; outlets come in the order of their systems, and `eldest` is the first of
    /// this one's system. Answers the letters taken.
    pub(super) fn take(&mut self, sheets: &mut Sheets<M>, outlet: usize, eldest: usize) -> usize {
        let first = self.sheets.len();
        self.sheets.extend(sheets.drain());
        let sheets = &self.sheets[first..];
        if sheets.is_empty() {
            return 0;
        }
        self.outlets.resize(self.sheets.len(), outlet);
        let taken = sheets.iter().map(|sheet| sheet.letters.len()).sum();
        let outlets = &self.outlets;
        let same_system = self.runs.pop_if(|run| outlets[run.sheets.start] >= eldest);
        let start = same_system.map_or(first, |run| run.sheets.start);
        let all = &self.sheets[start..];
        let ascending = all.iter().all(|sheet| sheet.ascending)
            && all.windows(2).all(|pair| match (pair[0].letters.last(), pair[1].letters.first()) {
                (Some(last), Some(first)) => last.sender <= first.sender,
                _ => true,
            });
        self.runs.push(Run { sheets: start..self.sheets.len(), ascending });
        self.count += taken;
        taken
    }

    /// Forgets all mail; the sheets of each outlet go to `keep`.
    pub(super) fn discard(&mut self, mut keep: impl FnMut(usize, std::vec::Drain<'_, Sheet<M>>)) {
        while let Some(outlet) = self.outlets.last().copied() {
            let first = self.outlets.partition_point(|other| *other < outlet);
            keep(outlet, self.sheets.drain(first..));
            self.outlets.truncate(first);
        }
        self.runs.clear();
        // What waited long is no measure of what will.
        self.old = Vec::new();
        self.count = 0;
    }

    /// Makes the last frame's mail old.
    pub(super) fn settle(&mut self) {
        let mut sheets = self.sheets.drain(..);
        for run in self.runs.drain(..) {
            let start = self.old.len();
            for sheet in sheets.by_ref().take(run.sheets.len()) {
                self.old.extend(sheet.letters);
            }
            if !run.ascending {
                self.old[start..].sort_by_key(|letter| letter.sender);
            }
        }
        drop(sheets);
        self.outlets.clear();
    }
}

impl<M: State> Waiting<M> {
    /// Bytes that [`Waiting::write`] appends, about.
    pub(super) fn size(&self, wire: &Wire<M>) -> usize {
        HEAD_BYTES + self.count * (NAMES_BYTES + wire.fixed.unwrap_or(16) as usize)
    }

    /// Appends all mail in its order.
    pub(super) fn write(&self, version: u32, wire: &Wire<M>, out: &mut Vec<u8>) {
        out.reserve(self.size(wire));
        out.extend_from_slice(&version.to_le_bytes());
        out.extend_from_slice(&wire.fixed.unwrap_or(CODED).to_le_bytes());
        out.extend_from_slice(&(self.count as u64).to_le_bytes());
        self.old.iter().for_each(|letter| put(letter, wire, out));
        for run in &self.runs {
            let sheets = &self.sheets[run.sheets.clone()];
            let letters = sheets.iter().flat_map(|sheet| &sheet.letters);
            if run.ascending {
                letters.for_each(|letter| put(letter, wire, out));
            } else {
                let mut sorted: Vec<&Letter<M>> = letters.collect();
                sorted.sort_by_key(|letter| letter.sender);
                sorted.into_iter().for_each(|letter| put(letter, wire, out));
            }
        }
    }

    /// Reads what [`Waiting::write`] wrote.
    pub(super) fn read(version: u32, wire: &Wire<M>, limit: usize, bytes: &[u8]) -> Result<Self, CodecError> {
        let mut from = Cursor(bytes);
        let (stored, size, count) = (from.u32()?, from.u32()?, from.u64()?);
        if stored != version {
            return Err(CodecError::new(format_args!(
                "messages of version {stored} are under way, and version {version} is registered; let their reader run before the version changes"
            )));
        }
        if size != wire.fixed.unwrap_or(CODED) {
            return Err(CodecError::new(format_args!(
                "messages of {size} bytes where others are registered"
            )));
        }
        let (least, left) = (NAMES_BYTES + wire.fixed.unwrap_or(4) as usize, from.0.len());
        if count > limit as u64 || count > (left / least) as u64 {
            return Err(CodecError::new(format_args!("{count} messages cannot be in {left} bytes")));
        }
        let mut old = Vec::with_capacity(count as usize);
        for _ in 0..count {
            let (target, sender) = (Id::from_bits(from.u64()?), Id::from_bits(from.u64()?));
            let message = match wire.fixed {
                Some(length) => from.take(length as usize)?,
                None => from.bytes()?,
            };
            old.push(Letter { target, sender, message: (wire.decode)(message)? });
        }
        from.end()?;
        Ok(Self { count: old.len(), old, ..Self::default() })
    }
}

fn put<M>(letter: &Letter<M>, wire: &Wire<M>, out: &mut Vec<u8>) {
    out.extend_from_slice(&letter.target.bits().to_le_bytes());
    out.extend_from_slice(&letter.sender.bits().to_le_bytes());
    if wire.fixed.is_some() {
        return (wire.encode)(&letter.message, out);
    }
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    (wire.encode)(&letter.message, out);
    let length = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
}
