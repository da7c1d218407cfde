//! Where the log of inputs begins: a small value beside the epochs.
//!
//! Invariant: it is written in one batch with whatever makes an older log useless, so that no crash leaves a log that is
//! taken for one that goes further back. Left out: what was trimmed from the log's beginning since, which its first entry
//! says.

use crate::store::StoreError;
use crate::store::codec::{Cursor, Fields};
use crate::store::disk::Disk;

/// Where a log begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogStart {
    /// Its first segment; those with smaller numbers are of an older log, and count for nothing.
    pub(crate) segment: u64,
    /// The first frame of which it knows what came in.
    pub(crate) from: u64,
}

impl LogStart {
    /// No log, until one is begun.
    pub(crate) fn none(disk: &Disk) -> Self {
        Self { segment: disk.next_log_number(), from: u64::MAX }
    }

    pub(crate) fn encode(self) -> Vec<u8> {
        Fields::default().u64(self.segment).u64(self.from).finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let damaged = |error: StoreError| StoreError::damaged("the value \"log\"", error.to_string());
        let mut cursor = Cursor::checked(bytes).map_err(damaged)?;
        Ok(Self { segment: cursor.u64().map_err(damaged)?, from: cursor.u64().map_err(damaged)? })
    }
}
