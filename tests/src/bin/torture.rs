//! Runs the torture chamber from the command line.

fn main() {
    let mut args = std::env::args().skip(1).map(|n| n.parse::<u64>().unwrap());
    let (first, seeds) = (args.next().unwrap_or(0), args.next().unwrap_or(100));
    let mut all = tests::torture::Outcome::default();
    let start = std::time::Instant::now();
    for seed in first..first + seeds {
        match tests::torture::trial(seed, std::path::Path::new("/dev/shm")) {
            Ok(outcome) => {
                all.frames += outcome.frames;
                all.faults += outcome.faults;
                all.halts += outcome.halts;
                all.flips[0] += outcome.flips[0];
                all.flips[1] += outcome.flips[1];
            }
            Err(error) => println!("{error}"),
        }
    }
    println!("{all:?} {:?}", start.elapsed());
}
