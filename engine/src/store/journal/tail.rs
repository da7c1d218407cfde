//! Following the journals while fjall writes them.
//!
//! Invariant: a place is where a batch ends, in a journal whose name is on the disk. It is right only after a sync. Left out:
//! whether batches are whole.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::{Place, list, walk};
use crate::store::StoreError;

/// Follows the journals while fjall writes them, so that the watermark can say how far they are synced.
#[derive(Debug)]
pub(crate) struct Tail {
    database: PathBuf,
    file: File,
    place: Place,
}

impl Tail {
    pub(crate) fn new(database: &Path, place: Place) -> Result<Self, StoreError> {
        let path = database.join(format!("{}.jnl", place.file));
        let file = File::open(&path).map_err(|error| StoreError::io("opening", &path, &error))?;
        Ok(Self { database: database.to_owned(), file, place })
    }

    /// Walks over the batches that were written since the last call; right only after a sync. A journal in which no batch
    /// stands yet is passed by: fjall may just have made it, and not synced its name.
    pub(crate) fn advance(&mut self) -> Result<Place, StoreError> {
        self.walk()?;
        for (number, path) in list(&self.database)? {
            if number > self.place.file {
                let file = File::open(&path).map_err(|error| StoreError::io("opening", &path, &error))?;
                let mut next =
                    Self { database: self.database.clone(), file, place: Place { file: number, offset: 0 } };
                next.walk()?;
                if next.place.offset > 0 {
                    *self = next;
                }
            }
        }
        Ok(self.place)
    }

    /// Walks over the batches of the file.
    fn walk(&mut self) -> Result<(), StoreError> {
        let (end, problem) = match walk(&self.file, self.place.offset) {
            Ok(end) => (end, None),
            Err((end, error)) => {
                let reason = format!("no item stands in the batch at byte {end}");
                (end, Some(error.unwrap_or_else(|| io::Error::new(ErrorKind::InvalidData, reason))))
            }
        };
        self.place.offset = end;
        problem.map_or(Ok(()), |error| {
            let path = self.database.join(format!("{}.jnl", self.place.file));
            Err(StoreError::io("following", &path, &error))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A batch that clears a keyspace; its checksum is nothing that a walk looks at.
    fn batch(seqno: u64) -> Vec<u8> {
        let mut bytes = vec![1, 1, 0, 0, 0];
        bytes.extend(seqno.to_le_bytes());
        bytes.push(4);
        bytes.extend(7_u64.to_le_bytes());
        bytes.push(3);
        bytes.extend([0; 8]);
        bytes.extend(b"FJL\x03");
        bytes
    }

    /// Claim: a journal that was just made, and whose name may not be on the disk, is not said to be synced; once a batch
    /// stands in it, it is.
    #[test]
    fn a_journal_without_a_batch_is_not_promised() -> Result<(), Box<dyn std::error::Error>> {
        let dir = tempfile::tempdir()?;
        let zeros = |file: u64, batches: &[Vec<u8>]| {
            let mut bytes = batches.concat();
            bytes.resize(1000, 0);
            std::fs::write(dir.path().join(format!("{file}.jnl")), bytes)
        };
        zeros(0, &[batch(1)])?;
        let length = batch(1).len() as u64;
        let mut tail = Tail::new(dir.path(), Place::default())?;
        assert_eq!(tail.advance()?, Place { file: 0, offset: length });
        zeros(0, &[batch(1), batch(2)])?;
        zeros(1, &[])?;
        assert_eq!(tail.advance()?, Place { file: 0, offset: 2 * length });
        zeros(1, &[batch(3)])?;
        assert_eq!(tail.advance()?, Place { file: 1, offset: length });
        zeros(2, &[])?;
        std::fs::remove_file(dir.path().join("1.jnl"))?;
        assert_eq!(tail.advance()?, Place { file: 1, offset: length }, "its file went, what it held did not");
        Ok(())
    }
}
