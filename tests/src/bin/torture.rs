//! `torture`: runs the torture chamber, shows how far it is, and says how to run a violation again.
//!
//! The exit code is 1 where something was violated, or a seeded bug was not caught.

use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use tests::torture::{Ground, Settings, WORKER, chamber, ground, reproduce, work};

/// Seeds that are run where neither a number nor a time is given.
const SEEDS_DEFAULT: u64 = 200;

/// Random worlds, faults and crashes against a naive model: one seed is one run.
#[derive(Debug, Parser)]
#[command(name = "torture")]
struct Args {
    /// The first seed; the others follow it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Seeds to run; 200 unless a time is given. With --bugs: at most so many for each bug.
    #[arg(long)]
    seeds: Option<u64>,
    /// Minutes to run.
    #[arg(long)]
    minutes: Option<f64>,
    /// Seeds that run at once; each uses several threads for moments.
    #[arg(long, default_value_t = 4)]
    jobs: usize,
    /// Where worlds are made; a folder in memory where there is one.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The report as one line of JSON.
    #[arg(long)]
    json: bool,
    /// Keeps the worlds of seeds that are violated.
    #[arg(long)]
    keep: bool,
    /// Plants each seeded bug in turn and runs until it is caught; needs `--features seeded-bugs`.
    #[arg(long)]
    bugs: bool,
}

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    if words.next().is_some_and(|word| word == WORKER) {
        work(words);
    }
    let args = Args::parse();
    // Panics of trials are violations and are printed as such.
    std::panic::set_hook(Box::new(|_| {}));
    let scratch = args.dir.clone().unwrap_or_else(ground);
    let scratch = scratch.join(format!("torture-{}", std::process::id()));
    let settings = Settings {
        seed: args.seed,
        seeds: args.seeds.or(args.minutes.is_none().then_some(SEEDS_DEFAULT)),
        time: args.minutes.map(|minutes| Duration::from_secs_f64(minutes.max(0.0) * 60.0)),
        jobs: args.jobs,
        progress: true,
        violations: 10,
        ground: Ground { scratch: scratch.clone(), program: std::env::current_exe().ok(), keep: args.keep },
    };
    let code = if args.bugs { hunt(&settings, args.json) } else { run(&settings, args.json) };
    if !args.keep {
        // What is left there is rubbish; whoever can remove it may.
        std::fs::remove_dir_all(&scratch).unwrap_or_default();
    }
    code
}

fn run(settings: &Settings, json: bool) -> ExitCode {
    let tally = chamber(settings);
    if json {
        println!("{}", tally.json());
    } else {
        eprintln!();
        for violation in &tally.violations {
            println!("{violation}\n    again: {}", reproduce(violation.seed));
        }
        println!("{} in {:.0} s", tally.line(), tally.time.as_secs_f64());
    }
    if tally.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(feature = "seeded-bugs")]
fn hunt(settings: &Settings, json: bool) -> ExitCode {
    let all = tests::torture::hunt(settings);
    for caught in &all {
        let shown = caught.violation.as_ref().map_or("NOT CAUGHT", |violation| &violation.what);
        let seed = caught.violation.as_ref().map(|violation| violation.seed);
        let after = caught.violation.as_ref().and_then(|violation| violation.done.last());
        if json {
            let line = serde_json::json!({
                "bug": caught.bug.name(),
                "seeds": caught.seeds,
                "seed": seed,
                "shown": shown,
                "after": after,
            });
            println!("{line}");
        } else {
            println!("{:<30} {:>5}  {shown}", caught.bug.name(), caught.seeds);
        }
    }
    let all_caught = all.iter().all(|caught| caught.violation.is_some());
    if all_caught { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(not(feature = "seeded-bugs"))]
fn hunt(_: &Settings, _: bool) -> ExitCode {
    eprintln!(
        "the bugs are not in this build; run it with\n  \
         cargo run --release -p tests --features seeded-bugs --bin torture -- --bugs"
    );
    ExitCode::FAILURE
}
