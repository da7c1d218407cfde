//! Snapshots: what is written comes back, goes on as the original, and is refused where it is not whole.

use super::scene::{engine, scene};
use super::*;
use diptych_engine::store::{
    DeltaWriter, Image, Mark, MarkedRows, RecoveredTable, import, inspect, read_snapshot, write_snapshot,
};
use std::collections::BTreeMap;

fn bytes_of(engine: &mut Engine) -> Tried<Vec<u8>> {
    let mut bytes = Vec::new();
    engine.export(&mut bytes)?;
    Ok(bytes)
}

/// All that a frame leaves behind, in the order of the accessors.
type Parts<'a> = (
    &'a [RecoveredTable],
    &'a [MarkedRows],
    &'a BTreeMap<u16, Vec<u64>>,
    &'a BTreeMap<String, Vec<u8>>,
    &'a BTreeMap<u32, u64>,
);

fn parts(image: &Image) -> Parts<'_> {
    (image.tables(), image.marks(), image.removed(), image.notes(), image.serials())
}

#[test]
fn an_import_goes_on_as_the_original() -> Tried {
    // Claim: all of the frame is in the file; equal digests at each of the next frames, of worlds in memory and on disk,
    // whatever the frame was like; a second export is the same bytes.
    let mut removals = 0;
    for made in [0, 1, 5, 13] {
        let mut original = engine()?;
        original.run(Pace::frames(made))?;
        let bytes = bytes_of(&mut original)?;
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("world");
        let (image, extras) = read_snapshot(bytes.as_slice(), |_| {})?;
        assert_eq!((image.frame(), image.digest()), (made, original.digest()));
        let now = original.image()?;
        removals += now.removed().len();
        assert!(parts(&image) == parts(&now), "frame {made}: tables, marks, removals, notes, serials");
        assert_eq!((image.dt(), image.link(), image.facts()), (now.dt(), now.link(), now.facts()));
        assert!(image.stored_digest() == now.stored_digest() && now.stored_digest().is_some());
        assert_eq!(extras.markers.len(), 1, "the scratch component");
        assert_eq!((&*extras.markers[0].table, &*extras.markers[0].field), ("scene.velocity", "Seen"));
        import(&path, &image, |_| {})?;
        let report = inspect(&path, None)?;
        assert_eq!((report.problems, report.digest), (Vec::new(), Some(original.digest().0)));
        let mut imported = scene(Engine::open(&path)).deltas(64).build()?;
        assert_eq!(imported.frame(), made);
        let again = bytes_of(&mut imported)?;
        if made > 0 {
            assert!(again == bytes, "an export of the import is the same bytes");
        }
        for _ in 0..40 {
            original.run(Pace::frames(25))?;
            imported.run(Pace::frames(25))?;
            assert_eq!(original.digest(), imported.digest(), "frame {}", original.frame());
        }
        let (a, b) = (imported.image()?, original.image()?);
        assert!(a.tables() == b.tables() && a.marks() == b.marks(), "rows in one order, marks alike");
        assert!(a.notes() == b.notes() && a.serials() == b.serials() && a.removed() == b.removed());
    }
    assert!(removals > 0, "no frame removed anything");
    Ok(())
}

#[test]
fn a_live_image_is_what_a_directory_gives_back() -> Tried {
    // Claim: tables, rows, marks, removals, notes and serials of a running engine are those that recovery finds.
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("world");
    let mut engine = scene(Engine::open(&path)).build()?;
    for _ in 0..12 {
        engine.step()?;
        let image = engine.image()?;
        drop(engine);
        engine = scene(Engine::open(&path)).build()?;
        let recovered = engine.image()?;
        assert_eq!(parts(&image), parts(&recovered), "frame {}", image.frame());
        assert_eq!(image.digest(), engine.digest());
    }
    Ok(())
}

#[test]
fn a_snapshot_that_is_not_whole_is_refused_and_nothing_is_left_behind() -> Tried {
    // Claim: each cut, each changed byte, each format of tomorrow is refused by name, and no directory appears.
    let mut original = engine()?;
    original.run(Pace::frames(6))?;
    let bytes = bytes_of(&mut original)?;
    let refusal =
        |bytes: &[u8]| read_snapshot(bytes, |_| {}).err().map_or_else(String::new, |error| error.to_string());
    for length in (0..bytes.len()).step_by(97) {
        let said = refusal(&bytes[..length]);
        assert!(said.contains("cut in") || said.contains("ends before"), "{length}: {said}");
        assert!(said.contains("byte"), "{said}");
    }
    for at in (0..bytes.len()).step_by(31) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x40;
        assert!(refusal(&changed).contains("block"), "byte {at}");
    }
    let mut tomorrow = bytes.clone();
    tomorrow[4] = 2;
    assert!(refusal(&tomorrow).contains("format is 2"));
    assert!(refusal(b"hello, this is no snapshot at all").contains("no snapshot"));
    let directory = tempfile::tempdir()?;
    let (image, _) = read_snapshot(bytes.as_slice(), |_| {})?;
    std::fs::write(directory.path().join("letter"), "to keep")?;
    let said = import(directory.path(), &image, |_| {}).err().map_or_else(String::new, |e| e.to_string());
    assert!(said.contains("not empty"), "{said}");
    let names: Vec<_> = std::fs::read_dir(directory.path())?.collect();
    assert_eq!(names.len(), 1, "the letter alone");
    Ok(())
}

#[test]
fn blocks_put_together_wrongly_are_refused() -> Tried {
    // Claim: whole blocks in another order, or of two snapshots, are no world.
    let mut original = engine()?;
    original.run(Pace::frames(3))?;
    let first = bytes_of(&mut original)?;
    original.run(Pace::frames(1))?;
    let second = bytes_of(&mut original)?;
    let blocks = |bytes: &[u8]| -> Vec<Vec<u8>> {
        let (mut rest, mut blocks) = (bytes, Vec::new());
        while !rest.is_empty() {
            let length = u64::from_le_bytes(rest[8..16].try_into().expect("eight bytes")) as usize + 24;
            blocks.push(rest[..length].to_vec());
            rest = &rest[length..];
        }
        blocks
    };
    let (first, second) = (blocks(&first), blocks(&second));
    for at in 0..first.len() {
        let mut mixed = first.clone();
        mixed[at].clone_from(&second[at.min(second.len() - 1)]);
        if mixed != first {
            assert!(
                read_snapshot(mixed.concat().as_slice(), |_| {}).is_err(),
                "block {at} of another snapshot"
            );
        }
        let mut without = first.clone();
        without.remove(at);
        assert!(read_snapshot(without.concat().as_slice(), |_| {}).is_err(), "without block {at}");
    }
    // Whole blocks in their order that say another digest than their rows have: whoever wrote them was wrong.
    let mut wrong = first.clone();
    let end = wrong.last_mut().ok_or("no end")?;
    let sum = end.len() - 8;
    end[sum - 1] ^= 1;
    let checksum = xxhash_rust::xxh3::xxh3_64(&end[..sum]);
    end[sum..].copy_from_slice(&checksum.to_le_bytes());
    let said =
        read_snapshot(wrong.concat().as_slice(), |_| {}).err().map_or_else(String::new, |e| e.to_string());
    assert!(said.contains("written with the digest"), "{said}");
    let mut image = Vec::new();
    let (made, extras) = read_snapshot(first.concat().as_slice(), |_| {})?;
    write_snapshot(&made, &extras, &mut image, |_, _| {})?;
    assert!(image == first.concat());
    Ok(())
}

#[test]
fn no_rows_of_a_table_that_is_not_there_are_refused() -> Tried {
    // Claim: a mark of no rows at all names a table and a type that are there, as any other: who writes the world again
    // looks at both.
    let mut quiet = engine()?;
    quiet.run(Pace::frames(5))?;
    let bytes = bytes_of(&mut quiet)?;
    let copy = bytes.windows(8).position(|head| head == b"DPSN\x01\x00\x05\x00").ok_or("the last record")?;
    let length = u64::from_le_bytes(bytes[copy + 8..copy + 16].try_into()?) as usize;
    let (image, _) = read_snapshot(bytes.as_slice(), |_| {})?;
    let tables = (0..).zip(image.tables());
    let filled = tables.filter_map(|(number, table)| Some((*table.types.last()?, number))).last();
    let (key, table) = filled.ok_or("a table has a type")?;
    for (key, table, refused) in [(key, table, false), (key, 99, true), (999, table, true)] {
        let mut writer = DeltaWriter::default();
        writer.begin(Vec::new(), 5, 0.5);
        writer.rows_fixed(key, table, 0, 0, Mark::Changed, &[]);
        let record = writer.finish().into_sealed_bytes();
        let mut block = bytes[copy..copy + 8].to_vec();
        block.extend_from_slice(&(record.len() as u64).to_le_bytes());
        block.extend_from_slice(&record);
        block.extend_from_slice(&xxhash_rust::xxh3::xxh3_64(&block).to_le_bytes());
        let changed = [&bytes[..copy], &block, &bytes[copy + length + 24..]].concat();
        let read = read_snapshot(changed.as_slice(), |_| {});
        let said = read.err().map_or_else(String::new, |error| error.to_string());
        assert_eq!(said.contains("which is not there"), refused, "{said}");
    }
    Ok(())
}

#[test]
fn wide_rows_that_nobody_sent_are_refused() -> Tried {
    // Claim: a catalog that says of a transient type, which no row of this frame holds, that it has hundreds of
    // megabytes makes nobody allocate them.
    let mut quiet = engine()?;
    quiet.run(Pace::frames(5))?;
    let mut bytes = bytes_of(&mut quiet)?;
    assert!(read_snapshot(bytes.as_slice(), |_| {}).is_ok());
    let name = b"scene.flash";
    let at = bytes.windows(name.len()).position(|bytes| bytes == name).ok_or("the catalog names it")?;
    // Behind the name come the version and the kind.
    bytes[at + name.len() + 5..][..4].copy_from_slice(&300_000_000_u32.to_le_bytes());
    let (mut start, mut end) = (0, 0);
    while end <= at {
        start = end;
        end += u64::from_le_bytes(bytes[start + 8..start + 16].try_into()?) as usize + 24;
    }
    for (from, to) in [(start + 16, end - 16), (start, end - 8)] {
        let sum = xxhash_rust::xxh3::xxh3_64(&bytes[from..to]);
        bytes[to..to + 8].copy_from_slice(&sum.to_le_bytes());
    }
    let said = read_snapshot(bytes.as_slice(), |_| {}).err().map_or_else(String::new, |e| e.to_string());
    assert!(said.contains("are the most"), "{said}");
    Ok(())
}
