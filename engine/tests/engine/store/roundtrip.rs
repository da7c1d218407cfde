//! What was submitted comes back: in one go, in pieces, through checkpoints and empty frames.

use std::time::Duration;

use diptych_engine::store::{DeltaWriter, Durability, Mark, Store};

use super::model::{Driver, FIXED, Model, facts, open, options, types};

#[test]
fn a_world_comes_back_after_every_close_with_its_marks() -> Result<(), Box<dyn std::error::Error>> {
    // Goal: any history, closed at random points, is recovered exactly. Method: the naive model.
    for seed in 0..12 {
        let dir = tempfile::tempdir()?;
        let mut driver = Driver::new(seed);
        for round in 0..8 {
            let (mut store, recovered) = open(dir.path(), Durability::Buffered)?;
            driver.reopened();
            match recovered {
                None => {
                    assert_eq!(driver.model.frame, None, "seed {seed}: the world is gone in round {round}")
                }
                Some(recovered) => driver
                    .model
                    .compare(&recovered)
                    .map_err(|difference| format!("seed {seed} round {round}: {difference}"))?,
            }
            for _ in 0..1 + driver.pace.below(40) {
                driver.frame(&mut store)?;
            }
        }
    }
    Ok(())
}

#[test]
fn every_durability_acknowledges_after_a_flush() -> Result<(), Box<dyn std::error::Error>> {
    // Goal: flush means durable in every mode, and the modes that promise more need no flush.
    for durability in [Durability::Memory, Durability::Buffered, Durability::Synced, Durability::Every(3)] {
        let dir = tempfile::tempdir()?;
        let (mut store, _) = open(dir.path(), durability)?;
        let mut driver = Driver::new(3);
        for _ in 0..20 {
            driver.frame(&mut store)?;
        }
        let last = driver.model.frame.expect("twenty frames were made");
        if durability == Durability::Synced || durability == Durability::Buffered {
            assert!(
                store.wait_durable(last, Duration::from_secs(20))?,
                "{durability:?}: frame {last} in 20 s"
            );
        }
        store.flush()?;
        assert_eq!(store.durable_frame(), last, "{durability:?}");
    }
    Ok(())
}

#[test]
fn facts_and_types_that_differ_are_refused_by_name() -> Result<(), Box<dyn std::error::Error>> {
    // Goal: each mismatch names the key or type. Method: open a fresh world again with each one wrong.
    let dir = tempfile::tempdir()?;
    let (mut store, _) = open(dir.path(), Durability::Buffered)?;
    Driver::new(1).frame(&mut store)?;
    drop(store);
    let refused = |types: &[_], facts: &_| {
        let opened = Store::open(dir.path(), types, facts, &options(Durability::Buffered));
        opened.err().map_or_else(String::new, |error| error.to_string())
    };
    let mut other = facts();
    other.insert("test.rule".to_owned(), "B36/S23".to_owned());
    let message = refused(&types(), &other);
    assert!(message.contains("test.rule is \"B3/S23\" in the store, \"B36/S23\" was given"), "{message}");
    let message = refused(&types()[..2], &facts());
    assert!(message.contains("\"test.text\"") && message.contains("not registered"), "{message}");
    let mut layout = types();
    layout[0].layout = 8;
    let message = refused(&layout, &facts());
    assert!(message.contains("\"test.fixed\"") && message.contains("raise the version"), "{message}");
    let (store, _) = open(dir.path(), Durability::Buffered)?;
    assert_eq!(store.type_key("test.fixed"), Some(FIXED));
    Ok(())
}

#[test]
fn a_newer_version_needs_a_whole_checkpoint_first() -> Result<(), Box<dyn std::error::Error>> {
    // Goal: no record of the new layout can ever be replayed onto rows of the old one.
    let dir = tempfile::tempdir()?;
    let (mut store, _) = open(dir.path(), Durability::Buffered)?;
    let mut writer = DeltaWriter::default();
    writer.begin(store.buffer(), 0, 0.0);
    writer.table(0, &[0, FIXED]);
    writer.push(0, 1);
    writer.rows_fixed(0, 0, 0, 1, Mark::Added, &1_u64.to_le_bytes());
    writer.rows_fixed(FIXED, 0, 0, 1, Mark::Added, &[1; 12]);
    store.submit(writer.finish())?;
    drop(store);

    let mut newer = types();
    newer[0] = diptych_engine::store::TypeEntry {
        version: 2,
        row: diptych_engine::store::RowKind::Fixed(4),
        ..newer[0].clone()
    };
    for _ in 0..2 {
        // The first time the process "dies" before the checkpoint: nothing may have changed.
        let (mut store, recovered) =
            Store::open(dir.path(), &newer, &facts(), &options(Durability::Buffered))?;
        let recovered = recovered.expect("one frame was submitted");
        assert_eq!(recovered.stored_types[usize::from(FIXED)].version, 1);
        assert!(store.upgrade_pending() && store.checkpoint_due(), "the engine is told");
        writer.begin(store.buffer(), 1, 0.0);
        assert!(store.submit(writer.finish()).is_err(), "a record before the checkpoint");
    }
    let (mut store, _) = Store::open(dir.path(), &newer, &facts(), &options(Durability::Buffered))?;
    let mut model = Model { frame: Some(0), ..Model::default() };
    model.tables.push(super::model::Table {
        types: vec![0, FIXED],
        rows: vec![[(0, 1_u64.to_le_bytes().to_vec()), (FIXED, vec![9; 4])].into()],
    });
    store.begin_checkpoint(model.base())?;
    store.page(model.page(0, 0, 1, &mut writer, Vec::new()))?;
    store.end_checkpoint()?;
    drop(store);
    let (_store, recovered) = Store::open(dir.path(), &newer, &facts(), &options(Durability::Buffered))?;
    let recovered = recovered.expect("the checkpoint holds one row");
    assert_eq!(recovered.stored_types[usize::from(FIXED)].version, 2);
    model.marks.extend([((0, 1), Mark::Added), ((FIXED, 1), Mark::Added)]);
    model.compare(&recovered)?;
    Ok(())
}
