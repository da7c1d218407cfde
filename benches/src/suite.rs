//! A bench's run: options, repetitions in turn, and the table.
//!
//! Invariant: both sides run once unmeasured, then in turn, the same number of times. Left out: worlds.

use crate::host;
use crate::report::{Row, Samples, Target};
use serde_json::{Map, Value, json};

/// Repetitions unless `--reps` says otherwise; never fewer than [`REPS_MIN`].
pub const REPS: usize = 9;
/// House rule: at least five repetitions.
pub const REPS_MIN: usize = 5;

/// Options of the command line and the rows so far.
#[derive(Debug)]
pub struct Suite {
    name: &'static str,
    filters: Vec<String>,
    json: bool,
    long: bool,
    minutes: u64,
    reps: usize,
    host: Vec<(&'static str, String)>,
    rows: Vec<Row>,
    notes: Vec<String>,
}

impl Suite {
    /// Reads the command line: `[FILTER ..] [--json] [--reps N] [--long [--minutes N]]`. Exits with 2 when it
    /// is wrong.
    pub fn from_args(name: &'static str) -> Self {
        let (mut filters, mut json, mut long) = (Vec::new(), false, false);
        let (mut reps, mut minutes) = (REPS as u64, 10);
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            match arg.as_str() {
                // Cargo's own.
                "--bench" | "--test" => {}
                "--json" => json = true,
                "--long" => long = true,
                "--minutes" => minutes = number("--minutes", args.next(), 1),
                "--reps" => reps = number("--reps", args.next(), REPS_MIN as u64),
                option if option.starts_with('-') => fail(&format!(
                    "{option} is no option; use [FILTER ..] [--json] [--reps N] [--long [--minutes N]]"
                )),
                filter => filters.push(filter.to_owned()),
            }
        }
        let reps = reps as usize;
        let host = host::describe();
        if !json {
            host.iter().for_each(|(key, value)| println!("{key:>10}  {value}"));
            println!("{:>10}  {reps} a side, in turn, after one unmeasured; median / p95\n", "samples");
            println!("| work | unit | ours | peer | ratio | to reach | |\n|---|---|---|---|---|---|---|");
        }
        Self { name, filters, json, long, minutes, reps, host, rows: Vec::new(), notes: Vec::new() }
    }

    /// Whether a row is asked for, by any part of its name: without filters all are. To be asked before a
    /// world is built for it.
    pub fn wants(&self, name: &str) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| name.contains(filter.as_str()))
    }

    /// Whether the ten-minute runs are asked for.
    pub fn long(&self) -> bool {
        self.long
    }

    /// Minutes of each of those: ten, unless `--minutes` says otherwise.
    pub fn minutes(&self) -> u64 {
        self.minutes
    }

    /// Repetitions a side.
    pub fn reps(&self) -> usize {
        self.reps
    }

    /// Runs ours and the peer's in turn; both answer one sample in `unit`.
    pub fn compare(
        &mut self,
        name: &str,
        unit: &'static str,
        target: Target,
        ours: &mut dyn FnMut() -> f64,
        peer: (&str, &mut dyn FnMut() -> f64),
    ) {
        let (peer_name, peer) = peer;
        let (mut our_samples, mut peer_samples) = (Samples::default(), Samples::default());
        ours();
        peer();
        for _ in 0..self.reps {
            our_samples.0.push(ours());
            peer_samples.0.push(peer());
        }
        let peer = Some((peer_name.to_owned(), peer_samples));
        self.row(Row { name: name.to_owned(), unit, ours: our_samples, peer, target });
    }

    /// Runs ours alone, against a bound in `unit`.
    pub fn measure(&mut self, name: &str, unit: &'static str, target: Target, ours: &mut dyn FnMut() -> f64) {
        ours();
        let samples = Samples((0..self.reps).map(|_| ours()).collect());
        self.row(Row { name: name.to_owned(), unit, ours: samples, peer: None, target });
    }

    /// Enters a row that was measured by the caller.
    pub fn row(&mut self, row: Row) {
        if !self.json {
            println!("{}", row.line());
        }
        self.rows.push(row);
    }

    /// Says something that belongs to the rows, such as what was not measured and why.
    pub fn note(&mut self, text: &str) {
        if !self.json {
            println!("| ({text}) | | | | | | |");
        }
        self.notes.push(text.to_owned());
    }

    /// Ends the run: one JSON object on standard output with `--json`, a summary otherwise.
    pub fn finish(self) {
        if self.json {
            let host: Map<String, Value> =
                self.host.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
            let rows: Vec<Value> = self.rows.iter().map(Row::json).collect();
            println!("{}", json!({ "bench": self.name, "host": host, "rows": rows, "notes": self.notes }));
            return;
        }
        let judged = self.rows.iter().filter_map(Row::met);
        let (met, all) = judged.fold((0, 0), |(met, all), this| (met + usize::from(this), all + 1));
        println!("\n{}: {met} of {all} targets met", self.name);
    }
}

fn number(option: &str, value: Option<String>, least: u64) -> u64 {
    let parsed = value.and_then(|value| value.parse().ok()).filter(|n| *n >= least);
    parsed.unwrap_or_else(|| fail(&format!("{option} needs a number of at least {least}")))
}

fn fail(message: &str) -> ! {
    eprintln!("{message}");
    std::process::exit(2);
}
