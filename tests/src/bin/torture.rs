//! Runs the torture chamber from the command line.

fn main() {
    let seeds: u64 = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(100);
    let mut frames = 0;
    for seed in 0..seeds {
        match tests::torture::trial(seed) {
            Ok(outcome) => frames += outcome.frames,
            Err(error) => println!("seed {seed}: {error}"),
        }
    }
    println!("{frames} frames");
}
