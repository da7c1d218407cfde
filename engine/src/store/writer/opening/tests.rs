//! Who makes the frames is written down when nothing refuses them, and beside what it makes.

use std::collections::BTreeMap;
use std::path::Path;

use crate::store::{
    Base, DeltaWriter, Durability, Entry, Recovered, Store, StoreError, StoreOptions, inspect,
};

fn open(dir: &Path, program: &str) -> Result<(Store, Option<Recovered>), StoreError> {
    let options = StoreOptions {
        durability: Durability::Inputs(1000),
        program: program.to_owned(),
        ..StoreOptions::default()
    };
    Store::open(dir, &[], &BTreeMap::new(), &options)
}

fn checkpoint(store: &mut Store, frame: u64) -> Result<(), StoreError> {
    let (tables, serials) = (Vec::new(), BTreeMap::new());
    store.begin_checkpoint(Base { frame, dt: 0.5, tables, serials, digest: None, by_inputs: true })?;
    store.end_checkpoint()
}

/// Claim: of a world whose last frames are known by what came in, a program that is taken for theirs and then refused (an
/// earlier build said no settings) leaves no word behind: the one that made them opens it. Once the new one has written the
/// state down, frames are its own.
#[test]
fn a_program_that_is_refused_is_not_written_down() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let (earlier, wrong) = ("system a\n", "setting system a: every 3\nsystem a\n");
    let (mut store, _) = open(dir.path(), earlier)?;
    let mut writer = DeltaWriter::default();
    writer.begin(store.buffer(), 0, 0.5);
    store.submit(writer.finish())?;
    checkpoint(&mut store, 0)?;
    store.submit_entry(Entry { frame: 1, still: true, ..Entry::default() })?;
    drop(store);
    // Refused: dropped before anything is handed over.
    let (store, recovered) = open(dir.path(), wrong)?;
    assert!(recovered.is_some_and(|recovered| recovered.tail.is_some_and(|tail| tail.last == 1)));
    drop(store);
    drop(open(dir.path(), earlier)?);
    // Not refused, but ended before the state is written down: the frames are still those of the one before.
    let (mut store, _) = open(dir.path(), wrong)?;
    store.confirm()?;
    drop(store);
    drop(open(dir.path(), earlier)?);
    let (mut store, _) = open(dir.path(), wrong)?;
    checkpoint(&mut store, 1)?;
    store.submit_entry(Entry { frame: 2, still: true, ..Entry::default() })?;
    drop(store);
    let error = open(dir.path(), earlier).map(drop).expect_err("another program made frame 2").to_string();
    assert!(error.contains("every 3"), "{error}");
    assert!(open(dir.path(), wrong)?.1.is_some());
    assert_eq!(inspect(dir.path(), None)?.problems, Vec::<String>::new());
    Ok(())
}
