//! How fast a world comes back: figures, run like those of `speed`.

use std::error::Error;
use std::time::Instant;

use diptych_engine::store::{Base, DeltaWriter, Mark, RowKind, Store, StoreOptions, TableShape, TypeEntry};

use super::speed::{disk_bytes, resident_bytes};

#[test]
#[ignore = "prints figures"]
fn reopen_speed() -> Result<(), Box<dyn Error>> {
    // One million entities of two types, as one checkpoint and some records after it.
    for size in [12_usize, 64] {
        let rows = 1_000_000_u32;
        let dir = tempfile::tempdir()?;
        let entry = |name: &str| TypeEntry {
            name: name.to_owned(),
            version: 1,
            row: RowKind::Fixed(size as u32),
            layout: 0,
            transient: false,
        };
        let types = [entry("a"), entry("b")];
        let (mut store, _) = Store::open(dir.path(), &types, &Default::default(), &StoreOptions::default())?;
        let mut writer = DeltaWriter::default();
        let (ids, values) = (vec![1_u8; rows as usize * 8], vec![7_u8; rows as usize * size]);
        writer.begin(Vec::new(), 0, 0.0);
        writer.table(0, &[0, 1, 2]);
        writer.push(0, rows);
        writer.rows_fixed(0, 0, 0, rows, Mark::Added, &ids);
        writer.rows_fixed(1, 0, 0, rows, Mark::Added, &values);
        writer.rows_fixed(2, 0, 0, rows, Mark::Added, &values);
        store.submit(writer.finish())?;
        drop(store);
        for _ in 0..3 {
            let started = Instant::now();
            let (store, recovered) =
                Store::open(dir.path(), &types, &Default::default(), &StoreOptions::default())?;
            let spent = started.elapsed();
            drop((store, recovered));
            let bytes = rows as f64 * (8 + 2 * size) as f64;
            println!(
                "reopen 1 M entities x (8 + 2 x {size} B): {spent:?}, {:.0} MB/s",
                bytes / spent.as_secs_f64() / 1e6
            );
        }
    }
    Ok(())
}

#[test]
#[ignore = "writes two gigabytes"]
fn a_state_larger_than_memtables_comes_back() -> Result<(), Box<dyn Error>> {
    // 250 MB of state, frames of 25 MB, epochs that fjall flushes to tables before they are deleted.
    const ROWS: u32 = 1_000_000;
    const SIZE: usize = 250;
    let types = [TypeEntry {
        name: "a".to_owned(),
        version: 1,
        row: RowKind::Fixed(SIZE as u32),
        layout: 0,
        transient: false,
    }];
    let dir = tempfile::tempdir()?;
    let (mut store, _) = Store::open(dir.path(), &types, &Default::default(), &StoreOptions::default())?;
    let mut writer = DeltaWriter::default();
    let mut state = vec![0_u8; ROWS as usize * SIZE];
    let (mut copied, mut peak) = (None::<u32>, 0);
    let part = ROWS / 10;
    for frame in 0..70_u64 {
        writer.begin(store.buffer(), frame, 0.0);
        if frame == 0 {
            writer.table(0, &[1]);
            writer.push(0, ROWS);
        }
        let first = (frame as u32 % 10) * part;
        let rows = &mut state[first as usize * SIZE..(first + part) as usize * SIZE];
        rows.fill(frame as u8 + 1);
        writer.rows_fixed(1, 0, first, part, Mark::Changed, rows);
        store.submit(writer.finish())?;
        if store.checkpoint_due() {
            let tables = vec![TableShape { types: vec![1], rows: ROWS }];
            store.begin_checkpoint(Base {
                frame,
                dt: 0.0,
                tables,
                serials: Default::default(),
                digest: None,
                by_inputs: false,
            })?;
            copied = Some(0);
        }
        if let Some(row) = copied {
            writer.begin_page(store.buffer(), frame);
            let rows = &state[row as usize * SIZE..(row + part) as usize * SIZE];
            writer.rows_fixed(1, 0, row, part, Mark::Moved, rows);
            store.page(writer.finish())?;
            copied = Some(row + part).filter(|row| *row < ROWS);
            if copied.is_none() {
                println!("  checkpoint ends at frame {frame}");
                store.end_checkpoint()?;
            }
        }
        peak = peak.max(disk_bytes(dir.path()));
    }
    store.flush()?;
    println!("  state 250 MB, disk peak {} MiB, resident {} MiB", peak >> 20, resident_bytes() >> 20);
    drop(store);
    let started = Instant::now();
    let (store, recovered) = Store::open(dir.path(), &types, &Default::default(), &StoreOptions::default())?;
    let recovered = recovered.ok_or("no world")?;
    println!("  reopened at frame {} in {:?}", recovered.frame, started.elapsed());
    let diptych_engine::store::Column::Fixed { bytes, .. } = &recovered.tables[0].columns[0] else {
        return Err("a fixed column came back as a variable one".into());
    };
    assert!(recovered.frame == 69 && *bytes == state, "another world came back");
    drop(store);
    let started = Instant::now();
    let problems = diptych_engine::store::verify(dir.path(), None)?;
    // This world has no column of ids.
    println!("  verified in {:?}: {problems:?}", started.elapsed());
    Ok(())
}
