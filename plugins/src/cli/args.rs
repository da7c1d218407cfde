//! The arguments of each command.
//!
//! Invariant: a value that got through is in its range; what depends on files or on other values is checked by
//! the commands.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use diptych::life::Grid;
use diptych::prelude::Durability;

/// The most threads that can be asked for.
const THREADS_MAX: u64 = 1024;
/// The most frames per second that can be asked for.
const HZ_MAX: f64 = 1e6;

/// What can be run.
#[derive(Subcommand, Debug)]
pub(crate) enum Scene {
    /// Conway's Life and its kin on a torus, from an RLE file
    Life(LifeArgs),
    /// Bodies under gravity: the Sun and the giant planets, or those of a CSV file
    Nbody(NbodyArgs),
}

/// `run life`
#[derive(Args, Debug)]
pub(crate) struct LifeArgs {
    /// The pattern: a run-length encoded file, as LifeWiki publishes them
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Size of the torus; the pattern is put in its middle
    #[arg(long, value_name = "WxH", default_value_t = Grid::DEFAULT)]
    pub(crate) grid: Grid,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// `run nbody`
#[derive(Args, Debug)]
pub(crate) struct NbodyArgs {
    /// The bodies: name,mass,x,y,z,vx,vy,vz; the Sun and the giant planets if left out
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// World time of one frame, in years for the planets
    #[arg(long, default_value_t = 0.01, value_parser = step, allow_negative_numbers = true)]
    pub(crate) dt: f64,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// What all scenes take.
#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// The frame to reach: a world that is stored at frame 700 runs 300 more to reach 1000
    #[arg(long, value_name = "N")]
    pub(crate) frames: u64,
    /// Threads to run on; all cores if left out
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u64).range(1..=THREADS_MAX))]
    pub(crate) threads: Option<u64>,
    /// Seed of the world's randomness
    #[arg(long, value_name = "S")]
    pub(crate) seed: Option<u64>,
    /// Keep the world in this directory, and go on with the one that is there; in memory if left out
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// When a frame counts as kept: memory (only at checkpoints and at the end), buffered (survives the
    /// program), synced (survives a power cut) or every:N (synced every N frames)
    #[arg(long, value_name = "MODE", value_parser = durability)]
    pub(crate) durability: Option<Durability>,
    /// Frames per second; as fast as possible if left out
    #[arg(long, value_name = "H", value_parser = hz, allow_negative_numbers = true)]
    pub(crate) hz: Option<f64>,
    /// Print the report as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `inspect`
#[derive(Args, Debug)]
pub(crate) struct InspectArgs {
    /// The world's directory
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Print the report as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `verify`
#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// The world's directory
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
}

fn step(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(dt) if dt.is_finite() && dt > 0.0 => Ok(dt),
        _ => Err("a step must be a finite number above 0".to_owned()),
    }
}

fn hz(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(hz) if hz > 0.0 && hz <= HZ_MAX => Ok(hz),
        _ => Err(format!("frames per second must be a number above 0, at most {HZ_MAX}")),
    }
}

fn durability(text: &str) -> Result<Durability, String> {
    match text {
        "memory" => Ok(Durability::Memory),
        "buffered" => Ok(Durability::Buffered),
        "synced" => Ok(Durability::Synced),
        _ => match text.strip_prefix("every:").map(str::parse::<u32>) {
            Some(Ok(frames)) if frames > 0 => Ok(Durability::Every(frames)),
            _ => Err("it is one of memory, buffered, synced, every:N with N of 1 or more".to_owned()),
        },
    }
}
