//! What belongs to one frame alone, values of transient types and notes: there with their frame, gone with
//! the next, in whatever way the frame comes back.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;

use diptych_engine::store::{
    Base, Column, DeltaReader, DeltaWriter, Durability, Mark, Operation, RawWorld, Recovered, RowKind, Store,
    TableShape, TypeEntry, inspect,
};

use super::model::{FIXED, FLASH, WORD, facts, open, options, types};

type Tried<T = ()> = Result<T, Box<dyn Error>>;

/// Frame 0: four rows of both transient types, none of them set but 1 and 2; a note.
fn begin(store: &mut Store, writer: &mut DeltaWriter) -> Tried {
    writer.begin(store.buffer(), 0, 0.5);
    writer.table(0, &[0, FIXED, FLASH, WORD]);
    writer.push(0, 4);
    for row in 0..4 {
        writer.rows_fixed(0, 0, row, 1, Mark::Added, &u64::from(row + 1).to_le_bytes());
    }
    writer.rows_fixed(FIXED, 0, 0, 4, Mark::Added, &[7; 48]);
    set(writer, 1, 2, 0x11);
    writer.note("outbox", |out| out.extend_from_slice(b"ten coins"));
    writer.note("jobs", |_| {});
    Ok(store.submit(writer.finish())?)
}

/// Sets both transient types of some rows of table 0.
fn set(writer: &mut DeltaWriter, first: u32, count: u32, byte: u8) {
    writer.rows_fixed(FLASH, 0, first, count, Mark::Changed, &vec![byte; 8 * count as usize]);
    writer.rows_variable(WORD, 0, first, count, Mark::Changed, |row, out| {
        out.extend(std::iter::repeat_n(byte, 1 + row as usize));
    });
}

fn base(frame: u64, rows: u32) -> Base {
    let tables = vec![TableShape { types: vec![0, FIXED, FLASH, WORD], rows }];
    Base { frame, dt: 0.5, tables, serials: BTreeMap::new(), digest: None, by_inputs: false }
}

/// The page of a whole table, as the engine makes it: without transient types.
fn page(store: &mut Store, writer: &mut DeltaWriter, frame: u64, rows: u32) -> Tried {
    writer.begin_page(store.buffer(), frame);
    for row in 0..rows {
        writer.rows_fixed(0, 0, row, 1, Mark::Moved, &u64::from(row + 1).to_le_bytes());
    }
    writer.rows_fixed(FIXED, 0, 0, rows, Mark::Moved, &vec![7; 12 * rows as usize]);
    Ok(store.page(writer.finish())?)
}

/// The transient values of table 0, row by row: the byte of the fixed one (which must be eight times the
/// same), and the variable one.
fn values(recovered: &Recovered) -> Vec<(u8, Vec<u8>)> {
    let table = &recovered.tables[0];
    let column = |key| &table.columns[table.types.iter().position(|other| *other == key).expect("it has it")];
    (0..table.rows as usize)
        .map(|row| {
            let flash = column(FLASH).row(row);
            assert_eq!(flash, [flash[0]; 8], "row {row} is half a value");
            (flash[0], column(WORD).row(row).to_vec())
        })
        .collect()
}

fn blank() -> (u8, Vec<u8>) {
    (0, Vec::new())
}

/// Frame 0 as [`begin`] made it.
fn is_first(recovered: &Recovered) {
    assert_eq!(recovered.frame, 0);
    assert_eq!(values(recovered), [blank(), (0x11, vec![0x11]), (0x11, vec![0x11; 2]), blank()]);
    let notes = [("jobs".to_owned(), Vec::new()), ("outbox".to_owned(), b"ten coins".to_vec())];
    assert_eq!(recovered.notes, BTreeMap::from(notes));
    let marked = recovered.marks.iter().filter(|marked| marked.key == FLASH || marked.key == WORD);
    assert_eq!(marked.map(|marked| marked.count).sum::<u32>(), 4, "two rows of two types are marked");
}

fn reopen(dir: &tempfile::TempDir) -> Tried<(Store, Recovered)> {
    let (store, recovered) = open(dir.path(), Durability::Buffered)?;
    Ok((store, recovered.ok_or("the world is gone")?))
}

#[test]
fn they_come_back_with_their_frame_however_often_it_is_opened() -> Tried {
    // Goal: at once, and again where nothing was made in between.
    let (dir, mut writer) = (tempfile::tempdir()?, DeltaWriter::default());
    begin(&mut open(dir.path(), Durability::Buffered)?.0, &mut writer)?;
    for _ in 0..3 {
        is_first(&reopen(&dir)?.1);
    }
    Ok(())
}

#[test]
fn an_empty_frame_ends_them() -> Tried {
    // Goal: no value, mark or note survives a frame without a record; the other types do.
    let (dir, mut writer) = (tempfile::tempdir()?, DeltaWriter::default());
    let (mut store, _) = open(dir.path(), Durability::Buffered)?;
    begin(&mut store, &mut writer)?;
    store.empty_to(1);
    drop(store);
    let (mut store, recovered) = reopen(&dir)?;
    assert_eq!((recovered.frame, values(&recovered)), (1, vec![blank(); 4]));
    assert!(recovered.notes.is_empty() && recovered.marks.is_empty(), "{recovered:?}");
    let Column::Fixed { bytes, .. } = &recovered.tables[0].columns[1] else {
        return Err("a fixed column came back as a variable one".into());
    };
    assert_eq!(bytes, &[7; 48], "the other types are as they were");
    // A checkpoint of an empty frame has nothing of the frame before it.
    store.begin_checkpoint(base(1, 4))?;
    page(&mut store, &mut writer, 1, 4)?;
    store.end_checkpoint()?;
    drop(store);
    let recovered = reopen(&dir)?.1;
    assert_eq!((recovered.frame, values(&recovered)), (1, vec![blank(); 4]));
    assert!(recovered.notes.is_empty() && recovered.marks.is_empty(), "{recovered:?}");
    Ok(())
}

#[test]
fn a_checkpoint_is_recovered_at_exactly_its_own_frame() -> Tried {
    // Goal: the copy of the record holds what the pages do not. Method: checkpoints of frame 0, the second
    // and third made by stores that have only the copy, so that each is a copy of a copy.
    let (dir, mut writer) = (tempfile::tempdir()?, DeltaWriter::default());
    let (mut store, _) = open(dir.path(), Durability::Buffered)?;
    begin(&mut store, &mut writer)?;
    for _ in 0..3 {
        store.begin_checkpoint(base(0, 4))?;
        page(&mut store, &mut writer, 0, 4)?;
        store.end_checkpoint()?;
        drop(store);
        let (again, recovered) = reopen(&dir)?;
        is_first(&recovered);
        store = again;
    }
    // The next frame ends what the copy gave.
    writer.begin(store.buffer(), 1, 0.5);
    set(&mut writer, 3, 1, 0x22);
    store.submit(writer.finish())?;
    drop(store);
    let recovered = reopen(&dir)?.1;
    assert_eq!(values(&recovered), [blank(), blank(), blank(), (0x22, vec![0x22])]);
    assert!(recovered.notes.is_empty(), "{:?}", recovered.notes);
    Ok(())
}

#[test]
fn a_checkpoint_that_is_copied_over_several_frames_brings_nothing_back() -> Tried {
    // Goal: pages between records never carry a value over. Method: a copy begun after frame 0, a page after
    // frame 2, ended after frame 3; closed after each of the frames, with the copy ended and not.
    for last in 1..=4_u64 {
        let (dir, mut writer) = (tempfile::tempdir()?, DeltaWriter::default());
        let (mut store, _) = open(dir.path(), Durability::Buffered)?;
        begin(&mut store, &mut writer)?;
        store.begin_checkpoint(base(0, 4))?;
        for frame in 1..=last {
            writer.begin(store.buffer(), frame, 0.5);
            set(&mut writer, frame as u32 % 4, 1, frame as u8);
            writer.note("outbox", |out| out.push(frame as u8));
            store.submit(writer.finish())?;
            match frame {
                2 => page(&mut store, &mut writer, 2, 4)?,
                3 => store.end_checkpoint()?,
                _ => {}
            }
        }
        drop(store);
        let recovered = reopen(&dir)?.1;
        let mut expected = vec![blank(); 4];
        expected[last as usize % 4] = (last as u8, vec![last as u8]);
        assert_eq!((recovered.frame, values(&recovered)), (last, expected));
        assert_eq!(recovered.notes, BTreeMap::from([("outbox".to_owned(), vec![last as u8])]));
    }
    Ok(())
}

#[test]
fn structure_moves_rows_and_no_old_value_with_them() -> Tried {
    // Goal: rows moved by the next frame are blank at both ends; rows set after they moved are not.
    for set_after in [false, true] {
        let (dir, mut writer) = (tempfile::tempdir()?, DeltaWriter::default());
        let (mut store, _) = open(dir.path(), Durability::Buffered)?;
        begin(&mut store, &mut writer)?;
        writer.begin(store.buffer(), 1, 0.5);
        writer.table(1, &[0, FLASH, WORD]);
        // Row 1, which was set, moves away, and row 3 fills the hole; then row 2, the other one, fills that of 0.
        writer.move_row(0, 1, 1);
        writer.swap_remove(0, 0);
        if set_after {
            writer.rows_fixed(FLASH, 1, 0, 1, Mark::Changed, &[0x33; 8]);
            set(&mut writer, 1, 1, 0x44);
        }
        store.submit(writer.finish())?;
        drop(store);
        let recovered = reopen(&dir)?.1;
        let (expected, moved) =
            if set_after { ([blank(), (0x44, vec![0x44])], 0x33) } else { ([blank(), blank()], 0) };
        assert_eq!(values(&recovered), expected);
        let other = &recovered.tables[1];
        assert_eq!(
            (other.rows, other.columns[1].row(0), other.columns[2].row(0)),
            (1, &[moved; 8][..], &[][..])
        );
    }
    Ok(())
}

#[test]
fn a_damaged_note_is_found() -> Tried {
    // Goal: a byte of a note in a synced record is an error that names the place, not another note.
    let (dir, mut writer) = (tempfile::tempdir()?, DeltaWriter::default());
    let (mut store, _) = open(dir.path(), Durability::Buffered)?;
    begin(&mut store, &mut writer)?;
    drop(store);
    let journal = dir.path().join("db/0.jnl");
    let whole = fs::read(&journal)?;
    let at =
        whole.windows(9).position(|bytes| bytes == b"ten coins").ok_or("the note is not in the journal")?;
    for byte in at..at + 9 {
        let mut damaged = whole.clone();
        damaged[byte] ^= 1;
        fs::write(&journal, damaged)?;
        let message =
            open(dir.path(), Durability::Buffered).err().map_or_else(String::new, |e| e.to_string());
        assert!(message.contains("0.jnl at byte "), "byte {byte}: {message}");
    }
    fs::write(&journal, whole)?;
    is_first(&reopen(&dir)?.1);
    Ok(())
}

#[test]
fn a_note_that_is_cut_short_is_an_error_with_its_place() -> Tried {
    // Goal: lengths that lie, and names that are no text, are refused whatever the checksums say.
    let mut writer = DeltaWriter::default();
    writer.begin(Vec::new(), 3, 0.5);
    writer.note("outbox", |out| out.extend_from_slice(b"ten coins"));
    writer.note("outbox", |out| out.extend_from_slice(b"later"));
    let whole = writer.finish().into_sealed_bytes();
    let operations: Vec<_> = DeltaReader::parse(&whole)?.operations().collect::<Result<_, _>>()?;
    let [first, second] = [b"ten coins".as_slice(), b"later"];
    let note = |bytes| Operation::Note { name: "outbox", bytes };
    assert_eq!(operations, [note(first), note(second)]);
    // Tag, length of the name, name, length of the bytes.
    for (at, byte, expected) in [
        (64 + 1, 0xFF, "bytes are announced"),
        (64 + 3, 0xFF, "not UTF-8"),
        (64 + 9 + 1, 0xFF, "bytes are announced"),
        (64 + 9 + 7, 0xFF, "bytes are announced"),
        (64, 14, "14 is no operation"),
    ] {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        super::fuzz::reseal(&mut bytes);
        let read: Result<Vec<_>, _> = DeltaReader::parse(&bytes)?.operations().collect();
        let message = read.err().map_or_else(String::new, |error| error.to_string());
        assert!(message.contains(expected), "byte {at}: {message}");
    }
    Ok(())
}

#[test]
fn replay_in_memory_keeps_the_last_record_alone() -> Tried {
    // Goal: `RawWorld` by itself follows the rule, also for moved runs, which a transient type has none of,
    // and refuses a record with a bug, that removes rows after it has set some: their values would outlive it.
    let ids = TypeEntry {
        name: "diptych.id".to_owned(),
        version: 1,
        row: RowKind::Fixed(8),
        layout: 0,
        transient: false,
    };
    let catalog: Vec<TypeEntry> = std::iter::once(ids).chain(types()).collect();
    let (mut world, mut writer) = (RawWorld::new(&catalog), DeltaWriter::default());
    let mut apply = |frame, write: &dyn Fn(&mut DeltaWriter)| -> Tried<Vec<u8>> {
        writer.begin(Vec::new(), frame, 0.5);
        write(&mut writer);
        world.apply(&DeltaReader::parse(&writer.finish().into_sealed_bytes())?)?;
        Ok((0..world.tables[0].rows as usize).map(|row| world.tables[0].columns[0].row(row)[0]).collect())
    };
    let first = apply(0, &|writer| {
        writer.table(0, &[FLASH]);
        writer.push(0, 3);
        writer.rows_fixed(FLASH, 0, 0, 2, Mark::Added, &[1; 16]);
    })?;
    assert_eq!(first, [1, 1, 0]);
    let second = apply(1, &|writer| {
        writer.rows_fixed(FLASH, 0, 1, 1, Mark::Moved, &[9; 8]);
        writer.swap_remove(0, 0);
        writer.rows_fixed(FLASH, 0, 1, 1, Mark::Changed, &[2; 8]);
    })?;
    assert_eq!(second, [0, 2]);
    assert_eq!(apply(2, &|_| {})?, [0, 0], "a record without values ends the last one's");
    let late = apply(3, &|writer| {
        writer.rows_fixed(FLASH, 0, 1, 1, Mark::Changed, &[3; 8]);
        writer.swap_remove(0, 0);
    });
    let message = late.err().map_or_else(String::new, |error| error.to_string());
    assert!(message.contains("before structure moves rows"), "{message}");
    let beyond = apply(4, &|writer| writer.rows_fixed(FLASH, 0, 9, 1, Mark::Changed, &[4; 8]));
    assert!(beyond.is_err(), "there are two rows");
    assert_eq!(apply(5, &|_| {})?, [0, 0], "a refused record leaves nothing behind");
    Ok(())
}

#[test]
fn a_type_is_transient_for_ever_or_takes_a_new_version() -> Tried {
    // Goal: either change is refused by name; a new version is an upgrade, whose pages have the rows that the
    // last frame set, as the copy cannot: its values are the older version's.
    let (dir, mut writer) = (tempfile::tempdir()?, DeltaWriter::default());
    begin(&mut open(dir.path(), Durability::Buffered)?.0, &mut writer)?;
    for (index, expected) in [(0, "registered as transient"), (3, "registered as not transient")] {
        let mut other = types();
        other[index].transient ^= true;
        let opened = Store::open(dir.path(), &other, &facts(), &options(Durability::Buffered));
        let message = opened.err().map_or_else(String::new, |error| error.to_string());
        assert!(message.contains(&other[index].name) && message.contains(expected), "{message}");
    }
    let mut newer = types();
    newer[3] = TypeEntry { version: 2, row: RowKind::Fixed(4), ..newer[3].clone() };
    let reopened = || Store::open(dir.path(), &newer, &facts(), &options(Durability::Buffered));
    let (mut store, recovered) = reopened()?;
    is_first(&recovered.ok_or("the world is gone")?);
    store.begin_checkpoint(base(0, 4))?;
    page(&mut store, &mut writer, 0, 4)?;
    writer.begin_page(store.buffer(), 0);
    writer.rows_fixed(FLASH, 0, 1, 2, Mark::Changed, &[5; 8]);
    writer.rows_variable(WORD, 0, 1, 2, Mark::Changed, |row, out| out.push(row as u8));
    store.page(writer.finish())?;
    store.end_checkpoint()?;
    drop(store);
    let (mut store, recovered) = reopened()?;
    let recovered = recovered.ok_or("the world is gone")?;
    let column =
        |index: usize| (0..4).map(|row| recovered.tables[0].columns[index].row(row)).collect::<Vec<_>>();
    assert_eq!(column(2), [&[0; 4][..], &[5; 4], &[5; 4], &[0; 4]]);
    assert_eq!(column(3), [&[][..], &[0], &[1], &[]]);
    assert_eq!(recovered.notes["outbox"], b"ten coins");
    writer.begin(store.buffer(), 1, 0.5);
    store.submit(writer.finish())?;
    drop(store);
    let recovered = reopened()?.1.ok_or("the world is gone")?;
    assert!((0..4).all(|row| recovered.tables[0].columns[2].row(row) == [0; 4]), "a page outlived its frame");
    Ok(())
}

#[test]
fn inspect_counts_the_rows_that_the_last_frame_set() -> Tried {
    // Goal: rows and bytes of transient types, and the notes, are those of the last frame.
    let (dir, mut writer) = (tempfile::tempdir()?, DeltaWriter::default());
    let (mut store, _) = open(dir.path(), Durability::Buffered)?;
    begin(&mut store, &mut writer)?;
    store.flush()?;
    let report = inspect(dir.path(), None)?;
    let counted = |key: u16| (report.types[usize::from(key)].rows, report.types[usize::from(key)].bytes);
    assert_eq!((counted(FIXED), counted(FLASH), counted(WORD)), ((4, 48), (2, 16), (2, 3)));
    assert_eq!(report.frame_notes, BTreeMap::from([("jobs".to_owned(), 0), ("outbox".to_owned(), 9)]));
    let before = report.digest;
    store.empty_to(1);
    store.flush()?;
    let report = inspect(dir.path(), None)?;
    let counted = |key: u16| (report.types[usize::from(key)].rows, report.types[usize::from(key)].bytes);
    assert_eq!((counted(FIXED), counted(FLASH), counted(WORD)), ((4, 48), (0, 0), (0, 0)));
    assert!(report.frame_notes.is_empty() && report.digest != before, "{report:?}");
    Ok(())
}
