//! `kill -9` at any moment: what had been acknowledged comes back, and nothing that never was.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use diptych_engine::store::Durability;

use super::model::{Driver, open};

const DIR: &str = "DIPTYCH_STORE_TEST_DIR";
const SEED: u64 = 11;

/// The history up to `frame`, which is the same in every process.
fn replayed(frame: Option<u64>) -> Driver {
    let mut driver = Driver::new(SEED);
    while driver.model.frame < frame {
        driver.replay();
    }
    driver
}

#[test]
fn a_killed_process_loses_nothing_acknowledged() -> Result<(), Box<dyn Error>> {
    // Goal: after every kill the world is one of the history, at or after the last frame that the child
    // had called durable, marks included. Method: this test again as a child, killed after random lines.
    if let Ok(dir) = std::env::var(DIR) {
        return child(Path::new(&dir));
    }
    let dir = tempfile::tempdir()?;
    let mut acknowledged = 0;
    for round in 0..14_u64 {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--exact", "store::killed::a_killed_process_loses_nothing_acknowledged", "--nocapture"])
            .env(DIR, dir.path())
            .stdout(Stdio::piped())
            .spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("the child has no output")?).lines();
        let mut left = 1 + (round * 37) % 90;
        for line in lines {
            let line = line?;
            if let Some(frame) = line.strip_prefix("durable ") {
                acknowledged = frame.parse()?;
                left -= 1;
            }
            if left == 0 {
                break;
            }
        }
        child.kill()?;
        child.wait()?;
        let (store, recovered) = open(dir.path(), Durability::Buffered)?;
        let recovered = recovered.ok_or(format!("round {round}: the world is gone"))?;
        assert!(
            recovered.frame >= acknowledged,
            "round {round}: frame {} of {acknowledged}",
            recovered.frame
        );
        let driver = replayed(Some(recovered.frame));
        driver.model.compare(&recovered).map_err(|difference| format!("round {round}: {difference}"))?;
        drop(store);
    }
    assert!(acknowledged > 100, "only {acknowledged} frames were made");
    Ok(())
}

/// Runs until it is killed; alternates between durabilities so that both are hit.
fn child(dir: &Path) -> Result<(), Box<dyn Error>> {
    let durability =
        if std::process::id().is_multiple_of(2) { Durability::Buffered } else { Durability::Synced };
    let (mut store, recovered) = open(dir, durability)?;
    let mut driver = replayed(recovered.map(|recovered| recovered.frame));
    driver.reopened();
    let mut output = std::io::stdout();
    for _ in 0..20_000 {
        driver.frame(&mut store)?;
        if driver.pace.below(3) == 0 {
            let frame = driver.model.frame.ok_or("no frame")?;
            if store.wait_durable(frame, Duration::from_secs(20))? {
                writeln!(output, "\ndurable {frame}")?;
            }
        }
    }
    Ok(())
}
