//! The stored records of a world beside those of a replay.
//!
//! Invariant: two records are the same where a frame sees the same of both: values, marks, structure, serials, notes.
//! What stands in one of them for the store's own sake (moved rows while a checkpoint is copied, digests, links) is
//! passed by.

use crate::store::reader::{Operation, Run};
use crate::store::{DeltaReader, LogReader, Mark, StoreError, keys};

type Read = Result<(u64, fjall::UserValue), StoreError>;

/// Records in the order of their frames.
pub(crate) struct Records {
    read: Box<dyn Iterator<Item = Read> + Send>,
    /// The next one.
    next: Option<(u64, fjall::UserValue)>,
    /// The first frame from which on all records are there.
    first: Option<u64>,
}

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Records").field("first", &self.first).finish_non_exhaustive()
    }
}

impl LogReader {
    /// The stored records of the frames after `frame`, as far as they are kept.
    pub(crate) fn records(&self, frame: u64) -> Records {
        let read = self.epochs().into_iter().flat_map(move |(number, epoch)| {
            epoch.range(keys::FIRST..).filter_map(move |guard| match guard.into_inner() {
                Err(error) => {
                    let place = format!("the keyspace {}", keys::epoch_name(number));
                    Some(Err(StoreError::damaged(place, format!("a block cannot be read: {error:?}"))))
                }
                Ok((key, value)) => match keys::parse(&key) {
                    Some((at, keys::RECORD)) if at > frame => Some(Ok((at, value))),
                    _ => None,
                },
            })
        });
        Records { read: Box::new(read), next: None, first: self.first_with_records() }
    }
}

impl Records {
    /// Whether the stored record of `frame` is that of the replay; `None` where it is not kept. Called for frames in
    /// their order.
    pub(crate) fn compare(&mut self, frame: u64, made: Option<&[u8]>) -> Result<Option<bool>, crate::Error> {
        let failed = |error: StoreError| crate::Error::Store(error.to_string());
        while self.next.as_ref().is_none_or(|(at, _)| *at < frame) {
            match self.read.next() {
                None => break,
                Some(read) => self.next = Some(read.map_err(failed)?),
            }
        }
        if self.first.is_none_or(|first| frame <= first) {
            return Ok(None);
        }
        let stored = self.next.as_ref().filter(|(at, _)| *at == frame).map(|(_, value)| &value[..]);
        Ok(Some(match (stored, made) {
            (None, None) => true,
            (Some(stored), Some(made)) => same(stored, made).map_err(failed)?,
            // A record may hold a digest and nothing else.
            (Some(one), None) | (None, Some(one)) => is_empty(one).map_err(failed)?,
        }))
    }
}

/// What a frame sees of a record.
fn seen<'a>(record: &DeltaReader<'a>) -> impl Iterator<Item = Result<Operation<'a>, StoreError>> {
    record.operations().filter(|operation| {
        !matches!(
            operation,
            Ok(Operation::Digest(_)
                | Operation::DigestFormer
                | Operation::Input { .. }
                | Operation::Fixed(Run { mark: Mark::Moved, .. })
                | Operation::Variable(Run { mark: Mark::Moved, .. }))
        )
    })
}

fn same(one: &[u8], other: &[u8]) -> Result<bool, StoreError> {
    let (one, other) = (DeltaReader::parse(one)?, DeltaReader::parse(other)?);
    let (mut one, mut other) = (seen(&one), seen(&other));
    loop {
        match (one.next().transpose()?, other.next().transpose()?) {
            (None, None) => return Ok(true),
            (Some(one), Some(other)) if one == other => {}
            _ => return Ok(false),
        }
    }
}

fn is_empty(record: &[u8]) -> Result<bool, StoreError> {
    Ok(seen(&DeltaReader::parse(record)?).next().transpose()?.is_none())
}
