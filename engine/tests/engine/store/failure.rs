//! A disk that stalls or fails, and directories that are no worlds.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use diptych_engine::store::{DeltaWriter, Durability, FaultPlan, Mark, Store, StoreError};

use super::model::{Driver, facts, open, options, types};

#[test]
fn after_a_failed_write_or_sync_nothing_is_acknowledged() -> Result<(), Box<dyn Error>> {
    // Goal: the error is kept, durable stays, and the directory opens at a frame that was submitted.
    for faults in [
        FaultPlan { fail_write: 6, ..FaultPlan::default() },
        FaultPlan { fail_sync: 4, ..FaultPlan::default() },
    ] {
        let dir = tempfile::tempdir()?;
        let mut faulty = options(Durability::Synced);
        faulty.faults = faults;
        let (mut store, _) = Store::open(dir.path(), &types(), &facts(), &faulty)?;
        let mut writer = DeltaWriter::default();
        let mut failed = None;
        for frame in 0..50 {
            writer.begin(store.buffer(), frame, 0.0);
            if let Err(error) = store.submit(writer.finish()) {
                failed = Some(error);
                break;
            }
            if store.wait_durable(frame, Duration::from_secs(20)).is_err() {
                failed = store.failure();
                break;
            }
        }
        let failed = failed.ok_or("fifty frames went through a broken disk")?;
        assert!(failed.to_string().contains("injected fault"), "{failed}");
        let durable = store.durable_frame();
        assert!(store.flush().is_err() && store.durable_frame() == durable, "nothing moves any more");
        drop(store);
        let (_, recovered) = open(dir.path(), Durability::Synced)?;
        let frame = recovered.ok_or("the acknowledged frames are gone")?.frame;
        assert!((durable..=durable + 1).contains(&frame), "frame {frame} came back, {durable} was durable");
    }
    Ok(())
}

#[test]
fn a_stalled_disk_does_not_slow_submit_while_the_queue_has_room() -> Result<(), Box<dyn Error>> {
    // Goal: bounded queue, counted waits. Method: a writer that sleeps 100 ms now and then.
    let dir = tempfile::tempdir()?;
    let mut stalling = options(Durability::Buffered);
    stalling.faults =
        FaultPlan { stall_every: 20, stall: Duration::from_millis(100), ..FaultPlan::default() };
    let (mut store, _) = Store::open(dir.path(), &types(), &facts(), &stalling)?;
    let mut writer = DeltaWriter::default();
    let mut slowest = Duration::ZERO;
    for frame in 0..200 {
        writer.begin(store.buffer(), frame, 0.0);
        let started = Instant::now();
        store.submit(writer.finish())?;
        slowest = slowest.max(started.elapsed());
    }
    assert_eq!(store.stats().submit_waits, 0, "200 frames fit into the queue");
    assert!(slowest < Duration::from_millis(50), "a submit took {slowest:?}");
    drop(store);

    stalling.queue_frames_max = 4;
    let dir = tempfile::tempdir()?;
    let (mut store, _) = Store::open(dir.path(), &types(), &facts(), &stalling)?;
    for frame in 0..100 {
        writer.begin(store.buffer(), frame, 0.0);
        store.submit(writer.finish())?;
        assert!(store.stats().queue_frames <= 4, "the bound holds");
    }
    assert!(store.stats().submit_waits > 0, "a full queue makes submit wait");
    Ok(())
}

#[test]
fn a_directory_that_is_no_world_is_refused_by_name() -> Result<(), Box<dyn Error>> {
    // Goal: a file, a foreign directory, a world of another format, a held world: each says what it is.
    let dir = tempfile::tempdir()?;
    let message = |path: &std::path::Path| {
        open(path, Durability::Buffered)
            .err()
            .map_or_else(|| "it opened".to_owned(), |error| error.to_string())
    };
    let file = dir.path().join("file");
    fs::write(&file, "text")?;
    assert!(message(&file).contains("it is a file"), "{}", message(&file));
    assert!(message(dir.path()).contains("no file FORMAT"), "{}", message(dir.path()));
    let other = dir.path().join("other");
    fs::create_dir(&other)?;
    fs::write(other.join("FORMAT"), "diptych world, format 9\n")?;
    assert!(message(&other).contains("format 9"), "{}", message(&other));
    let held = dir.path().join("held");
    let (store, _) = open(&held, Durability::Buffered)?;
    assert!(
        matches!(open(&held, Durability::Buffered), Err(StoreError::Locked { .. })),
        "{}",
        message(&held)
    );
    drop(store);
    fs::remove_file(held.join("watermark"))?;
    assert!(message(&held).contains("watermark"), "{}", message(&held));
    Ok(())
}

#[test]
fn a_creation_cut_short_leaves_no_world_and_no_obstacle() -> Result<(), Box<dyn Error>> {
    // Goal: a crash between FORMAT and the rename of the database. Method: leave db.new behind.
    let dir = tempfile::tempdir()?;
    let begun = tempfile::tempdir()?;
    fs::write(begun.path().join("FORMAT.new"), "dip")?;
    assert!(open(begun.path(), Durability::Buffered)?.1.is_none(), "half a FORMAT is no obstacle");
    fs::write(dir.path().join("FORMAT"), "diptych world, format 1\n")?;
    fs::create_dir(dir.path().join("db.new"))?;
    fs::write(dir.path().join("db.new/0.jnl"), "half")?;
    let (mut store, recovered) = open(dir.path(), Durability::Buffered)?;
    assert!(recovered.is_none(), "nothing was ever submitted");
    let mut driver = Driver::new(2);
    driver.frame(&mut store)?;
    drop(store);
    let (_, recovered) = open(dir.path(), Durability::Buffered)?;
    driver.model.compare(&recovered.ok_or("one frame was submitted")?)?;
    Ok(())
}

#[test]
fn buffers_come_back_so_that_steady_frames_allocate_nothing() -> Result<(), Box<dyn Error>> {
    // Goal: the pool. Method: after a flush the next buffer has the capacity of an earlier record.
    let dir = tempfile::tempdir()?;
    let (mut store, _) = open(dir.path(), Durability::Buffered)?;
    let mut writer = DeltaWriter::default();
    for frame in 0..3 {
        writer.begin(store.buffer(), frame, 0.0);
        if frame == 0 {
            writer.table(0, &[0]);
            writer.push(0, 1000);
        }
        writer.rows_fixed(0, 0, 0, 1000, Mark::Changed, &[1; 8000]);
        store.submit(writer.finish())?;
        store.flush()?;
    }
    let capacity = store.buffer().capacity();
    assert!(capacity >= 8000, "a fresh buffer of {capacity} bytes came instead of a used one");
    Ok(())
}

const FULL_DIR: &str = "DIPTYCH_STORE_FULL_DIR";

#[test]
fn a_full_disk_stops_the_store_at_the_last_good_frame() -> Result<(), Box<dyn Error>> {
    // Goal: no frame called durable is lost when the disk takes no more, and the error is a sentence.
    // Method: this test again as a child whose files may not grow beyond 80 MiB (RLIMIT_FSIZE).
    if let Ok(dir) = std::env::var(FULL_DIR) {
        return fill_up(Path::new(&dir));
    }
    let dir = tempfile::tempdir()?;
    let limited = |kib: u32, dir: &Path| {
        Command::new("bash")
            .arg("-c")
            .arg(format!("trap '' XFSZ; ulimit -f {kib}; exec \"$@\""))
            .arg("bash")
            .arg(std::env::current_exe()?)
            .args([
                "--exact",
                "store::failure::a_full_disk_stops_the_store_at_the_last_good_frame",
                "--nocapture",
            ])
            .env(FULL_DIR, dir)
            .output()
    };
    let output = limited(80 << 10, dir.path())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line =
        text.lines().find_map(|line| line.strip_prefix("stopped ")).ok_or(format!("no stop: {text}"))?;
    let (durable, message) = line.split_once(' ').ok_or("a malformed line")?;
    let durable: u64 = durable.parse()?;
    assert!(
        message.contains("the store stopped after frame") && message.contains("File too large"),
        "{message}"
    );
    assert!(durable > 10, "only {durable} frames fitted into 80 MiB");
    let (_, recovered) = open(dir.path(), Durability::Buffered)?;
    let recovered = recovered.ok_or("the world is gone")?;
    assert!(recovered.frame >= durable, "frame {} of {durable} came back", recovered.frame);

    let none = tempfile::tempdir()?;
    let output = limited(1 << 10, none.path())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("refused ") && text.contains("File too large"), "{text}");
    Ok(())
}

/// Writes frames of 1 MB until the store stops, and says where.
fn fill_up(dir: &Path) -> Result<(), Box<dyn Error>> {
    let mut store = match open(dir, Durability::Synced) {
        Ok((store, _)) => store,
        Err(error) => {
            println!("\nrefused {error}");
            return Ok(());
        }
    };
    let mut writer = DeltaWriter::default();
    for frame in 0..500 {
        writer.begin(store.buffer(), frame, 0.0);
        if frame == 0 {
            writer.table(0, &[0]);
            writer.push(0, 125_000);
        }
        writer.rows_fixed(0, 0, 0, 125_000, Mark::Changed, &vec![7; 1_000_000]);
        if store.submit(writer.finish()).is_err()
            || store.wait_durable(frame, Duration::from_secs(20)).is_err()
        {
            let error = store.failure().ok_or("a failed store has a reason")?;
            println!("\nstopped {} {error}", store.durable_frame());
            return Ok(());
        }
    }
    Err("500 MB fitted into 80 MiB".into())
}
