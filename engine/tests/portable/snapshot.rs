//! Snapshots: what is written comes back, goes on as the original, and is refused where it is not whole.

use super::scene::{engine, scene};
use super::*;
use diptych_engine::store::{
    Image, MarkedRows, RecoveredTable, import, inspect, read_snapshot, write_snapshot,
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
