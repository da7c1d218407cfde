//! Keyspaces are used again: a world that is checkpointed often leaves nothing behind, and is the same as ever.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use diptych_engine::store::{
    Base, DeltaWriter, Entry, History, InputLog, LogReader, Mark, RowKind, Store, StoreOptions, TableShape,
    TypeEntry, backup, inspect,
};
use diptych_engine::testkit;

use super::model::facts;

const ROWS: u32 = 50;

/// Makes a frame whose rows all say its number, with an entry of the log, and a whole checkpoint of it.
fn frame(store: &mut Store, writer: &mut DeltaWriter, frame: u64) -> Result<(), Box<dyn Error>> {
    let ids: Vec<u8> = (0..u64::from(ROWS)).flat_map(u64::to_le_bytes).collect();
    let values: Vec<u8> = (0..ROWS).flat_map(|_| frame.to_le_bytes()).collect();
    writer.begin(store.buffer(), frame, 0.5);
    if frame == 0 {
        writer.table(0, &[0, 1]);
        writer.push(0, ROWS);
        writer.rows_fixed(0, 0, 0, ROWS, Mark::Added, &ids);
    }
    writer.rows_fixed(1, 0, 0, ROWS, Mark::Changed, &values);
    let entry = Entry { frame, still: true, digest: Some(u128::from(frame)), ..Entry::default() };
    store.submit_with(writer.finish(), Some(entry))?;
    let tables = vec![TableShape { types: vec![0, 1], rows: ROWS }];
    let (serials, digest) = (Default::default(), None);
    store.begin_checkpoint(Base { frame, dt: 0.5, tables, serials, digest, by_inputs: false })?;
    writer.begin_page(store.buffer(), frame);
    writer.rows_fixed(0, 0, 0, ROWS, Mark::Moved, &ids);
    writer.rows_fixed(1, 0, 0, ROWS, Mark::Moved, &values);
    store.page(writer.finish())?;
    Ok(store.end_checkpoint()?)
}

/// Files of a folder of the database.
fn files(dir: &Path, folder: &str) -> Result<usize, Box<dyn Error>> {
    let all = testkit::files(dir)?;
    Ok(all.iter().filter(|file| file.path.to_string_lossy().contains(folder)).count())
}

/// Goal: after hundreds of checkpoints, each with a new segment of the log of inputs, over several openings, with and
/// without history, fjall's own keyspace has no more files than after a few, a look back at each kept frame gives that
/// frame, also where it began before epochs went, the log has every entry from where it begins to the end, and the world
/// comes back as it was. A keyspace made for each checkpoint or segment leaves six files more for each.
#[test]
fn many_checkpoints_leave_no_files() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let types = [("a", RowKind::Fixed(8))].map(|(name, row)| TypeEntry {
        name: name.to_owned(),
        version: 1,
        row,
        layout: 0,
        transient: false,
    });
    let (mut next, mut writer) = (0_u64, DeltaWriter::default());
    for history in [0, 7, 0] {
        let mut options = StoreOptions::default();
        options.history = History::frames(history);
        // So few bytes make a segment of each entry.
        options.inputs = InputLog { frames: 5, bytes: 100 };
        let (mut store, recovered) = Store::open(dir.path(), &types, &facts(), &options)?;
        let last = recovered.map(|recovered| recovered.frame);
        assert_eq!(last, next.checked_sub(1), "the last frame comes back");
        let past = store.past();
        for _ in 0..70 {
            frame(&mut store, &mut writer, next)?;
            next += 1;
            if next % 10 == 0 {
                store.flush()?;
                let kept = past.retained().ok_or("frames are kept")?;
                for frame in kept.clone() {
                    let image = past.at(frame)?;
                    let value = image.value(diptych_engine::Id::from_bits(3), "a");
                    assert_eq!(value, Some(&frame.to_le_bytes()[..]), "frame {frame} of {kept:?}");
                }
            }
        }
        store.flush()?;
        let (own, all) = (files(dir.path(), "keyspaces/0/")?, files(dir.path(), "keyspaces/")?);
        assert!(own > 0 && own < 250, "{own} files of fjall's own after {next} checkpoints");
        assert!(all < 300, "{all} files after {next} checkpoints");
        drop(store);
        assert_eq!(inspect(dir.path(), None)?.problems, Vec::<String>::new());
        let mut log = LogReader::open(dir.path())?;
        let first = log.first_logged()?;
        assert!((next - 10..next).contains(&first), "the log begins with frame {first} of {next}");
        let mut logged = Vec::new();
        while let Some(entry) = log.next_entry()? {
            logged.push((entry.frame, entry.digest));
        }
        assert_eq!(logged, (first..next).map(|frame| (frame, Some(u128::from(frame)))).collect::<Vec<_>>());
    }
    Ok(())
}

/// Goal: while somebody holds the shared lock on FORMAT, as a copy of the directory does, no table goes that was there,
/// neither of an epoch nor of the log, at checkpoints and at an opening that is to end both; once it is given back, they do.
#[test]
fn nothing_goes_while_the_directory_is_copied() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let types =
        [TypeEntry { name: "a".to_owned(), version: 1, row: RowKind::Fixed(8), layout: 0, transient: false }];
    let mut options = StoreOptions::default();
    options.inputs = InputLog { frames: 5, bytes: 100 };
    options.history = History::frames(6);
    let mut writer = DeltaWriter::default();
    // Tables of epochs and of the log; fjall's own, the world's and the segment being written are joined whenever.
    let tables = |dir: &Path| -> Result<Vec<PathBuf>, Box<dyn Error>> {
        let all = testkit::files(dir)?.into_iter().map(|file| file.path);
        let own = ["db/keyspaces/0/", "db/keyspaces/1/"].map(Path::new);
        Ok(all
            .filter(|path| path.to_string_lossy().contains("/tables/"))
            .filter(|path| own.iter().all(|own| !path.starts_with(own)))
            .collect())
    };
    let (mut store, _) = Store::open(dir.path(), &types, &facts(), &options)?;
    for number in 0..20 {
        frame(&mut store, &mut writer, number)?;
    }
    store.flush()?;
    let format = std::fs::File::open(dir.path().join("FORMAT"))?;
    format.lock_shared()?;
    // What a copy takes. Beside it lie tables of keyspaces that were emptied before; fjall removes those in its own time.
    let copies = tempfile::tempdir()?;
    let mut before = Vec::new();
    // And it writes them in its own time: a slow disk has but few at first.
    for copy in 0..600 {
        let copy = copies.path().join(copy.to_string());
        backup(dir.path(), &copy, &mut |_, _| {})?;
        before = tables(&copy)?;
        if before.len() > 4 {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(before.len() > 4, "{before:?}");
    let missing = || -> Result<Vec<_>, Box<dyn Error>> {
        let now = tables(dir.path())?;
        Ok(before.iter().filter(|path| !now.contains(path)).cloned().collect())
    };
    for number in 20..25 {
        frame(&mut store, &mut writer, number)?;
    }
    store.flush()?;
    assert_eq!(missing()?, Vec::<PathBuf>::new(), "at checkpoints");
    drop(store);
    options.inputs = InputLog::NONE;
    options.history = History::frames(0);
    let (mut store, _) = Store::open(dir.path(), &types, &facts(), &options)?;
    store.confirm()?;
    store.flush()?;
    assert_eq!(missing()?, Vec::<PathBuf>::new(), "at the opening");
    format.unlock()?;
    // Done with the next thing that is written.
    store.flush()?;
    store.flush()?;
    drop(store);
    assert!(missing()?.len() > before.len() / 2, "{:?} of {before:?}", missing()?);
    Ok(())
}
