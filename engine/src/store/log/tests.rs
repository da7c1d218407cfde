//! Where a log begins, what of it is kept, and what a look at it refuses.

use std::collections::BTreeMap;

use super::*;
use crate::store::history::Kept;
use crate::store::keys;

fn position(checkpoint: u64, head: u64) -> Position {
    Position {
        link: Link::NONE,
        head,
        last_record: Vec::new(),
        record_bytes: 0,
        page_bytes: 0,
        checkpoint,
        by_inputs: true,
        start: checkpoint,
    }
}

fn values(head: (u64, Link, Link)) -> WorldValues {
    let (types, facts) = (Vec::new(), BTreeMap::new());
    WorldValues { types, facts, current: 0, head, program: String::new(), past: Kept::default() }
}

fn write(disk: &Disk, frame: u64, bytes: &[u8]) -> Result<(), StoreError> {
    let segment = disk.log().expect("a log was begun");
    disk.write(&[(segment, &keys::key(frame, keys::ENTRY, 0), bytes)])
}

/// Claim: what came in after a checkpoint is whole from its first entry to the one that the head names, or it is refused:
/// a beginning that is lost, an end that is lost, and bytes that are no entry.
#[test]
fn a_tail_that_is_not_whole_is_refused() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let mut disk = Disk::open(dir.path())?;
    disk.next_log()?;
    let (mut link, mut all) = (Link::NONE, Vec::new());
    for frame in [3, 5, 8] {
        let (bytes, next) = Entry { frame, still: true, ..Entry::default() }.encode(link);
        all.push((frame, bytes));
        link = next;
    }
    let values = values((9, Link::NONE, link));
    for (frame, bytes) in &all[1..] {
        write(&disk, *frame, bytes)?;
    }
    let read = |checkpoint| tail(&disk, &values, &position(checkpoint, 9));
    assert_eq!(read(3)?.entries.len(), 2, "the checkpoint of frame 3 holds its entry");
    let lost = read(2).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(lost.contains("the entry of frame 5") && lost.contains("follows frame 3"), "{lost}");
    write(&disk, 8, b"no entry")?;
    let damaged = read(3).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(damaged.contains("the entry of frame 8"), "{damaged}");
    write(&disk, 8, &Entry { frame: 8, ..Entry::default() }.encode(link).0)?;
    assert!(read(5).is_err(), "another entry than the one that the head names");
    Ok(())
}

/// Claim: settings are compared where both programs say them; one of an earlier build says none.
#[test]
fn settings_are_compared_with_programs_that_say_them() {
    let said = "settings are said, version 1\nplugin a 1\n";
    let other = format!("{said}setting a.size 4\n");
    assert_eq!(difference("plugin a 1\n", &other), None);
    assert_eq!(difference(said, &other), Some(("nothing".to_owned(), "setting a.size 4".to_owned())));
    let older = difference("plugin a 1\n", &other.replace("plugin a 1", "plugin a 2"));
    assert_eq!(older, Some(("plugin a 1".to_owned(), "plugin a 2".to_owned())));
    assert!(difference(&other, said).is_some(), "and the other way");
}

/// Claim: the types of a program are those of its lines, whatever their names.
#[test]
fn types_are_read_from_a_program() {
    let types = types_of("engine 1\ntype a b 3\ntype diptych.id 1\nsystem type 2\n");
    assert_eq!(types.into_iter().collect::<Vec<_>>(), ["a b", "diptych.id"]);
}
