//! Following the journals while fjall writes them.
//!
//! Invariant: a place is where a batch ends. It is right only after a sync. Left out: whether batches are whole.

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

    /// Walks over the batches that were written since the last call; right only after a sync.
    pub(crate) fn advance(&mut self) -> Result<Place, StoreError> {
        loop {
            self.walk().map_err(|error| {
                let path = self.database.join(format!("{}.jnl", self.place.file));
                StoreError::io("following", &path, &error)
            })?;
            let next = list(&self.database)?.into_iter().find(|(number, _)| *number > self.place.file);
            let Some((file, path)) = next else { return Ok(self.place) };
            self.file = File::open(&path).map_err(|error| StoreError::io("opening", &path, &error))?;
            self.place = Place { file, offset: 0 };
        }
    }

    /// Walks over the batches of the file.
    fn walk(&mut self) -> io::Result<()> {
        let (end, problem) = match walk(&self.file, self.place.offset) {
            Ok(end) => (end, None),
            Err((end, error)) => {
                let reason = format!("no item stands in the batch at byte {end}");
                (end, Some(error.unwrap_or_else(|| io::Error::new(ErrorKind::InvalidData, reason))))
            }
        };
        self.place.offset = end;
        problem.map_or(Ok(()), Err)
    }
}
