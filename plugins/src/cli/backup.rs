//! `diptych backup`: a copy of a world at one frame, while it runs.
//!
//! Invariant: the world is only read, and what is at the target is whole or not there.

use diptych::store;
use serde::Serialize;

use super::Failure;
use super::args::BackupArgs;
use super::progress::Progress;
use super::report::print;

/// The report of a backup.
#[derive(Serialize, Debug)]
struct BackupReport {
    /// The last frame that it holds; `None` where the world has none.
    frame: Option<u64>,
    digest: Option<String>,
    /// The first and the last frame that can be looked at in it.
    kept: Option<(u64, u64)>,
    bytes: u64,
}

/// Copies a world.
pub(crate) fn backup(args: &BackupArgs) -> Result<(), Failure> {
    let mut progress = None;
    let made = store::backup(&args.directory, &args.target, &mut |done, bytes| {
        progress.get_or_insert_with(|| Progress::bytes(bytes)).at(done);
    });
    if let Some(progress) = progress {
        progress.end();
    }
    let made = made.map_err(|error| match error {
        refused @ (store::StoreError::NotAWorld { .. } | store::StoreError::Target { .. }) => {
            Failure::Refused(refused.to_string())
        }
        failed => Failure::Failed(format!("{}: {failed}", args.directory.display())),
    })?;
    let report = BackupReport {
        frame: made.frame,
        digest: made.digest.map(|digest| digest.to_string()),
        kept: made.kept.map(|kept| (*kept.start(), *kept.end())),
        bytes: made.bytes,
    };
    print(&report, args.json, || {
        let frame = report.frame.map_or_else(|| "none".to_owned(), |frame| frame.to_string());
        let digest = report.digest.as_deref().unwrap_or("none");
        let BackupReport { bytes, .. } = report;
        format!("frame          {frame}\ndigest         {digest}\ncopied         {bytes} bytes\n")
    })
}
