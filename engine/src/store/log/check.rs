//! Whether a log of inputs is whole: every entry, and the chain through all segments.
//!
//! Invariant: it only reads. Left out: what stands before the first entry, which may have been trimmed.

use super::Entry;
use crate::store::disk::Disk;
use crate::store::{StoreError, keys};

/// Reads the log from its beginning to its end.
///
/// # Errors
/// An entry is damaged, or follows another one than that before it: the message names segment and frame.
pub(crate) fn check(disk: &Disk) -> Result<(), StoreError> {
    let mut link = None;
    for (number, segment) in &disk.logs {
        for guard in segment.range(keys::FIRST..) {
            let (key, value) = guard.into_inner().map_err(|error| {
                StoreError::damaged(format!("log-{number}"), format!("a block cannot be read: {error:?}"))
            })?;
            let frame = match keys::parse(&key) {
                Some((frame, keys::ENTRY)) => frame,
                Some((_, keys::RECORD)) => continue,
                _ => return Err(StoreError::damaged(format!("log-{number}"), "a key is malformed")),
            };
            let place = || format!("log-{number}, the entry of frame {frame}");
            let (_, previous, own) =
                Entry::decode(&value).map_err(|error| StoreError::damaged(place(), error.to_string()))?;
            if link.is_some_and(|link| link != previous) {
                let reason =
                    format!("it follows the entry of frame {}, which is not before it", previous.frame);
                return Err(StoreError::damaged(place(), reason));
            }
            link = Some(own);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::delta::Link;

    /// Claim: a log is whole through all its segments, wherever it begins; an entry that is lost in its midst, and one that
    /// is none, are named.
    #[test]
    fn a_log_with_a_gap_is_not_whole() -> Result<(), Box<dyn std::error::Error>> {
        let said = |lost: Option<u64>, last: &[u8]| -> Result<String, Box<dyn std::error::Error>> {
            let dir = tempfile::tempdir()?;
            let mut disk = Disk::open(dir.path())?;
            let mut link = Link { frame: 1, checksum: 7 };
            for frame in [3, 5, 8, 9] {
                if frame != 5 {
                    disk.next_log()?;
                }
                let (bytes, next) = Entry { frame, still: true, ..Entry::default() }.encode(link);
                link = next;
                let bytes = if frame == 9 && !last.is_empty() { last.to_vec() } else { bytes };
                if lost != Some(frame) {
                    let segment = disk.log().expect("it was begun");
                    disk.write(&[(segment, &keys::key(frame, keys::ENTRY, 0), bytes.as_slice())])?;
                }
            }
            Ok(check(&disk).err().map_or_else(String::new, |error| error.to_string()))
        };
        assert_eq!(said(None, b"")?, "");
        assert_eq!(said(Some(3), b"")?, "", "what was trimmed is not missed");
        assert!(said(Some(5), b"")?.contains("the entry of frame 8"));
        assert!(said(Some(8), b"")?.contains("the entry of frame 9"));
        assert!(said(None, b"no entry")?.contains("the entry of frame 9"));
        Ok(())
    }
}
