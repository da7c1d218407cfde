//! A short run of the torture chamber: random worlds, faults and crashes from a few dozen seeds, against the naive
//! model. Long runs are the program `torture`'s; a violation says how to run its seed again.
//!
//! Shown to fail: by each of the seeded bugs (`torture --bugs`), of which every one is caught.

use std::path::PathBuf;
use tests::torture::{Ground, Settings, chamber, ground, reproduce};

/// Seeds of the run: a few seconds.
const SEEDS: u64 = 40;

/// No seed is violated, and the faults are there: writers halted, processes killed, bytes flipped.
#[test]
fn a_short_run_of_the_chamber_finds_nothing() {
    let scratch = tempfile::tempdir_in(ground()).expect("a directory");
    let program = PathBuf::from(env!("CARGO_BIN_EXE_torture"));
    let tally = chamber(&Settings {
        seed: 1,
        seeds: Some(SEEDS),
        time: None,
        jobs: 4,
        progress: false,
        violations: 3,
        ground: Ground { scratch: scratch.path().to_owned(), program: Some(program), keep: false },
    });
    let told: Vec<String> =
        tally.violations.iter().map(|one| format!("{one}\n    again: {}", reproduce(one.seed))).collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
    let outcome = &tally.outcome;
    assert_eq!(tally.seeds, SEEDS);
    // How many faults meet their moment is the machine's affair; none would be a fault of the chamber.
    assert!(outcome.halts > 0 && outcome.kills > 0 && outcome.flips[0] > 0, "{outcome:?}");
    assert!(outcome.losses.iter().sum::<u64>() > 0, "{outcome:?}");
    assert!(outcome.rollbacks > 0 && outcome.imports > 0 && outcome.views > 0, "{outcome:?}");
}
