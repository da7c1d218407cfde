//! Figures, not claims: run with
//! `cargo test --release -p diptych-engine --test engine store:: -- --ignored --nocapture`.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use diptych_engine::store::{
    Base, DeltaWriter, Durability, Mark, RowKind, Store, StoreOptions, TableShape, TypeEntry,
};

const ROWS: u32 = 100_000;
const ROW_BYTES: usize = 24;

fn dense_types() -> Vec<TypeEntry> {
    vec![TypeEntry {
        name: "dense".to_owned(),
        version: 1,
        row: RowKind::Fixed(ROW_BYTES as u32),
        layout: 0,
        transient: false,
    }]
}

pub(crate) fn disk_bytes(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| {
            let path = entry.path();
            if path.is_dir() { disk_bytes(&path) } else { entry.metadata().map_or(0, |m| m.blocks() * 512) }
        })
        .sum()
}

pub(crate) fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

#[test]
#[ignore = "prints figures"]
fn encode_cost() {
    let mut writer = DeltaWriter::default();
    let mut buffer = Vec::new();
    let dense = vec![7_u8; ROWS as usize * ROW_BYTES];
    let mut times = (Vec::new(), Vec::new());
    for frame in 0..2000 {
        let started = Instant::now();
        writer.begin(buffer, frame, 0.0);
        for row in 0..100_u32 {
            writer.rows_fixed(1, 0, (row * 7919) % ROWS, 1, Mark::Changed, std::hint::black_box(&[3; 12]));
        }
        let delta = writer.finish();
        times.0.push(started.elapsed());
        buffer = delta.into_sealed_bytes();
    }
    for frame in 0..200 {
        let started = Instant::now();
        writer.begin(buffer, frame, 0.0);
        writer.rows_fixed(1, 0, 0, ROWS, Mark::Changed, std::hint::black_box(&dense));
        let delta = writer.finish();
        times.1.push(started.elapsed());
        buffer = delta.into_sealed_bytes();
    }
    times.0.sort();
    times.1.sort();
    println!(
        "100 one-row runs of 12 B: median {:?}; 2.4 MB in one run: median {:?}",
        times.0[1000], times.1[100]
    );
}

#[test]
#[ignore = "prints figures"]
fn small_records_on_the_writer_thread() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let (mut store, _) =
        Store::open(dir.path(), &dense_types(), &Default::default(), &StoreOptions::default())?;
    let mut writer = DeltaWriter::default();
    let values = vec![7_u8; ROWS as usize * ROW_BYTES];
    for round in 0..3 {
        let (before, started) = (store.stats(), Instant::now());
        for frame in 0..20_000 {
            writer.begin(store.buffer(), round * 20_000 + frame, 0.0);
            if round == 0 && frame == 0 {
                writer.table(0, &[0, 1]);
                writer.push(0, ROWS);
            }
            for row in 0..100_u32 {
                writer.rows_fixed(1, 0, row * 7, 1, Mark::Changed, &[3; ROW_BYTES]);
            }
            store.submit(writer.finish())?;
            if store.checkpoint_due() {
                let tables = vec![TableShape { types: vec![0, 1], rows: ROWS }];
                let frame = round * 20_000 + frame;
                store.begin_checkpoint(Base {
                    frame,
                    dt: 0.0,
                    tables,
                    serials: Default::default(),
                    digest: None,
                    by_inputs: false,
                })?;
                writer.begin_page(store.buffer(), frame);
                writer.rows_fixed(1, 0, 0, ROWS, Mark::Moved, &values);
                store.page(writer.finish())?;
                store.end_checkpoint()?;
            }
        }
        store.flush()?;
        let (after, spent) = (store.stats(), started.elapsed());
        println!(
            "100 runs of 24 B as one record of 2.9 kB: writer {:?} per record, whole loop {:?} per frame, {} groups",
            (after.write_time - before.write_time) / 20_000,
            spent / 20_000,
            after.groups - before.groups
        );
    }
    for frame in 60_000..60_001_u64 {
        let started = Instant::now();
        for empty in 0..100_000 {
            store.empty_to(frame + empty);
        }
        println!("empty_to: {:?}", started.elapsed() / 100_000);
    }
    Ok(())
}

/// Submits dense frames at full speed for `seconds`, checkpoints as the engine would (8 pages a frame).
fn dense(dir: &Path, seconds: u64, durability: Durability) -> Result<(f64, u64), Box<dyn Error>> {
    const PAGE_ROWS: u32 = 64 * 1024 / ROW_BYTES as u32;
    let mut options = StoreOptions::default();
    options.durability = durability;
    let (mut store, _) = Store::open(dir, &dense_types(), &Default::default(), &options)?;
    let mut writer = DeltaWriter::default();
    let values = vec![7_u8; ROWS as usize * ROW_BYTES];
    let (started, mut frame, mut next_row, mut report) = (Instant::now(), 0_u64, None::<u32>, 5);
    let mut peak = 0;
    while started.elapsed() < Duration::from_secs(seconds) {
        writer.begin(store.buffer(), frame, 0.0);
        if frame == 0 {
            writer.table(0, &[0, 1]);
            writer.push(0, ROWS);
        }
        writer.rows_fixed(1, 0, 0, ROWS, Mark::Changed, &values);
        store.submit(writer.finish())?;
        if store.checkpoint_due() {
            let tables = vec![TableShape { types: vec![0, 1], rows: ROWS }];
            store.begin_checkpoint(Base {
                frame,
                dt: 0.0,
                tables,
                serials: Default::default(),
                digest: None,
                by_inputs: false,
            })?;
            next_row = Some(0);
        }
        if let Some(first) = next_row {
            let count = (PAGE_ROWS * 8).min(ROWS - first);
            if count > 0 {
                writer.begin_page(store.buffer(), frame);
                writer.rows_fixed(1, 0, first, count, Mark::Moved, &values[..count as usize * ROW_BYTES]);
                store.page(writer.finish())?;
                next_row = Some(first + count);
            } else {
                store.end_checkpoint()?;
                next_row = None;
            }
        }
        frame += 1;
        if frame.is_multiple_of(64) {
            let disk = disk_bytes(dir);
            peak = peak.max(disk);
            if started.elapsed().as_secs() >= report {
                println!(
                    "  {report} s: {frame} frames, disk {} MiB (peak {}), resident {} MiB, slowest group {:?}, syncs {}",
                    disk >> 20,
                    peak >> 20,
                    resident_bytes() >> 20,
                    store.stats().write_time_max,
                    store.stats().syncs
                );
                report += 5;
            }
        }
    }
    store.flush()?;
    println!("  {:?}", store.stats());
    let spent = started.elapsed().as_secs_f64();
    Ok((frame as f64 * values.len() as f64 / spent / 1e6, peak))
}

fn seconds() -> u64 {
    std::env::var("DIPTYCH_SPEED_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(10)
}

#[test]
#[ignore = "prints figures"]
fn dense_frames_at_full_speed() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let (rate, peak) = dense(dir.path(), seconds(), Durability::Buffered)?;
    println!("dense 2.4 MB frames: {rate:.0} MB/s, disk peak {} MiB", peak >> 20);
    let started = Instant::now();
    let (store, recovered) =
        Store::open(dir.path(), &dense_types(), &Default::default(), &StoreOptions::default())?;
    println!("reopened at frame {} in {:?}", recovered.ok_or("no world")?.frame, started.elapsed());
    drop(store);
    Ok(())
}

#[test]
#[ignore = "prints figures"]
fn fjall_alone() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let db = fjall::Database::builder(dir.path()).manual_journal_persist(true).open()?;
    let keyspace = db.keyspace("pages", fjall::KeyspaceCreateOptions::default)?;
    let page = vec![7_u8; 64 * 1024];
    let (started, mut frames, mut peak) = (Instant::now(), 0_u64, 0);
    while started.elapsed() < Duration::from_secs(seconds()) {
        let mut batch = db.batch().durability(None);
        for index in 0..37_u32 {
            batch.insert(&keyspace, index.to_be_bytes(), page.as_slice());
        }
        batch.commit()?;
        db.persist(fjall::PersistMode::Buffer)?;
        frames += 1;
        if frames.is_multiple_of(64) {
            peak = peak.max(disk_bytes(dir.path()));
        }
    }
    db.persist(fjall::PersistMode::SyncData)?;
    let rate = frames as f64 * 37.0 * 65536.0 / started.elapsed().as_secs_f64() / 1e6;
    println!(
        "fjall alone, 37 overwritten pages of 64 KiB a batch: {rate:.0} MB/s, disk peak {} MiB",
        peak >> 20
    );
    Ok(())
}

#[test]
#[ignore = "prints figures"]
fn synced_frames_one_by_one() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let mut options = StoreOptions::default();
    options.durability = Durability::Synced;
    let (mut store, _) = Store::open(dir.path(), &dense_types(), &Default::default(), &options)?;
    let mut writer = DeltaWriter::default();
    let mut times = Vec::new();
    for frame in 0..1000 {
        let started = Instant::now();
        writer.begin(store.buffer(), frame, 0.0);
        if frame == 0 {
            writer.table(0, &[0, 1]);
            writer.push(0, ROWS);
        }
        for row in 0..100_u32 {
            writer.rows_fixed(1, 0, row * 7, 1, Mark::Changed, &[3; ROW_BYTES]);
        }
        store.submit(writer.finish())?;
        store.wait_durable(frame, Duration::from_secs(10))?;
        times.push(started.elapsed());
    }
    times.sort();
    println!("a synced frame, submitted and waited for: median {:?}, p95 {:?}", times[500], times[950]);
    Ok(())
}

#[test]
#[ignore = "prints figures"]
fn submit_at_60_hz_dense() -> Result<(), Box<dyn Error>> {
    // What the engine's thread sees of the store while dense frames come at 60 Hz.
    let dir = tempfile::tempdir()?;
    let (mut store, _) =
        Store::open(dir.path(), &dense_types(), &Default::default(), &StoreOptions::default())?;
    let mut writer = DeltaWriter::default();
    let values = vec![7_u8; ROWS as usize * ROW_BYTES];
    let (mut times, mut peak, mut next_row) = (Vec::new(), 0, None::<u32>);
    for frame in 0..seconds() * 60 {
        let started = Instant::now();
        writer.begin(store.buffer(), frame, 0.0);
        if frame == 0 {
            writer.table(0, &[0, 1]);
            writer.push(0, ROWS);
        }
        writer.rows_fixed(1, 0, 0, ROWS, Mark::Changed, &values);
        store.submit(writer.finish())?;
        if store.checkpoint_due() {
            let tables = vec![TableShape { types: vec![0, 1], rows: ROWS }];
            store.begin_checkpoint(Base {
                frame,
                dt: 0.0,
                tables,
                serials: Default::default(),
                digest: None,
                by_inputs: false,
            })?;
            next_row = Some(0);
        }
        if let Some(first) = next_row {
            writer.begin_page(store.buffer(), frame);
            let rows = &values[first as usize * ROW_BYTES..(first as usize + 10_000) * ROW_BYTES];
            writer.rows_fixed(1, 0, first, 10_000, Mark::Moved, rows);
            store.page(writer.finish())?;
            next_row = Some(first + 10_000).filter(|row| *row < ROWS);
            if next_row.is_none() {
                store.end_checkpoint()?;
            }
        }
        times.push(started.elapsed());
        peak = peak.max(disk_bytes(dir.path()));
        std::thread::sleep(Duration::from_micros(16_667).saturating_sub(started.elapsed()));
    }
    times.sort();
    println!(
        "2.4 MB at 60 Hz: encode and submit median {:?}, p99 {:?}, max {:?}; queue peak {} frames; disk peak {} MiB; resident {} MiB; {:?}",
        times[times.len() / 2],
        times[times.len() * 99 / 100],
        times[times.len() - 1],
        store.stats().queue_frames_peak,
        peak >> 20,
        resident_bytes() >> 20,
        store.stats()
    );
    Ok(())
}

#[test]
#[ignore = "prints figures"]
fn digest_cost() {
    let seed = diptych_engine::digest::type_seed("motion.position");
    for size in [8_usize, 12, 24, 64] {
        let bytes = vec![7_u8; size * 1_000_000];
        let mut times: Vec<Duration> = (0..7)
            .map(|_| {
                let started = Instant::now();
                let sum = (0_u64..).zip(bytes.chunks_exact(size)).fold(0_u128, |sum, (id, row)| {
                    sum.wrapping_add(diptych_engine::digest::row_hash(seed, id, row))
                });
                std::hint::black_box(sum);
                started.elapsed()
            })
            .collect();
        times.sort();
        println!("1 M rows of {size} B hashed: median {:?}", times[3]);
    }
}
