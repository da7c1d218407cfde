//! How large a world from elsewhere may become: memory follows the bytes that came, never what they announce.
//!
//! Rows of a transient type that nobody set, and rows that were added without values, have no bytes in a stream, and
//! the stream says how wide they are. Left out: what an engine of one's own makes.

use super::{Column, Image, RowKind, TypeEntry};

/// What a world from elsewhere may have whatever came, in bytes of its rows.
pub const WORLD_BYTES_FREE_MAX: u64 = 256 << 20;

/// Bytes of rows for each byte that came, beyond [`WORLD_BYTES_FREE_MAX`].
pub const WORLD_BYTES_SHARE_MAX: u64 = 64;

/// What a row of variable length costs beside its bytes.
const BLOB_BYTES: u64 = 16;

/// The largest world that so many bytes may bring, in bytes of its rows.
#[must_use]
pub fn world_bytes_max(came: u64) -> u64 {
    came.saturating_mul(WORLD_BYTES_SHARE_MAX).saturating_add(WORLD_BYTES_FREE_MAX)
}

/// What a world has, and what came for it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Room {
    bytes: u64,
    came: u64,
}

impl Room {
    /// Of a world that is there: for the rows that a frame sets, bytes came once.
    pub(crate) fn of(image: &Image) -> Self {
        let mut room = Self::default();
        for table in &image.tables {
            let rows = u64::from(table.rows);
            room.bytes =
                room.bytes.saturating_add(rows.saturating_mul(row_bytes(&image.types, &table.types)));
            for (key, column) in table.types.iter().zip(&table.columns) {
                room.came += match column {
                    Column::Fixed { .. } if image.types[usize::from(*key)].transient => 0,
                    Column::Fixed { bytes, .. } => bytes.len() as u64,
                    Column::Variable { blobs } => 4 * blobs.len() as u64,
                };
            }
        }
        room
    }

    pub(crate) fn came(&mut self, bytes: u64) {
        self.came = self.came.saturating_add(bytes);
    }

    /// More rows of that many bytes.
    pub(crate) fn grow(&mut self, rows: u32, row_bytes: u64) -> Result<(), String> {
        let bytes = self.bytes.saturating_add(u64::from(rows).saturating_mul(row_bytes));
        let most = world_bytes_max(self.came);
        if bytes > most {
            let came = self.came;
            return Err(format!(
                "its rows would have {bytes} bytes; for {came} bytes that came {most} are the most"
            ));
        }
        self.bytes = bytes;
        Ok(())
    }

    /// One row less.
    pub(crate) fn shrink(&mut self, row_bytes: u64) {
        self.bytes = self.bytes.saturating_sub(row_bytes);
    }
}

/// The bytes of one row in a table of these types, empty where its length varies.
pub(crate) fn row_bytes(types: &[TypeEntry], keys: &[u16]) -> u64 {
    let one = |key: &u16| match types.get(usize::from(*key)) {
        // A byte a row says whether the frame has set a transient type.
        Some(TypeEntry { row: RowKind::Fixed(size), transient, .. }) => {
            u64::from(*size) + u64::from(*transient)
        }
        _ => BLOB_BYTES,
    };
    keys.iter().map(one).sum()
}
